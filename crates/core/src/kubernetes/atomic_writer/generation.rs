//! Versions of a volume's files.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use crate::path::printable;

/// One version of the files of a volume that the kubelet replaces: the name of the directory that holds them,
/// `..<time>.<random digits>`. Two reads of a volume saw the same files exactly if they saw the same generation.
///
/// * One component that starts with two dots and is longer than that.
/// * `Display` writes what is not UTF-8 as `\xff`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct VolumeGeneration(OsString);

impl VolumeGeneration {
    /// The version that a symlink with this target leads to; None where the target cannot be the name of one.
    pub(crate) fn from_target(target: &Path) -> Option<Self> {
        let name = target.as_os_str().as_bytes();
        let named_so = name.len() > 2 && name.starts_with(b"..") && !name.contains(&b'/');
        named_so.then(|| Self(target.as_os_str().to_owned()))
    }

    /// The name of the directory.
    pub fn name(&self) -> &OsStr {
        &self.0
    }
}

impl fmt::Display for VolumeGeneration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&printable(&self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_one_name_with_two_dots_before_it() {
        let name = "..2026_11_20_08_15_30.1182736451";
        let generation = VolumeGeneration::from_target(Path::new(name)).unwrap();
        assert_eq!((generation.name(), generation.to_string().as_str()), (OsStr::new(name), name));
        for other in ["", ".", "..", "v1", "../v", "..v/", "..v/w", "/..v"] {
            assert_eq!(VolumeGeneration::from_target(Path::new(other)), None, "{other:?}");
        }
    }
}
