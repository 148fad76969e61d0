//! The public API of each crate, compared with `docs/api`, so that every change of it shows.
//!
//! It is read from the sources, so that it is the same wherever the tests run: the re-exports of the crate roots,
//! without
//! bodies and private items, with attributes. Macros are listed as they are called.

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
    let trials = CRATES.map(|(name, folder)| Trial::test(name, move || must_be_as_listed(name, folder)));
    libtest_mimic::run(&Arguments::from_args(), trials.into()).exit_code()
}

fn must_be_as_listed(name: &str, folder: &str) -> Result<(), Failed> {
    let source: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates").join(folder).join("src");
    let text =
        format!("// The public API of {name}: see docs/CONTRIBUTING.md.\n\n{}", PublicItems::of(&source)?.listed());
    must_be_as_kept(&format!("../docs/api/{name}.txt"), &text)
}
