//! Texts of NFS mounts: the root is always `/` (`nfs_show_path`), and the source has the path instead (`nfs_show_devname`).

/// True of the types with these texts.
pub(crate) fn is_nfs(type_name: &[u8]) -> bool {
    type_name == b"nfs" || type_name == b"nfs4"
}

/// `nas:` and `/export` of `nas:/export`; no export where the source has none.
pub(crate) fn split_export(source: &[u8]) -> (&[u8], &[u8]) {
    match source.windows(2).position(|two| two == b":/") {
        Some(colon) => source.split_at(colon + 1),
        None => (source, b""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_a_server_and_an_export() {
        assert_eq!(split_export(b"nas:/export/a"), (&b"nas:"[..], &b"/export/a"[..]));
        assert_eq!(split_export(b"[fd00::1]:/"), (&b"[fd00::1]:"[..], &b"/"[..]));
        assert_eq!(split_export(b"none"), (&b"none"[..], &b""[..]));
    }
}
