//! Options that are built step by step, without words.

use crate::mount::{AttributeChange, FilesystemOption, PropagationWord, Recursion};
use crate::spec::MountOptions;

/// Setters, named as those of [`BindRequest`](crate::mount::BindRequest) and [`MountRequest`](crate::mount::MountRequest).
///
/// ```
/// use mountwright_core::spec::MountOptions;
/// use mountwright_core::{AttributeChange, Recursion};
///
/// let options = MountOptions::default().bind(Recursion::Tree).attributes(AttributeChange::READ_ONLY);
/// assert_eq!(options.to_words(), ["rbind", "ro"]);
/// assert_eq!(MountOptions::parse(options.to_words()), Ok(options));
/// ```
impl MountOptions {
    /// Makes it a bind, of one mount or of the tree.
    #[must_use]
    pub fn bind(mut self, reach: Recursion) -> Self {
        self.bind = Some(reach);
        self
    }

    /// Changes attributes of the mount, after those that were changed before.
    #[must_use]
    pub fn attributes(mut self, change: AttributeChange) -> Self {
        self.attributes = self.attributes.and_then(change);
        self
    }

    /// Changes attributes of every mount of the tree, after those that were changed before.
    #[must_use]
    pub fn tree_attributes(mut self, change: AttributeChange) -> Self {
        self.tree_attributes = self.tree_attributes.and_then(change);
        self
    }

    /// Adds a propagation type, applied after the others.
    #[must_use]
    pub fn propagation(mut self, word: PropagationWord) -> Self {
        self.propagation.push(word);
        self
    }

    /// Adds an option of the filesystem.
    #[must_use]
    pub fn option(mut self, option: FilesystemOption) -> Self {
        self.filesystem.push(option);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mount::{MountFlags, Propagation};

    #[test]
    fn options_that_are_set_are_those_of_the_words() {
        let slave = PropagationWord { propagation: Propagation::Slave, recursion: Recursion::Tree };
        let options = MountOptions::default()
            .bind(Recursion::Tree)
            .attributes(AttributeChange::READ_ONLY)
            .attributes(AttributeChange::setting(MountFlags::NO_DEV))
            .tree_attributes(AttributeChange::setting(MountFlags::NO_SUID))
            .propagation(slave)
            .option(FilesystemOption::with_value("size", "64k"));
        assert_eq!(Ok(options), MountOptions::parse(["rbind", "ro", "nodev", "rnosuid", "rslave", "size=64k"]));
    }
}
