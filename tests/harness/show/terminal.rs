//! Properties of standard output.

use std::io::IsTerminal;

use super::cut_middle;

/// The capabilities of standard output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terminal {
    /// Columns; `None` where it is no terminal, and whole lines are wanted.
    pub width: Option<usize>,
    /// True if escapes for colours are understood and wanted.
    pub colour: bool,
}

/// The default width.
const USUAL_WIDTH: usize = 80;

impl Terminal {
    /// A pipe or a file: whole lines, no colours.
    pub const PIPE: Self = Self { width: None, colour: false };

    /// Standard output of this process. `COLUMNS` has priority over the terminal's own width, which has priority over
    /// 80; `NO_COLOR` and `TERM=dumb` switch colours off.
    pub fn of_stdout() -> Self {
        let stdout = std::io::stdout();
        if !stdout.is_terminal() {
            return Self::PIPE;
        }
        let variable = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        let told = variable("COLUMNS").and_then(|columns| columns.parse().ok());
        let measured = || rustix::termios::tcgetwinsize(&stdout).ok().map(|size| usize::from(size.ws_col));
        let width = told.or_else(measured).filter(|&width| width > 0).unwrap_or(USUAL_WIDTH);
        let colour = variable("NO_COLOR").is_none() && variable("TERM").is_none_or(|term| term != "dumb");
        Self { width: Some(width), colour }
    }

    /// A line of its own, within the width; the middle is left out.
    pub fn line(&self, text: &str) -> String {
        self.width.map_or_else(|| text.to_owned(), |width| cut_middle(text, width))
    }
}
