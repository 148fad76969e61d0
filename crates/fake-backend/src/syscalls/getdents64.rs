//! `getdents64`.

use mountwright_core::Errno;

use crate::abi::{
    DT_BLK, DT_CHR, DT_DIR, DT_FIFO, DT_LNK, DT_REG, DT_SOCK, S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFLNK, S_IFSOCK,
};
use crate::model::machine::Machine;
use crate::model::objects::dentry::Name;
use crate::model::objects::inode::{Content, Inode};
use crate::model::objects::path::Place;
use crate::model::objects::pid::Pid;

/// One directory entry (`struct linux_dirent64`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dirent {
    /// The inode number of the name, not of a mount on it.
    pub ino: u64,
    /// The position of the next entry, for `seek`.
    pub offset: u64,
    /// `DT_*`.
    pub kind: u8,
    /// The name; `.` and `..` come first.
    pub name: Vec<u8>,
}

impl Machine {
    /// `getdents64` with a buffer of `size` bytes: the next entries that fit; none at the end.
    ///
    /// # Errors
    /// `EBADF`, `ENOTDIR`; `ENOENT`: the directory was removed (a C library reads that as the end). `EINVAL`: too small for
    /// one entry.
    pub fn getdents64(&mut self, pid: Pid, fd: i32, size: usize) -> Result<Vec<Dirent>, Errno> {
        let key = self.file_key(pid, fd)?;
        let file = &self.files[key];
        file.check_usable()?;
        let (place, mut position, mut last) = (file.place, file.position, file.last_name.clone());
        if !self.is_directory(place) {
            return Err(Errno::ENOTDIR);
        }
        self.ask_server_of(pid, place)?;
        if self.inodes[self.dentries[place.dentry].inode].dead {
            return Err(Errno::ENOENT);
        }
        let mut entries = Vec::new();
        let mut left = size;
        while let Some((name, ino, kind)) = self.entry_at(place, position, last.as_ref())? {
            // Header, name and its NUL, in steps of eight bytes.
            let length = (19 + name.len() + 1).next_multiple_of(8);
            if length > left {
                if entries.is_empty() {
                    return Err(Errno::EINVAL);
                }
                break;
            }
            left -= length;
            position += 1;
            last = (position > 2).then(|| Name::new(&name));
            entries.push(Dirent { ino, offset: position, kind, name });
        }
        let file = &mut self.files[key];
        file.position = position;
        file.last_name = last;
        Ok(entries)
    }
}

impl Machine {
    /// The entry at a position: after the name that was last given, or counted from the start after a seek.
    fn entry_at(
        &mut self,
        place: Place,
        position: u64,
        last: Option<&Name>,
    ) -> Result<Option<(Vec<u8>, u64, u8)>, Errno> {
        let dentry = &self.dentries[place.dentry];
        let inode = &self.inodes[dentry.inode];
        match position {
            0 => return Ok(Some((b".".to_vec(), inode.number, DT_DIR))),
            1 => {
                let parent = &self.inodes[self.dentries[dentry.parent].inode];
                return Ok(Some((b"..".to_vec(), parent.number, DT_DIR)));
            }
            _ => {}
        }
        let skip = usize::try_from(position - 2).unwrap_or(usize::MAX);
        if let Content::Proc(node) = &inode.content {
            let made = self.proc_names(node.what);
            let built = node.names.iter().filter(|&(_, &known)| !matches!(self.content(known), Content::Proc(_)));
            let built = built.map(|(name, _)| name.bytes().to_vec()).filter(|name| !made.contains(name));
            let Some(name) = made.iter().cloned().chain(built).nth(skip) else { return Ok(None) };
            let found = self.find_in_proc(place.dentry, &name)?;
            return Ok(found.map(|found| {
                let inode = &self.inodes[self.dentries[found].inode];
                (name, inode.number, kind_of(inode))
            }));
        }
        let Some(names) = inode.names() else { return Err(Errno::ENOTDIR) };
        let next = match last {
            Some(last) => names.after(last.bytes()).next(),
            None => names.iter().nth(skip),
        };
        Ok(next.map(|(name, &found)| {
            let inode = &self.inodes[self.dentries[found].inode];
            (name.bytes().to_vec(), inode.number, kind_of(inode))
        }))
    }
}

fn kind_of(inode: &Inode) -> u8 {
    match inode.content.file_type() {
        S_IFDIR => DT_DIR,
        S_IFLNK => DT_LNK,
        S_IFBLK => DT_BLK,
        S_IFCHR => DT_CHR,
        S_IFIFO => DT_FIFO,
        S_IFSOCK => DT_SOCK,
        _ => DT_REG,
    }
}
