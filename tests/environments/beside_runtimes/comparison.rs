//! The comparison of three runs, and the differences that are known.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use crate::bundle::Bundle;
use crate::runtimes::Runtime;

const MISSING: &str = "-";

/// A difference that is known: the names of bundle and row, in which `*` stands for any text, the three values, and the reason.
struct Exception {
    line: String,
    fields: [String; 5],
}

/// All of `exceptions.txt`.
pub(crate) struct Exceptions(Vec<Exception>);

impl Exceptions {
    /// The highest number of lines.
    pub(crate) const MOST: usize = 20;

    pub(crate) fn read(text: &str) -> Self {
        let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        let exception = |line: &str| {
            let fields: Vec<_> = line.split(" | ").map(|field| field.trim().to_owned()).collect();
            let [bundle, row, runc, crun, library, reason] = <[String; 6]>::try_from(fields).expect(line);
            assert!(!reason.is_empty(), "{line}: no reason");
            Exception { line: line.to_owned(), fields: [bundle, row, runc, crun, library] }
        };
        Self(lines.map(exception).collect())
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    fn position(&self, values: [&str; 5]) -> Option<usize> {
        self.0.iter().position(|known| known.fields.iter().zip(values).all(|(pattern, value)| matches(pattern, value)))
    }
}

/// True where a text is a pattern in which each `*` stands for any text.
fn matches(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((first, rest)) => text.strip_prefix(first).is_some_and(|text| {
            text.char_indices().map(|(at, _)| at).chain([text.len()]).any(|at| matches(rest, &text[at..]))
        }),
    }
}

#[derive(Default)]
struct Counts {
    bundles: usize,
    rows: usize,
    as_both: usize,
    as_one: usize,
    known: BTreeSet<usize>,
    differences: usize,
}

/// The judge of all bundles.
#[derive(Clone)]
pub(crate) struct Comparison {
    exceptions: Arc<Exceptions>,
    counts: Arc<Mutex<Counts>>,
}

impl Comparison {
    pub(crate) fn new(exceptions: Exceptions) -> Self {
        Self { exceptions: Arc::new(exceptions), counts: Arc::default() }
    }

    /// Runs a bundle by each runtime. Where runc and crun agree the library agrees; where they differ it equals one of them.
    /// Everything else is a line of the exceptions.
    pub(crate) fn judge(&self, bundle: &Bundle) -> Result<(), String> {
        let outcomes = Runtime::ALL.map(|runtime| runtime.run(bundle));
        let keys: BTreeSet<_> = outcomes.iter().flat_map(|rows| rows.keys()).collect();
        let mut counts = self.counts.lock().unwrap();
        counts.bundles += 1;
        let mut unexplained = Vec::new();
        for key in keys {
            let [runc, crun, library] = [0, 1, 2].map(|of| outcomes[of].get(key).map_or(MISSING, String::as_str));
            counts.rows += 1;
            if library == runc && library == crun {
                counts.as_both += 1;
            } else if runc != crun && (library == runc || library == crun) {
                counts.as_one += 1;
            } else if let Some(known) = self.exceptions.position([bundle.name(), key, runc, crun, library]) {
                counts.known.insert(known);
                counts.differences += 1;
            } else {
                unexplained.push(format!("{} | {key} | {runc} | {crun} | {library}", bundle.name()));
            }
        }
        if unexplained.is_empty() { Ok(()) } else { Err(unexplained.join("\n")) }
    }

    pub(crate) fn counts(&self) -> String {
        let Counts { bundles, rows, as_both, as_one, differences, known } = &*self.counts.lock().unwrap();
        format!(
            "beside runtimes: {bundles} bundles, {rows} rows: {as_both} as runc and crun, {as_one} as one of them, \
             {differences} known to differ by {} lines",
            known.len()
        )
    }

    pub(crate) fn unused_exceptions(&self) -> Vec<String> {
        let counts = self.counts.lock().unwrap();
        let all = self.exceptions.0.iter().enumerate();
        all.filter(|(number, _)| !counts.known.contains(number)).map(|(_, known)| known.line.clone()).collect()
    }
}
