//! One line of mountinfo.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

use crate::file::DeviceNumber;
use crate::mount::mountinfo_escape::unescape;
use crate::mount::{AtimeMode, MountAttributes, MountFlags, MountId, MountInfo, PeerGroup, PropagationState};
use crate::path::swar::position_of;

/// A line of mountinfo that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a mountinfo line, {reason}: {:?}", OsStr::from_bytes(.line))]
pub struct OddLine {
    /// The line as it was read.
    pub line: Vec<u8>,
    /// The defect.
    pub reason: &'static str,
}

/// The columns of one line, escapes not undone.
///
/// Columns are separated by exactly one space: an empty source is an empty column. Any number of optional fields stands
/// before the lone `-`; whatever follows the source belongs to the superblock's options (`proc_pid_mountinfo(5)`).
#[derive(Clone, Copy)]
pub(crate) struct Columns<'a> {
    pub(crate) id: MountId,
    pub(crate) parent: MountId,
    pub(crate) device: DeviceNumber,
    pub(crate) root: &'a [u8],
    pub(crate) mount_point: &'a [u8],
    pub(crate) attributes: &'a [u8],
    pub(crate) optional: &'a [u8],
    pub(crate) fs_type: &'a [u8],
    pub(crate) source: &'a [u8],
    pub(crate) options: &'a [u8],
}

impl<'a> Columns<'a> {
    pub(crate) fn split(line: &'a [u8]) -> Result<Self, &'static str> {
        let mut rest = line;
        if let Some(b' ' | b'\t') = line.first() {
            return Err("it begins with a blank: read pasted text with `MountTable::from_report`");
        }
        let id = MountId(number(column(&mut rest)).ok_or("the mount id is no number")?);
        let parent = MountId(number(column(&mut rest)).ok_or("the parent id is no number")?);
        let device = device(column(&mut rest)).ok_or("the device is not MAJOR:MINOR")?;
        let root = column(&mut rest);
        let mount_point = column(&mut rest);
        let attributes = column(&mut rest);
        if root.is_empty() || attributes.is_empty() {
            return Err("the root or the attributes are missing");
        }
        if mount_point.first() != Some(&b'/') {
            return Err("the mount point is not an absolute path");
        }
        let optional_start = rest;
        loop {
            if rest.is_empty() {
                return Err("the lone `-` before the type is missing");
            }
            if column(&mut rest) == b"-" {
                break;
            }
        }
        let optional = &optional_start[..optional_start.len() - rest.len()];
        let optional = optional.strip_suffix(b" ").unwrap_or(optional);
        let optional = optional.strip_suffix(b"-").unwrap_or(optional);
        let fs_type = column(&mut rest);
        if fs_type.is_empty() {
            return Err("the type is missing");
        }
        let source = column(&mut rest);
        if rest.is_empty() {
            return Err("it is cut: the options of the superblock are missing");
        }
        Ok(Self { id, parent, device, root, mount_point, attributes, optional, fs_type, source, options: rest })
    }

    /// The mount point alone, of a line that can be split.
    pub(crate) fn mount_point(line: &'a [u8]) -> &'a [u8] {
        let mut rest = line;
        (0..5).map(|_| column(&mut rest)).last().unwrap_or_default()
    }

    pub(crate) fn attributes(&self) -> MountAttributes {
        let mut found = MountAttributes { flags: MountFlags::NONE, atime: AtimeMode::Strict };
        for word in self.attributes.split(|&b| b == b',') {
            match word {
                b"relatime" => found.atime = AtimeMode::Relative,
                b"noatime" => found.atime = AtimeMode::Never,
                _ => found.flags |= MountFlags::from_word(word).unwrap_or_default(),
            }
        }
        found
    }

    pub(crate) fn idmapped(&self) -> bool {
        self.attributes.split(|&b| b == b',').any(|word| word == b"idmapped")
    }

    /// Tags that are not known are left out, as `proc_pid_mountinfo(5)` asks of readers.
    pub(crate) fn propagation(&self) -> PropagationState {
        let mut state = PropagationState::default();
        for field in self.optional.split(|&b| b == b' ') {
            let group = |tag: &[u8]| field.strip_prefix(tag).and_then(number).and_then(PeerGroup::new);
            state.peers = state.peers.or_else(|| group(b"shared:"));
            state.master = state.master.or_else(|| group(b"master:"));
            state.propagate_from = state.propagate_from.or_else(|| group(b"propagate_from:"));
            state.unbindable |= field == b"unbindable";
        }
        state
    }

    pub(crate) fn to_info(self) -> MountInfo {
        let text = |bytes: &[u8]| OsString::from_vec(unescape(bytes).into_owned());
        MountInfo {
            id: self.id,
            unique_id: None,
            parent: self.parent,
            device: self.device,
            root: PathBuf::from(text(self.root)),
            mount_point: PathBuf::from(text(self.mount_point)),
            attributes: self.attributes(),
            idmapped: self.idmapped(),
            propagation: self.propagation(),
            fs_type: text(self.fs_type),
            source: text(self.source),
            options: OsStr::from_bytes(self.options).to_owned(),
        }
    }
}

impl MountInfo {
    /// Reads one line of mountinfo, with or without its newline.
    ///
    /// # Errors
    ///
    /// [`OddLine`] where it is not one, or more than one.
    pub fn from_line(line: &[u8]) -> Result<Self, OddLine> {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        match Columns::split(line) {
            Ok(_) if position_of(b'\n', line).is_some() => {
                Err(OddLine { line: line.to_vec(), reason: "it is more than one line" })
            }
            Ok(columns) => Ok(columns.to_info()),
            Err(reason) => Err(OddLine { line: line.to_vec(), reason }),
        }
    }
}

/// Takes the bytes up to the next space, and the space.
fn column<'a>(rest: &mut &'a [u8]) -> &'a [u8] {
    let (column, after) = match position_of(b' ', rest) {
        Some(end) => (&rest[..end], &rest[end + 1..]),
        None => (*rest, &rest[rest.len()..]),
    };
    *rest = after;
    column
}

fn number(digits: &[u8]) -> Option<u32> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u32, |value, digit| {
        let digit = digit.checked_sub(b'0').filter(|digit| *digit < 10)?;
        value.checked_mul(10)?.checked_add(digit.into())
    })
}

fn device(text: &[u8]) -> Option<DeviceNumber> {
    let colon = text.iter().position(|&b| b == b':')?;
    Some(DeviceNumber::new(number(&text[..colon])?, number(&text[colon + 1..])?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn reads_every_column() {
        let line = b"95 28 0:45 /a\\040b /mnt/nas ro,nosuid,noatime,idmapped shared:50 master:7 new:9 - nfs4 \
                     nas:/team\\040share rw,vers=4.2,a b\n";
        let info = MountInfo::from_line(line).unwrap();
        assert_eq!((info.id, info.parent, info.device), (MountId(95), MountId(28), DeviceNumber::new(0, 45)));
        assert_eq!((info.root.as_path(), info.mount_point.as_path()), (Path::new("/a b"), Path::new("/mnt/nas")));
        assert_eq!(info.attributes.flags, MountFlags::READ_ONLY | MountFlags::NO_SUID);
        assert_eq!(info.attributes.atime, AtimeMode::Never);
        assert!(info.idmapped);
        assert_eq!((info.propagation.peers, info.propagation.master), (PeerGroup::new(50), PeerGroup::new(7)));
        assert_eq!((info.fs_type.as_os_str(), info.source.as_os_str()), ("nfs4".as_ref(), "nas:/team share".as_ref()));
        assert_eq!(info.options, "rw,vers=4.2,a b");
        assert_eq!(info.option("vers").as_deref(), Some(OsStr::new("4.2")));
        assert_eq!(info.option("ver"), None);
    }

    #[test]
    fn options_are_unescaped_and_split_outside_quotes() {
        let line = br#"761 60 8:0 / /m rw shared:421 - ext4 /dev/sda rw,context="u:r:t:s0:c314,c894",upper=/up\054per,a+=1,a+=2"#;
        let info = MountInfo::from_line(line).unwrap();
        assert_eq!(info.option("context").as_deref(), Some(OsStr::new("\"u:r:t:s0:c314,c894\"")));
        assert_eq!((info.option("c894\""), info.option("rw").as_deref()), (None, Some(OsStr::new(""))));
        assert_eq!(info.option("upper").as_deref(), Some(OsStr::new("/up,per")));
        assert_eq!(info.superblock_options().filter(|(key, _)| &**key == "a+").count(), 2);
    }

    #[test]
    fn an_empty_source_is_a_source() {
        let line = b"96 28 0:46 / /mnt/no-source rw,relatime shared:51 - tmpfs  rw,inode64";
        let info = MountInfo::from_line(line).unwrap();
        assert_eq!((info.source.as_os_str(), info.options.as_os_str()), ("".as_ref(), "rw,inode64".as_ref()));
        assert_eq!(info.to_line(), line);
    }

    #[test]
    fn bytes_are_kept() {
        let line = b"1 0 8:1 /\xff /m\r\x0c\xc2\xa0 rw - ext4 /dev/\xfe rw";
        let info = MountInfo::from_line(line).unwrap();
        assert_eq!(info.mount_point.as_os_str().as_bytes(), b"/m\r\x0c\xc2\xa0");
        assert_eq!(info.to_line(), line);
    }

    #[test]
    fn odd_lines_say_what_is_odd() {
        for (line, reason) in [
            (&b""[..], "the mount id is no number"),
            (b"a 2 8:1 / / rw - t s o", "the mount id is no number"),
            (b"99999999999 2 8:1 / / rw - t s o", "the mount id is no number"),
            (b"1: 2 8:1 / / rw - t s o", "the mount id is no number"),
            (b"1 x 8:1 / / rw - t s o", "the parent id is no number"),
            (b"1 2 8 / / rw - t s o", "the device is not MAJOR:MINOR"),
            (b"1 2 8:1 / m rw - t s o", "the mount point is not an absolute path"),
            (b"1 2 8:1 / /", "the root or the attributes are missing"),
            (b"1 2 8:1 / / rw", "the lone `-` before the type is missing"),
            (b"1 2 8:1 / / rw shared:1", "the lone `-` before the type is missing"),
            (b"1 2 8:1 / / rw -", "the type is missing"),
            (b"1 2 8:1 / / rw - t", "it is cut: the options of the superblock are missing"),
            (b"1 2 8:1 / / rw - t s", "it is cut: the options of the superblock are missing"),
            (b"1 2 8:1 / / rw - t s ", "it is cut: the options of the superblock are missing"),
            (b" 1 2 8:1 / / rw - t s o", "it begins with a blank: read pasted text with `MountTable::from_report`"),
            (b"1 2 8:1 / / rw - t s o\n1 2 8:1 / / rw - t s o", "it is more than one line"),
            (b"1 2 8:1 / / rw - t s o\n\n", "it is more than one line"),
        ] {
            assert_eq!(MountInfo::from_line(line).unwrap_err().reason, reason, "{:?}", OsStr::from_bytes(line));
        }
    }
}
