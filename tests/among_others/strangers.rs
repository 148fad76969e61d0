//! Mounts and files of others on and below the sandbox's directories, their parents, the staging directory and the volume,
//! there before an operation or made between two of its system calls: nothing of theirs changes.

use mountwright_core::Errno;
use mountwright_linux::{Call, SyscallSet};

use crate::alone::{Act, alone, beside};
use crate::foreign::{Foreign, ON_PEERS, WITH_ITS_PEER};
use crate::found::Found;
use crate::host::{Hands, Host, Layout};
use crate::interleavings::prepared;
use crate::operations::{MOUNTS, Operation, Ports, SHARED};

type Done = Result<(), Errno>;

/// An act of others, named.
#[derive(Clone, Copy)]
pub(crate) struct Stranger {
    name: &'static str,
    act: Act,
}

fn on_shared(host: &mut Host, mount: fn(&mut Hands<'_>) -> Done) -> Done {
    let mut hands = host.other(false);
    for directory in [SHARED, "/w/sb/strange"] {
        match hands.dir(directory) {
            Ok(()) | Err(Errno::EEXIST) => {}
            Err(errno) => return Err(errno),
        }
    }
    mount(&mut hands)
}

const STRANGERS: &[Stranger] = &[
    Stranger {
        name: "a slave of the same group on the shared directory",
        act: |host| on_shared(host, |hands| hands.bind("/w/srv", SHARED).and_then(|()| hands.slave(SHARED))),
    },
    Stranger {
        name: "a private mount on the shared directory",
        act: |host| on_shared(host, |hands| hands.tmpfs("strange", SHARED).and_then(|()| hands.private(SHARED))),
    },
    Stranger {
        name: "a shared mount on the shared directory",
        act: |host| on_shared(host, |hands| hands.tmpfs("strange", SHARED).and_then(|()| hands.shared(SHARED))),
    },
    Stranger {
        name: "a read-only bind on the shared directory",
        act: |host| on_shared(host, |hands| hands.bind("/h/data", SHARED).and_then(|()| hands.read_only(SHARED))),
    },
    Stranger {
        name: "a stack on the shared directory",
        act: |host| on_shared(host, |hands| hands.bind("/w/srv", SHARED).and_then(|()| hands.tmpfs("strange", SHARED))),
    },
    Stranger {
        name: "a slave with a mount in it on the shared directory",
        act: |host| {
            on_shared(host, |hands| {
                hands.bind("/w/srv", SHARED)?;
                hands.slave(SHARED)?;
                hands.tmpfs("strange", "/w/sb/shared/spool")
            })
        },
    },
    Stranger {
        name: "a mount beside the directories",
        act: |host| {
            let mut hands = host.other(false);
            hands.dir("/w/sb/strange")?;
            hands.tmpfs("strange", "/w/sb/strange")?;
            hands.file("/w/sb/strange/note", "bytes")
        },
    },
    Stranger {
        name: "a file mount and files beside the directories",
        act: |host| {
            let mut hands = host.other(false);
            hands.dir("/w/sb/strange")?;
            for (path, contents) in [("/w/sb/strange/note", "bytes"), ("/w/sb/strange/empty", "")] {
                hands.file(path, contents)?;
            }
            hands.bind("/h/config", "/w/sb/strange/note")
        },
    },
    Stranger {
        name: "a bind on the mounts directory",
        act: |host| {
            let mut hands = host.other(false);
            let _ = hands.dir(MOUNTS);
            hands.bind("/w/t", MOUNTS)?;
            hands.private(MOUNTS)
        },
    },
    Stranger {
        name: "a link as the shared directory",
        act: |host| {
            let mut hands = host.other(false);
            hands.dir("/w/sb/strange")?;
            hands.link("strange", SHARED)
        },
    },
    Stranger {
        name: "files in the staging directory",
        act: |host| {
            let mut hands = host.other(false);
            hands.file("/run/note", "bytes")?;
            hands.dir("/run/.mountwright-staging-x")
        },
    },
    Stranger { name: "a mount in the volume", act: |host| host.other(false).bind("/h/data", "/w/volume/d") },
    Stranger {
        name: "a mount in the volume, and then its name exchanged from another namespace",
        act: |host| {
            host.other(false).bind("/h/config", "/w/volume/f")?;
            host.other(true).exchange("/w/volume/f", "/w/volume/open")
        },
    },
    Stranger {
        name: "a set-id program and a file exchanged in the volume",
        act: |host| host.other(false).exchange("/w/volume/program", "/w/volume/open"),
    },
    Stranger {
        name: "a secret and a file exchanged in the volume",
        act: |host| host.other(false).exchange("/w/volume/secret", "/w/volume/open"),
    },
    Stranger {
        name: "a container's directory exchanged with another's root filesystem, from another namespace",
        act: |host| host.other(true).exchange("/w/sb/mounts/c1", "/w/sb/mounts/c2/rootfs"),
    },
    Stranger {
        name: "a mount in another namespace on the copy of a share",
        act: |host| host.other(true).tmpfs("strange", "/w/sb/mounts/c1/data/x"),
    },
    Stranger {
        name: "a container's directory moved away, from another namespace",
        act: |host| host.other(true).rename("/w/sb/mounts/c1", "/w/sb/gone"),
    },
    Stranger { name: "a mount in a source", act: |host| host.other(false).tmpfs("strange", "/h/data/x") },
    Stranger { name: "nothing", act: |_| Ok(()) },
];

/// Between two calls of the library others mount, where it is about to mount or unmount, a bind that has peers: a window
/// that docs/security.md names. A mount of the library's stays on it only where the kernel has no unique ids.
fn is_window(name: &str, after: usize, syscalls: SyscallSet) -> bool {
    after > 0 && (name == WITH_ITS_PEER || name == ON_PEERS && !syscalls.allows(Call::Statmount))
}

/// One operation among all strangers: each present before, and each arriving at up to this many moments.
pub(crate) fn search(operation: &Operation, layout: Layout, syscalls: SyscallSet, most: usize, found: &mut Found) {
    let (host, before) = prepared(layout, operation.start);
    let built = Host::new(layout);
    let run = |ports: Ports<'_>| (operation.run)(ports, &before, 0);
    let calls = alone(&host, host.callers[0], syscalls, &run).calls;
    let stride = calls.div_ceil(most).max(1);
    for stranger in STRANGERS {
        for after in (0..calls).step_by(stride) {
            found.runs += 1;
            let lone = beside(&host, host.callers[0], syscalls, &run, Some((after, stranger.act)));
            let Some(acted) = &lone.acted else { continue };
            let mut harm = Foreign::of(&built, &host, acted).harm(&lone.host);
            if lone.endless {
                harm.push(("endless-retry", String::new()));
            }
            for (name, what) in harm {
                if is_window(name, after, syscalls) {
                    let name = format!("window: {name}");
                    *found.answers.entry((operation.name.to_owned(), name)).or_default() += 1;
                    continue;
                }
                let answer = &lone.answer.text;
                found.note(operation.name, name, || {
                    format!("[{layout:?}] {}, after {after} calls: {what}\n  answered {answer}", stranger.name)
                });
            }
        }
    }
}
