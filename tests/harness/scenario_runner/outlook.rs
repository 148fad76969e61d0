//! The names that a process in the present namespace of the model can see.

use std::collections::VecDeque;

use mountwright_fake::{At, abi};

use super::calls::{ProcessCalls, names_in};
use super::fake_world::FakeWorld;
use super::model_calls::ModelCalls;
use crate::scenario::{Answer, Operation, Place, Step, World};

/// A path that exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// From the root
    pub path: String,
    /// The kind of the file there
    pub kind: EntryKind,
}

/// The kind of a file at a path, a symlink not followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// A directory
    Directory,
    /// A symlink
    Symlink,
    /// Anything else
    File,
}

impl FakeWorld {
    /// The first paths below the root, breadth first, up to this number. The world does not change.
    pub fn outlook(&self, most: usize) -> Vec<Entry> {
        let mut machine = self.sandbox.clone();
        self.present_process()
            .map_or_else(Vec::new, |process| entries(&mut ModelCalls { machine: &mut machine, pid: process.pid }, most))
    }

    /// Returns true if the place is the root of the root mount, which histories do not move. The world does not change.
    pub fn is_root(&self, place: &Place) -> bool {
        let mut world = self.clone();
        let step = Step::new(Operation::Stat { path: place.clone(), nofollow: false });
        let Ok(Ok(Answer::Stat(stat))) = world.perform(&step) else {
            return false;
        };
        let root = Step::new(Operation::Stat { path: "/".into(), nofollow: false });
        matches!(world.perform(&root), Ok(Ok(Answer::Stat(root))) if root.mount == stat.mount && root.inode == stat.inode)
    }
}

fn entries(calls: &mut ModelCalls<'_>, most: usize) -> Vec<Entry> {
    let mut found = Vec::new();
    let mut waiting = VecDeque::from([String::new()]);
    while let Some(directory) = waiting.pop_front() {
        let path = if directory.is_empty() { "/" } else { directory.as_str() };
        let flags = abi::O_RDONLY | abi::O_DIRECTORY | abi::O_NOFOLLOW;
        let Ok(fd) = calls.openat((At::Cwd, path.as_bytes()), flags, 0) else { continue };
        for name in names_in(calls, fd).unwrap_or_default() {
            let Ok(statted) = calls.statx((At::Fd(fd), name.as_bytes()), abi::AT_SYMLINK_NOFOLLOW) else { continue };
            let kind = match statted.kind() {
                "dir" => EntryKind::Directory,
                "symlink" => EntryKind::Symlink,
                _ => EntryKind::File,
            };
            let path = format!("{directory}/{name}");
            if kind == EntryKind::Directory {
                waiting.push_back(path.clone());
            }
            found.push(Entry { path, kind });
            if found.len() == most {
                return found;
            }
        }
        // The clone is dropped; closing keeps its table of descriptors small.
        let _ = calls.close(fd);
    }
    found
}
