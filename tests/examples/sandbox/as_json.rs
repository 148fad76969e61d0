//! The story for programs.

use mountwright_core::MountTable;
use mountwright_core::kubernetes::Watchability;
use mountwright_core::unmount::{Removal, ReportedMount};
use mountwright_tests::show::{backing_json, mount_json, put_path};
use serde_json::{Map, Value, json};

use super::heading::Heading;
use super::row::Row;
use super::story::{Shared, Story};
use super::verdict::Verdict;

/// The story as one object.
pub(crate) fn as_json(heading: &Heading, story: &Story) -> Value {
    json!({
        "container": heading.container,
        "sandbox": heading.sandbox,
        "backend": heading.backend,
        "spec": heading.spec,
        "host": heading.host,
        "mounts": story.rows.iter().map(row).collect::<Vec<_>>(),
        "set_up": {
            "mounts_dir": story.dirs.mounts_dir.as_str(),
            "shared_dir": story.dirs.shared_dir.as_str(),
            "made_shared": story.dirs.made_shared.is_some(),
            "shares": story.shares.iter().map(share).collect::<Vec<_>>(),
        },
        "before": table(&story.before),
        "during": table(&story.during),
        "teardown": story.torn_down.mounts.iter().map(torn_down).collect::<Vec<_>>(),
        "after": table(&story.after),
        "kept": story.torn_down.errors.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "unchanged": story.all_is_as_it_was(),
    })
}

fn row(row: &Row) -> Value {
    let (keys, entries) = match &row.verdict {
        Verdict::Share { watched: Watchability::Watchable { keys, entries, .. }, .. } => (Some(keys), Some(entries)),
        _ => (None, None),
    };
    json!({
        "destination": row.mount.destination.as_str(),
        "source": row.mount.source,
        "type": row.mount.fs_type,
        "read_only": row.mount.read_only,
        "verdict": row.verdict.word(),
        "text": row.verdict.to_string(),
        "reason": row.verdict.reason(&row.mount),
        "shared": row.verdict.is_shared(),
        "keys": keys,
        "entries": entries,
        "backing": row.backing.as_ref().map(backing_json),
    })
}

fn share(share: &Shared) -> Value {
    let mut object = Map::new();
    object.insert("what".to_owned(), json!(share.what));
    object.insert("source".to_owned(), json!(share.source));
    object.insert("read_only".to_owned(), json!(share.read_only));
    put_path(&mut object, "path", &share.record.path);
    object.insert("mount".to_owned(), json!(share.record.mount.to_string()));
    object.insert("device".to_owned(), json!(share.record.device.to_string()));
    put_path(&mut object, "subpath", &share.record.subpath);
    object.insert("seen_by_guest".to_owned(), json!(share.seen_by_guest));
    object.into()
}

fn table(table: &MountTable) -> Value {
    let mounts = table.in_tree_order().into_iter().map(|shown| {
        let mut object = mount_json(&shown.mount.to_info());
        object.insert("depth".to_owned(), json!(shown.depth));
        Value::from(object)
    });
    mounts.collect()
}

fn torn_down(torn_down: &ReportedMount) -> Value {
    let mut object = Map::new();
    put_path(&mut object, "path", &torn_down.path);
    object.insert("outcome".to_owned(), json!(torn_down.result.as_ref().map_or("failed", outcome_word)));
    object.insert("text".to_owned(), json!(outcome_text(torn_down)));
    object.into()
}

pub(crate) fn outcome_text(torn_down: &ReportedMount) -> String {
    torn_down.result.as_ref().map_or_else(ToString::to_string, ToString::to_string)
}

fn outcome_word(outcome: &Removal) -> &'static str {
    match outcome {
        Removal::Unmounted { .. } => "detached",
        Removal::NotMounted { .. } => "not-mounted",
        Removal::NotFound => "missing",
        Removal::Symlink => "refused-symlink",
        Removal::Covered => "covered",
        Removal::StillMounted => "still-mounted",
        Removal::Busy { .. } => "busy",
        Removal::Refused { .. } => "refused",
        _ => "other",
    }
}
