//! The state inside a container, as named rows.

use std::collections::BTreeMap;
use std::path::Path;

/// Rows by section and name, `mount /dev/pts` for one.
pub(crate) type Rows = BTreeMap<String, String>;

/// The row that says whether the container was run.
pub(crate) const OUTCOME: &str = "outcome";

/// Reads the output of a probe. `bundle` is taken out of it.
pub(crate) fn rows(output: &str, bundle: &Path) -> Rows {
    let bundle = bundle.to_str().expect("a path of ours");
    // Its path on the tmpfs that it is on, as mountinfo shows the root of a bind.
    let on_its_mount = bundle.strip_prefix("/run").expect("a path of ours");
    let (mut rows, mut section) = (Rows::new(), "");
    for line in output.lines() {
        if let Some(name) = line.strip_prefix('@') {
            section = name;
            continue;
        }
        let line = line.replace(bundle, "BUNDLE").replace(on_its_mount, "BUNDLE");
        let (name, value) = match section {
            "mount" => mount(&line),
            _ => line.split_once('|').map(|(name, value)| (name.to_owned(), value.to_owned())),
        }
        .unwrap_or_else(|| ("?".into(), line.clone()));
        let mut key = format!("{section} {name}");
        // Several mounts on one directory, and several lines of one command, are rows in their order.
        while rows.contains_key(&key) {
            key.push('+');
        }
        rows.insert(key, value);
    }
    rows
}

/// The mount point of a line of mountinfo, and everything else but ids and device numbers.
fn mount(line: &str) -> Option<(String, String)> {
    let (first, second) = line.split_once(" - ")?;
    let mut fields = first.split(' ').skip(3);
    let (root, point, options) = (fields.next()?, fields.next()?, fields.next()?);
    let groups: Vec<_> =
        fields.filter_map(|group| group.split(':').next()).filter(|&group| group != "propagate_from").collect();
    let root = root.rsplit_once("/rootfs").map_or(root, |_| "ROOTFS");
    let words = [&[root, options][..], &groups, &["-", second]].concat();
    Some((point.to_owned(), words.join(" ")))
}
