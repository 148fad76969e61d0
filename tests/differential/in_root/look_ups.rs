//! Random look-ups: the kernel's own `RESOLVE_IN_ROOT`, the backend with it, and the backend without openat2.

use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};

use mountwright_core::file::{FileKind, FinalSymlink, Metadata};
use mountwright_core::mount::UniqueMountId;
use mountwright_core::{DeviceNumber, Errno, Filesystem, Location, MountKey, Mounter, OsError};
use mountwright_linux::abi::{
    AT_EMPTY_PATH, O_CLOEXEC, O_DIRECTORY, O_NOFOLLOW, O_PATH, RESOLVE_IN_ROOT, RESOLVE_NO_MAGICLINKS, S_IFDIR,
    S_IFIFO, S_IFLNK, S_IFMT, S_IFREG, S_IFSOCK, STATX_BASIC_STATS, STATX_MNT_ID_UNIQUE,
};
use mountwright_linux::{At, Call, Kernel, LinuxBackend, Stat, SyscallSet};
use mountwright_tests::random::Random;

use crate::tree::{ROOT, Tree};

/// The attempts at a look-up of the kernel's that a rename elsewhere disturbs.
const ATTEMPTS: usize = 1 << 16;
/// The attempts at one that is `ELOOP`: the kernel counts the symlinks of a disturbed look-up twice.
const ATTEMPTS_AT_LINKS: usize = 64;
/// The magic number of procfs, which gives one name another inode each time.
const PROCFS: u32 = 0x9fa0;

/// The file that a path leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) kind: Option<FileKind>,
    device: DeviceNumber,
    inode: u64,
    pub(crate) mount: Option<MountKey>,
}

impl From<&Stat> for Seen {
    fn from(stat: &Stat) -> Self {
        let kind = match u32::from(stat.mode) & S_IFMT {
            S_IFDIR => Some(FileKind::Directory),
            S_IFREG => Some(FileKind::Regular),
            S_IFLNK => Some(FileKind::Symlink),
            S_IFIFO => Some(FileKind::Fifo),
            S_IFSOCK => Some(FileKind::Socket),
            _ => None,
        };
        let mount = NonZeroU64::new(stat.mount_id).map(|id| MountKey::Unique(UniqueMountId(id)));
        Self { kind, device: DeviceNumber::new(stat.device.0, stat.device.1), inode: stat.inode, mount }
    }
}

impl From<Metadata> for Seen {
    fn from(found: Metadata) -> Self {
        Self { kind: Some(found.kind), device: found.device, inode: found.inode, mount: found.mount }
    }
}

/// Counts of results, by what they are.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally(BTreeMap<String, u64>);

impl Tally {
    pub(crate) fn add(&mut self, what: impl Into<String>) {
        *self.0.entry(what.into()).or_default() += 1;
    }

    pub(crate) fn of(&self, what: &str) -> u64 {
        self.0.get(what).copied().unwrap_or_default()
    }

    pub(crate) fn total(&self) -> u64 {
        self.0.values().sum()
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: Vec<_> = self.0.iter().map(|(what, times)| format!("{what} {times}")).collect();
        write!(f, "{} ({})", self.total(), parts.join(", "))
    }
}

/// A path, where the kernel's own look-up leads, and how that is counted.
pub(crate) type Found = Result<(PathBuf, Seen), Errno>;

/// The word for a result in a tally.
pub(crate) fn word(found: &Found) -> String {
    match found {
        Ok((_, seen)) => seen.kind.map_or("another kind".to_owned(), |kind| format!("{kind:?}")),
        Err(errno) => errno.to_string(),
    }
}

/// One machine with the image on it.
pub(crate) struct Asked<K: Kernel> {
    kernel: K,
    /// With openat2, and without.
    pub(crate) rungs: [LinuxBackend<K>; 2],
}

impl<K: Kernel> Asked<K> {
    pub(crate) fn new(kernel: K) -> Self {
        let with = LinuxBackend::over(kernel.clone());
        let without = with.clone().with_syscalls(SyscallSet::ALL.without(Call::Openat2));
        assert!(with.uses(Call::Openat2) && !without.uses(Call::Openat2));
        Self { kernel, rungs: [with, without] }
    }

    /// Opens a path by the kernel's own look-up.
    fn open(&self, path: &str, flags: u32) -> Result<K::Fd, Errno> {
        let look = |_| self.open_once(path, flags);
        let found = (0..ATTEMPTS_AT_LINKS).map(look).find(|found| !matches!(found, Err(Errno::ELOOP)));
        found.unwrap_or(Err(Errno::ELOOP))
    }

    fn open_once(&self, path: &str, flags: u32) -> Result<K::Fd, Errno> {
        let root = self.kernel.openat(At::Cwd, Path::new(ROOT), O_PATH | O_DIRECTORY | O_CLOEXEC, 0)?;
        let path = Path::new(if path.is_empty() { "/" } else { path });
        let flags = flags | O_PATH | O_CLOEXEC;
        let look = |_| self.kernel.openat2(&root, path, flags, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
        (0..ATTEMPTS).map(look).find(|found| !matches!(found, Err(Errno::EAGAIN))).expect("a pause in the renames")
    }

    /// Looks a path up by the kernel's own look-up.
    pub(crate) fn look(&self, path: &str, link: FinalSymlink) -> Found {
        let file = self.open(path, if link == FinalSymlink::Itself { O_NOFOLLOW } else { 0 })?;
        let mask = STATX_BASIC_STATS | STATX_MNT_ID_UNIQUE;
        let stat = self.kernel.statx(At::Fd(&file), Path::new(""), AT_EMPTY_PATH, mask)?;
        let mut seen = Seen::from(&stat);
        if self.kernel.fstatfs(&file)?.0 == PROCFS {
            seen.inode = 0;
        }
        Ok((self.kernel.fd_path(&file)?, seen))
    }

    /// Asks every question about a place, and returns the differences from the kernel's own look-up.
    pub(crate) fn differences(&self, path: &str, link: FinalSymlink, expected: &Found) -> Vec<String> {
        let as_directory = self.open(path, O_DIRECTORY).map(drop);
        let mut different = Vec::new();
        for (rung, backend) in ["with openat2", "without openat2"].into_iter().zip(&self.rungs) {
            let mut compare = |question: &str, got: Result<Seen, Errno>, wanted: Result<Seen, Errno>| {
                if got != wanted {
                    different.push(format!("{rung}: {question} of {path:?} ({link:?}): {got:?}, kernel: {wanted:?}"));
                }
            };
            let at = Location::in_root(ROOT, path);
            let wanted = expected.as_ref().map(|(_, seen)| seen.clone()).map_err(|errno| *errno);
            let is_whole = wanted.as_ref().is_ok_and(|seen| seen.inode != 0);
            let seen = |found: Result<Metadata, OsError>| match found {
                Ok(found) if is_whole => Ok(Seen::from(found)),
                Ok(found) => Ok(Seen { inode: 0, ..Seen::from(found) }),
                Err(error) => Err(error.errno()),
            };
            compare("metadata", seen(backend.metadata(&at, link)), wanted.clone());
            if link == FinalSymlink::Itself {
                continue;
            }
            let own = |directory: Box<dyn mountwright_core::Directory>| directory.own_metadata();
            compare("open_dir", seen(backend.open_dir(&at).and_then(own)), as_directory.and(wanted.clone()));
            let of_mount = |mount: MountKey, found: &Seen| Seen { mount: Some(mount), ..found.clone() };
            let mount = match (backend.mount_of(&at), &wanted) {
                (Ok(found), Ok(file)) => Ok(of_mount(found.mount.key(), file)),
                (Ok(_), Err(_)) => Err(Errno::EIO),
                (Err(error), _) => Err(error.errno()),
            };
            compare("mount_of", mount, wanted);
        }
        different
    }
}

/// The sum of a campaign.
#[derive(Debug, Default)]
pub(crate) struct LookUps {
    pub(crate) results: Tally,
    pub(crate) different: Vec<String>,
}

impl LookUps {
    /// Makes so many look-ups in an image, and compares the model's as well where it has the same image.
    pub(crate) fn ask<K: Kernel, M: Kernel>(
        &mut self,
        (kernel, model): (&Asked<K>, Option<&Asked<M>>),
        tree: &Tree,
        random: &mut Random,
        times: usize,
    ) {
        for _ in 0..times {
            let path = tree.path(random);
            let link = if random.one_in(4) { FinalSymlink::Itself } else { FinalSymlink::Follow };
            let found = kernel.look(&path, link);
            let mut different = kernel.differences(&path, link, &found);
            if let Some(model) = model {
                let modelled = model.look(&path, link);
                different
                    .extend(model.differences(&path, link, &modelled).into_iter().map(|text| format!("model, {text}")));
                let place =
                    |found: &Found| found.as_ref().map(|(path, seen)| (path.clone(), seen.kind)).map_err(|e| *e);
                if place(&modelled) != place(&found) {
                    different.push(format!("{path:?} ({link:?}): model: {modelled:?}, kernel: {found:?}"));
                }
            }
            self.results.add(word(&found));
            let image = || format!("in\n{}\n", tree.text());
            self.different.extend(different.into_iter().map(|text| text + "\n" + &image()));
        }
    }
}
