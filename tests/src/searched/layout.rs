//! The initial state of every run, on the model and on the kernel.
//!
//! | Path | What |
//! |---|---|
//! | `/src` | a tmpfs, what is bound: `tree` with files and with a mount in it, `file` |
//! | `/shared` | a tmpfs, the root below which a guest may do as it likes: `box` (ours), `other` (a bystander's), links |
//! | `/outside` | what no guest may reach: `empty`, `busy`, `bare`, each with the names of `box`: plain, mounted on, missing |
//! | `/run`, `/proc` | as everywhere |

use mountwright_linux::abi::MS_PRIVATE;

use crate::machine::{Calls, Furniture};

/// Something to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// A directory.
    Directory(String),
    /// A file.
    File {
        /// The path.
        path: String,
        /// The bytes in it.
        contents: &'static str,
    },
    /// A symlink.
    Link {
        /// The target.
        target: String,
        /// The path of the link.
        path: String,
    },
    /// A tmpfs, private.
    Tmpfs {
        /// The source argument of the mount.
        name: &'static str,
        /// The mount point.
        path: String,
    },
    /// A bind, private.
    Bind {
        /// The source.
        source: &'static str,
        /// The mount point.
        path: String,
    },
    /// The mount at `/shared` gets its propagation.
    Root,
}

impl Piece {
    /// Makes it; `root` is the propagation of `/shared` (`MS_…`).
    pub fn place(&self, furniture: &Furniture<'_, impl Calls>, root: u32) {
        match self {
            Self::Directory(path) => furniture.dir(path),
            Self::File { path, contents } => furniture.file(path, contents),
            Self::Link { target, path } => furniture.link(target, path),
            Self::Tmpfs { name, path } => furniture.tmpfs(name, path),
            Self::Bind { source, path } => {
                furniture.bind(source, path);
                furniture.propagate(path, MS_PRIVATE);
            }
            Self::Root => furniture.propagate("/shared", root),
        }
    }
}

/// The names that the operations work on, in `box` and in what links lead to.
pub const DIRECTORIES: [&str; 4] = ["plain", "rootfs", "taken", "full"];
/// Those that are files.
pub const FILES: [&str; 3] = ["file", "taken-file", "text"];

fn directory(path: &str) -> Piece {
    Piece::Directory(path.to_owned())
}

fn file(path: &str, contents: &'static str) -> Piece {
    Piece::File { path: path.to_owned(), contents }
}

fn link(target: &str, path: &str) -> Piece {
    Piece::Link { target: target.to_owned(), path: path.to_owned() }
}

fn tmpfs(name: &'static str, path: &str) -> Piece {
    Piece::Tmpfs { name, path: path.to_owned() }
}

fn bind(source: &'static str, path: &str) -> Piece {
    Piece::Bind { source, path: path.to_owned() }
}

/// A directory in `/shared`.
pub(super) fn in_shared(path: &str) -> Piece {
    directory(&format!("/shared/{path}"))
}

/// A bind on a name in `/shared` that is there.
pub(super) fn stacked(source: &'static str, path: &str) -> Vec<Piece> {
    vec![bind(source, &format!("/shared/{path}"))]
}

/// The same on a name that is made.
pub(super) fn mounted(source: &'static str, path: &str) -> Vec<Piece> {
    let target = format!("/shared/{path}");
    let name = if source == "/src/file" { file(&target, "") } else { directory(&target) };
    vec![name, bind(source, &target)]
}

/// The whole.
pub fn layout() -> Vec<Piece> {
    let mut all: Vec<_> = ["/src", "/shared", "/outside"].map(directory).into();
    all.extend(source());
    all.extend(outside());
    all.extend(shared());
    all
}

fn source() -> Vec<Piece> {
    vec![
        tmpfs("source", "/src"),
        directory("/src/tree"),
        directory("/src/tree/sub"),
        directory("/src/tree/inner"),
        file("/src/tree/data", "precious"),
        file("/src/tree/sub/deep", "precious too"),
        file("/src/file", "one file"),
        tmpfs("inner", "/src/tree/inner"),
        file("/src/tree/inner/leaf", "leaf"),
    ]
}

fn outside() -> Vec<Piece> {
    let mut all: Vec<_> = ["empty", "busy", "bare"].map(|kind| directory(&format!("/outside/{kind}"))).into();
    for kind in ["empty", "busy"] {
        all.extend(DIRECTORIES.map(|name| directory(&format!("/outside/{kind}/{name}"))));
        // Empty, so that only a careful backend keeps it; `text` is not.
        let contents = |name| if name == "text" { "outside" } else { "" };
        all.extend(FILES.map(|name| file(&format!("/outside/{kind}/{name}"), contents(name))));
    }
    for name in DIRECTORIES {
        all.push(tmpfs("victim", &format!("/outside/busy/{name}")));
        all.push(file(&format!("/outside/busy/{name}/keep"), "keep"));
    }
    all.extend(FILES.map(|name| bind("/src/file", &format!("/outside/busy/{name}"))));
    all
}

fn shared() -> Vec<Piece> {
    let mut all = vec![tmpfs("shared", "/shared"), Piece::Root];
    all.extend(
        ["box", "box/plain", "box/taken", "box/full", "other", "other/plain", "other/taken", "links"].map(in_shared),
    );
    all.extend([
        file("/shared/box/full/entry", ""),
        file("/shared/box/file", ""),
        file("/shared/box/taken-file", ""),
        file("/shared/box/text", "old"),
        link("plain", "/shared/box/link"),
        bind("/src/tree", "/shared/box/taken"),
        bind("/src/file", "/shared/box/taken-file"),
        in_shared("other/rootfs"),
        tmpfs("bystander", "/shared/other/rootfs"),
        file("/shared/other/rootfs/keep", "keep"),
    ]);
    for kind in ["empty", "busy", "bare"] {
        all.push(link(&format!("/outside/{kind}"), &format!("/shared/links/to-{kind}")));
        for name in DIRECTORIES.into_iter().chain(FILES) {
            all.push(link(&format!("/outside/{kind}/{name}"), &format!("/shared/links/to-{kind}-{name}")));
        }
    }
    all
}
