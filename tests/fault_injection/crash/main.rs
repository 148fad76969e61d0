//! The process is killed at random moments, while it leads a sandbox's life among mounts and files of others: see [`moments`].
//! 100 kills from `MOUNTWRIGHT_SEED` on; `MOUNTWRIGHT_LONG=1`: 1,000.

mod moments;

use std::process::ExitCode;

use libtest_mimic::Arguments;
use mountwright_tests::settings::Settings;
use mountwright_tests::worker_process;

fn main() -> ExitCode {
    if worker_process::serve_if_asked(moments::serve) {
        return ExitCode::SUCCESS;
    }
    let arguments = Arguments::from_args();
    libtest_mimic::run(&arguments, moments::trials(Settings::read())).exit_code()
}
