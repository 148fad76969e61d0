//! Ids of users and of groups.

/// The two kinds of ids, which have a map each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ids {
    Users,
    Groups,
}
