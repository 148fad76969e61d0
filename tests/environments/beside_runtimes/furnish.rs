//! Files of an image, and files beside it.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;

use rustix::fs::{CWD, FileType, Mode, mknodat};

/// Creates a file below `root`, and its missing parents: the words after `image` or `host`.
pub(crate) fn furnish(root: &Path, words: &[&str]) {
    let [kind, path, rest @ ..] = words else { panic!("{words:?} is no file") };
    let at = root.join(path.trim_start_matches('/'));
    fs::create_dir_all(at.parent().expect("below the root")).unwrap();
    match (*kind, rest) {
        ("dir", []) => fs::create_dir_all(at).unwrap(),
        ("dir", [mode]) => {
            fs::create_dir_all(&at).unwrap();
            let mode = u32::from_str_radix(mode, 8).unwrap();
            fs::set_permissions(at, fs::Permissions::from_mode(mode)).unwrap();
        }
        ("file", text) => fs::write(at, text.join(" ")).unwrap(),
        ("link", [target]) => symlink(target, at).unwrap(),
        ("socket", []) => drop(UnixListener::bind(at).unwrap()),
        ("fifo", []) => mknodat(CWD, &at, FileType::Fifo, Mode::from_raw_mode(0o644), 0).unwrap(),
        _ => panic!("{words:?} is no file"),
    }
}
