//! What everybody writes first, by paths: check, make the directory, mount, remount, and to undo it unmount and remove. The
//! search has to find in it what it does not find in the backend.

use std::path::Path;

use mountwright_core::{Errno, Guarantee};
use mountwright_linux::abi::{
    AT_REMOVEDIR, AT_SYMLINK_NOFOLLOW, MNT_DETACH, MS_BIND, MS_PRIVATE, MS_RDONLY, MS_REMOUNT, O_CLOEXEC, O_DIRECTORY,
    O_RDONLY, S_IFDIR, S_IFLNK, S_IFMT, STATX_BASIC_STATS, UMOUNT_NOFOLLOW,
};
use mountwright_linux::{At, Kernel, Reach};

use crate::operation::Operation;
use crate::play::{Answer, Calls};

const CONTAINER: &str = "/shared/box";
const ROOTFS: &str = "/shared/box/rootfs";
const SOURCE: &str = "/src/tree";

fn answer(result: Result<(), Errno>) -> Answer {
    match result {
        Ok(()) => Answer::Done { kept: Vec::new(), guarantee: Guarantee::Window },
        Err(errno) => Answer::Failed { errno: Some(errno), left: Vec::new() },
    }
}

fn kind(calls: &Calls, path: &Path) -> Result<u32, Errno> {
    let stat = calls.statx(At::Cwd, path, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS)?;
    Ok(u32::from(stat.mode) & S_IFMT)
}

fn refuse_links(calls: &Calls) -> Result<(), Errno> {
    for path in [CONTAINER, ROOTFS] {
        if kind(calls, path.as_ref()) == Ok(S_IFLNK) {
            return Err(Errno::ELOOP);
        }
    }
    Ok(())
}

/// Shares read-only.
pub(crate) fn share(calls: &Calls) -> Answer {
    let share = || -> Result<(), Errno> {
        refuse_links(calls)?;
        match calls.mkdirat(At::Cwd, ROOTFS.as_ref(), 0o755) {
            Ok(()) | Err(Errno::EEXIST) => {}
            Err(errno) => return Err(errno),
        }
        let target = Reach::Path(ROOTFS.as_ref());
        let mount =
            |source: &str, flags| calls.mount(Reach::Path(source.as_ref()), target, "".as_ref(), flags, "".as_ref());
        mount(SOURCE, MS_BIND)?;
        mount("", MS_REMOUNT | MS_BIND | MS_RDONLY)?;
        mount("", MS_PRIVATE)
    };
    answer(share())
}

/// Unmounts and removes what is left of it.
pub(crate) fn unshare(calls: &Calls) -> Answer {
    let unshare = || -> Result<(), Errno> {
        refuse_links(calls)?;
        // Somebody may have unmounted it already.
        let _ = calls.umount2(Reach::Path(ROOTFS.as_ref()), MNT_DETACH | UMOUNT_NOFOLLOW);
        remove_all(calls, ROOTFS.as_ref())
    };
    answer(unshare())
}

fn remove_all(calls: &Calls, path: &Path) -> Result<(), Errno> {
    if kind(calls, path)? != S_IFDIR {
        return calls.unlinkat(At::Cwd, path, 0);
    }
    let directory = calls.openat(At::Cwd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0)?;
    loop {
        let entries = calls.getdents64(&directory, 1 << 15)?;
        if entries.is_empty() {
            break;
        }
        for entry in entries.iter().filter(|entry| entry.name != "." && entry.name != "..") {
            remove_all(calls, &path.join(&entry.name))?;
        }
    }
    calls.unlinkat(At::Cwd, path, AT_REMOVEDIR)
}

type Act = fn(&Calls) -> Answer;

/// Its operations: those of ours that it does, with what it does.
pub(crate) fn operations() -> Vec<(Operation, Act)> {
    let named = |name: &str| {
        let found = crate::operation::all().into_iter().find(|operation| operation.name == name);
        found.expect("an operation of this name")
    };
    vec![(named("share a rootfs read-only"), share), (named("unshare a rootfs"), unshare)]
}
