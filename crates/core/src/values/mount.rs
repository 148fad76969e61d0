//! A mount of a container.

use std::collections::BTreeMap;
use std::fmt;

use camino::Utf8PathBuf;

use crate::{BadVolumeRecord, FsGroup, MountKey};

/// A mount of a container, as the runtime tracks it: what its specification asks for, and what was made of it.
///
/// `Debug` shows the keys of [`options`](Self::options) alone: the values may be secrets.
///
/// ```
/// use mountwright_core::Mount;
///
/// let options = ["rbind".to_owned(), "ro".to_owned()];
/// let mount = Mount::from_runtime_spec("/etc/app", Some("bind"), Some("/srv/app"), &options);
/// assert!(mount.is_bind() && mount.read_only);
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Mount {
    /// A path on the host, or whatever the type takes for a source.
    pub source: String,
    /// A path in the container.
    pub destination: Utf8PathBuf,
    /// The type of the filesystem; `bind` for a bind.
    pub fs_type: String,
    /// Where it was bound on the host's side, once it was.
    pub host_path: Option<Utf8PathBuf>,
    /// The identity of that bind: with it the unmount takes this mount and no other.
    pub host_mount: Option<MountKey>,
    /// Where the guest has mounted the device, for a mount that is a block device.
    pub guest_device_mount: Option<Utf8PathBuf>,
    /// The id of the block device that was attached for it.
    pub block_device_id: Option<String>,
    /// Every option of the specification, in its order.
    pub options: Vec<String>,
    /// Whether it is to be read-only.
    pub read_only: bool,
    /// The group that its files are to have.
    pub fs_group: Option<FsGroup>,
}

/// The type of a bind mount.
const BIND: &str = "bind";

/// What the last of `ro` and `rw` says; writable where there is none.
pub(crate) fn last_says_read_only(options: &[String]) -> bool {
    let last = options.iter().rev().find_map(|option| match option.as_str() {
        "ro" | "rro" => Some(true),
        "rw" | "rrw" => Some(false),
        _ => None,
    });
    last.unwrap_or(false)
}

impl Mount {
    /// A mount of this source, destination and type, writable, without options.
    pub fn new(source: impl Into<String>, destination: impl Into<Utf8PathBuf>, fs_type: impl Into<String>) -> Self {
        Self { source: source.into(), destination: destination.into(), fs_type: fs_type.into(), ..Self::default() }
    }

    /// The mount that an entry of `mounts` in an OCI runtime-spec `config.json` describes.
    ///
    /// * An option `bind` or `rbind` makes it a bind where the type is absent or `none`, as the specification says.
    /// * Of `ro`, `rro` and `rw` the last one decides.
    /// * An absent source or type is empty.
    pub fn from_runtime_spec(
        destination: impl Into<Utf8PathBuf>,
        fs_type: Option<&str>,
        source: Option<&str>,
        options: &[String],
    ) -> Self {
        let binds = options.iter().any(|option| option == "bind" || option == "rbind");
        let fs_type = match fs_type.unwrap_or_default() {
            "" | "none" if binds => BIND,
            given => given,
        };
        Self {
            options: options.to_vec(),
            read_only: last_says_read_only(options),
            ..Self::new(source.unwrap_or_default(), destination, fs_type)
        }
    }

    /// True of a bind mount.
    pub fn is_bind(&self) -> bool {
        self.fs_type == BIND
    }

    /// Takes over what the metadata of a direct-assigned volume asks for: its fsGroup and when to apply it. Where there is
    /// none, what the mount has stays.
    ///
    /// # Errors
    ///
    /// [`BadVolumeRecord`], naming key and value; the mount is then as it was.
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
    fn a_bind_option_makes_a_bind_where_the_type_says_nothing() {
        for (fs_type, words, expected) in [
            (None, &["rbind"][..], "bind"),
            (Some("none"), &["bind"], "bind"),
            (Some("none"), &["rw"], "none"),
            (Some("tmpfs"), &["bind"], "tmpfs"),
            (None, &[], ""),
        ] {
            assert_eq!(Mount::from_runtime_spec("/d", fs_type, None, &options(words)).fs_type, expected);
        }
    }

    #[test]
    fn the_last_of_ro_and_rw_decides() {
        for (words, read_only) in
            [(&["ro"][..], true), (&["ro", "rw"], false), (&["rw", "ro"], true), (&["rro"], true), (&[], false)]
        {
            let mount = Mount::from_runtime_spec("/d", Some("bind"), Some("/s"), &options(words));
            assert_eq!(mount.read_only, read_only, "{words:?}");
        }
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
        let mount = Mount::from_runtime_spec("/d", Some("cifs"), Some("//s"), &options(&["password=hunter2", "ro"]));
        let text = format!("{mount:?}");
        assert!(text.contains("password=…") && text.contains("\"ro\"") && !text.contains("hunter2"), "{text}");
    }
}
