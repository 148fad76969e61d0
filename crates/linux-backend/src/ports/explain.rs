//! Causes of failures, looked at afterwards: another process may have changed something in between, so they are for messages
//! alone.

use std::path::{Path, PathBuf};

use mountwright_core::file::FinalSymlink;
use mountwright_core::path::{RelativePath, printable};
use mountwright_core::{AttributeChange, Errno, Location, MountFlags};

use crate::backend::LinuxBackend;
use crate::resolve::identity::{QUIETLY, kind};
use crate::syscalls::abi::{AT_EMPTY_PATH, S_IFDIR, S_IFMT, STATX_ATTR_AUTOMOUNT, STATX_NLINK, STATX_TYPE};
use crate::syscalls::failure::Fault;
use crate::syscalls::{At, Call, Kernel, Reach};

impl<K: Kernel> LinuxBackend<K> {
    /// The failure of a bind or a move, with the path and the component at fault.
    pub(crate) fn explained(
        &self,
        fault: Fault,
        source: &Location,
        target: &Location,
        change: AttributeChange,
    ) -> Fault {
        if fault.has_detail() {
            return fault;
        }
        let detail = match fault.errno() {
            errno @ (Errno::ENOENT | Errno::ENOTDIR | Errno::EACCES | Errno::ELOOP) => self
                .unusable("source", source, errno)
                .or_else(|| self.unusable("target", target, errno))
                .or_else(|| self.about_both(source, target, errno)),
            Errno::EPERM => self.missing_permission(fault.step(), change),
            _ => None,
        };
        fault.because(detail)
    }

    /// The failure of a change of a mount, with the filter, the missing privilege or the lock.
    pub(crate) fn explained_change(&self, fault: Fault, change: AttributeChange) -> Fault {
        let detail = if fault.errno() == Errno::EPERM { self.missing_permission(fault.step(), change) } else { None };
        fault.because(detail)
    }

    /// The failure to create a symlink or a node, with the cause of an `EPERM`: a filter, or what else the kernel refuses.
    pub(crate) fn explained_creation(&self, fault: Fault, call: Call, refused: &str) -> Fault {
        if fault.errno() != Errno::EPERM {
            return fault;
        }
        let detail = if self.is_filtered(call) { filter_of(call) } else { refused.to_owned() };
        fault.because(Some(detail))
    }

    fn missing_permission(&self, step: &str, change: AttributeChange) -> Option<String> {
        // Newer calls that a filter denies are not used.
        let older = [Call::Mount, Call::Umount2].into_iter().find(|call| call.name() == step);
        if let Some(call) = older.filter(|call| self.is_filtered(*call)) {
            return Some(filter_of(call));
        }
        // The look at the privilege is an umount2.
        if self.is_filtered(Call::Umount2) {
            return None;
        }
        if !self.may_mount() {
            return Some("this process has no CAP_SYS_ADMIN over its mount namespace".to_owned());
        }
        match (change.clear(), change.atime()) {
            (MountFlags::NONE, None) => None,
            (MountFlags::NONE, Some(_)) => Some("the atime class is locked by a user namespace".to_owned()),
            (flags, _) => Some(format!("one of {flags} is locked by a user namespace and cannot be cleared")),
        }
    }

    /// Returns true if a call is `EPERM` for arguments that the kernel refuses before it looks at any privilege: a target
    /// without a name, unknown flags, no kind of file.
    fn is_filtered(&self, call: Call) -> bool {
        let (kernel, nothing) = (self.kernel(), Path::new(""));
        let refused = match call {
            Call::Mount => kernel.mount(Reach::Path(nothing), Reach::Path(nothing), "".as_ref(), 0, "".as_ref()),
            Call::Mknodat => kernel.mknodat(At::Cwd, nothing, S_IFMT, 0),
            Call::Symlinkat => kernel.symlinkat(nothing, At::Cwd, nothing),
            _ => kernel.umount2(Reach::Path("/".as_ref()), u32::MAX),
        };
        refused == Err(Errno::EPERM)
    }

    /// The first component of a location that cannot be resolved, with this errno.
    fn unusable(&self, role: &str, at: &Location, errno: Errno) -> Option<String> {
        let prefixes = prefixes(at);
        let index = prefixes.iter().position(|(prefix, _)| {
            self.pin(prefix, FinalSymlink::Follow, 0).is_err_and(|failed| failed.errno() == errno)
        })?;
        let (prefix, shown) = &prefixes[index];
        let above = shown.parent().unwrap_or(shown);
        let automount = index.checked_sub(1).map(|above| &prefixes[above].0).filter(|_| errno == Errno::ELOOP);
        if let Some(found) = automount.and_then(|above| self.automount(role, above)) {
            return Some(found);
        }
        Some(match errno {
            Errno::ENOENT if self.pin(prefix, FinalSymlink::Itself, 0).is_ok() => {
                format!("{role}: the symlink {} leads nowhere", printable(shown))
            }
            Errno::ENOENT => format!("{role}: {} is missing", printable(shown)),
            Errno::ENOTDIR => format!("{role}: {} is no directory", printable(above)),
            Errno::EACCES => format!("{role}: {} may not be searched", printable(above)),
            _ => format!("{role}: {} is a symlink, or leads to too many", printable(shown)),
        })
    }

    /// Both can be resolved.
    fn about_both(&self, source: &Location, target: &Location, errno: Errno) -> Option<String> {
        if errno == Errno::ELOOP {
            let automount = self.automount("source", source).or_else(|| self.automount("target", target));
            return automount.or_else(|| Some("no symlink is on either path".to_owned()));
        }
        let (source, target) = (self.kind_and_links(source)?, self.kind_and_links(target));
        match errno {
            Errno::ENOENT if source.1 == 0 => Some("the source is a file that was removed".to_owned()),
            Errno::ENOTDIR if source.0 && !target?.0 => {
                Some("the source is a directory and the target is not".to_owned())
            }
            Errno::ENOTDIR if !source.0 && target?.0 => {
                Some("the target is a directory and the source is not".to_owned())
            }
            _ => None,
        }
    }

    /// The automount point that a location leads to, on which nothing is mounted: its filesystem is autofs, or the kernel marks
    /// the file as one.
    fn automount(&self, role: &str, at: &Location) -> Option<String> {
        let file = self.pin(at, FinalSymlink::Follow, 0).ok()?;
        let is_marked = || {
            let stat = self.kernel().statx(At::Fd(&file), Path::new(""), QUIETLY | AT_EMPTY_PATH, STATX_TYPE);
            stat.is_ok_and(|stat| stat.attributes & u64::from(STATX_ATTR_AUTOMOUNT) != 0)
        };
        let is_autofs = self.mount_of_pinned(&file).is_ok_and(|found| found.mount.fs_type == "autofs");
        let shown = at.for_display();
        (is_autofs || is_marked())
            .then(|| format!("{role}: {} is an automount point on which nothing was mounted", printable(&shown)))
    }

    /// True for a directory, and the number of its links.
    fn kind_and_links(&self, at: &Location) -> Option<(bool, u32)> {
        let file = self.pin(at, FinalSymlink::Follow, 0).ok()?;
        let flags = QUIETLY | AT_EMPTY_PATH;
        let stat = self.kernel().statx(At::Fd(&file), Path::new(""), flags, STATX_TYPE | STATX_NLINK);
        stat.ok().map(|stat| (kind(&stat) == S_IFDIR, stat.links))
    }
}

fn filter_of(call: Call) -> String {
    format!("a seccomp filter denies {} to this process", call.name())
}

/// Each prefix of a location, shortest first, and its path for messages.
fn prefixes(at: &Location) -> Vec<(Location, PathBuf)> {
    match at {
        Location::Trusted(path) => {
            let mut all: Vec<_> = path.ancestors().filter(|path| !path.as_os_str().is_empty()).collect();
            all.reverse();
            all.into_iter().map(|path| (Location::trusted(path), path.to_path_buf())).collect()
        }
        Location::InRoot { root, path } => {
            let mut all = prefixes(&Location::trusted(root));
            let mut inside: Vec<_> = path.ancestors().filter(|path| path.file_name().is_some()).collect();
            inside.reverse();
            let places = inside.into_iter().map(|path| Location::in_root(root, path));
            all.extend(places.map(|at| (at.clone(), at.for_display())));
            all
        }
        Location::Beneath { root, path } => {
            let mut all = prefixes(&Location::trusted(root));
            let mut below: Vec<_> = path.as_path().ancestors().collect();
            below.reverse();
            all.extend(below.into_iter().filter_map(|path| {
                let path = RelativePath::new(path).ok()?;
                let shown = root.join(path.as_path());
                Some((Location::Beneath { root: root.clone(), path }, shown))
            }));
            all
        }
    }
}
