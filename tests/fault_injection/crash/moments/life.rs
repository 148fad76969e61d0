//! A sandbox's life in a loop, as the process that is killed leads it.

use std::io::Write;
use std::os::unix::net::UnixStream;

use camino::Utf8Path;
use mountwright_core::recovery::Recovery;
use mountwright_core::sandbox::{IfNotShared, SandboxDirs, SandboxSetup, TearDown};
use mountwright_core::share::{Ensured, Share, ShareName, ShareRecord};

use mountwright_core::{ContainerId, Location};
use mountwright_linux::LinuxBackend;
use serde::{Deserialize, Serialize};

pub(super) const MOUNTS: &str = "/w/sb/mounts";
pub(super) const SHARED: &str = "/w/sb/shared";
pub(super) const PRIVATE: &str = "/w/sb/private";

/// A message of the process, written before each operation and after each set-up.
#[derive(Serialize, Deserialize)]
pub(super) enum Said {
    /// The operation that begins.
    Begins(String),
    /// The record of a set-up that was completed.
    SetUp(Box<SandboxDirs>),
}

/// The choices that all of a life has in common.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ways {
    /// The set-up makes the mounts directory shared.
    pub(super) made_shared: bool,
    /// The sandbox has a private place.
    pub(super) private: bool,
}

impl Ways {
    fn setup(self) -> SandboxSetup {
        let setup = SandboxSetup::new(MOUNTS, SHARED).expect("two paths");
        let setup = setup.bind_mounts(&[Location::trusted("/h/config")]).expect("a path");
        let setup = if self.made_shared { setup.unshared(IfNotShared::MakeShared) } else { setup };
        if self.private { setup.private_dir(PRIVATE).expect("a path") } else { setup }
    }

    pub(super) fn recovery(self) -> Recovery {
        let recovery = Recovery::new(MOUNTS, SHARED).expect("two paths").directories_too();
        if self.private { recovery.private_dir(PRIVATE).expect("a path") } else { recovery }
    }
}

/// One process that leads the life.
pub(super) struct Life<'a> {
    pub(super) backend: &'a LinuxBackend,
    pub(super) ways: Ways,
    pub(super) stream: UnixStream,
}

fn id(text: &str) -> ContainerId {
    ContainerId::new(text).expect("an id")
}

impl Life<'_> {
    /// Leads it so many times. Each call may fail where a mount of others is in the way: the life continues.
    pub(super) fn lead(mut self, times: usize) {
        for round in 0..times {
            self.once(round % 2 == 0);
        }
    }

    fn say(&mut self, said: &Said) {
        let mut line = serde_json::to_string(said).expect("it can be written");
        line.push('\n');
        self.stream.write_all(line.as_bytes()).expect("the other end is open");
    }

    fn begins(&mut self, operation: &str) {
        self.say(&Said::Begins(operation.to_owned()));
    }

    fn once(&mut self, torn_down: bool) {
        let backend = self.backend;
        self.begins("set up");
        let dirs = self.ways.setup().run(backend).ok();
        if let Some(dirs) = &dirs {
            self.say(&Said::SetUp(Box::new(dirs.clone())));
        }
        let mut shares = self.shares();
        self.unshares(&mut shares);
        if let Some(dirs) = dirs.filter(|_| torn_down) {
            self.begins("tear a sandbox down");
            let _ = TearDown::sandbox(&dirs, &shares).run(backend);
        } else {
            self.begins("recover");
            let _ = self.ways.recovery().reap(backend);
        }
    }

    fn shares(&mut self) -> Vec<ShareRecord> {
        let of = |path| Location::trusted(path);
        let volume = |name, path| Share::volume(MOUNTS, &id("c1"), name, of(path)).expect("a share");
        let first = [
            ("share a root filesystem", Share::rootfs(MOUNTS, &id("c1"), of("/h/rootfs")).expect("a share")),
            ("share a directory", volume("data", "/h/data")),
            ("share a file read-only", volume("config", "/h/config").read_only()),
            ("share a snapshot", Share::snapshot_dir(MOUNTS, &id("c2"), of("/h/snap")).expect("a share")),
        ];
        let mut records = Vec::new();
        for (operation, share) in first {
            self.begins(operation);
            records.extend(share.create(self.backend));
        }
        for (operation, share) in [
            ("ensure what is missing", volume("more", "/h/data").read_only()),
            ("ensure what is there", volume("config", "/h/config").read_only()),
        ] {
            self.begins(operation);
            if let Ok(Ensured::Done(record)) = share.ensure(self.backend) {
                records.push(record);
            }
        }
        records
    }

    fn unshares(&mut self, shares: &mut Vec<ShareRecord>) {
        let (backend, mounts) = (self.backend, Utf8Path::new(MOUNTS));
        self.begins("unshare a file by name");
        let _ = ShareName::volume("config").unshare(backend, mounts, &id("c1"));
        self.begins("unshare a root filesystem by name");
        let _ = ShareName::Rootfs.unshare(backend, mounts, &id("c1"));
        if let Some(record) = shares.pop() {
            self.begins("unshare by record");
            let _ = record.unshare(backend, mounts);
        }
        if !shares.is_empty() {
            self.begins("tear a container down");
            let _ = TearDown::container(mounts, &shares.split_off(shares.len() / 2)).run(backend);
        }
    }
}
