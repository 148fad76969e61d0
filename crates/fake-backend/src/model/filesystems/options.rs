//! Parameters of a new superblock by type, and their form in mountinfo.

use std::sync::Arc;

use mountwright_core::Errno;

use crate::abi::{MS_DIRSYNC, MS_LAZYTIME, MS_MANDLOCK, MS_SYNCHRONOUS};
use crate::model::filesystems::filesystem_type::{Backing, FilesystemType};
use crate::model::objects::ids::Ids;

const PAGE: u64 = 4096;
const HUGE_PAGE: u64 = 2 << 20;
/// `NR_UNIX98_PTY_MAX`, the default of devpts and its most.
const MOST_TERMINALS: u32 = 1 << 20;
/// Words of every type that are not options of its own: the flag, and true if it is set.
const FLAG_WORDS: [(&[u8], u64, bool); 7] = [
    (b"sync", MS_SYNCHRONOUS, true),
    (b"async", MS_SYNCHRONOUS, false),
    (b"dirsync", MS_DIRSYNC, true),
    (b"mand", MS_MANDLOCK, true),
    (b"nomand", MS_MANDLOCK, false),
    (b"lazytime", MS_LAZYTIME, true),
    (b"nolazytime", MS_LAZYTIME, false),
];
const PRINTED_FLAGS: [(u64, &str); 4] =
    [(MS_SYNCHRONOUS, ",sync"), (MS_DIRSYNC, ",dirsync"), (MS_MANDLOCK, ",mand"), (MS_LAZYTIME, ",lazytime")];

/// The options of a new superblock, or of a change.
#[derive(Clone, Debug, Default)]
pub(crate) struct SuperblockOptions {
    pub(crate) source: Option<Arc<[u8]>>,
    pub(crate) read_only: Option<bool>,
    /// `MS_SYNCHRONOUS` and its like.
    pub(crate) flags: u64,
    pub(crate) mode: Option<u16>,
    /// As the initial user namespace numbers it.
    pub(crate) uid: Option<u32>,
    /// As the initial user namespace numbers it.
    pub(crate) gid: Option<u32>,
    /// Bytes.
    size: Option<u64>,
    /// Bytes.
    least_size: Option<u64>,
    inodes: Option<u64>,
    /// Of devpts.
    pub(crate) ptmx_mode: Option<u16>,
    /// Of devpts: the most terminals.
    most_terminals: Option<u32>,
    /// Of procfs: only the names of processes are there.
    pub(crate) processes_alone: bool,
    /// Of procfs: the word of its `hidepid`.
    hidden: Option<&'static str>,
    /// Bare words and texts that are only printed.
    words: Vec<String>,
}

impl FilesystemType {
    /// Returns true if a superblock that is there changes with this parameter.
    pub(crate) fn changes(self, key: &[u8]) -> bool {
        let of_tmpfs = [&b"size"[..], b"nr_inodes", b"nr_blocks"].contains(&key);
        let is_tmpfs = self.name == b"tmpfs";
        matches!(key, b"ro" | b"rw" | b"source") || is_tmpfs && (of_tmpfs || FLAG_WORDS.iter().any(|row| row.0 == key))
    }

    /// Returns true if the type knows a parameter of this name, whatever value it takes.
    pub(crate) fn takes(self, key: &[u8]) -> bool {
        let (tmpfs, huge) = (self.name == b"tmpfs", self.name == b"hugetlbfs");
        let (terminals, proc) = (self.name == b"devpts", self.name == b"proc");
        match key {
            b"source" => true,
            b"mode" => tmpfs || huge || terminals || self.name == b"ramfs",
            b"uid" => tmpfs || huge || terminals,
            b"gid" => tmpfs || huge || terminals || proc,
            b"ptmxmode" | b"max" | b"newinstance" => terminals,
            b"hidepid" | b"subset" => proc,
            b"size" | b"nr_inodes" => tmpfs || huge,
            b"min_size" | b"pagesize" => huge,
            b"nr_blocks" | b"inode32" | b"inode64" | b"noswap" | b"huge" | b"mpol" => tmpfs,
            _ => false,
        }
    }
}

impl SuperblockOptions {
    /// The options that mountinfo prints, after a leading comma, as they were set.
    pub(crate) fn printed(kind: FilesystemType, text: &[u8]) -> Self {
        let mut options = Self::default();
        // A captured host may print words that the model does not set.
        for word in text.split(|&byte| byte == b',').filter(|word| !word.is_empty()) {
            let _ = options.set_all(kind, word, |_, id| Some(id));
        }
        options
    }

    /// The options after a remount by mount(2), whose flags replace those of the superblock.
    pub(crate) fn with_flags_of_remount(mut self, flags: u64) -> Self {
        let replaced = MS_SYNCHRONOUS | MS_MANDLOCK | MS_LAZYTIME;
        self.flags = self.flags & !replaced | flags & replaced;
        self
    }

    /// Sets one parameter. `initial_id` maps an id of the caller's user namespace to the initial one.
    ///
    /// # Errors
    /// `EINVAL`: not known to the type, or a value that it does not take. `EOPNOTSUPP`: a share of the memory, which the
    /// model does not have.
    pub(crate) fn set(
        &mut self,
        kind: FilesystemType,
        key: &[u8],
        value: Option<&[u8]>,
        initial_id: impl Fn(Ids, u32) -> Option<u32>,
    ) -> Result<(), Errno> {
        if let Some((_, flag, set)) = FLAG_WORDS.iter().find(|(word, ..)| *word == key) {
            self.flags = if *set { self.flags | flag } else { self.flags & !flag };
            return Ok(());
        }
        match key {
            b"ro" => self.read_only = Some(true),
            b"rw" => self.read_only = Some(false),
            b"source" => {
                let text = value.ok_or(Errno::EINVAL)?;
                if self.source.replace(Arc::from(text)).is_some() {
                    return Err(Errno::EINVAL);
                }
            }
            _ => self.set_own(kind, key, value, initial_id)?,
        }
        Ok(())
    }

    fn set_own(
        &mut self,
        kind: FilesystemType,
        key: &[u8],
        value: Option<&[u8]>,
        initial_id: impl Fn(Ids, u32) -> Option<u32>,
    ) -> Result<(), Errno> {
        let text = value.map(|value| std::str::from_utf8(value).map_err(|_| Errno::EINVAL)).transpose()?;
        let given = || text.filter(|text| !text.is_empty()).ok_or(Errno::EINVAL);
        let id = |ids| number(given()?).and_then(|id| initial_id(ids, id)).ok_or(Errno::EINVAL);
        let (tmpfs, huge) = (kind.name == b"tmpfs", kind.name == b"hugetlbfs");
        let (terminals, proc) = (kind.name == b"devpts", kind.name == b"proc");
        match key {
            b"mode" if tmpfs || huge || terminals || kind.name == b"ramfs" => self.mode = Some(mode(given()?)?),
            b"ptmxmode" if terminals => self.ptmx_mode = Some(mode(given()?)?),
            b"max" if terminals => {
                let most = number(given()?).filter(|&most| most <= MOST_TERMINALS);
                self.most_terminals = Some(most.ok_or(Errno::EINVAL)?);
            }
            // Every instance is a new one since Linux 4.7.
            b"newinstance" if terminals && text.is_none() => {}
            b"hidepid" if proc => self.hidden = hidden(given()?)?,
            b"subset" if proc => self.processes_alone = subset(given()?)?,
            // ramfs accepts and ignores unknown parameters.
            _ if kind.name == b"ramfs" => {}
            b"uid" if tmpfs || huge || terminals => self.uid = Some(id(Ids::Users)?),
            b"gid" if tmpfs || huge || terminals || proc => self.gid = Some(id(Ids::Groups)?),
            b"size" if tmpfs || huge => self.size = Some(amount(given()?)?),
            b"min_size" if huge => self.least_size = Some(amount(given()?)?),
            b"nr_inodes" if tmpfs || huge => self.inodes = Some(amount(given()?)?),
            b"nr_blocks" if tmpfs => self.size = Some(amount(given()?)?.saturating_mul(PAGE)),
            b"pagesize" if huge => {
                if amount(given()?)? != HUGE_PAGE {
                    return Err(Errno::EINVAL);
                }
            }
            b"inode32" if tmpfs && text.is_none() => {}
            b"inode64" | b"noswap" if tmpfs && text.is_none() => self.word(String::from_utf8_lossy(key).into_owned()),
            b"huge" if tmpfs => match given()? {
                "never" => {}
                policy @ ("always" | "within_size" | "advise") => self.word(format!("huge={policy}")),
                _ => return Err(Errno::EINVAL),
            },
            b"mpol" if tmpfs => self.word(format!("mpol={}", given()?)),
            _ => return Err(Errno::EINVAL),
        }
        Ok(())
    }

    fn word(&mut self, word: String) {
        if !self.words.contains(&word) {
            self.words.push(word);
        }
    }

    /// Parses the option text of `mount`: parameters between commas.
    ///
    /// # Errors
    /// As [`SuperblockOptions::set`].
    pub(crate) fn set_all(
        &mut self,
        kind: FilesystemType,
        data: &[u8],
        initial_id: impl Fn(Ids, u32) -> Option<u32>,
    ) -> Result<(), Errno> {
        for text in data.split(|&byte| byte == b',').filter(|text| !text.is_empty()) {
            let (key, value) = match text.iter().position(|&byte| byte == b'=') {
                Some(at) => (&text[..at], Some(&text[at + 1..])),
                None => (text, None),
            };
            self.set(kind, key, value, &initial_id)?;
        }
        Ok(())
    }

    /// Returns the options that mountinfo prints after `rw` or `ro`: in the order of the type, without its defaults.
    pub(crate) fn text(&self, kind: FilesystemType) -> Vec<u8> {
        use std::fmt::Write as _;
        let mut text: String =
            PRINTED_FLAGS.iter().filter(|(flag, _)| self.flags & flag != 0).map(|(_, word)| *word).collect();
        // Writing to a string cannot fail.
        let mut add = |key: &str, value: Option<String>| {
            if let Some(value) = value {
                let _ = write!(text, ",{key}={value}");
            }
        };
        let pages = |bytes: u64, page: u64| bytes.div_ceil(page) * page;
        let not_root = |id: Option<u32>| id.filter(|&id| id != 0).map(|id| id.to_string());
        let mode = self.mode.filter(|&mode| mode != kind.root_mode());
        match kind.name {
            b"tmpfs" => {
                add("size", self.size.map(|size| format!("{}k", pages(size, PAGE) / 1024)));
                add("nr_inodes", self.inodes.map(|count| count.to_string()));
                add("mode", mode.map(|mode| format!("{mode:03o}")));
                add("uid", not_root(self.uid));
                add("gid", not_root(self.gid));
            }
            b"hugetlbfs" => {
                let whole = |bytes: u64| (bytes / HUGE_PAGE * HUGE_PAGE).to_string();
                add("uid", not_root(self.uid));
                add("gid", not_root(self.gid));
                add("mode", mode.map(|mode| format!("{mode:o}")));
                add("nr_inodes", self.inodes.map(|count| count.to_string()));
                add("pagesize", Some("2M".to_owned()));
                add("size", self.size.map(whole));
                add("min_size", self.least_size.map(whole));
            }
            b"devpts" => {
                add("uid", self.uid.map(|id| id.to_string()));
                add("gid", self.gid.map(|id| id.to_string()));
                add("mode", Some(format!("{:03o}", self.mode.unwrap_or(0o600))));
                add("ptmxmode", Some(format!("{:03o}", self.ptmx_mode.unwrap_or_default())));
                add("max", self.most_terminals.filter(|&most| most < MOST_TERMINALS).map(|most| most.to_string()));
            }
            b"proc" => {
                add("gid", not_root(self.gid));
                add("hidepid", self.hidden.map(str::to_owned));
                add("subset", self.processes_alone.then(|| "pid".to_owned()));
            }
            b"ramfs" => add("mode", mode.map(|mode| format!("{mode:o}"))),
            _ => {}
        }
        for word in &self.words {
            text.push(',');
            text.push_str(word);
        }
        text.into_bytes()
    }
}

/// Permission bits in octal.
fn mode(text: &str) -> Result<u16, Errno> {
    let mode = u32::from_str_radix(text, 8).map_err(|_| Errno::EINVAL)?;
    // Twelve bits.
    #[allow(clippy::cast_possible_truncation)]
    Ok((mode & 0o7777) as u16)
}

/// A number as `kstrtouint` reads it: octal after `0`, hexadecimal after `0x`.
fn number(text: &str) -> Option<u32> {
    let text = text.strip_prefix('+').unwrap_or(text);
    let read = match text.strip_prefix('0') {
        None | Some("") => text.parse(),
        Some(rest) => match rest.strip_prefix(['x', 'X']) {
            Some(digits) => u32::from_str_radix(digits, 16),
            None => u32::from_str_radix(rest, 8),
        },
    };
    read.ok().filter(|_| !text.starts_with('+'))
}

/// The word that is printed for a value of `hidepid`; none for the default.
fn hidden(value: &str) -> Result<Option<&'static str>, Errno> {
    match value {
        "0" | "off" => Ok(None),
        "1" | "noaccess" => Ok(Some("noaccess")),
        "2" | "invisible" => Ok(Some("invisible")),
        "4" | "ptraceable" => Ok(Some("ptraceable")),
        _ => Err(Errno::EINVAL),
    }
}

/// The value of `subset`: words between colons, of which there is one.
fn subset(value: &str) -> Result<bool, Errno> {
    let words: Vec<&str> = value.split(':').filter(|word| !word.is_empty()).collect();
    if words.iter().any(|word| *word != "pid") { Err(Errno::EINVAL) } else { Ok(!words.is_empty()) }
}

/// A number with the suffixes of `memparse`.
fn amount(text: &str) -> Result<u64, Errno> {
    if text.ends_with('%') {
        return Err(Errno::EOPNOTSUPP);
    }
    let (digits, shift) = match text.as_bytes().last() {
        Some(b'k' | b'K') => (&text[..text.len() - 1], 10),
        Some(b'm' | b'M') => (&text[..text.len() - 1], 20),
        Some(b'g' | b'G') => (&text[..text.len() - 1], 30),
        Some(b't' | b'T') => (&text[..text.len() - 1], 40),
        _ => (text, 0),
    };
    let number = match (digits.strip_prefix("0x"), digits.strip_prefix('0')) {
        (Some(hexadecimal), _) => u64::from_str_radix(hexadecimal, 16),
        (None, Some(octal)) if !octal.is_empty() => u64::from_str_radix(octal, 8),
        (None, _) => digits.parse(),
    };
    number.ok().filter(|number| number.leading_zeros() >= shift).map(|number| number << shift).ok_or(Errno::EINVAL)
}

impl FilesystemType {
    /// The permissions of a new root, where no option says otherwise.
    pub(crate) const fn root_mode(self) -> u16 {
        match (self.backing, self.name) {
            (Backing::Memory, b"tmpfs") | (Backing::Queues, _) => 0o1777,
            (Backing::Processes | Backing::Kernel(_), _) => 0o555,
            _ => 0o755,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(fs_type: &[u8], data: &str) -> Result<String, Errno> {
        let kind = FilesystemType::named(fs_type).unwrap();
        let mut options = SuperblockOptions::default();
        options.set_all(kind, data.as_bytes(), |_, id| Some(id))?;
        Ok(String::from_utf8(options.text(kind)).unwrap())
    }

    #[test]
    fn options_print_as_linux_prints_them() {
        for (fs_type, data, text) in [
            ("tmpfs", "", ""),
            ("tmpfs", "mode=0700,size=64k", ",size=64k,mode=700"),
            ("tmpfs", "size=65537", ",size=68k"),
            ("tmpfs", "nr_blocks=3", ",size=12k"),
            ("tmpfs", "nr_inodes=1k,mode=1777", ",nr_inodes=1024"),
            ("tmpfs", "uid=5,gid=6,mode=0", ",mode=000,uid=5,gid=6"),
            ("tmpfs", "inode32,huge=never", ""),
            ("tmpfs", "inode64,huge=always,sync", ",sync,inode64,huge=always"),
            ("ramfs", "mode=700,size=1M,foo", ",mode=700"),
            ("hugetlbfs", "", ",pagesize=2M"),
            ("hugetlbfs", "size=64M,uid=3,mode=700", ",uid=3,mode=700,pagesize=2M,size=67108864"),
        ] {
            assert_eq!(printed(fs_type.as_bytes(), data).as_deref(), Ok(text), "{fs_type} {data}");
        }
    }

    #[test]
    fn what_linux_refuses_is_refused() {
        for (fs_type, data) in [
            ("tmpfs", "size=lots"),
            ("tmpfs", "size="),
            ("tmpfs", "size"),
            ("tmpfs", "mode=9"),
            ("tmpfs", "uid=-1"),
            ("tmpfs", "foo=1"),
            ("tmpfs", "inode64=1"),
            ("tmpfs", "huge=foo"),
            ("tmpfs", "source=a,source=b"),
            ("mqueue", "mode=700"),
            ("proc", "size=1M"),
        ] {
            assert_eq!(printed(fs_type.as_bytes(), data), Err(Errno::EINVAL), "{fs_type} {data}");
        }
    }
}
