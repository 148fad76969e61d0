//! Counting a child's system calls.

use mountwright_tests::namespace;
use mountwright_tests::traced::{End, Next, traced};
use serde::{Deserialize, Serialize};

use crate::child;

/// The result of a count.
#[derive(Serialize, Deserialize)]
pub(crate) enum Counted {
    /// For each operation the numbers of the calls between its marks, in their order.
    Calls(Vec<Vec<i64>>),
    /// No namespace of its own, and why.
    NoNamespace(String),
}

/// In a worker process: counts a child that does everything among this many mounts.
pub(crate) fn count(crowd: usize) -> Result<Counted, String> {
    if let Err(none) = namespace::enter() {
        return Ok(Counted::NoNamespace(none.to_string()));
    }
    let (mut done, mut counting) = (Vec::new(), None::<Vec<i64>>);
    let act = || {
        child::act(crowd);
        0
    };
    let end = traced(Next::Stop, act, |number| {
        match i64::try_from(number).expect("small") {
            libc::SYS_getppid => match counting.take() {
                None => counting = Some(Vec::new()),
                Some(calls) => {
                    done.push(calls);
                    return Next::Stop;
                }
            },
            libc::SYS_fcntl if cfg!(debug_assertions) => {}
            other => counting.iter_mut().for_each(|calls| calls.push(other)),
        }
        Next::Call
    });
    match end.map_err(|error| error.to_string())? {
        End::Exited(0) => Ok(Counted::Calls(done)),
        other => Err(format!("it ended by {other:?} after {} things", done.len())),
    }
}
