//! The text of `/proc/<pid>/mountinfo`.

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use mountwright_core::mount::{AtimeMode, MountAttributes, MountId, PeerGroup, PropagationState};
use mountwright_core::mount_table::MountRow;
use mountwright_core::path::clean_path;
use mountwright_core::{DeviceNumber, MountFlags, MountInfo, MountTable};

/// The bytes are the text of a table; where they begin with NUL, the fields of one mount.
pub fn check(data: &[u8]) {
    match data {
        [0, fields @ ..] => printed(&mount(fields)),
        _ => read(data),
    }
    line(data);
}

/// Reads the table and compares it with a plain reading.
fn read(text: &[u8]) {
    let table = MountTable::parse(text);
    assert_eq!(table.text(), text);
    let mut rows = table.iter();
    let mut odd = table.odd_lines().iter();
    let mut infos = Vec::with_capacity(table.len());
    for line in text.split(|&b| b == b'\n') {
        match plain(line) {
            Some(columns) => infos.push(same(&rows.next().expect("a row for a line"), line, &columns)),
            None if line.is_empty() => {}
            None => assert_eq!(odd.next().expect("an odd line is told").line, line),
        }
    }
    assert!(rows.next().is_none() && odd.next().is_none(), "nothing out of nothing");

    let again = MountTable::from_mounts(&infos);
    assert!(again.odd_lines().is_empty());
    assert_eq!(again.len(), infos.len());
    assert!(again.iter().zip(&infos).all(|(row, info)| row.to_info() == *info), "print then parse is identity");
    look_ups(&table);
}

/// One line alone agrees with a table of this line.
fn line(data: &[u8]) {
    let text = data.strip_suffix(b"\n").unwrap_or(data);
    let row = plain(text).is_some() && !text.contains(&b'\n');
    match MountInfo::from_line(data) {
        Ok(info) => assert!(row && MountTable::parse(data).iter().map(|row| row.to_info()).eq([info])),
        Err(odd) => assert!(!row && odd.line == text, "the error names the line"),
    }
}

/// id, parent, major, minor, root, mount point, attributes, optional fields, type, source, options.
type Plain<'a> = (u32, u32, u32, u32, &'a [u8], &'a [u8], &'a [u8], &'a [u8], &'a [u8], &'a [u8], &'a [u8]);

/// Splits a line into columns by `proc_pid_mountinfo(5)`; `None` if it is not such a line.
fn plain(line: &[u8]) -> Option<Plain<'_>> {
    let mut columns = line.splitn(7, |&b| b == b' ');
    let (id, parent, device) = (number(columns.next()?)?, number(columns.next()?)?, columns.next()?);
    let (root, mount_point, attributes) = (columns.next()?, columns.next()?, columns.next()?);
    let rest = columns.next()?;
    let colon = device.iter().position(|&b| b == b':')?;
    // The lone dash: the first field that is nothing else.
    let dash = if rest.starts_with(b"- ") { 0 } else { rest.windows(3).position(|three| three == b" - ")? + 1 };
    let mut columns = rest[dash + 2..].splitn(3, |&b| b == b' ');
    let fs_type = columns.next()?;
    let (source, options) = (columns.next().unwrap_or_default(), columns.next().unwrap_or_default());
    // A line without the superblock's options is cut.
    let fit = !options.is_empty()
        && !root.is_empty()
        && !attributes.is_empty()
        && !fs_type.is_empty()
        && mount_point.starts_with(b"/");
    let (major, minor) = (number(&device[..colon])?, number(&device[colon + 1..])?);
    fit.then_some((id, parent, major, minor, root, mount_point, attributes, &rest[..dash], fs_type, source, options))
}

fn number(text: &[u8]) -> Option<u32> {
    // `parse` takes a sign, a line of mountinfo has none.
    let text = std::str::from_utf8(text).ok().filter(|text| !text.starts_with('+'))?;
    text.parse().ok()
}

fn same(row: &MountRow<'_>, line: &[u8], plain: &Plain<'_>) -> MountInfo {
    let (id, parent, major, minor, root, mount_point, attributes, optional, fs_type, source, options) = plain;
    assert_eq!(row.line(), line);
    assert_eq!((row.id().0, row.parent().0), (*id, *parent));
    assert_eq!(row.device(), DeviceNumber::new(*major, *minor));
    assert_eq!(row.root().as_os_str().as_bytes(), &*unescaped(root));
    assert_eq!(row.mount_point().as_os_str().as_bytes(), &*unescaped(mount_point));
    assert_eq!(row.fs_type().as_bytes(), &*unescaped(fs_type));
    assert_eq!(row.source().as_bytes(), &*unescaped(source));
    assert_eq!(row.options().as_bytes(), *options);
    let read_only = attributes.split(|&b| b == b',').any(|word| word == b"ro");
    assert_eq!(row.attributes().is_read_only(), read_only);
    let mut fields = optional.split(|&b| b == b' ');
    assert_eq!(row.propagation().unbindable, fields.clone().any(|field| field == b"unbindable"));
    let shared = fields.find_map(|field| PeerGroup::new(number(field.strip_prefix(b"shared:")?)?));
    assert_eq!(row.propagation().peers, shared);
    let info = row.to_info();
    assert_eq!((info.id, info.parent, info.device), (row.id(), row.parent(), row.device()));
    assert_eq!((&*info.root, &*info.mount_point), (&*row.root(), &*row.mount_point()));
    assert_eq!((info.attributes, info.propagation), (row.attributes(), row.propagation()));
    assert_eq!((&*info.fs_type, &*info.source, &*info.options), (&*row.fs_type(), &*row.source(), row.options()));
    info
}

/// By the definition: a backslash and three octal digits of one byte are that byte.
fn unescaped(text: &[u8]) -> Cow<'_, [u8]> {
    if !text.contains(&b'\\') {
        return text.into();
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut at = 0;
    while at < text.len() {
        let digits = text.get(at + 1..at + 4).filter(|_| text[at] == b'\\').filter(|digits| digits[0] != b'+');
        let octal = digits.and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 8).ok());
        bytes.push(octal.unwrap_or(text[at]));
        at += if octal.is_some() { 4 } else { 1 };
    }
    bytes.into()
}

/// Looking up by id and by path agrees with a search of every row at every step. Of long tables, the youngest rows.
fn look_ups(table: &MountTable) {
    let rows: Vec<(MountId, MountId, PathBuf)> =
        table.iter().map(|row| (row.id(), row.parent(), row.mount_point().into_owned())).collect();
    if rows.len() > 16 {
        return;
    }
    for (id, _, path) in rows.iter().rev().take(4) {
        let last = table.iter().rev().find(|row| row.id() == *id).unwrap();
        assert_eq!(table.by_id(*id).unwrap().line(), last.line());
        // The rule is about clean paths.
        let path = clean_path(path);
        let Some(found) = walk(&rows, &path) else { continue };
        assert_eq!(table.mount_holding(&path).map(|row| row.id()), found.map(|at| rows[at].0));
        let exact = found.filter(|&at| rows[at].2 == *path);
        assert_eq!(table.mount_at(&path).map(|row| row.id()), exact.map(|at| rows[at].0));
        assert_eq!(table.mount_holding(path.strip_prefix("/").unwrap()).map(|row| row.id()), None);
    }
}

/// The row at the end of a walk: the inner `None` if there is none, the outer one if parents form a cycle. The walk
/// begins on the youngest row on `/` without a parent in the table, unless that is mounted over the root directory. A
/// mount over `/` is not entered; a row without its parent is at its mount point.
fn walk(rows: &[(MountId, MountId, PathBuf)], path: &Path) -> Option<Option<usize>> {
    let has_parent =
        |(id, parent, _): &(MountId, MountId, PathBuf)| parent != id && rows.iter().any(|(other, ..)| other == parent);
    let root = Path::new("/");
    let hides = |one: &(MountId, MountId, PathBuf), other: &(MountId, MountId, PathBuf)| {
        let above = other.2.ancestors().skip(1).any(|above| above != root && above.as_os_str() == one.2.as_os_str());
        one.1 == other.1 && other.0 != other.1 && above && !has_parent(one)
    };
    let is_hidden = |row: &(MountId, MountId, PathBuf)| rows.iter().any(|other| hides(other, row));
    let orphan_at = |place: &Path| {
        rows.iter().rposition(|row| !has_parent(row) && !is_hidden(row) && row.2.as_os_str() == place.as_os_str())
    };
    let lies_over = |at: usize| {
        let (id, parent, _) = &rows[at];
        id != parent && rows.iter().any(|row| row.1 == *parent && row.2.as_os_str() != root.as_os_str())
    };
    let mut current = orphan_at(root).filter(|&at| !lies_over(at));
    let mut prefixes: Vec<&Path> = path.ancestors().filter(|prefix| *prefix != root).collect();
    prefixes.reverse();
    let mut steps = 0;
    for prefix in prefixes {
        let child = |current: Option<usize>| {
            let above = rows[current?].0;
            rows.iter().rposition(|row| has_parent(row) && row.1 == above && row.2.as_os_str() == prefix.as_os_str())
        };
        for from in [None, orphan_at(prefix)] {
            current = from.or(current);
            while let Some(at) = child(current) {
                current = Some(at);
                steps += 1;
                if steps > rows.len() {
                    return None;
                }
            }
        }
    }
    Some(current)
}

/// A mount whose numbers and flags are the first bytes; the texts follow, with NUL between.
fn mount(data: &[u8]) -> MountInfo {
    let (numbers, texts) = data.split_at(data.len().min(32));
    let byte = |at: usize| numbers.get(at).copied().unwrap_or(0);
    let number = |at: usize| u32::from_le_bytes([byte(at), byte(at + 1), byte(at + 2), byte(at + 3)]);
    let mut info = MountInfo::new(MountId(number(0)), MountId(number(4)), DeviceNumber::new(number(8), number(12)));
    let each = [
        MountFlags::READ_ONLY,
        MountFlags::NO_SUID,
        MountFlags::NO_DEV,
        MountFlags::NO_EXEC,
        MountFlags::NO_SYMLINK_FOLLOW,
        MountFlags::NO_DIR_ATIME,
    ];
    let flags = (0..).zip(each).filter(|(bit, _)| byte(28) >> bit & 1 == 1);
    info.attributes = MountAttributes {
        flags: flags.fold(MountFlags::NONE, |all, (_, flag)| all | flag),
        atime: [AtimeMode::Relative, AtimeMode::Never, AtimeMode::Strict][usize::from(byte(29) % 3)],
    };
    info.idmapped = byte(30) & 1 == 1;
    info.propagation = PropagationState {
        peers: PeerGroup::new(number(16)),
        master: PeerGroup::new(number(20)),
        propagate_from: PeerGroup::new(number(24)),
        unbindable: byte(30) & 2 == 2,
    };
    let mut texts = texts.split(|&b| b == 0).map(|text| OsStr::from_bytes(text).to_owned());
    let mut text = || texts.next().unwrap_or_default();
    info.root = beginning_with("/", text()).into();
    info.mount_point = beginning_with("/", text()).into();
    info.fs_type = beginning_with("t", text());
    info.source = text();
    // The kernel writes `rw` or `ro` first. A filesystem writes its options in its own escaping, and never a newline.
    let own = text().as_bytes().split(|&b| b == b'\n').collect::<Vec<_>>().concat();
    info.options = beginning_with("rw", OsStr::from_bytes(&own).to_owned());
    info
}

fn beginning_with(start: &str, rest: OsString) -> OsString {
    let mut text = OsString::from(start);
    text.push(rest);
    text
}

fn printed(info: &MountInfo) {
    let line = info.to_line();
    assert_eq!(MountInfo::from_line(&line).as_ref(), Ok(info), "print then parse is identity");
    let mut as_text = info.clone();
    as_text.options = info.options.to_string_lossy().into_owned().into();
    assert_eq!(MountInfo::from_line(info.to_string().as_bytes()), Ok(as_text), "and so with the text of Display");
    let table = MountTable::from_mounts([info]);
    assert_eq!(table.len(), 1, "one mount is one line");
    assert_eq!(table.iter().next().unwrap().to_info(), *info);
}
