//! Binding: several words about propagation, and the file that may be bound.

use mountwright_core::file::FileIdentity;
use mountwright_core::mount::{MountInfo, PropagationState, PropagationWord, SourceIs};
use mountwright_core::{BindRequest, DeviceNumber, Errno, FileMode, Propagation};

use crate::contract::case::{Case, Needs};
use crate::contract::scene::{Scene, at, below, bind};

fn words(text: &str) -> Vec<PropagationWord> {
    text.split(' ').map(|word| word.parse().unwrap()).collect()
}

/// The propagation of a mount beside that of its source: `peer`, `private`, `slave`, `unbindable`, `shared` of its own group,
/// `slave,shared`.
fn relation(mount: &MountInfo, source: &MountInfo) -> &'static str {
    let (group, PropagationState { peers, master, unbindable, .. }) = (source.propagation.peers, mount.propagation);
    match (peers, master) {
        (None, None) if unbindable => "unbindable",
        (None, None) => "private",
        (None, Some(_)) if master == group => "slave",
        (Some(_), None) if peers == group => "peer",
        (Some(_), None) => "shared",
        (Some(_), Some(_)) if master == group && peers != group => "slave,shared",
        _ => "another",
    }
}

/// A shared mount with a shared mount in it, and a target below a private mount and below a shared one that has a peer.
fn shared_tree(s: &Scene<'_>) {
    s.does("tmpfs /w/origin; shared /w/origin; tmpfs /w/origin/sub; dir /w/origin/sub/deep /w/target");
    s.does("tmpfs /w/parent; dir /w/parent/target; shared /w/parent; bind /w/parent /w/peer");
}

pub(in crate::contract::cases) const CASES: &[Case] = &[
    Case::new("a bind has the propagation that its words make one after the other", |s| {
        shared_tree(s);
        for (text, expected) in [
            ("slave shared", "slave,shared"),
            ("shared slave", "slave"),
            ("slave shared slave", "slave"),
            ("private shared", "shared"),
            ("private shared slave", "private"),
            ("private slave", "private"),
            ("unbindable slave", "unbindable"),
            ("unbindable shared", "shared"),
            ("shared private", "private"),
            ("rslave shared", "slave,shared"),
        ] {
            for (target, creates) in
                [(at("/w/target"), false), (at("/w/parent/target"), false), (below("/w", "made"), true)]
            {
                let shown = target.for_display();
                let request = BindRequest::new(at("/w/origin"), target).propagations(words(text));
                let request = if creates { request.creating_target(FileMode::MOUNT_TARGET) } else { request };
                let Ok(report) = s.mounter().bind(&request) else {
                    // Before 5.15 a slave has no place below a mount with peers.
                    s.refuses(Errno::EOPNOTSUPP, || s.mounter().bind(&request));
                    assert!(text.contains("slave") && shown.starts_with("/w/parent"), "{text} on {}", shown.display());
                    continue;
                };
                let mount = s.mount(&shown);
                assert_eq!(relation(&mount, &s.mount("/w/origin")), expected, "{text} on {}", shown.display());
                let is_slave = expected == "slave";
                let named = report.propagation.map(Propagation::word);
                assert_eq!(
                    named,
                    Some(if is_slave { "slave" } else { expected.trim_start_matches("slave,") }),
                    "{text}"
                );
                s.does(&format!("detach {}", shown.display()));
            }
        }
    }),
    Case::new(
        "words about the top of a recursive bind leave the mounts below it as the words about the tree say",
        |s| {
            shared_tree(s);
            for (text, top, sub) in [
                ("rslave shared", "slave,shared", "slave"),
                ("rslave private", "private", "slave"),
                ("private", "private", "peer"),
                ("slave", "slave", "peer"),
                ("unbindable", "unbindable", "peer"),
                ("slave shared", "slave,shared", "peer"),
                ("shared", "peer", "peer"),
                ("rshared private", "private", "peer"),
                ("rshared slave", "slave", "peer"),
                ("rprivate shared", "shared", "private"),
                ("rprivate unbindable", "unbindable", "private"),
                ("runbindable private", "private", "unbindable"),
                ("rslave rshared slave", "slave", "slave,shared"),
                ("rslave rshared private", "private", "slave,shared"),
            ] {
                for target in ["/w/target", "/w/parent/target"] {
                    let request = bind("/w/origin", target).recursive().propagations(words(text));
                    if s.mounter().bind(&request).is_err() {
                        // A tree that follows its sources has no place below a mount with peers before 5.15.
                        s.refuses(Errno::EOPNOTSUPP, || s.mounter().bind(&request));
                        assert!(text.contains("slave") && target.starts_with("/w/parent"), "{text} on {target}");
                        continue;
                    }
                    let found = [("", top), ("/sub", sub)].map(|(path, _)| {
                        relation(&s.mount(format!("{target}{path}")), &s.mount(format!("/w/origin{path}")))
                    });
                    assert_eq!(found, [top, sub], "{text} on {target}");
                    // A copy may have peers in the source: what is unmounted from it would be unmounted there too.
                    let copy = if target == "/w/target" { "" } else { " /w/peer/target" };
                    s.does(&format!("rprivate {target}{copy}; detach {target}; clear /w/peer/target"));
                    assert!(s.is_mounted("/w/origin/sub") && !s.is_mounted("/w/peer/target"));
                }
            }
        },
    ),
    Case::new("a slave that is shared receives from its source, and sends to its own peers alone", |s| {
        shared_tree(s);
        s.mounter().bind(&bind("/w/origin", "/w/target").recursive().propagations(words("rslave rshared"))).unwrap();
        s.does("bind /w/target/sub /w/copy; tmpfs /w/target/sub/deep");
        assert!(s.is_mounted("/w/copy/deep") && !s.is_mounted("/w/origin/sub/deep"));
        s.does("detach /w/target/sub/deep; tmpfs /w/origin/sub/deep");
        assert!(s.is_mounted("/w/copy/deep") && s.is_mounted("/w/target/sub/deep"));
    }),
    Case::new("a failed bind whose top alone leaves its peers leaves the mounts of its source", |s| {
        shared_tree(s);
        s.does("file /w/parent/file");
        for text in ["private", "slave", "rshared private"] {
            for target in ["/w/parent/file", "/w/parent/missing"] {
                let request = bind("/w/origin", target).recursive().propagations(words(text));
                let Err(error) = s.changes_nothing(|| s.mounter().bind(&request)) else { panic!("{text} on {target}") };
                assert_eq!(error.left(), [], "{error}");
            }
        }
    }),
    Case::new("a bind that stacks on one mount takes words without a slave", |s| {
        s.does("tmpfs /w/source; tmpfs /w/source/sub; dir /w/target");
        let on = s.mounter().mount_of(&at("/w")).unwrap().mount.key();
        let request = |text| bind("/w/source", "/w/target").recursive().stacking_on(on).propagations(words(text));
        s.mounter().bind(&request("rprivate shared")).unwrap();
        let relations = [
            relation(&s.mount("/w/target"), &s.mount("/w/source")),
            relation(&s.mount("/w/target/sub"), &s.mount("/w/source")),
        ];
        assert_eq!(relations, ["shared", "private"]);
        for text in ["shared slave", "rslave shared", "private"] {
            s.refuses(Errno::EINVAL, || s.mounter().bind(&request(text)));
        }
    }),
    Case::new("a bind of nothing but a device or a file binds that, and refuses any other with its name", |s| {
        s.does("char 1:3 /w/null; char 1:5 /w/zero; block 1:3 /w/block; file /w/file text; dir /w/dir; file /w/target");
        let (null, block) = (DeviceNumber::new(1, 3), DeviceNumber::new(1, 3));
        let file = SourceIs::File(FileIdentity::from(&s.stat("/w/file")));
        let request = |source: &str, only| bind(source, "/w/target").only_if(only);
        for (source, only) in [
            ("/w/null", SourceIs::CharacterDevice(null)),
            ("/w/block", SourceIs::BlockDevice(block)),
            ("/w/file", file),
            ("/w/null", SourceIs::File(FileIdentity::from(&s.stat("/w/null")))),
        ] {
            s.mounter().bind(&request(source, only).read_only()).unwrap();
            assert_eq!(s.stat("/w/target").inode, s.stat(source).inode);
            s.does("detach /w/target");
        }
        let regular = s.stat("/w/file");
        let regular = format!("regular file {} of device {}", regular.inode, regular.device);
        for (source, only, found) in [
            (
                "/w/zero",
                SourceIs::CharacterDevice(null),
                "the source is character device 1:5, and not character device 1:3",
            ),
            (
                "/w/block",
                SourceIs::CharacterDevice(null),
                "the source is block device 1:3, and not character device 1:3",
            ),
            ("/w/null", SourceIs::BlockDevice(block), "the source is character device 1:3, and not block device 1:3"),
            (
                "/w/file",
                SourceIs::CharacterDevice(null),
                &format!("the source is {regular}, and not character device 1:3"),
            ),
        ] {
            let error = s.refuses(Errno::ESTALE, || s.mounter().bind(&request(source, only)));
            assert_eq!(error.detail(), Some(found));
        }
        let missing = bind("/w/zero", "/w/missing")
            .creating_target(FileMode::MOUNT_TARGET)
            .only_if(SourceIs::CharacterDevice(null));
        s.refuses(Errno::ESTALE, || s.mounter().bind(&missing));
        s.refuses(Errno::ESTALE, || s.mounter().bind(&request("/w/null", file)));
        s.refuses(Errno::ESTALE, || s.mounter().bind(&bind("/w/dir", "/w/dir").only_if(file)));
    })
    .needing(Needs::DeviceNodes),
];
