//! Maps of owners: the child process that makes one, and the filesystems that take one.

use std::io::Read;
use std::sync::atomic::{AtomicBool, Ordering};

use mountwright_core::file::FinalSymlink;
use mountwright_core::mount::{FilesystemOption, IdMap, IdRange};
use mountwright_core::{BindRequest, Errno, Filesystem, MountRequest, Mounter, Recursion};
use mountwright_fake::{HostBuilder, KernelVersion};
use mountwright_linux::{Call, LinuxBackend, SyscallSet};
use mountwright_tests::kernel_trials::KernelCase;
use mountwright_tests::machine::{at, furnish, open_descriptors};
use mountwright_tests::mortal_child::fork_running;
use mountwright_tests::namespace::enter_user_namespace;
use rustix::io::Errno as Raw;
use rustix::process::{Signal, WaitId, WaitIdOptions, WaitOptions, kill_process, waitid, waitpid};

const SCENE: &str =
    "tmpfs /w/source; file /w/source/f text; file /w/source/five x; chown 5:5 /w/source/five; dir /w/target";

fn mapped(map: IdMap) -> BindRequest {
    BindRequest::new(at("/w/source"), at("/w/target")).stacking().map_owners(map, Recursion::This)
}

fn map() -> IdMap {
    let range = vec![IdRange { stored: 0, shown: 1_000, count: 10 }];
    IdMap::Ranges { uids: range.clone(), gids: range }
}

/// `__WALL`: children without an exit signal too.
const OF_ANY_KIND: WaitIdOptions = WaitIdOptions::from_bits_retain(0x4000_0000);

pub(crate) const CASES: &[KernelCase] = &[
    KernelCase::new(
        "a map of owners leaves no child and no descriptor, and no wait of another thread finds one",
        || {
            furnish(SCENE);
            // The calls of 5.12 are enough.
            let backend = LinuxBackend::new().with_syscalls(SyscallSet::ALL.without(Call::OpenTreeAttr));
            backend.mounts().unwrap();
            let (before, is_done) = (open_descriptors(), AtomicBool::new(false));
            let found = std::thread::scope(|scope| {
                let waits = scope.spawn(|| {
                    let mut found = 0;
                    while !is_done.load(Ordering::Relaxed) {
                        found += u32::from(!matches!(waitpid(None, WaitOptions::NOHANG), Err(Raw::CHILD)));
                    }
                    found
                });
                for _ in 0..50 {
                    backend.bind(&mapped(map())).unwrap();
                }
                is_done.store(true, Ordering::Relaxed);
                waits.join().unwrap()
            });
            assert_eq!((found, open_descriptors()), (0, before));
            let any = waitid(WaitId::All, WaitIdOptions::EXITED | WaitIdOptions::NOHANG | OF_ANY_KIND);
            assert!(matches!(any, Err(Raw::CHILD)), "{any:?}");
            assert_eq!(backend.metadata(&at("/w/target/five"), FinalSymlink::Follow).unwrap().uid, 1_005);
        },
    )
    .needing(Call::MountSetattr)
    .for_root(),
    KernelCase::new("the map of a process is that of its user namespace", || {
        furnish(SCENE);
        let (mut ready, go) = std::io::pipe().unwrap();
        let child = fork_running(|| {
            use std::io::Write as _;
            if enter_user_namespace().is_err() || (&go).write_all(&[1]).is_err() {
                return 1;
            }
            loop {
                std::thread::park();
            }
        });
        let child = child.unwrap();
        drop(go);
        assert_eq!(ready.read(&mut [0]).unwrap(), 1);
        let backend = LinuxBackend::new();
        let number = u32::try_from(child.as_raw_pid()).unwrap();
        let bound = backend.bind(&mapped(IdMap::OfProcess(number)));
        kill_process(child, Signal::KILL).unwrap();
        waitpid(Some(child), WaitOptions::empty()).unwrap();
        bound.unwrap();
        let owner = |path: &str| backend.metadata(&at(path), FinalSymlink::Follow).unwrap().uid;
        // It maps root alone.
        assert_eq!((owner("/w/target/f"), owner("/w/target/five")), (0, 65_534));
        let gone = backend.bind(&mapped(IdMap::OfProcess(number))).unwrap_err();
        assert_eq!(gone.errno(), Errno::ESRCH);
        // This process is in the initial user namespace, whose map is none.
        let own = backend.bind(&mapped(IdMap::OfProcess(std::process::id()))).unwrap_err();
        assert_eq!(own.errno(), Errno::EPERM);
    })
    .needing(Call::MountSetattr)
    .for_root(),
    KernelCase::new("each filesystem maps owners since the kernel of its row", each_row)
        .needing(Call::MountSetattr)
        .for_root(),
];

/// Tries each row of the table that this machine and the fake can mount.
fn each_row() {
    furnish("dir /w/target /w/lower /w/upper");
    let text = "mount / ext4 /dev/vda1\ndir /w/target\ndir /w/lower\ndir /w/upper";
    let fake = HostBuilder::from_text(text).unwrap().build().unwrap();
    let old = fake.snapshot();
    old.machine(|machine| machine.set_kernel_version(KernelVersion::V6_1));
    let here = tried_rows(&LinuxBackend::new(), running());
    for tried in [here, tried_rows(&fake, (6, 18)), tried_rows(&old, (6, 1))] {
        println!("tried: {}", tried.join(", "));
        assert!(["tmpfs", "proc", "sysfs", "ramfs"].iter().all(|name| tried.contains(name)), "{tried:?}");
    }
}

fn tried_rows(backend: &dyn Mounter, running: (u32, u32)) -> Vec<&'static str> {
    let mut tried = Vec::new();
    for (names, since) in rows() {
        for name in names.split(", ") {
            let mut request = MountRequest::new(name, at("/w/target")).map_owners(map());
            if name == "overlay" {
                request = request.option(FilesystemOption::with_value("lowerdir", "/w/lower:/w/upper"));
            }
            let maps = match backend.mount(&request) {
                Ok(_) => true,
                Err(error) if error.to_string().contains("maps no owners") => false,
                // It needs a device, is not in this kernel, or its hierarchy is another one.
                Err(error) => {
                    println!("{name}: not tried: {error}");
                    continue;
                }
            };
            assert_eq!(maps, since.is_some_and(|since| since <= running), "{name}");
            tried.push(name);
        }
    }
    tried
}

/// The rows of the table in `docs/kernel.md`: filesystems, and the first kernel with maps of their owners.
fn rows() -> impl Iterator<Item = (&'static str, Option<(u32, u32)>)> {
    let page = include_str!("../../../docs/kernel.md");
    let table = page.split("## Id maps by filesystem").nth(1).and_then(|rest| rest.split("\n## ").next());
    let rows = table.expect("the page has the table").lines().filter(|line| line.starts_with("| "));
    rows.skip(1).map(|line| {
        let cells: Vec<_> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        (cells[0], version(cells[1]))
    })
}

fn version(text: &str) -> Option<(u32, u32)> {
    let (major, rest) = text.split_once('.')?;
    let minor = rest.split(|letter: char| !letter.is_ascii_digit()).next()?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

fn running() -> (u32, u32) {
    version(&rustix::system::uname().release().to_string_lossy()).expect("the kernel has a version")
}
