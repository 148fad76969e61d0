//! One pure function at a time, for a simulator that counts instructions: `.ci/instructions` runs it.
//!
//! `instructions CASE TIMES` does it so many times; `instructions list` names the cases.
#![allow(clippy::disallowed_methods)] // The arguments of a program.

mod mountinfo_text;

use std::hint::black_box;
use std::path::Path;

use mountwright_core::kata::{DOCKER_DATA_ROOT, is_docker_volume};
use mountwright_core::path::clean_path;
use mountwright_core::spec::Mount;
use mountwright_core::{ContainerId, MountInfo, MountTable, kubernetes};

/// A clean path of 100 bytes.
const VOLUME: &str =
    "/var/lib/kubelet/pods/5f0861a0-97d1-4f2b-8a3e-3c2d7b6f9e01/volumes/kubernetes.io~empty-dir/cache-vol";
const LINE: &[u8] =
    b"2957 27 0:57 / /var/lib/kubelet/pods/5f0861a0-97d1-4f2b-8a3e-3c2d7b6f9e01/volumes/kubernetes.io~secret/token \
rw,relatime shared:57 - tmpfs tmpfs rw,size=65536k,inode64";

type Case = (&'static str, fn(u32));

const CASES: &[Case] = &[
    ("clean_path_100_bytes", |times| repeat(times, || clean_path(black_box(Path::new(VOLUME))).as_os_str().len())),
    ("volume_kind_100_bytes", |times| repeat(times, || kubernetes::VolumeKind::of(black_box(VOLUME.into())))),
    ("is_empty_dir_100_bytes", |times| {
        repeat(times, || {
            kubernetes::VolumeKind::of(black_box(VOLUME.into())) == Some(kubernetes::VolumeKind::EmptyDir)
        });
    }),
    ("is_system_mount_100_bytes", |times| repeat(times, || Mount::is_system_mount(black_box(VOLUME.into())))),
    ("is_docker_volume_100_bytes", |times| {
        repeat(times, || is_docker_volume(black_box(VOLUME.into()), DOCKER_DATA_ROOT));
    }),
    ("container_id_64_bytes", |times| {
        let id = "0123456789abcdef".repeat(4);
        repeat(times, || ContainerId::new(black_box(id.as_str())).is_ok());
    }),
    ("mount_info_from_line", |times| repeat(times, || MountInfo::from_line(black_box(LINE)).is_ok())),
    ("mount_info_to_line", |times| {
        let info = MountInfo::from_line(LINE).expect("a line of mountinfo");
        repeat(times, || black_box(&info).to_line());
    }),
    ("mount_table_parse_100_rows", |times| {
        let text = mountinfo_text::of(100);
        repeat(times, || MountTable::parse(black_box(&text[..])).len());
    }),
    ("mount_table_every_mount_point_of_100", |times| {
        let table = MountTable::parse(mountinfo_text::of(100));
        repeat(times, || black_box(&table).iter().filter(|row| row.mount_point().as_os_str().is_empty()).count());
    }),
];

fn repeat<T>(times: u32, mut run: impl FnMut() -> T) {
    for _ in 0..times {
        black_box(run());
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["list"] => CASES.iter().for_each(|(name, _)| println!("{name}")),
        [wanted, times] if !times.starts_with('-') => {
            let (_, case) = CASES.iter().find(|(name, _)| *name == wanted).expect("one of `list`");
            case(times.parse().expect("a number"));
        }
        // As `cargo bench` calls it: there is nothing to time here.
        _ => CASES.iter().for_each(|(_, case)| case(1)),
    }
}
