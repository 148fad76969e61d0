//! Names that only some filesystems have, and names that others have left.

use std::path::Path;

use mountwright_core::kubernetes::FileCount;
use mountwright_core::{FileMode, Filesystem, Location};
use mountwright_linux::LinuxBackend;
use mountwright_tests::fuse_server::{self, FuseServer};
use mountwright_tests::kernel_trials::KernelCase;

/// A filesystem with one file of a name of this length in its root.
fn with_name_of(length: usize) -> FuseServer {
    let path = Path::new("/w/long");
    std::fs::create_dir_all(path).unwrap();
    let served = FuseServer::replying(path, move |request, node, body| match request {
        fuse_server::GETATTR => Ok(fuse_server::attributes_of(node, if node == 1 { 0o40755 } else { 0o100_644 })),
        fuse_server::LOOKUP => Ok(fuse_server::entry(2, 0o100_644)),
        fuse_server::OPENDIR => Ok(vec![0; 16]),
        fuse_server::READDIR if body[8..16] == [0; 8] => Ok(fuse_server::listed(2, 1, &vec![b'n'; length])),
        fuse_server::READDIR => Ok(Vec::new()),
        _ => Err(libc::ENOSYS),
    });
    served.unwrap()
}

pub(crate) const CASES: &[KernelCase] = &[
    KernelCase::new("a name is listed that is longer than the first buffer", || {
        for length in [255, 991, 1000, 1020, 4000] {
            let server = with_name_of(length);
            // Before 6.15 FUSE has no longer names than 1,024 bytes.
            let readable = std::fs::read_dir("/w/long").unwrap().next().unwrap();
            let Ok(seen) = readable else { continue };
            let backend = LinuxBackend::new();
            let entries = backend.open_dir(&Location::trusted("/w/long")).unwrap().entries().unwrap();
            let names: Vec<_> = entries.map(|entry| entry.unwrap().name).collect();
            assert_eq!(names, [seen.file_name()], "{length}");
            assert!(FileCount::below(&backend, Path::new("/w/long"), 10).is_ok(), "{length}");
            rustix::mount::unmount("/w/long", rustix::mount::UnmountFlags::DETACH).unwrap();
            drop(server);
        }
    })
    .for_root(),
    KernelCase::new("temporary names that an earlier process of the same pid has left are not in the way", || {
        let (backend, pid) = (LinuxBackend::new(), std::process::id());
        let left: Vec<_> = (0..10_000).map(|number| format!("/w/.mountwright-new-{pid}-{number}")).collect();
        for name in &left {
            std::fs::write(name, "left").unwrap();
        }
        let directory = backend.open_dir(&Location::trusted("/w")).unwrap();
        for round in 0..200 {
            let contents = format!("{round}");
            directory.replace_file("file".as_ref(), contents.as_bytes(), FileMode::from_bits(0o600)).unwrap();
            assert_eq!(std::fs::read_to_string("/w/file").unwrap(), contents);
        }
        assert!(left.iter().all(|name| std::fs::read(name).unwrap() == b"left"));
        assert_eq!(std::fs::read_dir("/w").unwrap().count(), left.len() + 1);
    }),
    KernelCase::new("threads that replace one file at once leave one of their contents and no other name", || {
        let (backend, at) = (LinuxBackend::new(), Location::trusted("/w"));
        std::thread::scope(|scope| {
            for thread in 0..8 {
                let (backend, at) = (&backend, &at);
                scope.spawn(move || {
                    let directory = backend.open_dir(at).unwrap();
                    for _ in 0..50 {
                        let contents = [b'a' + thread; 4096];
                        directory.replace_file("file".as_ref(), &contents, FileMode::from_bits(0o600)).unwrap();
                    }
                });
            }
        });
        let contents = std::fs::read("/w/file").unwrap();
        assert!(contents.len() == 4096 && contents.iter().all(|byte| *byte == contents[0]));
        assert_eq!(std::fs::read_dir("/w").unwrap().count(), 1);
    }),
];
