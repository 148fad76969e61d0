//! The result of getdents64(2).

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use super::RawEntry;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Record {
    inode: u64,
    kind: u8,
    /// The end of its name in `names`; the name starts at the end of the one before.
    end: usize,
}

/// The records of one getdents64(2), in their order, with their names in one piece.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RawEntries {
    records: Vec<Record>,
    names: Vec<u8>,
}

impl RawEntries {
    /// Adds one at the end.
    pub fn push(&mut self, inode: u64, kind: u8, name: &[u8]) {
        self.names.extend_from_slice(name);
        self.records.push(Record { inode, kind, end: self.names.len() });
    }

    /// True where there is none: the end of the directory.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// The record at this place in the order.
    pub fn get(&self, index: usize) -> Option<RawEntry<'_>> {
        let record = self.records.get(index)?;
        let start = index.checked_sub(1).map_or(0, |before| self.records[before].end);
        let name = OsStr::from_bytes(&self.names[start..record.end]);
        Some(RawEntry { inode: record.inode, kind: record.kind, name })
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = RawEntry<'_>> {
        (0..self.records.len()).filter_map(|index| self.get(index))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_come_back_as_they_were_put_in() {
        let mut entries = RawEntries::default();
        assert!(entries.is_empty() && entries.get(0).is_none());
        for (inode, kind, name) in [(1, 4, "."), (9, 8, "a file"), (7, 0, ""), (2, 10, "last")] {
            entries.push(inode, kind, name.as_bytes());
        }
        let seen: Vec<_> =
            entries.iter().map(|entry| (entry.inode, entry.kind, entry.name.to_str().unwrap())).collect();
        assert_eq!(seen, [(1, 4, "."), (9, 8, "a file"), (7, 0, ""), (2, 10, "last")]);
        assert!(!entries.is_empty() && entries.get(4).is_none());
    }
}
