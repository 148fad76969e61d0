//! Boot and mount namespace: the scope of mount ids.

use std::fmt;

use crate::file::DeviceNumber;

/// Boot and mount namespace in which a mount was looked up: the scope in which its id is valid.
///
/// A field is `None` where the kernel or the machine's procfs does not report it. Two origins are the same scope only
/// where both fields are known and equal ([`Origin::is_known`]), and the namespace id is a unique one
/// ([`MountNamespaceId::Unique`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Origin {
    /// The boot.
    pub boot: Option<BootId>,
    /// The mount namespace.
    pub namespace: Option<MountNamespaceId>,
}

impl Origin {
    /// An origin without any known field.
    pub const UNKNOWN: Self = Self { boot: None, namespace: None };

    /// True where boot and namespace are both known.
    pub const fn is_known(self) -> bool {
        self.boot.is_some() && self.namespace.is_some()
    }
}

/// A boot of the machine (`/proc/sys/kernel/random/boot_id`): a random number that differs after each boot.
///
/// ```
/// use mountwright_core::mount::BootId;
///
/// let boot = BootId::parse("0b5f8f0e-3c55-4b2f-9c1d-6a7e0d9f1a2b").unwrap();
/// assert_eq!(boot.to_string(), "0b5f8f0e-3c55-4b2f-9c1d-6a7e0d9f1a2b");
/// assert_eq!(BootId::parse("0b5f8f0e"), None);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BootId([u8; 16]);

impl BootId {
    /// The boot of these bytes, in the order of the text.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The boot of a text as the kernel prints it: 32 hexadecimal digits in five groups. `None` for any other text.
    pub fn parse(text: &str) -> Option<Self> {
        let groups: Vec<&str> = text.split('-').collect();
        let digits = groups.concat();
        let is_text =
            groups.iter().map(|group| group.len()).eq(GROUPS) && digits.bytes().all(|b| b.is_ascii_hexdigit());
        if !is_text {
            return None;
        }
        u128::from_str_radix(&digits, 16).ok().map(|number| Self(number.to_be_bytes()))
    }

    /// The bytes, in the order of the text.
    pub const fn bytes(self) -> [u8; 16] {
        self.0
    }
}

/// Lengths of the groups of the text.
const GROUPS: [usize; 5] = [8, 4, 4, 4, 12];

impl fmt::Display for BootId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = format!("{:032x}", u128::from_be_bytes(self.0));
        let mut rest = digits.as_str();
        for (index, length) in GROUPS.into_iter().enumerate() {
            let (group, after) = rest.split_at(length);
            rest = after;
            write!(f, "{}{group}", if index == 0 { "" } else { "-" })?;
        }
        Ok(())
    }
}

impl fmt::Debug for BootId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BootId({self})")
    }
}

/// A mount namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
pub enum MountNamespaceId {
    /// The id of `NS_GET_MNTNS_ID` (Linux 6.11): never used again in the same boot.
    Unique(u64),
    /// The file of the namespace in nsfs. The kernel uses the inode number again: a different file is a different
    /// namespace, the same file proves nothing after the namespace has ended.
    Inode {
        /// The device of nsfs.
        device: DeviceNumber,
        /// The inode number.
        inode: u64,
    },
}

impl fmt::Display for MountNamespaceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unique(id) => write!(f, "{id} (unique id)"),
            Self::Inode { inode, .. } => write!(f, "mnt:[{inode}]"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_boot_id_keeps_its_text_and_other_texts_are_refused() {
        let text = "00000000-0000-4abc-8def-0123456789ab";
        let boot = BootId::parse(text).unwrap();
        assert_eq!(boot.to_string(), text);
        assert_eq!(BootId::from_bytes(boot.bytes()), boot);
        let refused = [
            "",
            "00000000-0000-4abc-8def-0123456789a",
            "00000000-0000-4abc-8def-0123456789abc",
            "000000000000-4abc-8def-0123456789ab-",
            "+0000000-0000-4abc-8def-0123456789ab",
            "00000000-0000-4abc-8def-0123456789ab\n",
            "0000000é-000-4abc-8def-0123456789ab",
        ];
        for other in refused {
            assert_eq!(BootId::parse(other), None, "{other:?}");
        }
    }

    #[test]
    fn an_origin_is_known_only_with_both_fields() {
        let (boot, namespace) = (Some(BootId::from_bytes([7; 16])), Some(MountNamespaceId::Unique(1)));
        assert!(Origin { boot, namespace }.is_known());
        for partly in [Origin::UNKNOWN, Origin { boot, namespace: None }, Origin { boot: None, namespace }] {
            assert!(!partly.is_known());
        }
    }
}
