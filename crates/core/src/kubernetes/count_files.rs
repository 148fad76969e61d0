//! The number of files in a tree.

use std::ops::ControlFlow;
use std::path::Path;

use crate::error::Error;
use crate::kubernetes::FileCount;
use crate::kubernetes::file_walk::{Start, each_file};
use crate::ports::Filesystem;

impl FileCount {
    /// Counts the files at or below `path`, up to `limit`.
    ///
    /// * Everything that is no directory counts as one: files, symlinks, device nodes, sockets, pipes. Directories do
    ///   not count, but the files in them do. A path that is no directory counts as one.
    /// * A symlink at `path` itself is followed; below it none is. Mount points are entered. Names are bytes.
    /// * Reading stops as soon as the limit is exceeded, so a directory of a million files costs no more than one of
    ///   nine.
    /// * Files that appear or disappear during the count may be counted or not; a directory that disappears counts as
    ///   empty.
    ///
    /// # Errors
    ///
    /// [`Error::Unspecified`]: the path is empty. [`Error::TooDeep`]: the tree is deeper than
    /// [`TREE_DEPTH_MAX`](crate::kubernetes::TREE_DEPTH_MAX) directories; each level costs two descriptors.
    /// [`Error::Os`]: the path does not exist, or it or a directory below it could not be read (`EACCES`, `EIO`,
    /// `EMFILE`).
    #[doc(alias = "countFiles")]
    pub fn below(fs: &dyn Filesystem, path: impl AsRef<Path>, limit: u64) -> Result<Self, Error> {
        let path = path.as_ref();
        if path.as_os_str().is_empty() {
            return Err(Error::Unspecified { what: "path" });
        }
        let mut files = 0;
        match Start::open(fs, path)? {
            Start::File(_) => files = 1,
            Start::Directory(root) => each_file(&*root, path, |_, _| {
                files += 1;
                Ok(if files > limit { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
            })?,
        }
        Ok(Self::of(files, limit))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Errno, Operation};
    use crate::file::{DeviceNumber, FileKind};
    use crate::kubernetes::TREE_DEPTH_MAX;
    use crate::ports::MockFilesystem;
    use crate::test_support::read_only_tree::SmallWorld;
    use proptest::prelude::*;

    #[track_caller]
    fn assert_counts(world: &SmallWorld, path: &str, limit: u64, expected: FileCount) {
        assert_eq!(FileCount::below(world, Path::new(path), limit).unwrap(), expected, "{path} limit {limit}");
        assert_eq!(world.open_now(), 0, "something was left open");
    }

    fn with_files(mut world: SmallWorld, directory: &str, files: usize) -> SmallWorld {
        for file in 0..files {
            world = world.file(&format!("{directory}/f{file:05}"), 1);
        }
        world
    }

    #[test]
    fn files_are_counted_up_to_the_limit_and_no_further() {
        let world = with_files(SmallWorld::new().directory("/d"), "/d", 5);
        assert_counts(&world, "/d", 6, FileCount::Exactly(5));
        assert_counts(&world, "/d", 5, FileCount::Exactly(5));
        assert_counts(&world, "/d", 4, FileCount::Over(4));
        assert_counts(&world, "/d", 0, FileCount::Over(0));
        assert_counts(&world, "/d", u64::MAX, FileCount::Exactly(5));
    }

    #[test]
    fn a_missing_path_is_an_error() {
        let error = FileCount::below(&SmallWorld::new(), Path::new("/none"), 8).unwrap_err();
        assert_eq!(error.errno(), Some(Errno::ENOENT));
    }

    #[test]
    fn empty_path_is_an_error_without_a_port_call() {
        let error = FileCount::below(&MockFilesystem::new(), Path::new(""), 8).unwrap_err();
        assert_eq!(error, Error::Unspecified { what: "path" });
    }

    #[test]
    fn what_cannot_be_opened_is_not_looked_at_in_another_way() {
        let mut fs = MockFilesystem::new();
        fs.expect_open_dir().return_once(|_| Err(crate::error::OsError::new(Operation::OpenDir, "/d", Errno::EACCES)));
        assert_eq!(FileCount::below(&fs, Path::new("/d"), 8).unwrap_err().errno(), Some(Errno::EACCES));
    }

    #[test]
    fn a_plain_file_is_one() {
        let world = SmallWorld::new().file("/f", 1).socket("/s").symlink("/l", "/f");
        for path in ["/f", "/s", "/l"] {
            assert_counts(&world, path, 8, FileCount::Exactly(1));
            assert_counts(&world, path, 0, FileCount::Over(0));
        }
    }

    #[test]
    fn a_path_through_a_file_is_an_error_and_not_a_file() {
        let world = SmallWorld::new().file("/f", 1);
        let error = FileCount::below(&world, Path::new("/f/x"), 8).unwrap_err();
        assert_eq!(error.errno(), Some(Errno::ENOTDIR));
    }

    #[test]
    fn file_that_became_a_directory_during_the_count_is_an_error() {
        let world = SmallWorld::new().file("/d/f", 1).failing("/d", Operation::OpenDir, Errno::ENOTDIR);
        let error = FileCount::below(&world, Path::new("/d"), 8).unwrap_err();
        assert_eq!(error.errno(), Some(Errno::ENOTDIR));
    }

    #[test]
    fn directories_count_nothing_and_what_is_in_them_does() {
        let world = SmallWorld::new().directory("/d/a/b").directory("/d/c").file("/d/a/f", 1).file("/d/a/b/g", 1);
        assert_counts(&world, "/d", 8, FileCount::Exactly(2));
        assert_counts(&world, "/d/c", 8, FileCount::Exactly(0));
        assert_counts(&world, "/d/c", 0, FileCount::Exactly(0));
    }

    #[test]
    fn symlinks_and_specials_count_one_and_are_not_followed() {
        let world = with_files(SmallWorld::new(), "/far", 5)
            .symlink("/d/to-directory", "/far")
            .symlink("/d/dangling", "/none")
            .symlink("/d/self", ".")
            .socket("/d/socket")
            .node("/d/disk", FileKind::BlockDevice, DeviceNumber::new(7, 0));
        assert_counts(&world, "/d", 8, FileCount::Exactly(5));
    }

    #[test]
    fn a_symlink_at_the_root_is_followed() {
        let world = with_files(SmallWorld::new(), "/far", 5).symlink("/link", "far");
        assert_counts(&world, "/link", 8, FileCount::Exactly(5));
    }

    #[test]
    fn files_in_nested_directories_pass_the_limit_together() {
        // 25 files in five directories: the original returned 4 with a limit of 8.
        let mut world = SmallWorld::new();
        for directory in 0..5 {
            world = with_files(world, &format!("/d/{directory}"), 5);
        }
        assert_counts(&world, "/d", 8, FileCount::Over(8));
        assert_counts(&world, "/d", 24, FileCount::Over(24));
        assert_counts(&world, "/d", 25, FileCount::Exactly(25));
        // And one nested directory that passes it alone.
        assert_counts(&with_files(SmallWorld::new(), "/d/a/b", 9), "/d", 8, FileCount::Over(8));
    }

    #[test]
    fn reading_stops_as_soon_as_the_answer_is_known() {
        let world = with_files(SmallWorld::new(), "/d", 2000);
        assert_counts(&world, "/d", 8, FileCount::Over(8));
        assert_eq!(world.entries_read(), 9);
    }

    #[test]
    fn a_nested_directory_is_entered_before_the_rest_is_listed() {
        let world = with_files(with_files(SmallWorld::new(), "/d/a", 9), "/d", 2000);
        assert_counts(&world, "/d", 8, FileCount::Over(8));
        assert_eq!(world.entries_read(), 10);
    }

    #[test]
    fn names_are_bytes() {
        let world = SmallWorld::new().file_bytes(b"/d/\xff", 1).file_bytes(b"/d/\xfe/\xff", 1);
        assert_counts(&world, "/d", 8, FileCount::Exactly(2));
    }

    fn chain(directories: usize) -> SmallWorld {
        SmallWorld::new().file(&format!("/d{}/f", "/x".repeat(directories - 1)), 1)
    }

    #[test]
    fn a_tree_as_deep_as_allowed_is_counted_with_two_descriptors_a_level() {
        let world = chain(TREE_DEPTH_MAX);
        assert_counts(&world, "/d", 8, FileCount::Exactly(1));
        assert_eq!(world.most_open(), 2 * TREE_DEPTH_MAX);
    }

    #[test]
    fn a_deeper_tree_is_an_error_that_says_so_and_leaves_nothing_open() {
        let world = chain(TREE_DEPTH_MAX + 1);
        let error = FileCount::below(&world, Path::new("/d"), 8).unwrap_err();
        assert_eq!(error, Error::TooDeep { path: "/d".into(), levels: TREE_DEPTH_MAX });
        assert_eq!(error.to_string(), "/d is deeper than the limit of 128 directories");
        assert_eq!(world.most_open(), 2 * TREE_DEPTH_MAX);
        assert_eq!(world.open_now(), 0);
    }

    #[test]
    fn a_directory_that_cannot_be_read_is_an_error() {
        for (path, operation) in [
            ("/d", Operation::OpenDir),
            ("/d", Operation::ReadDir),
            ("/d/a", Operation::OpenDir),
            ("/d/a", Operation::ReadDir),
        ] {
            let world = SmallWorld::new().file("/d/a/f", 1).failing(path, operation, Errno::EACCES);
            let error = FileCount::below(&world, Path::new("/d"), 8).unwrap_err();
            assert_eq!(error.errno(), Some(Errno::EACCES), "{path} {operation:?}");
        }
    }

    #[test]
    fn a_listing_that_fails_half_way_is_an_error() {
        use crate::error::OsError;
        use crate::file::DirectoryEntry;
        use crate::ports::{DirectoryEntries, MockDirectory};
        let mut fs = MockFilesystem::new();
        fs.expect_open_dir().return_once(|_| {
            let mut directory = MockDirectory::new();
            directory.expect_entries().return_once(|| {
                let file = DirectoryEntry { name: "f".into(), kind: FileKind::Regular, inode: 2 };
                let failure = OsError::new(Operation::ReadDir, "/d", Errno::EIO);
                Ok(DirectoryEntries::new([Ok(file), Err(failure)].into_iter()))
            });
            Ok(Box::new(directory))
        });
        assert_eq!(FileCount::below(&fs, Path::new("/d"), 8).unwrap_err().errno(), Some(Errno::EIO));
    }

    #[test]
    fn directory_removed_during_the_count_holds_nothing() {
        for operation in [Operation::OpenDir, Operation::ReadDir] {
            let world = SmallWorld::new().file("/d/a/f", 1).file("/d/b", 1).failing("/d/a", operation, Errno::ENOENT);
            assert_counts(&world, "/d", 8, FileCount::Exactly(1));
        }
    }

    #[test]
    fn a_directory_that_turns_into_something_else_counts_as_that() {
        for errno in [Errno::ENOTDIR, Errno::ELOOP] {
            let world =
                SmallWorld::new().file("/d/a/f", 1).file("/d/a/g", 1).failing("/d/a", Operation::OpenDir, errno);
            assert_counts(&world, "/d", 8, FileCount::Exactly(1));
        }
    }

    /// A tree: files, and directories of trees.
    #[derive(Clone, Debug)]
    enum Tree {
        File,
        Directory(Vec<Tree>),
    }

    impl Tree {
        fn files(&self) -> u64 {
            match self {
                Self::File => 1,
                Self::Directory(below) => below.iter().map(Self::files).sum(),
            }
        }

        fn add(&self, path: &str, world: SmallWorld) -> SmallWorld {
            match self {
                Self::File => world.file(path, 1),
                Self::Directory(below) => below
                    .iter()
                    .enumerate()
                    .fold(world.directory(path), |world, (name, tree)| tree.add(&format!("{path}/{name}"), world)),
            }
        }
    }

    fn trees() -> impl Strategy<Value = Tree> {
        Just(Tree::File).prop_recursive(5, 40, 6, |below| prop::collection::vec(below, 0..6).prop_map(Tree::Directory))
    }

    proptest! {
        #[test]
        fn counting_agrees_with_naive_recursion(tree in trees(), limit in 0_u64..30) {
            let world = tree.add("/t", SmallWorld::new());
            let count = FileCount::below(&world, Path::new("/t"), limit).unwrap();
            prop_assert_eq!(count, FileCount::of(tree.files(), limit));
        }
    }
}
