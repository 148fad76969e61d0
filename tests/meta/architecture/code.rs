//! The paths that a file names, outside its unit tests.

use std::collections::BTreeSet;

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

/// A file's module declarations, definitions and paths.
#[derive(Debug, Default)]
pub(crate) struct Code {
    /// Names of `mod name;`
    pub(crate) children: BTreeSet<String>,
    /// Names of types, functions, constants, traits
    pub(crate) defines: BTreeSet<String>,
    pub(crate) paths: Vec<NamedPath>,
}

/// A path as it is written, with groups opened: `use a::{B as C}` is `a::B` under the name `C`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NamedPath {
    pub(crate) segments: Vec<String>,
    pub(crate) name: String,
    /// In a `use`, so that other modules can import it from here
    pub(crate) imported: bool,
}

impl Code {
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        let stream: TokenStream = text.parse().map_err(|error| format!("{error}"))?;
        let mut code = Self::default();
        code.add(stream, 0);
        Ok(code)
    }

    /// `depth`: the number of groups around these tokens.
    fn add(&mut self, stream: TokenStream, depth: usize) {
        let tokens: Vec<TokenTree> = stream.into_iter().collect();
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            at += 1;
            match token {
                TokenTree::Punct(mark) if mark.as_char() == '#' => at = after_attribute(&tokens, at),
                TokenTree::Group(group) => self.add(group.stream(), depth + 1),
                TokenTree::Ident(word) if word == "use" => at = self.add_tree(&tokens, at, Vec::new(), true),
                TokenTree::Ident(_) if is_path(&tokens, at) => {
                    at = self.add_tree(&tokens, at - 1, Vec::new(), false);
                }
                TokenTree::Ident(word) if depth == 0 => self.add_item(&word.to_string(), tokens.get(at..)),
                _ => {}
            }
        }
    }

    fn add_item(&mut self, keyword: &str, rest: Option<&[TokenTree]>) {
        let Some([TokenTree::Ident(name), after, ..]) = rest else { return };
        match keyword {
            "mod" if is_mark(after, ';') => {
                self.children.insert(name.to_string());
            }
            "const" | "enum" | "fn" | "static" | "struct" | "trait" | "type" => {
                self.defines.insert(name.to_string());
            }
            _ => {}
        }
    }

    /// Adds the paths that begin at `at`. Returns the index behind them.
    fn add_tree(&mut self, tokens: &[TokenTree], mut at: usize, mut path: Vec<String>, imported: bool) -> usize {
        loop {
            match tokens.get(at) {
                Some(TokenTree::Ident(word)) => path.push(word.to_string()),
                Some(TokenTree::Punct(mark)) if mark.as_char() == '*' => path.push("*".to_owned()),
                Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => {
                    self.add_group(group, &path, imported);
                    return at + 1;
                }
                _ => {
                    self.add_path(path.clone(), path, imported);
                    return at;
                }
            }
            at += 1;
            if !is_path(tokens, at) {
                let name = match tokens.get(at..) {
                    Some([TokenTree::Ident(word), TokenTree::Ident(name), ..]) if word == "as" && imported => {
                        at += 2;
                        vec![name.to_string()]
                    }
                    _ => path.clone(),
                };
                self.add_path(path, name, imported);
                return at;
            }
            at += 2;
        }
    }

    fn add_group(&mut self, group: &Group, path: &[String], imported: bool) {
        let tokens: Vec<TokenTree> = group.stream().into_iter().collect();
        let mut at = 0;
        while at < tokens.len() {
            at = self.add_tree(&tokens, at, path.to_vec(), imported);
            at += 1; // the comma
        }
    }

    fn add_path(&mut self, mut segments: Vec<String>, mut named: Vec<String>, imported: bool) {
        if segments.last().is_some_and(|last| last == "self") && segments.len() > 1 {
            segments.pop();
            named.pop();
        }
        if let Some(name) = named.pop() {
            self.paths.push(NamedPath { segments, name, imported });
        }
    }
}

fn is_mark(token: &TokenTree, mark: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == mark)
}

/// Returns true if `::` is at this index.
fn is_path(tokens: &[TokenTree], at: usize) -> bool {
    matches!(tokens.get(at..), Some([first, second, ..]) if is_mark(first, ':') && is_mark(second, ':'))
}

/// The index behind the attribute, and behind the item where it is one of unit tests.
fn after_attribute(tokens: &[TokenTree], at: usize) -> usize {
    let Some(TokenTree::Group(group)) = tokens.get(at) else { return at + 1 };
    let text = group.stream().to_string().replace(' ', "");
    if !text.starts_with("cfg(test") && !text.starts_with("cfg(all(test") {
        return at + 1;
    }
    let ends = |token: &TokenTree| {
        is_mark(token, ';') || matches!(token, TokenTree::Group(group) if group.delimiter() == Delimiter::Brace)
    };
    let item = tokens.get(at + 1..).unwrap_or_default();
    at + 2 + item.iter().position(ends).unwrap_or(item.len())
}
