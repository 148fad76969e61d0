//! The ports through references, boxes, arcs and pairs.
//!
//! A method that is missing here does not compile: the ports have no provided methods.
#![deny(clippy::missing_trait_methods)]

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::OsError;
use crate::file::{DeviceNumber, FileIdentity, FileKind, FileMode, FinalSymlink, Metadata};
use crate::mount::{
    AttributesRequest, BindReport, BindRequest, FilesystemOf, FilesystemOption, Guarantee, MountInfo, MountKey,
    MountRequest, NamespaceGuard, Origin, PathMount, PinnedNamespace, Propagation, Recursion, RootRequest,
    SuperblockAccess, UnmountMode, UnmountRequest,
};
use crate::mount_table::MountTable;
use crate::path::{Crossing, Location};
use crate::ports::{DetachedTree, Directory, DirectoryEntries, Filesystem, Mounter, OpenEntry, Ports, ProcessRoot};

macro_rules! forward {
    ($port:ident for $($pointer:ty),+; $field:ident of $pair:ty { $(fn $method:ident(&self $(, $argument:ident: $type:ty)*) -> $answer:ty;)* }) => {
        forward!($port for $($pointer),+ { $(fn $method(&self $(, $argument: $type)*) -> $answer;)* });
        impl<T: $port, U: Send + Sync> $port for $pair {
            $(
                fn $method(&self $(, $argument: $type)*) -> $answer {
                    self.$field.$method($($argument),*)
                }
            )*
        }
    };
    ($port:ident for $($pointer:ty),+ { $(fn $method:ident(&self $(, $argument:ident: $type:ty)*) -> $answer:ty;)* }) => {
        forward!(@each [$($pointer),+] $port { $(fn $method(&self $(, $argument: $type)*) -> $answer;)* });
    };
    (@each [$pointer:ty $(, $more:ty)*] $port:ident $methods:tt) => {
        forward!(@one $pointer, $port $methods);
        forward!(@each [$($more),*] $port $methods);
    };
    (@each [] $port:ident $methods:tt) => {};
    (@one $pointer:ty, $port:ident { $(fn $method:ident(&self $(, $argument:ident: $type:ty)*) -> $answer:ty;)* }) => {
        impl<T: $port + ?Sized> $port for $pointer {
            $(
                fn $method(&self $(, $argument: $type)*) -> $answer {
                    (**self).$method($($argument),*)
                }
            )*
        }
    };
}

forward!(Filesystem for &T, Box<T>, Arc<T>; filesystem of Ports<T, U> {
    fn metadata(&self, at: &Location, link: FinalSymlink) -> Result<Metadata, OsError>;
    fn metadata_cached(&self, at: &Location, link: FinalSymlink) -> Result<Metadata, OsError>;
    fn canonicalize(&self, path: &Path) -> Result<PathBuf, OsError>;
    fn canonicalize_cached(&self, path: &Path) -> Result<PathBuf, OsError>;
    fn current_dir(&self) -> Result<PathBuf, OsError>;
    fn open_dir(&self, at: &Location) -> Result<Box<dyn Directory>, OsError>;
    fn read_link(&self, at: &Location) -> Result<PathBuf, OsError>;
    fn create_dir(&self, at: &Location, mode: FileMode) -> Result<FileIdentity, OsError>;
    fn create_file(&self, at: &Location, mode: FileMode) -> Result<FileIdentity, OsError>;
    fn create_symlink(&self, at: &Location, target: &Path) -> Result<FileIdentity, OsError>;
    fn create_node(&self, at: &Location, kind: FileKind, device: Option<DeviceNumber>, mode: FileMode) -> Result<Metadata, OsError>;
    fn remove_dir(&self, at: &Location) -> Result<(), OsError>;
    fn remove_file(&self, at: &Location) -> Result<(), OsError>;
});

forward!(Directory for &T, Box<T>, Arc<T> {
    fn own_metadata(&self) -> Result<Metadata, OsError>;
    fn parent_metadata(&self) -> Result<Metadata, OsError>;
    fn open_parent(&self) -> Result<Box<dyn Directory>, OsError>;
    fn entries(&self) -> Result<DirectoryEntries, OsError>;
    fn metadata(&self, name: &OsStr) -> Result<Metadata, OsError>;
    fn open_dir(&self, name: &OsStr, crossing: Crossing) -> Result<Box<dyn Directory>, OsError>;
    fn open_entry(&self, name: &OsStr) -> Result<Box<dyn OpenEntry>, OsError>;
    fn read_link(&self, name: &OsStr) -> Result<PathBuf, OsError>;
    fn read_file(&self, name: &OsStr, limit: u64) -> Result<Vec<u8>, OsError>;
    fn create_dir(&self, name: &OsStr, mode: FileMode) -> Result<FileIdentity, OsError>;
    fn create_file(&self, name: &OsStr, mode: FileMode) -> Result<FileIdentity, OsError>;
    fn create_symlink(&self, name: &OsStr, target: &Path) -> Result<FileIdentity, OsError>;
    fn create_node(&self, name: &OsStr, kind: FileKind, device: Option<DeviceNumber>, mode: FileMode) -> Result<Metadata, OsError>;
    fn replace_file(&self, name: &OsStr, contents: &[u8], mode: FileMode) -> Result<(), OsError>;
    fn remove_dir(&self, name: &OsStr) -> Result<(), OsError>;
    fn remove_file(&self, name: &OsStr) -> Result<(), OsError>;
    fn unmount(&self, name: &OsStr, mode: UnmountMode, only: Option<MountKey>) -> Result<(), OsError>;
    fn set_owner(&self, name: &OsStr, uid: Option<u32>, gid: Option<u32>) -> Result<(), OsError>;
    fn set_mode(&self, name: &OsStr, mode: FileMode) -> Result<(), OsError>;
    fn set_own_owner(&self, uid: Option<u32>, gid: Option<u32>) -> Result<(), OsError>;
    fn set_own_mode(&self, mode: FileMode) -> Result<(), OsError>;
});

forward!(OpenEntry for &T, Box<T>, Arc<T> {
    fn metadata(&self) -> Result<Metadata, OsError>;
    fn set_owner(&self, uid: Option<u32>, gid: Option<u32>) -> Result<(), OsError>;
    fn set_mode(&self, mode: FileMode) -> Result<(), OsError>;
    fn capabilities(&self) -> Result<Option<Vec<u8>>, OsError>;
    fn set_capabilities(&self, capabilities: &[u8]) -> Result<(), OsError>;
});

forward!(Mounter for &T, Box<T>, Arc<T>; mounter of Ports<U, T> {
    fn bind(&self, request: &BindRequest) -> Result<BindReport, OsError>;
    fn mount(&self, request: &MountRequest) -> Result<BindReport, OsError>;
    fn detached_tree(&self, request: &BindRequest) -> Result<Box<dyn DetachedTree>, OsError>;
    fn move_mount(&self, from: &Location, to: &Location) -> Result<(), OsError>;
    fn change_attributes(&self, request: &AttributesRequest) -> Result<Guarantee, OsError>;
    fn set_superblock(&self, at: &Location, access: SuperblockAccess) -> Result<(), OsError>;
    fn reconfigure(&self, at: &Location, options: &[FilesystemOption]) -> Result<(), OsError>;
    fn set_propagation(&self, at: &Location, propagation: Propagation, recursion: Recursion) -> Result<(), OsError>;
    fn set_propagation_of(&self, at: &Location, mount: MountKey, propagation: Propagation) -> Result<(), OsError>;
    fn unmount(&self, request: &UnmountRequest) -> Result<(), OsError>;
    fn mount_of(&self, at: &Location) -> Result<PathMount, OsError>;
    fn filesystem_of(&self, at: &Location) -> Result<FilesystemOf, OsError>;
    fn mount_of_cached(&self, at: &Location) -> Result<PathMount, OsError>;
    fn filesystem_of_cached(&self, at: &Location) -> Result<FilesystemOf, OsError>;
    fn find_mount(&self, mount: MountKey) -> Result<MountInfo, OsError>;
    fn mounts(&self) -> Result<MountTable, OsError>;
    fn origin(&self) -> Result<Origin, OsError>;
    fn let_others_run(&self, attempt: u32) -> ();
});

forward!(ProcessRoot for &T, Box<T>, Arc<T> {
    fn pin_namespace(&self) -> Result<PinnedNamespace, OsError>;
    fn enter_root(&self, request: RootRequest) -> Result<(), OsError>;
    fn set_root_propagation(&self, propagation: Propagation, recursion: Recursion, guard: &NamespaceGuard) -> Result<(), OsError>;
});

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::{Backend, MockFilesystem, MockMounter};

    fn is_filesystem(_: &impl Filesystem) {}
    fn is_mounter(_: &impl Mounter) {}

    #[test]
    fn pointers_to_ports_are_ports() {
        let mut mock = MockFilesystem::new();
        mock.expect_current_dir().times(4).returning(|| Ok(PathBuf::from("/here")));
        let by_reference: &dyn Filesystem = &mock;
        is_filesystem(&by_reference);
        assert_eq!(by_reference.current_dir().unwrap(), Path::new("/here"));
        assert_eq!(Filesystem::current_dir(&&mock).unwrap(), Path::new("/here"));
        let boxed: Box<dyn Filesystem> = Box::new(mock);
        is_filesystem(&boxed);
        assert_eq!(Filesystem::current_dir(&boxed).unwrap(), Path::new("/here"));
        let shared: Arc<dyn Filesystem> = Arc::from(boxed);
        is_filesystem(&shared);
        assert_eq!(Filesystem::current_dir(&shared).unwrap(), Path::new("/here"));
    }

    #[test]
    fn two_ports_are_a_backend_and_each_is_reached_in_it() {
        let (mut files, mut mounts) = (MockFilesystem::new(), MockMounter::new());
        files.expect_current_dir().times(3).returning(|| Ok(PathBuf::from("/here")));
        mounts.expect_origin().times(3).returning(|| Ok(Origin::UNKNOWN));
        let (filesystem, mounter): (&dyn Filesystem, Arc<dyn Mounter>) = (&files, Arc::new(mounts));
        is_mounter(&mounter);
        let ports = Ports { filesystem, mounter };
        let both = |backend: &dyn Backend| {
            assert_eq!(backend.current_dir(), backend.filesystem().current_dir());
            assert_eq!(backend.origin(), backend.mounter().origin());
        };
        both(&ports);
        let shared: Arc<dyn Backend + '_> = Arc::new(&ports);
        assert_eq!(Backend::filesystem(&shared).current_dir(), Ok(PathBuf::from("/here")));
        assert_eq!(Backend::mounter(&shared).origin(), Ok(Origin::UNKNOWN));
    }
}
