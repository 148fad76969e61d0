//! Mounting new filesystems.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

use mountwright_core::{Errno, FinalLink, Location, MountKey, MountReport, MountRequest, Recursion};

use crate::LinuxBackend;
use crate::abi::{
    FSMOUNT_CLOEXEC, FSOPEN_CLOEXEC, MS_BIND, MS_DIRSYNC, MS_LAZYTIME, MS_RDONLY, MS_REMOUNT, MS_SYNCHRONOUS,
    O_DIRECTORY,
};
use crate::attach::LastStep;
use crate::attribute_bits::{atime_attr, attr_bits, ms_bits};
use crate::fault::{Fault, Step};
use crate::kernel::{Call, Config, Kernel, Reach};
use crate::target::Target;

/// Words that mount(2) takes as flags of the superblock and not among the options.
const SUPERBLOCK_WORDS: [(&str, u32); 4] =
    [("ro", MS_RDONLY), ("sync", MS_SYNCHRONOUS), ("dirsync", MS_DIRSYNC), ("lazytime", MS_LAZYTIME)];

impl<K: Kernel> LinuxBackend<K> {
    pub(crate) fn mount_request(&self, request: &MountRequest) -> Step<MountReport> {
        let target = self.directory_target(&request.target)?;
        let mount = if self.uses(Call::Fsopen) && self.uses(Call::MoveMount) {
            let tree = self.detached_filesystem(request)?;
            self.attach(&tree, &target, last_step(request))?
        } else {
            self.mount_by_mount(request, &target)?
        };
        Ok(MountReport::new(mount))
    }

    fn directory_target(&self, at: &Location) -> Step<Target<K::Fd>> {
        let file = self.pin(at, FinalLink::Follow, O_DIRECTORY)?;
        Ok(Target { file, named: None, alone_on: None, shown: at.for_display() })
    }

    /// A mount of the filesystem that nobody sees yet.
    fn detached_filesystem(&self, request: &MountRequest) -> Step<K::Fd> {
        let context = self.calls.fsopen(&request.fs_type, FSOPEN_CLOEXEC)?;
        let set = |command| self.calls.fsconfig(&context, command);
        if let Some(subtype) = subtype(&request.fs_type) {
            set(Config::Text(OsStr::new("subtype"), subtype))?;
        }
        if let Some(source) = &request.source {
            set(Config::Text(OsStr::new("source"), source))?;
        }
        for option in &request.options {
            set(match &option.value {
                Some(value) => Config::Text(&option.key, value),
                None => Config::Flag(&option.key),
            })?;
        }
        set(Config::Create)?;
        let attributes = attr_bits(request.attributes.flags) | atime_attr(request.attributes.atime);
        self.calls.fsmount(&context, FSMOUNT_CLOEXEC, attributes)
    }

    /// Before 5.2. The mount is made writable first and its attributes set after: as flags of a new mount they would
    /// become the superblock's too.
    fn mount_by_mount(&self, request: &MountRequest, target: &Target<K::Fd>) -> Step<MountKey> {
        let (flags, options) = superblock_options(request)?;
        let source = request.source.as_deref().unwrap_or(OsStr::new("none"));
        let on = Reach::Descriptor(&target.file);
        let attributes = request.attributes.changed_by(mountwright_core::AttributeChange::NOTHING);
        let safe = ms_bits(attributes) & !MS_RDONLY;
        self.calls.mount(Reach::Path(source.as_ref()), on, &request.fs_type, flags | safe, &options)?;
        let (mounted, mount) = self.mounted_on(target, None)?;
        if attributes.is_read_only() {
            self.mount_by_flags(Reach::Descriptor(&mounted), MS_REMOUNT | MS_BIND | ms_bits(attributes))
                .map_err(|fault| self.take_off((&mounted, mount), target, true, fault))?;
        }
        self.finish(&mounted, target, last_step(request), mount)?;
        Ok(mount)
    }
}

/// A new filesystem is nobody's copy.
fn last_step(request: &MountRequest) -> LastStep {
    LastStep { propagation: request.propagation, recursion: Recursion::This, apart: true }
}

/// `sshfs` of `fuse.sshfs`.
fn subtype(fs_type: &OsStr) -> Option<&OsStr> {
    let bytes = fs_type.as_bytes();
    let dot = bytes.iter().position(|&byte| byte == b'.')?;
    Some(OsStr::from_bytes(&bytes[dot + 1..])).filter(|subtype| !subtype.is_empty())
}

/// The options as mount(2) takes them: some as flags, the others joined by commas. A comma within one would make two of
/// it.
fn superblock_options(request: &MountRequest) -> Step<(u32, OsString)> {
    let (mut flags, mut text) = (0, OsString::new());
    for option in &request.options {
        let word = SUPERBLOCK_WORDS.iter().find(|(word, _)| option.value.is_none() && option.key == *word);
        if let Some((_, flag)) = word {
            flags |= flag;
            continue;
        }
        if option.value.is_none() && option.key == "rw" {
            continue;
        }
        let parts = [Some(&option.key), option.value.as_ref()];
        if parts.into_iter().flatten().any(|part| part.as_bytes().contains(&b',')) {
            return Err(Fault::new(Call::Mount, Errno::EINVAL));
        }
        if !text.is_empty() {
            text.push(",");
        }
        text.push(&option.key);
        if let Some(value) = &option.value {
            text.push("=");
            text.push(value);
        }
    }
    Ok((flags, text))
}

#[cfg(test)]
mod tests {
    use mountwright_core::FilesystemOption;

    use super::*;

    #[test]
    fn options_become_flags_and_one_text() {
        let mut request = MountRequest::new("tmpfs", Location::trusted("/m"));
        request.options = vec![
            FilesystemOption::with_value("size", "64k"),
            FilesystemOption::flag("ro"),
            FilesystemOption::with_value("mode", "0700"),
        ];
        let (flags, text) = superblock_options(&request).unwrap();
        assert_eq!((flags, text), (MS_RDONLY, OsString::from("size=64k,mode=0700")));
        request.options.push(FilesystemOption::with_value("a", "b,c"));
        assert_eq!(superblock_options(&request).unwrap_err().errno(), Errno::EINVAL);
    }

    #[test]
    fn a_subtype_follows_the_first_dot() {
        assert_eq!(subtype(OsStr::new("fuse.sshfs")), Some(OsStr::new("sshfs")));
        assert_eq!(subtype(OsStr::new("tmpfs")), None);
        assert_eq!(subtype(OsStr::new("fuse.")), None);
    }
}
