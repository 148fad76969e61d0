//! Volumes on the kernel: their group, their records, their versions; overlays.
//!
//! Each case runs on a thread and in a mount namespace of its own, on a fresh tmpfs, and the whole with few descriptors to
//! be had. Where that is not allowed the cases are shown as ignored, with the reason.

mod atomic_volume;
mod direct_volume;
mod fs_group;
mod fs_group_exchanges;
mod fs_group_kept;
mod overlay;
mod read_only_disk;
mod scene;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Completion, Trial};
use mountwright_tests::kernel_required::not_run;
use mountwright_tests::namespace::{self, Privilege, enter_on_this_thread};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use scene::Scene;

/// The name and the function of a case.
type Case = (&'static str, fn(&Scene));

/// A case that not every machine can run: its name, its preparation, which returns the reason if something is missing,
/// and its function.
type NeedyCase = (&'static str, fn(&Scene) -> Result<(), String>, fn(&Scene));

/// The limit of open descriptors of the process.
const DESCRIPTORS: u64 = 32;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    // Before the first thread starts.
    let cannot = match namespace::enter() {
        Ok(Privilege::Root) => None,
        Ok(Privilege::UserNamespace) => Some("a user namespace of one's own has one group".to_owned()),
        Err(error) => Some(error.to_string()),
    };
    let limit = Rlimit { current: Some(DESCRIPTORS), ..getrlimit(Resource::Nofile) };
    setrlimit(Resource::Nofile, limit).expect("fewer descriptors are always allowed");
    let cases = [fs_group::CASES, fs_group_kept::CASES, fs_group_exchanges::CASES].into_iter().flatten();
    let cases = cases.chain(direct_volume::CASES).chain(atomic_volume::CASES).chain(overlay::CASES);
    let always: fn(&Scene) -> Result<(), String> = |_| Ok(());
    let cases =
        cases.map(|&(name, case)| (name, always, case)).chain([fs_group_kept::NEEDY, read_only_disk::NEEDY].concat());
    let trials = cases.map(|case| trial(case, cannot.clone())).collect();
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn trial((name, ready, case): NeedyCase, cannot: Option<String>) -> Trial {
    let Some(reason) = cannot else {
        let thread = std::thread::Builder::new().name(name.to_owned());
        return Trial::ignorable_test(name, move || {
            let play = move || -> Result<Result<(), String>, namespace::NoNamespace> {
                enter_on_this_thread()?;
                let scene = Scene::new();
                Ok(ready(&scene).map(|()| case(&scene)))
            };
            let played = thread.spawn(play).expect("a thread");
            match played.join().map_err(|panic| scene::words_of(&*panic))?? {
                Ok(()) => Ok(Completion::Completed),
                Err(missing) => not_run(&missing),
            }
        });
    };
    Trial::ignorable_test(name, move || not_run(&reason))
}
