//! The same bundles run by runc, by crun and by the example `container`: mounts, devices, masks and writes inside are compared.
//!
//! `tests/beside-runtimes/run` fetches both runtimes and runs this lane in a root that has them, with the argument `--inside`.
//! Without it the bundles are read, and none is run.

mod bundle;
mod comparison;
mod furnish;
mod outcome;
mod runtimes;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

use crate::bundle::Bundle;
use crate::comparison::{Comparison, Exceptions};

const BUNDLES: &str = include_str!("bundles.txt");
const EXCEPTIONS: &str = include_str!("exceptions.txt");
/// The smallest number of bundles.
const ENOUGH: usize = 60;

/// Every bundle's specification can be written, and has a name of its own.
fn every_bundle_is_a_specification() {
    let bundles = Bundle::all(BUNDLES);
    assert!(bundles.len() >= ENOUGH, "{}", bundles.len());
    let names: std::collections::BTreeSet<_> = bundles.iter().map(Bundle::name).collect();
    assert_eq!(names.len(), bundles.len());
    assert!(bundles.iter().all(|bundle| bundle.specification()["mounts"].is_array()));
    assert!(Exceptions::read(EXCEPTIONS).len() <= Exceptions::MOST);
}

fn main() -> ExitCode {
    let (inside, rest): (Vec<_>, Vec<_>) = std::env::args().partition(|argument| argument == "--inside");
    let arguments = Arguments::from_iter(rest);
    let reads = Trial::test("every bundle is a specification, with a name of its own", || {
        every_bundle_is_a_specification();
        Ok(())
    });
    if inside.is_empty() {
        return libtest_mimic::run(&arguments, vec![reads]).exit_code();
    }
    let comparison = Comparison::new(Exceptions::read(EXCEPTIONS));
    let compares = Bundle::all(BUNDLES).into_iter().map(|bundle| {
        let comparison = comparison.clone();
        Trial::test(bundle.name().to_owned(), move || comparison.judge(&bundle).map_err(Into::into))
    });
    let trials: Vec<_> = std::iter::once(reads).chain(compares).collect();
    let all = arguments.filter.is_none() && arguments.skip.is_empty();
    let conclusion = libtest_mimic::run(&Arguments { test_threads: Some(1), ..arguments }, trials);
    println!("{}", comparison.counts());
    let unused = if all { comparison.unused_exceptions() } else { Vec::new() };
    for line in &unused {
        println!("exception without a difference: {line}");
    }
    if unused.is_empty() { conclusion.exit_code() } else { ExitCode::FAILURE }
}
