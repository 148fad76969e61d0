//! A filesystem of a disk that cannot be written to.

use mountwright_core::mount::FilesystemOption;
use mountwright_core::spec::MountOptions;
use mountwright_core::{Errno, Location, MountRequest, Mounter};
use mountwright_tests::machine::furnish;

use crate::NeedyCase;
use crate::fs_group_kept::command;
use crate::scene::Scene;

pub(crate) const NEEDY: &[NeedyCase] = &[(
    "mount: ext4 of a read-only disk needs ro as its option, and not as an attribute alone",
    disk_ready,
    read_only_twice,
)];

fn disk_ready(scene: &Scene) -> Result<(), String> {
    let disk = scene.path("disk");
    let file = std::fs::File::create(&disk).map_err(|error| error.to_string())?;
    file.set_len(2 << 20).map_err(|error| error.to_string())?;
    furnish("dir e");
    let (disk, named) = (disk.display(), scene.path("loop"));
    command(&format!("mkfs.ext4 -q {disk} && losetup --read-only --show --find {disk} > {}", named.display()))
}

fn read_only_twice(scene: &Scene) {
    let disk = std::fs::read_to_string(scene.path("loop")).expect("the device that was found");
    let disk = disk.trim();
    let words = MountOptions::parse(["ro"]).expect("a word");
    let request = MountRequest::from_options("ext4", Location::trusted(scene.path("e")), &words);
    let request = request.expect("ro is served").source(disk);
    let alone = scene.backend.mount(&request).map_err(|error| error.errno());
    let both = scene.backend.mount(&request.option(FilesystemOption::flag("ro")));
    command(&format!("umount {} ; losetup --detach {disk}", scene.path("e").display())).expect("it ends");
    assert_eq!(alone, Err(Errno::EACCES));
    both.expect("ro for the superblock too");
}
