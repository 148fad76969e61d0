//! Differences between two states of a host.

use std::collections::BTreeMap;
use std::fmt;

use mountwright_core::{MountInfo, MountTable};

use crate::fake_backend::FakeBackend;
use crate::model::keys::DentryKey;
use crate::model::machine::Machine;
use crate::model::objects::inode::Content;
use crate::model::objects::pid::Pid;

/// The differences between two states of a host: mounts, and files of their filesystems.
///
/// `Display` has one line for each: `-` is only in the first, `+` only in the second.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    lines: Vec<String>,
}

impl Difference {
    /// True where nothing differs.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    fn add<K: Ord>(&mut self, before: &BTreeMap<K, String>, after: &BTreeMap<K, String>) {
        let mut keys: Vec<&K> = before.keys().chain(after.keys()).collect();
        keys.sort();
        keys.dedup();
        for key in keys {
            let (old, new) = (before.get(key), after.get(key));
            if old != new {
                self.lines.extend(old.map(|text| format!("- {text}")));
                self.lines.extend(new.map(|text| format!("+ {text}")));
            }
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lines.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

impl FakeBackend {
    /// Compares this host with `after`, a later or earlier snapshot: the mounts that the process sees, by their ids,
    /// and the files of their filesystems. Times and the contents of procfs are ignored.
    ///
    /// ```
    /// use mountwright_core::{FileMode, Filesystem, Location};
    /// use mountwright_fake::FakeBackend;
    ///
    /// let host = FakeBackend::new();
    /// let before = host.snapshot();
    /// host.create_dir(&Location::trusted("/d"), FileMode::from_bits(0o700))?;
    /// assert_eq!(before.difference(&host).to_string(), "+ 0:2:/d directory 0700 0:0\n");
    /// # Ok::<(), mountwright_core::OsError>(())
    /// ```
    pub fn difference(&self, after: &Self) -> Difference {
        let (old, new) = (self.machine(|machine| machine.clone()), after.machine(|machine| machine.clone()));
        let mut difference = Difference::default();
        difference.add(&mounts(&old, self.process()), &mounts(&new, after.process()));
        difference.add(&files(&old, self.process()), &files(&new, after.process()));
        difference
    }
}

fn table(machine: &Machine, process: Pid) -> Vec<MountInfo> {
    let text = machine.mountinfo(process).unwrap_or_default();
    MountTable::parse(text).iter().map(|row| row.to_info()).collect()
}

fn mounts(machine: &Machine, process: Pid) -> BTreeMap<u32, String> {
    table(machine, process).into_iter().map(|mount| (mount.id.0, format!("mount {mount}"))).collect()
}

/// By filesystem and path.
pub(crate) fn files(machine: &Machine, process: Pid) -> BTreeMap<(String, Vec<u8>), String> {
    let devices: Vec<_> = table(machine, process).iter().map(|mount| mount.device).collect();
    let mut found = BTreeMap::new();
    for (_, superblock) in machine.superblocks.iter() {
        let device = mountwright_core::DeviceNumber::new(superblock.device.major, superblock.device.minor);
        if !devices.contains(&device) {
            continue;
        }
        let mut left: Vec<DentryKey> = vec![superblock.root];
        while let Some(dentry) = left.pop() {
            let inode = &machine.inodes[machine.dentries[dentry].inode];
            if matches!(inode.content, Content::Proc(_)) {
                continue;
            }
            left.extend(inode.names().into_iter().flat_map(|names| names.iter().map(|(_, &below)| below)));
            let path = machine.path_in_filesystem(dentry);
            let text = format!(
                "{device}:{} {} {:04o} {}:{}",
                String::from_utf8_lossy(&path),
                content(&inode.content),
                inode.mode,
                inode.uid,
                inode.gid
            );
            found.insert((device.to_string(), path), text);
        }
    }
    found
}

/// The longest text that is printed in a line.
const MOST_SHOWN: usize = 60;

fn content(content: &Content) -> String {
    let device = |kind: &str, number: &crate::model::objects::device_number::Device| {
        format!("{kind} device {}:{}", number.major, number.minor)
    };
    match content {
        Content::Directory(_) | Content::Proc(_) => "directory".to_owned(),
        Content::File(bytes) if bytes.is_empty() => "empty file".to_owned(),
        Content::File(bytes) => {
            let shown = &bytes[..bytes.len().min(MOST_SHOWN)];
            let cut = if bytes.len() > MOST_SHOWN { "…" } else { "" };
            format!("file of {} bytes {:?}{cut}", bytes.len(), String::from_utf8_lossy(shown))
        }
        Content::Symlink(target) => format!("symlink to {}", String::from_utf8_lossy(target)),
        Content::Block(number) => device("block", number),
        Content::Character(number) => device("character", number),
        Content::Fifo => "fifo".to_owned(),
        Content::Socket => "socket".to_owned(),
        Content::Opaque | Content::UserNamespace(_) => "file of the kernel".to_owned(),
    }
}
