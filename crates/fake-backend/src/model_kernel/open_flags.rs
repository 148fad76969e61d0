//! `O_…` of this architecture as the model has them.

use crate::abi as model;
use mountwright_linux::abi as host;

/// The flags whose numbers differ between architectures.
const DIFFERENT: [(u32, u32); 2] = [(host::O_DIRECTORY, model::O_DIRECTORY), (host::O_NOFOLLOW, model::O_NOFOLLOW)];

pub(super) fn open_flags(flags: u32) -> u32 {
    let all = DIFFERENT.iter().fold(0, |all, (host, _)| all | host);
    DIFFERENT.iter().filter(|(host, _)| flags & host != 0).fold(flags & !all, |flags, (_, model)| flags | model)
}
