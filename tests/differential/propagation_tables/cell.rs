//! One cell of a table.

use mountwright_core::Errno;
use mountwright_tests::scenario::{Operation, Outcome, Recording, Scenario, Step};

use crate::picture::Picture;

/// A setup, an operation on it, and the result by the document.
pub(crate) struct Cell {
    pub(crate) name: String,
    pub(crate) setup: Vec<Operation>,
    /// The state after `setup`
    pub(crate) before: Picture,
    pub(crate) operation: Operation,
    /// The state after the operation; an errno if nothing may change
    pub(crate) after: Result<Picture, Errno>,
}

impl Cell {
    pub(crate) fn scenario(&self) -> Scenario {
        let setup = self.setup.iter().cloned().map(Step::new).collect();
        Scenario::new(&self.name, setup, vec![Step::new(self.operation.clone())])
    }

    /// # Errors
    /// The differences, as text.
    pub(crate) fn judge(&self, recording: &Recording) -> Result<(), String> {
        let seen = |index| Picture::of(recording.tables_after(index).ok_or("there is no table")?);
        agree("before", &self.before, seen(-1)?)?;
        let (result, after) = match &self.after {
            Ok(after) => (Outcome::Ok, after),
            Err(errno) => (Outcome::Failed(*errno), &self.before),
        };
        if recording.results != [result] {
            return Err(format!("the document says {result}; it answers {:?}", recording.results));
        }
        agree("after", after, seen(0)?)
    }
}

fn agree(when: &str, said: &Picture, seen: Picture) -> Result<(), String> {
    let (said, seen) = (said.clone().renamed(), seen.renamed());
    if said == seen {
        return Ok(());
    }
    Err(format!("{when}, the document says{said}\nit is{seen}"))
}
