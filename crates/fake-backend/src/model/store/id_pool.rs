//! Small numbers that are reused, the lowest free one first.

use std::collections::BTreeSet;
use std::sync::Arc;

/// Hands out the lowest number not in use, as the kernel does for mount ids, peer groups and anonymous devices.
#[derive(Clone, Debug)]
pub(crate) struct IdPool {
    /// A set bit is a number in use.
    words: Arc<Vec<u64>>,
    /// No word below this one has a free bit.
    hint: usize,
    first: u32,
    /// Numbers in use that are far above all others, so that no bits are kept for what lies between.
    far: Arc<BTreeSet<u32>>,
}

/// The number of words past the end of the bitmap up to which it still grows; numbers above are kept in `far`.
const NEAR: usize = 1 << 10;

impl IdPool {
    /// A pool whose lowest number is `first`.
    pub(crate) fn starting_at(first: u32) -> Self {
        Self { words: Arc::new(Vec::new()), hint: 0, first, far: Arc::default() }
    }

    /// Takes a given number instead of the lowest. Returns false if it is in use.
    pub(crate) fn take_this(&mut self, number: u32) -> bool {
        let Some(at) = number.checked_sub(self.first) else { return true };
        let word = (at / 64) as usize;
        if word >= self.words.len() + NEAR {
            return Arc::make_mut(&mut self.far).insert(number);
        }
        let words = Arc::make_mut(&mut self.words);
        if word >= words.len() {
            words.resize(word + 1, 0);
        }
        let bit = 1 << (at % 64);
        let free = words[word] & bit == 0 && !self.far.contains(&number);
        words[word] |= bit;
        free
    }

    pub(crate) fn take(&mut self) -> u32 {
        loop {
            let number = self.take_lowest();
            if self.far.is_empty() || !Arc::make_mut(&mut self.far).remove(&number) {
                return number;
            }
        }
    }

    fn take_lowest(&mut self) -> u32 {
        while self.words.get(self.hint).is_some_and(|word| *word == u64::MAX) {
            self.hint += 1;
        }
        let words = Arc::make_mut(&mut self.words);
        if self.hint == words.len() {
            words.push(0);
        }
        let bit = words[self.hint].trailing_ones();
        words[self.hint] |= 1 << bit;
        // 2^32 numbers would need 512 MiB of bits first.
        #[allow(clippy::cast_possible_truncation)]
        let word = self.hint as u32;
        self.first + word * 64 + bit
    }

    pub(crate) fn give_back(&mut self, number: u32) {
        let Some(at) = number.checked_sub(self.first) else { return };
        if self.far.contains(&number) {
            Arc::make_mut(&mut self.far).remove(&number);
            return;
        }
        let word = (at / 64) as usize;
        Arc::make_mut(&mut self.words)[word] &= !(1 << (at % 64));
        self.hint = self.hint.min(word);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lowest_free_number_comes_next() {
        let mut pool = IdPool::starting_at(1);
        let taken: Vec<u32> = (0..200).map(|_| pool.take()).collect();
        assert_eq!(taken, (1..=200).collect::<Vec<_>>());
        pool.give_back(150);
        pool.give_back(7);
        assert_eq!([pool.take(), pool.take(), pool.take()], [7, 150, 201]);
    }

    #[test]
    fn a_known_number_is_taken_once_near_and_far() {
        let mut pool = IdPool::starting_at(1);
        for number in [2, 70, 4_000_000_000] {
            assert!(pool.take_this(number));
            assert!(!pool.take_this(number), "{number}");
        }
        assert_eq!([pool.take(), pool.take()], [1, 3]);
        pool.give_back(4_000_000_000);
        assert!(pool.take_this(4_000_000_000));
    }
}
