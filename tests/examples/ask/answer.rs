//! The result of a question.

use std::ffi::OsStr;

use mountwright_tests::show::{Terminal, TextTable, put_path};
use serde_json::{Map, Value, json};

/// A result, as text and as JSON.
pub(crate) struct Answer {
    text: Text,
    fields: Map<String, Value>,
    refusal: Option<String>,
}

enum Text {
    Lines(String),
    Table(TextTable),
}

impl Answer {
    /// Lines for a person.
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self { text: Text::Lines(text.into()), fields: Map::new(), refusal: None }
    }

    /// A table for a person.
    pub(crate) fn table(table: TextTable) -> Self {
        Self { text: Text::Table(table), fields: Map::new(), refusal: None }
    }

    /// Yes or no, and why.
    pub(crate) fn yes_or_no(field: &str, yes: bool, why: &str) -> Self {
        let word = if yes { "yes" } else { "no" };
        Self::new(format!("{word}: {why}")).with(field, yes).with("reason", why)
    }

    /// The same, with a field for JSON.
    pub(crate) fn with(mut self, field: &str, value: impl Into<Value>) -> Self {
        self.fields.insert(field.to_owned(), value.into());
        self
    }

    /// The same, with a field that is a path or another name of the kernel's.
    pub(crate) fn with_path(mut self, field: &str, path: impl AsRef<OsStr>) -> Self {
        put_path(&mut self.fields, field, path);
        self
    }

    /// The same, with all these fields.
    pub(crate) fn with_all(mut self, fields: Map<String, Value>) -> Self {
        self.fields.extend(fields);
        self
    }

    /// The same, of a request that was refused.
    pub(crate) fn refused(self, why: impl Into<String>) -> Self {
        Self { refusal: Some(why.into()), ..self }
    }

    pub(crate) fn refusal(&self) -> Option<&str> {
        self.refusal.as_deref()
    }

    pub(crate) fn to_text(&self, terminal: Terminal) -> String {
        match &self.text {
            Text::Lines(lines) => lines.lines().map(|line| terminal.line(line) + "\n").collect(),
            Text::Table(table) => table.render(terminal),
        }
    }

    pub(crate) fn to_json(&self, question: &str) -> Value {
        let mut object = Map::new();
        object.insert("question".to_owned(), json!(question));
        object.extend(self.fields.clone());
        object.into()
    }
}
