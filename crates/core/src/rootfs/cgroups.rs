//! Cgroups of a container, mounted.

use std::path::{Path, PathBuf};

use camino::Utf8Path;

use crate::error::{Errno, OsError};
use crate::file::{FileMode, FilesystemMagic};
use crate::mount::{BindRequest, FilesystemOption, MountFlags, MountInfo, MountRequest};
use crate::path::Location;
use crate::rootfs::invalid::invalid;
use crate::rootfs::perform::Performer;
use crate::spec::MountOptions;

/// The place at which the host has its cgroups.
const HOST: &str = "/sys/fs/cgroup";

/// The longest list of cgroups of a process that is read, in bytes.
const LIST_MAX: u64 = 64 * 1024;

/// Words among the options of a hierarchy that name no controller.
const NO_CONTROLLER: [&str; 8] =
    ["rw", "ro", "xattr", "noprefix", "clone_children", "cpuset_v2_mode", "favordynmods", "seclabel"];

/// The attributes with which the cgroups are mounted.
struct Wanted<'a> {
    at: &'a Utf8Path,
    options: &'a MountOptions,
}

impl Performer<'_> {
    /// Mounts the cgroups of the container: cgroup2 where the host has it at its usual place, otherwise a tmpfs with each
    /// hierarchy of version 1. A hierarchy that may not be mounted is bound from the cgroup of this process.
    pub(crate) fn mount_cgroups(&mut self, at: &Utf8Path, options: &MountOptions) -> Result<(), OsError> {
        let wanted = Wanted { at, options };
        match self.backend.filesystem_of(&Location::trusted(HOST))?.magic {
            FilesystemMagic::CGROUP2 => {
                let new = wanted.filesystem("cgroup2", self.place.at(at))?;
                self.mount_hierarchy(&new, at, HOST.as_ref(), "", &wanted)
            }
            _ => self.mount_version_1(&wanted),
        }
    }

    fn mount_version_1(&mut self, wanted: &Wanted<'_>) -> Result<(), OsError> {
        let table = self.backend.mounts()?;
        let hierarchies: Vec<_> = table.iter().map(|row| row.to_info()).filter(is_hierarchy).collect();
        if hierarchies.is_empty() {
            return Err(invalid(wanted.at, format!("the host has no cgroups below {HOST}")));
        }
        let mut all = wanted.filesystem("tmpfs", self.place.at(wanted.at))?;
        // It becomes read-only once it is filled.
        all.attributes.flags = all.attributes.flags.without(MountFlags::READ_ONLY);
        all.options.push(FilesystemOption::with_value("mode", "755"));
        self.place.mount(&all)?;
        for hierarchy in &hierarchies {
            self.mount_one(hierarchy, wanted)?;
        }
        Ok(())
    }

    fn mount_one(&mut self, hierarchy: &MountInfo, wanted: &Wanted<'_>) -> Result<(), OsError> {
        let name = hierarchy.mount_point.file_name().and_then(|name| name.to_str());
        let Some(name) = name else { return Err(invalid(wanted.at, "a hierarchy of the host has no name")) };
        let at = wanted.at.join(name);
        let controllers = controllers_of(hierarchy);
        if self.plan.identities.has("cgroup") {
            let mut new = wanted.filesystem("cgroup", self.place.at(&at))?;
            let named = controllers.iter().any(|controller| controller.starts_with("name="));
            new.options.extend(named.then(|| FilesystemOption::flag("none")));
            new.options.extend(controllers.iter().map(|controller| match controller.split_once('=') {
                Some((key, value)) => FilesystemOption::with_value(key, value),
                None => FilesystemOption::flag(controller),
            }));
            self.mount_hierarchy(&new, &at, &hierarchy.mount_point, &controllers.join(","), wanted)?;
        } else {
            self.bind_own_cgroup(&at, &hierarchy.mount_point, &controllers.join(","), wanted)?;
        }
        if name.contains(',') {
            for one in name.split(',').filter(|one| !one.is_empty()) {
                self.make_link(&wanted.at.join(one), name.into())?;
            }
        }
        Ok(())
    }

    fn mount_hierarchy(
        &mut self,
        new: &MountRequest,
        at: &Utf8Path,
        host: &Path,
        controllers: &str,
        wanted: &Wanted<'_>,
    ) -> Result<(), OsError> {
        match self.place.mount(new) {
            Err(error) if [Errno::EPERM, Errno::EBUSY].contains(&error.errno()) => {
                self.bind_own_cgroup(at, host, controllers, wanted)
            }
            done => done,
        }
    }

    /// Binds the container's cgroup: that of the specification where it is there, otherwise that of this process.
    fn bind_own_cgroup(
        &mut self,
        at: &Utf8Path,
        host: &Path,
        controllers: &str,
        wanted: &Wanted<'_>,
    ) -> Result<(), OsError> {
        let own = match self.stated_cgroup(host)? {
            Some(path) => path,
            None => self.own_cgroup(controllers)?,
        };
        let request = BindRequest::new(Location::in_root(host, own), self.place.at(at)).recursive();
        self.bind_part(request.attributes(wanted.options.attributes.and_then(wanted.options.tree_attributes)))
    }

    /// The cgroup of the specification in a hierarchy of the host; `None`: it is not there.
    fn stated_cgroup(&self, host: &Path) -> Result<Option<PathBuf>, OsError> {
        let stated = self.plan.cgroups_path.as_ref().filter(|path| path.starts_with('/'));
        let Some(path) = stated.map(PathBuf::from) else { return Ok(None) };
        match self.backend.filesystem_of(&Location::in_root(host, &path)) {
            Ok(_) => Ok(Some(path)),
            Err(error) if error.errno() == Errno::ENOENT => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The cgroup of this process in the hierarchy of these controllers (cgroups(7), `/proc/PID/cgroup`).
    fn own_cgroup(&self, controllers: &str) -> Result<PathBuf, OsError> {
        let process = self.backend.open_dir(&Location::trusted("/proc/self"))?;
        let list = String::from_utf8_lossy(&process.read_file("cgroup".as_ref(), LIST_MAX)?).into_owned();
        let of_hierarchy = |line: &str| {
            let (_, rest) = line.split_once(':')?;
            let (of, path) = rest.split_once(':')?;
            (of == controllers).then(|| PathBuf::from(path))
        };
        let path = list.lines().find_map(of_hierarchy);
        path.ok_or_else(|| invalid(HOST, format!("this process has no cgroup in the hierarchy {controllers:?}")))
    }
}

impl Wanted<'_> {
    fn filesystem(&self, fs_type: &str, at: Location) -> Result<MountRequest, OsError> {
        let request = MountRequest::from_options(fs_type, at, self.options);
        let complete = |request: MountRequest| request.source("cgroup").creating_target(FileMode::MOUNT_TARGET);
        request.map(complete).map_err(|unserved| invalid(self.at, unserved.to_string()))
    }
}

/// True of a hierarchy of version 1 in its usual place.
fn is_hierarchy(mount: &MountInfo) -> bool {
    mount.fs_type == "cgroup" && mount.mount_point.parent() == Some(Path::new(HOST))
}

/// The controllers of a hierarchy as `/proc/PID/cgroup` writes them, or its `name=…`.
fn controllers_of(hierarchy: &MountInfo) -> Vec<String> {
    let options = hierarchy.options.to_string_lossy();
    let words = options.split(',').filter(|word| !NO_CONTROLLER.contains(word) && !word.starts_with("release_agent="));
    words.map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Operation;
    use crate::file::DeviceNumber;
    use crate::mount::{BindReport, FilesystemOf, Guarantee, MountId, MountKey};
    use crate::mount_table::MountTable;
    use crate::ports::{MockDirectory, MockFilesystem, MockMounter, Ports};
    use crate::rootfs::RootfsPlan;
    use crate::rootfs::cases::plan_of;
    use crate::rootfs::place::Place;
    use std::sync::{Arc, Mutex};

    fn os(errno: Errno) -> OsError {
        OsError::new(Operation::Mount, HOST, errno)
    }

    /// Files of a process in two hierarchies of version 1 and in that of version 2; links are logged.
    fn filesystem(links: &Arc<Mutex<Vec<String>>>) -> MockFilesystem {
        let (mut fs, links) = (MockFilesystem::new(), links.clone());
        fs.expect_open_dir().returning(move |_| {
            let (mut directory, links) = (MockDirectory::new(), links.clone());
            directory
                .expect_read_file()
                .returning(|_, _| Ok(b"12:cpu,cpuacct:/c\n3:name=systemd:/s\n0::/unified\n".to_vec()));
            directory.expect_create_symlink().returning(move |name, _| {
                links.lock().unwrap().push(name.to_string_lossy().into_owned());
                Err(OsError::new(Operation::CreateSymlink, Path::new(name), Errno::EEXIST))
            });
            directory.expect_read_link().returning(|_| Ok("cpu,cpuacct".into()));
            Ok(Box::new(directory))
        });
        fs
    }

    fn performing<T>(mounter: MockMounter, plan: &RootfsPlan, act: impl FnOnce(&mut Performer<'_>) -> T) -> T {
        let ports = Ports { filesystem: filesystem(&Arc::default()), mounter };
        act(&mut Performer::new(Place::Root(&ports), &ports, None, plan))
    }

    fn report() -> BindReport {
        BindReport::new(MountKey::Reused(MountId(7)), Guarantee::Atomic)
    }

    #[test]
    fn hierarchy_of_version_1_has_its_controllers_among_its_options() {
        let line = |point: &str, fs_type: &str| {
            let options = "rw,xattr,release_agent=/lib/agent,name=systemd,cpu,cpuacct";
            MountTable::parse(format!("9 1 0:30 / {point} rw - {fs_type} cgroup {options}\n"))
                .iter()
                .next()
                .unwrap()
                .to_info()
        };
        assert_eq!(controllers_of(&line("/sys/fs/cgroup/cpu", "cgroup")), ["name=systemd", "cpu", "cpuacct"]);
        for (point, fs_type, is_one) in [
            ("/sys/fs/cgroup/cpu", "cgroup", true),
            ("/sys/fs/cgroup/unified", "cgroup2", false),
            ("/mnt/cpu", "cgroup", false),
            ("/sys/fs/cgroup/a/cpu", "cgroup", false),
        ] {
            assert_eq!(is_hierarchy(&line(point, fs_type)), is_one, "{point} {fs_type}");
        }
    }

    #[test]
    fn cgroup_of_the_process_is_the_one_in_the_hierarchy_of_these_controllers() {
        let own = |controllers: &str| {
            performing(MockMounter::new(), &plan_of(Vec::new()), |performer| performer.own_cgroup(controllers))
                .map_err(|error| error.errno())
        };
        assert_eq!(own("cpu,cpuacct").as_deref(), Ok(Path::new("/c")));
        assert_eq!(own("").as_deref(), Ok(Path::new("/unified")));
        assert_eq!(own("cpu"), Err(Errno::EINVAL));
    }

    #[test]
    fn cgroup_of_the_specification_is_there_missing_or_unknown() {
        let stated = RootfsPlan { cgroups_path: Some("/box".into()), ..plan_of(Vec::new()) };
        for (looked, expected) in [
            (None, Ok(Some(PathBuf::from("/box")))),
            (Some(Errno::ENOENT), Ok(None)),
            (Some(Errno::EIO), Err(Errno::EIO)),
        ] {
            let mut mounter = MockMounter::new();
            mounter.expect_filesystem_of().returning(move |_| {
                let found = FilesystemOf::new(FilesystemMagic::CGROUP2, DeviceNumber::new(0, 30));
                looked.map_or(Ok(found), |errno| Err(os(errno)))
            });
            let found = performing(mounter, &stated, |performer| performer.stated_cgroup(HOST.as_ref()));
            assert_eq!(found.map_err(|error| error.errno()), expected);
        }
    }

    #[test]
    fn hierarchy_that_may_not_be_mounted_is_bound_and_any_other_error_is_returned() {
        for (mounted, binds, result) in [
            (None, 0, Ok(())),
            (Some(Errno::EPERM), 1, Ok(())),
            (Some(Errno::EBUSY), 1, Ok(())),
            (Some(Errno::EIO), 0, Err(Errno::EIO)),
        ] {
            let mut mounter = MockMounter::new();
            let magic = FilesystemMagic::CGROUP2;
            mounter.expect_filesystem_of().returning(move |_| Ok(FilesystemOf::new(magic, DeviceNumber::new(0, 30))));
            let is_cgroup2 = |request: &MountRequest| request.fs_type == "cgroup2";
            mounter
                .expect_mount()
                .withf(is_cgroup2)
                .times(1)
                .returning(move |_| mounted.map_or(Ok(report()), |errno| Err(os(errno))));
            let of_process = |request: &BindRequest| *request.source() == Location::in_root(HOST, "/unified");
            mounter.expect_bind().withf(of_process).times(binds).returning(|_| Ok(report()));
            let done = performing(mounter, &plan_of(Vec::new()), |performer| {
                performer.mount_cgroups(HOST.into(), &MountOptions::default())
            });
            assert_eq!(done.map_err(|error| error.errno()), result, "{mounted:?}");
        }
    }

    #[test]
    fn hierarchies_of_version_1_are_mounted_with_a_link_for_each_controller() {
        let mut mounter = MockMounter::new();
        mounter
            .expect_filesystem_of()
            .returning(|_| Ok(FilesystemOf::new(FilesystemMagic::TMPFS, DeviceNumber::new(0, 29))));
        mounter.expect_mounts().returning(|| {
            Ok(MountTable::parse("9 1 0:30 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"))
        });
        let mounts = Arc::new(Mutex::new(Vec::new()));
        let sink = mounts.clone();
        mounter.expect_mount().returning(move |request| {
            let options: Vec<_> = request.options.iter().map(|option| option.key.clone()).collect();
            sink.lock().unwrap().push((request.fs_type.clone(), options));
            Ok(report())
        });
        let links = Arc::default();
        let (ports, plan) = (Ports { filesystem: filesystem(&links), mounter }, plan_of(Vec::new()));
        let mut performer = Performer::new(Place::Root(&ports), &ports, None, &plan);
        performer.mount_cgroups(HOST.into(), &MountOptions::default()).unwrap();
        let expected = [("tmpfs".into(), vec!["mode".into()]), ("cgroup".into(), vec!["cpu".into(), "cpuacct".into()])];
        assert_eq!(*mounts.lock().unwrap(), expected);
        assert_eq!(*links.lock().unwrap(), ["cpu", "cpuacct"]);
    }
}
