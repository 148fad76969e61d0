//! What a run says of itself.

use super::Answer;

/// What is known of one run of one operation, but for what it has done to the machine.
#[derive(Clone, Debug)]
pub struct Run {
    /// What it answered.
    pub answer: Answer,
    /// A mount of its making could be written through at some moment.
    pub window: bool,
    /// It did not end by itself.
    pub endless: bool,
    /// Descriptors that it left open.
    pub open: usize,
}
