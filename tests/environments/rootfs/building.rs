//! The default root, built on the model and on the kernel.

use std::path::Path;

use mountwright_core::file::{FileKind, FinalSymlink};
use mountwright_core::mount::{MountNamespaceId, PinnedNamespace, TreeForm};
use mountwright_core::ports::ProcessRoot;
use mountwright_core::{Backend, DeviceNumber, Errno, FileMode, Location, MountFlags, Mounter, Operation};
use mountwright_fake::{Failure, FakeBackend, HostBuilder, KernelVersion};
use mountwright_linux::LinuxBackend;
use mountwright_tests::container_spec::DEVICES;
use mountwright_tests::kernel_trials::KernelCase;
use mountwright_tests::machine::furnish;
use serde_json::{Value, json};

use crate::Case;
use crate::dying::state;
use crate::specs::{default_spec, plan};

/// The host of a build on the model.
const HOST: &str = "mount / ext4 /dev/vda1 dev=254:1
 dir /w/image/bin
 file /w/image/bin/sh x
 dir /proc
 dir /sys
mount /proc proc proc
mount /dev tmpfs dev
 char /dev/pty 136:7";

/// The same on the kernel, in a fresh root.
pub(crate) const FURNISHED: &str =
    "dir /w/image/bin; file /w/image/bin/sh x; tmpfs /dev; char 1:3 /dev/null; char 1:5 /dev/zero
    char 1:7 /dev/full; char 1:8 /dev/random; char 1:9 /dev/urandom; char 5:0 /dev/tty; char 136:7 /dev/pty";

pub(crate) fn host(more: &str) -> FakeBackend {
    host_of(KernelVersion::V6_18, more)
}

pub(crate) fn host_of(version: KernelVersion, more: &str) -> FakeBackend {
    HostBuilder::from_text(&format!("{HOST}\n{DEVICES}{more}")).unwrap().kernel(version).build().unwrap()
}

pub(crate) fn terminal() -> Location {
    Location::trusted("/dev/pty")
}

fn inside(path: &str) -> Location {
    Location::in_root("/w/image", path)
}

/// The mounts at the image and below it: mount point, type and attributes, in order of the mount points.
pub(crate) fn mounts(backend: &dyn Backend) -> Vec<String> {
    let table = backend.mounts().unwrap();
    let infos = table.iter().map(|row| row.to_info()).filter(|info| info.mount_point.starts_with("/w/image"));
    let row = |info: mountwright_core::MountInfo| {
        let at = info.mount_point.display().to_string();
        let read_only = if info.attributes.flags.contains(MountFlags::READ_ONLY) { "ro" } else { "rw" };
        let others = info.attributes.flags.without(MountFlags::READ_ONLY);
        let at = at.strip_prefix("/w/image").filter(|at| !at.is_empty()).unwrap_or("/").to_owned();
        format!("{at} {} {read_only} {others}", info.fs_type.display()).trim_end().to_owned()
    };
    let mut rows: Vec<_> = infos.map(row).collect();
    rows.sort();
    rows
}

/// The default root without the type of the image's filesystem.
const ROOT: &[&str] = &[
    "/dev tmpfs rw nosuid",
    "/dev/console",
    "/dev/mqueue mqueue rw nosuid,nodev,noexec",
    "/dev/pts devpts rw nosuid,noexec",
    "/dev/shm tmpfs rw nosuid,nodev,noexec",
    "/proc proc rw",
    "/proc/keys",
    "/proc/sys proc ro",
    "/sys sysfs ro nosuid,nodev,noexec",
    "/sys/firmware tmpfs ro nosuid,nodev,noexec",
];

/// Builds the default root, and looks at it.
#[track_caller]
fn must_build(backend: &dyn Backend, form: TreeForm) {
    let plan = plan(&default_spec());
    let report = plan.build(backend, Some(&terminal())).unwrap();
    assert_eq!((report.form, report.attempts), (form, 1));
    assert_eq!(backend.mount_of(&Location::trusted("/w/image")).unwrap().mount.key(), report.mount);
    let mounts = mounts(backend);
    for row in ROOT {
        assert!(mounts.iter().any(|mount| mount.starts_with(row)), "no {row} in {mounts:#?}");
    }
    assert!(mounts[0].starts_with("/ ") && mounts[0].ends_with(" ro"), "{mounts:?}");
    assert_eq!(mounts.len(), ROOT.len() + 1, "{mounts:#?}");
    for (name, major, minor) in [("null", 1, 3), ("zero", 1, 5), ("full", 1, 7), ("tty", 5, 0)] {
        let node = backend.metadata(&inside(&format!("/dev/{name}")), FinalSymlink::Itself).unwrap();
        let number = mountwright_core::DeviceNumber::new(major, minor);
        let seen = (node.kind, node.represents, node.mode, node.uid, node.gid);
        assert_eq!(seen, (FileKind::CharacterDevice, Some(number), FileMode::from_bits(0o666), 0, 0), "{name}");
    }
    for (name, target) in [("fd", "/proc/self/fd"), ("stdin", "/proc/self/fd/0"), ("ptmx", "pts/ptmx")] {
        assert_eq!(backend.read_link(&inside(&format!("/dev/{name}"))).unwrap(), Path::new(target));
    }
    let masked = backend.metadata(&inside("/proc/keys"), FinalSymlink::Follow).unwrap();
    assert_eq!(masked.represents, Some(mountwright_core::DeviceNumber::new(1, 3)));
    let written = backend.create_file(&inside("/new"), FileMode::from_bits(0o600)).unwrap_err();
    assert_eq!(written.errno(), Errno::EROFS);
}

/// Builds with a label for new filesystems, which this kernel does not have.
fn must_refuse_a_label(backend: &dyn Backend) {
    let mut spec = default_spec();
    spec["linux"]["mountLabel"] = json!("system_u:object_r:container_file_t:s0:c1,c2");
    let before = backend.mounts().unwrap().iter().count();
    let error = plan(&spec).build(backend, Some(&terminal())).unwrap_err();
    assert_eq!(error.errno(), Errno::EINVAL, "{error}");
    assert!(error.detail().is_some_and(|detail| detail.contains("context")), "{error}");
    assert_eq!(backend.mounts().unwrap().iter().count(), before);
}

fn bind(source: &str, destination: &str) -> Value {
    json!({"destination": destination, "source": source, "options": ["bind"]})
}

/// The errno and the detail of a build with one more mount.
fn refused(host: &FakeBackend, mount: &Value) -> String {
    let mut spec = default_spec();
    spec["mounts"].as_array_mut().unwrap().push(mount.clone());
    let before = state(host);
    let error = plan(&spec).build(host, Some(&terminal())).unwrap_err();
    assert_eq!(state(host).mounts, before.mounts, "{error}");
    format!("{}: {}", error.errno(), error.detail().unwrap_or_default())
}

pub(crate) const CASES: &[Case] = &[
    ("default_root_is_built_on_the_model", || must_build(&host(""), TreeForm::Detached)),
    ("default_root_is_built_on_an_older_model_in_a_staging_directory", || {
        must_build(&host_of(KernelVersion::V6_12, " dir /run"), TreeForm::Staged);
    }),
    ("build_creates_the_names_that_the_plan_says", || {
        let host = host("");
        let plan = plan(&default_spec());
        let said = plan.creates(&host).unwrap();
        let before = state(&host).names;
        plan.build(&host, Some(&terminal())).unwrap();
        host.unmount(
            &mountwright_core::UnmountRequest::new(Location::trusted("/w/image"))
                .with_mode(mountwright_core::mount::UnmountMode::Detach),
        )
        .unwrap();
        let after = state(&host).names;
        let created: Vec<_> = after.difference(&before).cloned().collect();
        let mut said: Vec<_> = said.iter().map(|creation| creation.path.clone()).collect();
        said.sort();
        assert_eq!(created, said);
        assert_eq!(plan.creates(&host).unwrap(), [], "a second build creates nothing");
    }),
    ("build_that_cannot_be_is_refused_and_leaves_no_mount", || {
        let host = host(" dir /vol");
        assert_eq!(refused(&host, &bind("/none", "/mnt")), "ENOENT: source: /none is missing");
        assert_eq!(refused(&host, &bind("/vol", "/proc")), "EINVAL: only a procfs is bound on /proc");
        let no_terminal = plan(&default_spec()).build(&host, None).unwrap_err();
        assert_eq!(no_terminal.detail(), Some("the plan needs a terminal, and none is given"));
    }),
    ("symlink_in_the_place_of_proc_or_sys_is_refused", || {
        for name in ["proc", "sys"] {
            let host = host(&format!(" link /w/image/{name} /bin"));
            let error = plan(&default_spec()).build(&host, Some(&terminal())).unwrap_err();
            assert_eq!(error.errno(), Errno::ENOTDIR, "{error}");
            let detail = "it is a symbolic link, and has to be an ordinary directory";
            assert_eq!((error.path().unwrap(), error.detail()), (Path::new(&format!("/{name}")), Some(detail)));
        }
    }),
    ("mask_by_another_file_than_the_null_device_is_refused", || {
        let devices = DEVICES.replace("char /dev/null 1:3", "file /dev/null x");
        let host = HostBuilder::from_text(&format!("{HOST}\n{devices}")).unwrap().build().unwrap();
        let error = plan(&default_spec()).build(&host, Some(&terminal())).unwrap_err();
        assert_eq!(error.errno(), Errno::ESTALE, "{error}");
        assert!(!host.mount_of(&Location::trusted("/w/image")).unwrap().is_root);
    }),
    ("label_is_refused_by_name_where_the_kernel_has_none", || must_refuse_a_label(&host(""))),
    ("device_of_the_host_that_is_another_one_is_not_bound", || {
        let mut spec = default_spec();
        spec["linux"]["devices"] = json!([{"type": "c", "path": "/opt/pty", "major": 1, "minor": 5}]);
        let host = host(" char /opt/pty 136:7");
        let error = plan(&spec).build(&host, Some(&terminal())).unwrap_err();
        assert_eq!(error.detail(), Some("the kind of the node that is there is character device 136:7"));
    }),
    ("mounts_of_the_namespace_that_the_process_came_from_are_not_prepared", || {
        let host = host("mount /vol tmpfs vol shared:7");
        let refused = |namespace: &PinnedNamespace| plan(&default_spec()).prepare(&host, namespace).unwrap_err();
        let here = host.pin_namespace().unwrap();
        assert_eq!(refused(&here).errno(), Errno::EPERM);
        let of_another_kind = match here.id() {
            MountNamespaceId::Unique(id) => MountNamespaceId::Inode { device: DeviceNumber::new(0, 4), inode: id },
            MountNamespaceId::Inode { inode, .. } => MountNamespaceId::Unique(inode),
        };
        let error = refused(&PinnedNamespace::new(of_another_kind, ()));
        assert!(error.errno() == Errno::EPERM && error.to_string().contains("cannot know"), "{error}");
        assert!(host.mount_of(&Location::trusted("/vol")).unwrap().mount.propagation.peers.is_some());
    }),
    ("cgroup_of_the_specification_that_cannot_be_looked_at_is_an_error", || {
        let mut spec = default_spec();
        spec["linux"]["cgroupsPath"] = json!("/stated");
        let mount = json!({"destination": "/cg", "type": "cgroup", "source": "cgroup"});
        spec["mounts"].as_array_mut().unwrap().push(mount);
        let host = host("mount /sys/fs/cgroup/cpu cgroup cgroup\n dir /sys/fs/cgroup/cpu/stated");
        let before = state(&host);
        // The first of these questions is about the place of all cgroups.
        host.fail(Failure::of_call(2, Errno::EACCES).among(Operation::FilesystemOf));
        let error = plan(&spec).build(&host, Some(&terminal())).unwrap_err();
        assert_eq!(error.errno(), Errno::EACCES, "{error}");
        assert_eq!(state(&host).mounts, before.mounts);
    }),
    ("root_of_a_user_namespace_binds_its_devices", || {
        let mut spec = default_spec();
        spec["mounts"][2]["options"] = json!(["newinstance"]);
        let namespaces = ["pid", "network", "ipc", "mount", "user"].map(|kind| json!({"type": kind}));
        spec["linux"]["namespaces"] = json!(namespaces);
        for map in ["uidMappings", "gidMappings"] {
            spec["linux"][map] = json!([{"containerID": 0, "hostID": 1000, "size": 1}]);
        }
        let host = host("");
        plan(&spec).build(&host, Some(&terminal())).unwrap();
        let mounts = mounts(&host);
        assert!(mounts.contains(&"/dev/null tmpfs rw".to_owned()), "{mounts:#?}");
    }),
];

pub(crate) const ON_KERNEL: &[KernelCase] =
    &[KernelCase::new("default_root_is_built_on_the_kernel_as_on_the_model", || {
        furnish(FURNISHED);
        let backend = LinuxBackend::new().with_staging("/run");
        let form =
            if backend.uses(mountwright_linux::Call::OpenTreeAttr) { TreeForm::Detached } else { TreeForm::Staged };
        must_build(&backend, form);
        let model = host("");
        plan(&default_spec()).build(&model, Some(&terminal())).unwrap();
        let without_type =
            |rows: Vec<String>| rows.into_iter().filter(|row| !row.starts_with("/ ")).collect::<Vec<_>>();
        assert_eq!(without_type(mounts(&backend)), without_type(mounts(&model)));
    })
    .for_root()];
