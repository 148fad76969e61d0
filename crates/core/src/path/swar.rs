//! Eight bytes at a time.

const HIGH: u64 = repeated(0x80);
const LOW: u64 = !HIGH;

/// A word of eight times this byte.
pub(crate) const fn repeated(byte: u8) -> u64 {
    u64::from_ne_bytes([byte; 8])
}

/// Marks the bytes of `word` that equal `byte`: their highest bit is set, all other bits are clear.
pub(crate) const fn bytes_equal_to(byte: u8, word: u64) -> u64 {
    // A byte that is equal is zero now, and no other keeps its highest bit clear through what follows; the addition
    // carries into no other byte.
    let differs = word ^ repeated(byte);
    !(((differs & LOW) + LOW) | differs | LOW)
}

/// The position of the first byte that equals `byte`.
pub(crate) fn position_of(byte: u8, bytes: &[u8]) -> Option<usize> {
    const ONES: u64 = repeated(1);
    let (words, tail) = bytes.as_chunks::<8>();
    for (at, word) in words.iter().enumerate() {
        let differs = u64::from_le_bytes(*word) ^ repeated(byte);
        // Cheaper than exact marks: a borrow can mark bytes wrongly, but only such as come after an equal one.
        let marks = differs.wrapping_sub(ONES) & !differs & HIGH;
        if marks != 0 {
            return Some(at * 8 + marks.trailing_zeros() as usize / 8);
        }
    }
    tail.iter().position(|&other| other == byte).map(|at| words.len() * 8 + at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_first_of_a_byte_is_found(bytes in prop::collection::vec(0_u8..4, 0..40), byte in 0_u8..5) {
            prop_assert_eq!(position_of(byte, &bytes), bytes.iter().position(|&other| other == byte));
        }

        #[test]
        fn the_first_of_a_byte_is_found_among_any(bytes: Vec<u8>, byte: u8) {
            prop_assert_eq!(position_of(byte, &bytes), bytes.iter().position(|&other| other == byte));
        }

        #[test]
        fn exactly_the_equal_bytes_are_marked(word: [u8; 8], byte: u8, at in prop::option::of(0_usize..8)) {
            let mut word = word;
            if let Some(at) = at {
                word[at] = byte;
            }
            let marks = bytes_equal_to(byte, u64::from_le_bytes(word)).to_le_bytes();
            prop_assert_eq!(marks, word.map(|b| if b == byte { 0x80 } else { 0 }));
        }
    }
}
