//! Small numbers that are used again: the lowest free one first.

use std::sync::Arc;

/// Hands out the lowest number not in use, as the kernel does for mount ids, peer groups and anonymous devices.
#[derive(Clone, Debug)]
pub(crate) struct IdPool {
    /// A set bit is a number in use.
    words: Arc<Vec<u64>>,
    /// No word below this one has a free bit.
    hint: usize,
    first: u32,
}

impl IdPool {
    /// A pool whose lowest number is `first`.
    pub(crate) fn starting_at(first: u32) -> Self {
        Self { words: Arc::new(Vec::new()), hint: 0, first }
    }

    pub(crate) fn take(&mut self) -> u32 {
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
        let at = number - self.first;
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
}
