//! Specifications: the default one, the one without root, and such as no runtime should run.

use serde_json::{Value, json};

use crate::rootfs::{BadConfig, RootfsPlan, RuntimeConfig};

/// The specification that `runc spec` writes, without its capabilities and limits.
fn default_spec() -> Value {
    json!({
        "ociVersion": "1.2.0",
        "process": {
            "terminal": true, "user": {"uid": 0, "gid": 0}, "args": ["sh"], "env": ["PATH=/bin", "TERM=xterm"], "cwd": "/",
            "noNewPrivileges": true,
        },
        "root": {"path": "rootfs", "readonly": true},
        "hostname": "runc",
        "mounts": [
            {"destination": "/proc", "type": "proc", "source": "proc"},
            {"destination": "/dev", "type": "tmpfs", "source": "tmpfs",
             "options": ["nosuid", "strictatime", "mode=755", "size=65536k"]},
            {"destination": "/dev/pts", "type": "devpts", "source": "devpts",
             "options": ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"]},
            {"destination": "/dev/shm", "type": "tmpfs", "source": "shm",
             "options": ["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"]},
            {"destination": "/dev/mqueue", "type": "mqueue", "source": "mqueue", "options": ["nosuid", "noexec", "nodev"]},
            {"destination": "/sys", "type": "sysfs", "source": "sysfs", "options": ["nosuid", "noexec", "nodev", "ro"]},
            {"destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup",
             "options": ["nosuid", "noexec", "nodev", "relatime", "ro"]},
        ],
        "linux": {
            "resources": {"devices": [{"allow": false, "access": "rwm"}]},
            "namespaces": [{"type": "pid"}, {"type": "network"}, {"type": "ipc"}, {"type": "uts"}, {"type": "mount"},
                           {"type": "cgroup"}],
            "maskedPaths": ["/proc/acpi", "/proc/kcore", "/sys/firmware"],
            "readonlyPaths": ["/proc/bus", "/proc/sys"],
        },
    })
}

/// The specification that `runc spec --rootless` writes, in the same way.
fn rootless_spec() -> Value {
    let mut spec = default_spec();
    spec["mounts"][2]["options"].as_array_mut().unwrap().pop();
    spec["mounts"][5] = json!({"destination": "/sys", "type": "none", "source": "/sys",
        "options": ["rbind", "nosuid", "noexec", "nodev", "ro"]});
    let linux = &mut spec["linux"];
    linux["namespaces"] = json!([{"type": "pid"}, {"type": "ipc"}, {"type": "uts"}, {"type": "mount"}, {"type": "cgroup"},
        {"type": "user"}]);
    linux["uidMappings"] = json!([{"containerID": 0, "hostID": 1000, "size": 1}]);
    linux["gidMappings"] = json!([{"containerID": 0, "hostID": 1000, "size": 1}]);
    spec
}

fn plan(spec: &Value) -> Result<RootfsPlan, BadConfig> {
    let config: RuntimeConfig = serde_json::from_str(&spec.to_string()).unwrap();
    RootfsPlan::from_config(&config, "/bundle".into())
}

/// The line of the refusal of the default specification with this value at this pointer.
fn refused_with(pointer: &str, value: Value) -> String {
    refused(default_spec(), pointer, value)
}

fn refused(mut spec: Value, pointer: &str, value: Value) -> String {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    match spec.pointer_mut(parent).unwrap() {
        Value::Object(fields) => drop(fields.insert(name.to_owned(), value)),
        Value::Array(entries) => entries[name.parse::<usize>().unwrap()] = value,
        other => panic!("{other} has no fields"),
    }
    let error = plan(&spec).expect_err(&spec.to_string()).to_string();
    assert!(!error.contains('\n'), "{error}");
    error.strip_prefix("config.json: ").unwrap().to_owned()
}

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
fn what_a_user_namespace_cannot_have_is_refused_before_anything_is_done() {
    let rootless = |pointer: &str, value: Value| refused(rootless_spec(), pointer, value);
    let pts = json!(["newinstance", "gid=5"]);
    assert_eq!(
        rootless("/mounts/2/options", pts),
        "mounts[2].options[1]: mount option \"gid=…\" cannot be used: 5 has no mapping in the user namespace"
    );
    let sysfs = json!({"destination": "/sys", "type": "sysfs"});
    assert_eq!(
        rootless("/mounts/5", sysfs),
        "mounts[5].type: a user namespace mounts sysfs with a network namespace of its own alone"
    );
    let device = json!([{"type": "c", "path": "/dev/fuse", "major": 10, "minor": 229, "uid": 7}]);
    assert_eq!(rootless("/linux/devices", device), "linux.devices[0].uid: 7 has no mapping in the user namespace");
    assert_eq!(
        rootless("/linux/uidMappings", json!([])),
        "linux.uidMappings: it is missing: the container has a new user namespace"
    );
}

#[test]
fn every_wrong_value_is_one_line_with_its_path() {
    for (pointer, value, line) in [
        ("/root", json!(null), "root: it is missing"),
        ("/root", json!([]), "root: expected an object, found a list"),
        ("/root/path", json!(""), "root.path: it is empty"),
        ("/root/path", json!("a\0b"), "root.path: it has a NUL, which ends a text for the kernel"),
        ("/root/readonly", json!("yes"), "root.readonly: expected true or false, found a text"),
        ("/root/readOnly", json!(true), "root.readOnly: the field is unknown"),
        ("/Mounts", json!([]), "Mounts: the field is unknown; its name is \"mounts\""),
        ("/process", json!(7), "process: expected an object, found an integer"),
        ("/process/terminal", json!(1.5), "process.terminal: expected true or false, found a number with a fraction"),
        ("/process/Terminal", json!(true), "process.Terminal: the field is unknown; its name is \"terminal\""),
        ("/mounts", json!({}), "mounts: expected a list, found an object"),
        ("/mounts/1", json!("dev"), "mounts[1]: expected an object, found a text"),
        (
            "/mounts/1/destination",
            json!("dev"),
            "mounts[1].destination: \"dev\" is not an absolute path in the container",
        ),
        ("/mounts/1/destination", json!(null), "mounts[1].destination: it is missing"),
        ("/mounts/1/type", json!(null), "mounts[1].type: it is missing, and no option is bind or rbind"),
        ("/mounts/1/typ", json!("tmpfs"), "mounts[1].typ: the field is unknown"),
        ("/mounts/1/uidMappings", json!([]), "mounts[1].uidMappings: mounts with mapped owners are not supported"),
        ("/mounts/1/options/1", json!(5), "mounts[1].options[1]: expected a text, found an integer"),
        (
            "/mounts/0",
            json!({"destination": "/m", "options": ["bind"]}),
            "mounts[0].source: it is missing: a bind has one",
        ),
        ("/linux", json!(null), "linux: it is missing"),
        ("/linux/maskedpaths", json!([]), "linux.maskedpaths: the field is unknown"),
        (
            "/linux/maskedPaths/1",
            json!("proc/kcore"),
            "linux.maskedPaths[1]: \"proc/kcore\" is not an absolute path in the container",
        ),
        ("/linux/readonlyPaths", json!("/proc"), "linux.readonlyPaths: expected a list, found a text"),
        ("/linux/mountLabel", json!("system_u:object_r:a:s0"), "linux.mountLabel: labels of mounts are not set here"),
        (
            "/linux/rootfsPropagation",
            json!("rslaves"),
            "linux.rootfsPropagation: wrong propagation type \"rslaves\": expected private, shared, slave or unbindable, with an r \
          before it for the whole tree",
        ),
        (
            "/linux/namespaces",
            json!([]),
            "linux.namespaces: no \"mount\": a root is built in a mount namespace of its own",
        ),
        (
            "/linux/namespaces/0",
            json!({"type": "mnt"}),
            "linux.namespaces[0].type: \"mnt\" is no type of namespace: expected one of pid, network, mount, ipc, uts, user, cgroup, \
          time",
        ),
        ("/linux/namespaces/0", json!({"type": "mount"}), "linux.namespaces[4]: a second namespace of type \"mount\""),
        (
            "/linux/uidMappings",
            json!([{"containerID": 0, "hostID": 0, "size": 1}]),
            "linux.uidMappings: the container has no user namespace",
        ),
        (
            "/linux/gidMappings",
            json!([{"containerID": 0, "hostID": 0, "size": 0}]),
            "linux.gidMappings[0].size: the range is empty",
        ),
        (
            "/linux/gidMappings",
            json!([{"containerID": 9, "hostID": 0, "size": 4_294_967_295_u32}]),
            "linux.gidMappings[0].size: the range ends above the last id",
        ),
        (
            "/linux/gidMappings",
            json!([{"containerID": -1, "hostID": 0, "size": 1}]),
            "linux.gidMappings[0].containerID: the number is not in 0..=4294967294",
        ),
    ] {
        assert_eq!(refused_with(pointer, value), line);
    }
    let long = format!("/{}", "a".repeat(4095));
    assert_eq!(
        refused_with("/mounts/0/destination", json!(long)),
        "mounts[0].destination: it has 4096 bytes, and a path at most 4095"
    );
}

#[test]
fn option_that_is_not_served_is_named_with_its_entry() {
    let bind = |words: Value| refused_with("/mounts/0", json!({"destination": "/m", "source": "/s", "options": words}));
    let said = |path: &str, word: &str, reason: &str| format!("{path}: mount option {word:?} cannot be used: {reason}");
    let of_a_bind = "a bind takes no option of a filesystem";
    let at = "mounts[0].options[1]";
    assert_eq!(
        bind(json!(["bind", "nosiud"])),
        said(at, "nosiud", &format!("{of_a_bind}; the nearest word is \"nosuid\""))
    );
    assert_eq!(bind(json!(["ro", "bind,size=5"])), said(at, "size=…", of_a_bind));
    assert_eq!(bind(json!(["bind", "sync"])), said(at, "sync", "a bind leaves the superblock as it is"));
    assert_eq!(bind(json!(["bind", "idmap"])), said(at, "idmap", "mounts with mapped owners are not supported"));
    let userspace = "it is for mount(8) or systemd, and no kernel takes it";
    assert_eq!(bind(json!(["bind", "x-systemd.automount"])), said(at, "x-systemd.automount", userspace));
    assert_eq!(bind(json!(["bind", ""])), said(at, "", "it is empty"));
    let words = |words: Value| refused_with("/mounts/1/options", words);
    let at = "mounts[1].options[0]";
    assert_eq!(words(json!(["nofail"])), said(at, "nofail", userspace));
    let of_procfs = refused_with("/mounts/0/options", json!(["tmpcopyup"]));
    assert_eq!(of_procfs, said("mounts[0].options[0]", "tmpcopyup", "only a tmpfs takes it"));
    let mut copied_up = default_spec();
    copied_up["mounts"][1]["options"] = json!(["tmpcopyup"]);
    assert!(plan(&copied_up).is_ok());
    let no_word = refused_with("/mounts/1", json!({"destination": "/data", "type": "bind", "source": "vol"}));
    assert_eq!(no_word, "mounts[1].options: the type is bind, and no option is bind or rbind");
    assert!(words(json!(["remount"])).starts_with(&said(at, "remount", "")));
    let cgroup = refused_with("/mounts/6/options", json!(["ro", "nsdelegate"]));
    assert_eq!(cgroup, said("mounts[6].options[1]", "nsdelegate", "the host decides on the hierarchies"));
}

#[test]
fn mounts_inside_proc_are_those_that_runc_and_crun_allow() {
    let at = |destination: &str| {
        let mut spec = default_spec();
        spec["mounts"]
            .as_array_mut()
            .unwrap()
            .push(json!({"destination": destination, "source": "/s", "options": ["bind"]}));
        plan(&spec).map(drop).map_err(|error| error.to_string())
    };
    for allowed in ["/proc/cpuinfo", "/proc//./net/../net/dev", "/proc/sys/kernel/ns_last_pid", "/proc", "/procs", "/a"]
    {
        assert_eq!(at(allowed), Ok(()), "{allowed}");
    }
    for refused in ["/proc/self/attr", "/proc/sys", "/a/../proc/1", "/proc/cpuinfo/x"] {
        let error = at(refused).unwrap_err();
        let reason = "it is inside /proc, and not one of the files that a mount may cover";
        assert_eq!(error, format!("config.json: mounts[7].destination: {refused:?}: {reason}"));
    }
    assert!(at("/a/..").unwrap_err().ends_with("the root is root.path, and nothing is mounted over it"));
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
fn plan_is_stored_and_read_again() {
    for spec in [default_spec(), rootless_spec()] {
        let plan = plan(&spec).unwrap();
        let stored = serde_json::to_string(&plan).unwrap();
        assert_eq!(serde_json::from_str::<RootfsPlan>(&stored).unwrap(), plan);
    }
}
