//! An error as a JSON object.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use mountwright_core::Error;
use mountwright_tests::show::put_path;
use serde_json::{Map, Value, json};

/// The object that is printed for an error; `docs/ask.md` describes each field.
pub(crate) fn error_json(question: &str, error: &Error) -> Value {
    let mut fields = Map::new();
    fields.insert("kind".to_owned(), json!(kind(error)));
    fields.insert("message".to_owned(), json!(error.to_string()));
    fields.insert("errno".to_owned(), json!(error.errno().map(|errno| errno.to_string())));
    fields.insert("errno_number".to_owned(), json!(error.errno().map(mountwright_core::Errno::raw)));
    match error {
        Error::Os(error) => {
            fields.insert("operation".to_owned(), json!(error.operation().to_string()));
            fields.insert("step".to_owned(), json!(error.step()));
            if let Some(path) = error.path() {
                put_path(&mut fields, "path", path);
            }
            fields.insert("left".to_owned(), error.left().iter().map(ToString::to_string).collect());
        }
        Error::MountPointNotFound { path }
        | Error::NotShared { path }
        | Error::NotAMountPoint { path }
        | Error::OutsideRoot { path } => {
            put_path(&mut fields, "path", path);
        }
        Error::NotUtf8 { bytes } => put_path(&mut fields, "path", OsStr::from_bytes(bytes)),
        _ => {}
    }
    json!({ "question": question, "error": fields })
}

/// The name of the error's variant.
fn kind(error: &Error) -> &'static str {
    match error {
        Error::Unspecified { .. } => "Unspecified",
        Error::MountPointNotFound { .. } => "MountPointNotFound",
        Error::NotShared { .. } => "NotShared",
        Error::NotAMountPoint { .. } => "NotAMountPoint",
        Error::OutsideRoot { .. } => "OutsideRoot",
        Error::NotUtf8 { .. } => "NotUtf8",
        Error::WrongPropagation(_) => "WrongPropagation",
        Error::InvalidPath(_) => "InvalidPath",
        Error::Os(_) => "Os",
        // No query here returns the other kinds.
        _ => "Other",
    }
}
