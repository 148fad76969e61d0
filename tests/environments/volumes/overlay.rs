//! Overlays, on the kernel alone: the model has none.

use std::fs;

use mountwright_core::mount::{FilesystemOption, Overlay};
use mountwright_core::{Errno, FileMode, Location, Mounter, UnmountRequest};
use mountwright_linux::{Call, LinuxBackend, SyscallSet};
use mountwright_tests::machine::furnish;

use crate::Case;
use crate::scene::Scene;

pub(crate) const CASES: &[Case] = &[
    ("overlay: 500 layers are mounted by descriptor, and 501 are refused", five_hundred),
    ("overlay: without descriptors 500 layers are one text each, and by mount(2) as many as fit a page", by_path),
    ("overlay: the upper directory gets the writes, whatever the places are", writable),
    ("overlay: a layer has any name", any_name),
    ("overlay: a layer is looked up once, below or in its root", looked_up_once),
];

/// The calls of 6.18, those without `FSCONFIG_SET_FD`, and those of 4.18.
fn syscall_sets() -> [SyscallSet; 3] {
    [SyscallSet::ALL, SyscallSet::ALL.without(Call::SetFd), SyscallSet::NONE]
}

fn backend(scene: &Scene, syscalls: SyscallSet) -> LinuxBackend {
    LinuxBackend::new().with_syscalls(syscalls).with_staging(scene.path("staging"))
}

/// Layers with one file each, the topmost first; each has the file `top` too.
fn layers(scene: &Scene, number: usize) -> Vec<String> {
    furnish("dir merged staging");
    let names: Vec<String> = (0..number).map(|index| format!("l{index}")).collect();
    for name in &names {
        furnish(&format!("file {name}/of-{name} text; file {name}/top {name}"));
    }
    assert!(scene.path("l0/top").exists());
    names
}

fn shown(scene: &Scene, layers: &[String]) {
    for layer in layers {
        assert!(scene.path(&format!("merged/of-{layer}")).exists(), "{layer}");
    }
    assert_eq!(fs::read_to_string(scene.path("merged/top")).expect("a file"), layers[0]);
}

fn detach(scene: &Scene) {
    scene.backend.unmount(&UnmountRequest::new(scene.location("merged"))).expect("it is mounted");
}

/// Places of every kind in turn.
fn place(scene: &Scene, index: usize, name: &str) -> Location {
    match index % 3 {
        0 => scene.location(name),
        1 => Location::beneath(scene.path(""), name).expect("a relative path"),
        _ => Location::in_root(scene.path(""), name),
    }
}

fn five_hundred(scene: &Scene) {
    let names = layers(scene, 501);
    let overlay = |names: &[String]| {
        Overlay::new(names.iter().enumerate().map(|(index, name)| place(scene, index, name)))
            .onto(scene.location("merged"))
    };
    scene.backend.mount(&overlay(&names[..500])).expect("500 layers");
    shown(scene, &names[..500]);
    let mount = scene.backend.mount_of(&scene.location("merged")).expect("it is there").mount;
    assert_eq!(mount.superblock_options().filter(|(key, _)| &**key == "lowerdir+").count(), 500);
    detach(scene);
    let error = scene.backend.mount(&overlay(&names)).expect_err("one too many");
    assert_eq!((error.errno(), error.left()), (Errno::EINVAL, &[][..]));
    assert_eq!(error.detail(), Some("overlay: too many lower directories, limit is 500"));
}

fn by_path(scene: &Scene) {
    let names = layers(scene, 500);
    let overlay = |most: usize| {
        Overlay::new(names[..most].iter().map(|name| scene.location(name))).onto(scene.location("merged"))
    };
    backend(scene, SyscallSet::ALL.without(Call::SetFd)).mount(&overlay(500)).expect("one text each");
    shown(scene, &names);
    detach(scene);
    let by_mount = backend(scene, SyscallSet::NONE);
    by_mount.mount(&overlay(300)).expect("one text of all");
    shown(scene, &names[..300]);
    detach(scene);
    let error = by_mount.mount(&overlay(500).creating_target(FileMode::MOUNT_TARGET)).expect_err("too long");
    assert_eq!((error.errno(), error.left()), (Errno::E2BIG, &[][..]), "{error}");
    assert_eq!(scene.names("merged"), [""; 0]);
}

fn writable(scene: &Scene) {
    for syscalls in syscall_sets() {
        for first in 0..3 {
            layers(scene, 2);
            furnish("dir upper work");
            let at = |offset: usize, name| place(scene, first + offset, name);
            let overlay = Overlay::new([at(0, "l0"), at(1, "l1")]).writable(at(2, "upper"), at(0, "work"));
            let request = overlay.onto(scene.location("merged"));
            backend(scene, syscalls).mount(&request).unwrap_or_else(|error| panic!("{syscalls:?}: {error}"));
            fs::write(scene.path("merged/new"), "new").expect("it can be written to");
            assert_eq!(fs::read_to_string(scene.path("upper/new")).expect("it is there"), "new");
            detach(scene);
            fs::remove_dir_all(scene.path("upper")).expect("ours");
            fs::remove_dir_all(scene.path("work")).expect("ours");
        }
    }
}

fn any_name(scene: &Scene) {
    furnish("dir merged staging");
    let odd = ["a,b", "a:b", "a\\b", "a\"b", "a b", "ü"];
    for name in odd {
        fs::create_dir(scene.path(name)).expect("a fresh name");
        fs::write(scene.path(name).join("of"), name).expect("a fresh file");
    }
    for syscalls in syscall_sets() {
        for top in 0..odd.len() {
            let places = (0..odd.len()).map(|index| scene.location(odd[(top + index) % odd.len()]));
            let request = Overlay::new(places).onto(scene.location("merged"));
            backend(scene, syscalls).mount(&request).unwrap_or_else(|error| panic!("{syscalls:?}: {error}"));
            assert_eq!(fs::read_to_string(scene.path("merged/of")).expect("a file"), odd[top], "{syscalls:?}");
            detach(scene);
        }
    }
}

fn looked_up_once(scene: &Scene) {
    layers(scene, 1);
    furnish("dir root/inside outside; file root/inside/of inside; file outside/of outside; link /inside root/link");
    std::os::unix::fs::symlink(scene.path("outside"), scene.path("root/out")).expect("a fresh name");
    for syscalls in syscall_sets() {
        let backend = backend(scene, syscalls);
        let mount = |layer: Location| {
            backend.mount(&Overlay::new([scene.location("l0"), layer]).onto(scene.location("merged")))
        };
        mount(Location::in_root(scene.path("root"), "link")).unwrap_or_else(|error| panic!("{syscalls:?}: {error}"));
        assert_eq!(fs::read_to_string(scene.path("merged/of")).expect("a file"), "inside");
        detach(scene);
        let below = |path: &str| Location::beneath(scene.path("root"), path).expect("a relative path");
        for (place, errno) in [
            (below("link"), Errno::ELOOP),
            (below("missing"), Errno::ENOENT),
            (Location::in_root(scene.path("root"), "out"), Errno::ENOENT),
        ] {
            let error = mount(place.clone()).expect_err("refused");
            let shown = place.for_display();
            assert_eq!((error.errno(), error.left()), (errno, &[][..]), "{syscalls:?}: {error}");
            assert_eq!(error.detail(), Some(format!("option lowerdir+: {}", shown.display()).as_str()));
        }
        let unknown = Overlay::new([scene.location("l0")]).onto(scene.location("merged"));
        let error = backend.mount(&unknown.option(FilesystemOption::flag("nosuch"))).expect_err("no such option");
        assert_eq!(error.errno(), Errno::EINVAL, "{error}");
        assert_eq!(scene.names("merged"), [""; 0]);
    }
}
