//! Look-ups in a table against look-ups on a host.

use std::collections::BTreeMap;
use std::path::Path;

use mountwright_core::mount::PathMount;
use mountwright_core::{Location, MountTable, Mounter};
use mountwright_fake::HostBuilder;
use mountwright_tests::random::Random;
use mountwright_tests::settings::Settings;

use crate::generated::{Missing, Table, every_path, text_of};

/// The number of tables: short and long.
const TABLES: [usize; 2] = [500, 10_000];

/// The result of looking a path up: the mount that holds it, and whether it is a mount point.
pub(crate) type Held = (u32, bool);

/// The results of a table for every path.
pub(crate) fn by_table(table: &MountTable) -> BTreeMap<String, Option<Held>> {
    let held = |path: &str| {
        let path = Path::new(path);
        let holding = table.mount_holding(path).map(|row| row.id().0);
        let at = table.mount_at(path).map(|row| row.id().0);
        assert!(at.is_none_or(|at| Some(at) == holding), "the mount at {} holds it", path.display());
        holding.map(|id| (id, at.is_some()))
    };
    every_path().iter().map(|path| text_of(path)).map(|path| (path.clone(), held(&path))).collect()
}

/// The results of a backend for every path, which all are directories there. `None`: a mount that is not listed.
pub(crate) fn by_backend(mounter: &dyn Mounter, table: &MountTable) -> BTreeMap<String, Option<Held>> {
    let held = |path: &str| {
        let PathMount { mount, is_root } = mounter.mount_of(&Location::trusted(path)).expect("it is there");
        table.by_id(mount.id).map(|row| (row.id().0, is_root))
    };
    every_path().iter().map(|path| text_of(path)).map(|path| (path.clone(), held(&path))).collect()
}

/// Builds the host of a text, with a directory at every path, and compares.
pub(crate) fn check_on_the_fake(text: &str) {
    let host =
        every_path().iter().fold(HostBuilder::from_mountinfo(text).expect(text), |host, path| host.dir(text_of(path)));
    let host = host.build().unwrap_or_else(|error| panic!("{error}\n{text}"));
    let printed = host.mounts().expect("a table");
    assert_eq!(String::from_utf8_lossy(printed.text()), text, "printed back");
    let table = MountTable::parse(text);
    assert_eq!(by_table(&table), by_backend(&host, &table), "table and host of\n{text}");
}

pub(crate) fn agree_with_the_fake() {
    let settings = Settings::read();
    let count = TABLES[usize::from(settings.long)];
    let mut random = Random::new(settings.seed().into());
    let kinds = [Missing::OfTheRoot, Missing::OfTheTop, Missing::Any];
    let mut rows = 0;
    for number in 0..count {
        let table = Table::random(&mut random, kinds[number % kinds.len()]);
        rows += table.rows.len();
        check_on_the_fake(&table.text());
    }
    println!("{count} tables of {rows} rows, {} paths each: table and host agree", every_path().len());
}
