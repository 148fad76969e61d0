//! The setting of an attack.

use std::fs;

use mountwright_tests::machine::furnish;
use mountwright_tests::settings::Settings;

use crate::shared::Shared;

/// The targets of the links: one where the same names are mount points, one where they are plain, one where the last is
/// missing.
const OUTSIDE: [&str; 3] = ["busy", "empty", "missing"];

/// Whose links.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Here,
    Elsewhere,
}

/// A link beside the container's directory.
pub(crate) struct Link {
    pub(crate) name: String,
    pub(crate) target: String,
}

/// The links that this side exchanges for the name of a level.
pub(crate) fn links_of(side: Side, shared: Shared, level: usize) -> Vec<Link> {
    let link = |outside| Link {
        name: format!("to-{outside}-{level}-{side:?}"),
        target: format!("/w/outside/{outside}/{}", shared.path(level + 1)),
    };
    OUTSIDE.map(link).into()
}

/// `/w/shared`, with links; `/w/source`, with bytes to lose; `/w/outside`, with victims.
pub(crate) fn make(shared: Shared) {
    furnish("tmpfs:source /w/source; file /w/source/tree/data precious; file /w/source/file precious");
    furnish("tmpfs:victim /w/victims; file /w/victims/directory/keep keep; file /w/victims/file keep");
    furnish("tmpfs:outside /w/outside");
    for planted in planted(shared) {
        planted.make();
    }
    mount_victim(shared);
    // The last name, so that the directory is not removed with the last share in it.
    furnish(&format!("tmpfs:shared /w/shared; file /w/shared/{}/other", shared.path(shared.names().len() - 1)));
    for link in links(shared) {
        furnish(&format!("link {} /w/shared/{}", link.target, link.name));
    }
}

fn links(shared: Shared) -> impl Iterator<Item = Link> {
    let levels = 0..shared.names().len();
    levels.flat_map(move |level| {
        [Side::Here, Side::Elsewhere].into_iter().flat_map(move |side| links_of(side, shared, level))
    })
}

/// Something outside that has to stay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Planted {
    pub(crate) path: String,
    pub(crate) is_file: bool,
}

impl Planted {
    pub(crate) fn make(&self) {
        if self.is_file {
            fs::write(&self.path, "").expect("what is planted can be made");
        } else {
            fs::create_dir(&self.path).expect("what is planted can be made");
        }
    }

    pub(crate) fn is_there(&self) -> bool {
        let found = fs::symlink_metadata(&self.path);
        found.is_ok_and(|found| if self.is_file { found.is_file() } else { found.is_dir() })
    }
}

/// Every directory and file outside, from the outermost inwards.
pub(crate) fn planted(shared: Shared) -> Vec<Planted> {
    let names = shared.names().len();
    let mut planted = Vec::new();
    for outside in OUTSIDE {
        let directory = |path| Planted { path, is_file: false };
        planted.push(directory(format!("/w/outside/{outside}")));
        planted.extend((1..names).map(|level| directory(format!("/w/outside/{outside}/{}", shared.path(level)))));
        if outside != "missing" {
            let path = format!("/w/outside/{outside}/{}", shared.whole_path());
            planted.push(Planted { path, is_file: shared == Shared::File });
        }
    }
    planted
}

/// Returns the path of the victim's mount.
pub(crate) fn victim(shared: Shared) -> String {
    format!("/w/outside/busy/{}", shared.whole_path())
}

/// Mounts the victim's mount, on a source with one byte of its own.
pub(crate) fn mount_victim(shared: Shared) {
    let of = if shared == Shared::File { "/w/victims/file" } else { "/w/victims/directory" };
    rustix::mount::mount_bind(of, victim(shared)).expect("a mount for somebody else");
}

/// Returns the duration of an attack, in seconds.
pub(crate) fn seconds() -> u64 {
    if Settings::read().long { 60 } else { 1 }
}
