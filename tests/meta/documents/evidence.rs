//! The evidence that a page gives for a line.

/// Evidence that can be run again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Evidence {
    /// A test function
    Function(String),
    /// A target of the package of tests
    Lane(String),
    /// A case of a target with cases of its own, or the beginning of its name
    Case(String),
    /// A recorded history; one that ends in `…` is the beginning of several names
    Scenario(String),
}

impl Evidence {
    /// All evidence in a cell: `` `a_function` ``, `` `lane`: "a case" ``, `` `sem/a/scenario` ``. Other words in
    /// backticks are code.
    pub(crate) fn all_in(cell: &str) -> Vec<Self> {
        let quoted = between(cell, '"').map(|case| Self::Case(case.to_owned()));
        between(cell, '`').filter_map(Self::of_code).chain(quoted).collect()
    }

    fn of_code(code: &str) -> Option<Self> {
        let is_name = |text: &str| text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
        let last = code.rsplit("::").next().unwrap_or(code);
        if ["sem/", "errno/", "container/"].iter().any(|folder| code.starts_with(folder)) {
            Some(Self::Scenario(code.to_owned()))
        } else if code.split("::").all(is_name) && (last.matches('_').count() > 1 || code.contains("::")) {
            Some(Self::Function(last.to_owned()))
        } else if is_name(code) && !code.is_empty() {
            Some(Self::Lane(code.to_owned()))
        } else {
            None
        }
    }
}

fn between(text: &str, mark: char) -> impl Iterator<Item = &str> {
    text.split(mark).skip(1).step_by(2)
}
