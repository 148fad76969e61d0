use super::*;
use crate::error::{Errno, Operation, OsError};
use crate::file::{DeviceNumber, FileIdentity, FileKind};
use crate::mount::subpath::subpath;
use crate::mount::{BindReport, Conflict, Difference, MountId, PathMount, UniqueMountId};
use crate::mount::{MountAttributes, PeerGroup};
use crate::mount_table::MountTable;
use crate::path::ContainerId;
use crate::ports::MockMounter;
use crate::sandbox::setup_run::set_up_sandbox;
use crate::test_support::in_memory_names::{Paper, SharedPaper, filesystem};
use std::num::NonZeroU64;
use std::sync::{Arc, Mutex};

/// Mounts that were bound, the last of them the topmost, over the mounts of a table.
struct Bound {
    table: MountTable,
    mounts: Vec<MountInfo>,
}

impl Bound {
    fn mount_of(&self, at: &Location) -> PathMount {
        let path = at.for_display();
        if let Some(mount) = self.mounts.iter().rev().find(|mount| mount.mount_point == path) {
            return PathMount { is_root: true, mount: mount.clone() };
        }
        let mount = self.table.mount_holding(&path).unwrap().to_info();
        PathMount { is_root: mount.mount_point == path, mount }
    }

    fn find(&self, key: MountKey) -> Result<MountInfo, OsError> {
        let listed = self.table.iter().map(|row| row.to_info());
        let found = listed.chain(self.mounts.iter().cloned()).find(|mount| mount.key() == key);
        found.ok_or_else(|| OsError::new(Operation::FindMount, key, Errno::ENOENT))
    }

    fn bind(&mut self, request: &BindRequest) -> MountKey {
        let id = 101 + u32::try_from(self.mounts.len()).unwrap();
        let (source, target) = (self.mount_of(request.source()).mount, self.mount_of(request.target()).mount);
        let shape = request.wanted_propagation().unwrap();
        let mut mount = MountInfo::new(MountId(id), target.id, source.device);
        mount.unique_id = NonZeroU64::new(id.into()).map(UniqueMountId);
        mount.root = subpath(&source, &request.source().for_display()).unwrap();
        mount.mount_point = request.target().for_display();
        mount.attributes =
            MountAttributes { flags: source.attributes.flags | request.change().set(), ..source.attributes };
        match shape {
            Propagation::Shared => mount.propagation.peers = PeerGroup::new(9),
            Propagation::Slave => mount.propagation.master = source.propagation.peers,
            Propagation::Private | Propagation::Unbindable => {}
        }
        self.mounts.push(mount.clone());
        mount.key()
    }
}

/// The mock over such mounts; unmounts are logged, not performed.
fn mounter(table: &'static str, log: &Arc<Mutex<Vec<String>>>, refuse: Option<&'static str>) -> MockMounter {
    let state = Arc::new(Mutex::new(Bound { table: MountTable::parse(table), mounts: Vec::new() }));
    let mut mounter = MockMounter::new();
    mounter.expect_origin().returning(|| Ok(Origin::UNKNOWN));
    mounter.expect_let_others_run().return_const(());
    let mounts = state.clone();
    mounter.expect_mount_of().returning(move |at| Ok(mounts.lock().unwrap().mount_of(at)));
    let mounts = state.clone();
    mounter.expect_find_mount().returning(move |key| mounts.lock().unwrap().find(key));
    let (mounts, sink) = (state.clone(), log.clone());
    mounter.expect_bind().returning(move |request| {
        let line = format!("{}", crate::share::step::Bound(request));
        if refuse.is_some_and(|refused| line.contains(refused)) {
            return Err(OsError::new(Operation::Bind, request.target().for_display(), Errno::ENOMEM));
        }
        sink.lock().unwrap().push(line);
        Ok(BindReport::new(mounts.lock().unwrap().bind(request), Guarantee::Atomic))
    });
    let (mounts, sink) = (state, log.clone());
    mounter.expect_set_propagation_of().returning(move |at, key, propagation| {
        sink.lock().unwrap().push(format!("{} {propagation}", at.for_display().display()));
        let mut state = mounts.lock().unwrap();
        let mut mount = state.find(key)?;
        mount.propagation.peers = PeerGroup::new(9);
        state.mounts.push(mount);
        state.table = MountTable::parse("1 0 8:1 / / rw - ext4 a rw\n");
        Ok(())
    });
    let sink = log.clone();
    mounter.expect_unmount().returning(move |request| {
        assert!(request.expected().is_some());
        sink.lock().unwrap().push(format!("take {} off", request.at().for_display().display()));
        Ok(())
    });
    mounter
}

const PRIVATE_ROOT: &str = "1 0 8:1 / / rw - ext4 a rw\n";
const SHARED_ROOT: &str = "1 0 8:1 / / rw shared:1 - ext4 a rw\n";

fn setup() -> SandboxSetup {
    SandboxSetup::new("/sb/m", "/sb/s").unwrap()
}

fn run(
    table: &'static str,
    setup: &SandboxSetup,
    refuse: Option<&'static str>,
) -> (Result<SandboxDirs, Error>, Vec<String>, SharedPaper) {
    let paper = Paper::with(&["/", "/etc", "/etc/certs"]);
    let log = Arc::new(Mutex::new(Vec::new()));
    let result = set_up_sandbox(&filesystem(&paper), &mounter(table, &log, refuse), setup);
    let log = log.lock().unwrap().clone();
    (result, log, paper)
}

#[test]
fn on_a_shared_mount_it_is_one_bind() {
    let (dirs, log, paper) = run(SHARED_ROOT, &setup(), None);
    assert_eq!(log, ["bind /sb/m onto /sb/s, read-only, slave"]);
    let dirs = dirs.unwrap();
    assert_eq!(dirs.made_shared, None);
    let shows = MountSubtree { device: DeviceNumber::new(8, 1), root: "/sb/m".into() };
    assert_eq!(dirs.mounts_shows, Some(shows));
    assert_eq!(dirs.made.len(), 3);
    assert_eq!(paper.lock().unwrap().log, ["make /sb", "make /sb/m", "make /sb/s"]);
}

#[test]
fn a_slave_that_would_be_private_is_refused() {
    let (result, log, paper) = run(PRIVATE_ROOT, &setup(), None);
    assert_eq!(result, Err(Error::NotShared { path: "/sb/m".into() }));
    assert!(log.is_empty());
    assert_eq!(paper.lock().unwrap().names.len(), 3);
}

#[test]
fn a_shared_mount_is_not_bound_onto_itself_when_asked() {
    let (dirs, log, _) = run(SHARED_ROOT, &setup().unshared(IfNotShared::MakeShared), None);
    assert_eq!(log, ["bind /sb/m onto /sb/s, read-only, slave"]);
    assert_eq!(dirs.unwrap().made_shared, None);
}

#[test]
fn a_bind_onto_itself_is_tried_again_only_where_another_caller_was_quicker() {
    for (errno, steps) in [(Errno::EBUSY, Some(1)), (Errno::ENOMEM, None)] {
        let mut mounter = MockMounter::new();
        mounter.expect_bind().returning(move |_| Err(OsError::new(Operation::Bind, "/sb/m", errno)));
        mounter.expect_let_others_run().return_const(());
        let mut run = SettingUp::new(setup());
        run.under = Some(MountInfo::new(MountId(1), MountId(0), DeviceNumber::new(8, 1)));
        for attempt in 1..=ATTEMPTS {
            let next = run.bind_mounts_dir(&mounter, "/sb/m".into());
            let steps = steps.filter(|_| attempt < ATTEMPTS);
            assert_eq!(next.as_ref().ok().map(Vec::len), steps, "{attempt}: {next:?}");
        }
    }
}

#[test]
fn it_is_bound_onto_itself_as_a_shared_mount_when_asked() {
    let (dirs, log, _) = run(PRIVATE_ROOT, &setup().unshared(IfNotShared::MakeShared), None);
    assert_eq!(log, ["bind /sb/m onto /sb/m, shared", "bind /sb/m onto /sb/s, read-only, slave"]);
    assert!(dirs.unwrap().made_shared.is_some());
}

#[test]
fn what_an_earlier_set_up_made_is_taken_over_and_completed() {
    let half = "1 0 8:1 / / rw - ext4 a rw\n7 1 8:1 /sb/m /sb/m rw - ext4 a rw\n";
    let (dirs, log, _) = run(half, &setup().unshared(IfNotShared::MakeShared), None);
    assert_eq!(log, ["/sb/m shared", "bind /sb/m onto /sb/s, read-only, slave"]);
    assert_eq!(dirs.unwrap().made_shared, Some(MountKey::Reused(MountId(7))));

    let whole = "1 0 8:1 / / rw - ext4 a rw\n7 1 8:1 /sb/m /sb/m rw shared:4 - ext4 a rw\n\
                 8 1 8:1 /sb/m /sb/s ro master:4 - ext4 a rw\n";
    let (dirs, log, _) = run(whole, &setup().unshared(IfNotShared::MakeShared), None);
    assert!(log.is_empty(), "{log:?}");
    let dirs = dirs.unwrap();
    assert_eq!(dirs.made_shared, Some(MountKey::Reused(MountId(7))));
    assert_eq!(dirs.shared, MountKey::Reused(MountId(8)));
}

#[test]
fn something_else_on_the_guests_directory_is_a_conflict() {
    let other = "1 0 8:1 / / rw shared:1 - ext4 a rw\n8 1 0:9 / /sb/s rw - tmpfs t rw\n";
    let (result, log, _) = run(other, &setup(), None);
    let Err(Error::Conflict(Conflict { differences, .. })) = result else { panic!("{result:?}") };
    let all = [Difference::Device, Difference::Subpath, Difference::Attributes, Difference::Propagation].to_vec();
    assert_eq!(differences, all);
    assert!(log.is_empty());
}

#[test]
fn a_failure_takes_everything_back_in_reverse() {
    let certs = [Location::trusted("/etc/certs"), Location::trusted("/etc")];
    let setup = setup().unshared(IfNotShared::MakeShared).bind_mounts(&certs).unwrap();
    let (result, log, paper) = run(PRIVATE_ROOT, &setup, Some("sandbox-mounts/etc"));
    let error = result.unwrap_err();
    assert_eq!((error.errno(), error.left()), (Some(Errno::ENOMEM), &[][..]));
    assert_eq!(
        log[2..],
        [
            "bind /etc/certs onto /sb/m/sandbox-mounts/certs, read-only, private",
            "take /sb/m/sandbox-mounts/certs off",
            "take /sb/s off",
            "take /sb/m off"
        ]
    );
    assert_eq!(paper.lock().unwrap().names.len(), 3, "{:?}", paper.lock().unwrap().log);
}

#[test]
fn private_directory_leaves_its_peer_group() {
    let (dirs, log, _) = run(SHARED_ROOT, &setup().private_dir("/sb/p").unwrap(), None);
    assert_eq!(log[1], "bind /sb/p onto /sb/p, private");
    assert!(dirs.unwrap().made_private.is_some());
    let made = "1 0 8:1 / / rw shared:1 - ext4 a rw\n5 1 8:1 /sb/p /sb/p rw - ext4 a rw\n";
    let (dirs, log, _) = run(made, &setup().private_dir("/sb/p").unwrap(), None);
    assert_eq!(log.len(), 1);
    assert_eq!(dirs.unwrap().made_private, Some(MountKey::Reused(MountId(5))));
}

#[test]
fn names_are_checked_before_anything_is_touched() {
    let two = [Location::trusted("/a/x"), Location::trusted("/b/x")];
    assert_eq!(setup().bind_mounts(&two), Err(Error::DuplicateName { name: "x".into() }));
    let nameless = setup().bind_mounts(&[Location::trusted("/")]);
    assert!(matches!(nameless, Err(Error::InvalidPath(_))), "{nameless:?}");
    let unspecified = |what| Err(Error::Unspecified { what });
    assert_eq!(SandboxSetup::new("", "/s"), unspecified("mounts directory"));
    assert_eq!(SandboxSetup::new("/m", ""), unspecified("shared directory"));
    assert_eq!(setup().private_dir(""), unspecified("private directory"));
}

#[test]
fn a_sandboxs_binds_are_read_only() {
    let setup = setup().bind_mounts(&[Location::trusted("/etc/certs")]).unwrap();
    let share = &setup.shares()[0];
    assert!(share.is_read_only());
    assert_eq!(share.container(), &ContainerId::new("sandbox-mounts").unwrap());
}

#[test]
fn the_word_of_a_sandboxs_bind_ends_in_its_access() {
    let given = setup().bind_mount_words(&["/a/plain", "/a/ro:ro", "/a/rw:rw", "/a/x:rx", "/a/y:rw:ro"]).unwrap();
    let shares = given.shares().iter().map(|share| (share.source().for_display(), share.is_read_only()));
    let expected = [("/a/plain", true), ("/a/ro", true), ("/a/rw", false), ("/a/x:rx", true), ("/a/y:rw", true)];
    assert_eq!(shares.collect::<Vec<_>>(), expected.map(|(path, read_only)| (path.into(), read_only)));
    let twice = setup().bind_mount_words(&["/a/x", "/b/x:rw"]);
    assert_eq!(twice, Err(Error::DuplicateName { name: "x".into() }));
    assert_eq!(setup().bind_mount_words(&[":rw"]), Err(Error::Unspecified { what: "source" }));
}

const QUICKER: &str = "1 0 8:1 / / rw shared:1 - ext4 a rw\n8 1 8:1 /sb/m /sb/s ro master:1 - ext4 a rw\n";

/// The set-up where the bind onto the guest's directory fails with `error`; the mounts are those of `then` afterwards.
fn refused_bind(error: &OsError, then: &'static str) -> Result<SandboxDirs, Error> {
    let paper = Paper::with(&["/"]);
    let mut mounter = MockMounter::new();
    mounter.expect_let_others_run().return_const(());
    mounter.expect_origin().returning(|| Ok(crate::mount::Origin::UNKNOWN));
    let bound = Arc::new(Mutex::new(false));
    let (seen, error) = (bound.clone(), error.clone());
    mounter.expect_mount_of().returning(move |at| {
        let table = MountTable::parse(if *seen.lock().unwrap() { then } else { SHARED_ROOT });
        let mount = table.mount_holding(&at.for_display()).unwrap().to_info();
        Ok(PathMount { is_root: mount.mount_point == at.for_display(), mount })
    });
    mounter.expect_bind().returning(move |_| {
        *bound.lock().unwrap() = true;
        Err(error.clone())
    });
    mounter.expect_find_mount().returning(move |key| {
        let found = MountTable::parse(then).iter().map(|row| row.to_info()).find(|mount| mount.key() == key);
        found.ok_or_else(|| OsError::new(Operation::FindMount, key, Errno::ENOENT))
    });
    set_up_sandbox(&filesystem(&paper), &mounter, &setup())
}

#[test]
fn who_was_quicker_is_met_and_no_other_failure_is_taken_for_that() {
    let refused = |errno| OsError::new(Operation::Bind, "/sb/s", errno);
    let dirs = refused_bind(&refused(Errno::EBUSY), QUICKER).unwrap();
    assert_eq!(dirs.shared, MountKey::Reused(MountId(8)));
    for (error, then) in [
        (refused(Errno::EBUSY), SHARED_ROOT),
        (refused(Errno::ENOSPC), QUICKER),
        (refused(Errno::EBUSY).leaving(Leftover::Directory("/x".into())), QUICKER),
    ] {
        assert_eq!(refused_bind(&error, then).unwrap_err().errno(), Some(error.errno()), "{error}");
    }
}

#[test]
fn a_mount_whose_parent_cannot_be_seen_does_not_count_as_onto_itself() {
    // Chrooted: the parent is in no table. It is bound once more.
    let chrooted = "1 0 8:1 / / rw - ext4 a rw\n7 99 8:1 /sb/m /sb/m rw - ext4 a rw\n";
    let (dirs, log, _) = run(chrooted, &setup().unshared(IfNotShared::MakeShared), None);
    assert_eq!(log[0], "bind /sb/m onto /sb/m, shared");
    assert_ne!(dirs.unwrap().made_shared, Some(MountKey::Reused(MountId(7))));

    for (errno, answer) in [(Errno::ENOENT, Ok(false)), (Errno::EIO, Err(Some(Errno::EIO)))] {
        let mut mounter = MockMounter::new();
        mounter.expect_origin().returning(|| Ok(crate::mount::Origin::UNKNOWN));
        mounter.expect_find_mount().returning(move |key| Err(OsError::new(Operation::FindMount, key, errno)));
        let mount = MountInfo::new(MountId(7), MountId(1), DeviceNumber::new(8, 1));
        assert_eq!(is_onto_what_it_shows(&mounter, &mount).map_err(|error| error.errno()), answer);
    }
}

#[test]
fn another_filesystem_on_a_directory_is_not_what_an_earlier_set_up_made() {
    let other = "1 0 8:1 / / rw - ext4 a rw\n7 1 0:9 / /sb/m rw - tmpfs t rw\n";
    let (dirs, log, _) = run(other, &setup().unshared(IfNotShared::MakeShared), None);
    assert_eq!(log[0], "bind /sb/m onto /sb/m, shared");
    assert_ne!(dirs.unwrap().made_shared, Some(MountKey::Reused(MountId(7))));
    let other = "1 0 8:1 / / rw shared:1 - ext4 a rw\n7 1 0:9 / /sb/p rw shared:2 - tmpfs t rw\n";
    let (dirs, log, _) = run(other, &setup().private_dir("/sb/p").unwrap(), None);
    assert_eq!(log[1], "bind /sb/p onto /sb/p, private");
    assert_ne!(dirs.unwrap().made_private, Some(MountKey::Reused(MountId(7))));
}

#[test]
fn the_plan_is_there_before() {
    assert_eq!(setup().plan().steps(), setup().start().plan().steps());
    assert!(!setup().plan().steps().is_empty());
}

#[test]
fn set_up_that_begins_again_adopts_all_that_it_has_made() {
    let mut first = SettingUp::new(setup());
    let identity = FileIdentity { device: DeviceNumber::new(8, 1), inode: 5, kind: FileKind::Directory };
    first.made = vec![Placeholder { at: Location::trusted("/sb"), identity }];
    first.note(MountKey::Reused(MountId(7)), "/sb/m".into());
    let again = first.again();
    assert_eq!((again.made, again.mounted.len()), (first.made, 1));
}
