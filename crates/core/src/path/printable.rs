//! Text that is safe for a terminal.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt;

/// Makes a name that the kernel returned safe for a terminal and for one line of a log: bytes that are not UTF-8 become
/// `\xff`, control characters `\x1b` or `\n`, and a backslash is doubled.
///
/// ```
/// use std::ffi::OsStr;
///
/// use mountwright_core::path::printable;
///
/// assert_eq!(printable(OsStr::new("/mnt/a\n\x1b[2J")), r"/mnt/a\n\x1b[2J");
/// ```
pub fn printable(bytes: impl AsRef<OsStr>) -> String {
    let mut text = String::new();
    for chunk in bytes.as_ref().as_bytes().utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '\n' => text.push_str("\\n"),
                '\t' => text.push_str("\\t"),
                '\\' => text.push_str("\\\\"),
                c if c.is_control() => c.to_string().bytes().for_each(|byte| push_byte(&mut text, byte)),
                c => text.push(c),
            }
        }
        chunk.invalid().iter().for_each(|&byte| push_byte(&mut text, byte));
    }
    text
}

fn push_byte(text: &mut String, byte: u8) {
    // Writing to a String cannot fail.
    let _ = write!(text, "\\x{byte:02x}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_no_text_show_as_numbers() {
        assert_eq!(printable(OsStr::from_bytes(b"/a\xff\xc3b")), "/a\\xff\\xc3b");
        assert_eq!(printable("/mnt/caf\u{e9}"), "/mnt/caf\u{e9}");
    }

    #[test]
    fn a_name_cannot_write_to_the_terminal() {
        assert_eq!(printable("a\x1b[2Jb\nc\u{9b}d\\"), "a\\x1b[2Jb\\nc\\xc2\\x9bd\\\\");
    }
}
