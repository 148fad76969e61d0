//! Report of the measurements, as text and as a log file.

use std::fmt::Write as _;
use std::fs::{File, OpenOptions};
use std::io::Write as _;

use super::claim::Verdict;

/// Prints each group, and appends it to the file that the argument `--log=FILE` names, one tab-separated line for each
/// number.
pub(crate) struct Report {
    filters: Vec<String>,
    trial: bool,
    log: Option<File>,
    missed: usize,
}

impl Report {
    /// From the arguments that `cargo bench` hands over: a group is run where its title contains one of the words.
    ///
    /// Without `--bench`, as under `cargo test --benches`, each variant is run once and nothing is measured.
    pub(crate) fn from_args() -> Self {
        let (flags, filters): (Vec<_>, Vec<_>) = std::env::args().skip(1).partition(|word| word.starts_with('-'));
        let log = flags
            .iter()
            .find_map(|flag| flag.strip_prefix("--log="))
            .map(|path| OpenOptions::new().append(true).create(true).open(path).expect("--log names a file"));
        Self { filters, trial: !flags.iter().any(|flag| flag == "--bench"), log, missed: 0 }
    }

    pub(crate) fn wants(&self, title: &str) -> bool {
        self.filters.is_empty() || self.filters.iter().any(|word| title.contains(word.as_str()))
    }

    /// True where a group whose title starts with this word may be wanted.
    pub(crate) fn wants_area(&self, area: &str) -> bool {
        self.filters.is_empty() || self.filters.iter().any(|word| word.starts_with(area))
    }

    pub(crate) fn is_trial(&self) -> bool {
        self.trial
    }

    pub(super) fn group(&mut self, title: &str, medians: &[(&str, f64)], verdicts: &[Verdict]) {
        let mut log = String::new();
        println!("\n{title}");
        for (name, nanos) in medians {
            println!("  {name:<44} {:>12}", time(*nanos));
            let _ = writeln!(log, "time\t{title}\t{name}\t{nanos:.1}");
        }
        for Verdict { text, value, limit, holds } in verdicts {
            let word = if *holds { "" } else { "MISSED" };
            println!("    {text:<54} {value:>10}  {limit:<12} {word}");
            let _ = writeln!(log, "claim\t{title}\t{text}\t{value}\t{limit}\t{}", if *holds { "yes" } else { "no" });
            self.missed += usize::from(!holds);
        }
        self.append(&log);
    }

    fn append(&mut self, text: &str) {
        if let Some(log) = &mut self.log {
            log.write_all(text.as_bytes()).expect("the log can be written to");
        }
    }

    /// The last line.
    pub(crate) fn end(self) {
        match self.missed {
            0 => println!("\nno limit was missed"),
            missed => println!("\n{missed} limits were missed"),
        }
    }
}

fn time(nanos: f64) -> String {
    match nanos {
        nanos if nanos < 1e3 => format!("{nanos:.1} ns"),
        nanos if nanos < 1e6 => format!("{:.2} µs", nanos / 1e3),
        nanos if nanos < 1e9 => format!("{:.2} ms", nanos / 1e6),
        nanos => format!("{:.2} s", nanos / 1e9),
    }
}
