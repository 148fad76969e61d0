//! A FUSE mount whose server never replies: the calls that must not hang do not.
//!
//! Everything that could hang is done on a thread of its own and waited for; a watchdog ends the whole run should that not
//! be enough. So this fails, and never hangs.

mod cases;
// Its `main` is for the command alone.
#[allow(dead_code)]
#[path = "../../examples/responsive/main.rs"]
mod responsive;
mod server;
mod without_waiting;

use std::process::ExitCode;
use std::time::Duration;

use libtest_mimic::Arguments;
use mountwright_tests::fuse_server;
use mountwright_tests::kernel_trials::KernelTrials;

const LONGEST: Duration = Duration::from_mins(2);

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    // In a user namespace no node can be made, but the machine's can be used where it may be opened.
    let has_device = fuse_server::is_to_be_had();
    // Before the first thread starts.
    let kernel = KernelTrials::enter(&arguments);
    std::thread::spawn(|| {
        std::thread::sleep(LONGEST);
        eprintln!("the watchdog ends it: something hangs");
        std::process::exit(1);
    });
    let lacking = (!has_device).then_some("/dev/fuse may not be opened here");
    let cases = cases::CASES.iter().chain(without_waiting::CASES).map(|case| kernel.trial_lacking(*case, lacking));
    libtest_mimic::run(&arguments, cases.collect()).exit_code()
}
