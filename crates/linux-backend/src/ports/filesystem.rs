//! The port to files and directories.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use mountwright_core::error::Subject;
use mountwright_core::file::{FileIdentity, FileKind, FinalSymlink, Metadata};
use mountwright_core::{DeviceNumber, Directory, Errno, FileMode, Filesystem, Location, Operation, OsError};

use crate::backend::LinuxBackend;
use crate::files::metadata::metadata;
use crate::files::nodes::NewNode;
use crate::ports::directory::LinuxDirectory;
use crate::resolve::identity::mount_key;
use crate::resolve::location::Place;
use crate::syscalls::abi::{
    AT_NO_AUTOMOUNT, AT_REMOVEDIR, AT_SYMLINK_NOFOLLOW, O_CLOEXEC, O_NOFOLLOW, O_PATH, STATX_INO,
};
use crate::syscalls::failure::{Fault, Step};
use crate::syscalls::{At, Call, Kernel, Stat};

impl<K: Kernel> LinuxBackend<K> {
    pub(crate) fn stat(&self, at: &Location, link: FinalSymlink) -> Step<Metadata> {
        if let Location::InRoot { root, path } = at {
            let (start, names) = self.start_of(root, path)?;
            if names.as_os_str().is_empty() {
                return self.metadata_of(&start);
            }
            if let Some(stat) = self.stat_one_name(&start, &names, link, (AT_NO_AUTOMOUNT, self.metadata_mask()))? {
                return metadata(&stat);
            }
            let link = if link == FinalSymlink::Itself { O_NOFOLLOW } else { 0 };
            return self.metadata_of(&self.in_root(&self.root_of_place(root)?, path, O_PATH | link)?);
        }
        let place = self.place_for_one_call(at)?;
        let beneath = matches!(at, Location::Beneath { .. });
        let follow = if beneath || link == FinalSymlink::Itself { AT_SYMLINK_NOFOLLOW } else { 0 };
        let found = self.metadata_at(place.dir(), place.name(), follow)?;
        if beneath && link == FinalSymlink::Follow && found.kind == FileKind::Symlink {
            return Err(Fault::new(Call::Statx, Errno::ELOOP));
        }
        Ok(found)
    }

    fn real_path(&self, path: &Path) -> Step<PathBuf> {
        let file = self.calls.openat(At::Cwd, path, O_PATH | O_CLOEXEC, 0)?;
        let flags = AT_SYMLINK_NOFOLLOW | crate::resolve::identity::QUIETLY;
        self.path_of_pinned(&file, |real, mask| self.calls.statx(At::Cwd, real, flags, mask))
    }

    /// Returns the kernel's path of an open descriptor, if it leads to the same file again. The path of a deleted file
    /// ends in `(deleted)`, one outside this root starts with `(unreachable)`.
    pub(crate) fn path_of_pinned(&self, file: &K::Fd, look: impl Fn(&Path, u32) -> Step<Stat>) -> Step<PathBuf> {
        let real = self.calls.fd_path(file)?;
        if !real.is_absolute() {
            return Err(Fault::new(Call::Fdpath, Errno::ENOENT));
        }
        let mask = STATX_INO | self.identity_mask();
        let pinned = self.stat_fd(file, mask)?;
        let found = look(&real, mask)?;
        let same = |stat: &Stat| (stat.device, stat.inode, mount_key(stat));
        if same(&pinned) == same(&found) { Ok(real) } else { Err(Fault::new(Call::Fdpath, Errno::ENOENT)) }
    }

    fn make_directory(&self, at: &Location, mode: FileMode) -> Step<FileIdentity> {
        let place = self.place(at)?;
        self.new_directory(place.dir(), place.name(), mode, &at.for_display())
    }

    fn make_file(&self, at: &Location, mode: FileMode) -> Step<FileIdentity> {
        let place = self.place_as_given(at)?;
        self.new_file(place.dir(), &name_as_given(at, &place), mode, &at.for_display())
    }

    fn make_symlink(&self, at: &Location, target: &Path) -> Step<FileIdentity> {
        let place = self.place_as_given(at)?;
        self.new_symlink(place.dir(), &name_as_given(at, &place), target, &at.for_display())
    }

    fn make_node(&self, at: &Location, node: NewNode) -> Step<Metadata> {
        let place = self.place_as_given(at)?;
        self.new_node(place.dir(), &name_as_given(at, &place), node, &at.for_display())
    }

    /// The place of what is no directory: with a slash at the end, the kernel returns its own error.
    fn place_as_given<'a>(&self, at: &'a Location) -> Step<Place<'a, K::Fd>> {
        match at {
            Location::Trusted(path) if path.as_os_str().as_encoded_bytes().ends_with(b"/") => {
                self.place_for_one_call(at)
            }
            _ => self.place(at),
        }
    }

    fn unlink(&self, at: &Location, flags: u32) -> Step<()> {
        let place = self.place_for_one_call(at)?;
        self.calls.unlinkat(place.dir(), &name_as_given(at, &place), flags)
    }

    fn link_target(&self, at: &Location) -> Step<PathBuf> {
        let place = self.place_for_one_call(at)?;
        self.calls.readlinkat(place.dir(), place.name())
    }
}

/// The name, with a slash where a path in a root ends in one: the kernel refuses it of a file.
fn name_as_given<'p, Fd>(at: &Location, place: &'p Place<'_, Fd>) -> Cow<'p, Path> {
    match at {
        Location::InRoot { path, .. } if path.as_os_str().as_encoded_bytes().ends_with(b"/") => {
            Cow::Owned(place.name().join(""))
        }
        _ => Cow::Borrowed(place.name()),
    }
}

impl<K: Kernel> Filesystem for LinuxBackend<K> {
    fn metadata(&self, at: &Location, link: FinalSymlink) -> Result<Metadata, OsError> {
        self.stat(at, link).map_err(|fault| fault.of(Operation::Metadata, at.for_display()))
    }

    fn metadata_cached(&self, at: &Location, link: FinalSymlink) -> Result<Metadata, OsError> {
        self.stat_cached(at, link).map_err(|fault| fault.of(Operation::Metadata, at.for_display()))
    }

    fn canonicalize(&self, path: &Path) -> Result<PathBuf, OsError> {
        self.real_path(path).map_err(|fault| fault.of(Operation::Canonicalize, path))
    }

    fn canonicalize_cached(&self, path: &Path) -> Result<PathBuf, OsError> {
        self.real_path_cached(path).map_err(|fault| fault.of(Operation::Canonicalize, path))
    }

    fn current_dir(&self) -> Result<PathBuf, OsError> {
        let error = |fault: Fault| fault.of(Operation::CurrentDir, Subject::Namespace);
        let path = self.calls.getcwd().map_err(error)?;
        // Outside this process's root the kernel prefixes the path with `(unreachable)`.
        if path.is_absolute() { Ok(path) } else { Err(error(Fault::new(Call::Getcwd, Errno::ENOENT))) }
    }

    fn open_dir(&self, at: &Location) -> Result<Box<dyn Directory>, OsError> {
        let shown = at.for_display();
        match LinuxDirectory::open(self, &shown, |flags| self.open(at, flags)) {
            Ok(directory) => Ok(Box::new(directory)),
            Err(fault) => Err(fault.of(Operation::OpenDir, shown)),
        }
    }

    fn read_link(&self, at: &Location) -> Result<PathBuf, OsError> {
        self.link_target(at).map_err(|fault| fault.of(Operation::ReadLink, at.for_display()))
    }

    fn create_dir(&self, at: &Location, mode: FileMode) -> Result<FileIdentity, OsError> {
        self.make_directory(at, mode).map_err(|fault| fault.of(Operation::CreateDir, at.for_display()))
    }

    fn create_file(&self, at: &Location, mode: FileMode) -> Result<FileIdentity, OsError> {
        self.make_file(at, mode).map_err(|fault| fault.of(Operation::CreateFile, at.for_display()))
    }

    fn create_symlink(&self, at: &Location, target: &Path) -> Result<FileIdentity, OsError> {
        self.make_symlink(at, target).map_err(|fault| fault.of(Operation::CreateSymlink, at.for_display()))
    }

    fn create_node(
        &self,
        at: &Location,
        kind: FileKind,
        device: Option<DeviceNumber>,
        mode: FileMode,
    ) -> Result<Metadata, OsError> {
        let created = NewNode::of(kind, device, mode).and_then(|node| self.make_node(at, node));
        created.map_err(|fault| fault.of(Operation::CreateNode, at.for_display()))
    }

    fn remove_dir(&self, at: &Location) -> Result<(), OsError> {
        self.unlink(at, AT_REMOVEDIR).map_err(|fault| fault.of(Operation::RemoveDir, at.for_display()))
    }

    fn remove_file(&self, at: &Location) -> Result<(), OsError> {
        self.unlink(at, 0).map_err(|fault| fault.of(Operation::RemoveFile, at.for_display()))
    }
}
