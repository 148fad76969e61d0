//! The operations of the naive implementation. The search has to find violations in them, and none in the backend.

use mountwright_core::Errno;
use mountwright_core::mount::Guarantee;
use mountwright_tests::naive::Naive;
use mountwright_tests::searched::{Answer, Operation, operation};

use crate::play::Calls;

type Act = fn(&Calls) -> Answer;

fn naive(calls: &Calls) -> Naive<Calls> {
    Naive::below(calls.clone(), "/shared", "box/rootfs", "/src/tree")
}

fn answer(result: Result<(), Errno>) -> Answer {
    match result {
        Ok(()) => Answer::Done { kept: Vec::new(), guarantee: Guarantee::Window },
        Err(errno) => Answer::Failed { errno: Some(errno), left: Vec::new() },
    }
}

/// Those of our operations that it does, with what it does.
pub(crate) fn operations() -> Vec<(Operation, Act)> {
    let named = |name: &str| {
        let found = operation::all().into_iter().find(|operation| operation.name == name);
        found.expect("an operation of this name")
    };
    vec![
        (named("share a rootfs read-only"), |calls| answer(naive(calls).share())),
        (named("unshare a rootfs"), |calls| answer(naive(calls).unshare())),
    ]
}
