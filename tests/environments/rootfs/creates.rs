//! Names that a build will create on filesystems of the host.

use mountwright_core::OsError;
use mountwright_fake::{FakeBackend, HostBuilder};
use mountwright_tests::container_spec::DEVICES;
use serde_json::{Value, json};

use crate::Case;
use crate::specs::{plan, with_mounts};

const IMAGE: &str = "mount / ext4 /dev/vda1 dev=254:1
 dir /image
 dir /vol/data
 file /vol/hosts hosts";

fn host(more: &str) -> FakeBackend {
    HostBuilder::from_text(&format!("{IMAGE}\n{DEVICES}{more}")).unwrap().build().unwrap()
}

fn dev() -> Value {
    json!({"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["mode=755"]})
}

fn bind(source: &str, destination: &str) -> Value {
    json!({"destination": destination, "source": source, "options": ["bind"]})
}

fn created(host: &FakeBackend, mounts: &Value) -> Result<Vec<String>, OsError> {
    let created = plan(&with_mounts(mounts)).creates(host)?;
    Ok(created.iter().map(ToString::to_string).collect())
}

fn errno(host: &FakeBackend, mounts: &Value) -> String {
    created(host, mounts).unwrap_err().errno().to_string()
}

pub(crate) const CASES: &[Case] = &[
    ("targets_that_are_missing_are_created_with_their_parents", || {
        let mounts = json!([dev(), bind("/vol/data", "/srv/data"), bind("/vol/hosts", "/etc/hosts")]);
        let all = [
            "/image/dev (directory)",
            "/image/srv (directory)",
            "/image/srv/data (directory)",
            "/image/etc (directory)",
            "/image/etc/hosts (regular file)",
        ];
        assert_eq!(created(&host(""), &mounts).unwrap(), all);
        let there = host(" dir /image/dev\n dir /image/srv/data\n file /image/etc/hosts x");
        assert_eq!(created(&there, &mounts).unwrap(), [""; 0]);
    }),
    ("names_on_a_new_filesystem_are_none_of_the_host", || {
        let pts = json!({"destination": "/dev/pts", "type": "devpts"});
        let proc = json!({"destination": "/proc", "type": "proc"});
        let mounts = json!([dev(), pts, bind("/vol/data", "/dev/a/b"), proc, bind("/vol/hosts", "/proc/cpuinfo")]);
        assert_eq!(created(&host(""), &mounts).unwrap(), ["/image/dev (directory)", "/image/proc (directory)"]);
    }),
    ("names_below_a_bind_are_created_in_its_source", || {
        let mounts = json!([dev(), bind("/vol", "/m"), bind("/vol/hosts", "/m/data/x")]);
        let all = ["/image/dev (directory)", "/image/m (directory)", "/vol/data/x (regular file)"];
        assert_eq!(created(&host(""), &mounts).unwrap(), all);
    }),
    ("symlinks_of_the_image_are_followed_inside_it", || {
        let image =
            host(" dir /image/dev\n dir /image/run\n link /image/var/run ../../../run\n link /image/etc/a /srv/gone/b");
        let mounts = json!([dev(), bind("/vol/hosts", "/var/run/s"), bind("/vol/data", "/etc/a")]);
        let all = [
            "/image/run/s (regular file)",
            "/image/srv (directory)",
            "/image/srv/gone (directory)",
            "/image/srv/gone/b (directory)",
        ];
        assert_eq!(created(&image, &mounts).unwrap(), all);
    }),
    ("devices_and_links_are_created_in_the_image_where_nothing_is_mounted_on_dev", || {
        let image = host(" dir /image/dev\n file /image/dev/null x\n link /image/dev/fd /proc/self/fd");
        let all = created(&image, &json!([])).unwrap();
        assert_eq!(all.len(), 10, "{all:?}");
        assert!(all.contains(&"/image/dev/zero (regular file)".to_owned()), "{all:?}");
        assert!(all.contains(&"/image/dev/ptmx (symbolic link)".to_owned()), "{all:?}");
    }),
    ("build_that_will_fail_is_known_before", || {
        let image = host(" dir /image/dev\n link /image/loop loop\n file /image/file x");
        assert_eq!(errno(&image, &json!([dev(), bind("/gone", "/m")])), "ENOENT");
        assert_eq!(errno(&image, &json!([dev(), bind("/vol/data", "/missing/../m")])), "ENOENT");
        assert_eq!(errno(&image, &json!([dev(), bind("/vol/data", "/loop/m")])), "ELOOP");
        assert_eq!(errno(&image, &json!([dev(), bind("/vol/data", "/file/m")])), "ENOTDIR");
    }),
    ("question_changes_nothing", || {
        let image = host("");
        let before = image.to_string();
        created(&image, &json!([dev(), bind("/vol/data", "/srv/data")])).unwrap();
        assert_eq!(image.to_string(), before);
    }),
];
