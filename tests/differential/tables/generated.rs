//! Random mount tables.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use mountwright_tests::random::Random;

/// The parents that are not in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Missing {
    /// The one of the row at `/`: a whole table.
    OfTheRoot,
    /// One, of every row that has no listed parent: the root directory is in that mount, and no mount point.
    OfTheTop,
    /// Any: a table that was cut.
    Any,
}

#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) id: u32,
    pub(crate) parent: u32,
    /// The names from the root to the mount point.
    pub(crate) path: Vec<&'static str>,
}

/// Rows without a contradiction.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) missing: Missing,
    pub(crate) rows: Vec<Row>,
}

const NAMES: [&str; 3] = ["a", "b", "c d"];
const DEPTH: usize = 3;
/// An id that no row has.
const UNLISTED: u32 = 900;

/// Every path with these names, shortest first.
pub(crate) fn every_path() -> Vec<Vec<&'static str>> {
    let mut paths = vec![Vec::new()];
    let mut from = 0;
    for _ in 0..DEPTH {
        let to = paths.len();
        for index in from..to {
            for name in NAMES {
                let mut path: Vec<_> = paths[index].clone();
                path.push(name);
                paths.push(path);
            }
        }
        from = to;
    }
    paths
}

pub(crate) fn text_of(path: &[&str]) -> String {
    format!("/{}", path.join("/"))
}

impl Table {
    pub(crate) fn random(random: &mut Random, missing: Missing) -> Self {
        let mut table = Self { missing, rows: Vec::new() };
        let mut ids: BTreeSet<u32> = BTreeSet::new();
        let mut taken: BTreeSet<(u32, Vec<&str>)> = BTreeSet::new();
        let has_root = missing == Missing::OfTheRoot || missing == Missing::Any && !random.one_in(4);
        for number in 0..=random.below(12) {
            let mut id = 1;
            while !ids.insert(id) {
                id = 1 + u32::try_from(random.below(80)).expect("it is small");
            }
            let (parent, path) = match number {
                0 if has_root => (if random.one_in(4) { id } else { UNLISTED }, Vec::new()),
                _ => table.place(random),
            };
            if taken.insert((parent, path.clone())) {
                table.rows.push(Row { id, parent, path });
            }
        }
        for last in (1..table.rows.len()).rev() {
            table.rows.swap(last, random.below(last + 1));
        }
        table
    }

    /// The place of a further row.
    fn place(&self, random: &mut Random) -> (u32, Vec<&'static str>) {
        let alone = self.rows.is_empty() || random.one_in(3);
        let orphan = match self.missing {
            Missing::OfTheTop if alone => Some(UNLISTED),
            Missing::Any if alone => [901, 902, 903].get(random.below(3)).copied(),
            _ => None,
        };
        let (parent, mut path) = if let Some(parent) = orphan {
            (parent, Vec::new())
        } else {
            let row = &self.rows[random.below(self.rows.len())];
            (row.id, row.path.clone())
        };
        let most = DEPTH - path.len();
        let mut more = random.below(most + 1);
        // Two rows at `/` without a parent contradict each other, and one alone reads as the root.
        if orphan.is_some() && (self.missing == Missing::Any || self.rows.is_empty()) {
            more = more.max(1);
        }
        path.extend((0..more).map(|_| NAMES[random.below(NAMES.len())]));
        (parent, path)
    }

    /// The text of mountinfo; the source of each row is `r` and its id.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        for Row { id, parent, path } in &self.rows {
            let point = text_of(path).replace(' ', "\\040");
            writeln!(text, "{id} {parent} 0:{} / {point} rw,relatime - tmpfs r{id} rw", id + 100).expect("to a text");
        }
        text
    }

    pub(crate) fn has(&self, id: u32) -> bool {
        self.rows.iter().any(|row| row.id == id)
    }
}
