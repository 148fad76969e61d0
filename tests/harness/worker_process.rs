//! A second process of a test target, for what has to happen before the first thread starts.
//!
//! A namespace is entered by a process of one thread, and the test harness runs cases on threads. So the target runs
//! itself again: [`serve_if_asked`] is the first call in its `main`, and [`ask`] sends it one request.

use std::io::{Read, Write};
use std::process::{Command, Stdio};

use rustix::process::{Signal, set_parent_process_death_signal};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The argument of a worker.
const WORKER: &str = "--worker";

/// In a worker: replies to the one request, and returns true so that `main` ends. Elsewhere it does nothing.
pub fn serve_if_asked<Request: DeserializeOwned, Reply: Serialize>(serve: impl FnOnce(Request) -> Reply) -> bool {
    if std::env::args_os().nth(1).is_none_or(|argument| argument != WORKER) {
        return false;
    }
    if let Err(error) = answer(serve) {
        eprintln!("the worker process failed: {error}");
        std::process::exit(1);
    }
    true
}

fn answer<Request: DeserializeOwned, Reply: Serialize>(serve: impl FnOnce(Request) -> Reply) -> std::io::Result<()> {
    set_parent_process_death_signal(Some(Signal::KILL))?;
    let mut request = String::new();
    std::io::stdin().read_to_string(&mut request)?;
    let reply = serve(serde_json::from_str(&request)?);
    let mut out = std::io::stdout().lock();
    serde_json::to_writer(&mut out, &reply)?;
    out.flush()
}

/// Sends the request to a second process of this target, and returns its reply.
pub fn ask<Request: Serialize, Reply: DeserializeOwned>(request: &Request) -> Result<Reply, String> {
    exchange(request).map_err(|error| format!("the worker process failed: {error}"))
}

fn exchange<Request: Serialize, Reply: DeserializeOwned>(request: &Request) -> std::io::Result<Reply> {
    let mut worker =
        Command::new(std::env::current_exe()?).arg(WORKER).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let sent = worker.stdin.take().map_or(Ok(()), |mut stdin| stdin.write_all(&serde_json::to_vec(request)?));
    let answered = worker.wait_with_output()?;
    sent?;
    serde_json::from_slice(&answered.stdout).map_err(|error| {
        let status = answered.status;
        std::io::Error::other(format!("it ended with {status} and no answer ({error})"))
    })
}
