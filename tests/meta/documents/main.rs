//! The pages name tests, scenarios and other pages: each of them is there.

mod evidence;
mod links;
mod page;
mod sources;
mod words;

use evidence::Evidence;
use page::Page;
use sources::Sources;

/// Returns the names in a column of evidence that do not exist in the sources.
fn unknown(page: &Page, sources: &Sources) -> Vec<String> {
    let mut before = Vec::new();
    let mut unknown = Vec::new();
    for cell in page.evidence_cells() {
        let named = if cell.text == "the same" { before.clone() } else { Evidence::all_in(&cell.text) };
        if named.is_empty() {
            unknown.push(format!("{}:{}: no test is named in {:?}", page.name, cell.line, cell.text));
        }
        let missing = named.iter().filter(|evidence| !sources.have(evidence));
        unknown.extend(missing.map(|evidence| format!("{}:{}: {evidence:?} is nowhere", page.name, cell.line)));
        before = named;
    }
    unknown
}

#[test]
fn what_the_pages_name_as_evidence_is_there() {
    let sources = Sources::read();
    let pages = Page::all();
    let cells: usize = pages.iter().map(|page| page.evidence_cells().count()).sum();
    assert!(cells > 60, "only {cells} cells of evidence: have the column's titles changed?");
    let unknown: Vec<_> = pages.iter().flat_map(|page| unknown(page, &sources)).collect();
    assert!(unknown.is_empty(), "{}", unknown.join("\n"));
}

#[test]
fn what_is_not_there_is_noticed() {
    let page = Page::from_text(
        "made-up.md",
        "| input | pinned by |\n|---|---|\n| a | `no_such_test_as_this` |\n| b | nothing |\n\
         | c | `contract`: \"no such case\" |\n| d | `sem/no/such` |\n| e | `no_such_lane`: \"share then unshare is no change\" |\n",
    );
    assert_eq!(unknown(&page, &Sources::read()).len(), 5);
}

#[test]
fn links_between_pages_lead_somewhere() {
    let broken: Vec<_> = Page::all().iter().flat_map(links::broken).collect();
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn a_person_sets_four_variables() {
    let four = ["LONG", "REQUIRE_KERNEL", "SEED", "UPDATE"].map(|name| format!("MOUNTWRIGHT_{name}"));
    assert_eq!(Sources::read().variables(), four.each_ref().map(String::as_str).into());
}

/// The first screen of the README, up to the section after the commands, fits into a terminal of 100 columns.
#[test]
fn first_screen_of_the_readme_fits_into_100_columns() {
    let readme = include_str!("../../../README.md");
    let (first, _) = readme.split_once("## What it looks like").expect("the section after the first screen");
    let wide: Vec<_> = first.lines().filter(|line| unicode_width::UnicodeWidthStr::width(*line) > 100).collect();
    assert!(wide.is_empty(), "{wide:#?}");
    assert!(first.lines().count() <= 60, "the first screen has {} lines", first.lines().count());
}
