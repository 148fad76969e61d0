//! The files of such a volume, of one version.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use crate::error::{Errno, Operation, OsError};
use crate::file::{DirectoryEntry, FileKind};
use crate::kubernetes::atomic_writer::layout::DataLink;
use crate::kubernetes::atomic_writer::{
    AtomicVolume, AtomicVolumeError, AtomicVolumeLimits, LayoutFault, VolumeFile, VolumeGeneration,
};
use crate::path::{Location, RelativePath};
use crate::ports::{Directory, Filesystem};

/// The number of attempts to read a version that is replaced during the read.
const TRIES: u32 = 8;

impl AtomicVolume {
    /// Reads the files of the `ConfigMap`, Secret, projected or downward-API volume at `volume`, all of one version.
    ///
    /// * The version is the target of `..data`, and the result is the contents of that directory: the kubelet completes
    ///   it before `..data` leads there, and removes it only after `..data` no longer does. The symlinks through which
    ///   containers see the files are not used: older kubelets create and remove them before a new version is in force,
    ///   newer ones after.
    /// * A version that is replaced during the read is read again, at most 8 times. So the result never mixes two
    ///   versions, also during the kubelet's swap or after a kubelet that died in one.
    /// * No symlink is followed inside the volume, except `..data`, whose target is one name in the volume. A symlink
    ///   as last component of a trusted `volume` is followed.
    /// * No more than `limits` is read.
    ///
    /// # Errors
    ///
    /// [`AtomicVolumeError`]. An error, too, is about the present version: errors in a version that was replaced during
    /// the read are dropped.
    pub fn read(
        fs: &dyn Filesystem,
        volume: &Location,
        limits: &AtomicVolumeLimits,
    ) -> Result<Self, AtomicVolumeError> {
        let reader = Reader { volume: fs.open_dir(volume)?, path: volume.for_display(), limits };
        let mut generation = reader.generation()?;
        for _ in 0..TRIES {
            let answer = reader.version(&generation);
            let now = reader.generation()?;
            if now == generation {
                return Ok(Self { generation, files: answer? });
            }
            generation = now;
        }
        Err(AtomicVolumeError::Unsettled { volume: reader.path, tries: TRIES })
    }
}

impl VolumeGeneration {
    /// The version of the files that the volume at `volume` has now. It costs two port calls, so it can be polled.
    ///
    /// # Errors
    ///
    /// As [`AtomicVolume::read`]; the version itself is not read.
    pub fn of(fs: &dyn Filesystem, volume: &Location) -> Result<Self, AtomicVolumeError> {
        let limits = &AtomicVolumeLimits::default();
        Reader { volume: fs.open_dir(volume)?, path: volume.for_display(), limits }.generation()
    }
}

struct Reader<'a> {
    volume: Box<dyn Directory>,
    path: PathBuf,
    limits: &'a AtomicVolumeLimits,
}

/// The contents of a version read so far.
#[derive(Default)]
struct Read {
    files: Vec<VolumeFile>,
    entries: usize,
    bytes: u64,
}

impl Reader<'_> {
    fn generation(&self) -> Result<VolumeGeneration, AtomicVolumeError> {
        match DataLink::read(&*self.volume)? {
            DataLink::Version(generation) => Ok(generation),
            DataLink::Missing => Err(AtomicVolumeError::NotWritten { volume: self.path.clone() }),
            DataLink::NoLink => Err(self.fault(LayoutFault::NoLink)),
            DataLink::Elsewhere(target) => Err(self.fault(LayoutFault::Elsewhere(target))),
        }
    }

    fn version(&self, generation: &VolumeGeneration) -> Result<Vec<VolumeFile>, AtomicVolumeError> {
        let version =
            self.volume.open_dir(generation.name(), crate::path::Crossing::Enter).map_err(|error| {
                match error.errno() {
                    Errno::ENOENT => self.fault(LayoutFault::VersionMissing(generation.clone())),
                    Errno::ENOTDIR | Errno::ELOOP => self.fault(LayoutFault::VersionNoDirectory(generation.clone())),
                    _ => error.into(),
                }
            })?;
        let mut read = Read::default();
        self.directory(&*version, Path::new(""), 0, &mut read)?;
        read.files.sort_by(|one, other| one.path.cmp(&other.path));
        Ok(read.files)
    }

    fn directory(
        &self,
        directory: &dyn Directory,
        path: &Path,
        depth: usize,
        read: &mut Read,
    ) -> Result<(), AtomicVolumeError> {
        if depth > self.limits.depth {
            return Err(self.too_much());
        }
        // The listing is read to its end first, because it holds a descriptor of its own.
        let listed: Result<Vec<DirectoryEntry>, _> =
            directory.entries()?.take(self.limits.entries.saturating_add(1)).collect();
        for entry in listed? {
            read.entries += 1;
            if read.entries > self.limits.entries {
                return Err(self.too_much());
            }
            let path = path.join(&entry.name);
            match entry.kind {
                FileKind::Directory => {
                    self.directory(
                        &*directory.open_dir(&entry.name, crate::path::Crossing::Enter)?,
                        &path,
                        depth + 1,
                        read,
                    )?;
                }
                FileKind::Regular => self.file(directory, &entry.name, path, read)?,
                kind => return Err(self.fault(LayoutFault::NotAFile { path, kind })),
            }
        }
        Ok(())
    }

    fn file(
        &self,
        directory: &dyn Directory,
        name: &OsStr,
        path: PathBuf,
        read: &mut Read,
    ) -> Result<(), AtomicVolumeError> {
        let path = RelativePath::new(path)
            .map_err(|refused| OsError::new(Operation::ReadDir, refused.path(), Errno::EINVAL))?;
        let metadata = directory.metadata(name)?;
        let bytes = directory.read_file(name, self.limits.bytes - read.bytes).map_err(|error| match error.errno() {
            Errno::EFBIG => self.too_much(),
            _ => error.into(),
        })?;
        read.bytes += bytes.len() as u64;
        read.files.push(VolumeFile { path, bytes, mode: metadata.mode, uid: metadata.uid, gid: metadata.gid });
        Ok(())
    }

    fn too_much(&self) -> AtomicVolumeError {
        AtomicVolumeError::TooMuch { volume: self.path.clone(), limits: *self.limits }
    }

    fn fault(&self, fault: LayoutFault) -> AtomicVolumeError {
        AtomicVolumeError::OtherLayout { volume: self.path.clone(), fault }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::hooked_tree::{ChangingTree, Files};

    const OLD: &str = "..2026_11_20_08_15_30.1182736451";
    const NEW: &str = "..2026_11_20_08_16_31.2090114737";
    type Shown = Vec<(&'static str, &'static str)>;

    fn read(tree: &ChangingTree) -> Result<AtomicVolume, AtomicVolumeError> {
        let answer = AtomicVolume::read(tree, &Location::trusted("/v"), &AtomicVolumeLimits::default());
        assert_eq!(tree.open_now(), 0, "something was left open");
        answer
    }

    #[track_caller]
    fn fault(tree: &ChangingTree) -> LayoutFault {
        match read(tree) {
            Err(AtomicVolumeError::OtherLayout { volume, fault }) => {
                assert_eq!(volume, Path::new("/v"));
                fault
            }
            other => panic!("{other:?}"),
        }
    }

    /// Path and bytes of each file.
    fn shown(volume: &AtomicVolume) -> Vec<(String, String)> {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        volume.files.iter().map(|f| (f.path.as_path().display().to_string(), text(&f.bytes))).collect()
    }

    fn owned(shown: &Shown) -> Vec<(String, String)> {
        shown.iter().map(|(path, bytes)| ((*path).to_owned(), (*bytes).to_owned())).collect()
    }

    fn old() -> Shown {
        vec![("gone", "old"), ("kept", "old"), ("nested/deep/key", "old")]
    }

    fn new() -> Shown {
        vec![("kept", "new"), ("nested/deep/key", "new"), ("nested/other", "new"), ("young", "new")]
    }

    fn write_version(files: &mut Files, generation: &str, content: &Shown) {
        files.directory(&format!("/v/{generation}"), 0o755);
        for (path, bytes) in content {
            files.file(&format!("/v/{generation}/{path}"), 0o644, bytes.as_bytes());
        }
    }

    fn link(files: &mut Files, name: &str) {
        files.symlink(&format!("/v/{name}"), &format!("..data/{name}"));
    }

    fn volume() -> ChangingTree {
        ChangingTree::new(|files| {
            write_version(files, OLD, &old());
            files.symlink("/v/..data", OLD);
            for name in ["gone", "kept", "nested"] {
                link(files, name);
            }
        })
    }

    #[test]
    fn the_files_of_the_version_in_force_with_nested_paths() {
        let volume = read(&volume()).unwrap();
        assert_eq!((volume.generation.to_string().as_str(), shown(&volume)), (OLD, owned(&old())));
        assert_eq!(volume.get("nested/deep/key"), Some(&b"old"[..]));
        assert_eq!((volume.get("nested"), volume.get("young")), (None, None));
        assert_eq!((volume.files[0].mode.bits(), volume.files[0].uid), (0o644, 0));
    }

    #[test]
    fn a_volume_without_keys_is_one() {
        let tree = ChangingTree::new(|files| {
            files.directory("/v/..1", 0o755);
            files.symlink("/v/..data", "..1");
        });
        assert_eq!(read(&tree).unwrap().files, []);
    }

    #[test]
    fn the_generation_alone_costs_two_calls() {
        let tree = volume();
        let generation = VolumeGeneration::of(&tree, &Location::trusted("/v")).unwrap();
        assert_eq!((generation.name(), tree.calls().len(), tree.open_now()), (OsStr::new(OLD), 2, 0));
    }

    /// One visible change of the kubelet's.
    #[derive(Clone, Copy, PartialEq)]
    enum Step {
        Write,
        Point,
        Link,
        Swap,
        Unlink,
        Empty,
        EmptyBelow,
        Remove,
    }

    impl Step {
        fn take(self, files: &mut Files) {
            match self {
                Self::Write => write_version(files, NEW, &new()),
                Self::Point => files.symlink("/v/..data_tmp", NEW),
                Self::Link => link(files, "young"),
                Self::Swap => files.rename("/v/..data_tmp", "/v/..data"),
                Self::Unlink => files.remove("/v/gone"),
                Self::Empty => files.remove(&format!("/v/{OLD}/kept")),
                Self::EmptyBelow => files.remove(&format!("/v/{OLD}/nested/deep")),
                Self::Remove => files.remove(&format!("/v/{OLD}")),
            }
        }
    }

    use Step::{Empty, EmptyBelow, Link, Point, Remove, Swap, Unlink, Write};

    const OLDER_KUBELET: [Step; 8] = [Write, Link, Point, Swap, Unlink, Empty, EmptyBelow, Remove];
    const NEWER_KUBELET: [Step; 8] = [Write, Point, Swap, Link, Unlink, Empty, EmptyBelow, Remove];

    /// Every way to put the steps, in their order, before calls `from..=calls`.
    fn placements(steps: usize, from: usize, calls: usize, placed: &mut Vec<usize>, each: &mut dyn FnMut(&[usize])) {
        if placed.len() == steps {
            return each(placed);
        }
        for call in from..=calls {
            placed.push(call);
            placements(steps, call, calls, placed, each);
            placed.pop();
        }
    }

    #[test]
    fn whenever_the_kubelet_swaps_one_version_is_read_and_the_whole_of_it() {
        let probe = volume();
        read(&probe).unwrap();
        let calls = probe.calls().len();
        for order in [OLDER_KUBELET, NEWER_KUBELET] {
            let (mut saw_old, mut saw_new) = (0, 0);
            // The steps before the swap change only symlinks, which the reader does not use: they are done together.
            let (before, after) = order.split_at(order.iter().position(|step| *step == Swap).unwrap());
            placements(after.len(), 0, calls, &mut Vec::new(), &mut |placed| {
                let tree = volume();
                let first = before.iter().map(|step| (*step, placed[0]));
                for (step, call) in first.chain(after.iter().copied().zip(placed.iter().copied())) {
                    tree.before_call(call, move |files| step.take(files));
                }
                let volume = read(&tree).unwrap();
                let expected = if volume.generation.name() == OLD { old() } else { new() };
                assert_eq!(shown(&volume), owned(&expected), "{placed:?}");
                if volume.generation.name() == OLD { saw_old += 1 } else { saw_new += 1 }
            });
            assert!(saw_old > 0 && saw_new > saw_old, "old {saw_old}, new {saw_new}");
        }
    }

    #[test]
    fn a_kubelet_that_died_in_the_middle_leaves_a_readable_volume() {
        for order in [OLDER_KUBELET, NEWER_KUBELET] {
            for done in 0..=order.len() {
                let tree = volume();
                for step in order.into_iter().take(done) {
                    tree.before_call(0, move |files| step.take(files));
                }
                let swapped = order[..done].contains(&Swap);
                let expected = if swapped { new() } else { old() };
                assert_eq!(shown(&read(&tree).unwrap()), owned(&expected), "{done}");
            }
        }
    }

    #[test]
    fn a_volume_that_never_rests_is_an_error() {
        let tree = ChangingTree::new(|files| {
            for version in 0..20 {
                write_version(files, &format!("..{version}"), &old());
            }
            files.symlink("/v/..data", "..0");
        });
        // A read of a version, from its opening to the look-up of `..data` after it, takes 13 calls.
        for version in 1..20 {
            tree.before_call(2 + 13 * (version - 1), move |files| {
                files.symlink("/v/..data_tmp", &format!("..{version}"));
                files.rename("/v/..data_tmp", "/v/..data");
            });
        }
        let unsettled = AtomicVolumeError::Unsettled { volume: "/v".into(), tries: TRIES };
        assert_eq!(read(&tree), Err(unsettled));
    }

    #[test]
    fn the_error_of_a_version_that_was_replaced_is_forgotten() {
        let tree = volume();
        tree.failing(&format!("/v/{OLD}/kept"), Operation::ReadFile, Errno::EIO);
        assert!(matches!(read(&tree), Err(AtomicVolumeError::Os(error)) if error.errno() == Errno::EIO));
        let call = tree.calls().len() + 3;
        for step in [Write, Point, Swap] {
            tree.before_call(call, move |files| step.take(files));
        }
        assert_eq!(shown(&read(&tree).unwrap()), owned(&new()));
    }

    fn with_data(target: &str, build: impl FnOnce(&mut Files)) -> ChangingTree {
        ChangingTree::new(|files| {
            files.symlink("/v/..data", target);
            build(files);
        })
    }

    #[test]
    fn another_layout_is_an_error_that_says_which() {
        let none = |_: &mut Files| ();
        let generation = |name| VolumeGeneration::from_target(Path::new(name)).unwrap();
        let plain = ChangingTree::new(|files| files.file("/v/key", 0o644, b"x"));
        assert_eq!(read(&plain), Err(AtomicVolumeError::NotWritten { volume: "/v".into() }));
        let no_link = ChangingTree::new(|files| files.directory("/v/..data", 0o755));
        assert_eq!(fault(&no_link), LayoutFault::NoLink);
        for elsewhere in ["/secrets", "../w", "v1", "..", "..v/w"] {
            let tree = with_data(elsewhere, |files| files.file("/secrets/key", 0o600, b"x"));
            assert_eq!(fault(&tree), LayoutFault::Elsewhere(elsewhere.into()));
        }
        assert_eq!(fault(&with_data("..1", none)), LayoutFault::VersionMissing(generation("..1")));
        for no_directory in [
            with_data("..1", |files| files.file("/v/..1", 0o644, b"")),
            with_data("..1", |files| files.symlink("/v/..1", "/secrets")),
        ] {
            assert_eq!(fault(&no_directory), LayoutFault::VersionNoDirectory(generation("..1")));
        }
    }

    #[test]
    fn nothing_but_files_and_directories_is_read() {
        for kind in [FileKind::Symlink, FileKind::Fifo, FileKind::CharacterDevice] {
            let tree = with_data("..1", |files| {
                files.directory("/v/..1/d", 0o755);
                files.special("/v/..1/d/odd", kind, 0o644);
            });
            assert_eq!(fault(&tree), LayoutFault::NotAFile { path: "d/odd".into(), kind });
            assert_eq!(tree.count(&[Operation::ReadFile]), 0);
        }
    }

    #[test]
    fn a_missing_volume_is_an_error() {
        let error = read(&ChangingTree::new(|_| ())).unwrap_err();
        assert_eq!(error.to_string(), "could not open the directory /v: no such file or directory (ENOENT)");
    }

    #[test]
    fn limits_hold_to_the_last_byte_file_and_directory() {
        // Three files of three bytes, two directories in each other.
        let exactly = AtomicVolumeLimits { entries: 5, bytes: 9, depth: 2 };
        let at = Location::trusted("/v");
        assert!(AtomicVolume::read(&volume(), &at, &exactly).is_ok());
        for limits in [
            AtomicVolumeLimits { entries: 4, ..exactly },
            AtomicVolumeLimits { bytes: 8, ..exactly },
            AtomicVolumeLimits { depth: 1, ..exactly },
            AtomicVolumeLimits { entries: 0, bytes: 0, depth: 0 },
        ] {
            let expected = AtomicVolumeError::TooMuch { volume: "/v".into(), limits };
            assert_eq!(AtomicVolume::read(&volume(), &at, &limits), Err(expected));
        }
        let tree = volume();
        assert!(AtomicVolume::read(&tree, &at, &exactly).is_ok());
        assert_eq!(tree.most_open(), 5, "the volume, the version, two directories and a listing");
    }

    #[test]
    fn debug_shows_no_secret() {
        let text = format!("{:?}", read(&volume()).unwrap());
        assert!(text.contains("kept") && text.contains("bytes: 3") && !text.contains("111"), "{text}");
    }
}
