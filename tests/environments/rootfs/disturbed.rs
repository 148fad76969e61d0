//! Builds of a root beside others, on the model: names that are exchanged, mounts of strangers, a second build.

use std::cell::Cell;

use mountwright_core::rootfs::{RootfsPlan, RootfsReport};
use mountwright_core::{Backend, Location, MountRequest, Mounter, OsError};
use mountwright_fake::test_kit::{Exchange, Level, Run, every_exchange, every_interleaving};
use mountwright_fake::{FakeBackend, KernelVersion};
use mountwright_tests::settings::Settings;
use serde_json::json;

use crate::Case;
use crate::building::{host_of, mounts, terminal};
use crate::specs::{default_spec, plan, with_mounts};

/// Names of the image that mounts need; `/outside` has the same, and `/evil` symlinks that lead there and directories to be
/// put in the image.
const MORE: &str = " dir /vol/data
 dir /w/image/dev
 dir /w/image/proc
 dir /w/image/sys
 dir /w/image/run/app/data
 link /w/image/var/run ../run
 dir /outside/dev
 dir /outside/proc
 dir /outside/sys
 dir /outside/run/app/data
 link /evil/dev /outside/dev
 link /evil/proc /outside/proc
 link /evil/sys /outside/sys
 link /evil/run /outside/run
 link /evil/app ../../outside/run/app
 link /evil/data /outside/run/app/data
 link /evil/up ../../../../outside/run
 dir /evil/d/app/data
 dir /run";

fn exchanges() -> Vec<Exchange> {
    let names = [
        ("/w/image/dev", "/evil/dev"),
        ("/w/image/proc", "/evil/proc"),
        ("/w/image/sys", "/evil/sys"),
        ("/w/image/run", "/evil/run"),
        ("/w/image/run/app", "/evil/app"),
        ("/w/image/run/app/data", "/evil/data"),
        ("/w/image/var/run", "/evil/up"),
        ("/w/image/dev", "/evil/d"),
        ("/w/image/run", "/evil/d"),
    ];
    names.into_iter().map(|(one, other)| Exchange::of_names(one, other)).collect()
}

fn plan_with_a_volume() -> RootfsPlan {
    let mut spec = default_spec();
    let volume = json!({"destination": "/var/run/app/data", "source": "/vol", "options": ["bind"]});
    spec["mounts"].as_array_mut().unwrap().push(volume);
    plan(&spec)
}

type Built = Result<RootfsReport, OsError>;

fn build(backend: &dyn Backend) -> Built {
    plan_with_a_volume().build(backend, Some(&terminal()))
}

/// Mounts of another process at the image and below it.
fn strangers() -> Vec<Exchange> {
    let places = ["/w/image", "/w/image/dev", "/w/image/run", "/w/image/run/app/data", "/vol/data"];
    let mount = |at: &'static str| {
        Exchange::new(format!("a mount of another process on {at}"), move |host| {
            let request = MountRequest::new("tmpfs", Location::trusted(at)).source("stranger");
            host.mount(&request).map(drop).map_err(|error| error.errno())
        })
    };
    places.map(mount).into()
}

/// The mounts of others stay, and a build has mounted the whole or nothing.
fn law_of_strangers(run: &Run<'_, Built>, whole: usize) -> Result<(), String> {
    let rows = |host: &FakeBackend| -> Vec<_> { host.mounts().unwrap().iter().map(|row| row.to_info()).collect() };
    let (of_others, own): (Vec<_>, Vec<_>) = rows(&run.after).into_iter().partition(|row| row.source == "stranger");
    // The tree copies a mount that came before it.
    let more = own.len() - rows(run.before).len() + of_others.len().saturating_sub(1);
    match (&run.result, more) {
        _ if of_others.is_empty() => Err("the mount of another process is gone".to_owned()),
        (Ok(_), more) if more >= whole => Ok(()),
        // A root that another process has covered stays, and is named.
        (Err(error), more) if (more == 0) == error.left().is_empty() => Ok(()),
        (result, more) => Err(format!("{more} new mounts: {result:?}")),
    }
}

/// Nothing outside of the image is changed; as many mounts as the whole has are in the image, or none.
fn law(run: &Run<'_, Built>, whole: usize) -> Result<(), String> {
    let difference = run.difference().to_string();
    let is_outside = |line: &&str| line.contains(":/outside") || line.contains("mount ") && line.contains(" /outside");
    if let Some(line) = difference.lines().find(is_outside) {
        return Err(format!("outside of the image: {line}"));
    }
    let more = run.after.mounts().unwrap().iter().count() - run.before.mounts().unwrap().iter().count();
    match (&run.result, mounts(&run.after).len()) {
        (Ok(_), inside) if (inside, more) == (whole, whole) => Ok(()),
        (Err(_), 0) if more == 0 => Ok(()),
        (result, inside) => Err(format!("{inside} mounts in the image of {more} new ones, of {whole}: {result:?}")),
    }
}

/// Builds beside another process that acts before each call. Some builds begin anew, or are refused.
fn disturbed(version: KernelVersion, acts: &[Exchange], law: fn(&Run<'_, Built>, usize) -> Result<(), String>) {
    let host = host_of(version, MORE);
    let alone = host.snapshot();
    build(&alone).unwrap();
    let whole = mounts(&alone).len();
    let (anew, refused) = (Cell::new(0), Cell::new(0));
    let tried = every_exchange(Level::SystemCalls, &host, acts, build, |run| {
        let counter = match &run.result {
            Ok(report) if report.attempts > 1 => Some(&anew),
            Err(_) => Some(&refused),
            Ok(_) => None,
        };
        if let Some(counter) = counter {
            counter.set(counter.get() + 1);
        }
        law(run, whole)
    });
    println!("disturbed: {} builds, {} of them begun anew, {} refused", tried.runs(), anew.get(), refused.get());
    assert!(anew.get() + refused.get() > 0, "nothing disturbs it");
    tried.check();
}

/// Two containers of one image, in which both create the same names: in every order of their calls each root is whole.
fn beside_another() {
    let host = host_of(KernelVersion::V6_18, "");
    let wanted = json!([
        {"destination": "/proc", "type": "proc", "source": "proc"},
        {"destination": "/new/tmp", "type": "tmpfs", "source": "tmpfs"},
        {"destination": "/new/null", "source": "/dev/null", "options": ["bind", "ro"]},
    ]);
    let build = |backend: &dyn Backend| {
        let mut spec = with_mounts(&wanted);
        spec["root"] = json!({"path": "/w/image"});
        plan(&spec).build(backend, None).map(drop).map_err(|error| error.to_string())
    };
    let alone = host.snapshot();
    build(&alone).unwrap();
    // A second build that begins after the first is done copies what the first has mounted, too.
    let whole = mounts(&alone);
    let level = if Settings::read().long { Level::SystemCalls } else { Level::PortCalls };
    let tried = every_interleaving(level, &host, [&build, &build], |run| {
        let seen = mounts(&run.after);
        let is_whole = whole.iter().all(|row| seen.iter().filter(|other| *other == row).count() >= 2);
        if is_whole { Ok(()) } else { Err(format!("{:?}: {seen:#?}", run.results)) }
    });
    println!("two builds: {} orders", tried.runs());
    tried.check();
}

pub(crate) const CASES: &[Case] = &[
    ("two_builds_of_one_image_are_each_whole", beside_another),
    ("exchange_before_each_call_reaches_nothing_outside", || disturbed(KernelVersion::V6_18, &exchanges(), law)),
    ("exchange_before_each_call_of_an_older_kernel_reaches_nothing_outside", || {
        disturbed(KernelVersion::V6_12, &exchanges(), law);
    }),
    ("mount_of_another_process_before_each_call_stays", || {
        for version in [KernelVersion::V6_18, KernelVersion::V6_12] {
            disturbed(version, &strangers(), law_of_strangers);
        }
    }),
];
