//! The story for a person.

use std::collections::HashSet;
use std::fmt::Write as _;

use mountwright_core::{MountId, MountTable, NameAfter, TearDownOutcome, TornDown};
use mountwright_tests::show::{
    Cell, Column, Fit, Style, Terminal, TextTable, backing_words, mount_tree, printable, printable_path,
};

use super::heading::Heading;
use super::row::Row;
use super::story::Story;
use super::verdict::Verdict;

/// The story as text.
pub(crate) fn as_text(heading: &Heading, story: &Story, terminal: Terminal) -> String {
    let mut text = String::new();
    for part in [
        opening(heading, terminal),
        section("What becomes of each mount", &rows(&story.rows, terminal), terminal),
        section("Set-up", &set_up(story, terminal), terminal),
        section(&format!("The mount tree before: {}", mounts(&story.before)), &before(story, terminal), terminal),
        section(
            &format!("The mount tree with the sandbox up: {}", mounts(&story.during)),
            &during(story, terminal),
            terminal,
        ),
        section("Teardown", &teardown(story, terminal), terminal),
        proof(story, terminal),
    ] {
        text.push_str(&part);
    }
    text
}

fn section(title: &str, body: &str, terminal: Terminal) -> String {
    format!("\n{}\n\n{body}", Style::Heading.paint(title, terminal.colour))
}

fn mounts(table: &MountTable) -> String {
    match table.len() {
        1 => "1 mount".to_owned(),
        count => format!("{count} mounts"),
    }
}

fn opening(heading: &Heading, terminal: Terminal) -> String {
    let Heading { container, sandbox, backend, spec, host } = heading;
    let title = Style::Heading.paint(&format!("Container {container} in sandbox {sandbox}"), terminal.colour);
    format!("{title}\n  spec     {spec}\n  backend  {backend}: {host}\n")
}

fn rows(rows: &[Row], terminal: Terminal) -> String {
    let mut table = TextTable::new([
        Column::new("DESTINATION", Fit::CutStart, 16),
        Column::new("VERDICT", Fit::Wrap, 12),
        Column::new("WHY", Fit::Wrap, 24),
        Column::new("BACKED BY", Fit::CutEnd, 17),
    ]);
    for row in rows {
        let backing = row.backing.as_ref().map_or_else(|| "-".to_owned(), backing_words);
        table.row([
            Cell::new(printable(row.mount.destination.as_str().as_ref())),
            Cell::new(row.verdict.to_string()).styled(style_of(&row.verdict)),
            Cell::new(printable(row.verdict.reason(&row.mount).as_ref())),
            Cell::new(backing).styled(Style::Dim),
        ]);
    }
    let shared = rows.iter().filter(|row| row.verdict.is_shared()).count();
    format!("{}\n{} mounts, {shared} of them shared with the guest\n", table.render(terminal), rows.len())
}

fn style_of(verdict: &Verdict) -> Style {
    match verdict {
        Verdict::Share { .. } => Style::Good,
        Verdict::MemoryEmptyDir | Verdict::HugePagesEmptyDir { .. } | Verdict::DiskEmptyDir => Style::Notable,
        Verdict::SourceMissing | Verdict::NotBuilt { .. } | Verdict::Failed(_) => Style::Bad,
        _ => Style::Dim,
    }
}

fn set_up(story: &Story, terminal: Terminal) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = writeln!(text, "mounts  {}", story.dirs.mounts_dir);
    if story.dirs.made_shared.is_some() {
        let _ = writeln!(text, "        bound onto itself and shared: it was on no shared mount");
    }
    let _ = writeln!(text, "shared  {}", story.dirs.shared_dir);
    let _ = writeln!(text, "        mounts bound onto it, read-only, slave: what the guest sees\n");
    let mut table = TextTable::new([
        Column::new("IN THE CONTAINER", Fit::CutStart, 16),
        Column::new("SOURCE", Fit::CutStart, 16),
        Column::new("BELOW MOUNTS", Fit::CutStart, 16),
        Column::new("ACCESS", Fit::Whole, 0),
        Column::new("SEEN", Fit::Whole, 0),
    ]);
    for share in &story.shares {
        let record = &share.record;
        let seen = if share.seen_by_guest { ("yes", Style::Good) } else { ("no", Style::Bad) };
        table.row([
            Cell::new(printable(share.what.as_ref())),
            Cell::new(printable(share.source.as_ref())).styled(Style::Dim),
            Cell::new(format!("{}/{}", record.container, printable(record.name.as_ref()))),
            Cell::new(if share.read_only { "read-only" } else { "writable" }),
            Cell::new(seen.0).styled(seen.1),
        ]);
    }
    text + &table.render(terminal)
}

fn before(story: &Story, terminal: Terminal) -> String {
    mount_tree(&story.before, |_| Style::Plain).render(terminal)
}

/// What is new is in a colour of its own.
fn during(story: &Story, terminal: Terminal) -> String {
    let old: HashSet<MountId> = story.before.iter().map(|row| row.id()).collect();
    let style = |id: MountId| if old.contains(&id) { Style::Plain } else { Style::Good };
    mount_tree(&story.during, |mount| style(mount.id)).render(terminal)
}

fn teardown(story: &Story, terminal: Terminal) -> String {
    let mut table = TextTable::new([Column::new("MOUNT", Fit::CutStart, 30), Column::new("OUTCOME", Fit::Wrap, 20)]);
    for torn_down in &story.torn_down.mounts {
        let style = if torn_down.outcome.is_off() { Style::Plain } else { Style::Bad };
        let outcome = printable(in_the_end(torn_down, story).to_string().as_ref());
        table.row([Cell::new(printable_path(&torn_down.path)), Cell::new(outcome).styled(style)]);
    }
    table.render(terminal)
}

/// The sandbox's own directories are removed when everything in them is off, after this outcome was noted.
fn in_the_end(torn_down: &TornDown, story: &Story) -> TearDownOutcome {
    let was_made = story.dirs.made.iter().any(|made| made.at.for_display() == torn_down.path);
    let is_kept = story.torn_down.kept.iter().any(|kept| kept.path() == Some(&torn_down.path));
    match &torn_down.outcome {
        TearDownOutcome::Detached { layers, name: NameAfter::Kept } if was_made && !is_kept => {
            TearDownOutcome::Detached { layers: *layers, name: NameAfter::Removed }
        }
        outcome => outcome.clone(),
    }
}

fn proof(story: &Story, terminal: Terminal) -> String {
    let (word, style) = if story.all_is_as_it_was() { ("yes", Style::Good) } else { ("NO", Style::Bad) };
    let mut text = format!("\nIs everything as it was? {}", style.paint(word, terminal.colour));
    if story.all_is_as_it_was() {
        let _ = writeln!(text, ": the same {}, byte for byte; nothing is left", mounts(&story.after));
        return text;
    }
    text.push('\n');
    for (sign, these, others) in [("gone", &story.before, &story.after), ("new", &story.after, &story.before)] {
        let there: HashSet<&[u8]> = others.iter().map(|row| row.line()).collect();
        for row in these.iter().filter(|row| !there.contains(row.line())) {
            let _ = writeln!(text, "  {sign}: {}", printable_path(&row.mount_point()));
        }
    }
    for kept in &story.torn_down.kept {
        let _ = writeln!(text, "  kept: {kept}");
    }
    text
}
