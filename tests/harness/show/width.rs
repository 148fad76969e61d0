//! The width of a text in a terminal, and shortening to it.

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// Returns the number of terminal columns of the text.
pub fn width_of(text: &str) -> usize {
    text.width()
}

/// The first characters that fit.
pub(super) fn start(text: &str, room: usize) -> &str {
    let mut taken = 0;
    let end = text.char_indices().find(|(_, c)| {
        taken += c.width().unwrap_or(0);
        taken > room
    });
    end.map_or(text, |(at, _)| &text[..at])
}

/// The last characters that fit.
pub(super) fn end(text: &str, room: usize) -> &str {
    let mut taken = 0;
    let before = text.char_indices().rev().find(|(_, c)| {
        taken += c.width().unwrap_or(0);
        taken > room
    });
    before.map_or(text, |(at, c)| &text[at + c.len_utf8()..])
}

/// Shortens the text to this width. A longer text loses its middle, the least informative portion of a path. The end,
/// the most informative one, keeps two thirds, and both keep whole names if possible.
pub fn cut_middle(text: &str, room: usize) -> String {
    if width_of(text) <= room {
        return text.to_owned();
    }
    if room <= 1 {
        return "…".repeat(room);
    }
    let kept = room - 1;
    let mut first = start(text, kept / 3);
    if let Some(slash) = first.rfind('/').filter(|slash| *slash > 0) {
        first = &first[..=slash];
    }
    let mut last = end(text, kept - width_of(first));
    if let Some(slash) = last.find('/').filter(|slash| slash * 3 < last.len() * 2) {
        last = &last[slash..];
    }
    format!("{first}…{last}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_goes_first() {
        let path = "/var/lib/kubelet/pods/2c9e/volumes/kubernetes.io~empty-dir/cache";
        assert_eq!(cut_middle(path, 80), path);
        assert_eq!(cut_middle(path, 40), "/var/lib/…/kubernetes.io~empty-dir/cache");
        assert_eq!(cut_middle(path, 16), "/var/…/cache");
        assert_eq!(cut_middle("no-slash-in-this-word", 10), "no-…s-word");
    }

    #[test]
    fn it_is_never_longer_than_its_room() {
        for text in ["/a/b/c/d/e", "/mnt/\u{65e5}\u{672c}\u{8a9e}/\u{65e5}\u{672c}", "word", ""] {
            for room in 0..24 {
                assert!(width_of(&cut_middle(text, room)) <= room, "{text} in {room}");
            }
        }
    }
}
