//! Objects that name each other by key.

use std::marker::PhantomData;
use std::ops::{Index, IndexMut};

use crate::model::store::radix::Radix;

/// The name of an object in its [`Arena`], with its kind. It is reused after the object is freed.
pub(crate) struct Key<K>(u32, PhantomData<fn() -> K>);

impl<K> Key<K> {
    /// Returns the number, unique to this object while it lives.
    pub(crate) const fn number(self) -> u32 {
        self.0
    }
}

// Written out because derives would require the same of `K`.
impl<K> Clone for Key<K> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<K> Copy for Key<K> {}
impl<K> PartialEq for Key<K> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}
impl<K> Eq for Key<K> {}
impl<K> std::fmt::Debug for Key<K> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "#{}", self.0)
    }
}

#[derive(Clone, Debug)]
enum Slot<T> {
    Used(T),
    /// The next free slot, if any.
    Free(Option<u32>),
}

/// A persistent set of objects: clones share what was not written since, and freed slots are reused.
#[derive(Debug)]
pub(crate) struct Arena<K, T> {
    slots: Radix<Slot<T>>,
    free: Option<u32>,
    kind: PhantomData<fn() -> K>,
}

impl<K, T> Clone for Arena<K, T> {
    fn clone(&self) -> Self {
        Self { slots: self.slots.clone(), free: self.free, kind: PhantomData }
    }
}

impl<K, T> Default for Arena<K, T> {
    fn default() -> Self {
        Self { slots: Radix::default(), free: None, kind: PhantomData }
    }
}

impl<K, T: Clone> Arena<K, T> {
    pub(crate) fn insert(&mut self, object: T) -> Key<K> {
        self.insert_with(|_| object)
    }

    /// Inserts the object that `make` returns for its future key.
    pub(crate) fn insert_with(&mut self, make: impl FnOnce(Key<K>) -> T) -> Key<K> {
        let key = Key(self.free.unwrap_or(self.slots.len()), PhantomData);
        let object = Slot::Used(make(key));
        match self.slots.get_mut(key.0) {
            Some(slot) => {
                self.free = if let Slot::Free(next) = slot { *next } else { None };
                *slot = object;
            }
            None => {
                self.slots.push(object);
            }
        }
        key
    }

    pub(crate) fn remove(&mut self, key: Key<K>) {
        if let Some(slot @ Slot::Used(_)) = self.slots.get_mut(key.0) {
            *slot = Slot::Free(self.free);
            self.free = Some(key.0);
        }
    }
}

impl<K, T> Arena<K, T> {
    /// Every object, in order of key.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Key<K>, &T)> {
        (0..self.slots.len()).filter_map(|index| match self.slots.get(index) {
            Some(Slot::Used(object)) => Some((Key(index, PhantomData), object)),
            _ => None,
        })
    }
}

impl<K, T> Index<Key<K>> for Arena<K, T> {
    type Output = T;
    /// # Panics
    /// If the object was freed: stored keys are counted, so that would be a bug of the model.
    fn index(&self, key: Key<K>) -> &T {
        match self.slots.get(key.0) {
            Some(Slot::Used(object)) => object,
            _ => panic!("no object {key:?}"),
        }
    }
}

impl<K, T: Clone> IndexMut<Key<K>> for Arena<K, T> {
    fn index_mut(&mut self, key: Key<K>) -> &mut T {
        match self.slots.get_mut(key.0) {
            Some(Slot::Used(object)) => object,
            _ => panic!("no object {key:?}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn freed_places_are_used_again_and_clones_keep_theirs() {
        let mut arena = Arena::<(), _>::default();
        let keys: Vec<_> = (0..100).map(|n| arena.insert(n)).collect();
        let snapshot = arena.clone();
        arena.remove(keys[40]);
        arena.remove(keys[41]);
        assert_eq!(arena.iter().count(), 98);
        let again = arena.insert(1_000);
        assert_eq!(again, keys[41]);
        assert_eq!((arena[again], snapshot[keys[41]]), (1_000, 41));
        assert_eq!(arena.iter().count(), 99);
    }

    #[test]
    fn removing_twice_frees_once() {
        let mut arena = Arena::<(), _>::default();
        let key = arena.insert('a');
        arena.remove(key);
        arena.remove(key);
        assert_eq!(arena.iter().count(), 0);
        let (one, two) = (arena.insert('b'), arena.insert('c'));
        assert_ne!(one, two);
    }
}
