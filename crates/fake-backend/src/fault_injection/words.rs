//! The journal's details of requests.

use mountwright_core::mount::UnmountMode;
use mountwright_core::{BindRequest, Recursion, UnmountRequest};

/// The journal's detail of a bind.
pub(crate) fn words_of_bind(request: &BindRequest) -> String {
    let mut words = Vec::new();
    if request.recursion() == Recursion::Tree {
        words.push("the tree".to_owned());
    }
    for (change, reach) in [(request.change(), ""), (request.top_change(), "at the top ")] {
        words.extend(change.set().words().map(|(_, word)| format!("{reach}{word}")));
        words.extend(change.clear().words().map(|(_, word)| format!("{reach}not {word}")));
    }
    words.extend(request.wanted_propagation().map(|propagation| propagation.to_string()));
    words.join(", ")
}

/// The journal's detail of an unmount.
pub(crate) fn words_of_unmount(request: &UnmountRequest) -> String {
    match request.mode() {
        UnmountMode::Plain => String::new(),
        mode => format!("{mode:?}"),
    }
}
