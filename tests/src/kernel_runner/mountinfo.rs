//! One namespace's table, from the kernel's text.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

use crate::scenario::{CannotRun, MountRow};

/// One namespace's mountinfo, held open.
///
/// The open file keeps the namespace alive: drop it where the namespace is to end.
#[derive(Debug)]
pub(super) struct TableFile {
    file: File,
    text: String,
    /// The same mounts, parsed
    pub(super) rows: Vec<TableRow>,
}

/// A row, and the device that the filesystem has while it lives.
#[derive(Clone, Debug)]
pub(super) struct TableRow {
    pub(super) row: MountRow,
    pub(super) device: (u32, u32),
}

impl TableFile {
    pub(super) fn new(file: File) -> Self {
        Self { file, text: String::new(), rows: Vec::new() }
    }

    /// Reads the table again, and tells whether it has changed.
    pub(super) fn refresh(&mut self) -> Result<bool, CannotRun> {
        let mut text = String::with_capacity(self.text.len() + 512);
        self.file
            .seek(SeekFrom::Start(0))
            .and_then(|_| self.file.read_to_string(&mut text))
            .map_err(|error| CannotRun::Broken(format!("reading mountinfo: {error}")))?;
        if text == self.text {
            return Ok(false);
        }
        self.rows = text.lines().map(parse).collect::<Result<_, _>>()?;
        self.text = text;
        Ok(true)
    }
}

fn parse(line: &str) -> Result<TableRow, CannotRun> {
    parsed(line).ok_or_else(|| CannotRun::Broken(format!("cannot read the mountinfo line {line:?}")))
}

/// See `proc_pid_mountinfo(5)`. Sources are `kN`, as [`super::performer`] passes them.
fn parsed(line: &str) -> Option<TableRow> {
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
        root,
        mount_point,
        options,
        shared: None,
        master: None,
        propagate_from: None,
        unbindable: false,
        superblock_read_only: false,
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
    let _kind = fields.next()?;
    row.filesystem = fields.next()?.strip_prefix('k')?.parse().ok()?;
    row.superblock_read_only = fields.next()?.split(',').next() == Some("ro");
    Some(TableRow { row, device })
}

#[cfg(test)]
mod tests {
    use super::parsed;

    #[test]
    fn a_line_with_every_optional_field() {
        let line = "36 35 0:98 /r /m rw,noatime shared:3 master:2 propagate_from:1 unbindable - tmpfs k7 ro,inode64";
        let parsed = parsed(line).expect("it is well formed");
        assert_eq!(parsed.device, (0, 98));
        let row = parsed.row;
        assert_eq!((row.id, row.parent, row.filesystem), (36, 35, 7));
        assert_eq!((row.shared, row.master, row.propagate_from), (Some(3), Some(2), Some(1)));
        assert!(row.unbindable && row.superblock_read_only);
    }

    #[test]
    fn an_unknown_field_is_no_row() {
        assert!(parsed("36 35 0:98 / / rw flavour:3 - tmpfs k7 rw").is_none());
        assert!(parsed("36 35 0:98 / / rw - tmpfs other rw").is_none());
    }
}
