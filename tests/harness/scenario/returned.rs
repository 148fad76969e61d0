//! The result of a call, before the devices in it are named.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::value::AttributesValue;
use super::world::{Answer, CannotRun, MountRow, StatAnswer};

/// The result of a call, with the device numbers of the world.
#[derive(Debug, Serialize, Deserialize)]
#[allow(missing_docs)] // The fields are those of the calls.
pub enum Returned {
    Nothing,
    /// A detached mount of a new filesystem, which is in no table
    Mounted {
        device: (u32, u32),
    },
    Stat {
        kind: String,
        device: (u32, u32),
        inode: u64,
        mount: u64,
        mount_root: bool,
    },
    Names(Vec<String>),
    Text(String),
    Attributes(AttributesValue),
}

/// The filesystem of each device, by the latest table. A device is reused after its filesystem ends.
#[derive(Clone, Debug, Default)]
pub(crate) struct Devices(HashMap<(u32, u32), u64>);

impl Devices {
    pub(crate) fn learn(&mut self, rows: &[MountRow]) {
        // The first mount of a superblock names it.
        self.0.extend(rows.iter().rev().map(|row| (row.device, row.filesystem)));
    }

    /// Returns the result of a step that may have mounted this filesystem, with the number of the filesystem instead of its device.
    pub(crate) fn answer(&mut self, returned: Returned, filesystem: u64) -> Result<Answer, CannotRun> {
        Ok(match returned {
            Returned::Nothing => Answer::Done,
            Returned::Mounted { device } => {
                self.0.insert(device, filesystem);
                Answer::Done
            }
            Returned::Names(names) => Answer::Names(names),
            Returned::Text(text) => Answer::Text(text),
            Returned::Attributes(attributes) => Answer::Attributes(attributes),
            Returned::Stat { kind, device, inode, mount, mount_root } => {
                let unknown =
                    || CannotRun::Broken(format!("stat tells of the device {device:?}, which was in no table"));
                let filesystem = self.0.get(&device).copied().ok_or_else(unknown)?;
                Answer::Stat(StatAnswer { kind, filesystem, inode, mount, mount_root })
            }
        })
    }
}
