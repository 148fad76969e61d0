//! Rules for the destinations of a container's mounts.

use camino::{Utf8Path, Utf8PathBuf};

use crate::path::clean_path;

/// The files of procfs that a mount may cover, as runc and crun allow them: their contents are about the machine, and `lxcfs`
/// and its like replace them.
const ALLOWED_BELOW_PROC: [&str; 11] = [
    "/proc/cpuinfo",
    "/proc/diskstats",
    "/proc/meminfo",
    "/proc/stat",
    "/proc/swaps",
    "/proc/uptime",
    "/proc/loadavg",
    "/proc/slabinfo",
    "/proc/net/dev",
    "/proc/sys/kernel/ns_last_pid",
    "/proc/sys/crypto/fips_enabled",
];

/// The destination as a text without `.`, `..` and doubled slashes.
pub(crate) fn cleaned(destination: &Utf8Path) -> Utf8PathBuf {
    let clean = clean_path(destination.as_std_path()).into_owned();
    // Cleaning drops whole components of a text that was UTF-8.
    Utf8PathBuf::from_path_buf(clean).unwrap_or_else(|_| destination.to_owned())
}

/// The reason for which nothing may be mounted there; `None`: it may. Symlinks are not known here.
pub(crate) fn refusal(destination: &Utf8Path) -> Option<&'static str> {
    let clean = cleaned(destination);
    match clean.as_str() {
        "/" => Some("the root is root.path, and nothing is mounted over it"),
        path if path.starts_with("/proc/") && !ALLOWED_BELOW_PROC.contains(&path) => {
            Some("it is inside /proc, and not one of the files that a mount may cover")
        }
        _ => None,
    }
}

/// True of a destination that has to be an ordinary directory of the image: `/proc` and `/sys`. Behind a symlink there a process
/// finds another procfs than the one that it believes to have.
pub(crate) fn must_be_ordinary(destination: &Utf8Path) -> bool {
    ["/proc", "/sys"].contains(&cleaned(destination).as_str())
}
