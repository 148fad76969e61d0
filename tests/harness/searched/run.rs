//! The record of a run.

use super::Answer;

/// The record of one run of one operation, without the state of the machine.
#[derive(Clone, Debug)]
pub struct Run {
    /// Its result.
    pub answer: Answer,
    /// A mount of it could be written through at some moment.
    pub window: bool,
    /// It did not end by itself.
    pub endless: bool,
    /// Descriptors that it left open.
    pub open: usize,
}
