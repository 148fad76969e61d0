//! The number of files, up to a limit.

use std::fmt;

/// The number of files, up to a limit.
///
/// `Display` is `7` or `more than 8`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
pub enum FileCount {
    /// This many, and no more than the limit.
    Exactly(u64),
    /// More than this, which was the limit. The rest was not counted.
    Over(u64),
}

impl FileCount {
    /// The count of `files` with this limit.
    pub const fn of(files: u64, limit: u64) -> Self {
        if files > limit { Self::Over(limit) } else { Self::Exactly(files) }
    }
}

impl fmt::Display for FileCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exactly(files) => write!(f, "{files}"),
            Self::Over(limit) => write!(f, "more than {limit}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_itself_is_not_over_it() {
        assert_eq!(FileCount::of(8, 8), FileCount::Exactly(8));
        assert_eq!(FileCount::of(9, 8), FileCount::Over(8));
        assert_eq!(FileCount::of(0, 0), FileCount::Exactly(0));
    }

    #[test]
    fn reads_as_a_number_or_a_bound() {
        assert_eq!(FileCount::Exactly(7).to_string(), "7");
        assert_eq!(FileCount::Over(8).to_string(), "more than 8");
    }
}
