//! A bind mount to be made.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::file::{FileIdentity, FileMode};
use crate::mount::{
    AttributeChange, Guarantee, IdMap, MountFlags, MountKey, Propagation, PropagationWord, Recursion, SourceIs,
};
use crate::path::Location;

/// The action when the target of a mount does not exist.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
pub(crate) enum MissingTarget {
    /// Fail with `ENOENT`.
    #[default]
    Refuse,
    /// Create it: a directory for a directory, an empty file for anything else, and the directories above it. In a root the
    /// target of a dangling symlink is created inside the root; a `..` after a missing component is `ENOENT`.
    Create {
        /// The mode of every directory that is created, and of a file where it has no other, whatever the umask. A
        /// directory inherits set-group-id from the directory above too.
        mode: FileMode,
        /// The mode of a created file.
        #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
        file_mode: Option<FileMode>,
    },
}

impl MissingTarget {
    /// The mode of directories that are created.
    pub(crate) fn mode(self) -> Option<FileMode> {
        match self {
            Self::Create { mode, .. } => Some(mode),
            Self::Refuse => None,
        }
    }

    #[cfg(feature = "serde")]
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
    pub(crate) fn is_refused(&self) -> bool {
        *self == Self::Refuse
    }
}

/// The action when something is mounted on the target already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
pub enum OccupiedTarget {
    /// Fail with `EBUSY`.
    #[default]
    Refuse,
    /// Mount on top of it.
    Stack,
    /// Mount on this mount, while it is topmost and not shared; otherwise fail with `EBUSY`.
    StackOn(MountKey),
}

#[cfg(feature = "serde")]
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_nothing(change: &AttributeChange) -> bool {
    change.is_nothing()
}

/// A bind mount to be made: the input of [`Mounter::bind`](crate::ports::Mounter::bind).
///
/// By default: this one mount, attributes as the source's mount has them, propagation as the kernel gives it, any
/// guarantee, the target must exist and must not be a mount point. A path in a root that leads through its own target
/// (`a/b/..`) leads elsewhere once the mount is there: `ESTALE`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct BindRequest {
    source: Location,
    target: Location,
    recursion: Recursion,
    change: AttributeChange,
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "is_nothing"))]
    top_change: AttributeChange,
    propagation: Option<Propagation>,
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Vec::is_empty"))]
    propagation_words: Vec<PropagationWord>,
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    only_if: Option<SourceIs>,
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    owners: Option<(IdMap, Recursion)>,
    required: Guarantee,
    missing_target: MissingTarget,
    occupied_target: OccupiedTarget,
    #[cfg_attr(
        feature = "serde",
        serde(default, skip_serializing_if = "Option::is_none", with = "crate::stored_form::names")
    )]
    staging: Option<OsString>,
}

impl BindRequest {
    /// Binds `source` onto `target`.
    pub fn new(source: Location, target: Location) -> Self {
        Self {
            source,
            target,
            recursion: Recursion::This,
            change: AttributeChange::NOTHING,
            top_change: AttributeChange::NOTHING,
            propagation: None,
            propagation_words: Vec::new(),
            only_if: None,
            owners: None,
            required: Guarantee::Window,
            missing_target: MissingTarget::Refuse,
            occupied_target: OccupiedTarget::Refuse,
            staging: None,
        }
    }

    /// A private bind of `source` onto `target`, which is created where it is missing: a directory for a directory, an
    /// empty file for anything else, with the directories above it, all of mode 0755 ([`FileMode::MOUNT_TARGET`]).
    #[doc(alias = "bindMount")]
    pub fn private(source: Location, target: Location) -> Self {
        Self::new(source, target).propagation(Propagation::Private).creating_target(FileMode::MOUNT_TARGET)
    }

    /// Binds the mounts below the source too; [`attributes`](Self::attributes) and propagation then apply to each of
    /// them.
    pub fn recursive(mut self) -> Self {
        self.recursion = Recursion::Tree;
        self
    }

    /// Changes the attributes that the copy has from the source's mount; of a recursive bind, those of every mount of the
    /// tree.
    pub fn attributes(mut self, change: AttributeChange) -> Self {
        self.change = change;
        self
    }

    /// Changes the attributes of the mount on the target alone, and not those of the mounts below it: with
    /// [`AttributeChange::READ_ONLY`] and [`recursive`](Self::recursive) the `rbind,ro` of the runtime specification. Where
    /// [`attributes`](Self::attributes) names the same attribute, that decides.
    pub fn top_attributes(mut self, change: AttributeChange) -> Self {
        self.top_change = change;
        self
    }

    /// Makes the copy read-only, besides any other change.
    pub fn read_only(mut self) -> Self {
        self.change = self.change.and_set(MountFlags::READ_ONLY);
        self
    }

    /// Gives the new mount this propagation, also below a shared parent.
    ///
    /// A slave of a source that is neither shared nor a slave is private: [`BindReport::propagation`] says so.
    ///
    /// A private or unbindable mount leaves the peer group of the source before it is visible. So do the copies that
    /// the kernel creates at the peers of a shared parent: a later mount below any of them does not propagate to the
    /// source, nor from it.
    pub fn propagation(mut self, propagation: Propagation) -> Self {
        self.propagation = Some(propagation);
        self.propagation_words.clear();
        self
    }

    /// Gives the new mounts the propagation that these words make one after the other, in the place of any other
    /// [`propagation`](Self::propagation): `rslave`, then `shared` is a slave of its source on the target that propagates
    /// to its own peers too, and slaves below it. A word without an `r` changes the mount on the target alone; of one mount
    /// both words are the same.
    ///
    /// A slave word after `private` changes nothing, and after `unbindable` too, as in the kernel. Below a shared parent the
    /// words begin with the copy of the source, not with the peer group that the parent gives to it: a slave follows its
    /// source and no copy.
    pub fn propagations(mut self, words: impl IntoIterator<Item = PropagationWord>) -> Self {
        self.propagation_words = words.into_iter().collect();
        self.propagation = match self.propagation_words[..] {
            [PropagationWord { propagation, recursion: Recursion::Tree }] => Some(propagation),
            _ => None,
        };
        if self.propagation.is_some() {
            self.propagation_words.clear();
        }
        self
    }

    /// Binds only what this describes: the file is looked at through the descriptor that is bound, so that no other process
    /// can exchange it in between. Otherwise the error is `ESTALE`, its detail names what the source is, and nothing is
    /// changed.
    ///
    /// For a file over which `/dev/null` is bound as a mask, and for devices: an image or a container may have replaced them
    /// (CVE-2025-31133).
    pub fn only_if(mut self, source: SourceIs) -> Self {
        self.only_if = Some(source);
        self
    }

    /// Maps the owners of files on the mount on the target alone ([`Recursion::This`]), or on every mount of a recursive bind.
    /// A map that the source's mount has is replaced (Linux 6.15), with [`IdMap::Clear`] by none; the mounts below the target are
    /// copied with the maps that they have.
    ///
    /// Needs the privilege over the filesystem (`CAP_SYS_ADMIN` in the user namespace that mounted it), and for
    /// [`IdMap::Ranges`] `CAP_SETUID` and `CAP_SETGID`. For ranges the backend makes a user namespace by a child process, which no
    /// wait(2) without `__WALL` finds and no `SIGCHLD` is sent for, and which has ended when the call returns; in a chroot the kernel
    /// makes none (`EPERM`).
    #[doc(alias = "MOUNT_ATTR_IDMAP")]
    #[doc(alias = "ridmap")]
    pub fn map_owners(mut self, map: IdMap, recursion: Recursion) -> Self {
        self.owners = Some((map, recursion));
        self
    }

    /// Fails with `EOPNOTSUPP`, before anything is changed, where the kernel cannot give at least this guarantee.
    pub fn require(mut self, least: Guarantee) -> Self {
        self.required = least;
        self
    }

    /// Creates the target where it is missing, and the directories above it, all of this mode. In a root the target of a
    /// dangling symlink is created inside the root; a `..` after a missing component is `ENOENT`.
    pub fn creating_target(mut self, mode: FileMode) -> Self {
        self.missing_target = MissingTarget::Create { mode, file_mode: None };
        self
    }

    /// Creates the target where it is missing: directories of one mode, the target itself of the other where it is a file.
    /// [`FileMode::MOUNT_TARGET`] is what runc and the original use for both.
    pub fn creating_target_with(mut self, directories: FileMode, file: FileMode) -> Self {
        self.missing_target = MissingTarget::Create { mode: directories, file_mode: Some(file) };
        self
    }

    /// Mounts on top of what is mounted on the target already.
    pub fn stacking(mut self) -> Self {
        self.occupied_target = OccupiedTarget::Stack;
        self
    }

    /// Attaches only to this mount, whose root the target is or which holds the target, and only while it is not
    /// shared: otherwise the error is `EBUSY` and nothing is changed. The kernel itself refuses the attach to a shared
    /// mount. For a new mount that is shared, private or unbindable; the error is `EINVAL` for a slave, and where no
    /// propagation is requested.
    ///
    /// Of several callers that create the same shared mount one succeeds, and no mount covers another. On kernels
    /// without unique ids (before 6.8) a mount that another process attaches between the look-up and the attach, and
    /// that is not shared, is covered: compare the parent afterwards.
    pub fn stacking_on(mut self, mount: MountKey) -> Self {
        self.occupied_target = OccupiedTarget::StackOn(mount);
        self
    }

    /// Names a staging directory: a directory in which to prepare the mount where the kernel has no detached mounts
    /// (before 5.12, or filtered) and the backend's own staging directory cannot be used. Only the caller may be able
    /// to write to it.
    pub fn staged_in(mut self, directory: impl Into<PathBuf>) -> Self {
        self.staging = Some(directory.into().into_os_string());
        self
    }

    /// The source.
    pub fn source(&self) -> &Location {
        &self.source
    }

    /// The target.
    pub fn target(&self) -> &Location {
        &self.target
    }

    /// One mount or the tree.
    pub fn recursion(&self) -> Recursion {
        self.recursion
    }

    /// The change of attributes of every mount that is created.
    pub fn change(&self) -> AttributeChange {
        match self.recursion {
            Recursion::This => self.top_change.and_then(self.change),
            Recursion::Tree => self.change,
        }
    }

    /// The further change of the topmost mount of a tree; nothing for one mount. It names no attribute that
    /// [`change`](Self::change) names.
    pub fn top_change(&self) -> AttributeChange {
        match self.recursion {
            Recursion::This => AttributeChange::NOTHING,
            Recursion::Tree => self.top_change.without(self.change),
        }
    }

    /// The propagation type that was requested last; `None`: the kernel's default.
    pub fn wanted_propagation(&self) -> Option<Propagation> {
        self.propagation_words.last().map(|word| word.propagation).or(self.propagation)
    }

    /// The requested propagation as words, in the order in which they apply; none: the kernel's default.
    pub fn propagation_words(&self) -> Vec<PropagationWord> {
        let whole = self.propagation.map(|propagation| PropagationWord { propagation, recursion: Recursion::Tree });
        whole.into_iter().chain(self.propagation_words.iter().copied()).collect()
    }

    /// The only source that may be bound; `None`: any.
    pub fn required_source(&self) -> Option<SourceIs> {
        self.only_if
    }

    /// The map of owners, and the mounts that get it; `None`: the mounts have those of their sources.
    pub fn owners(&self) -> Option<(&IdMap, Recursion)> {
        let (map, recursion) = self.owners.as_ref()?;
        // Of one mount both are the same.
        Some((map, if self.recursion == Recursion::This { Recursion::This } else { *recursion }))
    }

    /// The weakest acceptable guarantee.
    pub fn required(&self) -> Guarantee {
        self.required
    }

    /// The mode of directories that are created for a missing target; `None`: it is not created.
    pub fn target_mode(&self) -> Option<FileMode> {
        self.missing_target.mode()
    }

    /// The mode of a missing target that is created as a file; `None`: it is not created.
    pub fn target_file_mode(&self) -> Option<FileMode> {
        match self.missing_target {
            MissingTarget::Create { mode, file_mode } => Some(file_mode.unwrap_or(mode)),
            MissingTarget::Refuse => None,
        }
    }

    /// The staging directory to use where the backend has none.
    pub fn staging(&self) -> Option<&Path> {
        self.staging.as_deref().map(Path::new)
    }

    /// The action when the target is a mount point.
    pub fn occupied_target(&self) -> OccupiedTarget {
        self.occupied_target
    }
}

/// The report of a new mount.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct BindReport {
    /// The new mount.
    pub mount: MountKey,
    /// The guarantee that was given.
    pub guarantee: Guarantee,
    /// Directories and files that were created for it, outermost first; for messages, and for the caller that undoes
    /// the bind, which removes them one level at a time.
    #[cfg_attr(feature = "serde", serde(with = "crate::stored_form::names"))]
    pub created: Vec<PathBuf>,
    /// The file or directory that the mount was attached to, which an unmount uncovers. `None` with
    /// [`OccupiedTarget::Stack`], and where the server of the filesystem refuses to return the metadata.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub target: Option<FileIdentity>,
    /// The propagation that the new mount has: the requested one, but [`Propagation::Private`] for a slave of a source that is
    /// neither shared nor a slave, of which the kernel makes a private mount without an error. Of several words, what they
    /// make together; [`Propagation::Shared`] for a slave that is shared too. Of a recursive bind, that of the topmost mount. `None`: none was requested, or the mount was gone before it could be looked at.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub propagation: Option<Propagation>,
}

impl BindReport {
    /// A report of this mount, for which nothing was created.
    pub const fn new(mount: MountKey, guarantee: Guarantee) -> Self {
        Self { mount, guarantee, created: Vec::new(), target: None, propagation: None }
    }

    /// Adds what was created.
    pub fn creating(mut self, created: Vec<PathBuf>) -> Self {
        self.created = created;
        self
    }

    /// Sets the propagation that the mount has.
    pub const fn with_propagation(mut self, propagation: Option<Propagation>) -> Self {
        self.propagation = propagation;
        self
    }

    /// Sets the file or directory that the mount was attached to.
    pub const fn on(mut self, target: Option<FileIdentity>) -> Self {
        self.target = target;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_top_of_a_tree_has_a_change_of_its_own_and_one_mount_has_not() {
        let read_only = AttributeChange::READ_ONLY;
        let no_dev = AttributeChange::setting(MountFlags::NO_DEV);
        let request = BindRequest::new(Location::trusted("/s"), Location::trusted("/t"));
        let request = request.attributes(no_dev).top_attributes(read_only);
        assert_eq!((request.change(), request.top_change()), (read_only.and_then(no_dev), AttributeChange::NOTHING));
        let tree = request.recursive();
        assert_eq!((tree.change(), tree.top_change()), (no_dev, read_only));
        let writable = AttributeChange::new(MountFlags::NONE, MountFlags::READ_ONLY, None).unwrap();
        let tree = tree.attributes(writable);
        assert_eq!((tree.change(), tree.top_change()), (writable, AttributeChange::NOTHING));
        assert_eq!((tree.staging(), tree.clone().staged_in("/run/s").staging()), (None, Some(Path::new("/run/s"))));
    }

    #[test]
    fn one_word_for_the_tree_is_the_plain_propagation_and_the_last_setter_decides() {
        let new = || BindRequest::new(Location::trusted("/s"), Location::trusted("/t"));
        let words =
            |text: &str| -> Vec<PropagationWord> { text.split(' ').map(|word| word.parse().unwrap()).collect() };
        assert_eq!(new().propagations(words("rslave")), new().propagation(Propagation::Slave));
        let both = new().propagation(Propagation::Private).propagations(words("rslave shared"));
        assert_eq!(
            (both.propagation_words(), both.wanted_propagation()),
            (words("rslave shared"), Some(Propagation::Shared))
        );
        assert_eq!(both.propagation(Propagation::Slave).propagation_words(), words("rslave"));
        assert_eq!(new().propagation_words(), []);
    }
}
