//! The findings of the searches, printed at the end.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use crate::contract_errnos;
use crate::search::Found;

/// Points and violations of each search of each story.
#[derive(Clone, Default)]
pub(crate) struct Table {
    found: Rows<(usize, usize)>,
}

/// By story and search.
type Rows<T> = Arc<Mutex<BTreeMap<&'static str, BTreeMap<&'static str, T>>>>;

impl Table {
    pub(crate) fn add(&self, story: &'static str, search: &'static str, found: &Found) {
        let mut rows = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        let cell = rows.entry(story).or_default().entry(search).or_default();
        *cell = (cell.0 + found.points, cell.1 + found.violations.len());
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        let mut sums: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
        for (story, searches) in rows.iter() {
            write!(f, "{story}:")?;
            for (search, (points, violations)) in searches {
                write!(f, " {points} {search}, {violations} violations;")?;
                let sum = sums.entry(search).or_default();
                *sum = (sum.0 + points, sum.1 + violations);
            }
            writeln!(f)?;
        }
        for (search, (points, violations)) in sums {
            writeln!(f, "all: {points} {search}, {violations} violations")?;
        }
        let (methods, values) = contract_errnos::size();
        writeln!(f, "the contract lists {values} answers besides success, of {methods} methods")
    }
}
