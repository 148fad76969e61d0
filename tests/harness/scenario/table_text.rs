//! A mount table, from the text that the kernel writes.

use super::world::{CannotRun, MountRow};

/// The source of the k-th filesystem of a scenario, which identifies it in a table: `k0` is the sandbox root.
pub(crate) fn source_of(filesystem: u64) -> String {
    format!("k{filesystem}")
}

/// The rows of a table.
pub(crate) fn parse(text: &str) -> Result<Vec<MountRow>, CannotRun> {
    let bad = |line: &str| CannotRun::Broken(format!("cannot read the mountinfo line {line:?}"));
    text.lines().map(|line| parsed(line).ok_or_else(|| bad(line))).collect()
}

/// See `proc_pid_mountinfo(5)`.
fn parsed(line: &str) -> Option<MountRow> {
    let mut fields = line.split(' ');
    let id = fields.next()?.parse().ok()?;
    let parent = fields.next()?.parse().ok()?;
    let (major, minor) = fields.next()?.split_once(':')?;
    let device = (major.parse().ok()?, minor.parse().ok()?);
    let root = fields.next()?.to_owned();
    let mount_point = fields.next()?.to_owned();
    let options = fields.next()?.to_owned();
    let mut row = MountRow {
        id,
        parent,
        filesystem: 0,
        device,
        kind: String::new(),
        root,
        mount_point,
        options,
        shared: None,
        master: None,
        propagate_from: None,
        unbindable: false,
        superblock_read_only: false,
        superblock_options: String::new(),
    };
    for tag in fields.by_ref().take_while(|field| *field != "-") {
        match tag.split_once(':') {
            Some(("shared", group)) => row.shared = Some(group.parse().ok()?),
            Some(("master", group)) => row.master = Some(group.parse().ok()?),
            Some(("propagate_from", group)) => row.propagate_from = Some(group.parse().ok()?),
            None if tag == "unbindable" => row.unbindable = true,
            _ => return None,
        }
    }
    fields.next()?.clone_into(&mut row.kind);
    // Only the sandbox root of a world that did not mount it itself has another source.
    row.filesystem = fields.next()?.strip_prefix('k').and_then(|number| number.parse().ok()).unwrap_or(0);
    let mut options = fields.next()?.split(',');
    row.superblock_read_only = options.next() == Some("ro");
    // Printed for every tmpfs of a kernel that was built with `CONFIG_TMPFS_INODE64`.
    row.superblock_options = options.filter(|word| *word != "inode64").collect::<Vec<_>>().join(",");
    Some(row)
}

#[cfg(test)]
mod tests {
    use super::parsed;

    #[test]
    fn a_line_with_every_optional_field() {
        let line = "36 35 0:98 /r /m rw,noatime shared:3 master:2 propagate_from:1 unbindable - tmpfs k7 ro,inode64";
        let row = parsed(line).expect("it is well formed");
        assert_eq!(row.device, (0, 98));
        assert_eq!((row.id, row.parent, row.filesystem), (36, 35, 7));
        assert_eq!((row.shared, row.master, row.propagate_from), (Some(3), Some(2), Some(1)));
        assert!(row.unbindable && row.superblock_read_only);
    }

    #[test]
    fn an_unknown_field_is_no_row() {
        assert!(parsed("36 35 0:98 / / rw flavour:3 - tmpfs k7 rw").is_none());
        assert!(parsed("36 35 0:98 / / rw").is_none());
    }
}
