//! Data of files: kind, mode, identity, metadata, device numbers.

pub(crate) mod device_number;
pub(crate) mod directory_entry;
pub(crate) mod entry_ref;
pub(crate) mod final_symlink;
pub(crate) mod identity;
pub(crate) mod kind;
pub(crate) mod magic;
pub(crate) mod metadata;
pub(crate) mod mode;
pub(crate) mod mount_id;
pub(crate) mod time;

pub use device_number::DeviceNumber;
pub use directory_entry::DirectoryEntry;
pub use entry_ref::EntryRef;
pub use final_symlink::FinalSymlink;
pub use identity::FileIdentity;
pub use kind::FileKind;
pub use magic::FilesystemMagic;
pub use metadata::Metadata;
pub use mode::FileMode;
pub use time::FileTime;
