//! One mount.

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use crate::file::DeviceNumber;
use crate::mount::mountinfo_escape::{Escaped, Place, unescaped_text};
use crate::mount::{MountAttributes, MountId, MountKey, PropagationState, UniqueMountId};
use crate::path::swar::position_of;

/// One mount, as a line of `/proc/<pid>/mountinfo` or statmount(2) describes it.
///
/// * Paths are bytes with the kernel's escapes undone.
/// * `mount_point` is relative to the root of the process that asked; `root` is the directory (or file) of the
///   filesystem that is mounted there. A deleted one ends in `//deleted`.
/// * `mount_point` is empty where the mount lies outside that root.
/// * An empty source is an empty string.
///
/// [`to_line`](Self::to_line) is the mountinfo line in the kernel's own escaping, and `Display` the same as text: bytes
/// that are not UTF-8, which the kernel writes as they are, are escaped there like a space is. Reading either
/// ([`from_line`](Self::from_line)) gives an equal value, with these exceptions: the unique id, which mountinfo does
/// not have; a mount outside the root, which mountinfo does not list; and in `Display`, superblock options that are not
/// UTF-8, which have an escaping of their own and show U+FFFD.
///
/// ```
/// use mountwright_core::MountInfo;
///
/// let info = MountInfo::from_line(b"95 28 0:45 / /mnt/a\\040b\xff rw - tmpfs  rw")?;
/// assert_eq!(info.to_string(), "95 28 0:45 / /mnt/a\\040b\\377 rw - tmpfs  rw");
/// assert_eq!(MountInfo::from_line(info.to_string().as_bytes())?, info);
/// # Ok::<(), mountwright_core::mount_table::OddLine>(())
/// ```
///
/// Non-exhaustive: create one with [`new`](Self::new) and set the fields that matter.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct MountInfo {
    /// The classic id.
    pub id: MountId,
    /// The unique id, where the kernel reports one.
    pub unique_id: Option<UniqueMountId>,
    /// The mount that it is mounted on.
    pub parent: MountId,
    /// The device number of its filesystem.
    pub device: DeviceNumber,
    /// The directory or file of the filesystem that is mounted: `/` for all of it.
    #[cfg_attr(feature = "serde", serde(with = "crate::stored_form::names"))]
    pub root: PathBuf,
    /// The mount point.
    #[cfg_attr(feature = "serde", serde(with = "crate::stored_form::names"))]
    pub mount_point: PathBuf,
    /// Its attributes.
    pub attributes: MountAttributes,
    /// True where owners are mapped (mountinfo's word `idmapped`).
    pub idmapped: bool,
    /// Its propagation.
    pub propagation: PropagationState,
    /// The type of its filesystem: `ext4`, `fuse.sshfs`.
    #[cfg_attr(feature = "serde", serde(with = "crate::stored_form::names"))]
    pub fs_type: OsString,
    /// The source that the filesystem reports: a device, a server, any word, or nothing.
    #[cfg_attr(feature = "serde", serde(with = "crate::stored_form::names"))]
    pub source: OsString,
    /// The options of its superblock, `rw` or `ro` first. They may hold secrets.
    #[cfg_attr(feature = "serde", serde(with = "crate::stored_form::names"))]
    pub options: OsString,
}

impl MountInfo {
    /// A mount of all of `device` on `/`: private, writable, of type and source `none`, superblock options `rw`.
    pub fn new(id: MountId, parent: MountId, device: DeviceNumber) -> Self {
        Self {
            root: PathBuf::from("/"),
            mount_point: PathBuf::from("/"),
            fs_type: OsString::from("none"),
            source: OsString::from("none"),
            options: OsString::from("rw"),
            ..Self::without_texts(id, parent, device)
        }
    }

    /// As [`new`](Self::new), with every text empty: for a backend, which sets them all, this takes no memory.
    pub fn without_texts(id: MountId, parent: MountId, device: DeviceNumber) -> Self {
        Self {
            id,
            unique_id: None,
            parent,
            device,
            root: PathBuf::new(),
            mount_point: PathBuf::new(),
            attributes: MountAttributes::default(),
            idmapped: false,
            propagation: PropagationState::default(),
            fs_type: OsString::new(),
            source: OsString::new(),
            options: OsString::new(),
        }
    }

    /// Its best identity.
    pub fn key(&self) -> MountKey {
        self.unique_id.map_or(MountKey::Reused(self.id), MountKey::Unique)
    }

    /// The value of one option of the superblock, the first of this key; empty for a bare key. See
    /// [`superblock_options`](Self::superblock_options).
    pub fn option(&self, key: &str) -> Option<Cow<'_, OsStr>> {
        self.superblock_options().find(|(found, _)| **found == *key).map(|(_, value)| value.unwrap_or_default())
    }

    /// The options of the superblock one by one, in their order: key, and value where there is one. A key may come
    /// several times (`lowerdir+` of an overlay).
    ///
    /// Escapes are undone (`\040`, `\054`). A comma between double quotes, as in an LSM context, belongs to the value;
    /// the quotes stay in it.
    ///
    /// ```
    /// use mountwright_core::MountInfo;
    ///
    /// let line = b"9 1 0:48 / /m rw - overlay o ro,lowerdir+=/low,lowerdir+=/a\\054b,context=\"u:s0:c1,c2\"";
    /// let mount = MountInfo::from_line(line)?;
    /// let layers = mount.superblock_options().filter(|(key, _)| &**key == "lowerdir+");
    /// let layers: Vec<_> = layers.map(|(_, value)| value.unwrap().into_owned()).collect();
    /// assert_eq!(layers, ["/low", "/a,b"]);
    /// assert_eq!(mount.option("context").unwrap().to_str(), Some("\"u:s0:c1,c2\""));
    /// # Ok::<(), mountwright_core::mount_table::OddLine>(())
    /// ```
    pub fn superblock_options(&self) -> impl Iterator<Item = (Cow<'_, OsStr>, Option<Cow<'_, OsStr>>)> {
        let mut quoted = false;
        let options = self.options.as_bytes().split(move |&byte| {
            quoted ^= byte == b'"';
            byte == b',' && !quoted
        });
        options.filter(|option| !option.is_empty()).map(|option| match position_of(b'=', option) {
            Some(at) => (unescaped_text(&option[..at]), Some(unescaped_text(&option[at + 1..]))),
            None => (unescaped_text(option), None),
        })
    }

    /// The mountinfo line without its newline, in the kernel's escaping.
    pub fn to_line(&self) -> Vec<u8> {
        let mut line = Vec::with_capacity(128);
        self.append_line(&mut line);
        line
    }

    pub(crate) fn append_line(&self, line: &mut Vec<u8>) {
        use std::io::Write as _;
        let escaped = |text: &OsStr, place| Escaped::new(text.as_bytes(), place).to_vec();
        // Writing to a Vec cannot fail.
        let _ = write!(line, "{} {} {} ", self.id, self.parent, self.device);
        line.extend(escaped(self.root.as_os_str(), Place::Path));
        line.push(b' ');
        line.extend(escaped(self.mount_point.as_os_str(), Place::Path));
        let _ = write!(line, " {}{}", self.attributes, if self.idmapped { ",idmapped" } else { "" });
        if self.propagation != PropagationState::default() {
            let _ = write!(line, " {}", self.propagation);
        }
        line.extend_from_slice(b" - ");
        line.extend(escaped(&self.fs_type, Place::Word));
        line.push(b' ');
        line.extend(escaped(&self.source, Place::Word));
        line.push(b' ');
        line.extend_from_slice(self.options.as_bytes());
    }
}

impl fmt::Display for MountInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = self.to_line();
        let (columns, options) = line.split_at(line.len() - self.options.len());
        for chunk in columns.utf8_chunks() {
            f.write_str(chunk.valid())?;
            chunk.invalid().iter().try_for_each(|byte| write!(f, "\\{byte:03o}"))?;
        }
        f.write_str(&String::from_utf8_lossy(options))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn printing_then_reading_is_no_change(info in any::<MountInfo>()) {
            prop_assert_eq!(&MountInfo::from_line(&info.to_line()).unwrap(), &info);
            prop_assert_eq!(&MountInfo::from_line(info.to_string().as_bytes()).unwrap(), &info);
        }
    }
}
