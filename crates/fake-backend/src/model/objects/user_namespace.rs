//! User namespaces: their ids, and the capabilities in them.

use std::sync::Arc;

use crate::model::objects::credentials::{Credentials, IdRange};

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

#[derive(Clone, Debug)]
struct UserNamespace {
    parent: Option<UserNs>,
    /// The uid of its creator, as the initial namespace numbers it.
    owner: u32,
    /// Inside to initial namespace. `None` until it is written.
    map: Option<Vec<IdRange>>,
}

#[derive(Clone, Debug)]
pub(crate) struct UserNamespaces(Arc<Vec<UserNamespace>>);

impl Default for UserNamespaces {
    fn default() -> Self {
        let everything = IdRange { inside: 0, outside: 0, count: u32::MAX };
        Self(Arc::new(vec![UserNamespace { parent: None, owner: 0, map: Some(vec![everything]) }]))
    }
}

impl UserNamespaces {
    fn get(&self, ns: UserNs) -> &UserNamespace {
        &self.0[ns.0 as usize]
    }

    pub(crate) fn create(&mut self, parent: UserNs, owner: u32) -> UserNs {
        let all = Arc::make_mut(&mut self.0);
        all.push(UserNamespace { parent: Some(parent), owner, map: None });
        // One for each call of unshare: memory ends first.
        #[allow(clippy::cast_possible_truncation)]
        UserNs(all.len() as u32 - 1)
    }

    /// Writes the map of `ns`, whose outside ids are those of its parent. False when it was written before, or names ids
    /// that the parent does not know.
    pub(crate) fn set_map(&mut self, ns: UserNs, map: &[IdRange]) -> bool {
        let namespace = self.get(ns);
        let (None, Some(parent)) = (&namespace.map, namespace.parent) else { return false };
        let mut translated = Vec::new();
        for range in map {
            let Some(outside) = self.to_initial(parent, range.outside) else { return false };
            translated.push(IdRange { outside, ..*range });
        }
        Arc::make_mut(&mut self.0)[ns.0 as usize].map = Some(translated);
        true
    }

    /// The initial namespace's number of the id that `ns` calls `id`.
    pub(crate) fn to_initial(&self, ns: UserNs, id: u32) -> Option<u32> {
        let ranges = self.get(ns).map.as_deref().unwrap_or_default();
        ranges.iter().find(|r| id >= r.inside && id - r.inside < r.count).map(|r| r.outside + (id - r.inside))
    }

    /// Maps an id of the initial namespace to its id in `ns`.
    pub(crate) fn number_in(&self, ns: UserNs, id: u32) -> Option<u32> {
        let ranges = self.get(ns).map.as_deref().unwrap_or_default();
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
        assert!(all.set_map(outer, &[IdRange { inside: 0, outside: 1_000, count: 10 }]));
        assert!(!all.set_map(outer, &[]), "a map is written once");
        let inner = all.create(outer, 1_000);
        assert!(!all.set_map(inner, &[IdRange { inside: 0, outside: 50, count: 1 }]));
        assert!(all.set_map(inner, &[IdRange { inside: 7, outside: 3, count: 1 }]));
        assert_eq!(all.to_initial(inner, 7), Some(1_003));
        assert_eq!(all.number_in(inner, 1_003), Some(7));
        assert_eq!(all.number_in(inner, 1_004), None);
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
