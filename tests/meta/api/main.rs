//! The public API of each crate, compared with `docs/api`, so that every change of it shows.
//!
//! It is read from the sources, so that it is the same wherever the tests run: the items of public modules, without bodies and
//! private items, with attributes. Items that a macro makes are listed where the macro has one rule with one repetition;
//! other macros are listed as they are called. With `--count` the lane prints the numbers of public names instead.

mod expansion;
mod public_items;
mod public_part;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};
use mountwright_tests::snapshot::must_be_as_kept;

use public_items::PublicItems;

const CRATES: [(&str, &str); 3] =
    [("mountwright-core", "core"), ("mountwright-linux", "linux-backend"), ("mountwright-fake", "fake-backend")];

fn main() -> ExitCode {
    if std::env::args().any(|argument| argument == "--count") {
        return count();
    }
    let mut trials: Vec<_> =
        CRATES.map(|(name, folder)| Trial::test(name, move || must_be_as_listed(name, folder))).into();
    trials.push(Trial::test("items that a macro makes are listed", || {
        expansion::must_expand();
        Ok(())
    }));
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn count() -> ExitCode {
    for (name, folder) in CRATES {
        match PublicItems::of(&source(folder)) {
            Ok(items) => {
                println!("{name}: {} public names, {} of them at the root too", items.count(), items.at_root());
            }
            Err(error) => {
                eprintln!("{name}: {error:?}");
                return ExitCode::FAILURE;
            }
        }
    }
    ExitCode::SUCCESS
}

fn source(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates").join(folder).join("src")
}

fn must_be_as_listed(name: &str, folder: &str) -> Result<(), Failed> {
    let items = PublicItems::of(&source(folder))?;
    let text = format!("// The public API of {name}: see docs/CONTRIBUTING.md.\n\n{}", items.listed());
    must_be_as_kept(&format!("../docs/api/{name}.txt"), &text)
}
