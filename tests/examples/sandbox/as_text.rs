//! The story for a person.

use std::collections::HashSet;
use std::fmt::Write as _;

use mountwright_core::MountTable;
use mountwright_core::mount::MountId;
use mountwright_core::unmount::Removal;
use mountwright_tests::show::{Cell, Column, Fit, Style, Terminal, TextTable, backing_words, mount_tree, printable};

use super::as_json::outcome_text;
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
    format!("\n{}\n\n{body}", Style::Heading.paint(&terminal.line(title), terminal.colour))
}

fn mounts(table: &MountTable) -> String {
    match table.len() {
        1 => "1 mount".to_owned(),
        count => format!("{count} mounts"),
    }
}

fn opening(heading: &Heading, terminal: Terminal) -> String {
    let Heading { container, sandbox, backend, spec, host } = heading;
    let title = terminal.line(&format!("Container {container} in sandbox {sandbox}"));
    let title = Style::Heading.paint(&title, terminal.colour);
    let lines = [format!("  spec     {spec}"), format!("  backend  {backend}: {host}")];
    lines.iter().fold(title, |text, line| format!("{text}\n{}", terminal.line(line))) + "\n"
}

fn rows(rows: &[Row], terminal: Terminal) -> String {
    let mut table = TextTable::new([
        Column::new("DESTINATION", Fit::CutMiddle, 16),
        Column::new("VERDICT", Fit::Wrap, 12),
        Column::new("WHY", Fit::Wrap, 24),
        Column::new("BACKED BY", Fit::CutEnd, 17),
    ]);
    for row in rows {
        let backing = row.backing.as_ref().map_or_else(|| "-".to_owned(), backing_words);
        table.row([
            Cell::new(printable(row.mount.destination.as_str())),
            Cell::new(row.verdict.to_string()).styled(style_of(&row.verdict)),
            Cell::new(printable(row.verdict.reason(&row.mount))),
            Cell::new(backing).styled(Style::Dim),
        ]);
    }
    let shared = rows.iter().filter(|row| row.verdict.is_shared()).count();
    let count = format!("{} mounts, {shared} of them shared with the guest", rows.len());
    format!("{}\n{}\n", table.render(terminal), terminal.line(&count))
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
    let mut line = |line: &str| {
        let _ = writeln!(text, "{}", terminal.line(line));
    };
    line(&format!("mounts  {}", story.dirs.mounts_dir));
    if story.dirs.made_shared.is_some() {
        line("        bound onto itself and shared: it was on no shared mount");
    }
    line(&format!("shared  {}", story.dirs.shared_dir));
    line("        mounts bound onto it, read-only, slave: what the guest sees");
    line("");
    let mut table = TextTable::new([
        Column::new("IN THE CONTAINER", Fit::CutMiddle, 16),
        Column::new("SOURCE", Fit::CutMiddle, 16),
        Column::new("BELOW MOUNTS", Fit::CutMiddle, 16),
        Column::new("ACCESS", Fit::Whole, 0),
        Column::new("SEEN", Fit::Whole, 0),
    ]);
    for share in &story.shares {
        let record = &share.record;
        let seen = if share.seen_by_guest { ("yes", Style::Good) } else { ("no", Style::Bad) };
        table.row([
            Cell::new(printable(&share.what)),
            Cell::new(printable(&share.source)).styled(Style::Dim),
            Cell::new(format!("{}/{}", record.container, printable(&record.name))),
            Cell::new(if share.read_only { "read-only" } else { "writable" }),
            Cell::new(seen.0).styled(seen.1),
        ]);
    }
    text + &table.render(terminal)
}

fn before(story: &Story, terminal: Terminal) -> String {
    mount_tree(&story.before, |_| Style::Plain).render(terminal)
}

/// New mounts have their own colour.
fn during(story: &Story, terminal: Terminal) -> String {
    let old: HashSet<MountId> = story.before.iter().map(|row| row.id()).collect();
    let style = |id: MountId| if old.contains(&id) { Style::Plain } else { Style::Good };
    mount_tree(&story.during, |mount| style(mount.id())).render(terminal)
}

fn teardown(story: &Story, terminal: Terminal) -> String {
    let mut table = TextTable::new([Column::new("MOUNT", Fit::CutMiddle, 30), Column::new("OUTCOME", Fit::Wrap, 20)]);
    for torn_down in &story.torn_down.mounts {
        let style = if torn_down.result.as_ref().is_ok_and(Removal::is_off) { Style::Plain } else { Style::Bad };
        let outcome = printable(outcome_text(torn_down));
        table.row([Cell::new(printable(&torn_down.path)), Cell::new(outcome).styled(style)]);
    }
    table.render(terminal)
}

fn proof(story: &Story, terminal: Terminal) -> String {
    let (word, style) = if story.all_is_as_it_was() { ("yes", Style::Good) } else { ("NO", Style::Bad) };
    let line = terminal.line(&format!("Is everything as it was? {word}"));
    let line = match line.strip_suffix(word) {
        Some(question) => format!("{question}{}", style.paint(word, terminal.colour)),
        None => line,
    };
    let mut text = format!("\n{line}\n");
    if story.all_is_as_it_was() {
        let same = format!("  the same {}, byte for byte; nothing is left", mounts(&story.after));
        let _ = writeln!(text, "{}", terminal.line(&same));
        return text;
    }
    for (sign, these, others) in [("gone", &story.before, &story.after), ("new", &story.after, &story.before)] {
        let there: HashSet<&[u8]> = others.iter().map(|row| row.line()).collect();
        for row in these.iter().filter(|row| !there.contains(row.line())) {
            let line = format!("  {sign}: {}", printable(&*row.mount_point()));
            let _ = writeln!(text, "{}", terminal.line(&line));
        }
    }
    for kept in &story.torn_down.errors {
        let _ = writeln!(text, "{}", terminal.line(&format!("  kept: {kept}")));
    }
    text
}
