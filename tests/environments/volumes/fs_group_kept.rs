//! Giving a volume's files their group: the extent of the volume, and the metadata that the files keep.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use mountwright_core::kubernetes::fs_group::{FsGroupError, FsGroupOutcome, FsGroupReport, FsGroupRequest};
use mountwright_core::{Errno, Operation};
use mountwright_tests::machine::furnish;
use rustix::fs::XattrFlags;
use rustix::mount::MountFlags;
use rustix::thread::{CapabilitySet, CapabilitySets, capabilities, set_capabilities};

use crate::fs_group::{ALWAYS, MISMATCH, applied, assert_shown, run};
use crate::scene::Scene;
use crate::{Case, NeedyCase};

pub(crate) const CASES: &[Case] = &[
    ("fs_group: a bind of the same filesystem inside the volume is left alone", bind_inside),
    ("fs_group: every file of an overlay of two filesystems gets the group", overlay),
    ("fs_group: an overlay that is done in part is done to the end", overlay_done_in_part),
    ("fs_group: capabilities of a program are kept, and of a file that is none", program_capabilities),
    (
        "fs_group: capabilities of a program that others may write to are lost, and the program is named",
        writable_program,
    ),
    ("fs_group: without CAP_FSETID a missing set-group-id bit is a failure in every run", without_fsetid),
];

pub(crate) const NEEDY: &[NeedyCase] = &[
    ("fs_group: the group bits of a file with an ACL are added to its mask", acl_ready, acl_mask),
    ("fs_group: a subvolume of btrfs belongs to the volume", btrfs_ready, btrfs_subvolume),
];

fn bind_inside(scene: &Scene) {
    furnish("dir:700 v/in; file:600 v/f; file:600 elsewhere/f; bind elsewhere v/in");
    let report = applied(scene, &ALWAYS);
    assert_eq!((report.other_mounts, report.changed), (1, 2));
    assert_shown(scene, &[("elsewhere", "755 0"), ("elsewhere/f", "600 0"), ("v/f", "660 G"), ("v", "2775 G")]);
}

/// `o` is an overlay of `l`, which `build` fills, and `u`, on two filesystems.
fn mount_overlay(scene: &Scene, build: impl FnOnce()) {
    for layer in ["l", "u", "o"] {
        furnish(&format!("dir {layer}"));
    }
    furnish("tmpfs:volume l u; dir u/up u/work");
    build();
    let [lower, upper, work] = ["l", "u/up", "u/work"].map(|layer| scene.path(layer).display().to_string());
    let options = std::ffi::CString::new(format!("lowerdir={lower},upperdir={upper},workdir={work}")).expect("no NUL");
    let mounted = rustix::mount::mount("o", scene.path("o"), "overlay", MountFlags::empty(), Some(options.as_c_str()));
    mounted.expect("an overlay can be mounted");
}

fn run_on_overlay(scene: &Scene, request: &FsGroupRequest) -> Option<FsGroupReport> {
    match run(scene, "o/v", request) {
        Ok(FsGroupOutcome::Applied(report)) => Some(report),
        Ok(FsGroupOutcome::NotNeeded) => None,
        other => panic!("{other:?}"),
    }
}

/// Directories in each other, with a neighbour to go back up for, and a file in each.
fn lower_tree(mode: u32) -> Vec<String> {
    let mut files = Vec::new();
    for path in ["l/v", "l/v/a", "l/v/a/b", "l/v/a/c", "l/v/d", "l/v/d/e"] {
        furnish(&format!("dir:{mode:o} {path}; file:600 {path}/lower x"));
        files.push(format!("{path}/lower").replacen('l', "o", 1));
    }
    files
}

fn overlay(scene: &Scene) {
    let mut files = Vec::new();
    mount_overlay(scene, || files = lower_tree(0o755));
    furnish("file:600 o/v/upper y; dir:700 o/v/a/new");
    let report = run_on_overlay(scene, &MISMATCH).expect("there is something to do");
    assert_eq!((report.other_mounts, report.vanished, report.changed), (0, 0, 14));
    for file in &files {
        assert_shown(scene, &[(file, "660 G")]);
    }
    assert_shown(scene, &[("o/v/upper", "660 G"), ("o/v", "2775 G"), ("o/v/a/new", "2770 G"), ("l/v/lower", "600 0")]);
    assert_eq!(run_on_overlay(scene, &MISMATCH), None);
    let again = run_on_overlay(scene, &ALWAYS).expect("it looks again");
    assert_eq!((again.examined, again.changed), (14, 0));
}

/// The directories are right, so a file in each copies up all that are above it, during the run.
fn overlay_done_in_part(scene: &Scene) {
    let mut files = Vec::new();
    mount_overlay(scene, || {
        files = lower_tree(0o2775);
        for path in ["l/v", "l/v/a", "l/v/a/b", "l/v/a/c", "l/v/d", "l/v/d/e"] {
            furnish(&format!("chown 0:4321 {path}; chmod 2775 {path}"));
        }
    });
    let report = run_on_overlay(scene, &ALWAYS).expect("it looks");
    assert_eq!((report.examined, report.changed), (12, 6));
    for file in &files {
        assert_shown(scene, &[(file, "660 G")]);
    }
}

/// `CAP_NET_BIND_SERVICE`, permitted and effective.
pub(crate) const NET_BIND: [u8; 20] = [1, 0, 0, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
pub(crate) const CAPABILITIES: &str = "security.capability";

fn give_capabilities(scene: &Scene, path: &str) {
    let set = rustix::fs::setxattr(scene.path(path), CAPABILITIES, &NET_BIND, XattrFlags::empty());
    set.expect("capabilities can be set");
}

fn capabilities_of(scene: &Scene, path: &str) -> Option<Vec<u8>> {
    let mut value = [0; 64];
    match rustix::fs::getxattr(scene.path(path), CAPABILITIES, &mut value) {
        Ok(length) => Some(value[..length].to_vec()),
        Err(rustix::io::Errno::NODATA) => None,
        Err(errno) => panic!("{errno}"),
    }
}

fn program_capabilities(scene: &Scene) {
    furnish("file:755 v/server; file:4755 v/set-id; file v/data");
    for path in ["v/server", "v/set-id", "v/data"] {
        give_capabilities(scene, path);
    }
    furnish("file:755 v/control");
    give_capabilities(scene, "v/control");
    furnish("chown 0:99 v/control");
    assert_eq!(capabilities_of(scene, "v/control"), None, "the kernel removes them");
    applied(scene, &ALWAYS);
    assert_shown(scene, &[("v/server", "775 G"), ("v/set-id", "4775 G"), ("v/data", "664 G")]);
    for path in ["v/server", "v/set-id", "v/data"] {
        assert_eq!(capabilities_of(scene, path).as_deref(), Some(&NET_BIND[..]), "{path}");
    }
    assert_eq!(capabilities_of(scene, "v/control"), None);
}

fn writable_program(scene: &Scene) {
    for (path, mode, shown) in [("v/server", 0o775, "775 G"), ("v/data", 0o660, "660 G")] {
        furnish(&format!("file:{mode:o} {path}"));
        give_capabilities(scene, path);
        let Err(FsGroupError::Incomplete { report, source, .. }) = run(scene, "v", &ALWAYS) else { panic!() };
        assert_eq!((source.operation(), source.path()), (Operation::SetCapabilities, Some(&*scene.path(path))));
        assert_eq!((report.failed, capabilities_of(scene, path)), (1, None));
        assert_shown(scene, &[(path, shown), ("v", "755 0")]);
    }
    applied(scene, &ALWAYS);
}

fn without_fsetid(scene: &Scene) {
    furnish("dir v; file:2755 v/tool; file:600 v/plain");
    let all = capabilities(None).expect("a thread has capabilities");
    let fewer = CapabilitySets { effective: all.effective & !CapabilitySet::FSETID, ..all };
    set_capabilities(None, fewer).expect("fewer are always allowed");
    for request in [MISMATCH, MISMATCH.despite_failures(), MISMATCH] {
        let Err(FsGroupError::Incomplete { report, source, .. }) = run(scene, "v", &request) else { panic!() };
        assert_eq!((source.operation(), source.errno(), report.root_done), (Operation::SetMode, Errno::EPERM, false));
        assert_shown(scene, &[("v/plain", "660 G")]);
    }
    set_capabilities(None, all).expect("they are still permitted");
}

const ACL: &str = "system.posix_acl_access";

/// An entry of an access ACL: tag, permissions, id.
fn acl(entries: &[(u16, u16, u32)]) -> Vec<u8> {
    let mut bytes = 2_u32.to_le_bytes().to_vec();
    for (tag, permissions, id) in entries {
        bytes.extend(tag.to_le_bytes());
        bytes.extend(permissions.to_le_bytes());
        bytes.extend(id.to_le_bytes());
    }
    bytes
}

const NO_ID: u32 = u32::MAX;

/// Owner rw, user 1234 rw, group r, this mask, others nothing.
fn acl_with_mask(mask: u16) -> Vec<u8> {
    acl(&[(1, 6, NO_ID), (2, 6, 1234), (4, 4, NO_ID), (0x10, mask, NO_ID), (0x20, 0, NO_ID)])
}

fn acl_ready(scene: &Scene) -> Result<(), String> {
    furnish("file:600 v/f");
    let set = rustix::fs::setxattr(scene.path("v/f"), ACL, &acl_with_mask(4), XattrFlags::empty());
    set.map_err(|errno| format!("tmpfs has no ACLs here: {errno}"))
}

fn acl_mask(scene: &Scene) {
    assert_shown(scene, &[("v/f", "640 0")]);
    applied(scene, &ALWAYS);
    assert_shown(scene, &[("v/f", "660 G")]);
    let mut value = [0; 64];
    let length = rustix::fs::getxattr(scene.path("v/f"), ACL, &mut value).expect("it has an ACL");
    assert_eq!(value[..length], acl_with_mask(6), "the mask alone");
}

pub(crate) fn command(line: &str) -> Result<(), String> {
    let ran = Command::new("sh").args(["-c", line]).output().map_err(|error| format!("sh: {error}"))?;
    if ran.status.success() { Ok(()) } else { Err(format!("{line}: {}", String::from_utf8_lossy(&ran.stderr).trim())) }
}

fn btrfs_ready(scene: &Scene) -> Result<(), String> {
    let disk = scene.path("disk");
    let file = std::fs::File::create(&disk).map_err(|error| error.to_string())?;
    file.set_len(130 << 20).map_err(|error| error.to_string())?;
    furnish("dir b");
    let at = scene.path("b");
    command(&format!("mkfs.btrfs -q {0} && mount -o loop {0} {1}", disk.display(), at.display()))?;
    furnish("dir b/v");
    let made = command(&format!("btrfs -q subvolume create {}/v/sub", at.display()));
    made.inspect_err(|_| drop(command(&format!("umount {}", at.display()))))
}

fn btrfs_subvolume(scene: &Scene) {
    furnish("file:600 b/v/plain; file:600 b/v/sub/d/inner");
    std::fs::set_permissions(scene.path("b/v/sub"), Permissions::from_mode(0o755)).expect("a mode can be set");
    let outcome = run(scene, "b/v", &MISMATCH);
    let shown = ["b/v", "b/v/plain", "b/v/sub", "b/v/sub/d/inner"].map(|path| scene.shown(path));
    command(&format!("umount {}", scene.path("b").display())).expect("it can be unmounted");
    let Ok(FsGroupOutcome::Applied(report)) = outcome else { panic!("{outcome:?}") };
    assert_eq!((report.other_mounts, report.changed), (0, 5));
    assert_eq!(shown, ["2775 4321", "660 4321", "2775 4321", "660 4321"]);
}
