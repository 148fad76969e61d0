//! The contents of a sandbox before a history begins.

use mountwright_tests::scenario::{Step, operations};
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

const ALWAYS: u16 = 0;
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
        let mut made: Vec<&str> = DIRECTORIES.to_vec();
        for (bit, path) in OPTIONAL_DIRECTORIES.into_iter().enumerate() {
            let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
            if has(bit) && made.contains(&parent) {
                made.push(path);
            }
        }
        let mut lines = vec![format!("mkdir {}", made.join(" "))];
        let files = OPTIONAL_FILES.into_iter().enumerate().filter(|(bit, _)| has(OPTIONAL_DIRECTORIES.len() + bit));
        lines.extend(files.map(|(_, path)| format!("create {path}")));
        let others = [
            (HAS_LINK, format!("symlink {} /s", LINKS[self.link])),
            (HAS_DEEPER_LINK, format!("symlink {} /a/s", DEEPER_LINKS[self.deeper_link])),
            (ALWAYS, "symlink l /l".to_owned()),
            (HAS_DEVICE, "char /a/n".to_owned()),
            (HAS_FIFO, "fifo /p".to_owned()),
        ];
        lines.extend(others.into_iter().filter(|(bit, _)| self.optional & bit == *bit).map(|(_, line)| line));
        operations(&lines.join(";")).into_iter().map(Step::new).collect()
    }
}
