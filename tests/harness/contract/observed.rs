//! The state that a refused call must not change.

use std::path::{Path, PathBuf};

use mountwright_core::MountTable;
use mountwright_core::file::{FileKind, Metadata};

use super::world::World;

/// Files, mounts and open descriptors of a world at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Observed {
    files: Vec<(PathBuf, Metadata, Vec<u8>)>,
    mounts: Vec<String>,
    descriptors: usize,
    umask: u16,
    current_dir: Option<PathBuf>,
}

impl Observed {
    pub(super) fn of(world: &dyn World) -> Self {
        let mut files = Vec::new();
        walk(world, Path::new("/w"), &mut files);
        let umask = world.set_umask(0);
        world.set_umask(umask);
        Self {
            files,
            mounts: MountTable::parse(world.mountinfo()).iter().map(|row| row.to_info().to_string()).collect(),
            descriptors: world.open_descriptors(),
            umask,
            current_dir: world.current_dir().ok(),
        }
    }
}

/// Every file below a directory that is visible. Files that cannot be stat'ed (by a caller without capabilities) are
/// left out.
fn walk(world: &dyn World, directory: &Path, found: &mut Vec<(PathBuf, Metadata, Vec<u8>)>) {
    for name in world.names(directory).unwrap_or_default() {
        let path = directory.join(name);
        let Ok(metadata) = world.stat(&path) else { continue };
        let kind = metadata.kind;
        let contents = if kind == FileKind::Regular { world.read(&path).unwrap_or_default() } else { Vec::new() };
        found.push((path.clone(), metadata, contents));
        if kind == FileKind::Directory {
            walk(world, &path, found);
        }
    }
}
