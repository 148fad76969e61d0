//! Hosts for property tests with proptest (feature `proptest`).
//!
//! Paths have the alphabet of [`mountwright_core::strategies`], so that its histories meet the files of a host:
//!
//! ```
//! use mountwright_core::strategies::history;
//! use mountwright_fake::strategies::host;
//! use proptest::prelude::*;
//!
//! proptest!(|(host in host(), steps in history(8))| {
//!     for step in steps {
//!         let before = host.snapshot();
//!         if let Err(error) = step.perform(&host) {
//!             let change = before.difference(&host);
//!             prop_assert!(!error.left().is_empty() || change.is_empty(), "{error}, and yet\n{change}");
//!         }
//!     }
//! });
//! ```

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use mountwright_core::strategies::path;
use proptest::prelude::*;

use crate::fake_backend::FakeBackend;
use crate::host::host_builder::HostBuilder;

/// One line of a host's description, without its numbers.
#[derive(Clone, Debug)]
enum Line {
    Mount { at: PathBuf, words: Words },
    Bind { source: PathBuf, at: PathBuf, words: Words },
    Directory(PathBuf),
    File(PathBuf),
    Symlink { at: PathBuf, target: PathBuf },
}

#[derive(Clone, Copy, Debug)]
struct Words {
    attributes: &'static str,
    shared: bool,
    unbindable: bool,
}

fn words() -> impl Strategy<Value = Words> {
    let attributes = prop::sample::select(&["rw", "ro", "rw,nosuid,noexec", "ro,noatime"][..]);
    (attributes, any::<bool>(), prop::bool::weighted(0.1)).prop_map(|(attributes, shared, unbindable)| Words {
        attributes,
        shared: shared && !unbindable,
        unbindable,
    })
}

fn line() -> impl Strategy<Value = Line> {
    prop_oneof![
        2 => (path(), words()).prop_map(|(at, words)| Line::Mount { at, words }),
        1 => (path(), path(), words()).prop_map(|(source, at, words)| Line::Bind { source, at, words }),
        2 => path().prop_map(Line::Directory),
        1 => path().prop_map(Line::File),
        1 => (path(), path()).prop_map(|(at, target)| Line::Symlink { at, target }),
    ]
}

fn describe(root: Words, lines: &[Line]) -> String {
    let mut text = String::new();
    write_mount(&mut text, "mount / ext4 /dev/vda1 dev=254:1", root, 1);
    for (line, group) in lines.iter().zip(2..) {
        let root = Path::new("/");
        match line {
            // A mount at the root would cover all others, and no file can be planted there.
            Line::Mount { at, words } if at != root => {
                write_mount(&mut text, &format!("mount {} tmpfs fs{group}", at.display()), *words, group);
            }
            Line::Bind { source, at, words } if at != root => {
                write_mount(&mut text, &format!("bind {} {}", source.display(), at.display()), *words, group);
            }
            Line::Directory(at) => {
                let _ = writeln!(text, "dir {}", at.display());
            }
            Line::File(at) if at != root => {
                let _ = writeln!(text, "file {} text", at.display());
            }
            Line::Symlink { at, target } if at != root => {
                let _ = writeln!(text, "link {} {}", at.display(), target.display());
            }
            _ => {}
        }
    }
    text
}

fn write_mount(text: &mut String, line: &str, words: Words, group: u32) {
    let _ = write!(text, "{line} {}", words.attributes);
    if words.shared {
        let _ = write!(text, " shared:{group}");
    }
    let _ = writeln!(text, "{}", if words.unbindable { " unbindable" } else { "" });
}

/// Hosts with an ext4 root and up to eight mounts, binds, directories, files and symlinks at paths of [`path`]'s
/// alphabet; shared, read-only, unbindable or not. Each value is a host of its own.
pub fn host() -> impl Strategy<Value = FakeBackend> {
    (words(), prop::collection::vec(line(), 0..=8))
        .prop_filter_map("lines that contradict each other", |(root, lines)| {
            HostBuilder::from_text(&describe(root, &lines)).ok()?.build().ok()
        })
}
