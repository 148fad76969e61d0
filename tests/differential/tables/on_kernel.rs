//! Tables that are built on the kernel, mount by mount.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use libtest_mimic::Trial;
use mountwright_core::mount::MountId;
use mountwright_core::{MountTable, Mounter};
use mountwright_linux::LinuxBackend;
use mountwright_tests::contract::{Needs, in_fresh_root};
use mountwright_tests::kernel_trials::KernelTrials;
use mountwright_tests::namespace::NoNamespace;
use mountwright_tests::random::Random;
use mountwright_tests::settings::Settings;
use rustix::fs::{CWD, Mode, OFlags, mkdirat, openat};
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, MoveMountFlags, fsconfig_create, fsconfig_set_string, fsmount, fsopen,
    move_mount,
};

use crate::generated::{Missing, Row, Table, every_path, text_of};
use crate::look_ups::{by_backend, by_table, check_on_the_fake};

/// The number of tables: short and long.
const TABLES: [usize; 2] = [60, 1_000];

pub(crate) fn trials(kernel: &KernelTrials) -> [Trial; 2] {
    [
        ("look-ups in whole tables are the kernel's", Missing::OfTheRoot),
        ("look-ups in tables of a root that is no mount point are the kernel's", Missing::OfTheTop),
    ]
    .map(|(name, missing)| kernel.trial_with_roots(name.to_owned(), Needs::Namespace, move || agree(missing)))
}

fn agree(missing: Missing) -> Result<(), NoNamespace> {
    let settings = Settings::read();
    let count = TABLES[usize::from(settings.long)];
    let mut random = Random::new(settings.seed().into());
    for _ in 0..count {
        let table = Table::random(&mut random, missing);
        in_fresh_root("a table", move || check(&table))?;
    }
    println!("{count} tables on the kernel: table, host and kernel agree");
    Ok(())
}

fn check(table: &Table) {
    let text = table.text();
    build(table);
    let kernel = LinuxBackend::new();
    for path in every_path() {
        // The names that a look-up of the path meets.
        let _ = rustix::fs::mkdir(text_of(&path), Mode::RWXU);
    }
    let listed = kernel.mounts().expect("a table");
    let truth = by_backend(&kernel, &listed);
    assert_eq!(by_table(&listed), truth, "the kernel's own table of\n{text}");
    check_on_the_fake(&String::from_utf8_lossy(listed.text()));
    // The same by the ids of the generated text, which the sources show; the row at `/` was there before.
    let generated = MountTable::parse(text.as_str());
    let root = table.rows.iter().find(|row| row.path.is_empty() && !table.has(row.parent) || row.id == row.parent);
    for (path, held) in by_table(&generated) {
        let id = held.map(|(id, is_root)| (format!("r{id}"), is_root));
        let there = truth[&path].map(|(id, is_root)| {
            let source = listed.by_id(MountId(id)).expect("it is listed").source().into_owned();
            let source = source.into_string().expect("UTF-8");
            let first = root.filter(|_| table.missing == Missing::OfTheRoot && source == "root");
            (first.map_or(source, |root| format!("r{}", root.id)), is_root)
        });
        assert_eq!(id, there, "{path} in\n{text}");
    }
}

/// Mounts every row on its parent, wherever the parent is by then.
fn build(table: &Table) {
    if table.missing == Missing::OfTheTop {
        std::fs::create_dir("/root-directory").expect("a directory");
        rustix::process::chroot("/root-directory").expect("a root directory");
        rustix::process::chdir("/").expect("a working directory");
    }
    let top = openat(CWD, "/", OFlags::PATH | OFlags::DIRECTORY, Mode::empty()).expect("the root");
    let on_top = table.rows.iter().find(|row| !table.has(row.parent) || row.id == row.parent);
    let Some(on_top) = on_top else { return };
    let id = if table.missing == Missing::OfTheRoot { on_top.id } else { on_top.parent };
    build_on(table, id, &[], top.as_fd());
}

/// The children of a mount: those that others hide come first.
fn build_on(table: &Table, parent: u32, point: &[&str], mount: BorrowedFd<'_>) {
    let mut children: Vec<&Row> = table.rows.iter().filter(|row| row.parent == parent && row.id != parent).collect();
    children.sort_by_key(|row| std::cmp::Reverse(row.path.len()));
    for row in children {
        let below = &row.path[point.len()..];
        let mut path = String::new();
        for name in below {
            path.push_str(name);
            let _ = mkdirat(mount, path.as_str(), Mode::RWXU);
            path.push('/');
        }
        let new = new_tmpfs(row.id);
        let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH;
        match path.as_str() {
            "" => move_mount(new.as_fd(), "", mount, "", flags | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH),
            path => move_mount(new.as_fd(), "", mount, Path::new(path), flags),
        }
        .expect("a mount");
        build_on(table, row.id, &row.path, new.as_fd());
    }
}

fn new_tmpfs(id: u32) -> OwnedFd {
    let context = fsopen("tmpfs", FsOpenFlags::FSOPEN_CLOEXEC).expect("fsopen");
    fsconfig_set_string(context.as_fd(), "source", format!("r{id}")).expect("a source");
    fsconfig_create(context.as_fd()).expect("a tmpfs");
    fsmount(context.as_fd(), FsMountFlags::FSMOUNT_CLOEXEC, MountAttrFlags::empty()).expect("fsmount")
}
