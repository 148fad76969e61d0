//! Eight bytes at a time.

const HIGH: u64 = repeated(0x80);
const LOW: u64 = !HIGH;

/// A word of eight times this byte.
pub(crate) const fn repeated(byte: u8) -> u64 {
    u64::from_ne_bytes([byte; 8])
}

/// Which bytes of `word` are `byte`: of those the highest bit is set, and nothing else.
pub(crate) const fn bytes_equal_to(byte: u8, word: u64) -> u64 {
    // A byte that is equal is zero now, and no other keeps its highest bit clear through what follows; the addition
    // carries into no other byte.
    let differs = word ^ repeated(byte);
    !(((differs & LOW) + LOW) | differs | LOW)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
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
