//! Directories and files that were created for the target of a new mount; they are removed if it fails.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use mountwright_core::error::Leftover;
use mountwright_core::file::FileIdentity;
use mountwright_core::mount::{BindReport, Guarantee};
use mountwright_core::{Errno, FileMode, MountKey};

use crate::backend::LinuxBackend;
use crate::files::create::{FRESH, SET_GROUP_ID, Sort};
use crate::files::metadata::file_identity;
use crate::resolve::identity::{QUIETLY, kind, mount_key, mount_root};
use crate::syscalls::abi::{AT_REMOVEDIR, AT_SYMLINK_NOFOLLOW, S_IFDIR};
use crate::syscalls::failure::{Fault, Step};
use crate::syscalls::{At, Kernel, Stat};

/// Result of the removal of what was created.
pub(crate) enum Removal {
    Removed,
    /// A mount is on it, or names are in it.
    InUse,
    Kept,
}

/// A directory or file, with the directory that it was created in.
pub(crate) struct Made<Fd> {
    pub(crate) parent: Arc<Fd>,
    pub(crate) name: OsString,
    pub(crate) sort: Sort,
    pub(crate) shown: PathBuf,
    /// Its filesystem and inode number, once it has been opened.
    pub(crate) identity: Option<((u32, u32), u64)>,
    /// The mount that it is on; `None`: unknown.
    pub(crate) on: Option<MountKey>,
}

/// Everything that was created, outermost first. Each directory stays pinned until the end.
pub(crate) struct Created<Fd> {
    made: Vec<Made<Fd>>,
    /// The mount and the identity of the last that was created, while it is the last of its target.
    fresh: Option<(MountKey, FileIdentity)>,
    /// The target, if the request refuses a mount point; created or not.
    pub(crate) target: Option<FileIdentity>,
}

fn identity(stat: &Stat) -> ((u32, u32), u64) {
    (stat.device, stat.inode)
}

impl<Fd> Created<Fd> {
    pub(crate) fn nothing() -> Self {
        Self { made: Vec::new(), fresh: None, target: None }
    }

    /// The mount and the identity of the target, if it was created: no mount is on it.
    pub(crate) fn fresh(&self) -> Option<(MountKey, FileIdentity)> {
        self.fresh
    }

    /// The target was there already.
    pub(crate) fn found_the_last(&mut self) {
        self.fresh = None;
    }

    pub(crate) fn made(&self) -> &[Made<Fd>] {
        &self.made
    }

    /// Returns the report of the mount.
    pub(crate) fn report(self, mount: MountKey, guarantee: Guarantee) -> BindReport {
        let created = self.made.into_iter().map(|made| made.shown).collect();
        BindReport::new(mount, guarantee).creating(created).on(self.target)
    }

    fn add(&mut self, parent: &Arc<Fd>, name: &Path, sort: Sort, shown: &Path) {
        let (parent, name, shown) = (Arc::clone(parent), name.as_os_str().to_owned(), shown.to_path_buf());
        self.made.push(Made { parent, name, sort, shown, identity: None, on: None });
    }

    fn identify(&mut self, stat: &Stat) -> Step<()> {
        let on = mount_key(stat);
        if let Some(made) = self.made.last_mut() {
            (made.identity, made.on) = (Some(identity(stat)), on);
        }
        self.fresh = on.zip(Some(file_identity(stat)?));
        Ok(())
    }
}

impl<K: Kernel> LinuxBackend<K> {
    /// Creates a directory in `parent`, unless another process has created it first, and opens it by `open` in both
    /// cases.
    ///
    /// Its mode is corrected only if the name leads to a directory on the parent's own mount that looks newly created:
    /// another process may have exchanged the name, or mounted on it.
    pub(crate) fn make_directory_for_mount(
        &self,
        (parent, name, shown): (&Arc<K::Fd>, &Path, &Path),
        mode: FileMode,
        created: &mut Created<K::Fd>,
        open: impl FnOnce() -> Step<K::Fd>,
    ) -> Step<K::Fd> {
        created.fresh = None;
        match self.calls.mkdirat(At::Fd(parent), name, mode.bits().into()) {
            Ok(()) => created.add(parent, name, Sort::Directory, shown),
            Err(fault) if fault.errno() == Errno::EEXIST => return open(),
            Err(fault) => return Err(fault),
        }
        match self.open_fresh_directory(parent, name, mode) {
            Ok((fresh, stat)) => {
                created.identify(&stat)?;
                let inherited = FileMode::from_bits(mode.bits() | stat.mode & SET_GROUP_ID);
                self.correct_mode_of(&fresh, &stat, inherited)?;
                Ok(fresh)
            }
            // Already a mount point, perhaps of another bind to the same target.
            Err(fault) if fault.errno() == Errno::EXDEV => open(),
            Err(fault) => Err(fault),
        }
    }

    /// Creates an empty file in the same way.
    pub(crate) fn make_file_for_mount(
        &self,
        (parent, name, shown): (&Arc<K::Fd>, &Path, &Path),
        mode: FileMode,
        created: &mut Created<K::Fd>,
        open: impl FnOnce() -> Step<K::Fd>,
    ) -> Step<K::Fd> {
        created.fresh = None;
        let fresh = match self.create_exclusively(At::Fd(parent), name, mode) {
            Ok(fresh) => fresh,
            Err(fault) if fault.errno() == Errno::EEXIST => return open(),
            Err(fault) => return Err(fault),
        };
        created.add(parent, name, Sort::File, shown);
        created.identify(&self.correct_mode(&fresh, mode)?)?;
        Ok(fresh)
    }

    /// Removes what was created, innermost first, one name at a time, and never a file of another process. The failure
    /// names what stays. After a lost race, names below the other caller's mount are that caller's.
    pub(crate) fn take_back(&self, created: Created<K::Fd>, fault: Fault) -> Fault {
        let lost_a_race = fault.errno() == Errno::EBUSY && fault.leaves_nothing();
        let all_of_another = |fault: &Fault| lost_a_race && fault.leaves_nothing();
        created.made.into_iter().rev().fold(fault, |fault, made| match self.remove_made(&made) {
            Removal::Removed => fault,
            Removal::InUse if all_of_another(&fault) => fault,
            _ if made.sort == Sort::Directory => fault.leaving(Leftover::Directory(made.shown)),
            _ => fault.leaving(Leftover::File(made.shown)),
        })
    }

    /// Removes a name if it is still that of what was created and not used.
    pub(crate) fn remove_made(&self, made: &Made<K::Fd>) -> Removal {
        let gone = |fault: &Fault| if fault.errno() == Errno::ENOENT { Removal::Removed } else { Removal::Kept };
        let (dir, name) = (At::Fd(&*made.parent), Path::new(&made.name));
        if let Some(known) = made.identity {
            match self.calls.statx(dir, name, QUIETLY | AT_SYMLINK_NOFOLLOW, FRESH) {
                // A mount is on it.
                Ok(stat) if identity(&stat) != known && mount_root(&stat) == Some(true) => return Removal::InUse,
                // Another process has moved it, or has written to it.
                Ok(stat) if identity(&stat) != known => return Removal::Kept,
                Ok(stat) if kind(&stat) != S_IFDIR && stat.size > 0 => return Removal::Kept,
                Ok(_) => {}
                Err(fault) => return gone(&fault),
            }
        }
        let flags = if made.sort == Sort::Directory { AT_REMOVEDIR } else { 0 };
        match self.calls.unlinkat(dir, name, flags) {
            Ok(()) => Removal::Removed,
            Err(fault) if matches!(fault.errno(), Errno::EBUSY | Errno::ENOTEMPTY | Errno::EEXIST) => Removal::InUse,
            Err(fault) => gone(&fault),
        }
    }
}
