//! The result of getdents64(2).

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use super::RawEntry;

/// The byte at which each field of `struct linux_dirent64` starts.
const INODE: usize = 0;
const LENGTH: usize = 16;
const KIND: usize = 18;
const NAME: usize = 19;

/// The records of one getdents64(2), as the kernel writes them (`struct linux_dirent64`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RawEntries {
    bytes: Vec<u8>,
}

impl RawEntries {
    /// The records in the kernel's buffer. The first one that is not whole ends them.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self { bytes }
    }

    /// Adds one at the end.
    ///
    /// # Panics
    ///
    /// The name is longer than 65,516 bytes, the most that a record holds.
    pub fn push(&mut self, inode: u64, kind: u8, name: &[u8]) {
        let start = self.bytes.len();
        let length = (NAME + name.len() + 1).next_multiple_of(8);
        let length_field = u16::try_from(length).expect("the name fits into a record").to_ne_bytes();
        self.bytes.extend_from_slice(&inode.to_ne_bytes());
        self.bytes.extend_from_slice(&[0; LENGTH - 8]);
        self.bytes.extend_from_slice(&length_field);
        self.bytes.push(kind);
        self.bytes.extend_from_slice(name);
        self.bytes.resize(start + length, 0);
    }

    /// True where there is none: the end of the directory.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The record that starts at this byte, and the byte after it; the first one starts at 0.
    pub fn at(&self, start: usize) -> Option<(RawEntry<'_>, usize)> {
        let rest = self.bytes.get(start..)?;
        let length = usize::from(u16::from_ne_bytes(field(rest, LENGTH)?));
        let record = rest.get(..length)?;
        // The padding ends at a multiple of eight bytes: the name's NUL is among the last eight.
        let last = length.saturating_sub(8).max(NAME);
        let end = last + record.get(last..)?.iter().position(|&byte| byte == 0)?;
        let entry = RawEntry {
            inode: u64::from_ne_bytes(field(record, INODE)?),
            kind: record[KIND],
            name: OsStr::from_bytes(&record[NAME..end]),
        };
        Some((entry, start + length))
    }

    /// The name of this length in the record that starts at this byte.
    pub(crate) fn name(&self, start: usize, length: usize) -> Option<&OsStr> {
        let name = start + NAME;
        self.bytes.get(name..name + length).map(OsStr::from_bytes)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = RawEntry<'_>> {
        let mut next = 0;
        std::iter::from_fn(move || {
            let (entry, end) = self.at(next)?;
            next = end;
            Some(entry)
        })
    }
}

fn field<const SIZE: usize>(record: &[u8], start: usize) -> Option<[u8; SIZE]> {
    record.get(start..start + SIZE)?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_come_back_as_they_were_put_in() {
        let mut entries = RawEntries::default();
        assert!(entries.is_empty() && entries.at(0).is_none());
        for (inode, kind, name) in [(1, 4, "."), (9, 8, "a file"), (7, 0, ""), (2, 10, "last")] {
            entries.push(inode, kind, name.as_bytes());
        }
        let seen: Vec<_> =
            entries.iter().map(|entry| (entry.inode, entry.kind, entry.name.to_str().unwrap())).collect();
        assert_eq!(seen, [(1, 4, "."), (9, 8, "a file"), (7, 0, ""), (2, 10, "last")]);
        assert!(!entries.is_empty());
    }

    #[test]
    fn what_is_no_whole_record_ends_them() {
        let mut whole = RawEntries::default();
        whole.push(1, 8, b"first");
        whole.push(2, 8, b"second");
        for cut in 0..whole.bytes.len() {
            let read = RawEntries::new(whole.bytes[..cut].to_vec());
            assert!(read.iter().count() < 2, "{cut} bytes");
        }
        for length in [0_u16, 1, 19, u16::MAX] {
            let mut bytes = whole.bytes.clone();
            bytes[LENGTH..LENGTH + 2].copy_from_slice(&length.to_ne_bytes());
            assert_eq!(RawEntries::new(bytes).iter().count(), 0, "a length of {length}");
        }
    }
}
