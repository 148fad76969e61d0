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

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<MountTable, String> {
        captured(&GivenFile { name: "x".to_owned(), bytes: text.as_bytes().to_vec() }).map_err(|bad| bad.to_string())
    }

    #[test]
    fn a_table_needs_a_root_and_no_odd_line() {
        assert_eq!(read("1 0 0:1 / / rw - tmpfs t rw\n").unwrap().len(), 1);
        assert_eq!(read("").unwrap_err(), "x has no mount on /");
        assert_eq!(read("1 0 0:1 / /a rw - tmpfs t rw\n").unwrap_err(), "x has no mount on /");
        let odd = read("1 0 0:1 / / rw - tmpfs t rw\nnonsense\n").unwrap_err();
        assert_eq!(odd, "x: not a mountinfo line, the mount id is no number: \"nonsense\"");
    }
}
