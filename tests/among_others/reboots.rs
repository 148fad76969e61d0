//! Stored records whose ids belong to other mounts by now: in another boot, in another namespace. Nothing is touched.

use mountwright_fake::Pid;
use mountwright_fake::abi::{AT_SYMLINK_NOFOLLOW, STATX_MNT_ID, STATX_MNT_ID_UNIQUE};
use mountwright_linux::{Call, SyscallSet};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::alone::alone;
use crate::foreign::Foreign;
use crate::found::Found;
use crate::host::{Host, Layout};
use crate::interleavings::prepared_on;
use crate::operations::{Answer, BY_RECORDS, Before, MOUNTS, Operation, Ports, SHARED, Start};
use crate::seen::{files, mounts};

/// Places, on the machine after the reboot, of the mount that has the id in a record.
const PLACES: [&str; 4] = ["/w/srv/db", "/w/sb/mounts/c1/rootfs", SHARED, MOUNTS];

/// The reason why the ids of a record belong to other mounts by now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Since {
    /// Another boot.
    AnotherBoot,
    /// Another boot; the record was stored before records had an origin.
    NoOrigin,
    /// The same boot: ids that are not unique are reused.
    ReusedIds,
}

/// The machine as others have set it up later, with a mount of theirs at the place.
fn later(layout: Layout, since: Since, place: &str) -> Host {
    let host = Host::new(layout);
    let mut host = if since == Since::ReusedIds { host } else { host.rebooted() };
    let mut hands = host.other(false);
    for directory in [MOUNTS, "/w/sb/mounts/c1", "/w/sb/mounts/c1/rootfs", SHARED] {
        hands.dir(directory).expect("a fresh machine has room for it");
    }
    if place != "/w/srv/db" {
        hands.tmpfs("strange", place).expect("a directory can be mounted on");
    }
    host
}

/// The ids of the mount at a path, as records have them.
fn ids(host: &mut Host, path: &str) -> [Value; 2] {
    let pid = host.callers[0];
    let mut id = |mask| {
        let found = host.machine.statx(pid, mountwright_fake::At::Cwd, path.as_bytes(), AT_SYMLINK_NOFOLLOW, mask);
        found.expect("the place is there").mnt_id
    };
    [serde_json::json!({ "unique": id(STATX_MNT_ID_UNIQUE) }), serde_json::json!({ "reused": id(STATX_MNT_ID) })]
}

/// The stored form, with another mount's id wherever it has one, with its origin or without.
fn changed(stored: &Value, ids: &[Value; 2], since: Since) -> Value {
    match stored {
        Value::Object(fields) if fields.len() == 1 && fields.contains_key("unique") => ids[0].clone(),
        Value::Object(fields) if fields.len() == 1 && fields.contains_key("reused") => ids[1].clone(),
        Value::Object(fields) => {
            let kept = fields.iter().filter(|(name, _)| since != Since::NoOrigin || *name != "origin");
            kept.map(|(name, value)| (name.clone(), changed(value, ids, since))).collect()
        }
        Value::Array(items) => items.iter().map(|value| changed(value, ids, since)).collect(),
        other => other.clone(),
    }
}

/// Through the stored form and back.
fn stored<T: Serialize + DeserializeOwned>(record: &T, ids: &[Value; 2], since: Since) -> T {
    let stored = serde_json::to_value(record).expect("a record can be stored");
    serde_json::from_value(changed(&stored, ids, since)).expect("a stored record can be read")
}

/// Every operation by records, later and in another namespace.
pub(crate) fn search(layout: Layout, kernel: (&str, SyscallSet), found: &mut Found) {
    // As on 5.10, a set-up below a shared mount that has peers is refused: no record exists.
    if matches!(layout, Layout::Shared) && !kernel.1.allows(Call::MountSetattr) {
        return;
    }
    let (running, before) = prepared_on(layout, Start::Running, kernel.1);
    let unique = kernel.1.allows(Call::Statmount);
    for operation in BY_RECORDS {
        for since in [Since::AnotherBoot, Since::NoOrigin, Since::ReusedIds] {
            // Unique ids are not reused in one boot.
            for place in PLACES.into_iter().filter(|_| !unique || since != Since::ReusedIds) {
                let mut host = later(layout, since, place);
                let ids = ids(&mut host, place);
                let records = Before {
                    dirs: before.dirs.as_ref().map(|dirs| stored(dirs, &ids, since)),
                    shares: before.shares.iter().map(|record| stored(record, &ids, since)).collect(),
                    ..before.clone()
                };
                found.runs += 1;
                let lone = alone(&host, host.callers[0], kernel.1, &|ports| (operation.run)(ports, &records, 0));
                let foreign = Foreign::of(&host, &host, &[host.clone(), host.clone()]);
                for (name, what) in foreign.harm(&lone.host) {
                    let place = format!("{since:?}, {place}");
                    found.note(operation.name, name, || shown(kernel.0, layout, &place, &what, &lone.answer));
                }
            }
        }
        found.runs += 1;
        elsewhere(operation, (&running, &before), kernel, layout, found);
    }
}

/// A caller in another namespace, with the records of the first: neither the sandbox there nor its names are touched.
fn elsewhere(
    operation: &Operation,
    (running, before): (&Host, &Before),
    (kernel, syscalls): (&str, SyscallSet),
    layout: Layout,
    found: &mut Found,
) {
    let caller: Pid = running.others[1];
    let run = |ports: Ports<'_>| (operation.run)(ports, before, 0);
    let lone = alone(running, caller, syscalls, &run);
    let here = |host: &Host| mounts(host).into_iter().filter(|mount| mount.here).collect::<Vec<_>>();
    let (then, now) = ((here(running), files(running)), (here(&lone.host), files(&lone.host)));
    if then != now {
        let what =
            format!("{} of {} mounts are there, {} of {} names", now.0.len(), then.0.len(), now.1.len(), then.1.len());
        found.note(operation.name, "touched-from-another-namespace", || {
            shown(kernel, layout, "another namespace", &what, &lone.answer)
        });
    }
}

fn shown(kernel: &str, layout: Layout, place: &str, what: &str, answer: &Answer) -> String {
    format!("[{layout:?}, {kernel}] {place}: {what}\n  answered {}", answer.text)
}
