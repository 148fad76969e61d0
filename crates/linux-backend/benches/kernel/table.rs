//! The whole table.

use std::fs::{self, File};
use std::io::{self, Read};

use mountwright_core::{MountInfo, MountTable, Mounter};

use crate::paired::{Group, Report};
use crate::stage::World;

pub(crate) fn run(report: &mut Report, worlds: &[World]) {
    for world in worlds {
        let mounts = world.mounts;
        world.namespace.enter();
        let text = fs::read("/proc/thread-self/mountinfo").expect("procfs");
        assert_eq!(world.backend.mounts().expect("procfs").text(), text);
        Group::new(format!("mounts(), {mounts} mounts"))
            .variant("mounts", || world.backend.mounts())
            .variant("read, not parsed", read)
            .variant("read, and a value of each line", || {
                let text = read().expect("procfs");
                text.split(|&b| b == b'\n').filter_map(|line| MountInfo::from_line(line).ok()).collect::<Vec<_>>()
            })
            .at_most_times("mounts", "read, not parsed", 1.15)
            .times("read, and a value of each line", "mounts")
            .run(report);
        let bytes = f64::from(u32::try_from(text.len()).expect("a small text"));
        Group::new(format!("this kernel's mountinfo into rows, {mounts} mounts"))
            .units(bytes, "B")
            .variant_with("MountTable::parse", || text.clone(), MountTable::parse)
            .rate_at_least("MountTable::parse", 500e6)
            .run(report);
    }
}

/// The kernel hands out a page at a time, however large the buffer is.
fn read() -> io::Result<Vec<u8>> {
    let mut text = Vec::with_capacity(32 << 10);
    File::open("/proc/thread-self/mountinfo")?.read_to_end(&mut text)?;
    Ok(text)
}
