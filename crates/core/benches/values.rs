//! Benches of path rules and mountinfo, which work on numbers and texts alone.

mod mountinfo_text;
mod paired;

use std::hint::black_box;
use std::path::Path;

use mountwright_core::mount::MountId;
use mountwright_core::path::clean_path;
use mountwright_core::spec::Mount;
use mountwright_core::{MountInfo, MountTable, kubernetes};
use paired::{Group, Report};

/// A clean path of 100 bytes, of the most common kind.
const VOLUME: &str =
    "/var/lib/kubelet/pods/5f0861a0-97d1-4f2b-8a3e-3c2d7b6f9e01/volumes/kubernetes.io~empty-dir/cache-vol";

fn main() {
    let mut report = Report::from_args();
    path_rules(&mut report);
    tracing_disabled(&mut report);
    for mounts in [40, 1_000, 10_000] {
        parsing(&mut report, mounts);
    }
    looking_up(&mut report);
    report.end();
}

fn path_rules(report: &mut Report) {
    assert_eq!(VOLUME.len(), 100);
    Group::new("path rules, a clean path of 100 bytes")
        .variant("clean_path", || matches!(clean_path(black_box(Path::new(VOLUME))), std::borrow::Cow::Borrowed(_)))
        .variant("volume_kind", || kubernetes::VolumeKind::of(black_box(VOLUME.into())))
        .variant("is_system_mount", || Mount::is_system_mount(black_box(VOLUME.into())))
        .variant("components collected into a new path", || {
            black_box(Path::new(VOLUME)).components().collect::<std::path::PathBuf>()
        })
        .times("components collected into a new path", "clean_path")
        .run(report);
}

/// The tracing code of a sequence with tracing disabled, around the cheapest operation.
fn tracing_disabled(report: &mut Report) {
    let path = Path::new(VOLUME);
    let clean = |path: &Path| matches!(clean_path(black_box(path)), std::borrow::Cow::Borrowed(_));
    Group::new("tracing disabled, on a clean path of 100 bytes")
        .variant("in a span with four fields, and an event", || {
            let span = tracing::debug_span!(target: "mountwright", "clean", subsystem = "mount", container = "c1",
                source = %path.display(), destination = %path.display());
            span.in_scope(|| {
                let clean = clean(path);
                if clean {
                    tracing::debug!(target: "mountwright", subsystem = "mount", path = %path.display(), "it is clean");
                }
                clean
            })
        })
        .variant("no tracing at all", || clean(path))
        .times("in a span with four fields, and an event", "no tracing at all")
        .run(report);
}

fn parsing(report: &mut Report, mounts: usize) {
    let text = mountinfo_text::of(mounts);
    let megabytes = |text: &[u8]| f64::from(u32::try_from(text.len()).expect("a small text"));
    Group::new(format!("mountinfo into rows, {mounts} mounts"))
        .units(megabytes(&text), "B")
        .variant_with("MountTable::parse", || text.clone(), MountTable::parse)
        .variant_with("a row of owned strings each", || text.clone(), owned_rows)
        .rate_at_least("MountTable::parse", 500e6)
        .times("a row of owned strings each", "MountTable::parse")
        .run(report);
}

/// A parser that creates an owned value for each line.
#[allow(clippy::needless_pass_by_value)] // As the other one takes it.
fn owned_rows(text: Vec<u8>) -> Vec<MountInfo> {
    text.split(|&b| b == b'\n').filter_map(|line| MountInfo::from_line(line).ok()).collect()
}

fn looking_up(report: &mut Report) {
    let text = mountinfo_text::of(10_000);
    let fresh = || MountTable::parse(text.clone());
    // A scan of the rows, from whichever end, finds it half way.
    let (id, path) = fresh().iter().nth(5_000).map(|row| (row.id(), row.mount_point().into_owned())).expect("a row");
    let root = MountId(27);
    let first_by_path = |table: MountTable| (table.mount_at(&path).map(|row| row.id()), table);
    let first_by_id = |table: MountTable| (table.by_id(id).map(|row| row.parent()), table);
    let first_by_parent = |table: MountTable| (table.children(root).last().map(|row| row.id()), table);
    assert_eq!((first_by_path(fresh()).0, first_by_id(fresh()).0), (Some(id), Some(root)));
    Group::new("first look-up in a table of 10,000 mounts")
        .units(10_000.0, "row")
        .variant_with("by id", fresh, first_by_id)
        .variant_with("by mount point", fresh, first_by_path)
        .variant_with("by parent", fresh, first_by_parent)
        .nanos_at_most("by id", 1000.0)
        .nanos_at_most("by mount point", 1000.0)
        .nanos_at_most("by parent", 1000.0)
        .run(report);

    let table = fresh();
    Group::new("later look-ups in a table of 10,000 mounts")
        .variant("mount_at", || table.mount_at(black_box(&path)).map(|row| row.id()))
        .variant("mount_holding", || table.mount_holding(black_box(Path::new(VOLUME))).map(|row| row.id()))
        .variant("by_id", || table.by_id(black_box(id)).map(|row| row.parent()))
        .variant("the first of the children", || table.children(black_box(root)).next().map(|row| row.id()))
        .variant("a scan of all rows", || {
            let path = black_box(&path);
            table.iter().rfind(|row| row.mount_point() == *path).map(|row| row.id())
        })
        .times("a scan of all rows", "mount_at")
        .run(report);
    let every = MountId(u32::MAX);
    Group::new("every row of a table of 10,000 mounts")
        .units(10_000.0, "row")
        .variant("id and mount point", || {
            table.iter().filter(|row| row.id() == every || row.mount_point().as_os_str().is_empty()).count()
        })
        .variant("all of it, owned", || table.iter().map(|row| row.to_info()).collect::<Vec<_>>())
        .run(report);
}
