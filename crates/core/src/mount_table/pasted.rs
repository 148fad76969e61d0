//! A mount table as people paste it.

use std::fmt;

use crate::mount_table::MountTable;
use crate::mount_table::line::Columns;

/// A text that was removed from a line of a report.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RemovedText {
    /// The number of the line, from 1.
    pub line: usize,
    /// The text before the mount id: indentation, a time stamp, a file name that grep printed.
    pub before: Vec<u8>,
    /// True where a carriage return was removed from the end.
    pub carriage_return: bool,
}

impl fmt::Display for RemovedText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: removed", self.line)?;
        if !self.before.is_empty() {
            write!(f, " \"{}\" from its beginning", self.before.escape_ascii())?;
        }
        let and = if self.before.is_empty() { "" } else { " and" };
        if self.carriage_return { write!(f, "{and} a carriage return from its end") } else { Ok(()) }
    }
}

impl MountTable {
    /// Reads a mount table out of a report: a bug tracker's, a log's, the output of grep or `cat -n`.
    ///
    /// [`parse`](Self::parse) requires that each line begins with the mount id and ends with the superblock's options,
    /// as the kernel writes it. Here a line that does not is read from the first place at which a whole mountinfo line
    /// begins, without a carriage return at its end. Each removed text is listed.
    ///
    /// ```
    /// use mountwright_core::MountTable;
    ///
    /// let report = b"  28 1 8:1 / / rw - ext4 /dev/vda rw\r\n/proc/7/mountinfo:29 28 0:5 / /proc rw - proc proc rw\n";
    /// let (table, removed) = MountTable::from_report(report);
    /// assert_eq!(table.len(), 2);
    /// assert_eq!(removed[1].to_string(), "line 2: removed \"/proc/7/mountinfo:\" from its beginning");
    /// ```
    pub fn from_report(text: impl AsRef<[u8]>) -> (Self, Vec<RemovedText>) {
        let (mut clean, mut removed) = (Vec::new(), Vec::new());
        for (number, line) in (1..).zip(text.as_ref().split_inclusive(|&byte| byte == b'\n')) {
            let line = line.strip_suffix(b"\n").unwrap_or(line);
            let (whole, carriage_return) = match line.strip_suffix(b"\r") {
                Some(rest) => (rest, true),
                None => (line, false),
            };
            let start = beginning(whole);
            let line = start.map_or(line, |start| &whole[start..]);
            clean.extend(line);
            clean.push(b'\n');
            let before = whole[..start.unwrap_or_default()].to_vec();
            let carriage_return = carriage_return && start.is_some();
            if !before.is_empty() || carriage_return {
                removed.push(RemovedText { line: number, before, carriage_return });
            }
        }
        (Self::parse(clean), removed)
    }
}

/// The position at which a mountinfo line begins in this line: its beginning, or a number after a separator.
fn beginning(line: &[u8]) -> Option<usize> {
    let separated = |at: usize| at == 0 || matches!(line[at - 1], b' ' | b'\t' | b':' | b'|' | b'>' | b'-' | b']');
    let begins = |&at: &usize| line[at].is_ascii_digit() && separated(at) && Columns::split(&line[at..]).is_ok();
    (0..line.len()).find(begins)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(table: &MountTable) -> Vec<String> {
        table.iter().map(|row| String::from_utf8_lossy(row.line()).into_owned()).collect()
    }

    const ROOT: &str = "28 1 259:2 / / rw,relatime shared:1 - ext4 /dev/vda rw";

    #[test]
    fn text_around_a_line_is_removed_and_listed() {
        for before in [
            "",
            "  ",
            "\t",
            "12:",
            "   7\t",
            "mountinfo:",
            "/proc/1215374/mountinfo:",
            "> ",
            "[  12.5] ",
            "2021-06-29 09:59:08.929 |  ",
        ] {
            for end in ["", "\r"] {
                let (table, removed) = MountTable::from_report(format!("{before}{ROOT}{end}\n"));
                assert_eq!(lines(&table), [ROOT], "{before:?}{end:?}");
                let changed = !before.is_empty() || !end.is_empty();
                assert_eq!(removed.len(), usize::from(changed), "{before:?}{end:?}");
                if let Some(removed) = removed.first() {
                    assert_eq!((removed.line, &*removed.before), (1, before.as_bytes()));
                    assert_eq!(removed.carriage_return, !end.is_empty());
                }
            }
        }
    }

    #[test]
    fn what_is_no_line_stays_odd_and_is_not_changed() {
        let (table, removed) =
            MountTable::from_report(format!("$ cat mountinfo\r\n{ROOT}\n\n 29 28 0:5 / /proc rw - proc proc\n"));
        assert_eq!(lines(&table), [ROOT]);
        let odd: Vec<_> = table.odd_lines().iter().map(|odd| &odd.line[..]).collect();
        assert_eq!(odd, [&b"$ cat mountinfo\r"[..], b" 29 28 0:5 / /proc rw - proc proc"]);
        assert!(removed.is_empty());
    }

    #[test]
    fn digits_of_a_longer_word_begin_no_line() {
        let (table, removed) = MountTable::from_report(format!("mounts{ROOT}\n"));
        assert_eq!((table.len(), table.odd_lines().len(), removed.len()), (0, 1, 0));
    }

    #[test]
    fn a_table_of_the_kernels_is_read_as_parse_reads_it() {
        let text = "1 0 8:1 / / rw - ext4 a rw\n2 1 0:2 / /a\\040b rw - tmpfs  rw\n";
        let (table, removed) = MountTable::from_report(text);
        assert_eq!((table.text(), removed.len()), (text.as_bytes(), 0));
    }
}
