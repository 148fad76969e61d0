//! The corpus: captured tables, and tables written from public reports. `index.txt` says of each which it is, and how it was made
//! or where it is from. `capture.py` makes the captured ones.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use libtest_mimic::{Failed, Trial};
use mountwright_core::mount::PathMount;
use mountwright_core::{Location, MountInfo, MountTable, Mounter};
use mountwright_fake::{FakeBackend, HostBuilder};

/// The least numbers of tables: of all, and of captured ones.
const LEAST: [usize; 2] = [60, 20];
/// The number of rows of the large table.
const MANY: u32 = 80_000;

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("differential/tables/corpus")
}

/// The kind and the name of each table.
fn index() -> Vec<(String, String)> {
    let text = fs::read_to_string(corpus().join("index.txt")).expect("the index");
    let rows = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    rows.map(|line| {
        let mut words = line.splitn(3, ' ');
        let (kind, name) = (words.next().expect("a kind"), words.next().expect("a name"));
        assert!(words.next().is_some_and(|rest| rest.len() > 10), "{line}: says how it was made, or where it is from");
        (kind.to_owned(), name.to_owned())
    })
    .collect()
}

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials: Vec<Trial> = index()
        .into_iter()
        .map(|(kind, name)| {
            let path = corpus().join(&kind).join(format!("{name}.mountinfo"));
            Trial::test(format!("{kind}/{name}"), move || {
                check(&fs::read(path)?);
                Ok(())
            })
        })
        .collect();
    trials.push(Trial::test("the index lists every table of the corpus, and enough of them", is_complete));
    trials.push(Trial::test("a table of 80,000 rows loads, prints back and is looked up", || {
        let table = MountTable::parse(many());
        let host = loaded(table.text());
        for path in ["/pods/79999/volume", "/pods/1/volume", "/pods/79999/other"] {
            agrees(&host, &table, path.as_ref());
        }
        Ok(())
    }));
    trials
}

fn is_complete() -> Result<(), Failed> {
    let listed: BTreeSet<(String, String)> = index().into_iter().collect();
    let mut there = BTreeSet::new();
    for kind in ["captured", "written"] {
        for entry in fs::read_dir(corpus().join(kind))? {
            let name = entry?.file_name().into_string().expect("UTF-8");
            there.insert((kind.to_owned(), name.trim_end_matches(".mountinfo").to_owned()));
        }
    }
    let captured = there.iter().filter(|(kind, _)| kind == "captured").count();
    println!("{} tables, {captured} of them captured", there.len());
    assert_eq!(listed, there);
    assert!(there.len() >= LEAST[0] && captured >= LEAST[1]);
    Ok(())
}

/// The host of a table, which prints the same text.
fn loaded(text: &[u8]) -> FakeBackend {
    let host = HostBuilder::from_mountinfo(text).and_then(HostBuilder::build);
    let host = host.unwrap_or_else(|error| panic!("{error}"));
    let printed = host.mounts().expect("a table");
    assert_eq!(String::from_utf8_lossy(printed.text()), String::from_utf8_lossy(text), "printed back");
    assert_eq!(printed.text(), text, "byte for byte");
    host
}

fn check(text: &[u8]) {
    let table = MountTable::parse(text);
    assert!(table.odd_lines().is_empty() && !table.is_empty(), "{:?}", table.odd_lines());
    let host = loaded(text);
    let drawn = table.to_string();
    assert_eq!(table.in_tree_order().len(), table.len(), "every mount is drawn once");
    assert_eq!(drawn.lines().count(), table.len() + 1, "each on a line, below the heads:\n{drawn}");
    for row in table.iter() {
        agrees(&host, &table, &row.mount_point());
        let options = row.to_info().superblock_options().count();
        let parts = row.options().as_encoded_bytes().split(|&byte| byte == b',').count();
        assert!(options >= 1 && options <= parts, "{}", row.options().display());
    }
}

/// A path is held by the same mount on the host and in the table.
fn agrees(host: &FakeBackend, table: &MountTable, path: &Path) {
    let at = Location::trusted(path);
    let holding = table.mount_holding(path).map(|row| row.id());
    let Ok(PathMount { mount, is_root }) = host.mount_of(&at) else {
        assert!(host.filesystem_of(&at).is_err(), "{}: no such path on the host", path.display());
        return;
    };
    assert_eq!(holding, table.by_id(mount.id).map(|row| row.id()), "{}", path.display());
    let by_path = table.mount_at(path).map(|row| row.id());
    assert_eq!(by_path.is_some(), is_root && holding.is_some(), "{}", path.display());
    if is_root && by_path.is_some() {
        assert_eq!(MountInfo::at(host, path).expect("it is there").id, mount.id);
    }
}

/// A node with many pods.
fn many() -> String {
    let mut text = String::from("1 0 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw\n");
    for id in 2..=MANY {
        let pod = id - 1;
        writeln!(text, "{id} 1 0:{} / /pods/{pod}/volume rw,relatime shared:{id} - tmpfs tmpfs rw,size=64k", id + 100)
            .expect("to a text");
    }
    text
}
