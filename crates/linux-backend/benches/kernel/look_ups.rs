//! Which mount, which device, which medium.

use std::ffi::CStr;
use std::fs;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use camino::Utf8PathBuf;
use mountwright_core::device::{BackingDevice, PathDevice};
use mountwright_core::kubernetes::EmptyDirMedium;
use mountwright_core::{Location, MountInfo, Mounter};
use mountwright_linux::abi;
use rustix::fs::CWD;

use crate::paired::{Group, Report};
use crate::raw;
use crate::stage::{DEPTHS, World, c_path, memory_volume, mount_point};

/// The fields of a `MountInfo`.
#[allow(clippy::cast_lossless)] // `u64::from` is not const.
const FIELDS: u64 = (abi::STATMOUNT_SB_BASIC
    | abi::STATMOUNT_MNT_BASIC
    | abi::STATMOUNT_PROPAGATE_FROM
    | abi::STATMOUNT_MNT_ROOT
    | abi::STATMOUNT_MNT_POINT
    | abi::STATMOUNT_FS_TYPE
    | abi::STATMOUNT_FS_SUBTYPE
    | abi::STATMOUNT_MNT_OPTS
    | abi::STATMOUNT_SB_SOURCE
    | abi::STATMOUNT_SUPPORTED_MASK) as u64;

/// The buffer size: the structure, and the backend's size for the strings.
const ROOM: usize = 512 + 1024;

pub(crate) fn run(report: &mut Report, worlds: &[World]) {
    for world in worlds {
        for depth in DEPTHS {
            mount_of(report, world, depth);
            devices(report, world, depth);
        }
        empty_dir(report, world);
    }
    same_in_every_crowd(report, worlds);
}

fn mount_of(report: &mut Report, world: &World, depth: usize) {
    let (path, mounts) = (mount_point(depth), world.mounts);
    let (at, raw_path) = (Location::trusted(&path), c_path(&path));
    world.namespace.enter();
    assert_eq!(world.backend.mount_of(&at).expect("it is mounted").mount.mount_point, path);
    Group::new(format!("mount look-up, depth {depth}, {mounts} mounts"))
        .variant("mount_of", || world.backend.mount_of(&at))
        .variant("statx + statmount", || raw_mount(&raw_path))
        .variant("scan of mountinfo", || scan(&path))
        .at_most_times("mount_of", "statx + statmount", 1.3)
        .times("scan of mountinfo", "mount_of")
        .run(report);
}

fn raw_mount(path: &CStr) -> io::Result<()> {
    let id = raw::mount_id(CWD.as_raw_fd(), path, 0)?;
    raw::statmount(id, FIELDS, &mut [MaybeUninit::uninit(); ROOM])
}

/// The last line of the longest mount point above the path, as container runtimes have it.
fn scan(path: &Path) -> Option<MountInfo> {
    let text = fs::read("/proc/self/mountinfo").expect("procfs");
    let rows = text.split(|&b| b == b'\n').filter_map(|line| MountInfo::from_line(line).ok());
    rows.filter(|row| path.starts_with(&row.mount_point)).max_by_key(|row| row.mount_point.as_os_str().len())
}

fn empty_dir(report: &mut Report, world: &World) {
    let (path, mounts) = (memory_volume(), world.mounts);
    let raw_path = c_path(&path);
    let asked = Utf8PathBuf::from_path_buf(path.clone()).expect("UTF-8");
    world.namespace.enter();
    assert_eq!(EmptyDirMedium::of(&world.backend, &asked).expect("it is mounted"), Some(EmptyDirMedium::Memory));
    let lines = fs::read("/proc/mounts").expect("procfs");
    let length = lines.len() / lines.split(|&b| b == b'\n').count();
    Group::new(format!("memory emptyDir?, {mounts} mounts of {length} bytes a line"))
        .variant("EmptyDirMedium::of", || EmptyDirMedium::of(&world.backend, &asked))
        .variant("statx + statmount, no strings", || {
            let id = raw::mount_id(CWD.as_raw_fd(), &raw_path, 0).expect("it is there");
            raw::statmount(id, abi::STATMOUNT_SB_BASIC.into(), &mut [MaybeUninit::uninit(); 512])
        })
        .variant("scan of /proc/mounts", || {
            let text = fs::read("/proc/mounts").expect("procfs");
            text.split(|&b| b == b'\n').any(|line| {
                let mut words = line.split(|&b| b == b' ').skip(1);
                words.next() == Some(path.as_os_str().as_bytes()) && words.next() == Some(b"tmpfs")
            })
        })
        .at_most_times("EmptyDirMedium::of", "statx + statmount, no strings", 1.3)
        .times("scan of /proc/mounts", "EmptyDirMedium::of")
        .run(report);
}

fn devices(report: &mut Report, world: &World, depth: usize) {
    let (path, mounts, backend) = (mount_point(depth), world.mounts, &world.backend);
    let raw_path = c_path(&path);
    world.namespace.enter();
    Group::new(format!("device behind a path, depth {depth}, {mounts} mounts"))
        .variant("BackingDevice::of", || BackingDevice::of(backend, &path))
        .variant("statx + statmount", || raw_mount(&raw_path))
        .variant("PathDevice::of", || PathDevice::of(backend, &path))
        .variant("canonicalize and stat upward", || {
            let path = fs::canonicalize(&path).expect("it is there");
            let device = fs::metadata(&path).expect("it is there").dev();
            path.ancestors().find(|above| fs::metadata(above).is_ok_and(|found| found.dev() != device)).is_some()
        })
        .variant("scan of mountinfo", || scan(&path))
        .times("BackingDevice::of", "statx + statmount")
        .times("canonicalize and stat upward", "PathDevice::of")
        .times("scan of mountinfo", "BackingDevice::of")
        .run(report);
}

/// Not one world after the other but turn about, so that their ratio is about them.
fn same_in_every_crowd(report: &mut Report, worlds: &[World]) {
    let [few, .., many] = worlds else { unreachable!("three worlds") };
    let at = Location::trusted(mount_point(8));
    Group::new("mount look-up, depth 8, crowds compared")
        .variant_after("40 mounts", || few.namespace.enter(), || few.backend.mount_of(&at))
        .variant_after("10,000 mounts", || many.namespace.enter(), || many.backend.mount_of(&at))
        .same("10,000 mounts", "40 mounts", 0.2)
        .run(report);
    let volume = Utf8PathBuf::from_path_buf(memory_volume()).expect("UTF-8");
    Group::new("memory emptyDir?, crowds compared")
        .variant_after("40 mounts", || few.namespace.enter(), || EmptyDirMedium::of(&few.backend, &volume))
        .variant_after("10,000 mounts", || many.namespace.enter(), || EmptyDirMedium::of(&many.backend, &volume))
        .same("10,000 mounts", "40 mounts", 0.2)
        .run(report);
}
