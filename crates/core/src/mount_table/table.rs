//! A snapshot of all mounts of a namespace.

use std::borrow::Cow;
use std::collections::HashSet;
use std::ffi::OsStr;
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::OnceLock;

use crate::file::DeviceNumber;
use crate::mount::mountinfo_escape::{unescape, unescaped_text};
use crate::mount::{MountAttributes, MountId, MountInfo, PropagationState};
use crate::mount_table::OddLine;
use crate::mount_table::index::{ById, ByPlace};
use crate::mount_table::line::Columns;
use crate::mount_table::text::RowText;
use crate::path::swar::position_of;

/// All mounts that a process sees, as one text and rows that point into it.
///
/// * Rows stand in the kernel's order: by age. The last row of a path is *not* always the visible mount;
///   [`mount_at`](Self::mount_at) follows the parent ids.
/// * An unreadable line hides no other: it is in [`odd_lines`](Self::odd_lines) and the others are rows.
/// * Escapes are undone when a path is asked for. An index is built at the first look-up of its kind: by id, by place, by
///   parent.
/// * The kernel writes the table a page at a time, not atomically: mounts that appear or disappear during the read may
///   be missing.
///
/// ```
/// use mountwright_core::MountTable;
///
/// let table = MountTable::parse(
///     b"28 1 259:2 / / rw,relatime shared:1 - ext4 /dev/nvme0n1p2 rw\n\
///       95 28 0:45 / /mnt/team\\040share rw - nfs4 nas:/export rw\n",
/// );
/// let nas = table.mount_at("/mnt/team share".as_ref()).unwrap();
/// assert_eq!(nas.fs_type(), "nfs4");
/// assert_eq!(table.mount_holding("/mnt/else".as_ref()).unwrap().id().0, 28);
/// ```
pub struct MountTable {
    text: Box<[u8]>,
    rows: Vec<Row>,
    odd: Vec<OddLine>,
    by_id: OnceLock<ById>,
    by_parent: OnceLock<ById>,
    by_place: OnceLock<ByPlace>,
    root: OnceLock<Root>,
    /// The missing parent and the mount point of each row without its parent.
    orphans: OnceLock<HashSet<(MountId, Vec<u8>)>>,
}

/// The start of look-ups from the root directory.
#[derive(Clone, Copy)]
struct Root {
    /// The mount that holds `/`; `None` where it is not in the table (a root directory that is no mount point).
    row: Option<u32>,
    /// True where other rows have a parent that is not in the table.
    has_orphans: bool,
}

/// One line: its position in the text, and its ids.
#[derive(Clone, Copy)]
struct Row {
    start: u32,
    end: u32,
    id: MountId,
    parent: MountId,
}

impl MountTable {
    /// Reads the text of a mountinfo file.
    pub fn parse(text: impl Into<Vec<u8>>) -> Self {
        let text = text.into().into_boxed_slice();
        let mut rows = Vec::with_capacity(text.len() / 96);
        let mut odd = Vec::new();
        let mut start = 0;
        while start < text.len() {
            let end = position_of(b'\n', &text[start..]).map_or(text.len(), |length| start + length);
            let line = &text[start..end];
            match (Columns::split(line), u32::try_from(start), u32::try_from(end)) {
                (Ok(columns), Ok(from), Ok(to)) => {
                    rows.push(Row { start: from, end: to, id: columns.id, parent: columns.parent });
                }
                (Ok(_), ..) => odd.push(OddLine { line: line.to_vec(), reason: "it stands beyond 4 GiB of text" }),
                (Err(_), ..) if line.is_empty() => {}
                (Err(reason), ..) => odd.push(OddLine { line: line.to_vec(), reason }),
            }
            start = end + 1;
        }
        Self::of(text, rows, odd)
    }

    fn of(text: Box<[u8]>, rows: Vec<Row>, odd: Vec<OddLine>) -> Self {
        Self {
            text,
            rows,
            odd,
            by_id: OnceLock::new(),
            by_parent: OnceLock::new(),
            by_place: OnceLock::new(),
            root: OnceLock::new(),
            orphans: OnceLock::new(),
        }
    }

    /// The table of these mounts, in this order.
    pub fn from_mounts<'a>(mounts: impl IntoIterator<Item = &'a MountInfo>) -> Self {
        let mut text = Vec::new();
        for mount in mounts {
            mount.append_line(&mut text);
            text.push(b'\n');
        }
        Self::parse(text)
    }

    /// The text that it was read from.
    pub fn text(&self) -> &[u8] {
        &self.text
    }

    /// The lines that could not be read, in order. Empty lines are left out.
    pub fn odd_lines(&self) -> &[OddLine] {
        &self.odd
    }

    /// The number of mounts.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// True where there are none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Every mount, oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = MountRow<'_>> + ExactSizeIterator {
        self.rows.iter().map(|row| self.view(row))
    }

    /// The mount of this id.
    pub fn by_id(&self, id: MountId) -> Option<MountRow<'_>> {
        self.row_of(id).map(|row| self.view(self.row(row)))
    }

    /// The mounts whose parent is this mount, oldest first.
    pub fn children(&self, id: MountId) -> impl DoubleEndedIterator<Item = MountRow<'_>> {
        let on_it = self.rows_on(id).iter().map(|&row| self.row(row));
        // A root can be its own parent.
        on_it.filter(move |row| row.id != id).map(|row| self.view(row))
    }

    /// The mount that a look-up of `path` ends on, where `path` is its mount point: the topmost of a stack, and never
    /// one that another mount hides. `None` where `path` is no mount point, or relative.
    ///
    /// * `path` is taken as a text: clean, absolute, without symlinks.
    /// * A look-up begins at the process's root and never enters a mount over `/`, as in the kernel: such a mount and
    ///   all below it are unreachable by path. A table whose only row without its parent is at `/` is read as whole.
    /// * A row whose parent is not in the table lies on the mount that holds its mount point. Rows with the same missing
    ///   parent lie on one mount, so that one of them hides those below its mount point.
    pub fn mount_at(&self, path: &Path) -> Option<MountRow<'_>> {
        let row = self.mount_holding(path)?;
        (row.mount_point().as_ref() == path).then_some(row)
    }

    /// The mount that holds `path`: the last one that a look-up from the root down to it enters. The same rules apply
    /// as for [`mount_at`](Self::mount_at).
    pub fn mount_holding(&self, path: &Path) -> Option<MountRow<'_>> {
        let bytes = path.as_os_str().as_bytes();
        if bytes.first() != Some(&b'/') {
            return None;
        }
        let root = self.root.get_or_init(|| self.find_root());
        let mut current = root.row;
        for end in prefix_ends(bytes).skip(1) {
            let prefix = &bytes[..end];
            current = current.map(|row| self.topmost_on(row, prefix));
            let orphan = if root.has_orphans { self.child_at(None, prefix) } else { None };
            current = orphan.map(|row| self.topmost_on(row, prefix)).or(current);
        }
        current.map(|row| self.view(self.row(row)))
    }

    /// The last of the rows that lie on this one at a place, one on the other; this one where there are none.
    fn topmost_on(&self, row: u32, place: &[u8]) -> u32 {
        let mut current = row;
        // A kernel has no cycle of parents, but a text can: no more steps than rows.
        for _ in 0..self.rows.len() {
            let Some(child) = self.child_at(Some(self.row(current).id), place) else { break };
            current = child;
        }
        current
    }

    /// The latest row on `/` whose parent is not in the table. Where that parent has other children, it is itself the mount
    /// that the root directory is on, and the row lies over `/`.
    fn find_root(&self) -> Root {
        let at_root = self.child_at(None, b"/");
        let has_orphans = || self.rows.iter().any(|row| self.known_parent(row).is_none() && !self.is_on_root(row));
        let row = at_root.filter(|&row| {
            let Row { id, parent, .. } = *self.row(row);
            id == parent || self.rows_on(parent).iter().all(|&other| self.is_on_root(self.row(other)))
        });
        Root { row, has_orphans: has_orphans() }
    }

    fn is_on_root(&self, row: &Row) -> bool {
        Columns::mount_point(self.line(row)) == b"/"
    }

    fn rows_on(&self, id: MountId) -> &[u32] {
        let by_parent = self.by_parent.get_or_init(|| ById::new(self.rows.iter().map(|row| row.parent)));
        by_parent.rows(id, |row| self.row(row).parent)
    }

    fn row(&self, number: u32) -> &Row {
        &self.rows[number as usize]
    }

    fn view(&self, row: &Row) -> MountRow<'_> {
        let line = self.line(row);
        let columns = Columns::split(line).expect("a row is a line that was split before");
        MountRow { columns, line }
    }

    fn row_of(&self, id: MountId) -> Option<u32> {
        let by_id = self.by_id.get_or_init(|| ById::new(self.rows.iter().map(|row| row.id)));
        by_id.rows(id, |row| self.row(row).id).last().copied()
    }

    /// The latest row at `path` on the mount `parent`; `None` stands for every parent that is not in the table.
    fn child_at(&self, parent: Option<MountId>, path: &[u8]) -> Option<u32> {
        let place = |row: &Row| (self.known_parent(row), unescape(Columns::mount_point(self.line(row))));
        let by_place = self.by_place.get_or_init(|| ByPlace::new(self.rows.iter().map(place)));
        by_place.latest(parent, path, |row| {
            let (its_parent, its_path) = place(self.row(row));
            its_parent == parent && *its_path == *path
        })
    }

    /// `None`: the row lies where its mount point is. A row below another one of the same missing parent lies on that one's
    /// parent, which no look-up reaches.
    fn known_parent(&self, row: &Row) -> Option<MountId> {
        if self.is_orphan(row) && !self.is_below_a_sibling(row) { None } else { Some(row.parent) }
    }

    fn is_orphan(&self, row: &Row) -> bool {
        row.parent == row.id || self.row_of(row.parent).is_none()
    }

    fn is_below_a_sibling(&self, row: &Row) -> bool {
        let point = unescape(Columns::mount_point(self.line(row)));
        let siblings = self.rows_on(row.parent);
        if siblings.len() < 2 || row.parent == row.id {
            return false;
        }
        let places = self.orphans.get_or_init(|| self.places_of_orphans());
        let above = prefix_ends(&point).skip(1).filter(|&end| end < point.len());
        above.map(|end| (row.parent, point[..end].to_vec())).any(|place| places.contains(&place))
    }

    fn places_of_orphans(&self) -> HashSet<(MountId, Vec<u8>)> {
        let orphans = self.rows.iter().filter(|row| self.is_orphan(row));
        orphans.map(|row| (row.parent, unescape(Columns::mount_point(self.line(row))).into_owned())).collect()
    }

    fn line(&self, row: &Row) -> &[u8] {
        &self.text[row.start as usize..row.end as usize]
    }
}

/// The position at which each prefix of a clean absolute path ends: `/`, `/a`, `/a/b`.
fn prefix_ends(path: &[u8]) -> impl Iterator<Item = usize> {
    let inner = (1..path.len()).filter(|&at| path[at] == b'/');
    std::iter::once(1).chain(inner).chain((path.len() > 1).then_some(path.len()))
}

impl fmt::Debug for MountTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter().map(|row| String::from_utf8_lossy(row.line).into_owned())).finish()
    }
}

impl Clone for MountTable {
    fn clone(&self) -> Self {
        Self::of(self.text.clone(), self.rows.clone(), self.odd.clone())
    }
}

/// One mount of a [`MountTable`], borrowed from its text.
#[derive(Clone, Copy)]
pub struct MountRow<'a> {
    columns: Columns<'a>,
    line: &'a [u8],
}

impl<'a> MountRow<'a> {
    /// The classic id.
    pub fn id(&self) -> MountId {
        self.columns.id
    }

    /// The mount that it is mounted on.
    pub fn parent(&self) -> MountId {
        self.columns.parent
    }

    /// The device number of its filesystem.
    pub fn device(&self) -> DeviceNumber {
        self.columns.device
    }

    /// The directory or file of the filesystem that is mounted.
    pub fn root(&self) -> Cow<'a, Path> {
        path(self.columns.root)
    }

    /// The mount point.
    pub fn mount_point(&self) -> Cow<'a, Path> {
        path(self.columns.mount_point)
    }

    /// Its attributes.
    pub fn attributes(&self) -> MountAttributes {
        self.columns.attributes()
    }

    /// Its propagation.
    pub fn propagation(&self) -> PropagationState {
        self.columns.propagation()
    }

    /// The type of its filesystem.
    pub fn fs_type(&self) -> RowText<'a> {
        RowText(unescaped_text(self.columns.fs_type))
    }

    /// The source that the filesystem reports.
    pub fn source(&self) -> RowText<'a> {
        RowText(unescaped_text(self.columns.source))
    }

    /// The options of its superblock.
    pub fn options(&self) -> &'a OsStr {
        OsStr::from_bytes(self.columns.options)
    }

    /// The line of mountinfo, without its newline.
    pub fn line(&self) -> &'a [u8] {
        self.line
    }

    /// An owned copy of all fields.
    pub fn to_info(&self) -> MountInfo {
        self.columns.to_info()
    }
}

impl fmt::Debug for MountRow<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(OsStr::from_bytes(self.line), f)
    }
}

fn path(bytes: &[u8]) -> Cow<'_, Path> {
    match unescaped_text(bytes) {
        Cow::Borrowed(text) => Cow::Borrowed(Path::new(text)),
        Cow::Owned(text) => Cow::Owned(text.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(lines: &[&str]) -> MountTable {
        MountTable::parse(lines.join("\n"))
    }

    fn at(table: &MountTable, path: &str) -> Option<u32> {
        table.mount_at(Path::new(path)).map(|row| row.id().0)
    }

    #[test]
    fn topmost_by_parent_chain_not_by_order() {
        // 3 was moved beneath 2 (move_mount, MOVE_MOUNT_BENEATH) and is listed last.
        let table =
            table(&["1 0 8:1 / / rw - ext4 a rw", "2 3 0:2 / /m rw - tmpfs top rw", "3 1 0:3 / /m rw - tmpfs low rw"]);
        assert_eq!(at(&table, "/m"), Some(2));
    }

    #[test]
    fn a_hidden_mount_is_not_found_at_its_path() {
        let table = table(&[
            "1 0 8:1 / / rw - ext4 a rw",
            "2 1 0:2 / /m rw - tmpfs below rw",
            "3 2 0:3 / /m/x rw - tmpfs hidden rw",
            "4 2 0:4 / /m rw - tmpfs cover rw",
        ]);
        assert_eq!(at(&table, "/m"), Some(4));
        assert_eq!(at(&table, "/m/x"), None);
        assert_eq!(table.mount_holding(Path::new("/m/x/y")).unwrap().id().0, 4);
        assert_eq!(table.by_id(MountId(3)).unwrap().source().into_owned(), "hidden");
    }

    #[test]
    fn children_are_found_by_their_parent_and_a_root_is_not_its_own() {
        let table = table(&[
            "1 1 8:1 / / rw - ext4 a rw",
            "5 1 0:5 / /m rw - tmpfs five rw",
            "2 5 0:2 / /m/n rw - tmpfs two rw",
            "3 1 0:3 / /o rw - tmpfs three rw",
        ]);
        let children = |id| table.children(MountId(id)).map(|row| row.id().0).collect::<Vec<_>>();
        assert_eq!(children(1), [5, 3]);
        assert_eq!((children(5), children(2), children(7)), (vec![2], vec![], vec![]));
    }

    #[test]
    fn of_two_rows_of_the_same_id_or_place_the_later_counts() {
        let table =
            table(&["1 0 8:1 / / rw - ext4 a rw", "1 0 8:2 / / rw - ext4 b rw", "2 1 0:2 / /\\040 rw - t s rw"]);
        assert_eq!(table.by_id(MountId(1)).unwrap().source().into_owned(), "b");
        assert_eq!(table.mount_at(Path::new("/")).unwrap().source().into_owned(), "b");
        assert_eq!(at(&table, "/ "), Some(2));
    }

    #[test]
    fn a_chrooted_table_without_a_root_row_works() {
        let table = table(&["7 3 0:2 / /data rw - tmpfs t rw"]);
        assert_eq!(at(&table, "/data"), Some(7));
        assert_eq!(at(&table, "/"), None);
    }

    #[test]
    fn one_odd_line_hides_no_other() {
        let table = table(&["garbage", "1 0 8:1 / / rw - ext4 a rw", "", "2 1 0:2 / /m rw - tmpfs  rw"]);
        assert_eq!((table.len(), table.odd_lines().len()), (2, 1));
        assert_eq!(at(&table, "/m"), Some(2));
    }

    #[test]
    fn a_cycle_of_parents_ends() {
        let table = table(&["1 2 0:1 / / rw - t a rw", "2 1 0:2 / / rw - t b rw"]);
        assert_eq!(at(&table, "/"), None);
        assert_eq!(at(&super::MountTable::parse("1 1 0:1 / / rw - t a rw"), "/"), Some(1));
    }

    #[test]
    fn a_mount_over_the_root_is_never_entered() {
        let table = table(&[
            "25 0 253:0 / / rw - ext4 /dev/vda rw",
            "26 25 0:5 / /proc rw - proc proc rw",
            "99 25 0:50 / / rw - tmpfs over rw",
            "100 99 0:51 / /x rw - tmpfs hidden rw",
        ]);
        assert_eq!((at(&table, "/"), at(&table, "/proc"), at(&table, "/x")), (Some(25), Some(26), None));
        assert_eq!(table.mount_holding(Path::new("/x/y")).unwrap().id().0, 25);
    }

    #[test]
    fn in_a_root_that_is_no_mount_point_a_mount_over_it_is_not_entered() {
        let table = table(&["99 25 0:50 / / rw - tmpfs over rw", "26 25 0:5 / /proc rw - proc proc rw"]);
        assert_eq!((at(&table, "/"), at(&table, "/proc")), (None, Some(26)));
    }

    #[test]
    fn a_row_below_another_one_of_the_same_missing_parent_is_not_reached() {
        let table = table(&[
            "1 0 8:1 / / rw - ext4 a rw",
            "2 9 0:2 / /a rw - tmpfs a rw",
            "3 9 0:3 / /b rw - tmpfs b rw",
            "4 9 0:4 / /a/x rw - tmpfs hidden rw",
        ]);
        assert_eq!((at(&table, "/a"), at(&table, "/b"), at(&table, "/a/x")), (Some(2), Some(3), None));
    }

    #[test]
    fn a_row_without_its_parent_lies_where_its_mount_point_is() {
        let table = table(&[
            "1 0 8:1 / / rw - ext4 a rw",
            "847 747 0:104 / /var/x rw - zfs tank rw",
            "848 847 0:105 / /var/x/y rw - zfs tank/y rw",
            "2 1 0:2 / /var rw - tmpfs t rw",
        ]);
        assert_eq!((at(&table, "/var"), at(&table, "/var/x"), at(&table, "/var/x/y")), (Some(2), Some(847), Some(848)));
        assert_eq!(table.mount_holding(Path::new("/var/z")).unwrap().id().0, 2);
    }

    #[test]
    fn rows_with_one_missing_parent_lie_on_one_mount() {
        let table = table(&[
            "1 0 8:1 / / rw - ext4 a rw",
            "2 1 0:2 / /a rw - tmpfs known rw",
            "5 9 0:5 / /a/b rw - tmpfs hidden rw",
            "4 9 0:4 / /a rw - tmpfs over rw",
            "6 8 0:6 / /a/b rw - tmpfs other rw",
            "7 9 0:7 / /ab rw - tmpfs beside rw",
        ]);
        assert_eq!((at(&table, "/a"), at(&table, "/a/b"), at(&table, "/ab")), (Some(4), Some(6), Some(7)));
    }

    #[test]
    fn a_row_below_another_of_the_same_missing_parent_is_not_reached() {
        let table = table(&[
            "1 0 8:1 / / rw - ext4 a rw",
            "5 9 0:5 / /a/b rw - tmpfs hidden rw",
            "4 9 0:4 / /a rw - tmpfs over rw",
        ]);
        assert_eq!((at(&table, "/a"), at(&table, "/a/b")), (Some(4), None));
        assert_eq!(table.mount_holding(Path::new("/a/b/c")).unwrap().id().0, 4);
    }

    #[test]
    fn a_relative_path_is_nowhere() {
        assert_eq!(at(&table(&["1 0 8:1 / / rw - ext4 a rw"]), "m"), None);
    }

    #[test]
    fn printing_gives_back_what_was_read() {
        let lines = "28 1 259:2 / / rw,relatime shared:1 - ext4 /dev/nvme0n1p2 rw,discard\n\
                     96 28 0:46 / /mnt/no-source rw,relatime shared:51 - tmpfs  rw,inode64\n\
                     120 28 0:67 / /mnt/caf\u{e9} rw,relatime - tmpfs back\\134slash\\043 rw\n";
        let table = MountTable::parse(lines);
        let infos: Vec<_> = table.iter().map(|row| row.to_info()).collect();
        assert_eq!(MountTable::from_mounts(&infos).text(), lines.as_bytes());
    }

    #[test]
    fn row_returns_each_column_unchanged() {
        let line = "95 28 0:45 /a\\040b /mnt/nas ro,noatime shared:50 - fuse.s\\040x nas:/team rw,vers=4";
        let table = MountTable::parse(line);
        let row = table.iter().next().unwrap();
        assert_eq!((row.line(), &*row.fs_type()), (line.as_bytes(), OsStr::new("fuse.s x")));
        assert_eq!((&*row.source(), row.options()), (OsStr::new("nas:/team"), OsStr::new("rw,vers=4")));
        assert_eq!(row.attributes(), row.to_info().attributes);
        assert!(row.attributes().flags.contains(crate::mount::MountFlags::READ_ONLY));
        assert!(!table.is_empty() && MountTable::parse("\n").is_empty());
    }
}
