//! The commands of fsconfig(2).

use std::ffi::OsStr;

/// A command of fsconfig(2) for a filesystem context.
#[derive(Clone, Copy, Debug)]
pub enum Config<'a> {
    /// `FSCONFIG_SET_FLAG`.
    Flag(&'a OsStr),
    /// `FSCONFIG_SET_STRING`: key and value.
    Text(&'a OsStr, &'a OsStr),
    /// `FSCONFIG_CMD_CREATE`.
    Create,
    /// `FSCONFIG_CMD_RECONFIGURE`.
    Reconfigure,
}
