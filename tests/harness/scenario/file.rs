//! Scenario files: JSON Lines, optionally compressed.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;

use super::comparison::Elsewhere;
use super::scenario_record::Scenario;

/// The reason why a scenario file cannot be used.
#[derive(Debug)]
pub enum BadFile {
    /// It cannot be read.
    Unreadable {
        /// Its name
        file: String,
        /// Why
        error: io::Error,
    },
    /// A line is not a scenario.
    BadLine {
        /// Its name
        file: String,
        /// Counted from 1
        line: usize,
        /// Why
        error: String,
    },
    /// It holds no scenario.
    Empty {
        /// Its name
        file: String,
    },
}

impl fmt::Display for BadFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable { file, error } => write!(f, "cannot read {file}: {error}"),
            Self::BadLine { file, line, error } => write!(f, "{file}, line {line}: {error}"),
            Self::Empty { file } => write!(f, "{file} holds no scenario"),
        }
    }
}

impl std::error::Error for BadFile {}

/// The scenarios of a file; a name that ends in `.gz` is decompressed.
///
/// # Errors
///
/// [`BadFile`] where the file cannot be read, holds nothing, or a line of it is no scenario; the message names the unknown
/// operation or field.
pub fn read_scenarios(path: &Path) -> Result<Vec<Scenario>, BadFile> {
    let file = path.display().to_string();
    let text = read_text(path).map_err(|error| BadFile::Unreadable { file: file.clone(), error })?;
    scenarios_from_text(&file, &text)
}

fn read_text(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut text = String::new();
    if path.extension().is_some_and(|extension| extension == "gz") {
        MultiGzDecoder::new(file).read_to_string(&mut text)?;
    } else {
        file.read_to_string(&mut text)?;
    }
    Ok(text)
}

/// The scenarios of a text, one a line; empty lines are passed over. `file` is for the error's sake.
///
/// # Errors
///
/// [`BadFile`] where the text holds nothing, or a line of it is no scenario.
pub fn scenarios_from_text(file: &str, text: &str) -> Result<Vec<Scenario>, BadFile> {
    let mut scenarios = Vec::new();
    for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let bad = |error: String| BadFile::BadLine { file: file.to_owned(), line: index + 1, error };
        let scenario: Scenario = serde_json::from_str(line).map_err(|error| bad(without_position(&error)))?;
        if scenario.results.as_ref().is_some_and(|results| results.len() != scenario.ops.len()) {
            return Err(bad(format!("{}: `results` has not one entry for each of `ops`", scenario.name)));
        }
        if let Some(fault) = scenario.elsewhere.iter().find_map(Elsewhere::fault) {
            return Err(bad(format!("{}: `elsewhere`: {fault}", scenario.name)));
        }
        scenarios.push(scenario);
    }
    if scenarios.is_empty() {
        return Err(BadFile::Empty { file: file.to_owned() });
    }
    Ok(scenarios)
}

/// The error without its "at line 1 column 2": the line is always 1 here.
fn without_position(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let position = format!(" at line {} column {}", error.line(), error.column());
    match text.strip_suffix(&position) {
        Some(text) => format!("{text} (column {})", error.column()),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::scenarios_from_text;

    fn error_of(line: &str) -> String {
        scenarios_from_text("f", line).expect_err("the line is bad").to_string()
    }

    #[test]
    fn an_unknown_operation_is_named() {
        let error = error_of(r#"{"name":"n","setup":[],"ops":[{"op":"frobnicate","path":"/a"}]}"#);
        assert!(error.contains("f, line 1") && error.contains("frobnicate"), "{error}");
    }

    #[test]
    fn an_unknown_field_is_named() {
        let of_operation = error_of(r#"{"name":"n","setup":[],"ops":[{"op":"mkdir","path":"/a","depth":3}]}"#);
        assert!(of_operation.contains("depth"), "{of_operation}");
        let of_place = error_of(r#"{"name":"n","ops":[{"op":"mkdir","path":{"fd":"d","path":"","deep":1}}]}"#);
        assert!(of_place.contains("deep"), "{of_place}");
        let of_scenario = error_of(r#"{"name":"n","ops":[],"colour":"red"}"#);
        assert!(of_scenario.contains("colour"), "{of_scenario}");
    }

    #[test]
    fn an_unknown_word_is_named() {
        for (line, word) in [
            (r#"{"name":"n","ops":[{"op":"umount","target":"/a","flags":["gently"]}]}"#, "gently"),
            (r#"{"name":"n","ops":[{"op":"propagation","target":"/a","type":"public"}]}"#, "public"),
            (r#"{"name":"n","ops":[{"op":"mkdir","path":"/a","cred":"somebody"}]}"#, "somebody"),
            (r#"{"name":"n","ops":[{"op":"mkdir","path":"/a"}],"results":["EMAYBE"]}"#, "EMAYBE"),
        ] {
            let error = error_of(line);
            assert!(error.contains(word), "{error}");
        }
    }

    #[test]
    fn what_is_read_is_written_again() {
        let line = concat!(
            r#"{"name":"n","setup":[{"op":"mkdir","path":"/a"}],"ops":["#,
            r#"{"op":"propagation","target":"/a","type":["shared","ro"],"recursive":true},"#,
            r#"{"op":"setattr","target":{"fd":"t","path":""},"set":["rdonly"],"clear":["__atime"],"propagation":"slave"},"#,
            r#"{"op":"open","fd":null,"path":"/a","mode":"w","resolve":["beneath","no_xdev"]},"#,
            r#"{"op":"mkdir","path":"/b","cred":"nobody"}]}"#
        );
        let once = scenarios_from_text("f", line).expect("it is well formed");
        let written = serde_json::to_string(&once[0]).expect("it can be written");
        assert_eq!(written.len(), line.len(), "{written}");
        assert_eq!(scenarios_from_text("g", &written).expect("still well formed"), once);
    }
}
