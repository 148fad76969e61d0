//! A test, started again in a namespace of its own.

use std::io::{self, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::process::{Command, Output};

use crate::system::before_exec;
use crate::test_namespace::entry::{Entry, Way};
use crate::test_namespace::no_namespace::NoNamespace;
use crate::test_namespace::privilege::Privilege;

/// An argument of the started process: the name of a test that libtest is to skip. No test has it.
const MARK: &str = "mountwright: in a mount namespace of its own";

/// The exit status of a test that panicked.
const PANICKED: i32 = 101;

/// Runs `test` in a mount namespace of its own, in which every mount is private.
///
/// The test that calls this is started again, alone, in a process of its own (`--exact NAME`, which libtest and nextest
/// understand; the name is that of the thread, which both set). There the call runs `test` and ends the process; here it waits
/// for that. So what stands before this call in a test is run twice, and what stands after it here alone.
///
/// # Errors
///
/// [`NoNamespace`]: the kernel allows none, with and without a user namespace. `test` has not been run then. Give it to
/// `unwrap` where that is a failure; else print it.
///
/// # Panics
///
/// If `test` panics, with its output; if it cannot be started again: not called from a test's own thread, or under a
/// harness that does not know `--exact`.
pub fn run(test: impl FnOnce(Privilege)) -> Result<Privilege, NoNamespace> {
    let name = std::thread::current().name().unwrap_or_default().to_owned();
    if std::env::args_os().any(|argument| argument == MARK) {
        in_the_namespace(&name, || test(Privilege::of_this_process()));
    }
    let (privilege, output) = match start(&name, Way::Mounts) {
        Ok(output) => (Privilege::of_this_process(), output),
        Err(_) => (Privilege::UserNamespace, start(&name, Way::UsersAndMounts)?),
    };
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "in its own namespace ({}):\n{stdout}{stderr}", output.status);
    assert!(
        stdout.contains(&proof(&name)),
        "test {name:?} was not run in its own namespace: call `run` on the thread of a test, under libtest or nextest\n{stdout}"
    );
    print!("{stdout}");
    eprint!("{stderr}");
    Ok(privilege)
}

/// Ends the process, so that the harness does not handle the panic: `should_panic` is the caller's.
fn in_the_namespace(name: &str, test: impl FnOnce()) -> ! {
    let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(test));
    if ended.is_err() {
        // The panic hook has printed the reason.
        std::process::exit(PANICKED);
    }
    // Proof that this very test was found and run: an unknown name is a success to libtest.
    println!("{}", proof(name));
    std::process::exit(0)
}

fn proof(name: &str) -> String {
    format!("[{name} ran in a mount namespace of its own]")
}

/// Starts the test again; an error where the namespace was refused.
fn start(name: &str, way: Way) -> Result<Output, NoNamespace> {
    let (mut told, tells) = UnixStream::pair().expect("a pair of sockets");
    let entry = Entry::prepare();
    let mut command = Command::new(std::env::current_exe().expect("this program has a path"));
    command.args([name, "--exact", "--skip", MARK, "--nocapture", "--test-threads=1"]);
    before_exec(&mut command, move || {
        entry.perform(way).map_err(|refused| {
            // `Command` returns the errno alone to the parent process.
            let _ = (&tells).write_all(refused.step().as_bytes());
            io::Error::from(refused.errno())
        })
    });
    let output = command.output();
    // The other end, which the closure holds, has to be closed for the reading to end.
    drop(command);
    let mut step = String::new();
    told.read_to_string(&mut step).expect("what the child has told");
    match output {
        Ok(output) => Ok(output),
        Err(error) if step.is_empty() => panic!("this test cannot be started again: {error}"),
        Err(error) => Err(NoNamespace::at(known(&step), error)),
    }
}

/// The step of this name.
fn known(step: &str) -> &'static str {
    let steps = [
        "unshare(CLONE_NEWNS)",
        "unshare(CLONE_NEWUSER)",
        "/proc/thread-self/setgroups",
        "/proc/thread-self/uid_map",
        "/proc/thread-self/gid_map",
        "mount(MS_PRIVATE)",
    ];
    steps.into_iter().find(|known| *known == step).unwrap_or("a step that has no name")
}
