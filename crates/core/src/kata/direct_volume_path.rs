//! Location of the record of a direct-assigned volume.

use camino::{Utf8Path, Utf8PathBuf};

/// The directory that holds a directory for each direct-assigned volume, by default (Kata Containers).
pub const DIRECT_VOLUMES_ROOT: &str = "/run/kata-containers/shared/direct-volumes";

/// The name of the record in the volume's directory.
pub const MOUNT_INFO_FILE: &str = "mountInfo.json";

/// The maximum length in bytes of the path of a volume that can have a record: the encoding of a longer one is longer
/// than a file name may be (255 bytes).
pub const DIRECT_VOLUME_PATH_MAX: usize = 189;

/// The records of direct-assigned volumes: a directory that holds a directory for each volume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectVolumes {
    root: Utf8PathBuf,
}

impl Default for DirectVolumes {
    /// The records in [`DIRECT_VOLUMES_ROOT`].
    fn default() -> Self {
        Self::at(DIRECT_VOLUMES_ROOT)
    }
}

impl DirectVolumes {
    /// The records in `root`, which is trusted.
    pub fn at(root: impl Into<Utf8PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The directory that holds the directories.
    pub(crate) fn root(&self) -> &Utf8Path {
        &self.root
    }

    /// The name of the directory, below the root, of the volume that is to be mounted at `volume_path`.
    ///
    /// The name is the path, byte by byte and not cleaned, in the URL-safe base64 of RFC 4648 (section 5), padded. CSI
    /// drivers and Kata's runtimes use the same encoding.
    ///
    /// ```
    /// let name = mountwright_core::kata::DirectVolumes::directory_name("/a/b".into()).unwrap();
    /// assert_eq!(name, "L2EvYg==");
    /// ```
    ///
    /// `None` where the path can have no record: it is empty, or longer than [`DIRECT_VOLUME_PATH_MAX`].
    pub fn directory_name(volume_path: &Utf8Path) -> Option<String> {
        match volume_path.as_str().len() {
            1..=DIRECT_VOLUME_PATH_MAX => Some(url_safe_base64(volume_path.as_str().as_bytes())),
            _ => None,
        }
    }
}

fn url_safe_base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for three in bytes.chunks(3) {
        let byte = |index| three.get(index).copied().unwrap_or(0);
        let bits = u32::from_be_bytes([0, byte(0), byte(1), byte(2)]);
        for digit in 0..4 {
            // One byte gives two digits, two give three.
            let sextet = (bits >> (18 - 6 * digit) & 0o77) as usize;
            text.push(if digit <= three.len() { char::from(DIGITS[sextet]) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_vectors_of_the_rfc() {
        for (bytes, text) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(url_safe_base64(bytes.as_bytes()), text);
        }
        assert_eq!(url_safe_base64(&[0xfb, 0xff, 0xfe]), "-__-");
    }

    #[test]
    fn a_path_as_the_kubelet_has_them() {
        let path = "/var/lib/kubelet/pods/5f0861a0/volumes/kubernetes.io~csi/pvc-1/mount";
        assert_eq!(
            DirectVolumes::directory_name(path.into()).unwrap(),
            "L3Zhci9saWIva3ViZWxldC9wb2RzLzVmMDg2MWEwL3ZvbHVtZXMva3ViZXJuZXRlcy5pb35jc2kvcHZjLTEvbW91bnQ="
        );
    }

    #[test]
    fn the_longest_path_still_is_a_file_name() {
        let path = Utf8PathBuf::from("/".repeat(DIRECT_VOLUME_PATH_MAX));
        assert_eq!(DirectVolumes::directory_name(&path).unwrap().len(), 252);
        let longer = Utf8PathBuf::from("/".repeat(DIRECT_VOLUME_PATH_MAX + 1));
        assert_eq!(url_safe_base64(longer.as_str().as_bytes()).len(), 256);
        for path in [&*longer, "".into()] {
            assert_eq!(DirectVolumes::directory_name(path), None);
        }
    }

    fn decoded(text: &str) -> Vec<u8> {
        let value = |digit: u8| match digit {
            b'A'..=b'Z' => digit - b'A',
            b'a'..=b'z' => digit - b'a' + 26,
            b'0'..=b'9' => digit - b'0' + 52,
            b'-' => 62,
            _ => 63,
        };
        let digits = text.bytes().filter(|&digit| digit != b'=').map(|digit| u32::from(value(digit)));
        let (mut bytes, mut bits, mut held) = (Vec::new(), 0_u32, 0);
        for digit in digits {
            (bits, held) = (bits << 6 | digit, held + 6);
            if held >= 8 {
                held -= 8;
                bytes.push(u8::try_from(bits >> held).unwrap());
                bits &= (1 << held) - 1;
            }
        }
        bytes
    }

    proptest! {
        #[test]
        fn nothing_is_lost(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            let text = url_safe_base64(&bytes);
            prop_assert_eq!(text.len() % 4, 0);
            prop_assert!(!text.contains('/'));
            prop_assert_eq!(decoded(&text), bytes);
        }
    }
}
