//! The process is killed at each of its system calls in turn, on the kernel; afterwards every mount is absent or complete, no
//! source byte is lost, and a second run converges.
//!
//! Every system call, those of the allocator and of closing included: the process is traced (ptrace(2)) and killed before the
//! call is made, and once more when it is about to end by itself.
//!
//! Short by default: the binds, shares and unshares of the list below, on the highest and the lowest rung of the ladder, below a shared parent.
//! `MOUNTWRIGHT_LONG=1`: every operation that the model is searched with, on every rung, below a private parent too.
//!
//! And at random moments, while it leads a sandbox's life among mounts and files of others: see [`moments`]. 100 kills from
//! `MOUNTWRIGHT_SEED` on; `MOUNTWRIGHT_LONG=1`: 1,000.

mod moments;
mod point;

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

use libtest_mimic::{Arguments, Completion, Failed, Trial};
use mountwright_tests::kernel_required::not_run;
use mountwright_tests::searched::{operation, rungs};
use mountwright_tests::settings::Settings;
use mountwright_tests::worker_process;

use point::{Reply, Request};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A request to a worker.
#[derive(Serialize, Deserialize)]
enum Asked {
    Point(Request),
    Moments(moments::Request),
}

fn serve(asked: Asked) -> Value {
    let reply = match asked {
        Asked::Point(request) => serde_json::to_value(point::serve(request)),
        Asked::Moments(request) => serde_json::to_value(moments::serve(request)),
    };
    reply.expect("a reply can be written")
}

/// The operations that are killed in the short run.
const KILLED: [&str; 14] = [
    "bind onto a directory",
    "bind read-only",
    "bind read-only, target made",
    "bind, way made",
    "bind a tree",
    "bind a tree read-only",
    "bind a file read-only, target made",
    "share a rootfs",
    "share a rootfs read-only",
    "share a rootfs, container new",
    "share a file",
    "unshare a rootfs",
    "unshare a rootfs, container's last name",
    "unshare a file",
];

type Table = Arc<Mutex<BTreeMap<(&'static str, &'static str), Reply>>>;

fn main() -> ExitCode {
    if worker_process::serve_if_asked(serve) {
        return ExitCode::SUCCESS;
    }
    let arguments = Arguments::from_args();
    let settings = Settings::read();
    let long = settings.long;
    let table = Table::default();
    let mut trials = moments::trials(settings);
    for operation in operation::all().into_iter().filter(|known| long || KILLED.contains(&known.name)) {
        for rung in rungs(long) {
            let table = Arc::clone(&table);
            let name = format!("{}, rung {}", operation.name, rung.name);
            trials.push(Trial::ignorable_test(name, move || trial((operation.name, rung.name), long, &table)));
        }
    }
    trials.push(Trial::ignorable_test(NAIVE, naive));
    let exit_code = libtest_mimic::run(&arguments, trials).exit_code();
    let table = table.lock().unwrap_or_else(PoisonError::into_inner);
    let mut all = Reply::default();
    for ((operation, rung), reply) in table.iter() {
        println!("{:<44}{reply}", format!("{operation}, rung {rung}"));
        all.add(reply);
    }
    println!("{:<44}{all}", "all");
    exit_code
}

const NAIVE: &str = "the naive way, killed, leaves mounts half made";

fn naive() -> Result<Completion, Failed> {
    let reply: Reply = worker_process::ask(&Asked::Point(Request {
        operation: "share a rootfs read-only".into(),
        rung: "naive".into(),
        long: false,
    }))?;
    if let Some(reason) = &reply.no_namespace {
        return not_run(reason);
    }
    println!("naive: {reply}");
    if reply.bad.is_empty() { Err("nothing was found in it".into()) } else { Ok(Completion::Completed) }
}

fn trial(key: (&'static str, &'static str), long: bool, table: &Table) -> Result<Completion, Failed> {
    let request = Request { operation: key.0.to_owned(), rung: key.1.to_owned(), long };
    let reply: Reply = worker_process::ask(&Asked::Point(request))?;
    if let Some(reason) = &reply.no_namespace {
        return not_run(reason);
    }
    let failed = match reply.bad.first() {
        None if reply.points > 0 => None,
        None => Some(Failed::from("no point at all")),
        Some(first) => Some(Failed::from(format!("{} bad; the first: {first}", reply.bad.len()))),
    };
    table.lock().unwrap_or_else(PoisonError::into_inner).insert(key, reply);
    failed.map_or(Ok(Completion::Completed), Err)
}
