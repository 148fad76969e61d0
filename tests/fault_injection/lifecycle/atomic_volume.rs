//! A volume of the kubelet's `AtomicWriter`, read on the fake while every step of a swap is done between any two calls
//! of the reader.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use libtest_mimic::{Failed, Trial};
use mountwright_core::Location;
use mountwright_core::kubernetes::atomic_writer::{
    AtomicVolume, AtomicVolumeError, AtomicVolumeLimits, VolumeGeneration,
};
use mountwright_fake::abi::{AT_REMOVEDIR, O_CREAT, O_EXCL, O_WRONLY};
use mountwright_fake::{At, FakeBackend, HostBuilder, Machine};

const ME: mountwright_fake::Pid = Machine::INIT;
const OLD: &str = "..2026_11_19";
const NEW: &str = "..2026_11_20";

/// One system call, or a few that belong together, of a kubelet that swaps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// The new version, whole.
    Write,
    /// The link to it, beside `..data`.
    Point,
    /// That link over `..data`: the swap.
    Swap,
    /// Links for files that are new.
    Link,
    /// Links of files that are no more go.
    Unlink,
    /// The old version's files go, one by one.
    RemoveFile(&'static str),
    /// Its directories.
    RemoveDir(&'static str),
}

/// The old version's names go in the end.
const fn and_remove([one, two, three, four, five]: [Step; 5]) -> [Step; 9] {
    let (kept, gone) = (Step::RemoveFile("kept"), Step::RemoveFile("d/gone"));
    [one, two, three, four, five, kept, gone, Step::RemoveDir("/d"), Step::RemoveDir("")]
}

/// Older kubelets make and remove links before a new version is in force, newer ones after.
const OLDER: [Step; 9] = and_remove([Step::Write, Step::Link, Step::Point, Step::Swap, Step::Unlink]);
const NEWER: [Step; 9] = and_remove([Step::Write, Step::Point, Step::Swap, Step::Link, Step::Unlink]);

impl Step {
    fn take(self, host: &FakeBackend) {
        host.machine(|machine| match self {
            Self::Write => write_version(machine, NEW, &new()),
            Self::Point => machine.symlinkat(ME, NEW.as_bytes(), At::Cwd, b"/v/..data_tmp").unwrap(),
            Self::Swap => machine.renameat2(ME, At::Cwd, b"/v/..data_tmp", At::Cwd, b"/v/..data", 0).unwrap(),
            Self::Link => machine.symlinkat(ME, b"..data/added", At::Cwd, b"/v/added").unwrap(),
            Self::Unlink => machine.unlinkat(ME, At::Cwd, b"/v/d", 0).unwrap(),
            Self::RemoveFile(name) => machine.unlinkat(ME, At::Cwd, format!("/v/{OLD}/{name}").as_bytes(), 0).unwrap(),
            Self::RemoveDir(name) => {
                machine.unlinkat(ME, At::Cwd, format!("/v/{OLD}{name}").as_bytes(), AT_REMOVEDIR).unwrap();
            }
        });
    }
}

type Files = BTreeMap<&'static str, &'static str>;

fn old() -> Files {
    [("kept", "one"), ("d/gone", "one, too")].into()
}

fn new() -> Files {
    [("kept", "two"), ("added", "two, too")].into()
}

fn write_version(machine: &mut Machine, version: &str, files: &Files) {
    machine.mkdirat(ME, At::Cwd, format!("/v/{version}").as_bytes(), 0o755).unwrap();
    for (name, text) in files {
        if let Some((directory, _)) = name.rsplit_once('/') {
            machine.mkdirat(ME, At::Cwd, format!("/v/{version}/{directory}").as_bytes(), 0o755).unwrap();
        }
        let path = format!("/v/{version}/{name}");
        let file = machine.openat(ME, At::Cwd, path.as_bytes(), O_CREAT | O_EXCL | O_WRONLY, 0o644).unwrap();
        machine.write(ME, file, text.as_bytes()).unwrap();
        machine.close(ME, file).unwrap();
    }
}

fn host() -> FakeBackend {
    let host = HostBuilder::new().dir("/v").build().expect("a host");
    host.machine(|machine| {
        write_version(machine, OLD, &old());
        for (target, link) in [(OLD, "..data"), ("..data/kept", "kept"), ("..data/d", "d")] {
            machine.symlinkat(ME, target.as_bytes(), At::Cwd, format!("/v/{link}").as_bytes()).unwrap();
        }
    });
    host
}

/// Reads while each step is taken before the call of its number; the version that was read, with what was read of it.
fn read(host: &FakeBackend, steps: &[(usize, Step)]) -> Result<(String, BTreeMap<String, Vec<u8>>), AtomicVolumeError> {
    let waiting = Arc::new(Mutex::new(steps.to_vec()));
    host.between(move |host, call| {
        let mut waiting = waiting.lock().unwrap_or_else(PoisonError::into_inner);
        while waiting.first().is_some_and(|(before, _)| *before <= call.number) {
            waiting.remove(0).1.take(host);
        }
    });
    let volume = AtomicVolume::read(host, &Location::trusted("/v"), &AtomicVolumeLimits::default())?;
    let text = |path: &std::path::Path| path.display().to_string();
    let files = volume.files.iter().map(|file| (text(file.path.as_path()), file.bytes.clone())).collect();
    Ok((volume.generation.to_string(), files))
}

fn is_whole((version, files): &(String, BTreeMap<String, Vec<u8>>)) -> bool {
    let expected = if version == OLD { old() } else { new() };
    let expected: BTreeMap<_, _> =
        expected.iter().map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec())).collect();
    *files == expected
}

/// Receives each step with the call that it precedes.
type EachPlacement<'a> = dyn FnMut(&[(usize, Step)]) + 'a;

/// Every way to put the steps, in their order, before calls up to this one.
fn placements(
    steps: &[Step],
    from: usize,
    calls: usize,
    placed: &mut Vec<(usize, Step)>,
    each: &mut EachPlacement<'_>,
) {
    let Some((step, rest)) = steps.split_first() else { return each(placed) };
    for call in from..=calls {
        placed.push((call, *step));
        placements(rest, call, calls, placed, each);
        placed.pop();
    }
}

/// The number of steps that are placed freely; those before and after them are made with the first and the last of
/// these.
const FREE: usize = 3;

fn swaps(order: [Step; 9]) -> Result<(), Failed> {
    let quiet = host();
    read(&quiet, &[]).map_err(|error| error.to_string())?;
    let calls = quiet.journal().calls().len();
    let (mut runs, mut saw_old, mut saw_new, mut wrong) = (0, 0, 0, Vec::new());
    for first in 0..=order.len() - FREE {
        let (before, rest) = order.split_at(first);
        let (free, after) = rest.split_at(FREE);
        // One that falls after the last call is not seen.
        placements(free, 1, calls + 1, &mut Vec::new(), &mut |placed| {
            let (start, end) = (placed[0].0, placed[FREE - 1].0);
            let steps: Vec<_> = before
                .iter()
                .map(|step| (start, *step))
                .chain(placed.iter().copied())
                .chain(after.iter().map(|step| (end, *step)))
                .collect();
            runs += 1;
            match read(&host(), &steps) {
                Ok(read) if is_whole(&read) => {
                    if read.0 == OLD {
                        saw_old += 1;
                    } else {
                        saw_new += 1;
                    }
                }
                other => wrong.push(format!("{steps:?}: {other:?}")),
            }
        });
    }
    println!("{runs} swaps placed between {calls} calls: {saw_old} read the old version, {saw_new} the new one");
    match wrong.first() {
        None if saw_old > 0 && saw_new > 0 => Ok(()),
        None => Err("one version was never seen".into()),
        Some(first) => Err(format!("{} torn, the first: {first}", wrong.len()).into()),
    }
}

/// A kubelet that died after any step leaves a volume that can be read.
fn half_swapped() -> Result<(), Failed> {
    for order in [OLDER, NEWER] {
        for done in 0..=order.len() {
            let host = host();
            order[..done].iter().for_each(|step| step.take(&host));
            let swapped = order[..done].contains(&Step::Swap);
            let found = read(&host, &[]).map_err(|error| error.to_string())?;
            let generation =
                VolumeGeneration::of(&host, &Location::trusted("/v")).map_err(|error| error.to_string())?;
            if !is_whole(&found) || (found.0 == NEW) != swapped || generation.to_string() != found.0 {
                return Err(format!("after {done} steps of {order:?}: {found:?}").into());
            }
        }
    }
    Ok(())
}

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        Trial::test("atomic volume: one version and the whole of it, wherever an older kubelet's steps fall", || {
            swaps(OLDER)
        }),
        Trial::test("atomic volume: one version and the whole of it, wherever a newer kubelet's steps fall", || {
            swaps(NEWER)
        }),
        Trial::test("atomic volume: a swap that stopped after any step can be read", half_swapped),
    ]
}
