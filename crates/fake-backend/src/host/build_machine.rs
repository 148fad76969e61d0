//! A machine with exactly these mounts.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use mountwright_core::mount::MountId;
use mountwright_core::{DeviceNumber, Errno, MountTable};

use crate::host::attribute_flags::flags_of_mount;
use crate::host::host_error::HostError;
use crate::host::mount_row::{Row, names, path_in_filesystem};
use crate::host::planted_file::Plant;
use crate::model::filesystems::filesystem_type::magic_of;
use crate::model::keys::{DentryKey, MountKey, NamespaceKey, SuperKey};
use crate::model::machine::Machine;
use crate::model::objects::captured_line::CapturedLine;
use crate::model::objects::device_number::Device;
use crate::model::objects::inode::Content;
use crate::model::objects::mount_flags::MountFlags;
use crate::model::objects::path::Place;
use crate::model::objects::proc_node::{ProcFile, ProcNode};
use crate::model::objects::superblock::{NewInode, NewSuperblock};
use crate::model::objects::user_namespace::UserNs;
use crate::model::store::sorted_map::SortedMap;
use crate::model::vfs::at::At;
use crate::model::vfs::walk_flags::WalkFlags;

/// A machine under construction.
pub(crate) struct Assembly<'r> {
    pub(crate) machine: Machine,
    pub(crate) rows: &'r [Row],
    /// Roots, by filesystem and path, that are no directories.
    files: BTreeSet<(DeviceNumber, Vec<u8>)>,
    superblocks: BTreeMap<DeviceNumber, SuperKey>,
    /// Each row's mount.
    pub(crate) mounts: Vec<MountKey>,
}

/// Builds a machine whose mountinfo is these rows, which do not contradict each other.
///
/// # Errors
/// A component of a root or mount point is not a directory.
pub(crate) fn assemble(rows: &[Row], planted: &[(PathBuf, Plant)]) -> Result<Machine, HostError> {
    let mut assembly = Assembly {
        machine: Machine::bare(),
        rows,
        files: files(rows, planted),
        superblocks: BTreeMap::new(),
        mounts: Vec::new(),
    };
    assembly.reserve_numbers();
    assembly.make_superblocks();
    let roots = assembly.make_roots()?;
    let base = assembly.lowest_mount();
    assembly.make_mounts(&roots);
    assembly.attach_all(base)?;
    assembly.set_propagation();
    assembly.keep_captured_lines();
    Ok(assembly.machine)
}

/// Returns the filesystem of each planted file and its path there, by the table. A row with such a root is a mount of a
/// file.
fn files(rows: &[Row], planted: &[(PathBuf, Plant)]) -> BTreeSet<(DeviceNumber, Vec<u8>)> {
    let planted: Vec<_> = planted.iter().filter(|(_, what)| what.is_file()).collect();
    if planted.is_empty() {
        return BTreeSet::new();
    }
    let table = MountTable::from_mounts(rows.iter().map(|row| &row.mount));
    let in_filesystem = |path: &Path| {
        let row = table.mount_holding(path)?;
        let rest = path.strip_prefix(row.mount_point()).ok()?.as_os_str().as_bytes();
        let mut whole = path_in_filesystem(&row.to_info());
        if whole == b"/" {
            whole.clear();
        }
        if !rest.is_empty() {
            whole.push(b'/');
            whole.extend_from_slice(rest);
        }
        Some((row.device(), whole))
    };
    planted.iter().filter_map(|(path, _)| in_filesystem(path)).collect()
}

/// The mount that the rows are attached to.
#[derive(Clone, Copy)]
struct Base {
    namespace: NamespaceKey,
    mount: MountKey,
    /// The row that is mounted at `/`.
    root_row: Option<usize>,
}

impl Assembly<'_> {
    /// Reserves every number that a row has.
    fn reserve_numbers(&mut self) {
        let machine = &mut self.machine;
        for row in self.rows {
            let info = &row.mount;
            machine.mount_ids.take_this(info.id.0);
            machine.mount_ids.take_this(info.parent.0);
            if info.device.major() == 0 {
                machine.anonymous_devices.take_this(info.device.minor());
            }
            let state = info.propagation;
            for group in [state.peers, state.master, state.propagate_from].into_iter().flatten() {
                machine.group_ids.take_this(group.0.get());
            }
        }
    }

    fn make_superblocks(&mut self) {
        for row in self.rows {
            if !self.superblocks.contains_key(&row.mount.device) {
                let superblock = self.make_superblock(row);
                self.superblocks.insert(row.mount.device, superblock);
            }
        }
    }

    /// Keeps the text of each captured line that the model would print otherwise.
    fn keep_captured_lines(&mut self) {
        let Ok(root) = self.machine.task(Machine::INIT).map(|task| task.root) else { return };
        for (row, &mount) in self.rows.iter().zip(&self.mounts) {
            let Some(captured) = &row.captured else { continue };
            let mut line = Vec::new();
            if self.machine.mountinfo_line(&mut line, mount, root) {
                self.machine.mounts[mount].captured = CapturedLine::new(&line, captured).map(Arc::new);
            }
        }
    }

    fn make_superblock(&mut self, row: &Row) -> SuperKey {
        let (device, fs_type) = (row.mount.device, row.fs_type());
        let is_proc = fs_type == b"proc";
        let content = if is_proc {
            Content::Proc(ProcNode::new(ProcFile::Root { processes_alone: false }))
        } else {
            Content::Directory(SortedMap::default())
        };
        let superblock = self.machine.new_superblock(NewSuperblock {
            type_name: Arc::from(fs_type),
            magic: magic_of(fs_type),
            device: Some(Device { major: device.major(), minor: device.minor() }),
            options: Arc::from(row.own_options()),
            user_ns: UserNs::INITIAL,
            root: NewInode { content, mode: if is_proc { 0o555 } else { 0o755 }, uid: 0, gid: 0 },
        });
        let object = &mut self.machine.superblocks[superblock];
        object.read_only = row.is_superblock_read_only();
        // A disk stays when it is unmounted.
        object.stays = device.major() != 0;
        superblock
    }

    /// Creates each row's root. Removed ones come first: a live one may have the same name.
    fn make_roots(&mut self) -> Result<Vec<DentryKey>, HostError> {
        let mut roots: Vec<Option<DentryKey>> = vec![None; self.rows.len()];
        for (row, found) in self.rows.iter().zip(&mut roots) {
            if let (names, true) = row.root_names() {
                let root = self.make_root(row, &names)?;
                self.machine.hold_dentry(root);
                *found = Some(root);
            }
        }
        // Only now: two rows may have the same removed root.
        for root in roots.iter().flatten() {
            if self.machine.dentries[*root].linked {
                self.machine.remove_name(*root);
            }
        }
        let mut all = Vec::new();
        for (row, found) in self.rows.iter().zip(roots) {
            let root = match found {
                Some(root) => root,
                None => self.make_root(row, &row.root_names().0)?,
            };
            all.push(root);
        }
        self.give_roots_their_options(&all);
        Ok(all)
    }

    /// A btrfs shows options of the subvolume that a root is in: of the nearest root above it that has some.
    fn give_roots_their_options(&mut self, roots: &[DentryKey]) {
        let mut by_depth: Vec<(usize, usize)> =
            roots.iter().enumerate().map(|(row, &root)| (self.machine.depth(root), row)).collect();
        by_depth.sort_unstable();
        for (_, index) in by_depth {
            let (row, root) = (&self.rows[index], roots[index]);
            let superblock = self.superblocks[&row.mount.device];
            if self.machine.options_of_root(superblock, root) != row.own_options() {
                let object = &mut self.machine.superblocks[superblock];
                Arc::make_mut(&mut object.root_options).push((root, Arc::from(row.own_options())));
            }
        }
    }

    fn make_root(&mut self, row: &Row, names: &[&[u8]]) -> Result<DentryKey, HostError> {
        let top = self.machine.superblocks[self.superblocks[&row.mount.device]].root;
        let is_file = row.is_namespace() || self.files.contains(&(row.mount.device, row.path_in_filesystem()));
        self.make_path(top, names, is_file).map_err(|reason| HostError::BadLine { line: row.line.clone(), reason })
    }

    /// Walks in one filesystem and creates missing names.
    fn make_path(&mut self, top: DentryKey, names: &[&[u8]], is_file: bool) -> Result<DentryKey, &'static str> {
        let mut at = top;
        for (index, name) in names.iter().enumerate() {
            let inode = &self.machine.inodes[self.machine.dentries[at].inode];
            let Some(known) = inode.names() else { return Err("its path goes through what is no directory") };
            at = if let Some(&known) = known.get(*name) {
                known
            } else if is_file && index + 1 == names.len() {
                self.machine.make_name(at, name, Content::File(Arc::default()), 0o644)
            } else {
                self.machine.make_name(at, name, Content::Directory(SortedMap::default()), 0o755)
            };
        }
        if self.is_directory(at) == is_file {
            return Err(if is_file { "its root is a directory elsewhere" } else { "its root is a file elsewhere" });
        }
        Ok(at)
    }

    fn is_directory(&self, dentry: DentryKey) -> bool {
        self.machine.inodes[self.machine.dentries[dentry].inode].is_directory()
    }

    /// Returns the mount beneath the one at `/`. Without a row at `/`, the first process is in a directory of a mount
    /// that is not listed, as in a chroot.
    fn lowest_mount(&mut self) -> Base {
        let listed: BTreeSet<MountId> = self.rows.iter().map(|row| row.mount.id).collect();
        // A mount over a root directory that is no mount point: others are on the mount beneath it too.
        let elsewhere: BTreeSet<MountId> =
            self.rows.iter().filter(|row| row.mount_point() != b"/").map(|row| row.mount.parent).collect();
        let is_missing = |parent: &MountId| !listed.contains(parent) && !elsewhere.contains(parent);
        let is_lowest = |row: &Row| row.mount_point() == b"/" && (row.is_own_parent() || is_missing(&row.mount.parent));
        let root_row = self.rows.iter().position(is_lowest);
        let hidden_parent = self.rows.iter().map(|row| row.mount.parent).find(|parent| !listed.contains(parent));
        let id = root_row.map(|row| self.rows[row].mount.parent).filter(|parent| !listed.contains(parent));
        let id = id.or(hidden_parent).map_or(0, |id| id.0);
        let type_name: &[u8] = if root_row.is_some() { b"rootfs" } else { b"tmpfs" };
        let superblock = self.machine.empty_tmpfs(type_name);
        let mount = self.new_mount(superblock, self.machine.superblocks[superblock].root, id);
        self.machine.mounts[mount].source = Some(Arc::from(type_name));
        let namespace = self.machine.first_namespace(mount);
        Base { namespace, mount, root_row }
    }

    fn new_mount(&mut self, superblock: SuperKey, root: DentryKey, id: u32) -> MountKey {
        let mount = self.machine.new_mount(superblock, root, MountFlags::REL_ATIME, None);
        let given = std::mem::replace(&mut self.machine.mounts[mount].id, id);
        self.machine.mount_ids.give_back(given);
        mount
    }

    /// The order of the rows is the age of the mounts, and so the order of the table.
    fn make_mounts(&mut self, roots: &[DentryKey]) {
        for (row, &root) in self.rows.iter().zip(roots) {
            let superblock = self.superblocks[&row.mount.device];
            let mount = self.new_mount(superblock, root, row.mount.id.0);
            let object = &mut self.machine.mounts[mount];
            object.flags = flags_of_mount(&row.mount);
            object.source = Some(Arc::from(row.mount.source.as_bytes()));
            self.mounts.push(mount);
        }
        // The mounts hold the removed roots now.
        for (row, &root) in self.rows.iter().zip(roots) {
            if row.root_names().1 {
                self.machine.drop_dentry(root);
            }
        }
    }

    /// Attaches each mount to its parent, parents first, and starts the first process.
    fn attach_all(&mut self, base: Base) -> Result<(), HostError> {
        let by_id: BTreeMap<MountId, usize> =
            self.rows.iter().enumerate().map(|(index, row)| (row.mount.id, index)).collect();
        let mut children: Vec<Vec<usize>> = vec![Vec::new(); self.rows.len()];
        let mut orphans = Vec::new();
        for (index, row) in self.rows.iter().enumerate() {
            match by_id.get(&row.mount.parent) {
                Some(&parent) if parent != index => children[parent].push(index),
                _ if base.root_row == Some(index) => {}
                _ => orphans.push(index),
            }
        }
        for &mount in &self.mounts {
            self.machine.enter_namespace(mount, base.namespace);
        }
        let bottom = self.machine.mounts[base.mount].root;
        let root = if let Some(row) = base.root_row {
            let mount = self.mounts[row];
            self.machine.attach(mount, base.mount, bottom);
            if self.rows[row].is_own_parent() {
                self.machine.mounts[mount].shown_parent = Some(self.rows[row].mount.id.0);
            }
            Place { mount, dentry: self.machine.mounts[mount].root }
        } else {
            Place { mount: base.mount, dentry: self.directory_in(base.mount, "root") }
        };
        self.machine.start(base.namespace, root);
        if let Some(row) = base.root_row {
            self.attach_below(row, &children)?;
        }
        // A mount lies on what is at its mount point: those above come first.
        orphans.sort_by_key(|&orphan| names(self.rows[orphan].mount_point()).len());
        let mut places: HashMap<(MountId, &[u8]), MountKey> = HashMap::new();
        for orphan in orphans {
            let row = &self.rows[orphan];
            let mut above = row.mount.mount_point.ancestors().skip(1).map(|above| above.as_os_str().as_bytes());
            match above.find_map(|above| Some((above.len(), *places.get(&(row.mount.parent, above))?))) {
                Some((length, sibling)) => self.attach_beside(orphan, sibling, &row.mount_point()[length..])?,
                None => self.attach_orphan(orphan)?,
            }
            if row.mount_point() != b"/" {
                places.entry((row.mount.parent, row.mount_point())).or_insert(self.mounts[orphan]);
            }
            self.attach_below(orphan, &children)?;
        }
        Ok(())
    }

    /// Attaches a row without its parent's row below the mount point of another row of that parent, which hides it.
    fn attach_beside(&mut self, index: usize, sibling: MountKey, below: &[u8]) -> Result<(), HostError> {
        let (row, mount) = (&self.rows[index], self.mounts[index]);
        let object = &self.machine.mounts[sibling];
        let (parent, point) = (object.parent.unwrap_or(sibling), object.mount_point);
        let is_file = !self.is_directory(self.machine.mounts[mount].root);
        let point = self
            .make_path(point, &names(below), is_file)
            .map_err(|reason| HostError::BadLine { line: row.line.clone(), reason })?;
        self.machine.attach(mount, parent, point);
        self.show_parent(mount, row.mount.parent.0);
        Ok(())
    }

    fn show_parent(&mut self, mount: MountKey, shown: u32) {
        if self.machine.parent_id(mount) != shown {
            self.machine.mounts[mount].shown_parent = Some(shown);
        }
    }

    fn attach_below(&mut self, top: usize, children: &[Vec<usize>]) -> Result<(), HostError> {
        let mut parents = vec![top];
        while let Some(parent) = parents.pop() {
            for &child in &children[parent] {
                let row = &self.rows[child];
                // The rows were checked: a mount is below its parent.
                let names = row.names_below(&self.rows[parent]).unwrap_or_default();
                let parent_root = self.machine.mounts[self.mounts[parent]].root;
                let is_file = !self.is_directory(self.machine.mounts[self.mounts[child]].root);
                let point = self
                    .make_path(parent_root, &names, is_file)
                    .map_err(|reason| HostError::BadLine { line: row.line.clone(), reason })?;
                self.machine.attach(self.mounts[child], self.mounts[parent], point);
                parents.push(child);
            }
        }
        Ok(())
    }

    /// Attaches a row without its parent's row to the mount that its path leads to; it prints the parent's id.
    fn attach_orphan(&mut self, index: usize) -> Result<(), HostError> {
        let row = &self.rows[index];
        let mount = self.mounts[index];
        let is_file = !self.is_directory(self.machine.mounts[mount].root);
        let what = if is_file { Plant::File(Vec::new()) } else { Plant::Directory };
        let path = row.mount_point();
        let place = match self.machine.walk(Machine::INIT, At::Cwd, path, WalkFlags::FOLLOW) {
            Err(Errno::ENOENT) => self
                .machine
                .plant(&row.mount.mount_point, &what)
                .and_then(|()| self.machine.walk(Machine::INIT, At::Cwd, path, WalkFlags::FOLLOW)),
            found => found,
        };
        match place {
            Ok(place) if self.is_directory(place.dentry) != is_file => {
                self.machine.attach(mount, place.mount, place.dentry);
                self.show_parent(mount, row.mount.parent.0);
                Ok(())
            }
            _ => {
                let reason = "its mount point cannot be made";
                Err(HostError::BadLine { line: row.line.clone(), reason })
            }
        }
    }

    /// A directory in the root of a mount.
    pub(crate) fn directory_in(&mut self, mount: MountKey, name: &str) -> DentryKey {
        let root = self.machine.mounts[mount].root;
        self.machine.make_name(root, name.as_bytes(), Content::Directory(SortedMap::default()), 0o755)
    }
}
