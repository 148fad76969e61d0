//! An automount point whose daemon mounts where this namespace does not see it.
#![allow(unsafe_code)] // The request to an automount daemon is replied to by an ioctl that nothing safer makes.

use std::ffi::CString;
use std::fs::File;
use std::io::Read as _;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::thread::JoinHandle;

use mountwright_core::{BindRequest, Errno, Location, Mounter};
use mountwright_linux::LinuxBackend;
use mountwright_tests::kernel_trials::KernelCase;
use rustix::mount::MountFlags;
use rustix::process::{getpgid, getpid, getppid, setpgid};

const POINT: &str = "/w/direct";
/// `AUTOFS_IOC_READY` of `include/uapi/linux/auto_fs.h`.
const READY: libc::Ioctl = 0x9360;

/// Mounts an automount point on a directory. Its daemon reports each mount as done, and mounts nothing.
///
/// The kernel lets the process group of the daemon pass without asking it, so this process leaves its group once it has opened
/// the automount point.
fn automount_point() -> JoinHandle<()> {
    let (requests, kernel_end) = rustix::pipe::pipe().unwrap();
    let daemon = getpgid(None).unwrap();
    let options = format!("fd={},pgrp={daemon},minproto=5,maxproto=5,direct", kernel_end.as_raw_fd());
    let options = CString::new(options).unwrap();
    let mounted = rustix::mount::mount("daemon", POINT, "autofs", MountFlags::empty(), options.as_c_str());
    mounted.unwrap();
    let root = File::open(POINT).unwrap();
    let parents = getppid().filter(|_| daemon == getpid()).map(|parent| getpgid(Some(parent)).unwrap());
    setpgid(None, parents).unwrap();
    std::thread::spawn(move || reply(requests, &root))
}

fn reply(requests: OwnedFd, root: &File) {
    let mut requests = File::from(requests);
    let mut packet = [0; 304];
    // Until the automount point is unmounted.
    while requests.read_exact(&mut packet).is_ok() {
        let token = u32::from_ne_bytes(packet[8..12].try_into().expect("four bytes"));
        // SAFETY: this ioctl takes a number.
        unsafe { libc::ioctl(root.as_raw_fd(), READY, libc::c_ulong::from(token)) };
    }
}

pub(crate) const CASES: &[KernelCase] = &[KernelCase::new(
    "a bind of an automount point on which nothing appears names that point, and no symlink",
    || {
        std::fs::create_dir_all(POINT).unwrap();
        std::fs::create_dir_all("/w/target").unwrap();
        let _replies = automount_point();
        for source in [POINT.to_owned(), format!("{POINT}/below")] {
            let request = BindRequest::new(Location::trusted(&source), Location::trusted("/w/target"));
            let error = LinuxBackend::new().bind(&request).unwrap_err();
            let cause = "source: /w/direct is an automount point on which nothing was mounted";
            assert_eq!((error.errno(), error.detail(), error.advice()), (Errno::ELOOP, Some(cause), None), "{error}");
        }
        rustix::mount::unmount(POINT, rustix::mount::UnmountFlags::DETACH).unwrap();
    },
)];
