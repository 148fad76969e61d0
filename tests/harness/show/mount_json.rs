//! A mount as a JSON object.

use mountwright_core::MountInfo;
use serde_json::{Map, Value, json};

use super::put_path;

/// The fields of a mount; `docs/ask.md` says what each is.
pub fn mount_json(mount: &MountInfo) -> Map<String, Value> {
    let mut object = Map::new();
    object.insert("id".to_owned(), json!(mount.id.0));
    object.insert("unique_id".to_owned(), json!(mount.unique_id.map(|id| id.0.get())));
    object.insert("parent".to_owned(), json!(mount.parent.0));
    object.insert("device".to_owned(), json!(mount.device.to_string()));
    put_path(&mut object, "root", &mount.root);
    put_path(&mut object, "mount_point", &mount.mount_point);
    object.insert("attributes".to_owned(), json!(mount.attributes.to_string()));
    object.insert("propagation".to_owned(), json!(mount.propagation.kind().word()));
    object.insert("peer_group".to_owned(), json!(mount.propagation.peers.map(|group| group.0.get())));
    object.insert("master_group".to_owned(), json!(mount.propagation.master.map(|group| group.0.get())));
    put_path(&mut object, "fs_type", &mount.fs_type);
    put_path(&mut object, "source", &mount.source);
    put_path(&mut object, "options", &mount.options);
    object
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_of_a_line_is_there() {
        let line =
            b"117 28 253:3 /sub /mnt/a\\040b ro,nosuid,relatime shared:66 master:2 - ext4 /dev/mapper/x rw,stripe=16";
        let object = mount_json(&MountInfo::from_line(line).unwrap());
        let expected = json!({
            "id": 117, "unique_id": null, "parent": 28, "device": "253:3", "root": "/sub", "mount_point": "/mnt/a b",
            "attributes": "ro,nosuid,relatime", "propagation": "shared", "peer_group": 66, "master_group": 2,
            "fs_type": "ext4", "source": "/dev/mapper/x", "options": "rw,stripe=16",
        });
        assert_eq!(Value::from(object), expected);
    }
}
