//! Colours, where there is a terminal to show them.

/// The meaning of a text; a terminal shows it in a colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Style {
    /// As it is
    #[default]
    Plain,
    /// A heading
    Heading,
    /// Less important
    Dim,
    /// Good, or new
    Good,
    /// Worth a look
    Notable,
    /// Wrong
    Bad,
}

impl Style {
    /// The text between the escapes of this style, or as it is where there is no colour.
    pub fn paint(self, text: &str, colour: bool) -> String {
        let code = match self {
            Self::Heading => "1",
            Self::Dim => "2",
            Self::Good => "32",
            Self::Notable => "33",
            Self::Bad => "31",
            Self::Plain => return text.to_owned(),
        };
        if colour && !text.is_empty() { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_no_escapes_without_colour() {
        assert_eq!(Style::Bad.paint("x", false), "x");
        assert_eq!(Style::Bad.paint("x", true), "\x1b[31mx\x1b[0m");
        assert_eq!(Style::Plain.paint("x", true), "x");
    }
}
