//! The seeds, and every finding that became one, by any toolchain.

use std::path::Path;

fn replay(target: &str, check: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(target);
    let mut count = 0;
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        eprintln!("{}", path.display());
        check(&std::fs::read(&path).unwrap());
        count += 1;
    }
    assert!(count > 0, "no seeds in {}", folder.display());
}

#[test]
fn mountinfo() {
    replay("mountinfo", crate::mountinfo::check);
}

#[test]
fn option_words() {
    replay("option_words", crate::option_words::check);
}

#[test]
fn paths() {
    replay("paths", crate::paths::check);
}
