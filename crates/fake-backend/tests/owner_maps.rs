//! Mounts with maps of owners that fail at each system call.

use mountwright_core::mount::{IdMap, IdRange};
use mountwright_core::{Backend, BindRequest, Location, MountRequest, Recursion};
use mountwright_fake::test_kit::{Level, all_or_nothing, every_fault};
use mountwright_fake::{FakeBackend, HostBuilder};

fn host() -> FakeBackend {
    let text = "mount / ext4 /dev/vda1\ndir /dst\nmount /src tmpfs src\n file /src/f x\nmount /src/sub tmpfs sub";
    HostBuilder::from_text(text).unwrap().build().unwrap()
}

fn map(shown: u32) -> IdMap {
    let range = vec![IdRange { stored: 0, shown, count: 10 }];
    IdMap::Ranges { uids: range.clone(), gids: range }
}

fn bind(from: &str) -> BindRequest {
    BindRequest::new(Location::trusted(from), Location::trusted("/dst")).recursive().read_only().stacking()
}

#[test]
fn fault_at_each_call_of_a_mapped_mount_leaves_nothing() {
    let whole = |backend: &dyn Backend| backend.bind(&bind("/src").map_owners(map(1_000), Recursion::Tree)).map(drop);
    every_fault(Level::SystemCalls, &host(), whole, all_or_nothing).check();
    let new = |backend: &dyn Backend| {
        backend.mount(&MountRequest::new("tmpfs", Location::trusted("/dst")).map_owners(map(1_000))).map(drop)
    };
    every_fault(Level::SystemCalls, &host(), new, all_or_nothing).check();
}

#[test]
fn fault_at_each_call_of_a_map_that_replaces_another_leaves_nothing() {
    let host = host();
    whole_tree_is_mapped(&host);
    for other in [map(2_000), IdMap::Clear] {
        let replace =
            |backend: &dyn Backend| backend.bind(&bind("/dst").map_owners(other.clone(), Recursion::Tree)).map(drop);
        every_fault(Level::SystemCalls, &host, replace, all_or_nothing).check();
    }
}

fn whole_tree_is_mapped(host: &FakeBackend) {
    use mountwright_core::Mounter as _;
    host.bind(&bind("/src").map_owners(map(1_000), Recursion::Tree)).unwrap();
    for path in ["/dst", "/dst/sub"] {
        assert!(host.mount_of(&Location::trusted(path)).unwrap().mount.idmapped);
    }
}
