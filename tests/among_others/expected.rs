//! Violations that are known and not fixed yet. The lane fails where another one is found, and where one of these is not.

/// One a line: search, subject, violation.
const KNOWN: &str = include_str!("known.txt");

/// Every subject.
const ANY: &str = "*";

/// Search, subject and violation.
pub(crate) type Known = [&'static str; 3];

/// All of them.
pub(crate) fn all() -> impl Iterator<Item = Known> {
    let fields = |line: &'static str| {
        let mut fields = line.split('|').map(str::trim);
        [(); 3].map(|()| fields.next().unwrap_or_default())
    };
    KNOWN.lines().filter(|line| !line.is_empty()).map(fields)
}

pub(crate) fn is_known(search: &str, subject: &str, name: &str) -> bool {
    all().any(|[of, about, what]| of == search && [subject, ANY].contains(&about) && what == name)
}
