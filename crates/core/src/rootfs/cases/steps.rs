//! Steps of plans, printed, compared and stored.

use serde_json::{Value, json};

use crate::rootfs::cases::{default_spec, plan, refused, refused_with, rootless_spec};
use crate::rootfs::{RootfsPlan, RuntimeConfig};

#[test]
fn default_specification_is_printed_step_by_step() {
    let expected = "\
prepare the mount namespace
  every mount of the namespace: slave
build the root
   1. /: bind of /bundle/rootfs with the mounts below it
   2. /dev: new tmpfs (nosuid,strictatime,mode=755,size=65536k)
   3. /dev/pts: new devpts (nosuid,noexec,newinstance,ptmxmode=0666,mode=0620,gid=5)
   4. /dev/shm: new tmpfs of shm (nosuid,nodev,noexec,mode=1777,size=65536k)
   5. /dev/mqueue: new mqueue (nosuid,nodev,noexec)
   6. /sys: new sysfs (ro,nosuid,nodev,noexec)
   7. /sys/fs/cgroup: cgroups of the container (ro,nosuid,nodev,noexec,relatime)
   8. /proc: new proc
   9. /dev/null: character device 1:3, mode 0666, uid 0, gid 0, by a node
  10. /dev/zero: character device 1:5, mode 0666, uid 0, gid 0, by a node
  11. /dev/full: character device 1:7, mode 0666, uid 0, gid 0, by a node
  12. /dev/random: character device 1:8, mode 0666, uid 0, gid 0, by a node
  13. /dev/urandom: character device 1:9, mode 0666, uid 0, gid 0, by a node
  14. /dev/tty: character device 5:0, mode 0666, uid 0, gid 0, by a node
  15. /dev/fd: symlink to /proc/self/fd
  16. /dev/stdin: symlink to /proc/self/fd/0
  17. /dev/stdout: symlink to /proc/self/fd/1
  18. /dev/stderr: symlink to /proc/self/fd/2
  19. /dev/core: symlink to /proc/kcore
  20. /dev/ptmx: symlink to pts/ptmx
  21. /dev/console: bind of the terminal
  22. /proc/acpi: masked, where it is there
  23. /proc/kcore: masked, where it is there
  24. /sys/firmware: masked, where it is there
  25. /proc/bus: read-only with all below it, where it is there
  26. /proc/sys: read-only with all below it, where it is there
  27. /: read-only
finish it, once the process is in it
  28. /sys/fs/cgroup: read-only
";
    let plan = plan(&default_spec()).unwrap();
    assert_eq!(plan.to_string(), expected);
    assert!(plan.needs_terminal());
    let mut without = default_spec();
    without["process"]["terminal"] = json!(false);
    assert!(!super::plan(&without).unwrap().needs_terminal());
    let not_mine = [
        "ociVersion",
        "hostname",
        "process.user",
        "process.args",
        "process.env",
        "process.cwd",
        "process.noNewPrivileges",
        "linux.resources",
    ];
    let mut listed: Vec<_> = plan.not_mine().iter().map(String::as_str).collect();
    listed.sort_unstable();
    let mut expected = not_mine;
    expected.sort_unstable();
    assert_eq!(listed, expected);
}

#[test]
fn specification_without_root_binds_its_devices() {
    let text = plan(&rootless_spec()).unwrap().to_string();
    assert!(text.contains("/dev/null: character device 1:3, by a bind of the host's\n"), "{text}");
    assert!(text.contains("/sys: bind of /sys (rbind,ro,nosuid,nodev,noexec)\n"), "{text}");
    assert!(!text.contains("by a node"), "{text}");
}

#[test]
fn devices_are_those_of_the_specification_and_the_defaults() {
    let lines = |devices: Value| {
        let mut spec = default_spec();
        spec["linux"]["devices"] = devices;
        plan(&spec).unwrap().to_string()
    };
    let text = lines(json!([
        {"type": "c", "path": "/dev/fuse", "major": 10, "minor": 229, "fileMode": 8630, "uid": 3, "gid": 4},
        {"type": "b", "path": "/dev/sda", "major": 8, "minor": 0},
        {"type": "p", "path": "/dev/log", "fileMode": 384},
        {"type": "u", "path": "/dev/../dev/null", "major": 1, "minor": 3, "fileMode": 416},
        {"type": "c", "path": "/dev/ptmx", "major": 5, "minor": 2},
        {"type": "c", "path": "/opt/zero", "major": 1, "minor": 5},
    ]));
    for line in [
        "/dev/fuse: character device 10:229, mode 0666, uid 3, gid 4, by a node\n",
        "/dev/sda: block device 8:0, mode 0666, uid 0, gid 0, by a node\n",
        "/dev/log: named pipe, mode 0600, uid 0, gid 0, by a node\n",
        "/dev/../dev/null: character device 1:3, mode 0640, uid 0, gid 0, by a node\n",
        "/opt/zero: character device 1:5, by a bind of the host's\n",
        "/dev/ptmx: symlink to pts/ptmx\n",
    ] {
        assert!(text.contains(line), "{line}{text}");
    }
    assert!(!text.contains(" /dev/null:") && !text.contains("/dev/ptmx: char"), "{text}");
    assert!(text.contains(" /dev/zero: "), "{text}");
    for (kind, mode) in [("b", 0o060_600), ("c", 0o020_600)] {
        let device = json!([{"type": kind, "path": "/dev/a", "major": 1, "minor": 1, "fileMode": mode}]);
        assert!(lines(device).contains("/dev/a: "), "{kind}");
    }
    assert!(lines(json!([{"type": "p", "path": "/dev/a", "fileMode": 0o010_600}])).contains("/dev/a: "));
    let device = |device: Value| refused_with("/linux/devices", json!([device]));
    for (value, line) in [
        (json!({"type": "x", "path": "/dev/a"}), "[0].type: \"x\" is no type of device: expected c, u, b or p"),
        (json!({"type": "c", "path": "/dev/a", "minor": 1}), "[0].major: it is missing"),
        (json!({"type": "c", "path": "/dev/a", "major": 4096, "minor": 1}), "[0].major: the number is not in 0..=4095"),
        (
            json!({"type": "c", "path": "dev/a", "major": 1, "minor": 1}),
            "[0].path: \"dev/a\" is not an absolute path in the container",
        ),
        (
            json!({"type": "c", "path": "/dev/a", "major": 1, "minor": 1, "fileMode": 24576}),
            "[0].fileMode: 24576 (octal 60000) is the mode of another kind of file",
        ),
        (json!({"type": "p", "path": "/dev/a", "major": 1}), "[0]: a named pipe has no device number"),
        (
            json!({"type": "p", "path": "/opt/a"}),
            "[0].path: a named pipe is created on a tmpfs of the container's own alone",
        ),
        (
            json!({"type": "c", "path": "/dev/ptmx", "major": 5, "minor": 0}),
            "[0].path: it is the multiplexer of the container's own devpts, 5:2",
        ),
        (
            json!({"type": "c", "path": "/dev/a", "major": 1, "minor": 1, "filemode": 1}),
            "[0].filemode: the field is unknown",
        ),
    ] {
        assert_eq!(device(value), format!("linux.devices{line}"));
    }
}

#[test]
fn directory_of_the_host_on_dev_is_left_as_it_is() {
    let mut spec = default_spec();
    spec["mounts"] = json!([{"destination": "/dev/", "source": "/dev", "options": ["rbind"]}]);
    let text = plan(&spec).unwrap().to_string();
    assert!(!text.contains("symlink") && !text.contains("device"), "{text}");
    let devices = json!([{"type": "c", "path": "/dev/fuse", "major": 10, "minor": 229}]);
    let line = refused(spec, "/linux/devices", devices);
    assert!(line.starts_with("linux.devices[0]: a directory of the host is bound on /dev"), "{line}");
}

#[test]
fn name_that_a_mount_takes_is_no_default_device() {
    let mut spec = default_spec();
    spec["mounts"].as_array_mut().unwrap().extend([
        json!({"destination": "/dev/tty", "source": "/dev/tty7", "options": ["bind"]}),
        json!({"destination": "/dev/ptmx", "source": "/dev/ptmx", "options": ["bind"]}),
    ]);
    let text = plan(&spec).unwrap().to_string();
    assert!(!text.contains("/dev/tty: character") && !text.contains("/dev/ptmx: symlink"), "{text}");
}

#[test]
fn relative_paths_are_relative_to_the_bundle() {
    let mut spec = default_spec();
    spec["root"]["path"] = json!("/images/a");
    spec["mounts"] = json!([{"destination": "/m", "source": "vol/a", "options": ["bind"]}]);
    let plan = plan(&spec).unwrap();
    assert_eq!(plan.image().unwrap(), "/images/a");
    assert!(plan.to_string().contains("/m: bind of /bundle/vol/a (bind)"), "{plan}");
    let config: RuntimeConfig = serde_json::from_str(&spec.to_string()).unwrap();
    let error = RootfsPlan::from_config(&config, "bundle".into()).unwrap_err().to_string();
    assert_eq!(error, "config.json: root.path: the bundle \"bundle\" is not an absolute path");
}

#[test]
fn propagation_of_the_root_is_split_in_preparation_and_finish() {
    let parts = |word: &str| {
        let mut spec = default_spec();
        spec["linux"]["rootfsPropagation"] = json!(word);
        let text = plan(&spec).unwrap().to_string();
        (text.lines().nth(1).unwrap().trim().to_owned(), text.lines().last().unwrap().trim().to_owned())
    };
    let every = |word: &str| format!("every mount of the namespace: {word}");
    assert_eq!(parts("").1, "28. /sys/fs/cgroup: read-only");
    assert_eq!(parts("rslave"), (every("slave"), "29. /: rslave".into()));
    assert_eq!(parts("private"), (every("private"), "29. /: private".into()));
    assert_eq!(parts("runbindable"), (every("private"), "29. /: runbindable".into()));
    assert_eq!(parts("rshared"), ("the mount that holds the image: private".into(), "29. /: rshared".into()));
}

#[test]
fn tmpfs_that_becomes_read_only_is_filled_first_and_hooks_find_a_writable_root() {
    let mut spec = default_spec();
    spec["mounts"][6]["options"] = json!(["nosuid"]);
    let writable = plan(&spec).unwrap().to_string();
    assert!(!writable.contains("/sys/fs/cgroup: read-only"), "{writable}");
    let mut spec = default_spec();
    spec["mounts"][1]["options"] = json!(["ro", "mode=755"]);
    let plan = plan(&spec).unwrap();
    assert!(
        plan.to_string().ends_with(
            "finish it, once the process is in it\n  28. /dev: read-only\n  29. /sys/fs/cgroup: read-only\n"
        ),
        "{plan}"
    );
    let hooked = plan.clone().with_hooks();
    assert_eq!(
        plan.difference(&hooked).iter().filter(|line| line.starts_with("+ finish: ")).count(),
        6,
        "{:?}",
        plan.difference(&hooked)
    );
    assert!(
        hooked.to_string().ends_with("27. /: read-only\n  28. /dev: read-only\n  29. /sys/fs/cgroup: read-only\n"),
        "{hooked}"
    );
}

#[test]
fn plans_are_compared_by_their_steps_and_secrets_stay_out_of_the_text() {
    let mut spec = default_spec();
    let cifs = |password: &str| json!({"destination": "/m", "type": "cifs", "source": "//srv/a", "options": [format!("password={password}")]});
    spec["mounts"][4] = cifs("hunter2");
    let one = plan(&spec).unwrap();
    spec["mounts"][4] = cifs("other");
    spec["root"]["readonly"] = json!(false);
    let other = plan(&spec).unwrap();
    let line = "build: /m: new cifs of //srv/a (password=…)";
    assert_eq!(one.difference(&other), [format!("- {line}"), format!("+ {line}"), "- build: /: read-only".to_owned()]);
    assert_eq!(one.difference(&one), [""; 0]);
    assert!(!format!("{one:?}").contains("hunter2"), "{one:?}");
}

#[test]
fn empty_path_of_cgroups_is_none() {
    let with = |path: &str| {
        let mut spec = default_spec();
        spec["linux"]["cgroupsPath"] = json!(path);
        plan(&spec).unwrap().cgroups_path
    };
    assert_eq!((with(""), with("/box").as_deref()), (None, Some("/box")));
}

#[test]
fn plan_is_stored_and_read_again() {
    for spec in [default_spec(), rootless_spec()] {
        let plan = plan(&spec).unwrap();
        let stored = serde_json::to_string(&plan).unwrap();
        assert_eq!(serde_json::from_str::<RootfsPlan>(&stored).unwrap(), plan);
    }
}

#[test]
fn label_of_the_specification_is_an_option_of_new_filesystems() {
    let label = "system_u:object_r:container_file_t:s0:c1,c2";
    let mut spec = default_spec();
    let before = plan(&spec).unwrap();
    spec["linux"]["mountLabel"] = json!(label);
    spec["mounts"][3]["options"] = json!(["context=own"]);
    let lines = before.difference(&plan(&spec).unwrap());
    let added: Vec<_> = lines.iter().filter(|line| line.starts_with('+')).map(String::as_str).collect();
    assert_eq!(
        added,
        [
            "+ build: /dev: new tmpfs (nosuid,strictatime,mode=755,size=65536k,context=system_u:object_r:container_file_t:s0:c1,c2)",
            "+ build: /dev/pts: new devpts (nosuid,noexec,newinstance,ptmxmode=0666,mode=0620,gid=5,context=system_u:object_r:container_file_t:s0:c1,c2)",
            "+ build: /dev/shm: new tmpfs of shm (context=own)",
            "+ build: /proc/acpi: masked, where it is there, label system_u:object_r:container_file_t:s0:c1,c2",
            "+ build: /proc/kcore: masked, where it is there, label system_u:object_r:container_file_t:s0:c1,c2",
            "+ build: /sys/firmware: masked, where it is there, label system_u:object_r:container_file_t:s0:c1,c2",
        ]
    );
}

#[test]
fn maps_of_owners_are_carried_by_binds() {
    let of = |options: Value, uids: Value, gids: Value| {
        let mut spec = default_spec();
        spec["mounts"][3] = json!({"destination": "/m", "source": "/s", "options": options, "uidMappings": uids,
            "gidMappings": gids});
        plan(&spec).unwrap()
    };
    let range = || json!([{"containerID": 0, "hostID": 100_000, "size": 65_536}]);
    let top = of(json!(["rbind", "ro", "idmap"]), range(), range());
    let tree = of(json!(["rbind", "ro", "ridmap"]), range(), range());
    let line = "/m: bind of /s (rbind,ro), owners mapped";
    assert!(top.to_string().contains(&format!("{line}\n")), "{top}");
    assert!(tree.to_string().contains(&format!("{line} of every mount\n")), "{tree}");
    // The word may be missing, and no ranges are no map.
    assert_eq!(of(json!(["rbind", "ro"]), range(), range()), top);
    let none = of(json!(["rbind", "ro"]), json!([]), json!([]));
    assert!(none.to_string().contains("/m: bind of /s (rbind,ro)\n"), "{none}");
    assert!(!top.difference(&none).is_empty());
    let stored = serde_json::to_string(&top).unwrap();
    assert_eq!(serde_json::from_str::<RootfsPlan>(&stored).unwrap(), top);
}
