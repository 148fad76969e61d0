//! A persistent map in key order, made for directories of many names.

use std::borrow::Borrow;
use triomphe::Arc;

/// A chunk is split when it has this many entries.
const SPLIT: usize = 128;

/// A sorted map whose clones share their chunks: the first write after a clone copies one chunk and the list of chunks.
///
/// A directory of 50,000 names has about 600 chunks, so that write takes a few microseconds.
#[derive(Debug)]
pub(crate) struct SortedMap<K, V> {
    chunks: Arc<Vec<Arc<Chunk<K, V>>>>,
    len: usize,
}

type Chunk<K, V> = Vec<(K, V)>;

impl<K, V> Clone for SortedMap<K, V> {
    fn clone(&self) -> Self {
        Self { chunks: Arc::clone(&self.chunks), len: self.len }
    }
}

impl<K, V> Default for SortedMap<K, V> {
    fn default() -> Self {
        Self { chunks: Arc::new(Vec::new()), len: 0 }
    }
}

impl<K, V> SortedMap<K, V> {
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = (&K, &V)> {
        self.chunks.iter().flat_map(|chunk| chunk.iter().map(|(key, value)| (key, value)))
    }

    /// The chunk that `key` is in or belongs in.
    fn chunk_of<Q: Ord + ?Sized>(&self, key: &Q) -> usize
    where
        K: Borrow<Q>,
    {
        self.chunks.partition_point(|chunk| chunk[0].0.borrow() <= key).saturating_sub(1)
    }

    pub(crate) fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        let chunk = self.chunks.get(self.chunk_of(key))?;
        let at = chunk.binary_search_by(|(other, _)| other.borrow().cmp(key)).ok()?;
        Some(&chunk[at].1)
    }

    /// Entries whose key is greater than `key`, in order.
    pub(crate) fn after<Q: Ord + ?Sized>(&self, key: &Q) -> impl Iterator<Item = (&K, &V)>
    where
        K: Borrow<Q>,
    {
        let chunk = self.chunk_of(key);
        let skip = self.chunks.get(chunk).map_or(0, |chunk| chunk.partition_point(|(other, _)| other.borrow() <= key));
        self.chunks.iter().skip(chunk).flat_map(|chunk| chunk.iter().map(|(key, value)| (key, value))).skip(skip)
    }
}

impl<K: Ord + Clone, V: Clone> SortedMap<K, V> {
    /// Inserts `value` at `key` and returns the previous value.
    pub(crate) fn insert(&mut self, key: K, value: V) -> Option<V> {
        let at_chunk = self.chunk_of(&key);
        let chunks = Arc::make_mut(&mut self.chunks);
        if chunks.is_empty() {
            chunks.push(Arc::new(Vec::new()));
        }
        let chunk = Arc::make_mut(&mut chunks[at_chunk]);
        match chunk.binary_search_by(|(other, _)| other.cmp(&key)) {
            Ok(at) => return Some(std::mem::replace(&mut chunk[at].1, value)),
            Err(at) => chunk.insert(at, (key, value)),
        }
        self.len += 1;
        if chunk.len() >= SPLIT {
            // Keys that only grow (names numbered upwards, mount ids) fill chunks better when the cut is near the end.
            let upper = chunk.split_off(SPLIT * 3 / 4);
            chunks.insert(at_chunk + 1, Arc::new(upper));
        }
        None
    }

    pub(crate) fn remove<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        let at_chunk = self.chunk_of(key);
        let at = self.chunks.get(at_chunk)?.binary_search_by(|(other, _)| other.borrow().cmp(key)).ok()?;
        let chunks = Arc::make_mut(&mut self.chunks);
        let chunk = Arc::make_mut(&mut chunks[at_chunk]);
        let (_, value) = chunk.remove(at);
        if chunk.is_empty() {
            chunks.remove(at_chunk);
        }
        self.len -= 1;
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_behaves_as_a_btree_map(steps in prop::collection::vec((any::<bool>(), 0u16..600), 0..1_500)) {
            let mut ours = SortedMap::default();
            let mut theirs = BTreeMap::new();
            for (n, (insert, key)) in steps.into_iter().enumerate() {
                if insert {
                    prop_assert_eq!(ours.insert(key, n), theirs.insert(key, n));
                } else {
                    prop_assert_eq!(ours.remove(&key), theirs.remove(&key));
                }
                prop_assert_eq!(ours.get(&key), theirs.get(&key));
                prop_assert_eq!(ours.len(), theirs.len());
            }
            prop_assert!(ours.iter().eq(theirs.iter()));
            prop_assert!(ours.after(&300).eq(theirs.range(301..)));
        }
    }

    #[test]
    fn a_clone_does_not_see_later_writes() {
        let mut map = SortedMap::default();
        for n in 0..10_000u32 {
            map.insert(n, n);
        }
        let snapshot = map.clone();
        map.remove(&5_000);
        map.insert(1, 9);
        assert_eq!((map.len(), map.get(&5_000), map.get(&1)), (9_999, None, Some(&9)));
        assert_eq!((snapshot.len(), snapshot.get(&5_000), snapshot.get(&1)), (10_000, Some(&5_000), Some(&1)));
    }
}
