//! Plain words: the terms that comments, pages and error texts do not use, because the field has another one.

use std::fs;
use std::path::{Path, PathBuf};

use crate::page::root;

/// The files and folders that are checked.
const CHECKED: [&str; 4] = ["README.md", "crates", "docs", "tests"];

const WORDS: [&str; 20] = [
    "answer",
    "answered",
    "answering",
    "answers",
    "deed",
    "deeds",
    "floor",
    "floors",
    "goes",
    "meanwhile",
    "nobody",
    "part",
    "room",
    "rooms",
    "somebody",
    "tell",
    "telling",
    "tells",
    "told",
    "whoever",
];

/// Words in a row, each with its forms. One more word may follow the first one if the flag is set.
const PHRASES: [(&[&[&str]], bool); 5] = [
    (&[&["take", "taken", "takes", "taking"], &["back", "off"]], true),
    (&[&["took"], &["back", "off"]], false),
    (&[&["put", "puts", "putting"], &["on"]], false),
    (&[&["carried", "carries", "carry", "carrying"], &["out"]], false),
    (&[&["the"], &["way"], &["round"]], false),
];

/// Words that no line of a doc comment begins with.
const FIRST: [&str; 5] = ["How", "What", "Where", "Whether", "Who"];

/// The text of a line, with the rule for its first word.
struct Prose<'a> {
    text: &'a str,
    is_doc: bool,
}

impl<'a> Prose<'a> {
    /// Returns the comment of a line of Rust.
    fn comment(line: &'a str) -> Option<Self> {
        let start = line.trim_start();
        let doc = ["///", "//!"].iter().find_map(|slashes| start.strip_prefix(slashes));
        let other = start.strip_prefix("//").or_else(|| line.split_once(" // ").map(|(_, text)| text));
        let is_doc = doc.is_some();
        doc.or(other).map(|text| Self { text, is_doc })
    }

    fn unwanted(&self) -> Vec<String> {
        let first = self.text.strip_prefix(' ').and_then(|text| text.split(|c| !is_letter(c)).next());
        let first = first.filter(|word| self.is_doc && FIRST.contains(word));
        first.map(str::to_owned).into_iter().chain(unwanted_in(self.text)).collect()
    }
}

/// Returns the unwanted words of a text. Code between backticks is left out.
fn unwanted_in(text: &str) -> Vec<String> {
    text.split('`').step_by(2).flat_map(unwanted_in_words).collect()
}

fn unwanted_in_words(text: &str) -> Vec<String> {
    let text = text.to_lowercase();
    // Punctuation is a word of its own, so that no phrase extends over it.
    let spaced: String =
        text.chars().flat_map(|c| if is_letter(c) || c == ' ' { vec![c] } else { vec![' ', c, ' '] }).collect();
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut found = Vec::new();
    for (index, word) in words.iter().enumerate() {
        if WORDS.contains(word) {
            found.push((*word).to_owned());
        }
        let lengths = PHRASES.iter().filter_map(|&(phrase, is_wide)| length_of(phrase, is_wide, &words[index..]));
        found.extend(lengths.map(|length| words[index..index + length].join(" ")));
    }
    found
}

/// Returns the number of words of the phrase at the start of `words`.
fn length_of(phrase: &[&[&str]], is_wide: bool, words: &[&str]) -> Option<usize> {
    let (first, rest) = phrase.split_first()?;
    let (word, after) = words.split_first()?;
    let begins =
        |words: &[&str]| words.len() >= rest.len() && rest.iter().zip(words).all(|(forms, word)| forms.contains(word));
    let is_one_more =
        |words: &[&str]| words.split_first().is_some_and(|(word, after)| word.chars().all(is_letter) && begins(after));
    match first.contains(word) {
        true if begins(after) => Some(phrase.len()),
        true if is_wide && is_one_more(after) => Some(phrase.len() + 1),
        _ => None,
    }
}

fn is_letter(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// `file:line: word` for each unwanted word in the comments and error texts of a file of Rust.
fn in_rust(name: &str, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut is_code = false;
    let mut rest = text;
    for (number, line) in (1..).zip(text.lines()) {
        let words = match Prose::comment(line) {
            Some(prose) if prose.is_doc && prose.text.trim_start().starts_with("```") => {
                is_code = !is_code;
                Vec::new()
            }
            Some(prose) if !is_code || !prose.is_doc => prose.unwanted(),
            Some(_) => Vec::new(),
            None => {
                is_code = false;
                line.trim_start().strip_prefix("#[error(").map_or_else(Vec::new, |_| unwanted_in(&error_text(rest)))
            }
        };
        found.extend(words.iter().map(|word| format!("{name}:{number}: {word}")));
        rest = rest.get(line.len() + 1..).unwrap_or_default();
    }
    found
}

/// Returns the literal of an attribute `error` at the start of this text, without its arguments in braces.
fn error_text(attribute: &str) -> String {
    let Some((_, literal)) = attribute.split_once("#[error(") else { return String::new() };
    let Some(literal) = literal.trim_start().strip_prefix('"') else { return String::new() };
    let mut text = String::new();
    let (mut is_escaped, mut is_argument) = (false, false);
    for c in literal.chars() {
        match c {
            _ if is_escaped => is_escaped = false,
            '"' => break,
            '\\' => is_escaped = true,
            '{' => is_argument = true,
            '}' => is_argument = false,
            _ if !is_argument => text.push(c),
            _ => {}
        }
    }
    text
}

/// `file:line: word` for each unwanted word in a page, outside of blocks of code.
fn in_page(name: &str, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut is_code = false;
    for (number, line) in (1..).zip(text.lines()) {
        if line.trim_start().starts_with("```") {
            is_code = !is_code;
        } else if !is_code {
            found.extend(unwanted_in(line).iter().map(|word| format!("{name}:{number}: {word}")));
        }
    }
    found
}

/// Returns every file of Rust and every page at or below a path, sorted.
fn files_at(path: &Path) -> Vec<PathBuf> {
    if !path.is_dir() {
        let has_prose = path.extension().is_some_and(|extension| extension == "rs" || extension == "md");
        return has_prose.then(|| path.to_owned()).into_iter().collect();
    }
    if path.ends_with("target") {
        return Vec::new();
    }
    let entries = fs::read_dir(path).expect("a folder of the project");
    let mut entries: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    entries.sort();
    entries.iter().flat_map(|path| files_at(path)).collect()
}

#[test]
fn comments_pages_and_error_texts_use_plain_words() {
    let files: Vec<_> = CHECKED.iter().flat_map(|path| files_at(&root().join(path))).collect();
    let mut found = Vec::new();
    for file in &files {
        let name = file.strip_prefix(root()).expect("a file of the project").display().to_string();
        let text = fs::read_to_string(file).unwrap_or_else(|error| panic!("{name}: {error}"));
        let is_rust = file.extension().is_some_and(|extension| extension == "rs");
        found.extend(if is_rust { in_rust(&name, &text) } else { in_page(&name, &text) });
    }
    assert!(files.len() > 300, "only {} files: have the folders moved?", files.len());
    assert!(found.is_empty(), "{} words (docs/glossary.md has the terms):\n{}", found.len(), found.join("\n"));
}

#[test]
fn unwanted_words_in_a_file_of_rust_are_found() {
    // A made-up file must not look like comments of this one: `~` stands for two slashes.
    let text = "\
~! A page. What follows is fine, and the other way round.
~/ What.
~/ Takes it off, by `answer`; takes off.
~/ ```
~/ let part = 1; ~ Somebody.
~/ ```
#[error(\"{room} has no \\\"room\\\"\")]
#[error(
    \"nobody\"
)]
fn goes() -> &'static str { \"whoever\" } ~ It goes, and puts on.
~ Where it is partly taken; off. Not the way round.
";
    let found = in_rust("made-up.rs", &text.replace('~', "//"));
    let expected = [
        "2: What",
        "3: takes it off",
        "3: takes off",
        "7: room",
        "8: nobody",
        "11: goes",
        "11: puts on",
        "12: the way round",
    ];
    assert_eq!(found, expected.map(|hit| format!("made-up.rs:{hit}")));
}

#[test]
fn unwanted_words_in_a_page_are_found() {
    let text = "Where it is.\n\n```sh\nanswer\n```\n| `part` | The Part |\n";
    assert_eq!(in_page("made-up.md", text), ["made-up.md:6: part"]);
}
