//! Unusual filesystems: several `st_dev` on one mount, a server that fails look-ups, a mount that serves its owner
//! only, a chroot that is no mount point.

use std::path::Path;

use mountwright_core::{DeviceNumber, Errno};
use mountwright_fake::abi::S_IFBLK;
use mountwright_fake::{At, Server};
use mountwright_linux::SyscallSet;

use crate::alone::alone;
use crate::found::Found;
use crate::host::{Hands, Host, Layout};
use crate::interleavings::prepared;
use crate::operations::{DONE, GROUP, IN_A_CHROOT, OF_A_MOUNT, Start, TOUCHES, Touch, VOLUME, give_group};
use crate::seen::{Seen, files};

const LAYOUT: Layout = Layout::Shared;

/// An overlay of two filesystems: any set of files of the volume may be on the second one. Each gets its group, or the
/// result says that it did not.
pub(crate) fn overlay(syscalls: SyscallSet, found: &mut Found) {
    let (host, _) = prepared(LAYOUT, Start::Empty);
    let names: Vec<_> = files(&host).into_keys().filter(|path| path.starts_with("/w/volume/")).collect();
    for set in 1_u32..1 << names.len() {
        let mut host = host.clone();
        for (index, path) in names.iter().enumerate() {
            if set & 1 << index != 0 {
                host.machine.set_shown_device(Path::new(path), DeviceNumber::new(0, 99)).expect("the file is there");
            }
        }
        found.runs += 1;
        let lone = alone(&host, host.callers[0], syscalls, &give_group);
        let after = files(&lone.host);
        let left = after.iter().find(|(path, file)| path.starts_with(VOLUME) && file.gid != GROUP);
        match left {
            Some((path, _)) if lone.answer.kind == DONE => {
                found.note("fsGroup", "applied-and-not-given", || format!("{path} has another group; set {set:b}"));
            }
            Some((path, _)) => {
                found.note("fsGroup", "group-not-given", || format!("{path}: {}", lone.answer.text));
            }
            None => {}
        }
    }
}

/// Errors of a server at a look-up.
const ERRNOS: [Errno; 12] = [
    Errno::EAGAIN,
    Errno::EINTR,
    Errno::EIO,
    Errno::EACCES,
    Errno::EPERM,
    Errno::ENOMEM,
    Errno::ENFILE,
    Errno::EMFILE,
    Errno::ENOSPC,
    Errno::ESTALE,
    Errno::EXDEV,
    Errno::ELOOP,
];

fn served(server: Server) -> Host {
    let (mut host, _) = prepared(LAYOUT, Start::Running);
    let mut hands = host.other(false);
    hands.dir("/w/served").expect("a name is free");
    hands.tmpfs("served", "/w/served").expect("a directory can be mounted on");
    hands.dir("/w/served/d").expect("a name is free");
    host.machine.set_server(Path::new("/w/served"), server).expect("the place is there");
    host
}

/// A server that fails each look-up: the call ends, the failure is not taken for "not there", and nothing is changed.
pub(crate) fn failing_servers(syscalls: SyscallSet, found: &mut Found) {
    for errno in ERRNOS {
        let host = served(Server::FailsLookUps(errno));
        let before = Seen::of(&host).comparable();
        for Touch { name, run } in TOUCHES {
            for place in ["/w/served/d", "/w/served/none"] {
                found.runs += 1;
                let lone = alone(&host, host.callers[0], syscalls, &|ports| run(ports, place));
                let shown = || format!("{errno} at {place}: {}", lone.answer.text);
                if lone.endless {
                    found.note(name, "endless-retry", shown);
                } else if lone.answer.is_success() || lone.answer.kind == Errno::ENOENT.to_string() {
                    found.note(name, "cannot-look-taken-for-gone", shown);
                } else if Seen::of(&lone.host).comparable() != before {
                    found.note(name, "changed-though-failed", shown);
                }
            }
        }
    }
}

/// A mount that serves its owner only: a query of nothing but the mount has the same result as on a mount that serves
/// all.
pub(crate) fn owners_alone(syscalls: SyscallSet, found: &mut Found) {
    let (all, owner) = (served(Server::Answers), served(Server::Serves(1000)));
    for Touch { name, run } in OF_A_MOUNT {
        found.runs += 1;
        let touch = |host: &Host| alone(host, host.callers[0], syscalls, &|ports| run(ports, "/w/served"));
        let (expected, lone) = (touch(&all), touch(&owner));
        if lone.answer.kind != expected.answer.kind {
            found.note(name, "refused-though-mountable", || {
                format!("{}, and not {}", lone.answer.text, expected.answer.text)
            });
        } else if Seen::of(&lone.host).comparable() != Seen::of(&expected.host).comparable() {
            found.note(name, "another-result", || lone.answer.text.clone());
        }
    }
}

/// A root directory, a mount point or not.
fn jail(is_mount_point: bool) -> Host {
    let mut host = Host::new(LAYOUT);
    let pid = host.callers[0];
    let made = (|| {
        let mut hands = Hands(&mut host.machine, pid);
        hands.dir("/disk")?;
        hands.0.add_disk(8, 1, b"ext4")?;
        hands.0.mknodat(pid, At::Cwd, b"/node", S_IFBLK | 0o600, DeviceNumber::new(8, 1).to_raw())?;
        hands.0.mount(pid, Some((At::Cwd, b"/node")), (At::Cwd, b"/disk"), Some(b"ext4"), 0, None)?;
        hands.dir("/disk/jail")?;
        if is_mount_point {
            hands.bind("/disk/jail", "/disk/jail")?;
        }
        for path in ["proc", "run", "srv", "srv/vol", "sb"] {
            hands.dir(&format!("/disk/jail/{path}"))?;
        }
        let proc = (At::Cwd, &b"proc"[..]);
        hands.0.mount(pid, Some(proc), (At::Cwd, b"/disk/jail/proc"), Some(b"proc"), 0, None)?;
        hands.0.chroot(pid, At::Cwd, b"/disk/jail")?;
        hands.0.chdir(pid, At::Cwd, b"/")
    })();
    made.expect("a directory can be a root");
    host
}

/// A chroot that is no mount point: the same results as where it is one, or on every kernel the same refusal that names the
/// reason, with nothing changed.
pub(crate) fn chroots(syscalls: SyscallSet, found: &mut Found) {
    let (plain, mounted) = (jail(false), jail(true));
    for Touch { name, run } in IN_A_CHROOT {
        found.runs += 1;
        let touch = |host: &Host, syscalls| alone(host, host.callers[0], syscalls, &|ports| run(ports, ""));
        let (expected, lone) = (touch(&mounted, syscalls), touch(&plain, syscalls));
        let count = |host: &Host| crate::seen::mounts(host).len();
        let left = count(&lone.host) - count(&plain);
        let same = lone.answer == touch(&plain, SyscallSet::ALL).answer;
        if same && left == 0 && lone.answer.text.contains("outside of this process's root directory") {
            continue;
        }
        if (&lone.answer.kind, &lone.answer.text) != (&expected.answer.kind, &expected.answer.text) {
            found.note(name, "chroot-answers-otherwise", || {
                format!("{}, and not {}", lone.answer.text, expected.answer.text)
            });
        } else if left != count(&expected.host) - count(&mounted) {
            found.note(name, "left-in-a-chroot", || format!("{left} mounts more"));
        }
    }
}
