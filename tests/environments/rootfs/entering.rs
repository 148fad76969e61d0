//! Roots that are entered with a failure at each system call, on the model.

use mountwright_core::file::FinalSymlink;
use mountwright_core::mount::{RootChange, RootRequest};
use mountwright_core::ports::ProcessRoot;
use mountwright_core::{Filesystem, Location, Mounter, OsError};
use mountwright_fake::test_kit::{Calls, Run, Search, fault_plan};
use mountwright_fake::{FakeBackend, HostBuilder};
use mountwright_linux::LinuxBackend;

use crate::Case;

const HOST: &str = "mount / ext4 /dev/vda1 dev=254:1
 dir /proc
 dir /w/new
mount /proc proc proc
mount /w/new tmpfs new
 file /w/new/f x
 dir /w/new/sub
mount /w/new/sub tmpfs sub";

type Entered = Result<(), OsError>;

/// The mount points that the process sees.
fn points(host: &FakeBackend) -> Vec<String> {
    let table = host.mounts().unwrap();
    let mut points: Vec<_> = table.iter().map(|row| row.mount_point().display().to_string()).collect();
    points.sort();
    points
}

/// Nothing has changed, or the process is in the new root, and the error names what is left of a mount.
fn law(change: RootChange, run: &Run<'_, Entered>) -> Result<(), String> {
    let (before, after) = (run.before.unobserved(), run.after.unobserved());
    let directory = |host: &FakeBackend| host.current_dir().map_err(|error| error.to_string());
    let is_entered = after.metadata(&Location::trusted("/f"), FinalSymlink::Follow).is_ok();
    let is_left = run.result.as_ref().is_err_and(|error| !error.left().is_empty());
    let is_whole = change != RootChange::Pivot || points(&after) == ["/", "/sub"];
    let is_there = is_entered && is_whole && directory(&after)?.as_os_str() == "/";
    let is_unchanged = !is_entered && points(&after) == points(&before) && directory(&after)? == directory(&before)?;
    match &run.result {
        Ok(()) if is_there => Ok(()),
        Err(_) if is_unchanged || is_left || is_entered && is_whole => Ok(()),
        result => Err(format!("entered: {is_entered}, mounts {:?}, {result:?}", points(&after))),
    }
}

fn faults(change: RootChange) {
    let host = HostBuilder::from_text(HOST).unwrap().build().unwrap();
    let enter = |_: &FakeBackend, calls: &Calls| {
        let request = RootRequest::new(Location::trusted("/w/new")).by(change).in_this_namespace();
        LinuxBackend::over(calls.clone()).enter_root(request)
    };
    let search = Search::over_calls(&host, enter);
    law(change, &search.undisturbed()).unwrap();
    assert!(search.undisturbed().result.is_ok());
    let (mut runs, mut violations) = (0, Vec::new());
    for (_, _, run) in search
        .faults(fault_plan(search.calls(), true).into_iter().map(|fault| (fault.moment, fault.errno, fault.how_long)))
    {
        runs += 1;
        violations.extend(law(change, &run).err().map(|violation| format!("{}: {violation}", run.point)));
    }
    println!("{change:?}: {} calls, {runs} runs", search.calls().len());
    assert!(violations.is_empty(), "{}", violations.join("\n"));
}

pub(crate) const CASES: &[Case] = &[
    ("fault_at_each_call_leaves_the_old_root_or_names_it_after_a_pivot", || faults(RootChange::Pivot)),
    ("fault_at_each_call_leaves_the_old_root_or_names_the_moved_mount", || faults(RootChange::Move)),
    ("fault_at_each_call_leaves_the_old_root_or_the_chroot", || faults(RootChange::Chroot)),
];
