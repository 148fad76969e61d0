//! Hosts from a captured mountinfo, from a short text, and with planted files.

mod planted;

use std::path::Path;

use mountwright_core::file::{FileKind, FilesystemMagic, FinalSymlink};
use mountwright_core::mount::Difference;
use mountwright_core::share::{Ensured, Share};
use mountwright_core::{
    AttributeChange, AttributesRequest, BindRequest, ContainerId, DeviceNumber, Errno, FileMode, Filesystem, Location,
    Mounter, Propagation, Recursion, UnmountRequest,
};
use mountwright_fake::{FakeBackend, HostBuilder, HostError, Machine, Plant};

const NODE: &str = include_str!("../data/node.mountinfo");

fn at(path: &str) -> Location {
    Location::trusted(path)
}

fn text(host: &FakeBackend) -> String {
    String::from_utf8(host.mounts().unwrap().text().to_vec()).unwrap()
}

fn captured(lines: &str) -> FakeBackend {
    HostBuilder::from_mountinfo(lines).unwrap().build().unwrap()
}

/// Builds it and prints it back.
fn round_trip(lines: &str) {
    assert_eq!(text(&captured(lines)), lines);
}

fn round_trip_of(lines: &str) -> FakeBackend {
    let host = captured(lines);
    assert_eq!(text(&host), lines);
    host
}

fn refused(lines: &str) -> String {
    HostBuilder::from_mountinfo(lines).unwrap_err().to_string()
}

#[test]
fn a_captured_node_prints_the_same_lines() {
    round_trip(NODE);
}

#[test]
fn a_captured_node_answers_like_one() {
    let host = HostBuilder::from_mountinfo(NODE).unwrap();
    let file = "/var/lib/kubelet/pods/5f0861a0-a987-4a3a-bb0f-1058ddb9678f/volumes/kubernetes.io~configmap/app-config/\
                ..2026_11_20_08_15_30.1182736451/app.yaml";
    let bound = "/var/lib/kubelet/pods/5f0861a0-a987-4a3a-bb0f-1058ddb9678f/volume-subpaths/app-config/server/1";
    let host = host.file(file, "port: 80").character_device("/dev/kvm", DeviceNumber::new(10, 232)).build().unwrap();
    assert_eq!(text(&host), NODE, "planting changes no mount");

    let mount = host.mount_of(&at(bound)).unwrap();
    assert!(mount.is_root);
    let found = host.metadata(&at(bound), FinalSymlink::Follow).unwrap();
    assert_eq!((found.kind, found.size), (FileKind::Regular, 8), "the root is the file that was planted");
    assert_eq!(found.device, DeviceNumber::new(259, 2));
    let kvm = host.metadata(&at("/dev/kvm"), FinalSymlink::Follow).unwrap();
    assert_eq!((kvm.represents, kvm.device), (Some(DeviceNumber::new(10, 232)), DeviceNumber::new(0, 6)));

    for (path, magic) in [
        ("/run", FilesystemMagic::TMPFS),
        ("/sys", FilesystemMagic::SYSFS),
        ("/sys/fs/cgroup", FilesystemMagic::CGROUP2),
        ("/mnt/nas", FilesystemMagic::NFS),
        ("/home", FilesystemMagic::BTRFS),
        ("/dev/hugepages", FilesystemMagic::HUGETLBFS),
        ("/proc", FilesystemMagic::PROC),
        ("/boot/efi", FilesystemMagic::VFAT),
    ] {
        let found = host.filesystem_of(&at(path)).unwrap();
        assert_eq!((found.magic, found.is_mount_root), (magic, true), "{path}");
    }
    assert_eq!(host.mount_of(&at("/mnt/no-source")).unwrap().mount.source, "");
    assert_eq!(host.mount_of(&at("/mnt/old disk")).unwrap().mount.root, Path::new("/srv/gone//deleted"));
    host.open_dir(&at("/proc/self/fd")).unwrap();
}

#[test]
fn peers_of_a_captured_host_are_peers() {
    let host = captured(NODE);
    let (one, other) = (
        "/var/lib/kubelet/plugins/kubernetes.io/csi/block.csi.example.com/7f0c/globalmount",
        "/var/lib/kubelet/pods/5f0861a0-a987-4a3a-bb0f-1058ddb9678f/volumes/kubernetes.io~csi/pvc-0d2f7f5e/mount",
    );
    host.create_dir(&at(&format!("{one}/sub")), FileMode::from_bits(0o755)).unwrap();
    assert!(host.metadata(&at(&format!("{other}/sub")), FinalSymlink::Follow).is_ok(), "one filesystem");
    host.bind(&BindRequest::new(at("/run"), at(&format!("{one}/sub")))).unwrap();
    assert!(host.mount_of(&at(&format!("{other}/sub"))).unwrap().is_root, "the mount came over");
    host.unmount(&UnmountRequest::new(at(&format!("{other}/sub")))).unwrap();
    assert_eq!(text(&host), NODE);
}

#[test]
fn a_removed_root_cannot_be_bound() {
    let host = captured(NODE);
    let error = host.bind(&BindRequest::new(at("/mnt/old disk"), at("/srv"))).unwrap_err();
    assert_eq!(error.errno(), Errno::ENOENT);
}

#[test]
fn masters_in_sight_and_out_of_sight() {
    round_trip(
        "\
1 0 8:1 / / rw shared:4 - ext4 a rw
20 1 0:20 / /master rw shared:7 - tmpfs t rw
21 1 0:20 / /slave rw master:7 - tmpfs t rw
22 1 0:20 / /both rw shared:9 master:7 - tmpfs t rw
23 1 0:20 / /both2 rw shared:9 master:7 - tmpfs t rw
24 1 0:21 / /unseen rw master:77 - tmpfs t rw
25 1 0:21 / /unseen2 rw master:77 - tmpfs t rw
26 1 0:20 / /far rw master:80 propagate_from:7 - tmpfs t rw
27 1 0:22 / /alone rw unbindable - tmpfs t rw
",
    );
}

#[test]
fn what_a_master_in_sight_gets_its_slaves_get() {
    let lines = "\
1 0 8:1 / / rw - ext4 a rw
20 1 0:20 / /master rw shared:7 - tmpfs t rw
21 1 0:20 / /slave rw master:7 - tmpfs t rw
22 1 0:20 / /far rw master:80 propagate_from:7 - tmpfs t rw
";
    let host = HostBuilder::from_mountinfo(lines).unwrap().dir("/master/sub").build().unwrap();
    host.bind(&BindRequest::new(at("/master"), at("/master/sub"))).unwrap();
    for path in ["/slave/sub", "/far/sub"] {
        assert!(host.mount_of(&at(path)).unwrap().is_root, "{path}");
    }
}

#[test]
fn parents_after_their_children_and_stacks() {
    round_trip(
        "\
30 31 0:30 / /a/b rw,noatime - tmpfs t rw
31 40 0:31 / /a ro,nosuid,nodev,noexec,nodiratime,relatime,nosymfollow - tmpfs t ro
32 31 0:32 / /a rw - tmpfs cover rw
33 32 0:33 / /a/b rw - tmpfs t rw
40 0 8:1 / / rw - ext4 a rw
",
    );
}

#[test]
fn a_table_without_its_parents_prints_the_same_lines() {
    // From a chroot: the mount that the root is a directory of is not seen.
    round_trip("7 3 0:2 / /data rw - tmpfs t rw\n8 7 0:3 / /data/x rw - tmpfs t rw\n9 3 0:4 / /z rw - tmpfs t rw\n");
    // Cut by grep.
    let cut = "\
28 1 8:1 / / rw - ext4 a rw
110 26 0:60 / /run/sandboxes/shm rw - tmpfs shm rw
111 25 0:61 / /run/sandboxes/shm/in rw - tmpfs shm rw
112 111 0:62 / /run/sandboxes/shm/in/it rw - tmpfs shm rw
";
    round_trip(cut);
    let host = captured(cut);
    let mount = host.mount_of(&at("/run/sandboxes/shm")).unwrap().mount;
    assert_eq!(mount.parent.0, 26);
    // Moved, it has a parent that is there.
    host.machine(|machine| machine.plant(Path::new("/to"), &Plant::Directory)).unwrap();
    host.move_mount(&at("/run/sandboxes/shm"), &at("/to")).unwrap();
    assert_eq!(host.mount_of(&at("/to")).unwrap().mount.parent.0, 28);
}

#[test]
fn odd_but_true_lines_print_the_same() {
    round_trip("1 1 0:2 / / rw - rootfs rootfs rw\n");
    round_trip(
        "\
28 1 8:1 / / rw - ext4 a rw
40 28 0:4 net:[4026532281] /run/netns/cni-1 rw shared:9 - nsfs nsfs rw
41 28 0:47 /@home /home rw - btrfs /dev/b rw,ssd,subvolid=257,subvol=/@home
42 28 0:47 /@var /var rw - btrfs /dev/b rw,ssd,subvolid=258,subvol=/@var
43 28 0:50 /sys /proc/sys ro - proc proc rw
44 28 0:51 / /a\\040b\\011c\\134 rw - fuse.sshfs me@host:/x\\043y rw,user_id=0,name=a\\040b
2000000000 28 0:1000000 / /far rw shared:4000000000 - tmpfs t rw
",
    );
}

#[test]
fn new_mounts_get_numbers_that_no_line_has() {
    let host =
        captured("1 0 8:1 / / rw shared:1 - ext4 a rw\n2 1 0:1 / /a rw - tmpfs t rw\n4 1 0:3 / /b rw - tmpfs t rw\n");
    let key = host.mount(&mountwright_core::MountRequest::new("tmpfs", at("/a"))).unwrap().mount;
    let mount = host.find_mount(key).unwrap();
    assert_eq!(mount.id.0, 3, "the lowest that is free");
    assert_eq!(mount.device, DeviceNumber::new(0, 4), "the hidden lowest mount has 0:2");
}

#[test]
fn lines_that_contradict_each_other_are_named() {
    let root = "1 0 8:1 / / rw - ext4 a rw\n";
    for (lines, what) in [
        ("1 0 0:5 / /a rw - tmpfs t rw", "two mounts have one id"),
        ("2 1 8:1 / /a rw - xfs a rw", "one device has two types of filesystem"),
        ("2 1 8:1 / /a rw - ext4 a ro", "one superblock is both read-only and writable"),
        ("2 1 8:1 / /a rw - ext4 a rw,discard", "one superblock has two sets of options"),
        ("2 0 0:5 / / rw - tmpfs t rw", "two mounts are the lowest at /"),
    ] {
        let said = refused(&format!("{root}{lines}\n"));
        assert_eq!(
            said,
            format!("line 1 (`{}`) and line 2 (`{lines}`) contradict each other: {what}", root.trim_end())
        );
    }
    for (lines, numbers, what) in [
        ("2 1 0:5 / /a rw - tmpfs t rw\n3 2 0:6 / /b rw - tmpfs t rw", [2, 3], "not below the mount"),
        ("2 1 0:5 / /a rw - tmpfs t rw\n3 2 0:6 / /ab rw - tmpfs t rw", [2, 3], "not below the mount"),
        ("2 3 0:5 / /a rw - tmpfs t rw\n3 2 0:6 / /a rw - tmpfs t rw", [2, 3], "each is mounted on the other"),
        ("2 1 0:5 / /a rw - tmpfs t rw\n3 1 0:6 / /a rw - tmpfs t rw", [2, 3], "one place of one mount"),
        ("2 1 0:5 / /a rw shared:1 - tmpfs t rw\n3 1 0:6 / /b rw shared:1 - tmpfs t rw", [2, 3], "two filesystems"),
        (
            "2 1 0:5 / /a rw shared:1 - tmpfs t rw\n3 1 0:5 / /b rw shared:1 master:2 - tmpfs t rw",
            [2, 3],
            "one peer group has two masters",
        ),
        ("2 1 0:5 / /a rw shared:1 - tmpfs t rw\n3 1 0:6 / /b rw master:1 - tmpfs t rw", [2, 3], "master's filesystem"),
        (
            "2 1 0:5 / /a rw shared:1 - tmpfs t rw\n3 1 0:5 / /b rw master:1 propagate_from:1 - tmpfs t rw",
            [3, 3],
            "beside another master",
        ),
        (
            "2 1 0:5 / /a rw shared:1 master:2 - tmpfs t rw\n3 1 0:5 / /b rw shared:2 master:1 - tmpfs t rw",
            [2, 3],
            "each peer group receives from the other",
        ),
    ] {
        let said = refused(&format!("{root}{lines}\n"));
        assert!(said.contains(what) && numbers.iter().all(|n| said.contains(&format!("line {n} "))), "{said}");
    }
}

#[test]
fn lines_that_cannot_be_are_named() {
    for (line, what) in [
        ("garbage", "the mount id is no number"),
        ("1 0 8:1 / / rw - ext4 a", "the options of the superblock are missing"),
        ("1 0 8:1 / / rw shared:1 unbindable - ext4 a rw", "neither shares nor receives"),
        ("1 0 8:1 / / rw shared:1 master:1 - ext4 a rw", "its own peers"),
        ("5 5 8:1 / /a rw - ext4 a rw", "its own parent"),
        ("1 0 9999:1 / / rw - ext4 a rw", "no such device number"),
    ] {
        let said = refused(&format!("\n{line}\n"));
        assert!(said.starts_with(&format!("line 2 (`{line}`): ")) && said.contains(what), "{said}");
    }
}

#[test]
fn a_line_that_the_model_would_print_otherwise_prints_the_same() {
    let host = round_trip_of(
        "\
28 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw
24 28 259:3 /var_tmp /var/tmp rw,noatime,nosuid,nodev - btrfs /dev/sdc1 rw,compress=zstd:3
29 28 0:60 / /a#b rw shared:44 new:7 - tmpfs a#b rw
30 28 0:61 / /x rw,newflag,relatime - newfs none rw
31 28 253:0 /d /d rw,relatime master:12 shared:45 - ext4 /dev/mapper/ssd-root rw,seclabel
32 28 8:1 /srv /srv rw,relatime shared:300 master:13 propagate_from:7 - ext4 /dev/sda1 rw
33 28 0:9 pidfd:[7] /run/p rw - pidfs pidfs rw
",
    );
    // A column that changes is the model's own.
    host.change_attributes(&AttributesRequest::new(at("/d"), AttributeChange::READ_ONLY)).unwrap();
    host.unmount(&UnmountRequest::new(at("/x"))).unwrap();
    assert!(text(&host).contains("31 28 253:0 /d /d ro,relatime master:12 shared:45 - ext4"), "{}", text(&host));
}

#[test]
fn what_a_line_says_beyond_the_model_is_refused_when_it_is_acted_on() {
    let lines = "\
1 0 8:1 / / rw - ext4 a rw
2 1 0:5 / /x rw,newflag - tmpfs t rw
3 1 0:6 / /y rw new:7 - tmpfs t rw
4 1 0:7 / /z rw - tmpfs t rw
";
    let host = round_trip_of(lines);
    host.create_dir(&at("/to"), FileMode::from_bits(0o755)).unwrap();
    for path in ["/x", "/y"] {
        let refused = |errno| assert_eq!(errno, Err(Errno::EOPNOTSUPP), "{path}");
        let bind = BindRequest::new(at(path), at("/to"));
        refused(host.bind(&bind).map(drop).map_err(|error| error.errno()));
        let change = AttributesRequest::new(at(path), AttributeChange::READ_ONLY);
        refused(host.change_attributes(&change).map(drop).map_err(|error| error.errno()));
        let shared = host.set_propagation(&at(path), Propagation::Shared, Recursion::This);
        refused(shared.map_err(|error| error.errno()));
        assert!(host.mount_of(&at(path)).unwrap().is_root);
    }
    let tree = BindRequest::new(at("/"), at("/to")).recursive();
    assert_eq!(host.bind(&tree).unwrap_err().errno(), Errno::EOPNOTSUPP);
    host.bind(&BindRequest::new(at("/z"), at("/to"))).unwrap();
    host.unmount(&UnmountRequest::new(at("/to"))).unwrap();
    assert_eq!(text(&host), lines);
    host.unmount(&UnmountRequest::new(at("/x"))).unwrap();
}

#[test]
fn a_mount_that_maps_owners_is_there_and_its_owners_are_not_modelled() {
    let host = round_trip_of(
        "\
28 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw
90 28 254:1 /var/lib/snapshots/7/fs /tmp/mapped rw,relatime,idmapped shared:1 - ext4 /dev/vda1 rw
",
    );
    assert!(host.mount_of(&at("/tmp/mapped")).unwrap().mount.idmapped);
    host.create_dir(&at("/to"), FileMode::from_bits(0o755)).unwrap();
    let report = host.bind(&BindRequest::new(at("/tmp/mapped"), at("/to")).read_only()).unwrap();
    let copy = host.find_mount(report.mount).unwrap();
    assert!(copy.idmapped && copy.attributes.is_read_only(), "a copy maps them too");
    let error = host.create_dir(&at("/tmp/mapped/d"), FileMode::from_bits(0o755)).unwrap_err();
    assert_eq!(error.errno(), Errno::EOPNOTSUPP);
}

#[test]
fn a_subvolume_inside_another_one_shows_its_own_options() {
    let lines = "\
99 1 0:44 /@/.snapshots/1/snapshot / rw,relatime shared:1 - btrfs /dev/vda2 rw,ssd,subvolid=266,subvol=/@/.snapshots/1/snapshot
120 99 0:44 /@/.snapshots /.snapshots rw,relatime shared:60 - btrfs /dev/vda2 rw,ssd,subvolid=265,subvol=/@/.snapshots
121 99 0:44 /@ /.top rw,relatime shared:61 - btrfs /dev/vda2 rw,ssd,subvolid=256,subvol=/@
";
    let host = round_trip_of(lines);
    host.create_dir(&at("/d"), FileMode::from_bits(0o755)).unwrap();
    host.create_dir(&at("/to"), FileMode::from_bits(0o755)).unwrap();
    let report = host.bind(&BindRequest::new(at("/d"), at("/to"))).unwrap();
    let bound = host.find_mount(report.mount).unwrap();
    assert_eq!(bound.option("subvolid").as_deref(), Some("266".as_ref()), "a directory of the subvolume");
}

#[test]
fn two_exports_of_one_superblock_are_two_volumes() {
    let volume = |name: &str| format!("/var/lib/kubelet/pods/p1/volumes/kubernetes.io~csi/{name}/mount");
    let (a, b) = (volume("pvc-a"), volume("pvc-b"));
    let lines = format!(
        "\
28 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw
26 28 0:24 / /run rw,nosuid,nodev shared:5 - tmpfs tmpfs rw,mode=755
27 28 0:47 / {a} rw,relatime shared:30 - nfs4 nas:/export/pvc-a rw,vers=4.2,addr=10.0.0.5
29 28 0:47 / {b} rw,relatime shared:31 - nfs4 nas:/export/pvc-b rw,vers=4.2,addr=10.0.0.5
"
    );
    let host = HostBuilder::from_mountinfo(&lines).unwrap().dir("/run/mounts").file(format!("{a}/sub/of-a"), "A");
    let host = host.dir(format!("{b}/sub")).build().unwrap();
    assert_eq!(text(&host), lines);
    assert!(host.metadata(&at(&format!("{b}/sub/of-a")), FinalSymlink::Follow).is_err());

    let id = ContainerId::new("c1").unwrap();
    let share = |volume: String| Share::volume("/run/mounts", &id, "data", Location::trusted(volume)).unwrap();
    let ensure = |volume: &str| share(volume.to_owned()).ensure(&host).unwrap();
    for (one, other) in
        [(a.clone(), b.clone()), (format!("{a}/sub"), format!("{b}/sub")), (a.clone(), format!("{a}/sub"))]
    {
        let Ensured::Done(record) = ensure(&one) else { panic!("{one} was not there") };
        assert!(matches!(ensure(&one), Ensured::AlreadySatisfied(_)), "{one}");
        match ensure(&other) {
            Ensured::Conflict(conflict) => assert_eq!(conflict.differences, [Difference::Source], "{other}"),
            there => panic!("{other}: {there:?}"),
        }
        record.unshare(&host, "/run/mounts".into()).unwrap();
    }
}
