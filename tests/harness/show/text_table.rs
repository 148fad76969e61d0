//! Tables of text that fit their terminal.

use super::width::start;
use super::{Style, Terminal, cut_middle, width_of};

/// The treatment of a text that is wider than its column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fit {
    /// Never cut: the column is as wide as its widest text.
    Whole,
    /// The end is cut off.
    CutEnd,
    /// The middle is left out, the least informative portion of a path.
    CutMiddle,
    /// It continues in the next line.
    Wrap,
}

/// A column of a table.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    title: &'static str,
    fit: Fit,
    least: usize,
}

impl Column {
    /// A column that becomes no narrower than `least` where the table has to.
    pub const fn new(title: &'static str, fit: Fit, least: usize) -> Self {
        Self { title, fit, least }
    }
}

/// One text of a table.
#[derive(Clone, Debug, Default)]
pub struct Cell {
    /// Stays in front whatever is cut: the branches of a tree.
    branches: String,
    text: String,
    style: Style,
}

impl Cell {
    /// A text, plain.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }

    /// The same in a style.
    pub fn styled(self, style: Style) -> Self {
        Self { style, ..self }
    }

    /// The same with the branches of a tree in front.
    pub fn with_branches(self, branches: impl Into<String>) -> Self {
        Self { branches: branches.into(), ..self }
    }

    fn width(&self) -> usize {
        width_of(&self.branches) + width_of(&self.text)
    }

    /// The lines that it takes in a column of this width.
    fn lines(&self, fit: Fit, width: usize) -> Vec<String> {
        if self.width() <= width {
            return vec![format!("{}{}", self.branches, self.text)];
        }
        // The branches of a deep row are cut so that a name still fits.
        let branches = start(&self.branches, width.saturating_sub(LEAST_NAME));
        let room = width - width_of(branches);
        match fit {
            Fit::CutMiddle => vec![format!("{branches}{}", cut_middle(&self.text, room))],
            Fit::Whole | Fit::CutEnd => vec![format!("{branches}{}", cut_end(&self.text, room))],
            Fit::Wrap => wrapped(&self.text, room.max(1)),
        }
    }
}

/// Texts in rows and columns.
#[derive(Clone, Debug)]
pub struct TextTable {
    columns: Vec<Column>,
    rows: Vec<Vec<Cell>>,
}

const GAP: &str = "  ";
/// Names are cut no shorter for the branches in front of them.
const LEAST_NAME: usize = 8;

impl TextTable {
    /// A table without rows.
    pub fn new(columns: impl Into<Vec<Column>>) -> Self {
        Self { columns: columns.into(), rows: Vec::new() }
    }

    /// Adds a row: one cell for each column.
    pub fn row(&mut self, cells: impl Into<Vec<Cell>>) {
        let cells = cells.into();
        assert_eq!(cells.len(), self.columns.len(), "a row has one cell for each column");
        self.rows.push(cells);
    }

    /// The table as lines, each line ended; without a width every text is whole and on one line.
    pub fn render(&self, terminal: Terminal) -> String {
        let widths = self.widths(terminal.width);
        // A terminal too narrow for one character a column gets the first columns.
        let room = terminal.width.unwrap_or(usize::MAX);
        let mut text = String::new();
        let titles: Vec<Cell> =
            self.columns.iter().map(|column| Cell::new(column.title).styled(Style::Heading)).collect();
        for cells in std::iter::once(&titles).chain(&self.rows) {
            self.render_row(&mut text, cells, &widths, (terminal.colour, room));
        }
        text
    }

    fn render_row(&self, text: &mut String, cells: &[Cell], widths: &[usize], (colour, room): (bool, usize)) {
        let lines: Vec<Vec<String>> = cells
            .iter()
            .zip(&self.columns)
            .zip(widths)
            .map(|((cell, column), &width)| cell.lines(column.fit, width))
            .collect();
        let height = lines.iter().map(Vec::len).max().unwrap_or(0);
        for number in 0..height {
            let (mut gap, mut taken) = (0, 0);
            for ((cell, lines), &width) in cells.iter().zip(&lines).zip(widths) {
                let line = lines.get(number).map_or("", String::as_str);
                if line.is_empty() {
                    gap += width + GAP.len();
                    continue;
                }
                let line = start(line, room.saturating_sub(taken + gap));
                if line.is_empty() {
                    break;
                }
                taken += gap + width_of(line);
                // Blanks are written only where something comes after them.
                text.extend(std::iter::repeat_n(' ', gap));
                text.push_str(&cell.style.paint(line, colour));
                gap = width.saturating_sub(width_of(line)) + GAP.len();
            }
            text.push('\n');
        }
    }

    /// The widths of the columns: what the texts need, and where that is too much, less in the columns that can do with less,
    /// the widest first.
    fn widths(&self, available: Option<usize>) -> Vec<usize> {
        let mut widths: Vec<usize> = (0..self.columns.len())
            .map(|index| {
                let texts = self.rows.iter().map(|row| row[index].width());
                texts.chain([width_of(self.columns[index].title)]).max().unwrap_or(0)
            })
            .collect();
        let Some(available) = available else { return widths };
        let room = available.saturating_sub(GAP.len() * self.columns.len().saturating_sub(1));
        while widths.iter().sum::<usize>() > room {
            let can_shrink = |&index: &usize| {
                let column = &self.columns[index];
                column.fit != Fit::Whole && widths[index] > column.least.max(width_of(column.title))
            };
            let Some(widest) = (0..widths.len()).filter(can_shrink).max_by_key(|&index| widths[index]) else { break };
            widths[widest] -= 1;
        }
        // Where the least is too much, every column gives.
        while widths.iter().sum::<usize>() > room {
            let Some(widest) = (0..widths.len()).filter(|&index| widths[index] > 1).max_by_key(|&index| widths[index])
            else {
                break;
            };
            widths[widest] -= 1;
        }
        widths
    }
}

fn cut_end(text: &str, room: usize) -> String {
    if width_of(text) <= room || room == 0 {
        return start(text, room).to_owned();
    }
    format!("{}…", start(text, room - 1))
}

/// The words in lines of at most this width; a longer word is broken.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split(' ') {
        let mut rest = word;
        if !line.is_empty() && width_of(&line) + 1 + width_of(word) > width {
            lines.push(std::mem::take(&mut line));
        } else if !line.is_empty() {
            line.push(' ');
        }
        while width_of(rest) > width {
            // A character that is wider than the whole column is printed all the same.
            let first = rest.chars().next().map_or(0, char::len_utf8);
            let at = start(rest, width).len().max(first);
            lines.push(rest[..at].to_owned());
            rest = &rest[at..];
        }
        line.push_str(rest);
    }
    lines.push(line);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> TextTable {
        let columns = [
            Column::new("PATH", Fit::CutMiddle, 8),
            Column::new("WORD", Fit::Whole, 0),
            Column::new("WHY", Fit::Wrap, 8),
        ];
        let mut table = TextTable::new(columns);
        table.row([Cell::new("/var/lib/long/name"), Cell::new("yes"), Cell::new("one two three four")]);
        table.row([Cell::new("/a").with_branches("└─"), Cell::default(), Cell::new("x")]);
        table
    }

    #[test]
    fn through_a_pipe_everything_is_whole() {
        assert_eq!(
            table().render(Terminal::PIPE),
            "PATH                WORD  WHY\n\
             /var/lib/long/name  yes   one two three four\n\
             └─/a                      x\n"
        );
    }

    #[test]
    fn a_terminal_gets_lines_that_fit() {
        let text = table().render(Terminal { width: Some(28), colour: false });
        assert_eq!(
            text,
            "PATH        WORD  WHY\n\
             /va…/name   yes   one two\n\
             \x20                 three four\n\
             └─/a              x\n"
        );
        assert!(text.lines().all(|line| line.chars().count() <= 28), "{text}");
    }

    #[test]
    fn a_colour_does_not_move_what_comes_after() {
        let mut table = TextTable::new([Column::new("A", Fit::Whole, 0), Column::new("B", Fit::Whole, 0)]);
        table.row([Cell::new("x").styled(Style::Bad), Cell::new("y")]);
        assert!(table.render(Terminal { width: None, colour: true }).ends_with("\x1b[31mx\x1b[0m  y\n"));
    }

    #[test]
    fn a_word_that_is_too_long_is_broken() {
        assert_eq!(wrapped("ab cdefghij k", 4), ["ab", "cdef", "ghij", "k"]);
        assert_eq!(wrapped("", 4), [""]);
    }
}
