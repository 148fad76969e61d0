//! Indexes of the rows of a mount table.
//!
//! Each index holds numbers of rows and nothing of their text.

use std::borrow::Cow;
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

use crate::mount::MountId;

/// Row numbers in the order of an id; rows of the same id in the order of the table.
pub(crate) struct ById(Vec<u32>);

impl ById {
    pub(crate) fn new(rows: impl Iterator<Item = MountId> + Clone) -> Self {
        let mut order: Vec<(MountId, u32)> = rows.zip(0..).collect();
        // By row as well, so that the sort need not be a stable one. Tables are mostly in the order of their ids.
        order.sort_unstable();
        Self(order.into_iter().map(|(_, row)| row).collect())
    }

    /// All rows of this id, in the order of the table.
    pub(crate) fn rows(&self, id: MountId, id_of: impl Fn(u32) -> MountId) -> &[u32] {
        let start = self.0.partition_point(|&row| id_of(row) < id);
        let length = self.0[start..].partition_point(|&row| id_of(row) == id);
        &self.0[start..start + length]
    }
}

/// No row.
const NONE: u32 = u32::MAX;

/// Rows by the mount that they are on and their mount point there.
///
/// The key is the hash of both. Rows with the same hash form a chain, the latest row of the table first.
pub(crate) struct ByPlace {
    hasher: RandomState,
    latest: HashMap<u64, u32>,
    /// For each row the one before it in its chain.
    before: Vec<u32>,
}

impl ByPlace {
    /// `places` are those of the rows, in order; a parent that is not in the table is `None`.
    pub(crate) fn new<'a>(places: impl ExactSizeIterator<Item = (Option<MountId>, Cow<'a, [u8]>)>) -> Self {
        let mut index = Self {
            hasher: RandomState::new(),
            latest: HashMap::with_capacity(places.len()),
            before: Vec::with_capacity(places.len()),
        };
        for (row, (parent, mount_point)) in (0..).zip(places) {
            let hash = index.hash(parent, &mount_point);
            index.before.push(index.latest.insert(hash, row).unwrap_or(NONE));
        }
        index
    }

    fn hash(&self, parent: Option<MountId>, mount_point: &[u8]) -> u64 {
        self.hasher.hash_one((parent, mount_point))
    }

    /// The latest row there, as far as `is_there` agrees: it sees every row that may be it.
    pub(crate) fn latest(
        &self,
        parent: Option<MountId>,
        mount_point: &[u8],
        is_there: impl Fn(u32) -> bool,
    ) -> Option<u32> {
        let mut row = *self.latest.get(&self.hash(parent, mount_point))?;
        while row != NONE {
            if is_there(row) {
                return Some(row);
            }
            row = self.before[row as usize];
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn rows_of_an_id_are_all_found_in_order(ids in prop::collection::vec(0_u32..20, 0..60), wanted in 0_u32..22) {
            let ids: Vec<MountId> = ids.into_iter().map(MountId).collect();
            let index = ById::new(ids.iter().copied());
            let found = index.rows(MountId(wanted), |row| ids[row as usize]);
            let expected: Vec<u32> = (0..).zip(&ids).filter(|(_, id)| id.0 == wanted).map(|(row, _)| row).collect();
            prop_assert_eq!(found, &expected[..]);
        }

        #[test]
        fn the_latest_row_of_a_place_is_found(
            places in prop::collection::vec((prop::option::of(0_u32..4), prop::collection::vec(0_u8..3, 0..3)), 0..60),
            wanted in (prop::option::of(0_u32..5), prop::collection::vec(0_u8..3, 0..3)),
        ) {
            let place = |(parent, path): &(Option<u32>, Vec<u8>)| (parent.map(MountId), Cow::Owned(path.clone()));
            let index = ByPlace::new(places.iter().map(place));
            let found = index.latest(wanted.0.map(MountId), &wanted.1, |row| places[row as usize] == wanted);
            let expected = places.iter().rposition(|place| *place == wanted);
            prop_assert_eq!(found.map(|row| row as usize), expected);
        }
    }
}
