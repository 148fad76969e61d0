//! Mounting new filesystems.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::rc::Rc;

use mountwright_core::file::FinalSymlink;
use mountwright_core::mount::{FilesystemOption, MountAttributes, OccupiedTarget};
use mountwright_core::path::printable;
use mountwright_core::{AttributeChange, Errno, Location, MountFlags, MountKey, MountRequest, Recursion};

use crate::backend::LinuxBackend;
use crate::files::create::Sort;
use crate::mounting::attach::{Attached, LastStep};
use crate::mounting::bind_detached::MOST_ATTEMPTS;
use crate::mounting::target::{Named, Target};
use crate::mounting::wanted_propagation::WantedOfTree;
use crate::query::attribute_bits::{atime_attr, attr_bits, ms_bits};
use crate::resolve::beneath::Crossing;
use crate::syscalls::abi::{
    FSMOUNT_CLOEXEC, FSOPEN_CLOEXEC, MS_BIND, MS_DIRSYNC, MS_I_VERSION, MS_LAZYTIME, MS_MANDLOCK, MS_MOVE, MS_RDONLY,
    MS_REMOUNT, MS_SILENT, MS_SYNCHRONOUS, O_DIRECTORY, O_PATH,
};
use crate::syscalls::failure::{Fault, Step};
use crate::syscalls::{Call, Config, Kernel, Reach};

/// Words that mount(2) takes as flags of the superblock and not among the options.
const SUPERBLOCK_WORDS: [(&str, u32); 7] = [
    ("ro", MS_RDONLY),
    ("sync", MS_SYNCHRONOUS),
    ("dirsync", MS_DIRSYNC),
    ("lazytime", MS_LAZYTIME),
    ("mand", MS_MANDLOCK),
    ("silent", MS_SILENT),
    ("iversion", MS_I_VERSION),
];
/// Those among them that fsconfig refuses.
const ONLY_BY_MOUNT: [&str; 2] = ["silent", "iversion"];

impl<K: Kernel> LinuxBackend<K> {
    pub(crate) fn mount_request(&self, request: &MountRequest) -> Step<MountKey> {
        for _ in 1..MOST_ATTEMPTS {
            match self.attempt_mount(request) {
                Err(fault) if fault.is_worth_another_attempt() => {}
                other => return other,
            }
        }
        self.attempt_mount(request)
    }

    fn attempt_mount(&self, request: &MountRequest) -> Step<MountKey> {
        let target = self.directory_target(&request.target)?;
        let by_context = self.uses(Call::Fsopen) && self.uses(Call::MoveMount) && fits_a_context(request);
        let tree = if by_context { self.detached_filesystem(request)? } else { None };
        let Some(tree) = tree else { return self.mount_by_mount(request, &target) };
        let mount = self.mount_of_fd(&tree)?;
        self.attach((&tree, mount), &target, &last_step(request))?;
        Ok(mount)
    }

    fn directory_target<'a>(&self, at: &'a Location) -> Step<Target<'a, K::Fd>> {
        let (file, named) = match at {
            Location::Trusted(_) => (self.pin(at, FinalSymlink::Follow, O_DIRECTORY)?, None),
            Location::Beneath { root, path } => {
                let parent = self.open_parent(root, path)?;
                let file = self.beneath(&parent, path.name().as_ref(), O_PATH | O_DIRECTORY, Crossing::Enter)?;
                (file, Some(Named::Beneath(Rc::new(parent), path.name())))
            }
            Location::InRoot { root, path } => {
                let root = Rc::new(self.open_root(root)?);
                (self.in_root(&root, path, O_PATH | O_DIRECTORY)?, Some(Named::InRoot(root, path)))
            }
        };
        Ok(Target { file, named, alone_on: None, occupied: OccupiedTarget::Stack, at })
    }

    /// Returns a detached mount of the filesystem. `None`: this kernel can set its attributes only by mount(2).
    fn detached_filesystem(&self, request: &MountRequest) -> Step<Option<K::Fd>> {
        let completed = self.completed_context(Config::Create, || self.configured_context(request));
        let context = completed.map_err(|fault| without_values(fault, request))?;
        let attributes = attr_bits(request.attributes.flags) | atime_attr(request.attributes.atime);
        match self.calls.fsmount(&context, FSMOUNT_CLOEXEC, attributes) {
            Ok(tree) => Ok(Some(tree)),
            // Before 5.14 fsmount does not know the flag; mount(2) knows it since 5.10.
            Err(fault) if fault.errno() == Errno::EINVAL && follows_no_symlink(request) => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    /// A configured context after its last command. A signal during that command fails the context for good: another one is
    /// made, [`MOST_CONTEXTS`] times.
    pub(crate) fn completed_context(&self, last: Config<'_>, configured: impl Fn() -> Step<K::Fd>) -> Step<K::Fd> {
        for _ in 0..MOST_CONTEXTS {
            let context = configured()?;
            match self.kernel().fsconfig(&context, last) {
                Ok(()) => return Ok(context),
                Err(Errno::EINTR) => {}
                Err(errno) => {
                    return Err(Fault::new(Call::Fsconfig, errno).because(self.log_of(&context)));
                }
            }
        }
        Err(Fault::new(Call::Fsconfig, Errno::EINTR))
    }

    /// Returns the errors and warnings that the kernel has logged in a context.
    fn log_of(&self, context: &K::Fd) -> Option<String> {
        let messages = (0..MOST_MESSAGES).map_while(|_| self.kernel().read(context, MESSAGE_MAX).ok());
        let messages: Vec<String> = messages
            .filter_map(|message| match message.strip_suffix(b"\n").unwrap_or(&message) {
                [b'e' | b'w', b' ', text @ ..] => Some(printable(OsStr::from_bytes(text))),
                _ => None,
            })
            .collect();
        (!messages.is_empty()).then(|| messages.join("; "))
    }

    fn configured_context(&self, request: &MountRequest) -> Step<K::Fd> {
        let context = self.calls.fsopen(&request.fs_type, FSOPEN_CLOEXEC)?;
        let set = |command: Config<'_>| {
            self.calls.fsconfig(&context, command).map_err(|fault| {
                let named = match command {
                    Config::Flag(key) | Config::Text(key, _) => Some(format!("option {}", printable(key))),
                    Config::Create | Config::Reconfigure => None,
                };
                fault.because(self.log_of(&context)).because(named)
            })
        };
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
        Ok(context)
    }

    /// Before 5.2, and for a request that no context accepts: mounts in the staging directory and moves the mount to
    /// its target. Without a staging directory it mounts on the target, read-only after a window.
    fn mount_by_mount(&self, request: &MountRequest, target: &Target<'_, K::Fd>) -> Step<MountKey> {
        let (flags, options) = superblock_options(request)?;
        if [Some(&options), request.source.as_ref()].into_iter().flatten().any(|text| text.len() >= PAGE) {
            let refused = Fault::new(Call::Mount, Errno::E2BIG);
            return Err(refused.at_step("mount (options or source of more than 4095 bytes)"));
        }
        let source = request.source.as_deref().unwrap_or(OsStr::new("none"));
        let make = |place: Reach<'_, K::Fd>| {
            // As a flag of a new mount, read-only would become the superblock's too: it is set afterwards.
            let safe = ms_bits(wanted(request)) & !MS_RDONLY;
            self.calls.mount(Reach::Path(source.as_ref()), place, &request.fs_type, flags | safe, &options)
        };
        match self.enter_staging()? {
            Some(staging) => {
                let mounted = self.stage_at(&staging, Sort::Directory, make);
                let moved = mounted.and_then(|mounted| self.move_new_mount(mounted, target, request));
                let take_off = |(mounted, mount), fault| self.take_off((&mounted, mount), target, true, fault);
                let (mounted, mount) = self.leave_staging(staging, moved, take_off)?;
                self.settle(&Attached::new(&mounted, mount, Recursion::This), target, &last_step(request))?;
                Ok(mount)
            }
            None if target.named.is_some() => Err(self.no_staging()),
            None if request.attributes.is_read_only() && self.has_peers(&target.file)? => Err(self.no_staging()),
            None => {
                make(Reach::Descriptor(&target.file))?;
                let (mounted, mount) = self.mounted_on(target, None)?;
                self.make_read_only(&mounted, request)
                    .map_err(|fault| self.take_off((&mounted, mount), target, true, fault))?;
                self.finish(Attached::new(&mounted, mount, Recursion::This), target, &last_step(request))?;
                Ok(mount)
            }
        }
    }

    fn move_new_mount(
        &self,
        mounted: K::Fd,
        target: &Target<'_, K::Fd>,
        request: &MountRequest,
    ) -> Step<(K::Fd, MountKey)> {
        self.make_read_only(&mounted, request)?;
        let mount = self.mount_of_fd(&mounted)?;
        let (from, to) = (Reach::Descriptor(&mounted), Reach::Descriptor(&target.file));
        self.calls.mount(from, to, "".as_ref(), MS_MOVE, "".as_ref())?;
        self.look_at(&Attached::new(&mounted, mount, Recursion::This), target, &last_step(request))?;
        Ok((mounted, mount))
    }

    /// Makes the mount read-only if requested. If symlinks must not be followed, checks that the flag is set: before
    /// 5.10 mount(2) ignores it.
    fn make_read_only(&self, mounted: &K::Fd, request: &MountRequest) -> Step<()> {
        if follows_no_symlink(request) {
            let flags = self.mount_of_pinned(mounted)?.mount.attributes.flags;
            if !flags.contains(MountFlags::NO_SYMLINK_FOLLOW) {
                return Err(Fault::new(Call::Mount, Errno::EOPNOTSUPP).at_step("mount (nosymfollow)"));
            }
        }
        if !request.attributes.is_read_only() {
            return Ok(());
        }
        self.mount_by_flags(Reach::Descriptor(mounted), MS_REMOUNT | MS_BIND | ms_bits(wanted(request)))
    }
}

/// The limit of fsconfig's texts: the longest one is one byte shorter.
const LONGEST_TEXT: usize = 256;
/// The limit of mount(2)'s options and source: the longest one is one byte shorter.
const PAGE: usize = 4096;
/// The limits of the messages that are read from a context: the kernel keeps eight.
const MOST_MESSAGES: usize = 8;
const MESSAGE_MAX: usize = 1024;
/// The number of contexts that signals may fail before `EINTR` is returned.
const MOST_CONTEXTS: usize = 8;

/// Returns true if fsconfig accepts every word and the length of every key and value.
fn fits_a_context(request: &MountRequest) -> bool {
    let only_by_mount =
        |option: &FilesystemOption| option.value.is_none() && ONLY_BY_MOUNT.iter().any(|word| option.key == *word);
    if request.options.iter().any(only_by_mount) {
        return false;
    }
    let keys = request.options.iter().map(|option| &option.key);
    let values = request.options.iter().filter_map(|option| option.value.as_ref());
    keys.chain(values).chain(&request.source).chain([&request.fs_type]).all(|text| text.len() < LONGEST_TEXT)
}

/// A filesystem may log an option with its value, which may be a secret.
fn without_values(fault: Fault, request: &MountRequest) -> Fault {
    let values = request.options.iter().filter_map(|option| option.value.as_ref());
    let values = values.map(printable).filter(|value| !value.is_empty());
    fault.with_detail_changed(|detail| values.fold(detail, |detail, value| detail.replace(&format!("={value}"), "=…")))
}

fn follows_no_symlink(request: &MountRequest) -> bool {
    request.attributes.flags.contains(MountFlags::NO_SYMLINK_FOLLOW)
}

fn wanted(request: &MountRequest) -> MountAttributes {
    request.attributes.changed_by(AttributeChange::NOTHING)
}

/// A new filesystem has no original, hence no peers.
fn last_step<Fd>(request: &MountRequest) -> LastStep<'static, Fd> {
    LastStep { wanted: WantedOfTree::of_one(request.propagation), apart: true, source: None }
}

/// `sshfs` of `fuse.sshfs`.
fn subtype(fs_type: &OsStr) -> Option<&OsStr> {
    let bytes = fs_type.as_bytes();
    let dot = bytes.iter().position(|&byte| byte == b'.')?;
    Some(OsStr::from_bytes(&bytes[dot + 1..])).filter(|subtype| !subtype.is_empty())
}

/// Returns the options for mount(2): some as flags, the others joined by commas. An option with a comma would become
/// two.
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
