//! One namespace's table, from the kernel's text.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

use crate::scenario::CannotRun;
use crate::scenario::table_text::{TableRow, parse};

/// One namespace's mountinfo, held open.
///
/// The open file keeps the namespace alive: it has to be dropped before the namespace can end.
#[derive(Debug)]
pub(super) struct TableFile {
    file: File,
    text: String,
    /// The same mounts, parsed
    pub(super) rows: Vec<TableRow>,
}

impl TableFile {
    pub(super) fn new(file: File) -> Self {
        Self { file, text: String::new(), rows: Vec::new() }
    }

    /// Reads the table again. Returns true if it has changed.
    pub(super) fn refresh(&mut self) -> Result<bool, CannotRun> {
        let mut text = String::with_capacity(self.text.len() + 512);
        self.file
            .seek(SeekFrom::Start(0))
            .and_then(|_| self.file.read_to_string(&mut text))
            .map_err(|error| CannotRun::Broken(format!("reading mountinfo: {error}")))?;
        if text == self.text {
            return Ok(false);
        }
        self.rows = parse(&text)?;
        self.text = text;
        Ok(true)
    }
}
