//! An input file, or the built-in sample.

use std::path::Path;

use mountwright_tests::show::printable;

use super::bad_input::BadInput;

/// The bytes of a file, and its name for messages.
#[derive(Debug)]
pub(crate) struct GivenFile {
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
}

impl GivenFile {
    pub(crate) fn read(path: &Path) -> Result<Self, BadInput> {
        let name = printable(path);
        match std::fs::read(path) {
            Ok(bytes) => Ok(Self { name, bytes }),
            Err(error) => Err(BadInput::new(format!("cannot read {name}: {error}"))),
        }
    }

    pub(crate) fn read_or(path: Option<&Path>, sample_name: &str, sample: &[u8]) -> Result<Self, BadInput> {
        match path {
            Some(path) => Self::read(path),
            None => Ok(Self { name: format!("the embedded {sample_name}"), bytes: sample.to_vec() }),
        }
    }
}
