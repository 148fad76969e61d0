//! `fsopen`, `fsconfig`, `fsmount`, `fspick`.

use std::sync::Arc;

use mountwright_core::Errno;
use mountwright_linux::Call;

use crate::abi::{
    AT_SYMLINK_NOFOLLOW, CAP_SYS_ADMIN, FSCONFIG_CMD_CREATE, FSCONFIG_CMD_RECONFIGURE, FSCONFIG_SET_FD,
    FSCONFIG_SET_FLAG, FSCONFIG_SET_STRING, FSMOUNT_CLOEXEC, FSOPEN_CLOEXEC, FSPICK_CLOEXEC, FSPICK_EMPTY_PATH,
    FSPICK_NO_AUTOMOUNT, FSPICK_SYMLINK_NOFOLLOW, MOUNT_ATTR__ATIME, MOUNT_ATTR_NOATIME, MOUNT_ATTR_RELATIME,
    MOUNT_ATTR_STRICTATIME, O_PATH, O_RDWR,
};
use crate::model::filesystems::filesystem_type::FilesystemType;
use crate::model::filesystems::options::SuperblockOptions;
use crate::model::keys::SuperKey;
use crate::model::machine::Machine;
use crate::model::objects::filesystem_context::{FilesystemContext, Phase};
use crate::model::objects::mount_flags::MountFlags;
use crate::model::objects::path::Place;
use crate::model::objects::pid::Pid;
use crate::model::vfs::at::At;
use crate::model::vfs::walk_flags::WalkFlags;

/// The limit of fsconfig's keys and values: the longest one is shorter.
const LONGEST_TEXT: usize = 256;

impl Machine {
    /// `fsopen`: a context to configure a new filesystem of this type in.
    ///
    /// # Errors
    /// `EPERM`: no privilege. `EINVAL`: flags. `ENODEV`: no such type.
    pub fn fsopen(&mut self, pid: Pid, fs_type: &[u8], flags: u32) -> Result<i32, Errno> {
        self.check_has(Call::Fsopen)?;
        self.may_mount(pid)?;
        if flags & !FSOPEN_CLOEXEC != 0 {
            return Err(Errno::EINVAL);
        }
        // The text after a dot is a subtype, which only FUSE has.
        let kind = FilesystemType::named(fs_type).ok_or(Errno::ENODEV)?;
        let context = FilesystemContext {
            phase: Phase::Parameters,
            fs_type: Some(kind),
            options: SuperblockOptions::default(),
            superblock: None,
            log: Vec::new(),
        };
        self.install_context(pid, context)
    }

    /// `fspick`: a context to change the superblock of a mount in.
    ///
    /// # Errors
    /// `EPERM`: no privilege. `EINVAL`: flags. Those of the walk; `EINVAL`: not the root of a mount.
    pub fn fspick(&mut self, pid: Pid, at: impl Into<At>, path: &[u8], flags: u32) -> Result<i32, Errno> {
        self.check_has(Call::Fspick)?;
        self.may_mount(pid)?;
        let known = FSPICK_CLOEXEC | FSPICK_SYMLINK_NOFOLLOW | FSPICK_NO_AUTOMOUNT | FSPICK_EMPTY_PATH;
        if flags & !known != 0 {
            return Err(Errno::EINVAL);
        }
        let follow = if flags & FSPICK_SYMLINK_NOFOLLOW == 0 { 0 } else { AT_SYMLINK_NOFOLLOW };
        let how = WalkFlags { empty: flags & FSPICK_EMPTY_PATH != 0, ..WalkFlags::from_at(follow) };
        let place = self.walk(pid, at.into(), path, how)?;
        if !self.is_mount_root(place) {
            return Err(Errno::EINVAL);
        }
        let superblock = self.mounts[place.mount].superblock;
        self.hold_superblock(superblock);
        let context = FilesystemContext {
            phase: Phase::Changes,
            fs_type: None,
            options: self.present_options(superblock),
            superblock: Some(superblock),
            log: Vec::new(),
        };
        self.install_context(pid, context)
    }

    /// `fsconfig`: a parameter (`FSCONFIG_SET_*`), or now make or change the superblock (`FSCONFIG_CMD_*`).
    ///
    /// # Errors
    /// `EINVAL`: arguments that do not go together, a descriptor of something else, a parameter or value that the type
    /// refuses. `EBADF`. `EBUSY`: not in this order; or the superblock is there, or written. `EPERM`: no privilege over the
    /// superblock. Those of [`Machine::mount`] for a new one. `EOPNOTSUPP`: another command (not modelled, or not known).
    pub fn fsconfig(
        &mut self,
        pid: Pid,
        fd: i32,
        command: u32,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        aux: i32,
    ) -> Result<(), Errno> {
        self.check_has(Call::Fsconfig)?;
        if fd < 0 {
            return Err(Errno::EINVAL);
        }
        let fits = match command {
            FSCONFIG_SET_FLAG => key.is_some() && value.is_none() && aux == 0,
            FSCONFIG_SET_STRING => key.is_some() && value.is_some() && aux == 0,
            FSCONFIG_SET_FD => key.is_some() && value.is_none() && aux >= 0,
            FSCONFIG_CMD_CREATE | FSCONFIG_CMD_RECONFIGURE => key.is_none() && value.is_none() && aux == 0,
            _ => return Err(Errno::EOPNOTSUPP),
        };
        let is_too_long = |text: Option<&[u8]>| text.is_some_and(|text| text.len() >= LONGEST_TEXT);
        if !fits || is_too_long(key) || is_too_long(value) {
            return Err(Errno::EINVAL);
        }
        let context = self.context(pid, fd)?;
        match (command, key) {
            (FSCONFIG_CMD_CREATE, _) => self.create_superblock(pid, fd, context),
            (FSCONFIG_CMD_RECONFIGURE, _) => self.reconfigure_superblock(pid, fd, context),
            (FSCONFIG_SET_FD, Some(key)) => {
                self.file(pid, aux)?;
                self.refuse_parameter(pid, fd, context, key)
            }
            (_, Some(key)) => self.set_parameter(pid, fd, context, key, value),
            (_, None) => Err(Errno::EINVAL),
        }
    }

    /// `fsmount`: a detached mount of the superblock that was made; `attributes` are `MOUNT_ATTR_*`.
    ///
    /// # Errors
    /// `EPERM`: no privilege. `EINVAL`: flags, attributes, a descriptor of something else, no superblock yet. `EBADF`. `EBUSY`:
    /// mounted already.
    pub fn fsmount(&mut self, pid: Pid, fd: i32, flags: u32, attributes: u64) -> Result<i32, Errno> {
        self.check_has(Call::Fsmount)?;
        self.may_mount(pid)?;
        if flags & !FSMOUNT_CLOEXEC != 0 || attributes & !self.kernel_version.attributes_of_fsmount() != 0 {
            return Err(Errno::EINVAL);
        }
        let mut mount_flags = MountFlags::from_attributes(attributes);
        match attributes & MOUNT_ATTR__ATIME {
            MOUNT_ATTR_RELATIME => mount_flags |= MountFlags::REL_ATIME,
            MOUNT_ATTR_NOATIME => mount_flags |= MountFlags::NO_ATIME,
            MOUNT_ATTR_STRICTATIME => {}
            _ => return Err(Errno::EINVAL),
        }
        let mut context = self.context(pid, fd)?;
        let superblock = context.superblock.ok_or(Errno::EINVAL)?;
        if context.phase != Phase::Mounting {
            return Err(Errno::EBUSY);
        }
        let own = self.task(pid)?.namespace;
        let root = self.superblocks[superblock].root;
        let mount = self.new_mount(superblock, root, mount_flags, context.options.source.take());
        let home = self.new_namespace(self.namespaces[own].user_ns, mount);
        self.namespaces[home].detached = true;
        self.enter_namespace(mount, home);
        let opened = self.install(pid, Place { mount, dentry: root }, O_PATH, true)?;
        context.phase = Phase::Changes;
        context.options = self.present_options(superblock);
        self.put_context(pid, fd, context)?;
        Ok(opened)
    }
}

impl Machine {
    fn install_context(&mut self, pid: Pid, context: FilesystemContext) -> Result<i32, Errno> {
        let place = self.anonymous_place();
        let fd = self.install(pid, place, O_RDWR, false)?;
        self.put_context(pid, fd, context)?;
        Ok(fd)
    }

    /// Returns the oldest message of a context that was not read yet.
    ///
    /// # Errors
    /// `ENODATA`: there is none. `EMSGSIZE`: it is longer than `count`.
    pub(crate) fn read_log(&mut self, pid: Pid, fd: i32, count: usize) -> Result<Vec<u8>, Errno> {
        let mut context = self.context(pid, fd)?;
        let message = context.log.first().ok_or(Errno::ENODATA)?;
        if message.len() > count {
            return Err(Errno::EMSGSIZE);
        }
        let message = context.log.remove(0);
        self.put_context(pid, fd, context)?;
        Ok(message)
    }

    /// # Errors
    /// `EBADF`; `EINVAL`: a descriptor of something else.
    fn context(&self, pid: Pid, fd: i32) -> Result<FilesystemContext, Errno> {
        let file = self.file(pid, fd)?;
        file.check_usable()?;
        file.context.as_deref().cloned().ok_or(Errno::EINVAL)
    }

    fn put_context(&mut self, pid: Pid, fd: i32, context: FilesystemContext) -> Result<(), Errno> {
        let file = self.file_key(pid, fd)?;
        self.files[file].context = Some(Arc::new(context));
        Ok(())
    }

    fn set_parameter(
        &mut self,
        pid: Pid,
        fd: i32,
        mut context: FilesystemContext,
        key: &[u8],
        value: Option<&[u8]>,
    ) -> Result<(), Errno> {
        let kind = self.type_of_context(&context)?;
        let set = context.options.set(kind, key, value, |ids, id| self.initial_id(pid, ids, id));
        if set == Err(Errno::EINVAL) {
            return self.refuse_parameter(pid, fd, context, key);
        }
        let changes = context.phase == Phase::Changes;
        self.put_context(pid, fd, context)?;
        // Other options of a superblock that is there do not change in the model.
        if changes && !kind.changes(key) { set.and(Err(Errno::EOPNOTSUPP)) } else { set }
    }

    /// `EINVAL`, and a message that names the parameter.
    fn refuse_parameter(&mut self, pid: Pid, fd: i32, mut context: FilesystemContext, key: &[u8]) -> Result<(), Errno> {
        let kind = self.type_of_context(&context)?;
        let problem: &[u8] = if kind.takes(key) { b"Bad value for '" } else { b"Unknown parameter '" };
        context.log.push([b"e ", kind.name, b": ", problem, key, b"'\n"].concat());
        self.put_context(pid, fd, context).and(Err(Errno::EINVAL))
    }

    /// # Errors
    /// `EBUSY`: the context takes no parameters.
    fn type_of_context(&self, context: &FilesystemContext) -> Result<FilesystemType, Errno> {
        match (context.phase, context.fs_type, context.superblock) {
            (Phase::Parameters, Some(kind), _) => Ok(kind),
            (Phase::Changes, _, Some(superblock)) => Ok(self.type_of(superblock)),
            _ => Err(Errno::EBUSY),
        }
    }

    /// The type of a superblock. That of a captured host may be one that cannot be mounted anew; it takes `ro` and `rw`.
    pub(crate) fn type_of(&self, superblock: SuperKey) -> FilesystemType {
        FilesystemType::named(&self.superblocks[superblock].type_name).unwrap_or(FilesystemType::UNKNOWN)
    }

    /// The options that a change begins with.
    pub(crate) fn present_options(&self, superblock: SuperKey) -> SuperblockOptions {
        SuperblockOptions::printed(self.type_of(superblock), &self.superblocks[superblock].options)
    }

    /// Gives a superblock the changed options, if its type has any that change.
    pub(crate) fn set_present_options(&mut self, superblock: SuperKey, options: &SuperblockOptions) {
        let kind = self.type_of(superblock);
        let changed = options.text(kind);
        // A captured host may print words that the model does not know: they stay where nothing changes.
        if kind.changes(b"size") && changed != self.present_options(superblock).text(kind) {
            self.superblocks[superblock].options = Arc::from(changed);
        }
    }

    fn create_superblock(&mut self, pid: Pid, fd: i32, mut context: FilesystemContext) -> Result<(), Errno> {
        let (Phase::Parameters, Some(kind)) = (context.phase, context.fs_type) else { return Err(Errno::EBUSY) };
        self.may_make_superblock(pid, kind)?;
        let made = self.superblock_for(pid, kind, &context.options);
        context.phase = if made.is_ok() { Phase::Mounting } else { Phase::Failed };
        if let Ok(superblock) = made {
            self.hold_superblock(superblock);
            context.superblock = Some(superblock);
        }
        self.put_context(pid, fd, context)?;
        made.map(drop)
    }

    fn reconfigure_superblock(&mut self, pid: Pid, fd: i32, mut context: FilesystemContext) -> Result<(), Errno> {
        let (Phase::Changes, Some(superblock)) = (context.phase, context.superblock) else { return Err(Errno::EBUSY) };
        if !self.capable(pid, self.superblocks[superblock].user_ns, CAP_SYS_ADMIN) {
            return Err(Errno::EPERM);
        }
        let changed =
            context.options.read_only.map_or(Ok(()), |read_only| self.set_superblock_read_only(superblock, read_only));
        if changed.is_ok() {
            self.set_present_options(superblock, &context.options);
        }
        context.options = self.present_options(superblock);
        context.phase = if changed.is_ok() { Phase::Changes } else { Phase::Failed };
        self.put_context(pid, fd, context)?;
        changed
    }
}
