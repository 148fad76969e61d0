//! A captured mount table.

use mountwright_core::MountTable;

use super::bad_input::BadInput;
use super::given_file::GivenFile;

/// Reads a captured `/proc/<pid>/mountinfo`. An odd line is an error here, unlike anywhere else: a host without one of
/// its mounts would be another host.
pub(crate) fn captured(file: &GivenFile) -> Result<MountTable, BadInput> {
    let table = MountTable::parse(file.bytes.clone());
    if let Some(odd) = table.odd_lines().first() {
        return Err(BadInput::new(format!("{}: {odd}", file.name)));
    }
    if table.mount_at("/".as_ref()).is_none() {
        return Err(BadInput::new(format!("{} has no mount on /", file.name)));
    }
    Ok(table)
}
