//! Hosts in words.

use mountwright_core::{BindRequest, FileMode, Filesystem, Location, Mounter};
use mountwright_fake::{FakeBackend, HostBuilder};

fn at(path: &str) -> Location {
    Location::trusted(path)
}

fn host() -> FakeBackend {
    HostBuilder::from_text(
        "
        mount /      ext4  /dev/vda1 dev=254:1 shared:1
        mount /srv   tmpfs tmpfs     ro,nosuid shared:2 options=ro
        bind  /srv/x /srv/y          nodev master:2
        mount /srv/y tmpfs cover     unbindable
        mount /mnt   xfs   /dev/vdb  dev=254:16
        file  /etc/f text
        ",
    )
    .unwrap()
    .build()
    .unwrap()
}

#[test]
fn a_host_prints_as_findmnt_draws_it() {
    assert_eq!(
        host().to_string(),
        "\
TARGET        SOURCE     FSTYPE  OPTIONS                            PROPAGATION
/             /dev/vda1  ext4    rw,relatime                        shared:1
├─/srv        tmpfs      tmpfs   ro,nosuid,relatime                 shared:2
│ └─/srv/y    tmpfs[/x]  tmpfs   rw,nodev,relatime (superblock ro)  slave:2
│   └─/srv/y  cover      tmpfs   rw,relatime                        unbindable
└─/mnt        /dev/vdb   xfs     rw,relatime                        private
"
    );
}

#[test]
fn the_same_host_does_not_differ() {
    let host = host();
    assert!(host.difference(&host.snapshot()).is_empty());
    assert_eq!(host.difference(&host.snapshot()).to_string(), "");
}

#[test]
fn a_difference_names_mounts_and_files() {
    let host = host();
    let before = host.snapshot();
    let request = BindRequest::new(at("/etc"), at("/mnt/etc")).read_only();
    host.bind(&request.creating_target(FileMode::from_bits(0o700))).unwrap();
    host.open_dir(&at("/etc")).unwrap().replace_file("f".as_ref(), b"new", FileMode::from_bits(0o600)).unwrap();
    assert_eq!(
        before.difference(&host).to_string(),
        "\
+ mount 7 6 254:1 /etc /mnt/etc ro,relatime shared:1 - ext4 /dev/vda1 rw
- 254:1:/etc/f file of 4 bytes \"text\" 0644 0:0
+ 254:1:/etc/f file of 3 bytes \"new\" 0600 0:0
+ 254:16:/etc directory 0700 0:0
"
    );
    let back = host.difference(&before).to_string();
    assert!(back.contains("- mount 7 6") && back.contains("- 254:16:/etc"), "{back}");
}
