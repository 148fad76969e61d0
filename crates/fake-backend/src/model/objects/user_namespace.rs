//! User namespaces: their ids, and the capabilities in them.

use std::sync::Arc;

use mountwright_core::Errno;

use crate::model::objects::credentials::{Credentials, IdRange};
use crate::model::objects::ids::Ids;

/// The id that replaces an unmapped one (`/proc/sys/kernel/overflowuid`).
pub(crate) const OVERFLOW_ID: u32 = 65_534;

/// A user namespace: its place in [`UserNamespaces`]. They are few and never removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct UserNs(u32);

impl UserNs {
    /// The initial one.
    pub(crate) const INITIAL: Self = Self(0);

    /// 0 for the initial one, and upwards in order of creation.
    pub(crate) fn number(self) -> u64 {
        u64::from(self.0)
    }
}

/// The most ranges of a map (`UID_GID_MAP_MAX_EXTENTS`).
const MOST_RANGES: usize = 340;

/// Returns true if two ranges of ids have one in common.
const fn meet(first: u32, count: u32, other: u32, other_count: u32) -> bool {
    first <= other.saturating_add(other_count - 1) && other <= first.saturating_add(count - 1)
}

#[derive(Clone, Debug)]
struct UserNamespace {
    parent: Option<UserNs>,
    /// The uid of its creator, as the initial namespace numbers it.
    owner: u32,
    /// Inside to initial namespace, of users and of groups. `None` until they are written.
    maps: Option<[Vec<IdRange>; 2]>,
}

impl UserNamespace {
    fn map(&self, ids: Ids) -> &[IdRange] {
        self.maps.as_ref().map_or(&[], |maps| &maps[ids as usize])
    }
}

#[derive(Clone, Debug)]
pub(crate) struct UserNamespaces(Arc<Vec<UserNamespace>>);

impl Default for UserNamespaces {
    fn default() -> Self {
        let everything = IdRange { inside: 0, outside: 0, count: u32::MAX };
        Self(Arc::new(vec![UserNamespace { parent: None, owner: 0, maps: Some([vec![everything], vec![everything]]) }]))
    }
}

impl UserNamespaces {
    fn get(&self, ns: UserNs) -> &UserNamespace {
        &self.0[ns.0 as usize]
    }

    pub(crate) fn create(&mut self, parent: UserNs, owner: u32) -> UserNs {
        let all = Arc::make_mut(&mut self.0);
        all.push(UserNamespace { parent: Some(parent), owner, maps: None });
        // One for each call of unshare: memory ends first.
        #[allow(clippy::cast_possible_truncation)]
        UserNs(all.len() as u32 - 1)
    }

    /// Writes the maps of users and of groups of `ns`, whose outside ids are those of its parent.
    ///
    /// # Errors
    /// `EPERM`: written before. `EINVAL`: no range or too many, an empty range, one beyond the last id, two that
    /// overlap. `EPERM`: an id that the parent does not know.
    pub(crate) fn set_maps(&mut self, ns: UserNs, [users, groups]: [&[IdRange]; 2]) -> Result<(), Errno> {
        let namespace = self.get(ns);
        let (None, Some(parent)) = (&namespace.maps, namespace.parent) else { return Err(Errno::EPERM) };
        let maps = [self.checked(parent, Ids::Users, users)?, self.checked(parent, Ids::Groups, groups)?];
        Arc::make_mut(&mut self.0)[ns.0 as usize].maps = Some(maps);
        Ok(())
    }

    fn checked(&self, parent: UserNs, ids: Ids, map: &[IdRange]) -> Result<Vec<IdRange>, Errno> {
        if map.is_empty() || map.len() > MOST_RANGES {
            return Err(Errno::EINVAL);
        }
        for (index, range) in map.iter().enumerate() {
            let overlaps = |other: &IdRange| {
                meet(range.inside, range.count, other.inside, other.count)
                    || meet(range.outside, range.count, other.outside, other.count)
            };
            let ends = [range.inside, range.outside].map(|first| first.checked_add(range.count));
            if range.count == 0 || ends.contains(&None) || map[..index].iter().any(overlaps) {
                return Err(Errno::EINVAL);
            }
        }
        let mut translated = Vec::new();
        for range in map {
            let outside = self.to_initial(parent, ids, range.outside).ok_or(Errno::EPERM)?;
            self.to_initial(parent, ids, range.outside + (range.count - 1)).ok_or(Errno::EPERM)?;
            translated.push(IdRange { outside, ..*range });
        }
        Ok(translated)
    }

    /// Returns true if its maps were written.
    pub(crate) fn has_maps(&self, ns: UserNs) -> bool {
        self.get(ns).maps.is_some()
    }

    /// The initial namespace's number of the id that `ns` calls `id`.
    pub(crate) fn to_initial(&self, ns: UserNs, ids: Ids, id: u32) -> Option<u32> {
        let ranges = self.get(ns).map(ids);
        ranges.iter().find(|r| id >= r.inside && id - r.inside < r.count).map(|r| r.outside + (id - r.inside))
    }

    /// Maps an id of the initial namespace to its id in `ns`.
    pub(crate) fn number_in(&self, ns: UserNs, ids: Ids, id: u32) -> Option<u32> {
        let ranges = self.get(ns).map(ids);
        ranges.iter().find(|r| id >= r.outside && id - r.outside < r.count).map(|r| r.inside + (id - r.outside))
    }

    /// Returns true if a process with these credentials, in `own`, has `capability` over `target`: in its own namespace
    /// by its set; in namespaces below that its uid created, all of them.
    pub(crate) fn capable(&self, who: &Credentials, own: UserNs, target: UserNs, capability: u64) -> bool {
        let mut ns = target;
        loop {
            if ns == own {
                return who.capabilities & capability == capability;
            }
            let namespace = self.get(ns);
            let Some(parent) = namespace.parent else { return false };
            if parent == own && namespace.owner == who.uid {
                return true;
            }
            ns = parent;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::CAP_SYS_ADMIN;

    #[test]
    fn ids_are_translated_through_every_level() {
        let mut all = UserNamespaces::default();
        let outer = all.create(UserNs::INITIAL, 1_000);
        assert_eq!(all.set_maps(outer, [&[IdRange { inside: 0, outside: 1_000, count: 10 }]; 2]), Ok(()));
        assert_eq!(all.set_maps(outer, [&[]; 2]), Err(Errno::EPERM), "a map is written once");
        let inner = all.create(outer, 1_000);
        let unknown = [(0, 50, 1), (0, 9, 2)];
        let malformed = [(0, 1, 0), (u32::MAX - 1, 0, 5), (0, u32::MAX, 1)];
        let mut refused = |ranges: &[(u32, u32, u32)]| {
            let ranges = ranges.iter().map(|&(inside, outside, count)| IdRange { inside, outside, count });
            all.set_maps(inner, [&ranges.collect::<Vec<_>>(); 2])
        };
        for range in unknown {
            assert_eq!(refused(&[range]), Err(Errno::EPERM), "{range:?}");
        }
        for range in malformed {
            assert_eq!(refused(&[range]), Err(Errno::EINVAL), "{range:?}");
        }
        assert_eq!(refused(&[]), Err(Errno::EINVAL));
        assert_eq!(refused(&[(0, 0, 2), (1, 5, 1)]), Err(Errno::EINVAL), "they overlap inside");
        assert_eq!(refused(&[(0, 0, 2), (5, 1, 1)]), Err(Errno::EINVAL), "they overlap outside");
        assert_eq!(refused(&[(0, 0, 1); 341]), Err(Errno::EINVAL));
        let one = |inside| [IdRange { inside, outside: 3, count: 1 }];
        assert_eq!(all.set_maps(inner, [&one(7), &one(8)]), Ok(()));
        assert_eq!((all.to_initial(inner, Ids::Users, 7), all.to_initial(inner, Ids::Users, 8)), (Some(1_003), None));
        assert_eq!(all.number_in(inner, Ids::Users, 1_003), Some(7));
        assert_eq!(all.number_in(inner, Ids::Groups, 1_003), Some(8));
        assert_eq!(all.number_in(inner, Ids::Users, 1_004), None);
    }

    #[test]
    fn the_maker_of_a_namespace_is_root_in_it_and_below() {
        let mut all = UserNamespaces::default();
        let outer = all.create(UserNs::INITIAL, 1_000);
        let inner = all.create(outer, 5);
        let maker = Credentials::without_capabilities(1_000, 1_000);
        assert!(all.capable(&maker, UserNs::INITIAL, outer, CAP_SYS_ADMIN));
        assert!(all.capable(&maker, UserNs::INITIAL, inner, CAP_SYS_ADMIN));
        assert!(!all.capable(&maker, UserNs::INITIAL, UserNs::INITIAL, CAP_SYS_ADMIN));
        assert!(!all.capable(&Credentials::root(), outer, UserNs::INITIAL, CAP_SYS_ADMIN));
    }
}
