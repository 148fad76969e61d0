//! Relations between mounts: mount points, peer groups and masters.

use std::collections::BTreeMap;
use std::fmt;

use mountwright_tests::scenario::{Row, Snapshot};

/// The propagation relations of a mount. The names of groups mean nothing; they are only compared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Relation {
    pub(crate) group: Option<String>,
    pub(crate) master: Option<String>,
    pub(crate) unbindable: bool,
}

/// Every mount but the root, by its mount point. No two of a picture share one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Picture(BTreeMap<String, Relation>);

impl Picture {
    pub(crate) fn put(&mut self, at: impl Into<String>, relation: Relation) {
        self.0.insert(at.into(), relation);
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    pub(crate) fn at(&self, at: &str) -> Relation {
        self.0.get(at).cloned().unwrap_or_default()
    }

    pub(crate) fn take(&mut self, at: &str) -> Relation {
        self.0.remove(at).unwrap_or_default()
    }

    /// Reads the relations from a table.
    pub(crate) fn of(snapshot: &Snapshot) -> Result<Self, String> {
        let mut picture = Self::default();
        for row in snapshot.0.get(&0).into_iter().flatten().filter(|row| row.parent.is_some()) {
            let Row { mp, shared, master, propagate_from, unbindable, .. } = row.clone();
            if let Some(from) = propagate_from {
                return Err(format!("{mp} has its events from {from}, out of sight"));
            }
            if picture.0.insert(mp.clone(), Relation { group: shared, master, unbindable }).is_some() {
                return Err(format!("two mounts at {mp}"));
            }
        }
        Ok(picture)
    }

    /// The same with groups named in the order in which they come up.
    pub(crate) fn renamed(self) -> Self {
        let mut names: BTreeMap<String, String> = BTreeMap::new();
        let mut rename = |group: Option<String>| {
            group.map(|group| {
                let next = format!("g{}", names.len() + 1);
                names.entry(group).or_insert(next).clone()
            })
        };
        let renamed = self.0.into_iter().map(|(at, Relation { group, master, unbindable })| {
            let (group, master) = (rename(group), rename(master));
            (at, Relation { group, master, unbindable })
        });
        Self(renamed.collect())
    }
}

impl fmt::Display for Picture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, Relation { group, master, unbindable }) in &self.0 {
            write!(f, "\n  {at}")?;
            if let Some(group) = group {
                write!(f, " shared:{group}")?;
            }
            if let Some(master) = master {
                write!(f, " master:{master}")?;
            }
            f.write_str(if *unbindable { " unbindable" } else { "" })?;
        }
        Ok(())
    }
}
