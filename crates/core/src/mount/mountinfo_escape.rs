//! The escaping of mountinfo: a byte that would break the columns becomes a backslash and three octal digits.

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// The column of a text, which decides the bytes to escape (`fs/proc_namespace.c`).
#[derive(Clone, Copy)]
pub(crate) enum Place {
    /// A path: space, tab, newline, backslash.
    Path,
    /// A type or a source: `#` too.
    Word,
}

/// A text to be written to a line.
pub(crate) struct Escaped<'a> {
    text: &'a [u8],
    place: Place,
}

impl<'a> Escaped<'a> {
    pub(crate) fn new(text: &'a [u8], place: Place) -> Self {
        Self { text, place }
    }

    pub(crate) fn to_vec(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.text.len());
        for &byte in self.text {
            match byte {
                b' ' | b'\t' | b'\n' | b'\\' => push_octal(&mut out, byte),
                b'#' if matches!(self.place, Place::Word) => push_octal(&mut out, byte),
                _ => out.push(byte),
            }
        }
        out
    }
}

fn push_octal(out: &mut Vec<u8>, byte: u8) {
    out.extend([b'\\', b'0' + (byte >> 6), b'0' + (byte >> 3 & 7), b'0' + (byte & 7)]);
}

/// Undoes the escapes. A backslash without three octal digits of one byte after it is kept.
pub(crate) fn unescape(text: &[u8]) -> Cow<'_, [u8]> {
    if !text.contains(&b'\\') {
        return Cow::Borrowed(text);
    }
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, tail @ ..] = rest {
        match tail {
            [a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', after @ ..] if *first == b'\\' => {
                out.push([a, b, c].into_iter().fold(0, |byte, digit| 8 * byte + (digit - b'0')));
                rest = after;
            }
            _ => {
                out.push(*first);
                rest = tail;
            }
        }
    }
    Cow::Owned(out)
}

/// A text with its escapes undone.
pub(crate) fn unescaped_text(bytes: &[u8]) -> Cow<'_, OsStr> {
    match unescape(bytes) {
        Cow::Borrowed(bytes) => Cow::Borrowed(OsStr::from_bytes(bytes)),
        Cow::Owned(bytes) => Cow::Owned(OsString::from_vec(bytes)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn undoes_what_the_kernel_writes() {
        assert_eq!(unescape(br"team\040share").as_ref(), b"team share");
        assert_eq!(unescape(br"back\134slash\043").as_ref(), b"back\\slash#");
        assert_eq!(unescape(br"\011\012").as_ref(), b"\t\n");
    }

    #[test]
    fn a_lone_backslash_stands_for_itself() {
        for text in [&br"\"[..], br"\0", br"\04", br"\048", br"\777", br"a\xb"] {
            assert_eq!(unescape(text).as_ref(), text);
        }
    }

    proptest! {
        #[test]
        fn escaping_then_undoing_is_no_change(text: Vec<u8>) {
            for place in [Place::Path, Place::Word] {
                let escaped = Escaped::new(&text, place).to_vec();
                prop_assert!(!escaped.contains(&b' ') && !escaped.contains(&b'\n'));
                let undone = unescape(&escaped);
                prop_assert_eq!(undone.as_ref(), &text[..]);
            }
        }
    }

    #[test]
    fn a_hash_is_escaped_in_words_alone() {
        assert_eq!(Escaped::new(b"a#b", Place::Path).to_vec(), b"a#b");
        assert_eq!(Escaped::new(b"a#b", Place::Word).to_vec(), br"a\043b");
    }

    #[test]
    fn digits_without_a_backslash_stand_for_themselves() {
        assert_eq!(unescape(br"\0400101").as_ref(), b" 0101");
    }
}
