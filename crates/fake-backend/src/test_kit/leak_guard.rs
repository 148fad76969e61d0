//! A guard that finds mounts that a test leaves.

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::thread;

use mountwright_core::mount::MountId;
use mountwright_core::{MountInfo, MountTable, Mounter, OsError};

use crate::fake_backend::FakeBackend;

/// Fails a test that ends with other mounts than it began with, and shows the difference as a tree.
///
/// Works on every backend. On a [`FakeBackend`] it acts unobserved: its calls are in no journal, and no failure is
/// injected into them.
///
/// ```should_panic
/// use mountwright_core::{BindRequest, Location, Mounter};
/// use mountwright_fake::HostBuilder;
/// use mountwright_fake::test_kit::LeakGuard;
///
/// let host = HostBuilder::from_text("mount / ext4 /dev/vda1\ndir /src\ndir /dst").unwrap().build().unwrap();
/// let guard = LeakGuard::of(&host);
/// host.bind(&BindRequest::new(Location::trusted("/src"), Location::trusted("/dst"))).unwrap();
/// guard.check(); // Without this line it fails when `guard` is dropped.
/// ```
pub struct LeakGuard<'a> {
    backend: Box<dyn Mounter + 'a>,
    before: Vec<MountInfo>,
    is_checked: bool,
}

impl std::fmt::Debug for LeakGuard<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LeakGuard").field("before", &self.before).finish_non_exhaustive()
    }
}

impl<'a> LeakGuard<'a> {
    /// Notes the mounts of this backend.
    ///
    /// # Panics
    /// If the mount table cannot be read.
    pub fn of<B: Mounter + 'static>(backend: &'a B) -> Self {
        let backend: Box<dyn Mounter + 'a> = match (backend as &dyn Any).downcast_ref::<FakeBackend>() {
            Some(fake) => Box::new(fake.unobserved()),
            None => Box::new(backend),
        };
        let before = table(&*backend).unwrap_or_else(|error| panic!("{error}"));
        Self { backend, before, is_checked: false }
    }

    /// Returns the new and the removed mounts as a tree; `None` if there are none. `+` is a new mount, `-` a removed
    /// one; a changed mount has both.
    ///
    /// # Errors
    /// The mount table cannot be read.
    pub fn difference(&self) -> Result<Option<String>, OsError> {
        Ok(difference(&self.before, &table(&*self.backend)?))
    }

    /// Fails the test where the mounts are other ones.
    ///
    /// # Panics
    /// With the difference.
    pub fn check(mut self) {
        self.assert_same();
    }

    fn assert_same(&mut self) {
        self.is_checked = true;
        match self.difference() {
            Ok(None) => {}
            Ok(Some(tree)) => panic!("the mounts are not those of the beginning:\n{tree}"),
            Err(error) => panic!("{error}"),
        }
    }
}

impl Drop for LeakGuard<'_> {
    fn drop(&mut self) {
        // A second panic would end the process and hide the first one.
        if !self.is_checked && !thread::panicking() {
            self.assert_same();
        }
    }
}

fn table(backend: &(impl Mounter + ?Sized)) -> Result<Vec<MountInfo>, OsError> {
    Ok(backend.mounts()?.iter().map(|row| row.to_info()).collect())
}

/// The mounts that differ, with those that they are mounted on.
fn difference(before: &[MountInfo], after: &[MountInfo]) -> Option<String> {
    let gone = before.iter().filter(|mount| !after.contains(mount));
    let come = after.iter().filter(|mount| !before.contains(mount));
    let parents: BTreeMap<MountId, MountId> =
        before.iter().chain(after).map(|mount| (mount.id, mount.parent)).collect();
    let mut shown = BTreeSet::new();
    for mount in gone.chain(come) {
        let mut id = Some(mount.id);
        while let Some(at) = id.filter(|&at| shown.insert(at)) {
            id = parents.get(&at).copied();
        }
    }
    if shown.is_empty() {
        return None;
    }
    let union = after.iter().chain(before.iter().filter(|mount| !after.contains(mount)));
    let union = MountTable::from_mounts(union.filter(|mount| shown.contains(&mount.id)));
    let mut text = String::new();
    for row in union.in_tree_order() {
        let mount = row.mount.to_info();
        let is_in =
            |table: &[MountInfo]| table.iter().any(|other| other.id == mount.id && other.words() == mount.words());
        let mark = match (is_in(before), is_in(after)) {
            (false, true) => '+',
            (true, false) => '-',
            _ => ' ',
        };
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{mark} {}{}", row.branches, mount.words().join("  "));
    }
    Some(text)
}
