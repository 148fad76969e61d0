//! The record of a direct-assigned volume.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::spec::{BadVolumeRecord, FsGroup};
use crate::spec::{Mount, MountOptions};

/// The way in which a direct-assigned volume reaches the guest (`volume-type`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum DirectVolumeType {
    /// A block device of the host: `block`.
    #[serde(rename = "block")]
    Block,
    /// A block device or disk image of the host, under its later name: `directvol`.
    #[serde(rename = "directvol")]
    DirectVolume,
    /// A device that VFIO passes to the guest: `vfiovol`.
    #[serde(rename = "vfiovol")]
    Vfio,
    /// A vhost-user device that SPDK serves: `spdkvol`.
    #[serde(rename = "spdkvol")]
    Spdk,
}

/// Every volume type with its word.
const TYPES: [(DirectVolumeType, &str); 4] = [
    (DirectVolumeType::Block, "block"),
    (DirectVolumeType::DirectVolume, "directvol"),
    (DirectVolumeType::Vfio, "vfiovol"),
    (DirectVolumeType::Spdk, "spdkvol"),
];

impl DirectVolumeType {
    /// The word for it in the record.
    pub fn word(self) -> &'static str {
        TYPES.iter().find(|(kind, _)| *kind == self).map_or("", |(_, word)| word)
    }

    fn from_word(word: &str) -> Result<Self, BadVolumeRecord> {
        let known = TYPES.iter().find(|(_, known)| *known == word);
        known
            .map(|(kind, _)| *kind)
            .ok_or_else(|| BadVolumeRecord::new("volume-type", word, "expected block, directvol, vfiovol or spdkvol"))
    }
}

/// The record in `mountInfo.json` of a volume that is passed directly to a guest (Kata Containers,
/// `docs/design/direct-blk-device-assignment.md`).
///
/// * In JSON the keys are `volume-type`, `device`, `fstype`, `metadata` and `options`; unknown keys are ignored, and
///   `null` for the last two means empty.
/// * A record whose volume type is unknown, or whose fsGroup cannot be used, is an error that names key and value.
/// * `Debug` shows the keys of options and metadata alone: the values may be secrets.
///
/// ```
/// use mountwright_core::kata::{DirectVolume, DirectVolumeType};
///
/// let json = r#"{"volume-type": "block", "device": "/dev/sdb", "fstype": "ext4", "metadata": {"fsGroup": "2000"}}"#;
/// let volume: DirectVolume = serde_json::from_str(json).unwrap();
/// assert_eq!(volume.volume_type, DirectVolumeType::Block);
/// assert_eq!(volume.fs_group().unwrap().gid, 2000);
/// ```
#[derive(Clone, PartialEq, Eq, Serialize)]
#[serde(into = "Record")]
pub struct DirectVolume {
    /// The way in which it reaches the guest.
    pub volume_type: DirectVolumeType,
    /// The device on the host.
    pub device: String,
    /// The type of the filesystem on it.
    pub fs_type: String,
    metadata: BTreeMap<String, String>,
    fs_group: Option<FsGroup>,
    /// Mount options.
    pub options: Vec<String>,
}

impl DirectVolume {
    /// A record of a volume.
    ///
    /// # Errors
    ///
    /// [`BadVolumeRecord`]: the fsGroup in `metadata` or one of the options cannot be used, or a text holds a NUL.
    pub fn new(
        volume_type: DirectVolumeType,
        device: impl Into<String>,
        fs_type: impl Into<String>,
        metadata: BTreeMap<String, String>,
        options: Vec<String>,
    ) -> Result<Self, BadVolumeRecord> {
        let (device, fs_type) = (device.into(), fs_type.into());
        let pairs = metadata.iter().flat_map(|(key, value)| [("metadata", key), ("metadata", value)]);
        let options_too = pairs.chain(options.iter().map(|option| ("options", option)));
        for (key, text) in [("device", &device), ("fstype", &fs_type)].into_iter().chain(options_too) {
            if text.contains('\0') {
                // The value may be a secret.
                return Err(BadVolumeRecord::new(key, "", "a NUL cannot be passed to the kernel"));
            }
        }
        let fs_group = FsGroup::from_metadata(&metadata)?;
        MountOptions::parse(&options)
            .map_err(|unusable| BadVolumeRecord::new("options", unusable.word(), unusable.reason()))?;
        Ok(Self { volume_type, device, fs_type, metadata, fs_group, options })
    }

    /// The metadata, as in the record.
    pub fn metadata(&self) -> &BTreeMap<String, String> {
        &self.metadata
    }

    /// The group of the volume's files.
    pub fn fs_group(&self) -> Option<FsGroup> {
        self.fs_group
    }

    /// Makes `mount` a mount of this volume: source, type, options and `read_only` come from the record, and the group
    /// of its files where the record has one. The destination and the rest stay. If the options cannot be parsed, which
    /// [`new`](Self::new) rules out, it is read-only.
    pub fn apply_to(&self, mount: &mut Mount) {
        mount.source.clone_from(&self.device);
        mount.fs_type.clone_from(&self.fs_type);
        mount.options.clone_from(&self.options);
        mount.read_only = MountOptions::parse(&self.options).map_or(true, |options| options.is_read_only());
        mount.fs_group = self.fs_group.or(mount.fs_group);
    }
}

impl fmt::Debug for DirectVolume {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = |option: &String| option.split_once('=').map_or(option.clone(), |(key, _)| format!("{key}=…"));
        f.debug_struct("DirectVolume")
            .field("volume_type", &self.volume_type)
            .field("device", &self.device)
            .field("fs_type", &self.fs_type)
            .field("metadata", &self.metadata.keys().collect::<Vec<_>>())
            .field("fs_group", &self.fs_group)
            .field("options", &self.options.iter().map(key).collect::<Vec<_>>())
            .finish()
    }
}

/// Reads only an object: serde's own code for a struct would also accept an array of its values.
impl<'de> Deserialize<'de> for DirectVolume {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(AnObject)
    }
}

struct AnObject;

impl<'de> Visitor<'de> for AnObject {
    type Value = DirectVolume;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with the key volume-type")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<DirectVolume, A::Error> {
        Record::deserialize(MapAccessDeserializer::new(map))?.try_into().map_err(A::Error::custom)
    }
}

/// The JSON form.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Record {
    volume_type: String,
    #[serde(default)]
    device: String,
    #[serde(rename = "fstype", default)]
    fs_type: String,
    #[serde(default, deserialize_with = "null_is_empty", skip_serializing_if = "BTreeMap::is_empty")]
    metadata: BTreeMap<String, String>,
    #[serde(default, deserialize_with = "null_is_empty", skip_serializing_if = "Vec::is_empty")]
    options: Vec<String>,
}

impl TryFrom<Record> for DirectVolume {
    type Error = BadVolumeRecord;

    fn try_from(record: Record) -> Result<Self, Self::Error> {
        let volume_type = DirectVolumeType::from_word(&record.volume_type)?;
        Self::new(volume_type, record.device, record.fs_type, record.metadata, record.options)
    }
}

impl From<DirectVolume> for Record {
    fn from(volume: DirectVolume) -> Self {
        Self {
            volume_type: volume.volume_type.word().to_owned(),
            device: volume.device,
            fs_type: volume.fs_type,
            metadata: volume.metadata,
            options: volume.options,
        }
    }
}

/// Go writes an empty map or slice as `null`.
fn null_is_empty<'de, T: Default + Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::FsGroupChangePolicy;

    fn read(json: &str) -> Result<DirectVolume, String> {
        serde_json::from_str(json).map_err(|error| error.to_string())
    }

    #[test]
    fn reads_the_record_and_fills_the_mount() {
        let volume = read(
            r#"{"volume-type": "block", "device": "/dev/sdb", "fstype": "ext4", "later-key": 1, "options": ["ro"],
                "metadata": {"fsGroup": "3000", "fsGroupChangePolicy": "OnRootMismatch"}}"#,
        )
        .unwrap();
        assert_eq!((volume.device.as_str(), volume.fs_type.as_str()), ("/dev/sdb", "ext4"));
        let mut mount = Mount::new("/v", "/data", "bind");
        mount.apply_metadata(volume.metadata()).unwrap();
        let expected = FsGroup { gid: 3000, policy: FsGroupChangePolicy::OnRootMismatch };
        assert_eq!((mount.fs_group, volume.fs_group()), (Some(expected), Some(expected)));
    }

    #[test]
    fn what_cannot_be_used_is_an_error_that_names_key_and_value() {
        for (json, key, value) in [
            (r#"{"volume-type": "tape"}"#, "volume-type", "tape"),
            (r#"{"volume-type": "block", "metadata": {"fsGroup": "staff"}}"#, "fsGroup", "staff"),
            (
                r#"{"volume-type": "block", "metadata": {"fsGroup": "1", "fsGroupChangePolicy": "Sometimes"}}"#,
                "fsGroupChangePolicy",
                "Sometimes",
            ),
        ] {
            let error = read(json).unwrap_err();
            assert!(error.contains(key) && error.contains(value), "{error}");
        }
    }

    #[test]
    fn an_array_is_no_record() {
        let error = read(r#"["block", "/dev/sda", "ext4", {}, ["ro"]]"#).unwrap_err();
        assert!(error.contains("sequence") && error.contains("expected an object"), "{error}");
        assert!(read("[]").is_err() && read("null").is_err());
    }

    #[test]
    fn a_nul_is_refused_in_every_text() {
        for (json, key) in [
            (r#"{"volume-type": "block", "device": "/dev/a\u0000b"}"#, "device"),
            (r#"{"volume-type": "block", "fstype": "ext4\u0000"}"#, "fstype"),
            (r#"{"volume-type": "block", "metadata": {"a\u0000": "b"}}"#, "metadata"),
            (r#"{"volume-type": "block", "metadata": {"a": "\u0000b"}}"#, "metadata"),
            (r#"{"volume-type": "block", "options": ["ro", "a=\u0000"]}"#, "options"),
            (r#"{"volume-type": "bl\u0000ock"}"#, "volume-type"),
        ] {
            let error = read(json).unwrap_err();
            assert!(error.contains(key), "{error}");
        }
    }

    #[test]
    fn a_record_without_a_group_leaves_the_mounts() {
        let volume = read(r#"{"volume-type": "block", "device": "/dev/sdb", "options": ["ro", "rw"]}"#).unwrap();
        let mut mount = Mount::new("/v", "/data", "bind");
        let group = FsGroup { gid: 4, policy: FsGroupChangePolicy::Always };
        (mount.fs_group, mount.read_only) = (Some(group), true);
        volume.apply_to(&mut mount);
        assert_eq!((mount.fs_group, mount.read_only), (Some(group), false));
    }

    #[test]
    fn writing_gives_the_original_keys_and_reads_back() {
        let json = r#"{"volume-type":"vfiovol","device":"/dev/vfio/1","fstype":"xfs","metadata":{"fsGroup":"7"},"options":["noatime"]}"#;
        let volume = read(json).unwrap();
        assert_eq!(serde_json::to_string(&volume).unwrap(), json);
        assert_eq!(read(r#"{"volume-type":"block","metadata":null,"options":null}"#).unwrap().options, [""; 0]);
    }

    #[test]
    fn debug_shows_no_secret() {
        let json = r#"{"volume-type":"block","options":["password=hunter2"],"metadata":{"token":"hunter3"}}"#;
        let text = format!("{:?}", read(json).unwrap());
        assert!(text.contains("password=…") && text.contains("token") && !text.contains("hunter"), "{text}");
    }
}
