//! Changing a superblock, for every mount of it.

use mountwright_core::error::Leftover;
use mountwright_core::file::FinalSymlink;
use mountwright_core::mount::{FilesystemOption, PathMount, SuperblockAccess};
use mountwright_core::{Errno, Location, MountInfo};

use crate::backend::LinuxBackend;
use crate::mounting::filesystem_options::{MountData, fit_a_context, without_values};
use crate::query::attribute_bits::ms_bits;
use crate::syscalls::abi::{
    MS_BIND, MS_DIRSYNC, MS_I_VERSION, MS_LAZYTIME, MS_MANDLOCK, MS_RDONLY, MS_REMOUNT, MS_SYNCHRONOUS,
};
use crate::syscalls::failure::{Fault, Step};
use crate::syscalls::{Call, Config, Kernel, Reach};

impl<K: Kernel> LinuxBackend<K> {
    pub(crate) fn superblock(&self, at: &Location, access: SuperblockAccess) -> Step<()> {
        let word = match access {
            SuperblockAccess::ReadOnly => "ro",
            SuperblockAccess::ReadWrite => "rw",
        };
        self.reconfigured(at, &[FilesystemOption::flag(word)])
    }

    pub(crate) fn reconfigured(&self, at: &Location, options: &[FilesystemOption]) -> Step<()> {
        let by_descriptor = options.iter().all(|option| option.place.is_none()) || self.uses(Call::SetFd);
        if !self.uses(Call::Fsopen) || !by_descriptor || !fit_a_context(options) {
            return self.reconfigured_by_mount(at, options);
        }
        let configured = || {
            let context = self.picked_context(at)?;
            self.set_options(&context, options).map(|()| context)
        };
        let done = self.completed_context(Config::Reconfigure, configured);
        done.map(drop).map_err(|fault| without_values(fault, options))
    }

    /// Before 5.2, and for a text that no context takes: a remount changes the superblock and the mount that it is made
    /// through. That is a copy in the staging directory if possible; otherwise the mount itself, whose own attributes are then
    /// restored.
    fn reconfigured_by_mount(&self, at: &Location, options: &[FilesystemOption]) -> Step<()> {
        let by_path = self.by_path(options)?;
        let MountData { set, clear, text } = MountData::of(&by_path.options)?;
        let file = self.pin(at, FinalSymlink::Follow, 0)?;
        let PathMount { mount, is_root } = self.mount_of_pinned(&file)?;
        if !is_root {
            return Err(Fault::new(Call::Mount, Errno::EINVAL));
        }
        let attributes = ms_bits(mount.attributes);
        let remount = MS_REMOUNT | (attributes & !MS_RDONLY) | present_flags(&mount) & !clear | set;
        let change = |mount: &K::Fd| {
            let nothing = Reach::Path("".as_ref());
            self.calls.mount(nothing, Reach::Descriptor(mount), "".as_ref(), remount, &text)
        };
        let changed_here = |fault: Fault| fault.leaving(Leftover::Attributes { at: at.for_display() });
        if let Some(staging) = self.enter_staging()? {
            let changed = self
                .stage(&staging, &file, MS_BIND)
                .and_then(|copy| change(&copy))
                .and_then(|()| self.unstage(&staging.root).map_err(changed_here));
            return self.leave_staging(staging, changed, |(), fault| changed_here(fault));
        }
        change(&file)?;
        self.mount_by_flags(Reach::Descriptor(&file), MS_REMOUNT | MS_BIND | attributes).map_err(changed_here)
    }
}

/// Returns the flags of the superblock, which a remount would clear. ext4 prints `i_version` for `iversion`.
fn present_flags(mount: &MountInfo) -> u32 {
    let words = [
        ("ro", MS_RDONLY),
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
            ("ro,iversion,errors=remount-ro", MS_RDONLY | MS_I_VERSION),
        ] {
            mount.options = options.into();
            assert_eq!(present_flags(&mount), flags, "{options}");
        }
    }
}
