//! The life of a sandbox: its mounts are classified, shared, and unmounted.

use camino::{Utf8Path, Utf8PathBuf};
use mountwright_core::sandbox::{IfNotShared, SandboxDirs, SandboxSetup, TearDown};
use mountwright_core::share::{Share, ShareRecord};
use mountwright_core::unmount::Report;

use mountwright_core::{Backend, Error, Location, MountTable};

use super::host::Host;
use super::row::Row;
use super::runtime_spec::RuntimeSpec;

/// The directory in which a runtime keeps its sandboxes.
const SANDBOXES: &str = "/run/kata-containers/shared/sandboxes";

/// The record of the story.
#[derive(Debug)]
pub(crate) struct Story {
    pub(crate) rows: Vec<Row>,
    pub(crate) before: MountTable,
    pub(crate) dirs: SandboxDirs,
    pub(crate) shares: Vec<Shared>,
    pub(crate) during: MountTable,
    pub(crate) torn_down: Report,
    pub(crate) after: MountTable,
}

/// A share that the guest can see.
#[derive(Debug)]
pub(crate) struct Shared {
    /// Its subject in the specification: a destination, or the root of the container.
    pub(crate) what: String,
    pub(crate) source: String,
    pub(crate) read_only: bool,
    pub(crate) record: ShareRecord,
    /// True if the guest's side shows it, read-only if it is to be.
    pub(crate) seen_by_guest: bool,
}

impl Story {
    /// Returns true if the mount table is as it was, byte for byte, and nothing that was made is left.
    pub(crate) fn all_is_as_it_was(&self) -> bool {
        self.before.text() == self.after.text() && self.torn_down.is_clean()
    }

    /// Runs the story on a host. On an error, what was done is rolled back first.
    pub(crate) fn tell(host: &Host, spec: &RuntimeSpec) -> Result<Self, Error> {
        let backend = &*host.backend;
        let rows = spec.mounts.iter().map(|mount| Row::of(backend, mount, &host.unbuilt)).collect::<Vec<_>>();
        let before = backend.mounts()?;
        let [mounts_dir, shared_dir] = directories(spec);
        let setup = SandboxSetup::new(mounts_dir, shared_dir)?;
        let dirs = setup.unshared(IfNotShared::MakeShared).run(&backend)?;
        let mut shares = Vec::new();
        let seen = share_all(backend, spec, &rows, &dirs, &mut shares).and_then(|()| Ok(backend.mounts()?));
        let records: Vec<ShareRecord> = shares.iter().map(|share| share.record.clone()).collect();
        let torn_down = TearDown::sandbox(&dirs, &records).run(&backend);
        let during = seen?;
        for share in &mut shares {
            share.seen_by_guest = is_seen(&during, share, &dirs);
        }
        Ok(Self { rows, before, dirs, shares, during, torn_down, after: backend.mounts()? })
    }
}

/// The sandbox's two directories: the host's side and the guest's.
pub(crate) fn directories(spec: &RuntimeSpec) -> [Utf8PathBuf; 2] {
    let sandbox = Utf8Path::new(SANDBOXES).join(spec.sandbox.as_str());
    ["mounts", "shared"].map(|name| sandbox.join(name))
}

/// The container's root, and each volume that is to be shared.
fn share_all(
    backend: &dyn Backend,
    spec: &RuntimeSpec,
    rows: &[Row],
    dirs: &SandboxDirs,
    shares: &mut Vec<Shared>,
) -> Result<(), Error> {
    let (mounts, id) = (&dirs.mounts_dir, &spec.container);
    let mut create = |share: Share, what: &str, source: &str, read_only: bool| -> Result<(), Error> {
        let share = if read_only { share.read_only() } else { share };
        let record = share.create(&backend)?;
        let (what, source) = (what.to_owned(), source.to_owned());
        shares.push(Shared { what, source, read_only, record, seen_by_guest: false });
        Ok(())
    };
    let rootfs = Share::rootfs(mounts, id, Location::trusted(&spec.rootfs))?;
    create(rootfs, "/", spec.rootfs.as_str(), spec.rootfs_read_only)?;
    for (row, number) in rows.iter().zip(1..).filter(|(row, _)| row.verdict.is_shared()) {
        let mount = &row.mount;
        let name = format!("{number:02}-{}", mount.destination.file_name().unwrap_or("root"));
        let volume = Share::volume(mounts, id, &name, Location::trusted(&mount.source))?;
        create(volume, mount.destination.as_str(), &mount.source, mount.read_only)?;
    }
    Ok(())
}

/// Returns true if the mount has appeared on the guest's side, of the same file, read-only if it has to be.
fn is_seen(table: &MountTable, share: &Shared, dirs: &SandboxDirs) -> bool {
    let record = &share.record;
    let at = dirs.shared_dir.join(record.container.as_str()).join(&record.name);
    table.mount_at(at.as_std_path()).is_some_and(|row| {
        row.device() == record.device
            && row.root() == record.subpath
            && (row.attributes().is_read_only() || !share.read_only)
    })
}
