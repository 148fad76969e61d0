//! The initial state of every run, on the model and on the kernel, as lines for [`furnish`](crate::machine::furnish).
//!
//! | Path | What |
//! |---|---|
//! | `/src` | a tmpfs, what is bound: `tree` with files and with a mount in it, `file` |
//! | `/shared` | a tmpfs, the root below which a guest may do as it likes: `box` (ours), `other` (a bystander's), links |
//! | `/outside` | what no guest may reach: `empty`, `busy`, `bare`, each with the names of `box`: plain, mounted on, missing |
//! | `/run`, `/proc` | as everywhere |

/// The names that the operations work on, in `box` and in what links lead to.
pub const DIRECTORIES: [&str; 4] = ["plain", "rootfs", "taken", "full"];
/// Those that are files.
pub const FILES: [&str; 3] = ["file", "taken-file", "text"];

/// A private bind on a name in `/shared` that is there.
pub(super) fn stacked(source: &str, path: &str) -> String {
    format!("bind {source} /shared/{path}\nprivate /shared/{path}\n")
}

/// The same on a name that is made.
pub(super) fn mounted(source: &str, path: &str) -> String {
    let kind = if source == "/src/file" { "file" } else { "dir" };
    format!("{kind} /shared/{path}\n{}", stacked(source, path))
}

/// The whole; `root` are the lines that give the mount at `/shared` its propagation.
pub fn layout(root: &str) -> String {
    [SOURCE, &outside(), "mount tmpfs shared /shared\nprivate /shared\n", root, SHARED, &links()].join("\n")
}

const SOURCE: &str = "
    dir /src /shared /outside
    mount tmpfs source /src
    private /src
    dir /src/tree /src/tree/sub /src/tree/inner
    file /src/tree/data precious
    file /src/tree/sub/deep precious too
    file /src/file one file
    mount tmpfs inner /src/tree/inner
    private /src/tree/inner
    file /src/tree/inner/leaf leaf";

const SHARED: &str = "
    dir /shared/box /shared/box/plain /shared/box/taken /shared/box/full
    dir /shared/other /shared/other/plain /shared/other/taken /shared/links
    file /shared/box/full/entry
    file /shared/box/file
    file /shared/box/taken-file
    file /shared/box/text old
    link plain /shared/box/link
    bind /src/tree /shared/box/taken
    bind /src/file /shared/box/taken-file
    private /shared/box/taken /shared/box/taken-file
    dir /shared/other/rootfs
    mount tmpfs bystander /shared/other/rootfs
    private /shared/other/rootfs
    file /shared/other/rootfs/keep keep";

/// Names with nothing in them, names that are mounted on, and none.
fn outside() -> String {
    let mut lines = vec!["dir /outside/empty /outside/busy /outside/bare".to_owned()];
    for kind in ["empty", "busy"] {
        lines.extend(DIRECTORIES.map(|name| format!("dir /outside/{kind}/{name}")));
        // Empty, so that only a careful backend keeps it; `text` is not.
        let contents = |name| if name == "text" { "outside" } else { "" };
        lines.extend(FILES.map(|name| format!("file /outside/{kind}/{name} {}", contents(name))));
    }
    for path in DIRECTORIES.map(|name| format!("/outside/busy/{name}")) {
        lines.push(format!("mount tmpfs victim {path}\nprivate {path}\nfile {path}/keep keep"));
    }
    for path in FILES.map(|name| format!("/outside/busy/{name}")) {
        lines.push(format!("bind /src/file {path}\nprivate {path}"));
    }
    lines.join("\n")
}

fn links() -> String {
    let mut lines = Vec::new();
    for kind in ["empty", "busy", "bare"] {
        lines.push(format!("link /outside/{kind} /shared/links/to-{kind}"));
        let names = DIRECTORIES.into_iter().chain(FILES);
        lines.extend(names.map(|name| format!("link /outside/{kind}/{name} /shared/links/to-{kind}-{name}")));
    }
    lines.join("\n") + "\n"
}
