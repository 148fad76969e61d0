//! The device behind a path, in words and as JSON.

use mountwright_core::device::BackingDevice;
use serde_json::{Map, Value, json};

use super::{mount_json, printable, put_path};

/// Describes the device behind a path: `Subtree{8:1, /srv}`, `Anonymous{overlay}`, `BlockNode{7:0}`.
pub fn backing_words(backing: &BackingDevice) -> String {
    let kind = backing_kind(backing);
    match backing {
        BackingDevice::WholeFilesystem { device, mount } => {
            format!("{kind}{{{device}, {}}}", printable(&mount.mount_point))
        }
        BackingDevice::Subtree { device, subpath, deleted, .. } => {
            let deleted = if *deleted { ", deleted" } else { "" };
            format!("{kind}{{{device}, {}{deleted}}}", printable(subpath))
        }
        BackingDevice::Anonymous { fs_type, .. } => format!("{kind}{{{}}}", printable(fs_type)),
        BackingDevice::BlockNode { device } | BackingDevice::CharNode { device } => format!("{kind}{{{device}}}"),
        other => format!("{other:?}"),
    }
}

/// The fields of what is behind a path; `docs/ask.md` says what each is.
pub fn backing_json(backing: &BackingDevice) -> Map<String, Value> {
    let mut object = Map::new();
    object.insert("kind".to_owned(), json!(backing_kind(backing)));
    object.insert("device".to_owned(), json!(backing.device().map(|device| device.to_string())));
    match backing {
        BackingDevice::Subtree { subpath, deleted, .. } => {
            put_path(&mut object, "subpath", subpath);
            object.insert("deleted".to_owned(), json!(deleted));
        }
        BackingDevice::Anonymous { fs_type, .. } => put_path(&mut object, "fs_type", fs_type),
        _ => {}
    }
    object.insert("mount".to_owned(), json!(backing.mount().map(mount_json)));
    object
}

fn backing_kind(backing: &BackingDevice) -> &'static str {
    match backing {
        BackingDevice::WholeFilesystem { .. } => "WholeFilesystem",
        BackingDevice::Subtree { .. } => "Subtree",
        BackingDevice::Anonymous { .. } => "Anonymous",
        BackingDevice::BlockNode { .. } => "BlockNode",
        BackingDevice::CharNode { .. } => "CharNode",
        // The enum may grow; a new kind needs its name here.
        _ => "Unknown",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mountwright_core::{DeviceNumber, MountInfo};

    #[test]
    fn each_kind_reads_as_its_name() {
        let mount = Box::new(MountInfo::from_line(b"9 1 8:1 /srv /mnt rw - ext4 /dev/sda1 rw").unwrap());
        let device = DeviceNumber::new(8, 1);
        let subtree = BackingDevice::Subtree { device, subpath: "/srv".into(), deleted: true, mount: mount.clone() };
        assert_eq!(backing_words(&subtree), "Subtree{8:1, /srv, deleted}");
        let fields = Value::from(backing_json(&subtree));
        assert_eq!((&fields["kind"], &fields["device"]), (&json!("Subtree"), &json!("8:1")));
        assert_eq!((&fields["subpath"], &fields["deleted"]), (&json!("/srv"), &json!(true)));
        assert_eq!(fields["mount"]["mount_point"], json!("/mnt"));
        let anonymous = BackingDevice::Anonymous { fs_type: "overlay".into(), mount: mount.clone() };
        assert_eq!(backing_words(&anonymous), "Anonymous{overlay}");
        assert_eq!(backing_words(&BackingDevice::WholeFilesystem { device, mount }), "WholeFilesystem{8:1, /mnt}");
        assert_eq!(backing_words(&BackingDevice::BlockNode { device }), "BlockNode{8:1}");
        assert_eq!(backing_json(&BackingDevice::CharNode { device })["mount"], Value::Null);
    }
}
