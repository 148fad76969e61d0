//! The cost of one question of the example `ask`: the calls of eleven in one process less those of one, a tenth of it.

use std::ffi::OsString;

use mountwright_tests::show::Terminal;

use crate::child::EMPTY_DIR;
use crate::command;

/// A question and the most system calls that one may make.
pub(crate) struct Question {
    pub(crate) what: &'static str,
    words: &'static [&'static str],
    pub(crate) most: usize,
    /// The path that it leaves mounts on.
    pub(crate) mounts_on: Option<&'static str>,
}

pub(crate) const QUESTIONS: &[Question] = &[
    Question { what: "ask mount", words: &["mount", "/tmp/root/a"], most: 3, mounts_on: None },
    Question { what: "ask volume, of a memory emptyDir", words: &["volume", EMPTY_DIR], most: 3, mounts_on: None },
    Question { what: "ask count --limit 8", words: &["count", "--limit", "8", "/tmp/many"], most: 5, mounts_on: None },
    Question {
        what: "ask bind --read-only",
        words: &["bind", "--read-only", "/tmp/source", "/tmp/asked"],
        most: 10,
        mounts_on: Some("/tmp/asked"),
    },
];

/// The number of repetitions in the second process.
pub(crate) const TIMES: usize = 11;

impl Question {
    /// Asks it so many times.
    pub(crate) fn ask(&self, times: usize) {
        let repeat = format!("--repeat={times}");
        let words = ["ask", &repeat].into_iter().chain(self.words.iter().copied());
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let status = command::run(words.map(OsString::from).collect(), Terminal::PIPE, &mut out, &mut err);
        assert_eq!(status, 0, "{}", String::from_utf8_lossy(&err));
    }
}
