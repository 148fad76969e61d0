//! Expansion of the macros that make public items: one rule, whose pattern is one repetition of single tokens, called with
//! its rows or by a macro that lists them.

use std::collections::{BTreeMap, HashMap};

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use syn::{File, Item, ItemMacro};

/// A macro of this form: `($(PATTERN)*) => { BODY };`.
struct Rule {
    pattern: Vec<TokenTree>,
    body: TokenStream,
}

/// The tokens that one repetition binds, by name.
type Row = HashMap<String, TokenTree>;

/// The items with each call of such a macro of the same file replaced by the items that it makes. Other macros stay.
pub(crate) fn expanded(items: Vec<Item>) -> Vec<Item> {
    let rules: BTreeMap<String, Rule> = items.iter().filter_map(rule).collect();
    let lists: BTreeMap<String, TokenStream> = items.iter().filter_map(list).collect();
    items.into_iter().flat_map(|item| made_by(&item, &rules, &lists).unwrap_or_else(|| vec![item])).collect()
}

/// The pattern and the body of a macro with one rule.
fn pattern_and_body(item: &Item) -> Option<(String, TokenStream, TokenStream)> {
    let Item::Macro(ItemMacro { ident: Some(name), mac, .. }) = item else { return None };
    let mut tokens = mac.tokens.clone().into_iter();
    let (TokenTree::Group(pattern), Some(TokenTree::Group(body))) = (tokens.next()?, tokens.nth(2)) else {
        return None;
    };
    Some((name.to_string(), pattern.stream(), body.stream()))
}

/// A macro that lists rows for another one: `($then:ident) => { $then! { ROWS } };`.
fn list(item: &Item) -> Option<(String, TokenStream)> {
    let (name, _, body) = pattern_and_body(item)?;
    match &body.into_iter().collect::<Vec<_>>()[..] {
        [TokenTree::Punct(dollar), TokenTree::Ident(_), TokenTree::Punct(_), TokenTree::Group(rows)] => {
            (dollar.as_char() == '$').then(|| (name, rows.stream()))
        }
        _ => None,
    }
}

fn rule(item: &Item) -> Option<(String, Rule)> {
    let (name, pattern, body) = pattern_and_body(item)?;
    let whole: Vec<_> = pattern.into_iter().collect();
    let [TokenTree::Punct(dollar), TokenTree::Group(repeated), TokenTree::Punct(star)] = &whole[..] else {
        return None;
    };
    let is_one = dollar.as_char() == '$' && star.as_char() == '*';
    let rule = Rule { pattern: repeated.stream().into_iter().collect(), body };
    is_one.then_some((name, rule))
}

fn made_by(item: &Item, rules: &BTreeMap<String, Rule>, lists: &BTreeMap<String, TokenStream>) -> Option<Vec<Item>> {
    let Item::Macro(ItemMacro { ident: None, mac, .. }) = item else { return None };
    let name = mac.path.get_ident()?.to_string();
    let (rule, tokens) = match lists.get(&name) {
        Some(rows) => (rules.get(&mac.tokens.to_string())?, rows),
        None => (rules.get(&name)?, &mac.tokens),
    };
    let rows = rows(&rule.pattern, tokens.clone())?;
    let File { items, .. } = syn::parse2(substituted(rule.body.clone(), &rows, None)).ok()?;
    Some(items)
}

fn rows(pattern: &[TokenTree], tokens: TokenStream) -> Option<Vec<Row>> {
    let mut tokens = tokens.into_iter().peekable();
    let mut rows = Vec::new();
    while tokens.peek().is_some() {
        let mut row = Row::new();
        let mut pattern = pattern.iter();
        while let Some(expected) = pattern.next() {
            let token = tokens.next()?;
            if expected.to_string() == "$" {
                row.insert(pattern.next()?.to_string(), token);
                // The colon and the kind of the fragment.
                pattern.nth(1)?;
            } else if token.to_string() != expected.to_string() {
                return None;
            }
        }
        rows.push(row);
    }
    Some(rows)
}

fn substituted(body: TokenStream, rows: &[Row], row: Option<&Row>) -> TokenStream {
    let mut made = Vec::new();
    let mut tokens = body.into_iter().peekable();
    while let Some(token) = tokens.next() {
        match (&token, tokens.peek().cloned()) {
            (TokenTree::Punct(dollar), Some(TokenTree::Group(repeated)))
                if dollar.as_char() == '$' && repeated.delimiter() == Delimiter::Parenthesis =>
            {
                tokens.next();
                let after = tokens.next();
                let separator = after.filter(|after| after.to_string() != "*").inspect(|_| {
                    tokens.next();
                });
                for (index, row) in rows.iter().enumerate() {
                    made.extend(separator.clone().filter(|_| index > 0));
                    made.extend(substituted(repeated.stream(), rows, Some(row)));
                }
            }
            (TokenTree::Punct(dollar), Some(TokenTree::Ident(name))) if dollar.as_char() == '$' => {
                tokens.next();
                made.extend(row.and_then(|row| row.get(&name.to_string())).cloned());
            }
            (TokenTree::Group(group), _) => {
                let inner = substituted(group.stream(), rows, row);
                made.push(TokenTree::Group(Group::new(group.delimiter(), inner)));
            }
            _ => made.push(token),
        }
    }
    made.into_iter().collect()
}

/// A macro of the form that is expanded makes its items; another stays as it is.
pub(crate) fn must_expand() {
    let source = "macro_rules! named { ($($name:ident = $number:literal;)*) => {
            impl E { $(pub const $name: u8 = $number;)* pub const ALL: &[u8] = &[$($number),*]; }
        } }
        named! { A = 1; B = 2; }
        macro_rules! listed { ($then:ident) => { $then! { A = 1; B = 2; C = 3; } } }
        listed! { named }
        other! { C }";
    let File { items, .. } = syn::parse_str(source).expect("the source");
    let items = expanded(items);
    let Item::Impl(made) = &items[1] else { panic!("the call makes an implementation") };
    assert_eq!(made.items.len(), 3, "two constants and ALL");
    let Item::Impl(made) = &items[3] else { panic!("the call of a list makes an implementation") };
    assert_eq!(made.items.len(), 4, "three constants and ALL");
    assert!(matches!(&items[4], Item::Macro(_)), "an unknown macro stays");
}
