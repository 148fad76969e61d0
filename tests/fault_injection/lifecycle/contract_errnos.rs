//! The errnos that each call of the ports may return, read from the documentation of the ports, which is their
//! contract: no list here can become outdated.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use mountwright_core::Errno;

const PORTS: [(&str, &str); 4] = [
    ("Filesystem", include_str!("../../../crates/core/src/ports/filesystem.rs")),
    ("Directory", include_str!("../../../crates/core/src/ports/directory.rs")),
    ("OpenEntry", include_str!("../../../crates/core/src/ports/open_entry.rs")),
    ("Mounter", include_str!("../../../crates/core/src/ports/mounter.rs")),
];

/// The errno of every other failure of a machine.
const ANY_OTHER: Errno = Errno::EIO;

static CONTRACT: LazyLock<BTreeMap<String, Section>> = LazyLock::new(read);

/// The section on errors of one method.
#[derive(Default)]
struct Section {
    errnos: BTreeSet<Errno>,
    /// Methods whose errors belong to this one too.
    as_of: Vec<String>,
}

/// The errno values that the contract of this method (`Port::method`) lists, and one that stands for all others.
///
/// # Panics
///
/// If the documentation has no such method, or it lists no errors.
pub(crate) fn contract_errnos(method: &str) -> Vec<Errno> {
    let mut found = BTreeSet::from([ANY_OTHER]);
    collect(method, &mut found);
    assert!(found.len() > 1, "{method} lists no errors");
    found.into_iter().collect()
}

/// Counts the methods of the contract, and the errnos that it lists for them.
pub(crate) fn size() -> (usize, usize) {
    let values = CONTRACT.keys().map(|method| contract_errnos(method).len()).sum();
    (CONTRACT.len(), values)
}

fn collect(method: &str, found: &mut BTreeSet<Errno>) {
    let section = CONTRACT.get(method).unwrap_or_else(|| panic!("{method} is in no port"));
    found.extend(&section.errnos);
    section.as_of.iter().for_each(|other| collect(other, found));
}

fn read() -> BTreeMap<String, Section> {
    let mut contract = BTreeMap::new();
    for (port, text) in PORTS {
        let mut errors: Option<String> = None;
        for line in text.lines().map(str::trim) {
            if let Some(doc) = line.strip_prefix("///") {
                match (doc.trim(), &mut errors) {
                    ("# Errors", _) => errors = Some(String::new()),
                    (doc, Some(errors)) => *errors += doc,
                    _ => {}
                }
            } else if let Some((name, signature)) = line.strip_prefix("fn ").and_then(|line| line.split_once('(')) {
                let errors = errors.take().unwrap_or_default();
                if signature.ends_with(';') && !signature.contains("Result<") {
                    continue;
                }
                contract.insert(format!("{port}::{name}"), section(port, &errors));
            }
        }
    }
    contract
}

/// Errors are named in code marks (`EBUSY`), other methods by links.
fn section(port: &str, errors: &str) -> Section {
    let by_name = |word: &str| (1..200).filter_map(Errno::from_raw).find(|errno| errno.name() == Some(word));
    let errnos = errors.split('`').filter_map(by_name).collect();
    let links = errors.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
    let is_method = |link: &&str| ["Filesystem::", "Mounter::"].iter().any(|port| link.starts_with(port));
    let methods = links.filter_map(|(link, _)| match link.strip_prefix("Self::") {
        Some(method) => Some(format!("{port}::{method}")),
        None => link.strip_prefix("crate::ports::").filter(is_method).map(str::to_owned),
    });
    Section { errnos, as_of: methods.collect() }
}
