//! Directories by their number of files.

use std::fs;
use std::io;
use std::mem::MaybeUninit;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use camino::Utf8PathBuf;
use mountwright_core::kubernetes::{FileCount, Watchability};
use rustix::fs::{CWD, Mode, OFlags, RawDir};

use crate::paired::{Group, Report};
use crate::stage::{STAGE, World, made};

const SIZES: [usize; 4] = [8, 1_000, 100_000, 1_000_000];
/// The backend's first buffer, and its last.
const FIRST: usize = 1 << 10;
const LAST: usize = 32 << 10;

pub(crate) fn run(report: &mut Report, worlds: &[World]) {
    if !report.wants_area("count") {
        return;
    }
    let world = &worlds[0];
    world.namespace.enter();
    let stage = Path::new(STAGE);
    filesystem(report, world, "tmpfs", &stage.join("files"));
    match ext4(stage) {
        Ok(at) => {
            filesystem(report, world, "ext4", &at);
            rustix::mount::unmount(at, rustix::mount::UnmountFlags::empty()).expect("nobody uses it");
        }
        Err(error) => println!("\next4 not measured: {error}"),
    }
    watched(report, world, stage);
}

fn filesystem(report: &mut Report, world: &World, name: &str, at: &Path) {
    let directories = SIZES.map(|files| filled(at, files).expect("the filesystem is ours"));
    let [eight, thousand, many, million] = &directories;
    let backend = &world.backend;
    for (directory, files) in directories.iter().zip(SIZES) {
        let counted = FileCount::below(backend, directory, u64::MAX).expect("readable");
        assert_eq!(counted, FileCount::Exactly(files as u64));
    }
    let limited = |directory| FileCount::below(backend, directory, 8);
    let group = Group::new(format!("count to 8, {name}"))
        .variant("8 entries", || limited(eight))
        .variant("1,000 entries", || limited(thousand))
        .variant("100,000 entries", || limited(many))
        .variant("1,000,000 entries", || limited(million))
        .variant("1,000,000 entries: open, getdents64, close", || first_buffer(million))
        .variant("1,000,000 entries: all of read_dir", || fs::read_dir(million).expect("readable").count());
    let group = match name {
        "tmpfs" => group.at_most_times("1,000,000 entries", "8 entries", 2.0),
        _ => group.at_most_times("1,000,000 entries", "1,000,000 entries: open, getdents64, close", 1.3),
    };
    group.times("1,000,000 entries: all of read_dir", "1,000,000 entries").run(report);
    for (directory, files) in [(eight, "8"), (thousand, "1,000"), (many, "100,000"), (million, "1,000,000")] {
        Group::new(format!("count all of {files}, {name}"))
            .variant("FileCount::below", || FileCount::below(backend, directory, u64::MAX))
            .variant("getdents64 to the end", || whole(directory))
            .variant("read_dir", || fs::read_dir(directory).expect("readable").count())
            .at_most_times("FileCount::below", "getdents64 to the end", 1.3)
            .times("read_dir", "FileCount::below")
            .run(report);
    }
    let volumes = directories.each_ref().map(|directory| as_volume(directory).expect("the filesystem is ours"));
    let [eight, thousand, many, million] = &volumes;
    let watchable = |volume: &Utf8PathBuf| Watchability::is_watchable_at(backend, volume).expect("readable");
    assert_eq!(volumes.each_ref().map(watchable), [true, false, false, false]);
    Group::new(format!("count for a configMap: is it watchable?, {name}"))
        .variant("8 entries", || watchable(eight))
        .variant("1,000 entries", || watchable(thousand))
        .variant("100,000 entries", || watchable(many))
        .variant("1,000,000 entries", || watchable(million))
        .variant("1,000,000 entries: open, getdents64, close", || first_buffer(million.as_std_path()))
        .times("1,000,000 entries", "8 entries")
        .run(report);
}

/// Creates a directory with this many names of a few files: listing it costs as much as listing distinct files, on both
/// filesystems.
fn filled(at: &Path, files: usize) -> io::Result<PathBuf> {
    /// Below what ext4 allows.
    const NAMES_OF_A_FILE: usize = 60_000;
    let directory = made(at.join(format!("of{files}")))?;
    let sources = made(at.join("sources"))?;
    for file in 0..files {
        let source = sources.join(format!("{files}-{}", file / NAMES_OF_A_FILE));
        if file % NAMES_OF_A_FILE == 0 {
            fs::write(&source, "")?;
        }
        fs::hard_link(&source, directory.join(format!("file{file:07}")))?;
    }
    Ok(directory)
}

/// The same directory under the path of a configMap.
fn as_volume(directory: &Path) -> io::Result<Utf8PathBuf> {
    let name = directory.file_name().expect("it has a name");
    let volume = directory.with_file_name("kubelet/pods/u/volumes/kubernetes.io~configmap").join(name);
    made(volume.with_file_name(""))?;
    match symlink(directory, &volume) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    Utf8PathBuf::from_path_buf(volume).map_err(|_| io::ErrorKind::InvalidInput.into())
}

/// An ext4 of its own, in a file of the stage.
fn ext4(stage: &Path) -> io::Result<PathBuf> {
    let (image, at) = (stage.join("ext4.image"), made(stage.join("ext4"))?);
    fs::File::create(&image)?.set_len(512 << 20)?;
    let run = |command: &mut Command| match command.output() {
        Ok(done) if done.status.success() => Ok(()),
        Ok(done) => Err(io::Error::other(String::from_utf8_lossy(&done.stderr).into_owned())),
        Err(error) => Err(io::Error::new(error.kind(), format!("{}: {error}", command.get_program().display()))),
    };
    run(Command::new("mkfs.ext4").args(["-q", "-F", "-N", "4096", "-m", "0"]).arg(&image))?;
    run(Command::new("mount").args(["-o", "loop"]).arg(&image).arg(&at))?;
    Ok(at)
}

fn open(directory: &Path) -> rustix::io::Result<rustix::fd::OwnedFd> {
    rustix::fs::openat(CWD, directory, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
}

fn first_buffer(directory: &Path) -> rustix::io::Result<bool> {
    let directory = open(directory)?;
    let mut buffer = [MaybeUninit::<u8>::uninit(); FIRST];
    Ok(RawDir::new(&directory, &mut buffer).next().is_some())
}

fn whole(directory: &Path) -> rustix::io::Result<usize> {
    let directory = open(directory)?;
    let mut buffer = vec![MaybeUninit::<u8>::uninit(); LAST];
    let mut entries = RawDir::new(&directory, &mut buffer);
    let mut count = 0;
    while let Some(entry) = entries.next() {
        entry?;
        count += 1;
    }
    Ok(count)
}

/// A configMap as the kubelet writes it.
fn watched(report: &mut Report, world: &World, stage: &Path) {
    let volume = stage.join("kubelet/pods/u/volumes/kubernetes.io~configmap/app");
    let version = made(volume.join("..2026_11_20_10_00_00.1")).expect("the stage is ours");
    symlink("..2026_11_20_10_00_00.1", volume.join("..data")).expect("the stage is ours");
    for key in ["a", "b", "c"] {
        fs::write(version.join(key), key).expect("the stage is ours");
        symlink(Path::new("..data").join(key), volume.join(key)).expect("the stage is ours");
    }
    let path = Utf8PathBuf::from_path_buf(volume.clone()).expect("UTF-8");
    assert!(Watchability::is_watchable_at(&world.backend, &path).expect("readable"));
    assert_eq!(FileCount::below(&world.backend, path.as_std_path(), 8).expect("readable"), FileCount::Exactly(7));
    Group::new("count of a configMap of three keys, in the kubelet's layout")
        .variant("Watchability::is_watchable_at", || Watchability::is_watchable_at(&world.backend, &path))
        .variant("FileCount::below", || FileCount::below(&world.backend, path.as_std_path(), 8))
        .variant("open, getdents64 to the end, close, of both directories", || {
            whole(&volume).and_then(|above| Ok(above + whole(&version)?))
        })
        .variant("read_dir of both directories", || {
            let count = |at: &Path| fs::read_dir(at).expect("readable").flatten().count();
            count(&volume) + count(&version)
        })
        .times("Watchability::is_watchable_at", "open, getdents64 to the end, close, of both directories")
        .times("read_dir of both directories", "Watchability::is_watchable_at")
        .run(report);
}
