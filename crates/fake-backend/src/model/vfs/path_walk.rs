//! Resolution of a path to a place: components, mounts, symlinks, `..`.

use std::sync::Arc;

use mountwright_core::Errno;

use crate::abi::{
    PATH_MAX, RESOLVE_BENEATH, RESOLVE_CACHED, RESOLVE_IN_ROOT, RESOLVE_NO_MAGICLINKS, RESOLVE_NO_SYMLINKS,
    RESOLVE_NO_XDEV,
};
use crate::model::keys::DentryKey;
use crate::model::machine::Machine;
use crate::model::objects::inode::Content;
use crate::model::objects::mount_flags::MountFlags;
use crate::model::objects::path::Place;
use crate::model::objects::pid::Pid;
use crate::model::vfs::at::At;
use crate::model::vfs::path_text::{Component, LastKind, Rest, Text};
use crate::model::vfs::permission::EXECUTE;
use crate::model::vfs::walk_flags::WalkFlags;

/// The most symlinks that one walk follows.
const MOST_LINKS: u32 = 40;

/// A walk in progress.
pub(crate) struct Walk<'a> {
    pid: Pid,
    root: Place,
    pub(crate) at: Place,
    resolve: u64,
    links: u32,
    last: Option<Component<'a>>,
    rest: Option<Rest<'a>>,
    /// Slashes at the end: symlinks there are followed and the end must be a directory.
    pub(crate) slash_seen: bool,
}

/// The treatment of a symlink at one component.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    /// Not the last of its text, or the last of a symlink's: symlinks are followed.
    Inner,
    /// The last one of the path.
    Last { follow: bool },
}

impl<'a> Walk<'a> {
    /// Starts at the root, the working directory or a descriptor.
    ///
    /// # Errors
    /// `ENOENT`: an empty path. `ENAMETOOLONG`. `EBADF`: no such descriptor. `ENOTDIR`: a descriptor of a file.
    pub(crate) fn begin(
        machine: &mut Machine,
        pid: Pid,
        at: At,
        path: &'a [u8],
        flags: WalkFlags,
    ) -> Result<Self, Errno> {
        let task = machine.task(pid)?;
        let (root, current) = (task.root, task.current_dir);
        if let At::Link(fd) = at {
            return Self::begin_at_link(machine, pid, fd, path, flags, root);
        }
        if path.is_empty() && !flags.empty {
            return Err(Errno::ENOENT);
        }
        if path.len() >= PATH_MAX {
            return Err(Errno::ENAMETOOLONG);
        }
        let mut walk = Walk {
            pid,
            root,
            at: current,
            resolve: flags.resolve,
            links: 0,
            last: None,
            rest: None,
            slash_seen: false,
        };
        if path.first() == Some(&b'/') && flags.resolve & RESOLVE_IN_ROOT == 0 {
            if flags.resolve & RESOLVE_BENEATH != 0 {
                return Err(Errno::EXDEV);
            }
            walk.at = root;
        } else if let At::Fd(fd) = at {
            walk.at = machine.file(pid, fd)?.place;
            if !path.is_empty() && !machine.is_directory(walk.at) {
                return Err(Errno::ENOTDIR);
            }
        }
        if flags.resolve & (RESOLVE_BENEATH | RESOLVE_IN_ROOT) != 0 {
            walk.root = walk.at;
        }
        walk.rest = Some(Rest { text: Text::Given(path), at: 0 });
        Ok(walk)
    }

    /// Through `/proc/thread-self/fd/N`: two symlinks are behind the walk when it begins.
    fn begin_at_link(
        machine: &mut Machine,
        pid: Pid,
        fd: i32,
        path: &'a [u8],
        flags: WalkFlags,
        root: Place,
    ) -> Result<Self, Errno> {
        let prefix = "/proc/thread-self/fd/".len() + fd.to_string().len() + 1;
        if prefix + path.len() >= PATH_MAX {
            return Err(Errno::ENAMETOOLONG);
        }
        let place = machine.file(pid, fd).map_err(|_| Errno::ENOENT)?.place;
        if flags.resolve & (RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS) != 0 {
            return Err(Errno::ELOOP);
        }
        if flags.resolve & (RESOLVE_BENEATH | RESOLVE_IN_ROOT | RESOLVE_NO_XDEV) != 0 {
            return Err(Errno::EXDEV);
        }
        if path.is_empty() && !flags.follow {
            // The link itself, on procfs: a call that does not follow it cannot use it.
            return Err(Errno::EINVAL);
        }
        if !path.is_empty() && !machine.is_directory(place) {
            return Err(Errno::ENOTDIR);
        }
        Ok(Walk {
            pid,
            root,
            at: place,
            resolve: 0,
            links: 2,
            last: None,
            rest: Some(Rest { text: Text::Given(path), at: 0 }),
            slash_seen: false,
        })
    }

    /// Walks to the last component and leaves it in `last`.
    pub(crate) fn reach_last(&mut self, machine: &mut Machine) -> Result<(), Errno> {
        let Some(mut rest) = self.rest.take() else { return Ok(()) };
        rest.skip_slashes();
        self.last = None;
        if rest.bytes().is_empty() {
            return Ok(());
        }
        let mut outer: Vec<Rest<'a>> = Vec::new();
        loop {
            machine.check_permission_at(self.pid, self.at, EXECUTE).inspect_err(|_| machine.note_use(self.at))?;
            let component = rest.take_component();
            if rest.bytes().is_empty() {
                match outer.pop() {
                    None => {
                        self.last = Some(component);
                        return Ok(());
                    }
                    // This was the last component of a symlink's text: the surrounding text is next.
                    Some(around) => rest = around,
                }
            }
            if let Some(text) = self.step(machine, &component, Step::Inner)? {
                outer.push(std::mem::replace(&mut rest, Rest { text: Text::Link(text), at: 0 }));
                rest.skip_slashes();
            } else if !machine.is_directory(self.at) {
                machine.note_use(self.at);
                return Err(Errno::ENOTDIR);
            }
        }
    }

    /// Returns the kind of the last component that [`Walk::reach_last`] has left.
    pub(crate) fn last_kind(&self) -> LastKind {
        self.last.as_ref().map_or(LastKind::Root, |last| LastKind::of(last.bytes()))
    }

    pub(crate) fn last_name(&self) -> &[u8] {
        self.last.as_ref().map_or(b"", |last| last.bytes())
    }

    pub(crate) fn last_has_slash(&self) -> bool {
        self.last.as_ref().is_some_and(|last| last.slash)
    }

    /// Takes the last component. Returns true if it is a symlink that has to be walked next ([`Walk::reach_last`]
    /// again).
    pub(crate) fn take_last(&mut self, machine: &mut Machine, follow: bool) -> Result<bool, Errno> {
        let Some(last) = self.last.take() else { return Ok(false) };
        self.slash_seen |= last.slash && LastKind::of(last.bytes()) == LastKind::Name;
        let text = self.step(machine, &last, Step::Last { follow: follow || self.slash_seen })?;
        self.rest = text.map(|text| Rest { text: Text::Link(text), at: 0 });
        Ok(self.rest.is_some())
    }

    /// Walks one component. Returns the text of a symlink that is to be followed; otherwise `at` is the component.
    fn step(
        &mut self,
        machine: &mut Machine,
        component: &Component<'_>,
        step: Step,
    ) -> Result<Option<Arc<[u8]>>, Errno> {
        match LastKind::of(component.bytes()) {
            LastKind::Dot | LastKind::Root => Ok(None),
            LastKind::DotDot => self.up(machine).map(|()| None),
            LastKind::Name => {
                let found = machine.find_name(self.at.dentry, component.bytes(), self.pid);
                let found = match found {
                    // No cache would have it.
                    Err(crate::model::vfs::hang::WOULD_WAIT) if self.resolve & RESOLVE_CACHED != 0 => {
                        Err(Errno::EAGAIN)
                    }
                    found => found,
                };
                let Some(dentry) = found.inspect_err(|_| machine.note_use(self.at))? else {
                    machine.note_use(self.at);
                    return Err(Errno::ENOENT);
                };
                self.into(machine, dentry, step)
            }
        }
    }

    /// Enters a dentry of the present directory: the top of its stack, or a symlink.
    fn into(&mut self, machine: &mut Machine, dentry: DentryKey, step: Step) -> Result<Option<Arc<[u8]>>, Errno> {
        let place = self.through(machine, Place { mount: self.at.mount, dentry })?;
        let inode = &machine.inodes[machine.dentries[place.dentry].inode];
        if !inode.is_symlink() || step == (Step::Last { follow: false }) {
            self.at = place;
            return Ok(None);
        }
        if self.links >= MOST_LINKS {
            return Err(Errno::ELOOP);
        }
        self.links += 1;
        if self.resolve & RESOLVE_NO_SYMLINKS != 0
            || machine.mounts[place.mount].flags.has(MountFlags::NO_SYMLINK_FOLLOW)
        {
            return Err(Errno::ELOOP);
        }
        let text = match &inode.content {
            Content::Symlink(text) => Arc::clone(text),
            Content::Proc(node) => match machine.follow_proc_link(self.pid, node.what)? {
                crate::model::objects::proc_node::LinkEnd::Text(text) => text,
                crate::model::objects::proc_node::LinkEnd::Jump(to) => return self.jump(to).map(|()| None),
            },
            _ => return Err(Errno::EINVAL),
        };
        if text.first() == Some(&b'/') {
            self.jump_to_root()?;
        }
        if text.iter().all(|&byte| byte == b'/') {
            return Ok(None);
        }
        Ok(Some(text))
    }

    fn jump(&mut self, to: Place) -> Result<(), Errno> {
        if self.resolve & RESOLVE_NO_MAGICLINKS != 0 {
            return Err(Errno::ELOOP);
        }
        if self.resolve & RESOLVE_NO_XDEV != 0 && to.mount != self.at.mount {
            return Err(Errno::EXDEV);
        }
        if self.resolve & (RESOLVE_BENEATH | RESOLVE_IN_ROOT) != 0 {
            return Err(Errno::EXDEV);
        }
        self.at = to;
        Ok(())
    }

    fn jump_to_root(&mut self) -> Result<(), Errno> {
        if self.resolve & RESOLVE_BENEATH != 0
            || self.resolve & RESOLVE_NO_XDEV != 0 && self.at.mount != self.root.mount
        {
            return Err(Errno::EXDEV);
        }
        self.at = self.root;
        Ok(())
    }

    fn up(&mut self, machine: &mut Machine) -> Result<(), Errno> {
        let mut from = self.at;
        let mut at_root = from == self.root;
        if !at_root && machine.is_mount_root(from) {
            match self.below_mount(machine, from) {
                Some(_) if self.resolve & RESOLVE_NO_XDEV != 0 => return Err(Errno::EXDEV),
                Some(place) => from = place,
                None => at_root = true,
            }
        }
        if at_root {
            return if self.resolve & RESOLVE_BENEATH != 0 { Err(Errno::EXDEV) } else { self.onto(machine, self.at) };
        }
        let parent = machine.dentries[from.dentry].parent;
        let root = machine.mounts[from.mount].root;
        if !machine.is_filesystem_root(root) && !machine.is_below(parent, root) {
            return Err(Errno::ENOENT);
        }
        self.onto(machine, Place { mount: from.mount, dentry: parent })
    }

    /// Enters the top of the stack on a directory that `..` led to.
    fn onto(&mut self, machine: &mut Machine, place: Place) -> Result<(), Errno> {
        self.at = self.through(machine, place)?;
        Ok(())
    }

    /// Returns the top of the stack on a place, if the walk may cross mounts there.
    fn through(&self, machine: &mut Machine, place: Place) -> Result<Place, Errno> {
        let top = machine.onto_mounts(place);
        if top.mount == place.mount || self.resolve & RESOLVE_NO_XDEV == 0 {
            return Ok(top);
        }
        // The kernel has referenced the present place and the lowest mount of the stack before it finds out.
        machine.note_use(self.at);
        if let Some(mount) = machine.mount_at(place.mount, place.dentry) {
            machine.note_use(Place { mount, dentry: machine.mounts[mount].root });
        }
        Err(Errno::EXDEV)
    }

    /// Returns the place beneath the stack that `place` is the root of; `None` at the walk's root.
    fn below_mount(&self, machine: &Machine, place: Place) -> Option<Place> {
        let mut mount = place.mount;
        loop {
            let object = &machine.mounts[mount];
            let below = Place { mount: object.parent?, dentry: object.mount_point };
            if below == self.root {
                return None;
            }
            if below.dentry != machine.mounts[below.mount].root {
                return Some(below);
            }
            mount = below.mount;
        }
    }

    /// Checks the end of a walk that has to stay below its start.
    pub(crate) fn finish(&self, machine: &Machine) -> Result<(), Errno> {
        if self.resolve & (RESOLVE_BENEATH | RESOLVE_IN_ROOT) != 0 && !machine.is_reachable(self.at, self.root) {
            return Err(Errno::EXDEV);
        }
        Ok(())
    }
}
