//! Port calls and the journal of them.

use std::fmt;

use mountwright_core::error::Subject;
use mountwright_core::{Errno, Operation};

/// One call at either port.
///
/// `Display` prints one line: number, operation, subject and detail, result.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PortCall {
    /// Counted from 1, over both ports.
    pub number: usize,
    /// The operation.
    pub operation: Operation,
    /// The subject, as it stands in an error of this call.
    pub subject: Subject,
    /// Further arguments, for display; may be empty.
    pub detail: String,
    /// The errno if it failed. `Ok` before it is made.
    pub answer: Result<(), Errno>,
}

impl fmt::Display for PortCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { number, operation, subject, detail, answer } = self;
        write!(f, "{number:>3} {operation} {subject}")?;
        if !detail.is_empty() {
            write!(f, " ({detail})")?;
        }
        match answer {
            Ok(()) => f.write_str(": ok"),
            Err(errno) => write!(f, ": {errno}"),
        }
    }
}

/// The calls at both ports, in order. `Display` is one line each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Journal(pub(crate) Vec<PortCall>);

impl Journal {
    /// The calls.
    pub fn calls(&self) -> &[PortCall] {
        &self.0
    }

    /// The operations alone.
    pub fn operations(&self) -> Vec<Operation> {
        self.0.iter().map(|call| call.operation).collect()
    }
}

impl fmt::Display for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|call| writeln!(f, "{call}"))
    }
}
