//! A FUSE mount with a small server: the test provides the reply to each request.

use std::ffi::CString;
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::fs::{CWD, FileType, Mode};
use rustix::mount::MountFlags;

use crate::namespace::has_every_user;

/// Requests, by the numbers of `include/uapi/linux/fuse.h`.
pub const LOOKUP: u32 = 1;
/// Attributes of a node.
pub const GETATTR: u32 = 3;
/// Opening a directory.
pub const OPENDIR: u32 = 27;
/// Listing a directory; the offset is the second word of the request.
pub const READDIR: u32 = 28;
const FORGET: u32 = 2;
const INIT: u32 = 26;
const INTERRUPT: u32 = 36;
const BATCH_FORGET: u32 = 42;

/// The size of the head of a request.
const HEAD: usize = 40;

/// The reply of a server: bytes, or an errno.
pub type Reply = Result<Vec<u8>, i32>;

/// The server's end of a mount; dropped, the connection ends.
#[derive(Debug)]
pub struct FuseServer {
    over: Arc<AtomicBool>,
    /// The thread that replies, with a descriptor of its own.
    replies: Option<JoinHandle<()>>,
    device: File,
}

impl Drop for FuseServer {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        // The thread blocks nowhere. It closes its descriptor, in whichever table of descriptors it is.
        if let Some(replies) = self.replies.take() {
            let _ = replies.join();
        }
    }
}

/// The device, as it was found before this process had a root of its own.
static DEVICE: OnceLock<Option<File>> = OnceLock::new();

/// Returns true if this process may have a server: it can make the device's node, or open the machine's, which is looked for
/// here.
pub fn is_to_be_had() -> bool {
    let device = DEVICE.get_or_init(|| open("/dev/fuse").ok());
    device.is_some() || rustix::process::geteuid().is_root() && has_every_user()
}

fn open(path: &str) -> io::Result<File> {
    let nonblocking = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or_default();
    File::options().read(true).write(true).custom_flags(nonblocking).open(path)
}

/// The device, by a node of this process's own making or as it was found. The mounting process must open it: a user namespace
/// has its own.
fn device() -> io::Result<File> {
    if let Some(device) = DEVICE.get().and_then(Option::as_ref) {
        return open(&format!("/proc/thread-self/fd/{}", device.as_raw_fd()));
    }
    let node = "/fuse";
    if !Path::new(node).exists() {
        let number = rustix::fs::makedev(10, 229);
        rustix::fs::mknodat(CWD, node, FileType::CharacterDevice, Mode::from_raw_mode(0o600), number)?;
    }
    open(node)
}

impl FuseServer {
    /// Mounts a filesystem on a directory that is accessible to this user only, root excluded. No request reaches a
    /// server.
    pub fn of_user(path: &Path, uid: u32) -> io::Result<Self> {
        Self::mount(path, "served", &format!("user_id={uid},group_id={uid}"))
    }

    /// Mounts a filesystem with `reply` as its server: number of the request, node, body.
    pub fn replying(path: &Path, reply: impl Fn(u32, u64, &[u8]) -> Reply + Send + 'static) -> io::Result<Self> {
        let mut server = Self::mount(path, "served", "user_id=0,group_id=0,allow_other")?;
        let (over, device) = (Arc::clone(&server.over), server.device.try_clone()?);
        server.replies = Some(std::thread::spawn(move || serve(&device, &over, reply)));
        Ok(server)
    }

    /// Mounts a filesystem of this source whose server replies to no request.
    pub fn silent(path: &Path, source: &str) -> io::Result<Self> {
        Self::mount(path, source, "user_id=0,group_id=0")
    }

    fn mount(path: &Path, source: &str, options: &str) -> io::Result<Self> {
        let device = device()?;
        let options = CString::new(format!("fd={},rootmode=40000,{options}", device.as_raw_fd()))?;
        rustix::mount::mount(source, path, "fuse", MountFlags::empty(), options.as_c_str())?;
        Ok(Self { over: Arc::default(), replies: None, device })
    }
}

fn serve(mut device: &File, over: &AtomicBool, reply: impl Fn(u32, u64, &[u8]) -> Reply) {
    let mut request = vec![0; 1 << 18];
    while !over.load(Ordering::Relaxed) {
        let size = match device.read(&mut request) {
            Ok(size) => size,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                std::thread::sleep(Duration::from_micros(200));
                continue;
            }
            Err(error) if matches!(error.raw_os_error(), Some(libc::ENOENT | libc::EINTR)) => continue,
            // Unmounted.
            Err(_) => return,
        };
        let word = |at: usize| u64::from_ne_bytes(request[at..at + 8].try_into().expect("eight bytes"));
        let number = u32::from_ne_bytes(request[4..8].try_into().expect("four bytes"));
        let said = match number {
            FORGET | BATCH_FORGET | INTERRUPT => continue,
            INIT => Ok(init()),
            _ => reply(number, word(16), &request[HEAD..size]),
        };
        let (error, body) = match said {
            Ok(body) => (0, body),
            Err(errno) => (-errno, Vec::new()),
        };
        let mut out = u32::try_from(16 + body.len()).expect("a short reply").to_ne_bytes().to_vec();
        out.extend(error.to_ne_bytes());
        out.extend(word(8).to_ne_bytes());
        out.extend(body);
        // Fails if the kernel has given the request up.
        let _ = device.write(&out);
    }
}

/// `struct fuse_init_out` of version 7.31.
fn init() -> Vec<u8> {
    let mut out = [7_u32, 31, 1 << 16, 0].map(u32::to_ne_bytes).concat();
    out.extend([16_u16, 12].map(u16::to_ne_bytes).concat());
    out.extend((1_u32 << 16).to_ne_bytes());
    out.resize(64, 0);
    out
}

fn attributes(node: u64, mode: u32) -> Vec<u8> {
    let mut out = [node, 0, 0, 0, 0, 0].map(u64::to_ne_bytes).concat();
    out.extend([0_u32, 0, 0, mode, 2, 0, 0, 0, 4096, 0].map(u32::to_ne_bytes).concat());
    out
}

/// `struct fuse_attr_out`, without caching.
pub fn attributes_of(node: u64, mode: u32) -> Vec<u8> {
    let mut out = vec![0; 16];
    out.extend(attributes(node, mode));
    out
}

/// `struct fuse_entry_out`.
pub fn entry(node: u64, mode: u32) -> Vec<u8> {
    let mut out = node.to_ne_bytes().to_vec();
    out.resize(40, 0);
    out.extend(attributes(node, mode));
    out
}

/// `struct fuse_dirent`: a regular file.
pub fn listed(node: u64, next: u64, name: &[u8]) -> Vec<u8> {
    let mut out = [node, next].map(u64::to_ne_bytes).concat();
    out.extend(u32::try_from(name.len()).expect("a short name").to_ne_bytes());
    out.extend(8_u32.to_ne_bytes());
    out.extend(name);
    out.resize(out.len().next_multiple_of(8), 0);
    out
}
