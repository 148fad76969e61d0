//! Refusals, each one line with its JSON path.

use serde_json::{Value, json};

use crate::rootfs::cases::{default_spec, plan, refused, refused_with, rootless_spec};
use crate::rootfs::places::must_be_ordinary;

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
    let of_uid = json!(["newinstance", "uid=5"]);
    assert!(rootless("/mounts/2/options", of_uid).contains("\"uid=…\" cannot be used: 5 has no mapping"));
    let device = |uid: u32| json!([{"type": "c", "path": "/dev/fuse", "major": 10, "minor": 229, "uid": uid}]);
    for (uid, reason) in [
        (1, "1 has no mapping in the user namespace"),
        (7, "7 has no mapping in the user namespace"),
        (u32::MAX, "the number is not in 0..=4294967294"),
    ] {
        assert_eq!(rootless("/linux/devices", device(uid)), format!("linux.devices[0].uid: {reason}"));
    }
    let mut mapped = rootless_spec();
    mapped["linux"]["devices"] = device(0);
    assert!(plan(&mapped).is_ok());
    assert_eq!(
        rootless("/linux/uidMappings", json!([])),
        "linux.uidMappings: it is missing: the container has a new user namespace"
    );
    for (path, is_new) in [("", true), ("/proc/1/ns/user", false)] {
        let mut joined = rootless_spec();
        (joined["linux"]["uidMappings"], joined["linux"]["gidMappings"]) = (json!([]), json!([]));
        joined["linux"]["namespaces"][5] = json!({"type": "user", "path": path});
        assert_eq!(plan(&joined).is_err(), is_new, "{path}");
    }
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
        (
            "/mounts/1/uidMappings",
            json!([{"containerID": 0, "hostID": 0, "size": 1}]),
            "mounts[1].gidMappings: it is missing: users are mapped, and no groups",
        ),
        (
            "/mounts/1/gidMappings",
            json!([{"containerID": 0, "hostID": 0, "size": 1}]),
            "mounts[1].uidMappings: it is missing: groups are mapped, and no users",
        ),
        ("/mounts/1/gidMappings", json!({}), "mounts[1].gidMappings: expected a list, found an object"),
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
        ("/linux/mountLabel", json!(5), "linux.mountLabel: expected a text, found an integer"),
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
        (
            "/linux/gidMappings",
            json!([{"containerID": 0, "hostID": u32::MAX, "size": 1}]),
            "linux.gidMappings[0].hostID: the number is not in 0..=4294967294",
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
    assert_eq!(bind(json!(["bind", "idmap"])), said(at, "idmap", "no ranges: uidMappings and gidMappings are missing"));
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
    for (at, is_ordinary) in [("/proc", true), ("/a/../sys/", true), ("/sys/fs", false), ("/dev", false)] {
        assert_eq!(must_be_ordinary(at.into()), is_ordinary, "{at}");
    }
    assert!(at("/a/..").unwrap_err().ends_with("the root is root.path, and nothing is mounted over it"));
}

#[test]
fn maps_of_owners_are_refused_by_name() {
    let good = json!([{"containerID": 0, "hostID": 1000, "size": 10}]);
    let entry = |more: Value, uids: &Value| {
        let mut entry = json!({"destination": "/m", "source": "/s", "uidMappings": uids, "gidMappings": good});
        entry.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        entry
    };
    let bind = json!({"options": ["bind"]});
    let no_new = entry(json!({"type": "tmpfs"}), &good);
    assert_eq!(refused_with("/mounts/0", no_new), "mounts[0].uidMappings: owners are mapped by a bind alone");
    let empty = entry(bind.clone(), &json!([{"containerID": 0, "hostID": 0, "size": 0}]));
    assert_eq!(refused_with("/mounts/0", empty), "mounts[0].uidMappings[0].size: the range is empty");
    assert_eq!(
        refused(rootless_spec(), "/mounts/0", entry(bind, &good)),
        "mounts[0].uidMappings: a container with a user namespace maps no owners of the host's filesystems"
    );
}
