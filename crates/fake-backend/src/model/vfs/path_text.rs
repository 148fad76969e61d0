//! The text of a path, component by component.

use std::sync::Arc;

/// Either the caller's path or the text of a symlink.
#[derive(Clone, Debug)]
pub(super) enum Text<'a> {
    Given(&'a [u8]),
    Link(Arc<[u8]>),
}

/// The text that is not walked yet.
#[derive(Clone, Debug)]
pub(super) struct Rest<'a> {
    pub(super) text: Text<'a>,
    pub(super) at: usize,
}

impl<'a> Rest<'a> {
    pub(super) fn bytes(&self) -> &[u8] {
        match &self.text {
            Text::Given(bytes) => &bytes[self.at..],
            Text::Link(bytes) => &bytes[self.at..],
        }
    }

    pub(super) fn skip_slashes(&mut self) {
        self.at += self.bytes().iter().take_while(|&&byte| byte == b'/').count();
    }

    /// Returns the next component and skips the slashes after it.
    pub(super) fn take_component(&mut self) -> Component<'a> {
        let start = self.at;
        self.at += self.bytes().iter().take_while(|&&byte| byte != b'/').count();
        let end = self.at;
        self.skip_slashes();
        Component { text: self.text.clone(), start, end, slash: self.at > end }
    }
}

/// One component of a path.
#[derive(Clone, Debug)]
pub(super) struct Component<'a> {
    text: Text<'a>,
    start: usize,
    end: usize,
    /// Slashes follow.
    pub(super) slash: bool,
}

impl Component<'_> {
    pub(super) fn bytes(&self) -> &[u8] {
        match &self.text {
            Text::Given(bytes) => &bytes[self.start..self.end],
            Text::Link(bytes) => &bytes[self.start..self.end],
        }
    }
}

/// The kind of a path's last component.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LastKind {
    Name,
    Dot,
    DotDot,
    /// None: the path is `/`, or empty.
    Root,
}

impl LastKind {
    pub(super) fn of(name: &[u8]) -> Self {
        match name {
            b"." => Self::Dot,
            b".." => Self::DotDot,
            _ => Self::Name,
        }
    }
}
