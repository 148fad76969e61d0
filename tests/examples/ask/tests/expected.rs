//! The table of expected results.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

use libtest_mimic::Failed;
use mountwright_tests::show::printable;
use serde_json::{Value, json};

use super::Case;
use super::asking::{Asked, ask, ask_json, must_hold};
use super::have::Thing;
use super::scene::{BYTES, Scene};

/// One line of the table.
struct Line {
    question: Vec<OsString>,
    needs: Option<Thing>,
    expected: Expected,
}

enum Expected {
    /// Exit status 0, these fields, and this as the first line of the text
    Answer { text: &'static str, fields: Value },
    /// Exit status 1 and these fields of the error
    Error(Value),
    /// Exit status 2 and one object that reports the misuse
    Misuse,
}

fn line(question: &[&[u8]], expected: Expected) -> Line {
    let question = question.iter().map(|word| OsStr::from_bytes(word).to_owned()).collect();
    Line { question, needs: None, expected }
}

/// In `text` and in strings of `fields`, `<root>` stands for the device number of that place of the scene.
fn answer(question: &[&[u8]], text: &'static str, fields: Value) -> Line {
    line(question, Expected::Answer { text, fields })
}

fn error(question: &[&[u8]], errno: &str) -> Line {
    line(question, Expected::Error(json!({ "kind": "Os", "errno": errno })))
}

impl Line {
    fn needing(self, thing: Thing) -> Self {
        Self { needs: Some(thing), ..self }
    }
}

/// Every line as a case.
pub(crate) fn cases() -> Vec<Case> {
    let lines = [devices(), backings(), on_disk(), mounts(), paths_that_lead_nowhere(), rules(), misuses()];
    lines.into_iter().flatten().map(case).collect()
}

fn case(line: Line) -> Case {
    let words: Vec<String> = line.question.iter().map(|word| format!("'{}'", printable(word))).collect();
    let Line { question, needs, expected } = line;
    let run = move |scene: &Scene| check(scene, &question, &expected);
    Case { name: format!("ask {}", words.join(" ")), needs, run: Box::new(run) }
}

fn check(scene: &Scene, question: &[OsString], expected: &Expected) -> Result<(), Failed> {
    let (object, in_json) = ask_json(question)?;
    let in_words = ask(question);
    let status = match expected {
        Expected::Answer { text, fields } => {
            must_hold(&filled(scene, fields), &object)?;
            let (first, text) = (in_words.out.lines().next().unwrap_or_default(), filled_text(scene, text));
            if first != text {
                return Err(format!("expected {text:?}, found {in_words:?}").into());
            }
            0
        }
        Expected::Error(fields) => {
            must_hold(&json!({ "error": fields }), &object)?;
            1
        }
        Expected::Misuse => {
            must_hold(&json!({ "error": { "kind": "Misuse" } }), &object)?;
            2
        }
    };
    for asked in [&in_json, &in_words] {
        must_end(asked, status)?;
    }
    if status != 0 && !in_words.out.is_empty() {
        return Err(format!("an error is no answer: {in_words:?}").into());
    }
    Ok(())
}

fn must_end(asked: &Asked, status: u8) -> Result<(), Failed> {
    let complains = !asked.err.is_empty();
    let one_line = asked.err.lines().count() == 1 && asked.err.starts_with("ask: ");
    if asked.status == status && complains == (status != 0) && (one_line || status != 1) {
        return Ok(());
    }
    Err(format!("expected exit status {status}, and one line of error for 1: {asked:?}").into())
}

fn filled(scene: &Scene, value: &Value) -> Value {
    match value {
        Value::String(text) => json!(filled_text(scene, text)),
        Value::Object(fields) => fields.iter().map(|(name, value)| (name.clone(), filled(scene, value))).collect(),
        other => other.clone(),
    }
}

fn filled_text(scene: &Scene, text: &str) -> String {
    ["root", "other", "top", "dev"]
        .iter()
        .fold(text.to_owned(), |text, place| text.replace(&format!("<{place}>"), scene.device(place)))
}

fn devices() -> Vec<Line> {
    let filesystem = |mount_point: &str| json!({ "kind": "Filesystem", "mount_point": mount_point });
    let not_found = || Expected::Error(json!({ "kind": "MountPointNotFound", "errno": null }));
    vec![
        answer(
            &[b"device", b"/"],
            "Filesystem{<root>, /}",
            json!({ "kind": "Filesystem", "device": "<root>", "mount_point": "/" }),
        ),
        answer(
            &[b"device", b"/link"],
            "Filesystem{<other>, /mnt/other}",
            json!({ "device": "<other>", "mount_point": "/mnt/other" }),
        ),
        line(&[b"device", b"/etc/hostname"], not_found()),
        // The walk by device numbers sees no bind of the same filesystem: that is what `backing` is for.
        line(&[b"device", b"/mnt/file"], not_found()),
        answer(&[b"device", b"/mnt/stack"], "Filesystem{<top>, /mnt/stack}", json!({ "device": "<top>" })),
        answer(&[b"device", b"/dev/null"], "CharNode{1:3}", json!({ "kind": "CharNode", "major": 1, "minor": 3 })),
        answer(
            &[b"device", b"/dev/loop0"],
            "BlockNode{7:0}",
            json!({ "kind": "BlockNode", "device": "7:0", "mount_point": null }),
        )
        .needing(Thing::LoopNode),
        answer(&[b"device", b"/dev/log"], "Filesystem{<dev>, /dev}", filesystem("/dev")),
    ]
}

/// The rows that are the same on every root filesystem.
fn backings() -> Vec<Line> {
    let anonymous = |question: &[&[u8]], text, fs_type| {
        answer(question, text, json!({ "kind": "Anonymous", "fs_type": fs_type, "device": null }))
    };
    let tmpfs = |path: &[u8]| anonymous(&[b"backing", path], "Anonymous{tmpfs}", "tmpfs");
    vec![
        anonymous(&[b"backing", b"/proc"], "Anonymous{proc}", "proc"),
        tmpfs(b"/link"),
        tmpfs(b"/mnt/stack"),
        tmpfs(b"/mnt/a b"),
        tmpfs(BYTES),
        tmpfs(b"/mnt/no-source"),
        tmpfs(b"/dev/log"),
        tmpfs(b"/dev/regular"),
        anonymous(&[b"backing", b"/mnt/overlay"], "Anonymous{overlay}", "overlay").needing(Thing::Overlay),
        anonymous(&[b"backing", b"/mnt/overlay/file"], "Anonymous{overlay}", "overlay").needing(Thing::Overlay),
        anonymous(&[b"backing", b"/mnt/subvolume"], "Anonymous{btrfs}", "btrfs").needing(Thing::Btrfs),
        anonymous(&[b"backing", b"/mnt/btrfs/sub"], "Anonymous{btrfs}", "btrfs").needing(Thing::Btrfs),
        anonymous(&[b"backing", b"/mnt/btrfs/sub/file"], "Anonymous{btrfs}", "btrfs").needing(Thing::Btrfs),
        answer(
            &[b"backing", b"/dev/null"],
            "CharNode{1:3}",
            json!({ "kind": "CharNode", "device": "1:3", "mount": null }),
        ),
        answer(
            &[b"backing", b"/dev/loop0"],
            "BlockNode{7:0}",
            json!({ "kind": "BlockNode", "device": "7:0", "mount": null }),
        )
        .needing(Thing::LoopNode),
    ]
}

/// The rows that name a device, on a root filesystem that has one.
fn on_disk() -> Vec<Line> {
    let subtree = |path: &[u8], text, subpath: &str| {
        let fields = json!({ "kind": "Subtree", "device": "<root>", "subpath": subpath, "deleted": false });
        answer(&[b"backing", path], text, fields)
    };
    let whole =
        json!({ "kind": "WholeFilesystem", "device": "<root>", "mount": { "mount_point": "/", "fs_type": "ext4" } });
    let lines = vec![
        answer(&[b"backing", b"/"], "WholeFilesystem{<root>, /}", whole),
        subtree(b"/etc/hostname", "Subtree{<root>, /etc/hostname}", "/etc/hostname"),
        subtree(b"/etc", "Subtree{<root>, /etc}", "/etc"),
        subtree(b"/mnt/file", "Subtree{<root>, /srv/file}", "/srv/file"),
        subtree(b"/mnt/dir", "Subtree{<root>, /srv/dir}", "/srv/dir"),
    ];
    lines.into_iter().map(|line| line.needing(Thing::Disk)).collect()
}

fn mounts() -> Vec<Line> {
    let mount = |path: &[u8], first, is_root: bool, mount: Value| {
        answer(&[b"mount", path], first, json!({ "is_root": is_root, "mount": mount }))
    };
    let point = |at: &str, source: &str| json!({ "mount_point": at, "source": source, "fs_type": "tmpfs" });
    vec![
        mount(
            b"/",
            "mount point  /, the path is its root",
            true,
            json!({ "mount_point": "/", "root": "/", "device": "<root>" }),
        ),
        mount(b"/proc", "mount point  /proc, the path is its root", true, json!({ "fs_type": "proc" })),
        mount(b"/link", "mount point  /mnt/other, the path is its root", true, point("/mnt/other", "other")),
        mount(b"/etc/hostname", "mount point  /, the path is within it", false, json!({ "mount_point": "/" })),
        mount(
            b"/mnt/file",
            "mount point  /mnt/file, the path is its root",
            true,
            json!({ "root": "/srv/file", "mount_point": "/mnt/file", "device": "<root>" }),
        ),
        mount(b"/mnt/stack", "mount point  /mnt/stack, the path is its root", true, point("/mnt/stack", "top")),
        mount(b"/mnt/a b", "mount point  /mnt/a b, the path is its root", true, point("/mnt/a b", "spaces")),
        mount(
            BYTES,
            "mount point  /mnt/\\xff\\xfe, the path is its root",
            true,
            json!({ "mount_point_bytes": BYTES, "source": "bytes" }),
        ),
        mount(
            b"/mnt/no-source",
            "mount point  /mnt/no-source, the path is its root",
            true,
            point("/mnt/no-source", ""),
        ),
        mount(b"/dev/log", "mount point  /dev, the path is within it", false, point("/dev", "dev")),
        mount(
            b"/mnt/overlay/file",
            "mount point  /mnt/overlay, the path is within it",
            false,
            json!({ "fs_type": "overlay" }),
        )
        .needing(Thing::Overlay),
        mount(b"/mnt/subvolume", "mount point  /mnt/subvolume, the path is its root", true, json!({ "root": "/sub" }))
            .needing(Thing::Btrfs),
        // Its device number differs from that of its parent, and yet no mount begins there.
        mount(b"/mnt/btrfs/sub", "mount point  /mnt/btrfs, the path is within it", false, json!({ "root": "/" }))
            .needing(Thing::Btrfs),
    ]
}

fn paths_that_lead_nowhere() -> Vec<Line> {
    let unspecified = || Expected::Error(json!({ "kind": "Unspecified", "errno": null }));
    vec![
        error(&[b"device", b"/srv/gone"], "ENOENT"),
        error(&[b"backing", b"/srv/gone"], "ENOENT"),
        error(&[b"mount", b"/srv/gone"], "ENOENT"),
        error(&[b"count", b"/srv/gone"], "ENOENT"),
        error(&[b"device", b"/no/such"], "ENOENT"),
        error(&[b"backing", b"/no/such"], "ENOENT"),
        error(&[b"mount", b"/no/such"], "ENOENT"),
        error(&[b"mount", b"/etc/hostname/x"], "ENOTDIR"),
        line(&[b"device", b""], unspecified()),
        line(&[b"backing", b""], unspecified()),
        line(&[b"count", b""], unspecified()),
        error(&[b"mount", b""], "ENOENT"),
        error(&[b"backing", b"/mnt/\xff\xff"], "ENOENT"),
    ]
}

fn rules() -> Vec<Line> {
    const VOLUMES: &str = "/kubelet/pods/1/volumes";
    let volume = |rest: &str| format!("{VOLUMES}/{rest}").into_bytes();
    let (memory, disk) = (volume("kubernetes.io~empty-dir/memory"), volume("kubernetes.io~empty-dir/disk"));
    let (config, none) = (volume("kubernetes.io~configmap/config"), volume("kubernetes.io~empty-dir/none"));
    vec![
        answer(
            &[b"volume", &memory],
            "Kubernetes emptyDir, memory: the directory is the root of a tmpfs",
            json!({ "volume": true, "kubernetes": "emptyDir", "medium": "memory", "docker": false }),
        ),
        answer(
            &[b"volume", &disk],
            "Kubernetes emptyDir, disk: the directory is the root of neither a tmpfs nor a hugetlbfs",
            json!({ "kubernetes": "emptyDir", "medium": "disk" }),
        ),
        error(&[b"volume", &none], "ENOENT"),
        answer(
            &[b"volume", b"/var/lib/docker/volumes/x/_data"],
            "docker: it is /var/lib/docker/volumes/<name>/_data",
            json!({ "volume": true, "docker": true, "kubernetes": null, "medium": null }),
        ),
        answer(
            &[b"volume", b""],
            "none: its path names no volume plugin of Kubernetes, nor a volume of docker",
            json!({ "volume": false }),
        ),
        answer(
            &[b"watchable", &config],
            "yes: keys 3, entries 7, bytes 12, in the kubelet's layout",
            json!({ "watchable": true, "keys": 3, "entries": 7, "bytes": 12, "layout": "atomic-writer" }),
        ),
        answer(
            &[b"watchable", &memory],
            "no: volumes of kind emptyDir are not watched",
            json!({ "watchable": false, "keys": null }),
        ),
        answer(&[b"count", b"--limit", b"8", &config], "7", json!({ "count": 7, "over": false, "limit": 8 })),
        answer(&[b"count", b"--limit", b"6", &config], "more than 6", json!({ "count": null, "over": true })),
        answer(&[b"count", b"/etc/hostname"], "1", json!({ "count": 1 })),
        answer(&[b"system", b"/proc/../etc"], "no: not below /proc and not below /sys", json!({ "system": false })),
        answer(&[b"system", b"//proc/1"], "yes: /proc or /sys, or below", json!({ "system": true })),
        answer(&[b"system", b""], "no: not below /proc and not below /sys", json!({ "system": false })),
        line(&[b"system", b"/\xff"], Expected::Error(json!({ "kind": "NotUtf8", "path_bytes": [47, 255] }))),
        answer(&[b"host-device", b"/dev/null"], "yes: below /dev, and no regular file", json!({ "host_device": true })),
        answer(&[b"host-device", b"/dev/log"], "yes: below /dev, and no regular file", json!({ "host_device": true })),
        answer(
            &[b"host-device", b"/dev/regular"],
            "no: not below /dev, or a regular file, or not there",
            json!({ "host_device": false }),
        ),
        answer(
            &[b"host-device", b"/dev/../etc"],
            "no: not below /dev, or a regular file, or not there",
            json!({ "host_device": false }),
        ),
    ]
}

fn misuses() -> Vec<Line> {
    let misuse = |question: &[&[u8]]| line(question, Expected::Misuse);
    vec![
        misuse(&[]),
        misuse(&[b"device"]),
        misuse(&[b"nonsense"]),
        misuse(&[b"device", b"/", b"/"]),
        misuse(&[b"device", b"--repeat", b"0", b"/"]),
        misuse(&[b"count", b"--limit", b"many", b"/"]),
        misuse(&[b"count", b"--limit", b"-1", b"/"]),
        misuse(&[b"bind", b"--propagation", b"shard", b"/a", b"/b"]),
        misuse(&[b"share", b"--mounts", b"/act", b"--id", b"a/b", b"/srv/dir"]),
        misuse(&[b"share", b"--mounts", b"/act", b"--id", b".", b"/srv/dir"]),
        misuse(&[b"unshare", b"--mounts", b"/act"]),
    ]
}
