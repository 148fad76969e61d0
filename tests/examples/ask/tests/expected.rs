//! The table of expected results.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

use libtest_mimic::Failed;
use mountwright_tests::show::printable;
use serde_json::{Value, json};

use super::Case;
use super::asking::{Asked, ask, ask_json, must_hold};
use super::have::Thing;
use super::scene::Scene;

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

/// Every line as a case.
pub(crate) fn cases() -> Vec<Case> {
    let lines = TABLE.iter().flat_map(|(needs, lines)| {
        lines.lines().filter(|line| !line.is_empty()).map(|line| Line { needs: *needs, ..Line::read(line) })
    });
    lines.map(case).collect()
}

impl Line {
    fn read(line: &'static str) -> Self {
        let mut columns = line.splitn(3, " | ");
        let (question, text, fields) = (columns.next(), columns.next(), columns.next().unwrap_or_default());
        let object = |fields: &str| serde_json::from_str(&format!("{{{fields}}}")).expect("fields of JSON");
        let expected = match text.expect("a result") {
            "misuse" => Expected::Misuse,
            "error" if fields.starts_with('E') => Expected::Error(json!({ "kind": "Os", "errno": fields })),
            "error" => Expected::Error(object(fields)),
            text => Expected::Answer { text, fields: object(fields) },
        };
        Self { question: words(question.expect("a question")), needs: None, expected }
    }
}

/// The words of a question.
fn words(question: &str) -> Vec<OsString> {
    let mut words = Vec::new();
    // Every second one is in quotes.
    for (number, text) in question.split('\'').enumerate() {
        if number % 2 == 1 {
            words.push(text.into());
        } else {
            words.extend(text.split(' ').filter(|word| !word.is_empty()).map(bytes));
        }
    }
    words
}

/// The word with each `\xff` as the byte that it is.
fn bytes(word: &str) -> OsString {
    let mut parts = word.split("\\x");
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        bytes.push(u8::from_str_radix(&part[..2], 16).expect("two digits"));
        bytes.extend(&part.as_bytes()[2..]);
    }
    OsString::from_vec(bytes)
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

/// The lines, by what they need: `question | first line of the text | fields` where there is a result, `question | error |
/// errno or fields` where there is none, `question | misuse`. In a question a word in quotes may be empty or have spaces, and
/// `\xff` is a byte. In the text and in strings of the fields `<root>` stands for the device number of that place of the scene.
const TABLE: [(Option<Thing>, &str); 5] = [
    (None, EVERYWHERE),
    (Some(Thing::LoopNode), LOOP_NODE),
    (Some(Thing::Disk), DISK),
    (Some(Thing::Overlay), OVERLAY),
    (Some(Thing::Btrfs), BTRFS),
];

// The walk by device numbers sees no bind of the same filesystem: that is what `backing` is for.
const EVERYWHERE: &str = r#"
device / | Filesystem{<root>, /} | "kind": "Filesystem", "device": "<root>", "mount_point": "/"
device /link | Filesystem{<other>, /mnt/other} | "device": "<other>", "mount_point": "/mnt/other"
device /etc/hostname | error | "kind": "MountPointNotFound", "errno": null
device /mnt/file | error | "kind": "MountPointNotFound", "errno": null
device /mnt/stack | Filesystem{<top>, /mnt/stack} | "device": "<top>"
device /dev/null | CharNode{1:3} | "kind": "CharNode", "major": 1, "minor": 3
device /dev/log | Filesystem{<dev>, /dev} | "kind": "Filesystem", "mount_point": "/dev"
backing /proc | Anonymous{proc} | "kind": "Anonymous", "fs_type": "proc", "device": null
backing /link | Anonymous{tmpfs} | "kind": "Anonymous", "fs_type": "tmpfs", "device": null
backing /mnt/stack | Anonymous{tmpfs} | "kind": "Anonymous", "fs_type": "tmpfs", "device": null
backing '/mnt/a b' | Anonymous{tmpfs} | "kind": "Anonymous", "fs_type": "tmpfs", "device": null
backing /mnt/\xff\xfe | Anonymous{tmpfs} | "kind": "Anonymous", "fs_type": "tmpfs", "device": null
backing /mnt/no-source | Anonymous{tmpfs} | "kind": "Anonymous", "fs_type": "tmpfs", "device": null
backing /dev/log | Anonymous{tmpfs} | "kind": "Anonymous", "fs_type": "tmpfs", "device": null
backing /dev/regular | Anonymous{tmpfs} | "kind": "Anonymous", "fs_type": "tmpfs", "device": null
backing /dev/null | CharNode{1:3} | "kind": "CharNode", "device": "1:3", "mount": null
mount / | mount point  /, the path is its root | "is_root": true, "mount": {"mount_point": "/", "root": "/", "device": "<root>"}
mount /proc | mount point  /proc, the path is its root | "is_root": true, "mount": {"fs_type": "proc"}
mount /link | mount point  /mnt/other, the path is its root | "is_root": true, "mount": {"mount_point": "/mnt/other", "source": "other", "fs_type": "tmpfs"}
mount /etc/hostname | mount point  /, the path is within it | "is_root": false, "mount": {"mount_point": "/"}
mount /mnt/file | mount point  /mnt/file, the path is its root | "is_root": true, "mount": {"root": "/srv/file", "mount_point": "/mnt/file", "device": "<root>"}
mount /mnt/stack | mount point  /mnt/stack, the path is its root | "is_root": true, "mount": {"mount_point": "/mnt/stack", "source": "top", "fs_type": "tmpfs"}
mount '/mnt/a b' | mount point  /mnt/a b, the path is its root | "is_root": true, "mount": {"mount_point": "/mnt/a b", "source": "spaces", "fs_type": "tmpfs"}
mount /mnt/\xff\xfe | mount point  /mnt/\xff\xfe, the path is its root | "is_root": true, "mount": {"mount_point_bytes": [47, 109, 110, 116, 47, 255, 254], "source": "bytes"}
mount /mnt/no-source | mount point  /mnt/no-source, the path is its root | "is_root": true, "mount": {"mount_point": "/mnt/no-source", "source": "", "fs_type": "tmpfs"}
mount /dev/log | mount point  /dev, the path is within it | "is_root": false, "mount": {"mount_point": "/dev", "source": "dev", "fs_type": "tmpfs"}
device /srv/gone | error | ENOENT
backing /srv/gone | error | ENOENT
mount /srv/gone | error | ENOENT
count /srv/gone | error | ENOENT
device /no/such | error | ENOENT
backing /no/such | error | ENOENT
mount /no/such | error | ENOENT
mount /etc/hostname/x | error | ENOTDIR
device '' | error | "kind": "Unspecified", "errno": null
backing '' | error | "kind": "Unspecified", "errno": null
count '' | error | "kind": "Unspecified", "errno": null
mount '' | error | ENOENT
backing /mnt/\xff\xff | error | ENOENT
volume /kubelet/pods/1/volumes/kubernetes.io~empty-dir/memory | Kubernetes emptyDir, memory: the directory is the root of a tmpfs | "volume": true, "kubernetes": "emptyDir", "medium": "memory", "docker": false
volume /kubelet/pods/1/volumes/kubernetes.io~empty-dir/disk | Kubernetes emptyDir, disk: the directory is the root of neither a tmpfs nor a hugetlbfs | "kubernetes": "emptyDir", "medium": "disk"
volume /kubelet/pods/1/volumes/kubernetes.io~empty-dir/none | error | ENOENT
volume /var/lib/docker/volumes/x/_data | docker: it is /var/lib/docker/volumes/<name>/_data | "volume": true, "docker": true, "kubernetes": null, "medium": null
volume '' | none: its path names no volume plugin of Kubernetes, nor a volume of docker | "volume": false
watchable /kubelet/pods/1/volumes/kubernetes.io~configmap/config | yes: keys 3, entries 7, bytes 12, in the kubelet's layout | "watchable": true, "keys": 3, "entries": 7, "bytes": 12, "layout": "atomic-writer"
watchable /kubelet/pods/1/volumes/kubernetes.io~empty-dir/memory | no: volumes of kind emptyDir are not watched | "watchable": false, "keys": null
count --limit 8 /kubelet/pods/1/volumes/kubernetes.io~configmap/config | 7 | "count": 7, "over": false, "limit": 8
count --limit 6 /kubelet/pods/1/volumes/kubernetes.io~configmap/config | more than 6 | "count": null, "over": true
count /etc/hostname | 1 | "count": 1
system /proc/../etc | no: not below /proc and not below /sys | "system": false
system //proc/1 | yes: /proc or /sys, or below | "system": true
system '' | no: not below /proc and not below /sys | "system": false
system /\xff | error | "kind": "NotUtf8", "path_bytes": [47, 255]
host-device /dev/null | yes: below /dev, and no regular file | "host_device": true
host-device /dev/log | yes: below /dev, and no regular file | "host_device": true
host-device /dev/regular | no: not below /dev, or a regular file, or not there | "host_device": false
host-device /dev/../etc | no: not below /dev, or a regular file, or not there | "host_device": false
 | misuse
device | misuse
nonsense | misuse
device / / | misuse
device --repeat 0 / | misuse
count --limit many / | misuse
count --limit -1 / | misuse
bind --propagation shard /a /b | misuse
share --mounts /act --id a/b /srv/dir | misuse
share --mounts /act --id . /srv/dir | misuse
unshare --mounts /act | misuse
"#;

const LOOP_NODE: &str = r#"
device /dev/loop0 | BlockNode{7:0} | "kind": "BlockNode", "device": "7:0", "mount_point": null
backing /dev/loop0 | BlockNode{7:0} | "kind": "BlockNode", "device": "7:0", "mount": null
"#;

/// The rows that name a device, on a root filesystem that has one.
const DISK: &str = r#"
backing / | WholeFilesystem{<root>, /} | "kind": "WholeFilesystem", "device": "<root>", "mount": {"mount_point": "/", "fs_type": "ext4"}
backing /etc/hostname | Subtree{<root>, /etc/hostname} | "kind": "Subtree", "device": "<root>", "subpath": "/etc/hostname", "deleted": false
backing /etc | Subtree{<root>, /etc} | "kind": "Subtree", "device": "<root>", "subpath": "/etc", "deleted": false
backing /mnt/file | Subtree{<root>, /srv/file} | "kind": "Subtree", "device": "<root>", "subpath": "/srv/file", "deleted": false
backing /mnt/dir | Subtree{<root>, /srv/dir} | "kind": "Subtree", "device": "<root>", "subpath": "/srv/dir", "deleted": false
"#;

const OVERLAY: &str = r#"
backing /mnt/overlay | Anonymous{overlay} | "kind": "Anonymous", "fs_type": "overlay", "device": null
backing /mnt/overlay/file | Anonymous{overlay} | "kind": "Anonymous", "fs_type": "overlay", "device": null
mount /mnt/overlay/file | mount point  /mnt/overlay, the path is within it | "is_root": false, "mount": {"fs_type": "overlay"}
"#;

// The last one's device number differs from that of its parent, and yet no mount begins there.
const BTRFS: &str = r#"
backing /mnt/subvolume | Anonymous{btrfs} | "kind": "Anonymous", "fs_type": "btrfs", "device": null
backing /mnt/btrfs/sub | Anonymous{btrfs} | "kind": "Anonymous", "fs_type": "btrfs", "device": null
backing /mnt/btrfs/sub/file | Anonymous{btrfs} | "kind": "Anonymous", "fs_type": "btrfs", "device": null
mount /mnt/subvolume | mount point  /mnt/subvolume, the path is its root | "is_root": true, "mount": {"root": "/sub"}
mount /mnt/btrfs/sub | mount point  /mnt/btrfs, the path is within it | "is_root": false, "mount": {"root": "/"}
"#;
