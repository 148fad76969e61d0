//! Changes to the files of volumes: their group, and the record of a direct-assigned one.

use std::ops::ControlFlow;
use std::path::Path;

use mountwright_core::kata::{DirectVolume, DirectVolumeType, DirectVolumes, MOUNT_INFO_FILE};
use mountwright_core::kubernetes::fs_group::{FsGroupOutcome, FsGroupRequest};
use mountwright_core::spec::{FsGroup, FsGroupChangePolicy};
use mountwright_core::{Backend, FileMode, Location};
use mountwright_tests::contract::Needs;

use super::setting_up::at;
use crate::state::State;
use crate::story::{BASE, Before, Ended, Law, Story};

const VOLUME: &str = "/w/sb/volume";
const GID: u32 = 4321;
const RECORDS: &str = "/w/sb/records";
const VOLUME_PATH: &str = "/data";

fn volume(ports: &dyn Backend) -> Before {
    let place = |path: &str| at(&format!("{VOLUME}{path}"));
    for directory in ["", "/a", "/a/b", "/z"] {
        ports.create_dir(&place(directory), FileMode::from_bits(0o700)).unwrap();
    }
    for file in ["/f", "/a/f", "/a/b/f"] {
        ports.create_file(&place(file), FileMode::from_bits(0o600)).unwrap();
    }
    Before::default()
}

fn give_group(ports: &dyn Backend, request: FsGroupRequest) -> Ended {
    match request.apply(ports.filesystem(), &at(VOLUME), &mut |_| ControlFlow::Continue(())) {
        // Files that vanish or appear during the run are left to the next run, as in the kubelet.
        Ok(FsGroupOutcome::Applied(report)) if report.vanished == 0 => Ended::Whole,
        Ok(other) => Ended::InPart(format!("{other:?}")),
        Err(error) => Ended::InPart(error.to_string()),
    }
}

/// The root is changed last: it shows that the volume is done.
fn root_last(then: &State, after: &State, now: &State) -> Result<(), String> {
    let volume = Path::new(VOLUME);
    let is_done = now.names.get(volume) == after.names.get(volume);
    let undone = now.names.iter().find(|(path, found)| {
        path.starts_with(volume) && then.names.get(*path) == Some(*found) && after.names.get(*path) != Some(*found)
    });
    match undone {
        Some((path, _)) if is_done => Err(format!("the root is done, and {} is not", path.display())),
        _ => Ok(()),
    }
}

fn record(device: &str) -> DirectVolume {
    DirectVolume::new(DirectVolumeType::Block, device, "ext4", [].into(), Vec::new()).unwrap()
}

fn write(ports: &dyn Backend, device: &str) -> Ended {
    match DirectVolumes::at(RECORDS).write(ports.filesystem(), VOLUME_PATH.into(), &record(device), serde_json::to_vec)
    {
        Ok(()) => Ended::Whole,
        Err(error) => Ended::InPart(error.to_string()),
    }
}

fn written(ports: &dyn Backend) -> Before {
    ports.create_dir(&Location::trusted(RECORDS), FileMode::from_bits(0o700)).unwrap();
    assert!(matches!(write(ports, "/dev/sda"), Ended::Whole));
    Before::default()
}

/// A reader finds the old record or the new one, whole, and nothing beside it.
fn old_or_new(then: &State, after: &State, now: &State) -> Result<(), String> {
    let records = now.names.iter().filter(|(path, _)| path.starts_with(RECORDS) && *path != Path::new(RECORDS));
    for (path, found) in records {
        if ![then, after].iter().any(|state| state.names.get(path) == Some(found)) {
            return Err(format!("{} is neither the old one nor the new one: {found:?}", path.display()));
        }
        let is_file = path.ends_with(MOUNT_INFO_FILE);
        if is_file && found.mode & 0o777 != 0o600 {
            return Err(format!("{} has mode {:o}", path.display(), found.mode));
        }
    }
    let lost = then.names.keys().find(|path| !now.names.contains_key(*path));
    lost.map_or(Ok(()), |path| Err(format!("{} is gone", path.display())))
}

const ALWAYS: FsGroupRequest = FsGroupRequest::new(FsGroup { gid: GID, policy: FsGroupChangePolicy::Always });
const MISMATCH: FsGroupRequest = FsGroupRequest::new(FsGroup { gid: GID, policy: FsGroupChangePolicy::OnRootMismatch });

pub(super) const STORIES: &[Story] = &[
    Story {
        name: "give a volume its group",
        needs: Needs::OtherUsers,
        prepare: volume,
        tell: |ports, _| give_group(ports, MISMATCH),
        law: Law::Converges(root_last),
        ..BASE
    },
    Story {
        name: "give a read-only volume its group",
        needs: Needs::OtherUsers,
        prepare: volume,
        tell: |ports, _| give_group(ports, ALWAYS.read_only()),
        law: Law::Converges(root_last),
        ..BASE
    },
    Story {
        name: "write the record of a direct-assigned volume",
        tell: |ports, _| write(ports, "/dev/sdb"),
        law: Law::Converges(old_or_new),
        ..BASE
    },
    Story {
        name: "replace the record of a direct-assigned volume",
        prepare: written,
        tell: |ports, _| write(ports, "/dev/sdb"),
        law: Law::Converges(old_or_new),
        ..BASE
    },
];
