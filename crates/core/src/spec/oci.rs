//! `Mount` from and to the mount of an OCI runtime specification.

use std::path::{Path, PathBuf};

use oci_spec::runtime;

use crate::spec::option_word::words_of;
use crate::spec::{Mount, MountOptions, UnusableMount};

/// As [`Mount::from_runtime_spec`] reads it.
///
/// ```
/// use mountwright_core::spec::Mount;
///
/// let json = r#"{"destination": "/etc/app", "type": "none", "source": "/srv/app", "options": ["rbind", "ro"]}"#;
/// let entry: oci_spec::runtime::Mount = serde_json::from_str(json)?;
/// let mount = Mount::try_from(&entry)?;
/// assert!(mount.is_bind() && mount.read_only);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// [`UnusableMount`]; of `uidMappings` and `gidMappings` too, which a [`Mount`] cannot hold.
impl TryFrom<&runtime::Mount> for Mount {
    type Error = UnusableMount;

    fn try_from(entry: &runtime::Mount) -> Result<Self, UnusableMount> {
        let destination = utf8("destination", entry.destination())?;
        let source = entry.source().as_deref().map(|source| utf8("source", source)).transpose()?;
        // An empty list requests a mapping too, one without any id.
        for (what, mappings) in [("uidMappings", entry.uid_mappings()), ("gidMappings", entry.gid_mappings())] {
            if mappings.is_some() {
                return Err(UnusableMount::IdMapping { what, destination: destination.to_owned() });
            }
        }
        let options = entry.options().as_deref().unwrap_or_default();
        Self::from_runtime_spec(destination, entry.typ().as_deref(), source, options)
    }
}

fn utf8<'a>(field: &'static str, path: &'a Path) -> Result<&'a str, UnusableMount> {
    path.to_str().ok_or_else(|| UnusableMount::NotUtf8 { field, path: path.to_path_buf() })
}

/// The entry that describes this mount; reading it again gives the same source, destination, type and `read_only`.
///
/// * The runtime's own state of the mount (`host_path`, the device, the group) is not written to a specification.
/// * The options are kept, with two exceptions. Where they contradict `read_only`, one word `ro` or `rw` replaces every
///   word about it. Where `fs_type` is `bind` and no option is `bind` or `rbind`, the word `bind` is added, without
///   which no runtime binds.
impl From<&Mount> for runtime::Mount {
    fn from(mount: &Mount) -> Self {
        let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let mut entry = Self::default();
        entry.set_destination(mount.destination.clone().into_std_path_buf());
        entry.set_typ(text(&mount.fs_type));
        entry.set_source(text(&mount.source).map(PathBuf::from));
        let options = options(mount);
        entry.set_options((!options.is_empty()).then_some(options));
        entry
    }
}

fn options(mount: &Mount) -> Vec<String> {
    let mut words = mount.options.clone();
    let said = MountOptions::parse(&words).is_ok_and(|options| options.is_read_only());
    if said != mount.read_only {
        words = words.iter().flat_map(|entry| words_of(entry)).map(str::to_owned).collect();
        words.retain(|word| !matches!(word.as_str(), "ro" | "rw" | "rro" | "rrw"));
        words.push(if mount.read_only { "ro" } else { "rw" }.to_owned());
    }
    let is_bind_word = |word| word == "bind" || word == "rbind";
    if mount.is_bind() && !words.iter().flat_map(|entry| words_of(entry)).any(is_bind_word) {
        words.insert(0, "bind".to_owned());
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::os::unix::ffi::OsStrExt;

    fn entry(json: &str) -> runtime::Mount {
        serde_json::from_str(json).unwrap()
    }

    fn refused(json: &str) -> String {
        Mount::try_from(&entry(json)).unwrap_err().to_string()
    }

    #[test]
    fn mapped_owners_are_refused_by_name() {
        for (field, json) in [
            ("uidMappings", r#""uidMappings": [{"containerID": 0, "hostID": 1000, "size": 1}]"#),
            ("gidMappings", r#""gidMappings": [{"containerID": 0, "hostID": 1000, "size": 1}]"#),
            ("gidMappings", r#""gidMappings": []"#),
            ("idmap", r#""options": ["bind", "idmap"]"#),
            ("ridmap", r#""options": ["bind", "ridmap"]"#),
        ] {
            let line = refused(&format!(r#"{{"destination": "/d", "source": "/s", {json}}}"#));
            let expected =
                format!("the mount on \"/d\" asks for {field}: mounts with mapped owners are not supported; remove it");
            assert_eq!(line, expected);
        }
    }

    #[test]
    fn a_path_that_is_not_utf8_is_refused() {
        let mut odd = runtime::Mount::default();
        odd.set_destination(PathBuf::from(std::ffi::OsStr::from_bytes(b"/\xff")));
        let error = Mount::try_from(&odd).unwrap_err();
        assert_eq!(error.to_string(), "the destination of a mount is not UTF-8: \"/\\xFF\"");
    }

    #[test]
    fn an_entry_comes_back_as_it_was() {
        for json in [
            r#"{"destination":"/proc","type":"proc","source":"proc"}"#,
            r#"{"destination":"/d","type":"bind","source":"/s","options":["rbind","rprivate","ro"]}"#,
            r#"{"destination":"/d","type":"bind","source":"/s","options":["rbind"]}"#,
            r#"{"destination":"/d","type":"bind","source":"/s","options":["bind"]}"#,
            r#"{"destination":"/dev","type":"tmpfs","source":"tmpfs","options":["nosuid","strictatime","mode=755","size=65536k"]}"#,
        ] {
            let mount = Mount::try_from(&entry(json)).unwrap();
            assert_eq!(serde_json::to_string(&runtime::Mount::from(&mount)).unwrap(), json);
        }
    }

    #[test]
    fn the_field_decides_over_the_options() {
        let mut mount =
            Mount::try_from(&entry(r#"{"destination": "/d", "options": ["bind", "rro", "nodev"]}"#)).unwrap();
        mount.read_only = false;
        let written = runtime::Mount::from(&mount);
        assert_eq!(written.options().as_deref().unwrap().join(","), "bind,nodev,rw");
        assert!(!Mount::try_from(&written).unwrap().read_only);
        let mut joined = Mount::try_from(&entry(r#"{"destination": "/d", "options": ["rbind,ro,nodev"]}"#)).unwrap();
        joined.read_only = false;
        assert_eq!(runtime::Mount::from(&joined).options().as_deref().unwrap().join(","), "rbind,nodev,rw");
        let mut bind = Mount::new("/s", "/d", "bind");
        assert_eq!(runtime::Mount::from(&bind).options().as_deref().unwrap(), ["bind"]);
        bind.read_only = true;
        assert_eq!(runtime::Mount::from(&bind).options().as_deref().unwrap(), ["bind", "ro"]);
    }

    proptest! {
        #[test]
        fn what_a_mount_asks_for_survives_the_way_there_and_back(entry in crate::strategies::runtime_mount()) {
            let Ok(mount) = Mount::try_from(&entry) else { return Ok(()) };
            let again = Mount::try_from(&runtime::Mount::from(&mount)).unwrap();
            prop_assert_eq!(&again.options[again.options.len() - mount.options.len()..], &mount.options[..]);
            prop_assert_eq!(
                (again.source, again.destination, again.fs_type, again.read_only),
                (mount.source, mount.destination, mount.fs_type, mount.read_only)
            );
        }
    }
}
