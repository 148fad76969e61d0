//! The contents of a sandbox before a history begins.

use mountwright_tests::scenario::{NodeKind, Operation, Step};
use proptest::prelude::*;

/// Which of the optional names there are.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    optional: u16,
    link: usize,
    deeper_link: usize,
}

/// Always there.
const DIRECTORIES: [&str; 3] = ["/a", "/b", "/c"];
/// Each there or not; parents come first.
const OPTIONAL_DIRECTORIES: [&str; 8] = ["/a/a", "/a/b", "/b/a", "/b/b", "/c/a", "/a/b/c", "/b/a/b", "/a/a/a"];
const OPTIONAL_FILES: [&str; 3] = ["/f", "/a/f", "/b/g"];
/// Targets of `/s`; the last leads nowhere.
const LINKS: [&str; 5] = ["/a", "/b", "/a/b", "/f", "/nx"];
/// Targets of `/a/s`.
const DEEPER_LINKS: [&str; 4] = ["b", "..", "../b", "f"];

const HAS_LINK: u16 = 1 << 11;
const HAS_DEEPER_LINK: u16 = 1 << 12;
const HAS_DEVICE: u16 = 1 << 13;
const HAS_FIFO: u16 = 1 << 14;

pub(crate) fn layout() -> impl Strategy<Value = Layout> {
    (any::<u16>(), 0..LINKS.len(), 0..DEEPER_LINKS.len()).prop_map(|(optional, link, deeper_link)| Layout {
        optional,
        link,
        deeper_link,
    })
}

impl Layout {
    pub(crate) fn without_device(self) -> Self {
        Self { optional: self.optional & !HAS_DEVICE, ..self }
    }

    /// The steps that make it; all succeed.
    pub(crate) fn steps(&self) -> Vec<Step> {
        let has = |bit: usize| self.optional & (1 << bit) != 0;
        let mut operations: Vec<Operation> = Vec::new();
        let mut made: Vec<&str> = DIRECTORIES.to_vec();
        for (bit, path) in OPTIONAL_DIRECTORIES.into_iter().enumerate() {
            let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
            if has(bit) && made.contains(&parent) {
                made.push(path);
            }
        }
        operations.extend(made.into_iter().map(|path| Operation::Mkdir { path: path.into() }));
        let files = OPTIONAL_FILES.into_iter().enumerate().filter(|(bit, _)| has(OPTIONAL_DIRECTORIES.len() + bit));
        operations.extend(files.map(|(_, path)| Operation::Create { path: path.into() }));
        let link = |target: &str, path: &str| Operation::Symlink { target: target.to_owned(), path: path.into() };
        if self.optional & HAS_LINK != 0 {
            operations.push(link(LINKS[self.link], "/s"));
        }
        if self.optional & HAS_DEEPER_LINK != 0 {
            operations.push(link(DEEPER_LINKS[self.deeper_link], "/a/s"));
        }
        operations.push(link("l", "/l"));
        if self.optional & HAS_DEVICE != 0 {
            operations.push(Operation::Mknod { path: "/a/n".into(), kind: NodeKind::Char });
        }
        if self.optional & HAS_FIFO != 0 {
            operations.push(Operation::Mknod { path: "/p".into(), kind: NodeKind::Fifo });
        }
        operations.into_iter().map(Step::new).collect()
    }
}
