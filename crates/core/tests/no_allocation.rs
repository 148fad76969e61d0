//! Functions that are called for every mount of every container do not allocate.
#![allow(unsafe_code)] // An allocator that counts has to be one.

use std::alloc::{GlobalAlloc, Layout, System};
use std::borrow::Cow;
use std::cell::Cell;
use std::hint::black_box;
use std::path::Path;

use camino::Utf8Path;
use mountwright_core::kata::{DOCKER_DATA_ROOT, is_docker_volume};
use mountwright_core::mount::MountId;
use mountwright_core::path::clean_path;
use mountwright_core::spec::Mount;
use mountwright_core::{MountTable, kubernetes};

struct Counting;

#[global_allocator]
static COUNTING: Counting = Counting;

thread_local! {
    // Of this thread: the harness has others.
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: everything is done by the system's allocator; the counter is a plain cell of the thread, which allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        // SAFETY: the caller keeps the contract of `GlobalAlloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, start: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract of `GlobalAlloc`; `start` came from `System`.
        unsafe { System.dealloc(start, layout) }
    }
}

fn allocations<T>(run: impl FnOnce() -> T) -> usize {
    let before = ALLOCATIONS.with(Cell::get);
    black_box(run());
    ALLOCATIONS.with(Cell::get) - before
}

const VOLUME: &str =
    "/var/lib/kubelet/pods/5f0861a0-97d1-4f2b-8a3e-3c2d7b6f9e01/volumes/kubernetes.io~empty-dir/cache-vol";

#[test]
fn the_counter_counts() {
    assert_eq!(allocations(|| String::from(black_box("text"))), 1);
    assert_eq!(allocations(|| clean_path(Path::new("/a//b")).into_owned()), 1);
}

#[test]
fn a_clean_path_of_100_bytes_is_judged_without_memory() {
    assert_eq!(VOLUME.len(), 100);
    let path = Utf8Path::new(VOLUME);
    assert_eq!(allocations(|| matches!(clean_path(path.as_std_path()), Cow::Borrowed(_))), 0);
    assert_eq!(allocations(|| kubernetes::VolumeKind::of(path)), 0);
    assert_eq!(allocations(|| kubernetes::VolumeKind::below(path, kubernetes::KUBELET_ROOT.into())), 0);
    assert_eq!(allocations(|| kubernetes::VolumeKind::of(path) == Some(kubernetes::VolumeKind::EmptyDir)), 0);
    assert_eq!(allocations(|| Mount::is_system_mount(path)), 0);
    assert_eq!(allocations(|| is_docker_volume(path, DOCKER_DATA_ROOT)), 0);
}

#[test]
fn a_table_takes_a_list_of_rows_and_nothing_for_each() {
    let line = format!("1 0 8:1 / {VOLUME} rw,relatime shared:1 - ext4 /dev/vda rw\n");
    for rows in [1, 1000] {
        let text = line.repeat(rows).into_bytes();
        assert_eq!(allocations(|| MountTable::parse(text)), 1, "{rows} rows");
    }
    let table = MountTable::parse(line);
    assert_eq!(table.by_id(MountId(1)).map(|row| row.id()), Some(MountId(1)));
    assert_eq!(allocations(|| table.iter().filter(|row| row.mount_point().as_os_str() == VOLUME).count()), 0);
}
