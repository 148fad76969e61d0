//! Stored records where the ids that they carry are other mounts' by now: in another boot, in another namespace. Nothing is
//! touched.

use mountwright_core::{SandboxDirs, ShareRecord};
use mountwright_fake::Pid;
use mountwright_fake::abi::{AT_SYMLINK_NOFOLLOW, STATX_MNT_ID, STATX_MNT_ID_UNIQUE};
use mountwright_linux::Ladder;
use serde_json::Value;

use crate::alone::alone;
use crate::foreign::Foreign;
use crate::found::Found;
use crate::host::{Host, Layout};
use crate::interleavings::prepared;
use crate::operations::{Answer, BY_RECORDS, Before, MOUNTS, Ports, SHARED, Start};
use crate::seen::{files, mounts};

/// Places, on the machine after the reboot, of the mount that has the id in a record.
const PLACES: [&str; 4] = ["/w/srv/db", "/w/sb/mounts/c1/rootfs", SHARED, MOUNTS];

/// The machine after a reboot, as others have set it up, with a mount of theirs at the place.
fn rebooted(layout: Layout, place: &str) -> Host {
    let mut host = Host::new(layout).rebooted();
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

/// The stored form, with another mount's id wherever it has one.
fn with_ids(stored: &Value, [unique, reused]: &[Value; 2]) -> Value {
    match stored {
        Value::Object(fields) if fields.len() == 1 && fields.contains_key("unique") => unique.clone(),
        Value::Object(fields) if fields.len() == 1 && fields.contains_key("reused") => reused.clone(),
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| (name.clone(), with_ids(value, &[unique.clone(), reused.clone()])))
            .collect(),
        Value::Array(items) => items.iter().map(|value| with_ids(value, &[unique.clone(), reused.clone()])).collect(),
        other => other.clone(),
    }
}

fn reused(before: &Before, ids: &[Value; 2]) -> Before {
    let dirs = before.dirs.as_ref().map(|dirs| {
        let stored = serde_json::to_value(dirs).expect("a record can be stored");
        serde_json::from_value::<SandboxDirs>(with_ids(&stored, ids)).expect("a stored record can be read")
    });
    let shares = before.shares.iter().map(|record| {
        let stored = serde_json::to_value(record).expect("a record can be stored");
        serde_json::from_value::<ShareRecord>(with_ids(&stored, ids)).expect("a stored record can be read")
    });
    Before { dirs, shares: shares.collect(), ..before.clone() }
}

/// Every operation by records, in another boot and in another namespace.
pub(crate) fn search(layout: Layout, (kernel, ladder): (&str, Ladder), found: &mut Found) {
    let (running, before) = prepared_by(layout, ladder);
    for operation in BY_RECORDS {
        for place in PLACES {
            let mut host = rebooted(layout, place);
            let records = reused(&before, &ids(&mut host, place));
            let caller = host.callers[0];
            found.runs += 1;
            let run = |ports: Ports<'_>| (operation.run)(ports, &records, 0);
            let lone = alone(&host, caller, ladder, &run);
            let foreign = Foreign::of(&host, &host, &[host.clone(), host.clone()]);
            for (name, what) in foreign.harm(&lone.host) {
                found.note(operation.name, name, || shown(kernel, layout, place, &what, &lone.answer));
            }
        }
        found.runs += 1;
        elsewhere(operation, &running, &before, (kernel, ladder), layout, found);
    }
}

fn prepared_by(layout: Layout, _ladder: Ladder) -> (Host, Before) {
    prepared(layout, Start::Running)
}

/// A caller in another namespace, with the records of the first: neither the sandbox there nor its names are touched.
fn elsewhere(
    operation: &crate::operations::Operation,
    running: &Host,
    before: &Before,
    (kernel, ladder): (&str, Ladder),
    layout: Layout,
    found: &mut Found,
) {
    let caller: Pid = running.others[1];
    let run = |ports: Ports<'_>| (operation.run)(ports, before, 0);
    let lone = alone(running, caller, ladder, &run);
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
