//! The stored forms of the data types: every later version must read what is stored today.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use mountwright_core::device::{BackingDevice, PathDevice};
use mountwright_core::error::{Leftover, Subject};
use mountwright_core::file::{DirectoryEntry, FileIdentity, FileKind, FilesystemMagic, FinalSymlink, Metadata};
use mountwright_core::kata::{Container, DirectVolume, DirectVolumeType, RafsUnmount, Sandbox};
use mountwright_core::kubernetes::atomic_writer::{AtomicVolume, AtomicVolumeLimits, VolumeFile, VolumeGeneration};
use mountwright_core::kubernetes::fs_group::FsGroupRequest;
use mountwright_core::kubernetes::{EmptyDirMedium, FileCount, VolumeLayout, Watchability};
use mountwright_core::mount::{
    AtimeMode, BindReport, BootId, Difference, FilesystemOf, FilesystemOption, Guarantee, MountAttributes, MountId,
    MountNamespaceId, MountShape, OccupiedTarget, Origin, PathMount, PeerGroup, Placeholder, PropagationState,
    PropagationWord, SourceIs, UniqueMountId, UnmountMode,
};
use mountwright_core::path::Crossing;
use mountwright_core::recovery::{Orphan, Orphans};
use mountwright_core::rootfs::RootfsPlan;
use mountwright_core::sandbox::{IfNotShared, SandboxDirs};
use mountwright_core::share::ShareRecord;
use mountwright_core::spec::{FsGroup, VolumeAccess};
use mountwright_core::spec::{Mount, MountOptions};
use mountwright_core::unmount::{NameAfter, Removal, UnmountStrategy, UnprovenMount, UnprovenReason};
use mountwright_core::unmount::{Proof, StaleReason};
use mountwright_core::{
    AttributeChange, AttributesRequest, BindRequest, ContainerId, DeviceNumber, Errno, FileMode, Location, MountFlags,
    MountInfo, MountKey, MountRequest, MountTable, Operation, Propagation, Recursion, RelativePath, UnmountRequest,
    kubernetes,
};
use proptest::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// Reading the form and writing the value gives the form again.
#[track_caller]
fn form<T: Serialize + DeserializeOwned>(form: impl Into<Value>) {
    let form: Value = form.into();
    let read: T = serde_json::from_value(form.clone()).unwrap_or_else(|error| panic!("{form}: {error}"));
    assert_eq!(serde_json::to_value(&read).unwrap(), form, "{}", std::any::type_name::<T>());
}

/// Each of these is a form.
#[track_caller]
fn forms<T: Serialize + DeserializeOwned>(all: impl IntoIterator<Item = Value>) {
    all.into_iter().for_each(|each| form::<T>(each));
}

#[track_caller]
fn refused<T: DeserializeOwned>(form: impl Into<Value>) -> String {
    match serde_json::from_value::<T>(form.into()) {
        Ok(_) => panic!("a form that breaks a rule was read"),
        Err(error) => error.to_string(),
    }
}

fn mount_info() -> Value {
    json!({
        "id": 95, "unique_id": 4_294_967_391_u64, "parent": 28, "device": "0:45", "root": "/", "mount_point": "/mnt/nas",
        "attributes": {"flags": ["ro", "nosuid"], "atime": "noatime"}, "idmapped": false,
        "propagation": {"peers": 7, "master": null, "propagate_from": null, "unbindable": false},
        "fs_type": "nfs4", "source": "", "options": "rw,vers=4.2",
    })
}

fn placeholder() -> Value {
    json!({"at": {"trusted": "/m/c"}, "identity": {"device": "8:1", "inode": 7, "kind": "directory"}})
}

fn origin() -> Value {
    json!({"boot": "0b5f8f0e-3c55-4b2f-9c1d-6a7e0d9f1a2b", "namespace": {"unique": 2}})
}

/// The form in which records were stored before they had an origin.
fn record() -> Value {
    json!({
        "container": "box", "name": "rootfs", "mount": {"unique": 4_294_967_391_u64}, "device": "8:1", "subpath": "/a",
        "path": "/m/box/rootfs", "made": [placeholder()],
    })
}

#[test]
fn numbers_and_words() {
    form::<DeviceNumber>(json!("259:2"));
    form::<MountId>(json!(28));
    form::<UniqueMountId>(json!(4_294_967_391_u64));
    forms::<MountKey>([json!({"unique": 4_294_967_391_u64}), json!({"reused": 28})]);
    form::<BootId>("0b5f8f0e-3c55-4b2f-9c1d-6a7e0d9f1a2b");
    let inode = json!({"inode": {"device": "0:4", "inode": 4_026_531_841_u64}});
    forms::<MountNamespaceId>([json!({"unique": 2}), inode.clone()]);
    let boot = "0b5f8f0e-3c55-4b2f-9c1d-6a7e0d9f1a2b";
    forms::<Origin>([json!({"boot": boot, "namespace": inode}), json!({"boot": null, "namespace": null})]);
    form::<PeerGroup>(json!(3));
    forms::<Errno>([json!("EBUSY"), json!("errno 4095")]);
    form::<FileMode>(json!("0755"));
    form::<FilesystemMagic>(json!(0x0102_1994));
    form::<ContainerId>(json!("box-1"));
    form::<MountFlags>(json!(["ro", "nosuid", "nodev", "noexec", "nodiratime", "nosymfollow"]));
    forms::<AtimeMode>([json!("relatime"), json!("noatime"), json!("strictatime")]);
    forms::<Propagation>([json!("private"), json!("shared"), json!("slave"), json!("unbindable")]);
    forms::<PropagationWord>([json!("slave"), json!("runbindable")]);
    forms::<Recursion>([json!("this"), json!("tree")]);
    forms::<Guarantee>([json!("window"), json!("atomic")]);
    forms::<FinalSymlink>([json!("follow"), json!("itself")]);
    let kinds = ["regular", "directory", "symlink", "block-device", "character-device", "fifo", "socket"];
    forms::<FileKind>(kinds.map(Value::from));
    forms::<UnmountMode>(["plain", "detach", "force", "force-detach", "expire"].map(Value::from));
    forms::<OccupiedTarget>([json!("refuse"), json!("stack")]);
    forms::<VolumeAccess>([json!("read-write"), json!("read-only")]);
    forms::<VolumeLayout>([json!("atomic-writer"), json!("plain")]);
    forms::<RafsUnmount>([json!("done"), json!("not-mounted")]);
    forms::<UnmountStrategy>([json!("detach"), json!("strict")]);
    forms::<IfNotShared>([json!("refuse"), json!("make-shared")]);
    forms::<NameAfter>([json!("removed"), json!("kept")]);
    forms::<Difference>(["device", "subpath", "source", "attributes", "propagation"].map(Value::from));
    let kinds = ["emptyDir", "configMap", "secret", "projected", "downwardAPI", "csi"];
    forms::<kubernetes::VolumeKind>(kinds.map(Value::from));
    forms::<DirectVolumeType>(["block", "directvol", "vfiovol", "spdkvol"].map(Value::from));
    forms::<Operation>([json!("bind"), json!("change-attributes"), json!("mount-of"), json!("set-superblock")]);
}

#[test]
fn places_and_files() {
    forms::<RelativePath>([json!("a/b"), json!([97, 47, 255])]);
    forms::<Location>([
        json!({"trusted": "/a"}),
        json!({"trusted": [47, 255]}),
        json!({"beneath": {"root": "/m", "path": "box/rootfs"}}),
    ]);
    form::<FileIdentity>(json!({"device": "8:1", "inode": 7, "kind": "directory"}));
    form::<Placeholder>(placeholder());
    form::<DirectoryEntry>(json!({"name": [255], "kind": "regular", "inode": 1}));
    form::<Metadata>(json!({
        "kind": "block-device", "device": "0:5", "represents": "8:1", "inode": 9, "mode": "0660", "uid": 0, "gid": 6,
        "size": 0, "links": 1,
    }));
    form::<Metadata>(json!({
        "kind": "directory", "device": "0:5", "represents": null, "inode": 9, "mode": "0755", "uid": 0, "gid": 6, "size": 0,
        "links": 1, "mount": {"reused": 9}, "birth": {"seconds": 7, "nanoseconds": 1},
    }));
    forms::<FileCount>([json!({"exactly": 3}), json!({"over": 8})]);
    form::<VolumeGeneration>(json!("..2026_11_20_08_15_30.1182736451"));
    let file = json!({"path": "k", "bytes": [104, 105], "mode": "0644", "uid": 0, "gid": 0});
    form::<VolumeFile>(file.clone());
    form::<AtomicVolume>(json!({"generation": "..v", "files": [file]}));
    form::<AtomicVolumeLimits>(json!({"entries": 8, "bytes": 1024, "depth": 3}));
}

#[test]
fn mounts() {
    form::<MountInfo>(mount_info());
    form::<MountAttributes>(json!({"flags": [], "atime": "relatime"}));
    form::<PropagationState>(json!({"peers": null, "master": 4, "propagate_from": 2, "unbindable": false}));
    form::<PathMount>(json!({"mount": mount_info(), "is_root": true}));
    form::<FilesystemOf>(json!({"magic": 26985, "device": "0:45", "is_mount_root": false}));
    form::<MountShape>(json!({
        "device": "8:1", "subpath": "/a", "attributes": {"flags": ["ro"], "atime": "relatime"}, "propagation": "private",
    }));
    form::<MountShape>(json!({
        "device": "8:1", "subpath": "/a", "attributes": {"flags": ["ro"], "atime": "relatime"}, "propagation": "private",
        "idmapped": true,
    }));
    form::<MountShape>(json!({
        "device": "0:47", "subpath": "/", "source": "nas:/export/a", "attributes": {"flags": [], "atime": "relatime"},
        "propagation": "private",
    }));
    forms::<PathDevice>([
        json!({"block-node": {"device": "8:1"}}),
        json!({"char-node": {"device": "1:3"}}),
        json!({"filesystem": {"device": "8:1", "mount_point": "/"}}),
    ]);
    forms::<BackingDevice>([
        json!({"whole-filesystem": {"device": "8:1", "mount": mount_info()}}),
        json!({"subtree": {"device": "8:1", "subpath": "/a", "deleted": false, "mount": mount_info()}}),
        json!({"anonymous": {"fs_type": "nfs4", "mount": mount_info()}}),
        json!({"block-node": {"device": "8:1"}}),
        json!({"char-node": {"device": "1:3"}}),
    ]);
    let text = "28 1 259:2 / / rw,relatime shared:1 - ext4 /dev/vda1 rw\nodd\n";
    form::<MountTable>(json!(text));
    let table: MountTable = serde_json::from_value(json!(text)).unwrap();
    assert_eq!((table.len(), table.odd_lines().len()), (1, 1));
}

#[test]
fn requests_and_reports() {
    let change = json!({"set": ["ro"], "clear": ["nodev"], "atime": null});
    form::<AttributeChange>(change.clone());
    form::<AttributesRequest>(json!({"at": {"trusted": "/m"}, "change": change, "recursion": "tree"}));
    form::<BindRequest>(json!({
        "source": {"trusted": "/a"}, "target": {"beneath": {"root": "/m", "path": "b"}}, "recursion": "this",
        "change": change, "propagation": "slave", "required": "atomic", "missing_target": {"create": {"mode": "0755"}},
        "occupied_target": "refuse",
    }));
    form::<BindRequest>(json!({
        "source": {"trusted": "/a"}, "target": {"trusted": "/b"}, "recursion": "tree", "change": change,
        "top_change": {"set": ["nosuid"], "clear": [], "atime": null}, "propagation": null, "required": "window",
        "missing_target": "refuse", "occupied_target": "refuse",
    }));
    form::<BindRequest>(json!({
        "source": {"trusted": "/a"}, "target": {"trusted": "/b"}, "recursion": "this", "change": change,
        "propagation": null, "required": "window",
        "missing_target": {"create": {"mode": "0755", "file_mode": "0644"}}, "occupied_target": "refuse",
    }));
    form::<BindRequest>(json!({
        "source": {"trusted": "/a"}, "target": {"trusted": "/b"}, "recursion": "tree", "change": change,
        "propagation": null, "propagation_words": ["rslave", "shared"], "only_if": {"character-device": "1:3"},
        "required": "window", "missing_target": "refuse", "occupied_target": "refuse",
    }));
    let file = json!({"device": "8:1", "inode": 7, "kind": "regular"});
    forms::<SourceIs>([json!({"character-device": "1:3"}), json!({"block-device": "8:0"}), json!({"file": file})]);
    form::<BindReport>(json!({"mount": {"reused": 9}, "guarantee": "window", "created": ["/m/b", [47, 255]]}));
    form::<BindReport>(json!({
        "mount": {"reused": 9}, "guarantee": "atomic", "created": [],
        "target": {"device": "8:1", "inode": 7, "kind": "directory"}, "propagation": "slave",
    }));
    form::<FilesystemOption>(json!({"key": "size", "value": "64k"}));
    form::<MountRequest>(json!({
        "fs_type": "tmpfs", "source": null, "target": {"trusted": "/m"}, "attributes": {"flags": [], "atime": "relatime"},
        "options": [{"key": "huge", "value": null}], "propagation": null,
    }));
    form::<FilesystemOption>(json!({"key": "lowerdir+", "value": null, "place": {"trusted": "/layer"}}));
    form::<MountRequest>(json!({
        "fs_type": "tmpfs", "source": null, "target": {"trusted": "/m"}, "attributes": {"flags": [], "atime": "relatime"},
        "options": [], "propagation": null, "occupied_target": "refuse", "missing_target": {"create": {"mode": "0755"}},
    }));
    form::<UnmountRequest>(json!({"at": {"trusted": "/m"}, "mode": "detach", "only": {"reused": 9}}));
    form::<UnmountRequest>(json!({
        "at": {"trusted": "/m"}, "mode": "detach", "only": {"reused": 9}, "shows": {"device": "8:1", "root": "/a"},
        "apart": true,
    }));
    forms::<Subject>([json!({"path": "/m"}), json!({"mount": {"reused": 9}}), json!("namespace")]);
    form::<Subject>(json!({"onto": {"source": [47, 255], "target": "/m"}}));
    forms::<Leftover>([
        json!({"mount": {"mount": {"reused": 9}, "at": "/m"}}),
        json!({"directory": "/m"}),
        json!({"file": [47, 255]}),
        json!({"attributes": {"at": "/m"}}),
    ]);
}

#[test]
fn what_a_runtime_keeps() {
    let mount = json!({
        "source": "/srv/app", "destination": "/etc/app", "fs_type": "bind", "host_path": "/m/box/app",
        "host_mount": {"unique": 4_294_967_391_u64}, "guest_device_mount": null, "block_device_id": null,
        "options": ["rbind", "ro"], "read_only": true, "fs_group": {"gid": 2000, "policy": "OnRootMismatch"},
    });
    form::<Mount>(mount.clone());
    form::<MountOptions>(json!(["rbind", "ro", "rnosuid", "rslave", "size=64k"]));
    form::<FsGroup>(json!({"gid": 2000, "policy": "Always"}));
    form::<FsGroupRequest>(json!({
        "group": {"gid": 2000, "policy": "Always"}, "access": "read-write", "after_failures": "keep-root",
    }));
    form::<DirectVolume>(json!({"volume-type": "block", "device": "/dev/sdb", "fstype": "ext4", "options": ["ro"]}));
    let container =
        json!({"id": "box", "fs_type": "", "rootfs_type": "", "rootfs_suffix": "rootfs", "mounts": [mount]});
    form::<Container>(container.clone());
    form::<Sandbox>(json!({"id": "pod", "mounts_dir": "/m", "hypervisor": "qemu", "containers": [container]}));
    form::<ShareRecord>(record());
    let mut with_origin = record();
    with_origin["origin"] = origin();
    with_origin["peers"] = json!(7);
    form::<ShareRecord>(with_origin);
    form::<SandboxDirs>(json!({
        "mounts_dir": "/m", "shared_dir": "/s", "private_dir": "/p", "origin": origin(),
        "mounts_shows": {"device": "8:1", "root": "/run/m"}, "private_shows": {"device": "8:1", "root": [47, 255]},
        "shared": {"unique": 9}, "made_shared": {"unique": 8}, "made_private": {"unique": 7}, "bind_mounts": [],
        "made": [],
    }));
    form::<SandboxDirs>(json!({
        "mounts_dir": "/m", "shared_dir": "/s", "private_dir": null, "shared": {"reused": 9}, "made_shared": null,
        "made_private": null, "bind_mounts": [record()], "made": [placeholder()],
    }));
    let left = json!({"mount": mount_info(), "role": "share", "at": {"trusted": "/m/box/rootfs"}});
    form::<Orphan>(left.clone());
    form::<Orphans>(json!({"mounts": [left], "names": ["/m/box"]}));
    forms::<Removal>([
        json!({"detached": {"layers": 1, "name": "removed"}}),
        json!({"not-mounted": {"name": "kept"}}),
        json!("missing"),
        json!("refused-symlink"),
        json!("covered"),
        json!({"stale": {"reason": "another-boot", "name": "kept"}}),
    ]);
    let reasons = ["unknown-origin", "another-boot", "another-namespace", "another-mount"];
    forms::<StaleReason>(reasons.map(Value::from));
    forms::<Proof>([json!("certain"), json!("likely")]);
    forms::<Crossing>([json!("enter"), json!("refuse")]);
    let unproven = json!({"path": "/s", "mount": mount_info(), "reason": "another-directory"});
    form::<UnprovenMount>(unproven.clone());
    form::<UnprovenMount>(json!({"path": "/s", "mount": null, "reason": "symlink"}));
    form::<Orphans>(json!({"mounts": [], "names": [], "unproven": [unproven]}));
    let reasons = [
        "symlink",
        "another-filesystem",
        "another-directory",
        "writable",
        "another-group",
        "not-on-shared",
        "not-set-up",
    ];
    forms::<UnprovenReason>(reasons.map(Value::from));
    forms::<EmptyDirMedium>([json!("memory"), json!({"huge-pages": {"page_size": null}}), json!("disk")]);
    forms::<Watchability>([
        json!("not-a-volume"),
        json!({"kind-not-watched": "emptyDir"}),
        json!("empty"),
        json!({"too-many": {"limit": 8}}),
        json!({"watchable": {"entries": 3, "keys": 1, "bytes": 9, "layout": "plain"}}),
    ]);
}

#[test]
fn plan_of_a_root() {
    let device = json!({
        "at": "/dev/null", "kind": "character-device", "number": "1:3", "mode": "0666", "uid": 0, "gid": 0, "by": "node",
    });
    let pipe = json!({
        "at": "/dev/log", "kind": "fifo", "number": null, "mode": null, "uid": null, "gid": null, "by": "bind",
    });
    form::<RootfsPlan>(json!({
        "prepare": {"every": "rslave"},
        "build": [
            {"root": {"image": "/bundle/rootfs"}},
            {"filesystem": {"at": "/dev", "fs_type": "tmpfs", "source": null, "options": ["ro", "mode=755"]}},
            {"bind": {"at": "/etc/app", "source": "/srv/app", "options": ["rbind", "ro"]}},
            {"cgroups": {"at": "/sys/fs/cgroup", "options": ["nosuid"]}},
            {"device": device},
            {"device": pipe},
            {"link": {"at": "/dev/fd", "target": "/proc/self/fd"}},
            {"console": {"at": "/dev/console"}},
            {"mask": {"at": "/proc/kcore"}},
            {"read-only-path": {"at": "/proc/sys"}},
            "read-only-root",
        ],
        "finish": [{"read-only-mount": {"at": "/dev"}}, {"propagation": "rslave"}],
        "not_mine": ["hooks"],
        "cgroups_path": null,
        "identities": {
            "namespaces": [{"type": "mount", "path": null}],
            "uids": [{"inside": 0, "outside": 1000, "size": 1}],
            "gids": [],
        },
    }));
}

#[test]
fn what_breaks_a_rule_of_its_type_is_not_read() {
    for (error, named) in [
        (refused::<ContainerId>(json!("../x")), "../x"),
        (refused::<RelativePath>(json!("a/../b")), "a/../b"),
        (refused::<Location>(json!({"beneath": {"root": "/m", "path": "/b"}})), "/b"),
        (refused::<BootId>(json!("0b5f8f0e")), "\"0b5f8f0e\" is no boot id"),
        (refused::<DeviceNumber>(json!("8")), "\"8\" is no device number"),
        (refused::<FileMode>(json!("0888")), "\"0888\" is no file mode"),
        (refused::<FileMode>(json!("17777")), "\"17777\" is no file mode"),
        (refused::<Errno>(json!("EWHAT")), "\"EWHAT\" is no errno"),
        (refused::<MountFlags>(json!(["ro", "rw"])), "\"rw\" is no mount flag"),
        (refused::<AttributeChange>(json!({"set": ["ro"], "clear": ["ro"]})), "cannot both set and clear an attribute"),
        (refused::<MountOptions>(json!(["rnoatime", "rstrictatime"])), "contradicts"),
        (refused::<VolumeGeneration>(json!("../v")), "../v is no version"),
        (refused::<DirectVolume>(json!({"volume-type": "block", "options": [""]})), "options = \"\""),
        (refused::<PeerGroup>(json!(0)), "nonzero"),
        (refused::<MountInfo>(json!({"id": 1})), "missing field"),
    ] {
        assert!(error.contains(named), "{error:?} does not name {named}");
    }
}

#[test]
fn unknown_fields_are_passed_over_and_absent_ones_are_empty() {
    let mount: Mount = serde_json::from_value(json!({"destination": "/d", "of a later version": 1})).unwrap();
    assert_eq!(mount, Mount::new("", "/d", ""));
}

proptest! {
    #[test]
    fn every_path_comes_back(path in prop::collection::vec(any::<u8>(), 0..24)) {
        let location = Location::Trusted(PathBuf::from(OsStr::from_bytes(&path)));
        let text = serde_json::to_string(&location).unwrap();
        prop_assert_eq!(serde_json::from_str::<Location>(&text).unwrap(), location);
    }

    #[test]
    fn every_mount_comes_back(info in any::<MountInfo>(), mount in any::<Mount>()) {
        let text = serde_json::to_string(&(&info, &mount)).unwrap();
        prop_assert_eq!(serde_json::from_str::<(MountInfo, Mount)>(&text).unwrap(), (info, mount));
    }

    #[test]
    fn every_option_list_comes_back(mount in any::<Mount>()) {
        let options = MountOptions::parse(&mount.options).unwrap();
        let text = serde_json::to_string(&options).unwrap();
        prop_assert_eq!(serde_json::from_str::<MountOptions>(&text).unwrap(), options);
    }

    #[test]
    fn every_flag_set_and_errno_comes_back(bits in 0..64_u32, number in 1..=4095) {
        let flags = MountFlags::ALL.words().enumerate().filter(|(index, _)| bits >> index & 1 == 1);
        let flags = flags.fold(MountFlags::NONE, |all, (_, (flag, _))| all | flag);
        let value = (flags, Errno::from_raw(number).unwrap());
        let text = serde_json::to_string(&value).unwrap();
        prop_assert_eq!(serde_json::from_str::<(MountFlags, Errno)>(&text).unwrap(), value);
    }
}

#[test]
fn bytes_that_are_not_utf8_are_an_array() {
    let path = PathBuf::from(OsStr::from_bytes(b"/\xff"));
    assert_eq!(serde_json::to_value(Location::Trusted(path)).unwrap(), json!({"trusted": [47, 255]}));
    let error = serde_json::from_value::<Location>(json!({"trusted": 7})).unwrap_err().to_string();
    assert!(error.contains("expected a string, or an array of bytes"), "{error}");
}

#[test]
fn place_in_a_root_has_its_path_as_it_was_given() {
    let (path, stored) = (Location::in_root("/r", "//a/../b"), json!({"in-root": {"root": "/r", "path": "//a/../b"}}));
    assert_eq!(serde_json::to_value(&path).unwrap(), stored);
    assert_eq!(serde_json::from_value::<Location>(stored).unwrap(), path);
}

#[test]
fn records_stored_without_an_origin_are_read() {
    let record: ShareRecord = serde_json::from_value(record()).unwrap();
    assert_eq!((record.origin, record.peers), (None, None));
}
