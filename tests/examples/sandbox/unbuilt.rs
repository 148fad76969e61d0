//! The paths that could not be built on a host.

use std::path::{Path, PathBuf};

/// The paths of a host that are missing or differ from the specification, and the reason. A query about them would give
/// a wrong result.
#[derive(Clone, Debug, Default)]
pub(crate) struct Unbuilt {
    places: Vec<(PathBuf, String)>,
}

impl Unbuilt {
    pub(crate) fn add(&mut self, place: impl Into<PathBuf>, why: impl Into<String>) {
        self.places.push((place.into(), why.into()));
    }

    /// Returns the reason why a path cannot be queried: it is such a path, or below one.
    pub(crate) fn reason(&self, path: &Path) -> Option<&str> {
        self.places.iter().find(|(place, _)| path.starts_with(place)).map(|(_, why)| why.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_holds_for_what_is_below() {
        let mut unbuilt = Unbuilt::default();
        unbuilt.add("/a", "why");
        assert_eq!(unbuilt.reason("/a/b".as_ref()), Some("why"));
        assert_eq!(unbuilt.reason("/ab".as_ref()), None);
    }
}
