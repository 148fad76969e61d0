//! Entries of a runtime specification's `mounts`.

use std::path::PathBuf;

use oci_spec::runtime;
use proptest::prelude::*;

use super::paths::odd_path;
use super::{option_list, path};

/// An entry of an OCI runtime specification's `mounts`: usable ones, and such as a conversion has to refuse: relative and odd
/// destinations, unusable options, mapped owners.
pub(crate) fn runtime_mount() -> impl Strategy<Value = runtime::Mount> {
    let destination = prop_oneof![6 => path(), 1 => odd_path()];
    let fs_type = prop::sample::select(&[None, Some("bind"), Some("none"), Some("tmpfs"), Some("")][..]);
    let source = prop_oneof![1 => Just(None), 4 => path().prop_map(Some), 1 => odd_path().prop_map(Some)];
    let options = prop_oneof![1 => Just(None), 8 => option_list().prop_map(Some)];
    let mapping = prop_oneof![9 => Just(None), 1 => Just(Some(vec![runtime::LinuxIdMapping::default()]))];
    (destination, fs_type, source, options, mapping.clone(), mapping).prop_map(
        |(destination, fs_type, source, options, uids, gids): (PathBuf, _, _, _, _, _)| {
            let mut entry = runtime::Mount::default();
            entry
                .set_destination(destination)
                .set_typ(fs_type.map(str::to_owned))
                .set_source(source)
                .set_options(options)
                .set_uid_mappings(uids)
                .set_gid_mappings(gids);
            entry
        },
    )
}
