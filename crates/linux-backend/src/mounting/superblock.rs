//! Changing a superblock, for every mount of it.

use std::ffi::OsStr;

use mountwright_core::error::Leftover;
use mountwright_core::file::FinalSymlink;
use mountwright_core::mount::{PathMount, SuperblockAccess};
use mountwright_core::{Errno, Location, MountInfo};

use crate::backend::LinuxBackend;
use crate::query::attribute_bits::ms_bits;
use crate::syscalls::abi::{
    FSPICK_CLOEXEC, FSPICK_EMPTY_PATH, MS_BIND, MS_DIRSYNC, MS_I_VERSION, MS_LAZYTIME, MS_MANDLOCK, MS_RDONLY,
    MS_REMOUNT, MS_SYNCHRONOUS,
};
use crate::syscalls::failure::{Fault, Step};
use crate::syscalls::{At, Call, Config, Kernel, Reach};

impl<K: Kernel> LinuxBackend<K> {
    pub(crate) fn superblock(&self, at: &Location, access: SuperblockAccess) -> Step<()> {
        if !self.uses(Call::Fsopen) {
            return self.superblock_by_mount(at, access);
        }
        let word = match access {
            SuperblockAccess::ReadOnly => "ro",
            SuperblockAccess::ReadWrite => "rw",
        };
        let configured = || {
            let context = self.picked_context(at)?;
            self.calls.fsconfig(&context, Config::Flag(OsStr::new(word))).map(|()| context)
        };
        self.completed_context(Config::Reconfigure, configured).map(drop)
    }

    fn picked_context(&self, at: &Location) -> Step<K::Fd> {
        match at {
            Location::Trusted(path) => self.calls.fspick(At::Cwd, path, FSPICK_CLOEXEC),
            Location::Beneath { .. } | Location::InRoot { .. } => {
                let mount = self.pin(at, FinalSymlink::Follow, 0)?;
                self.calls.fspick(At::Fd(&mount), "".as_ref(), FSPICK_CLOEXEC | FSPICK_EMPTY_PATH)
            }
        }
    }

    /// Before 5.2: a remount changes the superblock and the mount that it is made through. That is a copy in the
    /// staging directory if possible; otherwise the mount itself, whose own attributes are then restored.
    fn superblock_by_mount(&self, at: &Location, access: SuperblockAccess) -> Step<()> {
        let file = self.pin(at, FinalSymlink::Follow, 0)?;
        let PathMount { mount, is_root } = self.mount_of_pinned(&file)?;
        if !is_root {
            return Err(Fault::new(Call::Mount, Errno::EINVAL));
        }
        let attributes = ms_bits(mount.attributes);
        let wanted = match access {
            SuperblockAccess::ReadOnly => MS_RDONLY,
            SuperblockAccess::ReadWrite => 0,
        };
        let remount = MS_REMOUNT | (attributes & !MS_RDONLY) | wanted | present_flags(&mount);
        let changed_here = |fault: Fault| fault.leaving(Leftover::Attributes { at: at.for_display() });
        if let Some(staging) = self.enter_staging()? {
            let changed = self
                .stage(&staging, &file, MS_BIND)
                .and_then(|copy| self.mount_by_flags(Reach::Descriptor(&copy), remount))
                .and_then(|()| self.unstage(&staging.root).map_err(changed_here));
            return self.leave_staging(staging, changed, |(), fault| changed_here(fault));
        }
        self.mount_by_flags(Reach::Descriptor(&file), remount)?;
        self.mount_by_flags(Reach::Descriptor(&file), MS_REMOUNT | MS_BIND | attributes).map_err(changed_here)
    }
}

/// Returns the other flags of the superblock, which a remount would clear. ext4 prints `i_version` for `iversion`.
fn present_flags(mount: &MountInfo) -> u32 {
    let words = [
        ("sync", MS_SYNCHRONOUS),
        ("dirsync", MS_DIRSYNC),
        ("lazytime", MS_LAZYTIME),
        ("mand", MS_MANDLOCK),
        ("iversion", MS_I_VERSION),
        ("i_version", MS_I_VERSION),
    ];
    words.into_iter().filter(|(word, _)| mount.option(word).is_some()).fold(0, |flags, (_, flag)| flags | flag)
}

#[cfg(test)]
mod tests {
    use mountwright_core::DeviceNumber;
    use mountwright_core::mount::MountId;

    use super::*;

    #[test]
    fn a_remount_keeps_every_flag_that_the_table_prints() {
        let mut mount = MountInfo::new(MountId(2), MountId(1), DeviceNumber::new(8, 1));
        for (options, flags) in [
            ("rw", 0),
            ("rw,sync,dirsync,mand,lazytime", MS_SYNCHRONOUS | MS_DIRSYNC | MS_MANDLOCK | MS_LAZYTIME),
            ("rw,i_version", MS_I_VERSION),
            ("ro,iversion,errors=remount-ro", MS_I_VERSION),
        ] {
            mount.options = options.into();
            assert_eq!(present_flags(&mount), flags, "{options}");
        }
    }
}
