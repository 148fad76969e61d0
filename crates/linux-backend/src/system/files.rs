//! Reads of open files.

use std::os::fd::OwnedFd;

use rustix::io::Errno;

use crate::syscalls::retry::MOST_ATTEMPTS;

/// The whole of an open file.
pub(super) fn read_all(file: &OwnedFd, room: usize) -> Result<Vec<u8>, Errno> {
    let mut text = Vec::with_capacity(room);
    let mut interrupted = 0;
    loop {
        if text.capacity() - text.len() < 4096 {
            text.reserve(text.capacity().max(4096));
        }
        match rustix::io::read(file, rustix::buffer::spare_capacity(&mut text)) {
            Ok(0) => return Ok(text),
            Ok(_) => {}
            Err(Errno::INTR) if interrupted < MOST_ATTEMPTS => interrupted += 1,
            Err(errno) => return Err(errno),
        }
    }
}

/// A filesystem's magic number; the field is signed on some architectures and 64 bits wide on others.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::unnecessary_cast, clippy::cast_possible_wrap)] // Every magic number has 32 bits; which of the casts do nothing depends on the architecture.
pub(super) fn magic(answer: &rustix::fs::StatFs) -> u32 {
    answer.f_type as u32
}

/// The flags of the mount (`ST_…`). Its type differs between architectures.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::unnecessary_cast)] // They are bits below 2^32.
pub(super) fn flags(answer: &rustix::fs::StatFs) -> u32 {
    answer.f_flags as u32
}
