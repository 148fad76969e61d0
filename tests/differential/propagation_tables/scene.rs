//! The setup of a cell: a destination `/b` with the mounts that receive its events, and a source `/a`.

use mountwright_tests::scenario::{Operation, PropagationBit};

use crate::acts::{bind, make, mkdir, tmpfs};
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
    fn directories(&mut self, paths: &[&str]) {
        self.setup.extend(paths.iter().map(|path| mkdir(path)));
    }

    /// A mount of this kind at `at`: of a filesystem of its own, or of its master's. Masters and peers are at `/…z` and `/…q`.
    fn mount(&mut self, at: &str, kind: Kind, tag: &str) {
        let (peer, master) = (format!("/{tag}q"), format!("/{tag}z"));
        let (group, above) = (tag.to_uppercase(), format!("{}Z", tag.to_uppercase()));
        if kind.is_slave() {
            self.setup.extend([mkdir(&master), tmpfs(&master), make(&master, PropagationBit::Shared)]);
            self.setup.extend([bind(&master, at), make(at, PropagationBit::Slave)]);
            self.picture.put(&master, related(Some(&above), None));
        } else {
            self.setup.push(tmpfs(at));
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
        self.setup.extend(kind.bit().map(|bit| make(at, bit)));
        if kind.is_shared() {
            let peer = format!("/{tag}q");
            self.setup.extend([mkdir(&peer), bind(at, &peer)]);
        }
    }

    /// `/a` of this kind.
    pub(crate) fn source(&mut self, kind: Kind) {
        self.directories(&["/a"]);
        self.mount("/a", kind, "a");
        self.finish("/a", kind, "a");
    }

    /// `/a`, and `/a/k` on it, each of its kind. Mounted before `/a` is shared: `/a/k` is in no other place.
    pub(crate) fn source_tree(&mut self, top: Kind, child: Kind) {
        self.directories(&["/a"]);
        self.mount("/a", top, "a");
        self.directories(&["/a/k"]);
        self.mount("/a/k", child, "k");
        self.finish("/a/k", child, "k");
        self.finish("/a", top, "a");
    }

    /// `/b` of this kind, with a directory `x` in it. A shared one has a peer `/p`, a slave `/s`, and a slave that is shared,
    /// `/t`, which has a peer `/u` and a slave `/v`. The master is `/m`.
    pub(crate) fn destination(&mut self, kind: Kind) {
        use PropagationBit::{Shared, Slave, Unbindable};
        self.directories(&["/b", "/b/x"]);
        let master = kind.is_slave().then_some("M");
        let group = kind.is_shared().then_some("B");
        if kind.is_slave() {
            self.directories(&["/m"]);
            self.setup.extend([bind("/b", "/m"), make("/m", Shared), bind("/m", "/b"), make("/b", Slave)]);
            self.picture.put("/m", related(master, None));
        } else {
            self.setup.push(bind("/b", "/b"));
        }
        self.picture.put("/b", Relation { unbindable: kind == Kind::Unbindable, ..related(group, master) });
        if kind == Kind::Unbindable {
            self.setup.push(make("/b", Unbindable));
        }
        if !kind.is_shared() {
            return;
        }
        self.directories(&["/p", "/s", "/t", "/u", "/v"]);
        self.setup.extend([make("/b", Shared), bind("/b", "/p")]);
        self.setup.extend([bind("/b", "/s"), make("/s", Slave)]);
        self.setup.extend([bind("/b", "/t"), make("/t", Slave), make("/t", Shared)]);
        self.setup.extend([bind("/t", "/u"), bind("/t", "/v"), make("/v", Slave)]);
        self.picture.put("/p", related(group, master));
        self.picture.put("/s", related(None, group));
        for at in ["/t", "/u"] {
            self.picture.put(at, related(Some("T"), group));
        }
        self.picture.put("/v", related(None, Some("T")));
    }
}
