//! Files: superblocks, inodes, dentries, and the walk along a path.

pub(crate) mod at;
pub(crate) mod d_path;
pub(crate) mod dentry;
pub(crate) mod hang;
pub(crate) mod nfs;
pub(crate) mod owner;
pub(crate) mod path;
pub(crate) mod path_text;
pub(crate) mod path_walk;
pub(crate) mod permission;
pub(crate) mod superblock;
pub(crate) mod walk_flags;
pub(crate) mod whole_walk;
