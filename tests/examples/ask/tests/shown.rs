//! A mount table as it is printed. Its expected form is kept with the story's (`tests/examples/sandbox/tests/shown`).

use libtest_mimic::Failed;
use mountwright_tests::show::{Terminal, width_of};

use super::{Case, asking, command};

pub(crate) fn cases() -> Vec<Case> {
    vec![Case { name: "shown: table --tree fits its terminal".to_owned(), needs: None, run: Box::new(|_| fits()) }]
}

fn fits() -> Result<(), Failed> {
    for width in [20, 40, 80, 200] {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let words = asking::words(["ask", "table", "--tree"]);
        let status = command::run(words, Terminal { width: Some(width), colour: false }, &mut out, &mut err);
        let text = String::from_utf8(out)?;
        if status != 0 || text.lines().any(|line| width_of(line) > width) {
            return Err(format!("in {width} columns, status {status}:\n{text}").into());
        }
    }
    Ok(())
}
