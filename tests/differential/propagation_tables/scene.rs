//! The setup of a cell: a destination `/b` with the mounts that receive its events, and a source `/a`.

use mountwright_core::Errno;
use mountwright_tests::scenario::{Operation, operations};

use crate::cell::Cell;
use crate::kind::Kind;
use crate::picture::{Picture, Relation};

/// Operations, and the state after them.
#[derive(Default)]
pub(crate) struct Scene {
    pub(crate) setup: Vec<Operation>,
    pub(crate) picture: Picture,
}

pub(crate) fn related(group: Option<&str>, master: Option<&str>) -> Relation {
    Relation { group: group.map(str::to_owned), master: master.map(str::to_owned), unbindable: false }
}

impl Scene {
    pub(crate) fn does(&mut self, lines: &str) {
        self.setup.extend(operations(lines));
    }

    /// The cell of an operation on it.
    pub(crate) fn cell(self, name: String, operation: &str, after: Result<Picture, Errno>) -> Cell {
        let operation = operations(operation).remove(0);
        Cell { name, setup: self.setup, before: self.picture, operation, after }
    }

    /// A mount of this kind at `at`: of a filesystem of its own, or of its master's. Masters and peers are at `/…z` and `/…q`.
    fn mount(&mut self, at: &str, kind: Kind, tag: &str) {
        let (peer, master) = (format!("/{tag}q"), format!("/{tag}z"));
        let (group, above) = (tag.to_uppercase(), format!("{}Z", tag.to_uppercase()));
        if kind.is_slave() {
            self.does(&format!("mkdir {master}; tmpfs {master}; shared {master}; bind {master} {at}; slave {at}"));
            self.picture.put(&master, related(Some(&above), None));
        } else {
            self.does(&format!("tmpfs {at}"));
        }
        let relation = Relation {
            group: kind.is_shared().then(|| group.clone()),
            master: kind.is_slave().then_some(above),
            unbindable: kind == Kind::Unbindable,
        };
        if kind.is_shared() {
            self.picture.put(&peer, relation.clone());
        }
        self.picture.put(at, relation);
    }

    /// Gives the mount its type, where that is not what it was made with, and its peer.
    fn finish(&mut self, at: &str, kind: Kind, tag: &str) {
        if kind.is_shared() {
            self.does(&format!("shared {at}; mkdir /{tag}q; bind {at} /{tag}q"));
        } else if kind == Kind::Unbindable {
            self.does(&format!("unbindable {at}"));
        }
    }

    /// Before a call about `/a`, and `/a/k` on it, that leads to `/b`.
    pub(crate) fn of(source: Kind, child: Option<Kind>, destination: Kind) -> Self {
        let mut scene = Self::default();
        scene.source(source, child);
        scene.destination(destination);
        scene
    }

    /// `/a` of this kind, and `/a/k` on it where it has a child. That one is mounted before `/a` is shared: it is in no other
    /// place.
    pub(crate) fn source(&mut self, top: Kind, child: Option<Kind>) {
        self.does("mkdir /a");
        self.mount("/a", top, "a");
        if let Some(child) = child {
            self.does("mkdir /a/k");
            self.mount("/a/k", child, "k");
            self.finish("/a/k", child, "k");
        }
        self.finish("/a", top, "a");
    }

    /// `/b` of this kind, with a directory `x` in it. A shared one has a peer `/p`, a slave `/s`, and a slave that is shared,
    /// `/t`, which has a peer `/u` and a slave `/v`. The master is `/m`.
    pub(crate) fn destination(&mut self, kind: Kind) {
        self.does("mkdir /b /b/x");
        let master = kind.is_slave().then_some("M");
        let group = kind.is_shared().then_some("B");
        if kind.is_slave() {
            self.does("mkdir /m; bind /b /m; shared /m; bind /m /b; slave /b");
            self.picture.put("/m", related(master, None));
        } else {
            self.does("bind /b /b");
        }
        self.picture.put("/b", Relation { unbindable: kind == Kind::Unbindable, ..related(group, master) });
        if kind == Kind::Unbindable {
            self.does("unbindable /b");
        }
        if !kind.is_shared() {
            return;
        }
        self.does("mkdir /p /s /t /u /v; shared /b; bind /b /p /s; slave /s; bind /b /t; slave /t; shared /t");
        self.does("bind /t /u /v; slave /v");
        self.picture.put("/p", related(group, master));
        self.picture.put("/s", related(None, group));
        for at in ["/t", "/u"] {
            self.picture.put(at, related(Some("T"), group));
        }
        self.picture.put("/v", related(None, Some("T")));
    }
}
