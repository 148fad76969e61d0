//! Hosts from a short text, and with planted files.

use super::*;

#[test]
fn a_file_cannot_be_above_a_mount() {
    let lines = "1 0 8:1 / / rw - ext4 a rw\n2 1 8:1 /etc/hosts /x rw - ext4 a rw\n3 2 0:5 / /x/y rw - tmpfs t rw\n";
    let error = HostBuilder::from_mountinfo(lines).unwrap().file("/etc/hosts", "").build().unwrap_err();
    assert!(matches!(&error, HostError::BadLine { line, .. } if line.number == 3), "{error}");
}

#[test]
fn files_of_every_kind_are_planted() {
    let number = DeviceNumber::new(8, 0);
    let host = HostBuilder::new()
        .dir("/d")
        .file("/a/b/f", "text")
        .symlink("/a/link", "b")
        .file("/a/link/through", "")
        .block_device("/dev/sda", number)
        .character_device("/dev/null", DeviceNumber::new(1, 3))
        .fifo("/run/fifo")
        .socket("/run/socket")
        .mode("/a/b/f", FileMode::from_bits(0o4711))
        .owner("/a/b/f", 7, 8)
        .build()
        .unwrap();
    let kind = |path| host.metadata(&at(path), FinalSymlink::Itself).unwrap().kind;
    assert_eq!(
        ["/d", "/a/b/f", "/a/link", "/dev/sda", "/dev/null", "/run/fifo", "/run/socket"].map(kind),
        [
            FileKind::Directory,
            FileKind::Regular,
            FileKind::Symlink,
            FileKind::BlockDevice,
            FileKind::CharacterDevice,
            FileKind::Fifo,
            FileKind::Socket,
        ]
    );
    let file = host.metadata(&at("/a/b/f"), FinalSymlink::Follow).unwrap();
    assert_eq!((file.mode.bits(), file.uid, file.gid, file.size), (0o4711, 7, 8, 4));
    assert_eq!(host.metadata(&at("/dev/sda"), FinalSymlink::Follow).unwrap().represents, Some(number));
    assert_eq!(kind("/a/b/through"), FileKind::Regular);
    assert_eq!(host.open_dir(&at("/a/b")).unwrap().read_file("f".as_ref(), 10).unwrap(), b"text");
}

#[test]
fn planting_does_not_ask_whether_it_may() {
    let host = captured("1 0 8:1 / / ro - ext4 a ro\n2 1 0:5 / /a ro - tmpfs t rw\n");
    host.machine(|machine| {
        machine.plant(Path::new("/etc/f"), &Plant::File(b"1".to_vec())).unwrap();
        machine.plant(Path::new("/a/f"), &Plant::File(b"2".to_vec())).unwrap();
        machine.plant(Path::new("/a/f"), &Plant::File(b"three".to_vec())).unwrap();
    });
    assert_eq!(host.metadata(&at("/a/f"), FinalSymlink::Follow).unwrap().size, 5);
    let error = host.create_dir(&at("/a/d"), FileMode::from_bits(0o755)).unwrap_err();
    assert_eq!(error.errno(), Errno::EROFS);
}

#[test]
fn what_cannot_be_planted_says_why() {
    for (builder, errno) in [
        (HostBuilder::new().file("/f", "").dir("/f/d"), Errno::ENOTDIR),
        (HostBuilder::new().file("/f", "").dir("/f"), Errno::EEXIST),
        (HostBuilder::new().dir("/d").file("/d", ""), Errno::EEXIST),
        (HostBuilder::new().symlink("/l", "nowhere").file("/l/f", ""), Errno::EEXIST),
        (HostBuilder::new().dir("relative"), Errno::ENOENT),
        (HostBuilder::new().mode("/missing", FileMode::from_bits(0)), Errno::ENOENT),
    ] {
        let error = builder.build().unwrap_err();
        assert!(matches!(&error, HostError::Plant { errno: found, .. } if *found == errno), "{error}");
    }
}

#[test]
fn a_short_text_is_a_host() {
    let host = HostBuilder::from_text(
        "
        mount /        ext4  /dev/vda1  dev=254:1 shared:1 options=discard # the root
        mount /proc    proc  proc       nosuid,nodev,noexec
        mount /srv     tmpfs tmp\\040fs ro,noatime shared:2
        bind  /var/db  /srv/db
        bind  /srv     /mnt             nodev master:2
        mount /srv     tmpfs cover
        bind  /srv/x   /y
        file  /var/db/key  two words
        mode  /var/db/key  0600
        ",
    )
    .unwrap()
    .build()
    .unwrap();
    assert_eq!(
        text(&host),
        "\
2 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw,discard
3 2 0:40 / /proc rw,nosuid,nodev,noexec,relatime - proc proc rw
4 2 0:41 / /srv ro,noatime shared:2 - tmpfs tmp\\040fs rw
5 4 254:1 /var/db /srv/db rw,relatime - ext4 /dev/vda1 rw,discard
6 2 0:41 / /mnt rw,nodev,relatime master:2 - tmpfs tmp\\040fs rw
7 4 0:42 / /srv rw,relatime - tmpfs cover rw
8 2 0:42 /x /y rw,relatime - tmpfs cover rw
"
    );
    let key = host.metadata(&at("/var/db/key"), FinalSymlink::Follow).unwrap();
    assert_eq!((key.size, key.mode.bits()), (9, 0o600));
}

#[test]
fn a_short_text_without_a_root_has_one() {
    let host = HostBuilder::from_text("mount /a tmpfs t").unwrap().build().unwrap();
    assert_eq!(text(&host), "2 1 0:40 / / rw,relatime - tmpfs tmpfs rw\n3 2 0:41 / /a rw,relatime - tmpfs t rw\n");
    let bare = HostBuilder::from_text("dir /a").unwrap().build().unwrap();
    assert_eq!(bare.mounts().unwrap().len(), 1);
}

#[test]
fn a_short_text_names_the_line_it_does_not_understand() {
    for (line, what) in [
        ("mnt / ext4 x", "no line of this form is known"),
        ("mount / ext4", "no line of this form is known"),
        ("mount a ext4 x", "does not begin with a slash"),
        ("mount / ext4 x dev=8", "a device is MAJOR:MINOR"),
        ("mount / ext4 x rw,foo", "neither an attribute nor anything else"),
        ("mount / ext4 x shared:0", "a group is a number above 0"),
        ("block /dev/x 8", "a device is MAJOR:MINOR"),
        ("mode /a 9", "the mode is not an octal number"),
        ("owner /a 1", "the owner is not UID:GID"),
        ("bind /a /b dev=8:1", "a bind has the device"),
    ] {
        let said = HostBuilder::from_text(&format!("# first\n{line}\n")).unwrap_err().to_string();
        assert!(said.starts_with(&format!("line 2 (`{line}`): ")) && said.contains(what), "{said}");
    }
    let said = HostBuilder::from_text("mount /a xfs x dev=8:1\nmount /b ext4 x dev=8:1").unwrap_err().to_string();
    assert!(said.contains("line 1 ") && said.contains("line 2 ") && said.contains("two types"), "{said}");
}

#[test]
fn the_same_text_is_the_same_host() {
    let build = || HostBuilder::from_mountinfo(NODE).unwrap().file("/etc/f", "x").machine().unwrap();
    let print = |machine: &Machine| format!("{machine:?}");
    assert_eq!(print(&build()), print(&build()));
}
