//! The ports of a backend whose calls are under control.

/// Implements the ports for a [`Controlled`](crate::fault_injection::control::Controlled) type.
macro_rules! controlled_ports {
    ($backend:ty $(, $parameter:ident: $($bound:path),+)?) => {
        const _: () = {
            use std::path::{Path, PathBuf};

            use mountwright_core::error::Subject;
            use mountwright_core::file::{FileIdentity, FileKind, FinalSymlink, Metadata};
            use mountwright_core::mount::{BindReport, FilesystemOf, FilesystemOption, Guarantee, Origin, PathMount, SuperblockAccess};
            use mountwright_core::ports::DetachedTree;
            use mountwright_core::{
                AttributesRequest, BindRequest, DeviceNumber, Directory, FileMode, Filesystem, Location, MountInfo,
                MountKey, MountRequest, MountTable, Mounter, Operation, OsError, Propagation, Recursion, UnmountRequest,
            };

            use crate::fault_injection::control::{Control, Controlled};
            use crate::fault_injection::directory::ControlledDirectory;
            use crate::fault_injection::words::{words_of_bind, words_of_unmount};
            use crate::fault_injection::tree::ControlledTree;

            impl<$($parameter: $($bound +)+)?> Filesystem for $backend {
                fn metadata(&self, at: &Location, link: FinalSymlink) -> Result<Metadata, OsError> {
                    let call = ("Filesystem::metadata", Operation::Metadata);
                    self.control().call(call, || at.for_display().into(), || self.ports().metadata(at, link))
                }

                fn metadata_cached(&self, at: &Location, link: FinalSymlink) -> Result<Metadata, OsError> {
                    let call = ("Filesystem::metadata_cached", Operation::Metadata);
                    self.control().call(call, || at.for_display().into(), || self.ports().metadata_cached(at, link))
                }

                fn canonicalize(&self, path: &Path) -> Result<PathBuf, OsError> {
                    let call = ("Filesystem::canonicalize", Operation::Canonicalize);
                    self.control().call(call, || path.into(), || self.ports().canonicalize(path))
                }

                fn canonicalize_cached(&self, path: &Path) -> Result<PathBuf, OsError> {
                    let call = ("Filesystem::canonicalize_cached", Operation::Canonicalize);
                    self.control().call(call, || path.into(), || self.ports().canonicalize_cached(path))
                }

                fn current_dir(&self) -> Result<PathBuf, OsError> {
                    let call = ("Filesystem::current_dir", Operation::CurrentDir);
                    self.control().call(call, || Subject::Namespace, || self.ports().current_dir())
                }

                fn open_dir(&self, at: &Location) -> Result<Box<dyn Directory>, OsError> {
                    let call = ("Filesystem::open_dir", Operation::OpenDir);
                    let opened =
                        self.control().call(call, || at.for_display().into(), || self.ports().open_dir(at))?;
                    Ok(ControlledDirectory::around(self.control(), opened, || at.for_display()))
                }

                fn read_link(&self, at: &Location) -> Result<PathBuf, OsError> {
                    let call = ("Filesystem::read_link", Operation::ReadLink);
                    self.control().call(call, || at.for_display().into(), || self.ports().read_link(at))
                }

                fn create_dir(&self, at: &Location, mode: FileMode) -> Result<FileIdentity, OsError> {
                    let call = ("Filesystem::create_dir", Operation::CreateDir);
                    self.control().call(call, || at.for_display().into(), || self.ports().create_dir(at, mode))
                }

                fn create_file(&self, at: &Location, mode: FileMode) -> Result<FileIdentity, OsError> {
                    let call = ("Filesystem::create_file", Operation::CreateFile);
                    self.control().call(call, || at.for_display().into(), || self.ports().create_file(at, mode))
                }

                fn create_symlink(&self, at: &Location, target: &Path) -> Result<FileIdentity, OsError> {
                    let call = ("Filesystem::create_symlink", Operation::CreateSymlink);
                    self.control().call(call, || at.for_display().into(), || self.ports().create_symlink(at, target))
                }

                fn create_node(
                    &self,
                    at: &Location,
                    kind: FileKind,
                    device: Option<DeviceNumber>,
                    mode: FileMode,
                ) -> Result<Metadata, OsError> {
                    let call = ("Filesystem::create_node", Operation::CreateNode);
                    let make = || self.ports().create_node(at, kind, device, mode);
                    self.control().call(call, || at.for_display().into(), make)
                }

                fn remove_dir(&self, at: &Location) -> Result<(), OsError> {
                    let call = ("Filesystem::remove_dir", Operation::RemoveDir);
                    self.control().call(call, || at.for_display().into(), || self.ports().remove_dir(at))
                }

                fn remove_file(&self, at: &Location) -> Result<(), OsError> {
                    let call = ("Filesystem::remove_file", Operation::RemoveFile);
                    self.control().call(call, || at.for_display().into(), || self.ports().remove_file(at))
                }
            }

            impl<$($parameter: $($bound +)+)?> Mounter for $backend {
                fn bind(&self, request: &BindRequest) -> Result<BindReport, OsError> {
                    let subject = || Subject::onto(request.source().for_display(), request.target().for_display());
                    let (call, detail) = (("Mounter::bind", Operation::Bind), || words_of_bind(request));
                    self.control().detailed_call(call, subject, detail, || self.bind_now(request))
                }

                fn mount(&self, request: &MountRequest) -> Result<BindReport, OsError> {
                    let subject = || request.target.for_display().into();
                    let (call, detail) =
                        (("Mounter::mount", Operation::Mount), || request.fs_type.display().to_string());
                    self.control().detailed_call(call, subject, detail, || self.mount_now(request))
                }

                fn detached_tree(&self, request: &BindRequest) -> Result<Box<dyn DetachedTree>, OsError> {
                    let subject = || Subject::onto(request.source().for_display(), request.target().for_display());
                    let (call, detail) =
                        (("Mounter::detached_tree", Operation::DetachedTree), || words_of_bind(request));
                    let begun =
                        self.control().detailed_call(call, subject, detail, || self.ports().detached_tree(request))?;
                    Ok(ControlledTree::around(self.control(), begun, request))
                }

                fn move_mount(&self, from: &Location, to: &Location) -> Result<(), OsError> {
                    let subject = || Subject::onto(from.for_display(), to.for_display());
                    let call = ("Mounter::move_mount", Operation::MoveMount);
                    self.control().call(call, subject, || self.ports().move_mount(from, to))
                }

                fn change_attributes(&self, request: &AttributesRequest) -> Result<Guarantee, OsError> {
                    let subject = || request.at().for_display().into();
                    let call = ("Mounter::change_attributes", Operation::ChangeAttributes);
                    self.control().call(call, subject, || self.ports().change_attributes(request))
                }

                fn set_superblock(&self, at: &Location, access: SuperblockAccess) -> Result<(), OsError> {
                    let call = ("Mounter::set_superblock", Operation::SetSuperblock);
                    let make = || self.ports().set_superblock(at, access);
                    self.control().call(call, || at.for_display().into(), make)
                }

                fn reconfigure(&self, at: &Location, options: &[FilesystemOption]) -> Result<(), OsError> {
                    let call = ("Mounter::reconfigure", Operation::SetSuperblock);
                    let make = || self.ports().reconfigure(at, options);
                    self.control().call(call, || at.for_display().into(), make)
                }

                fn set_propagation(
                    &self,
                    at: &Location,
                    propagation: Propagation,
                    recursion: Recursion,
                ) -> Result<(), OsError> {
                    let call = ("Mounter::set_propagation", Operation::SetPropagation);
                    let make = || self.ports().set_propagation(at, propagation, recursion);
                    self.control().call(call, || at.for_display().into(), make)
                }

                fn set_propagation_of(
                    &self,
                    at: &Location,
                    mount: MountKey,
                    propagation: Propagation,
                ) -> Result<(), OsError> {
                    let call = ("Mounter::set_propagation_of", Operation::SetPropagation);
                    let make = || self.ports().set_propagation_of(at, mount, propagation);
                    self.control().call(call, || at.for_display().into(), make)
                }

                fn unmount(&self, request: &UnmountRequest) -> Result<(), OsError> {
                    let subject = || request.at().for_display().into();
                    let (call, detail) = (("Mounter::unmount", Operation::Unmount), || words_of_unmount(request));
                    self.control().detailed_call(call, subject, detail, || self.ports().unmount(request))
                }

                fn mount_of(&self, at: &Location) -> Result<PathMount, OsError> {
                    let call = ("Mounter::mount_of", Operation::MountOf);
                    self.control().call(call, || at.for_display().into(), || self.ports().mount_of(at))
                }

                fn filesystem_of(&self, at: &Location) -> Result<FilesystemOf, OsError> {
                    let call = ("Mounter::filesystem_of", Operation::FilesystemOf);
                    self.control().call(call, || at.for_display().into(), || self.ports().filesystem_of(at))
                }

                fn mount_of_cached(&self, at: &Location) -> Result<PathMount, OsError> {
                    let call = ("Mounter::mount_of_cached", Operation::MountOf);
                    self.control().call(call, || at.for_display().into(), || self.ports().mount_of_cached(at))
                }

                fn filesystem_of_cached(&self, at: &Location) -> Result<FilesystemOf, OsError> {
                    let call = ("Mounter::filesystem_of_cached", Operation::FilesystemOf);
                    self.control().call(call, || at.for_display().into(), || self.ports().filesystem_of_cached(at))
                }

                fn find_mount(&self, mount: MountKey) -> Result<MountInfo, OsError> {
                    let call = ("Mounter::find_mount", Operation::FindMount);
                    self.control().call(call, || mount.into(), || self.ports().find_mount(mount))
                }

                fn mounts(&self) -> Result<MountTable, OsError> {
                    let call = ("Mounter::mounts", Operation::Mounts);
                    self.control().call(call, || Subject::Namespace, || self.ports().mounts())
                }

                fn origin(&self) -> Result<Origin, OsError> {
                    let call = ("Mounter::origin", Operation::Origin);
                    self.control().call(call, || Subject::Namespace, || self.ports().origin())
                }

                fn let_others_run(&self, attempt: u32) {
                    self.ports().let_others_run(attempt);
                }
            }
        };
    };
}

pub(crate) use controlled_ports;
