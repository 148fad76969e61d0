//! A mount of a container.

use std::collections::BTreeMap;
use std::fmt;

use camino::Utf8PathBuf;

use crate::mount::{MountKey, Recursion};
use crate::spec::requests::no_option_of_a_bind;
use crate::spec::{BadVolumeRecord, FsGroup};
use crate::spec::{MountOptions, UnusableMount};

/// A mount of a container, as the runtime tracks it: the request of its specification and the state on the host.
///
/// `Debug` shows the keys of [`options`](Self::options) alone: the values may be secrets.
///
/// ```
/// use mountwright_core::spec::Mount;
///
/// let options = ["rbind".to_owned(), "ro".to_owned()];
/// let mount = Mount::from_runtime_spec("/etc/app", Some("bind"), Some("/srv/app"), &options)?;
/// assert!(mount.is_bind() && mount.read_only);
/// # Ok::<(), mountwright_core::spec::UnusableMount>(())
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(default))]
#[non_exhaustive]
pub struct Mount {
    /// A path on the host, or whatever the type uses as its source.
    pub source: String,
    /// A path in the container.
    pub destination: Utf8PathBuf,
    /// The type of the filesystem; `bind` for a bind.
    pub fs_type: String,
    /// The path on the host at which it was bound, once it was.
    pub host_path: Option<Utf8PathBuf>,
    /// The id of that bind: with it the unmount affects this mount and no other.
    pub host_mount: Option<MountKey>,
    /// The mount point of the device in the guest, for a mount that is a block device.
    pub guest_device_mount: Option<Utf8PathBuf>,
    /// The id of the block device that was attached for it.
    pub block_device_id: Option<String>,
    /// Every option of the specification, in its order.
    pub options: Vec<String>,
    /// True where it is to be read-only.
    pub read_only: bool,
    /// The group that its files are to have.
    pub fs_group: Option<FsGroup>,
}

/// The type of a bind mount.
const BIND: &str = "bind";

impl Mount {
    /// A mount of this source, destination and type, writable, without options.
    pub fn new(source: impl Into<String>, destination: impl Into<Utf8PathBuf>, fs_type: impl Into<String>) -> Self {
        Self { source: source.into(), destination: destination.into(), fs_type: fs_type.into(), ..Self::default() }
    }

    /// The mount that an entry of `mounts` in an OCI runtime-spec `config.json` describes.
    ///
    /// * Its options are parsed as [`MountOptions`] documents, and [`options`](Self::options) keeps them unchanged.
    /// * An option `bind` or `rbind` makes it a bind, whatever the type; the specification calls the type a dummy then.
    /// * A bind takes no option of a filesystem: the kernel would ignore it, and a misspelt `nosuid` would be lost (runc since
    ///   1.2 refuses it too).
    /// * An absent source or type is empty; a relative source stays relative, to the bundle.
    ///
    /// With the feature `oci-spec`, `TryFrom<&oci_spec::runtime::Mount>` reads the entry itself.
    ///
    /// # Errors
    ///
    /// [`UnusableMount`]: the destination is not absolute, a text has a NUL in it, an option cannot be used, or owners
    /// are to be mapped.
    pub fn from_runtime_spec(
        destination: impl Into<Utf8PathBuf>,
        fs_type: Option<&str>,
        source: Option<&str>,
        options: &[String],
    ) -> Result<Self, UnusableMount> {
        let destination = destination.into();
        let named = || destination.to_string();
        if !destination.as_str().starts_with('/') {
            return Err(UnusableMount::DestinationNotAbsolute { destination: named() });
        }
        let texts =
            [("destination", destination.as_str()), ("source", source.unwrap_or("")), ("type", fs_type.unwrap_or(""))];
        if let Some((field, _)) = texts.into_iter().find(|(_, text)| text.contains('\0')) {
            return Err(UnusableMount::Nul { field, destination: named() });
        }
        let understood =
            MountOptions::parse(options).map_err(|option| UnusableMount::Option { destination: named(), option })?;
        if let Some(reach) = understood.id_map {
            let what = if reach == Recursion::This { "idmap" } else { "ridmap" };
            return Err(UnusableMount::IdMapping { what, destination: named() });
        }
        let fs_type = if understood.bind.is_some() { BIND } else { fs_type.unwrap_or_default() };
        if let Some(ignored) = understood.filesystem.first().filter(|_| fs_type == BIND) {
            return Err(UnusableMount::Option { destination: named(), option: no_option_of_a_bind(ignored) });
        }
        Ok(Self {
            options: options.to_vec(),
            read_only: understood.is_read_only(),
            ..Self::new(source.unwrap_or_default(), destination, fs_type)
        })
    }

    /// True of a bind mount.
    pub fn is_bind(&self) -> bool {
        self.fs_type == BIND
    }

    /// Sets the fsGroup and its change policy from the metadata of a direct-assigned volume. Without them in the
    /// metadata, the mount's own stay.
    ///
    /// # Errors
    ///
    /// [`BadVolumeRecord`], naming key and value; the mount is then unchanged.
    pub fn apply_metadata(&mut self, metadata: &BTreeMap<String, String>) -> Result<(), BadVolumeRecord> {
        if let Some(group) = FsGroup::from_metadata(metadata)? {
            self.fs_group = Some(group);
        }
        Ok(())
    }
}

impl fmt::Debug for Mount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let redacted = |option: &String| match option.split_once('=') {
            Some((key, _)) => format!("{key}=…"),
            None => option.clone(),
        };
        f.debug_struct("Mount")
            .field("source", &self.source)
            .field("destination", &self.destination)
            .field("fs_type", &self.fs_type)
            .field("host_path", &self.host_path)
            .field("host_mount", &self.host_mount)
            .field("guest_device_mount", &self.guest_device_mount)
            .field("block_device_id", &self.block_device_id)
            .field("options", &self.options.iter().map(redacted).collect::<Vec<_>>())
            .field("read_only", &self.read_only)
            .field("fs_group", &self.fs_group)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn a_bind_option_makes_a_bind_whatever_the_type() {
        for (fs_type, words, expected) in [
            (None, &["rbind"][..], "bind"),
            (Some("none"), &["bind"], "bind"),
            (Some("none"), &["rw"], "none"),
            (Some("tmpfs"), &["bind"], "bind"),
            (None, &[], ""),
        ] {
            assert_eq!(Mount::from_runtime_spec("/d", fs_type, None, &options(words)).unwrap().fs_type, expected);
        }
    }

    #[test]
    fn the_last_of_ro_and_rw_decides() {
        for (words, read_only) in
            [(&["ro"][..], true), (&["ro", "rw"], false), (&["rw", "ro"], true), (&["rro"], true), (&[], false)]
        {
            let mount = Mount::from_runtime_spec("/d", Some("bind"), Some("/s"), &options(words)).unwrap();
            assert_eq!(mount.read_only, read_only, "{words:?}");
        }
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        let refused = |destination, source, words: &[&str]| {
            Mount::from_runtime_spec(destination, Some("bind"), Some(source), &options(words)).unwrap_err().to_string()
        };
        assert_eq!(refused("d", "/s", &[]), "the mount's destination \"d\" is not an absolute path in the container");
        assert_eq!(refused("/d", "/s\0", &[]), "the source of the mount on \"/d\" has a NUL in it");
        assert_eq!(
            refused("/d", "/s", &["ro", ""]),
            "the mount on \"/d\": mount option \"\" cannot be used: it is empty"
        );
        assert_eq!(
            refused("/d", "/s", &["rw", "nosiud"]),
            "the mount on \"/d\": mount option \"nosiud\" cannot be used: a bind takes no option of a filesystem; the \
             nearest word is \"nosuid\""
        );
        assert_eq!(
            refused("/d", "/s", &["mode=777"]),
            "the mount on \"/d\": mount option \"mode=…\" cannot be used: a bind takes no option of a filesystem"
        );
        assert_eq!(
            refused("/d", "/s", &["bind", "ridmap"]),
            "the mount on \"/d\" asks for ridmap: mounts with mapped owners are not supported; remove it"
        );
    }

    #[test]
    fn metadata_is_applied_or_nothing_is() {
        let mut mount = Mount::new("/s", "/d", "bind");
        let metadata = |group: &str| BTreeMap::from([("fsGroup".to_owned(), group.to_owned())]);
        mount.apply_metadata(&metadata("12")).unwrap();
        assert_eq!(mount.fs_group.unwrap().gid, 12);
        let before = mount.clone();
        mount.apply_metadata(&metadata("twelve")).unwrap_err();
        assert_eq!(mount, before);
    }

    #[test]
    fn debug_shows_no_secret() {
        let mount =
            Mount::from_runtime_spec("/d", Some("cifs"), Some("//s"), &options(&["password=hunter2", "ro"])).unwrap();
        let text = format!("{mount:?}");
        assert!(text.contains("password=…") && text.contains("\"ro\"") && !text.contains("hunter2"), "{text}");
    }
}
