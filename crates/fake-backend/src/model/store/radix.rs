//! A persistent array: cloning shares everything, writing copies one path.

use triomphe::Arc;

const BITS: u32 = 6;
const WIDTH: usize = 1 << BITS;

/// A growing array of `T` whose clones share what has not been written since.
///
/// * `clone` is one reference count.
/// * A read follows one pointer for each six bits of the length.
/// * The first write after a clone copies one node of 64 for each such level; later writes copy nothing.
#[derive(Debug)]
pub(crate) struct Radix<T> {
    root: Arc<Node<T>>,
    /// Levels of inner nodes above the leaves.
    height: u32,
    len: u32,
}

#[derive(Clone, Debug)]
enum Node<T> {
    Inner(Vec<Arc<Node<T>>>),
    Leaf(Vec<T>),
}

// Written out since a derive would ask for `T: Clone`.
impl<T> Clone for Radix<T> {
    fn clone(&self) -> Self {
        Self { root: Arc::clone(&self.root), height: self.height, len: self.len }
    }
}

impl<T> Default for Radix<T> {
    fn default() -> Self {
        Self { root: Arc::new(Node::Leaf(Vec::new())), height: 0, len: 0 }
    }
}

fn slot(index: u32, level: u32) -> usize {
    (index >> (BITS * level)) as usize & (WIDTH - 1)
}

impl<T> Radix<T> {
    pub(crate) fn len(&self) -> u32 {
        self.len
    }

    pub(crate) fn get(&self, index: u32) -> Option<&T> {
        if index >= self.len {
            return None;
        }
        let mut node = &self.root;
        let mut level = self.height;
        loop {
            match &**node {
                Node::Inner(nodes) => {
                    node = &nodes[slot(index, level)];
                    level -= 1;
                }
                Node::Leaf(items) => return items.get(slot(index, 0)),
            }
        }
    }
}

impl<T: Clone> Radix<T> {
    pub(crate) fn get_mut(&mut self, index: u32) -> Option<&mut T> {
        if index >= self.len {
            return None;
        }
        let mut node = &mut self.root;
        let mut level = self.height;
        loop {
            match Arc::make_mut(node) {
                Node::Inner(nodes) => {
                    node = &mut nodes[slot(index, level)];
                    level -= 1;
                }
                Node::Leaf(items) => return items.get_mut(slot(index, 0)),
            }
        }
    }

    /// Appends one item and returns its index.
    pub(crate) fn push(&mut self, item: T) -> u32 {
        let index = self.len;
        if u64::from(index) == 1 << (BITS * (self.height + 1)) {
            self.root = Arc::new(Node::Inner(vec![Arc::clone(&self.root)]));
            self.height += 1;
        }
        let mut node = &mut self.root;
        let mut level = self.height;
        loop {
            match Arc::make_mut(node) {
                Node::Inner(nodes) => {
                    let at = slot(index, level);
                    if at == nodes.len() {
                        nodes.push(Arc::new(if level == 1 {
                            Node::Leaf(Vec::with_capacity(WIDTH))
                        } else {
                            Node::Inner(Vec::with_capacity(WIDTH))
                        }));
                    }
                    node = &mut nodes[at];
                    level -= 1;
                }
                Node::Leaf(items) => {
                    items.push(item);
                    break;
                }
            }
        }
        self.len += 1;
        index
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_pushed_is_found_over_several_levels() {
        let mut array = Radix::default();
        for n in 0..40_000u32 {
            assert_eq!(array.push(n * 3), n);
        }
        assert_eq!(array.len(), 40_000);
        for n in 0..40_000u32 {
            assert_eq!(array.get(n), Some(&(n * 3)));
        }
        assert_eq!(array.get(40_000), None);
    }

    #[test]
    fn a_clone_does_not_see_later_writes() {
        let mut array = Radix::default();
        for n in 0..2_000u32 {
            array.push(n);
        }
        let snapshot = array.clone();
        *array.get_mut(1_234).unwrap() = 7;
        array.push(99);
        assert_eq!((array.get(1_234), array.len()), (Some(&7), 2_001));
        assert_eq!((snapshot.get(1_234), snapshot.len()), (Some(&1_234), 2_000));
    }

    #[test]
    fn a_write_copies_only_its_own_leaf() {
        let mut array = Radix::default();
        for n in 0..100u32 {
            array.push(Arc::new(n));
        }
        let snapshot = array.clone();
        *array.get_mut(0).unwrap() = Arc::new(5);
        assert_eq!(Arc::strong_count(snapshot.get(1).unwrap()), 2, "a neighbour in the leaf is held by both");
        assert_eq!(Arc::strong_count(snapshot.get(64).unwrap()), 1, "another leaf is shared, not copied");
    }
}
