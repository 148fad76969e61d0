//! The story as it appears in a terminal, compared with reviewed files.

use libtest_mimic::Failed;
use mountwright_core::MountTable;
use mountwright_tests::show::{Style, Terminal, mount_tree, width_of};
use mountwright_tests::snapshot::must_be_as_kept;
use mountwright_tests::terminal_of_a_test::{output_in_terminal, without_colour};

use super::Case;
use super::running::run;
use mountwright_tests::as_command::command;

pub(crate) fn cases() -> Vec<Case> {
    let case = |name, run| Case { name, on_kernel: false, run };
    vec![
        case("shown: in a terminal of 80 columns", || in_terminal(80, "examples/sandbox/tests/shown/terminal-80.txt")),
        case("shown: in a terminal of 132 columns", || {
            in_terminal(132, "examples/sandbox/tests/shown/terminal-132.txt")
        }),
        case("shown: through a pipe", piped),
        case("shown: ask table --tree in 80 columns", || drawn(Some(80), "examples/sandbox/tests/shown/tree-80.txt")),
        case("shown: ask table --tree in 132 columns", || {
            drawn(Some(132), "examples/sandbox/tests/shown/tree-132.txt")
        }),
        case("shown: ask table --tree through a pipe", || drawn(None, "examples/sandbox/tests/shown/tree-piped.txt")),
        case("shown: no terminal is too narrow", narrow),
        case("shown: COLUMNS decides over the terminal", columns),
    ]
}

fn must_fit(text: &str, width: usize) -> Result<(), Failed> {
    match text.lines().find(|line| width_of(line) > width) {
        Some(line) => Err(format!("{} columns in {width}: {line}", width_of(line)).into()),
        None => Ok(()),
    }
}

fn in_terminal(columns: u16, kept: &str) -> Result<(), Failed> {
    let written = output_in_terminal(command(&[])?, columns)?;
    let text = without_colour(&written);
    if text == written {
        return Err("there is no colour".into());
    }
    must_fit(&text, columns.into())?;
    must_be_as_kept(kept, &text)
}

fn piped() -> Result<(), Failed> {
    let text = String::from_utf8(run(&[])?.stdout)?;
    if text.contains('\x1b') || text.contains('…') {
        return Err("a pipe gets whole texts, without colour".into());
    }
    must_be_as_kept("examples/sandbox/tests/shown/piped.txt", &text)
}

/// As `ask` draws it, of a captured table: a machine's own table differs each time.
fn drawn(width: Option<usize>, kept: &str) -> Result<(), Failed> {
    const CAPTURED: &[u8] = include_bytes!("../node.mountinfo");
    let text = mount_tree(&MountTable::parse(CAPTURED), |_| Style::Plain).render(Terminal { width, colour: false });
    match width {
        Some(width) => must_fit(&text, width)?,
        None if text.contains('…') => return Err("a pipe gets whole texts".into()),
        None => {}
    }
    must_be_as_kept(kept, &text)
}

fn narrow() -> Result<(), Failed> {
    for columns in [1, 2, 7, 20, 39, 61] {
        must_fit(&without_colour(&output_in_terminal(command(&[])?, columns)?), columns.into())?;
    }
    Ok(())
}

fn columns() -> Result<(), Failed> {
    // Through `sh`, because the terminal of a test clears the variable.
    let command = command(&[])?;
    let mut shell = std::process::Command::new("sh");
    shell.arg("-c").arg("COLUMNS=70 NO_COLOR=1 exec \"$0\" \"$@\"").arg(command.get_program()).args(command.get_args());
    let text = output_in_terminal(shell, 200)?;
    if text.contains('\x1b') {
        return Err("NO_COLOR is set, and there is colour".into());
    }
    must_fit(&text, 70)
}
