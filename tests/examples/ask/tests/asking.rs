//! Asking, in this process.

use std::ffi::{OsStr, OsString};

use libtest_mimic::Failed;
use mountwright_tests::show::Terminal;
use serde_json::Value;

use super::command;

/// The output and status of one run of `ask`.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) out: String,
    pub(crate) err: String,
    pub(crate) status: u8,
}

/// Asks as the command line would.
pub(crate) fn ask(words: &[OsString]) -> Asked {
    let arguments = std::iter::once(OsString::from("ask")).chain(words.iter().cloned()).collect();
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let status = command::run(arguments, Terminal::PIPE, &mut out, &mut err);
    let text = |bytes| String::from_utf8(bytes).unwrap_or_else(|error| format!("not UTF-8: {error}"));
    Asked { out: text(out), err: text(err), status }
}

/// Asks for JSON, which must be one object on one line.
pub(crate) fn ask_json(words: &[OsString]) -> Result<(Value, Asked), Failed> {
    let words: Vec<OsString> = words.iter().cloned().chain([OsString::from("--json")]).collect();
    let asked = ask(&words);
    match serde_json::from_str(&asked.out) {
        Ok(object @ Value::Object(_)) if asked.out.lines().count() == 1 => Ok((object, asked)),
        _ => Err(format!("not one JSON object: {asked:?}").into()),
    }
}

/// The words of a command line.
pub(crate) fn words<const N: usize>(words: [&(impl AsRef<OsStr> + ?Sized); N]) -> Vec<OsString> {
    words.iter().map(|word| word.as_ref().to_owned()).collect()
}

/// Fails unless every field of `expected` is in `found`, equal; objects within likewise.
pub(crate) fn must_hold(expected: &Value, found: &Value) -> Result<(), Failed> {
    let fields = expected.as_object().into_iter().flatten();
    for (field, expected) in fields {
        match found.get(field) {
            Some(found @ Value::Object(_)) if expected.is_object() => must_hold(expected, found)?,
            Some(found) if found == expected => {}
            other => return Err(format!("{field}: expected {expected}, found {other:?}; the whole: {found}").into()),
        }
    }
    Ok(())
}
