//! Every message of every error, as a set: operation, subject, cause and, where possible, advice.

use std::fmt::Write as _;
use std::path::PathBuf;

use crate::error::{Errno, Error, Leftover, Operation, OsError, Subject};
use crate::file::{DeviceNumber, FileKind};
use crate::kata::{DirectVolumeError, KataError};
use crate::kubernetes::atomic_writer::{AtomicVolumeError, AtomicVolumeLimits, LayoutFault, VolumeGeneration};
use crate::kubernetes::fs_group::{FsGroupError, FsGroupReport};
use crate::mount::{
    Conflict, Difference, MountAttributes, MountFlags, MountId, MountInfo, MountKey, MountShape, PeerGroup,
    PropagationShape, WrongPropagation,
};
use crate::mount_table::OddLine;
use crate::path::{ContainerId, RelativePath};
use crate::spec::BadVolumeRecord;
use crate::spec::{MountOptions, UnusableMount};

/// One error for each variant; the match makes a new variant a compile error here.
fn errors() -> Vec<Error> {
    let path = || PathBuf::from("/run/m/\x1b[2Jx");
    let all = vec![
        Error::Unspecified { what: "source" },
        Error::MountPointNotFound { path: path() },
        Error::NotShared { path: path() },
        Error::NotAMountPoint { path: path() },
        Error::OutsideRoot { path: path() },
        Error::TooDeep { path: path(), levels: 128 },
        Error::NotUtf8 { bytes: b"/mnt/\xff".to_vec() },
        Error::WrongPropagation(WrongPropagation("slaves".to_owned())),
        ContainerId::new("../x").unwrap_err().into(),
        RelativePath::new("a/../b").unwrap_err().into(),
        Error::DuplicateName { name: "data".to_owned() },
        Error::NotPrivate { path: path() },
        Error::Unsettled { mount: path().into(), attempts: 4096 },
        Error::Unsettled { mount: MountKey::Reused(MountId(9)).into(), attempts: 16 },
        conflict().into(),
        Error::LeftBehind { error: Box::new(Error::Unspecified { what: "source" }), left: leftovers() },
        OsError::new(Operation::Bind, path(), Errno::EBUSY).at_step("move_mount").into(),
    ];
    for error in &all {
        match error {
            Error::Unspecified { .. }
            | Error::MountPointNotFound { .. }
            | Error::NotShared { .. }
            | Error::NotAMountPoint { .. }
            | Error::OutsideRoot { .. }
            | Error::TooDeep { .. }
            | Error::NotUtf8 { .. }
            | Error::WrongPropagation(_)
            | Error::InvalidPath(_)
            | Error::DuplicateName { .. }
            | Error::NotPrivate { .. }
            | Error::Unsettled { .. }
            | Error::Conflict(_)
            | Error::LeftBehind { .. }
            | Error::Os(_) => {}
        }
    }
    all
}

/// One error for each variant; the match makes a new variant a compile error here.
fn kata_errors() -> Vec<KataError> {
    let all = vec![
        KataError::NotOurs {
            container: ContainerId::new("box").unwrap(),
            mounts_dir: "/run/m".into(),
            host_path: "/srv".into(),
        },
        KataError::NydusNotSupported("firecracker".to_owned()),
        KataError::NoRafsDaemon,
        KataError::Rafs("connection refused".to_owned()),
        Error::Unspecified { what: "source" }.into(),
    ];
    for error in &all {
        match error {
            KataError::NotOurs { .. }
            | KataError::NydusNotSupported(_)
            | KataError::NoRafsDaemon
            | KataError::Rafs(_)
            | KataError::Core(_) => {}
        }
    }
    all
}

fn conflict() -> Conflict {
    let shape = MountShape {
        device: DeviceNumber::new(8, 1),
        subpath: "/a".into(),
        source: Some("nas:/a".into()),
        attributes: MountAttributes { flags: MountFlags::READ_ONLY, ..MountAttributes::default() },
        propagation: PropagationShape::Private,
        idmapped: true,
    };
    let mut found = MountInfo::new(MountId(9), MountId(1), DeviceNumber::new(0, 45));
    found.mount_point = "/run/m/box".into();
    found.propagation.master = PeerGroup::new(4);
    let differences = vec![
        Difference::Device,
        Difference::Subpath,
        Difference::Source,
        Difference::Attributes,
        Difference::Propagation,
        Difference::IdMap,
    ];
    Conflict { wanted: Box::new(shape), found: Box::new(found), differences }
}

fn leftovers() -> Vec<Leftover> {
    vec![
        Leftover::Mount { mount: MountKey::Reused(MountId(9)), at: "/m".into() },
        Leftover::Directory("/d".into()),
        Leftover::File("/f".into()),
        Leftover::Attributes { at: "/m".into() },
    ]
}

/// Each subject, each advice, a step and leftovers.
fn os_errors() -> Vec<OsError> {
    use Operation as Op;
    let of = |operation, errno| OsError::new(operation, "/m", errno);
    let mut all = vec![
        of(Op::Bind, Errno::EPERM),
        of(Op::Bind, Errno::EPERM).with_detail("this process has no CAP_SYS_ADMIN over its mount namespace"),
        of(Op::Unmount, Errno::EPERM).at_step("umount2").with_detail("a seccomp filter denies umount2 to this process"),
        of(Op::Bind, Errno::EPERM).with_detail("one of nosuid is locked by a user namespace and cannot be cleared"),
        of(Op::Bind, Errno::EBUSY),
        of(Op::Unmount, Errno::EBUSY),
        of(Op::SetPropagation, Errno::EINVAL),
        of(Op::Mount, Errno::ENOSPC),
        of(Op::Bind, Errno::EOPNOTSUPP),
        of(Op::OpenDir, Errno::ELOOP),
        of(Op::Bind, Errno::ELOOP).with_detail("source: /a is a symlink, or leads to too many"),
        of(Op::Bind, Errno::ELOOP).with_detail("source: /net/nas is an automount point on which nothing was mounted"),
        of(Op::Unmount, Errno::ESTALE),
        of(Op::ReadDir, Errno::from_raw(4095).unwrap()),
        OsError::new(Op::FindMount, Subject::Mount(MountKey::Reused(MountId(9))), Errno::ENOENT),
        OsError::new(Op::Mounts, Subject::Namespace, Errno::EIO),
        OsError::new(Op::Origin, Subject::Namespace, Errno::EMFILE),
    ];
    let with_all = of(Op::Bind, Errno::ENOMEM).at_step("open_tree");
    all.push(leftovers().into_iter().fold(with_all, OsError::leaving));
    all
}

fn atomic_volume_errors() -> Vec<AtomicVolumeError> {
    let volume = || PathBuf::from("/v");
    let version = || VolumeGeneration::from_target("..v1".as_ref()).unwrap();
    let faults = [
        LayoutFault::NoLink,
        LayoutFault::Elsewhere("../x".into()),
        LayoutFault::VersionMissing(version()),
        LayoutFault::VersionNoDirectory(version()),
        LayoutFault::NotAFile { path: "k".into(), kind: FileKind::Fifo },
    ];
    let mut all = vec![
        AtomicVolumeError::NotWritten { volume: volume() },
        AtomicVolumeError::TooMuch {
            volume: volume(),
            limits: AtomicVolumeLimits { entries: 8, bytes: 1024, depth: 3 },
        },
        AtomicVolumeError::Unsettled { volume: volume(), tries: 8 },
        AtomicVolumeError::Os(OsError::new(Operation::OpenDir, "/v", Errno::ENOENT)),
    ];
    all.extend(faults.map(|fault| AtomicVolumeError::OtherLayout { volume: volume(), fault }));
    for error in &all {
        match error {
            AtomicVolumeError::NotWritten { .. }
            | AtomicVolumeError::OtherLayout {
                fault:
                    LayoutFault::NoLink
                    | LayoutFault::Elsewhere(_)
                    | LayoutFault::VersionMissing(_)
                    | LayoutFault::VersionNoDirectory(_)
                    | LayoutFault::NotAFile { .. },
                ..
            }
            | AtomicVolumeError::TooMuch { .. }
            | AtomicVolumeError::Unsettled { .. }
            | AtomicVolumeError::Os(_) => {}
        }
    }
    all
}

fn unusable_mounts() -> Vec<UnusableMount> {
    let destination = || "/data".to_owned();
    let all = vec![
        UnusableMount::DestinationNotAbsolute { destination: "data".to_owned() },
        UnusableMount::Nul { field: "source", destination: destination() },
        UnusableMount::NotUtf8 { field: "source", path: "/s".into() },
        UnusableMount::IdMapping { what: "uidMappings", destination: destination() },
        UnusableMount::Option {
            destination: destination(),
            option: MountOptions::parse(["rnoatime", "rstrictatime"]).unwrap_err(),
        },
    ];
    for error in &all {
        match error {
            UnusableMount::DestinationNotAbsolute { .. }
            | UnusableMount::Nul { .. }
            | UnusableMount::NotUtf8 { .. }
            | UnusableMount::IdMapping { .. }
            | UnusableMount::Option { .. } => {}
        }
    }
    all
}

fn fs_group_errors() -> Vec<FsGroupError> {
    let first = OsError::new(Operation::SetOwner, "/v/a", Errno::EPERM);
    let report = FsGroupReport { examined: 3, failed: 1, ..FsGroupReport::default() };
    let all = vec![
        FsGroupError::Root(OsError::new(Operation::OpenDir, "/v", Errno::ENOENT)),
        FsGroupError::Incomplete { volume: "/v".into(), report: Box::new(report), source: Box::new(first) },
    ];
    for error in &all {
        match error {
            FsGroupError::Root(_) | FsGroupError::Incomplete { .. } => {}
        }
    }
    all
}

fn direct_volume_errors() -> Vec<DirectVolumeError<std::num::ParseIntError>> {
    let all = vec![
        DirectVolumeError::Path { path: "".into() },
        DirectVolumeError::Json { volume_path: "/v".to_owned(), source: "staff".parse::<u32>().unwrap_err() },
        DirectVolumeError::File(Error::NotAMountPoint { path: "/v".into() }),
    ];
    for error in &all {
        match error {
            DirectVolumeError::Path { .. } | DirectVolumeError::Json { .. } | DirectVolumeError::File(_) => {}
        }
    }
    all
}

fn listed<E: std::error::Error>(text: &mut String, name: &str, errors: impl IntoIterator<Item = E>) {
    let _ = writeln!(text, "{name}");
    for error in errors {
        let message = error.to_string();
        assert!(!message.contains(char::is_control), "{message:?} does more to a terminal than to stand there");
        let _ = writeln!(text, "  {message}");
        if let Some(source) = error.source() {
            assert!(!message.contains(&source.to_string()), "{message:?} says what its source says");
            let _ = writeln!(text, "    because: {source}");
        }
    }
}

#[test]
fn every_message_is_as_it_was_reviewed() {
    let mut text = String::new();
    listed(&mut text, "Error", errors());
    listed(&mut text, "OsError", os_errors());
    listed(&mut text, "AtomicVolumeError", atomic_volume_errors());
    listed(&mut text, "DirectVolumeError", direct_volume_errors());
    listed(&mut text, "FsGroupError", fs_group_errors());
    listed(&mut text, "KataError", kata_errors());
    listed(&mut text, "BadVolumeRecord", [BadVolumeRecord::new("fsGroup", "staff", "expected a group id")]);
    listed(&mut text, "UnusableMount", unusable_mounts());
    listed(&mut text, "OddLine", [OddLine { line: b"28 \xff\n".to_vec(), reason: "the parent id is no number" }]);
    let reviewed = include_str!("error_messages.txt");
    assert!(text == reviewed, "review these, and write them to error_messages.txt:\n{text}");
}
