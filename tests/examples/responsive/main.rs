//! An agent that stays responsive: questions about many paths, some of them on servers that never reply, by few workers.
//!
//!     find /mnt -maxdepth 2 | cargo run --example responsive -- --workers 16
//!
//! Paths are read from standard input, one a line. All of them are asked about at once, as asynchronous tasks: what is there,
//! on which device and on which filesystem. A question that would have to wait for a server returns `would wait`, so
//! that no worker is lost to it; try such a path again later, or in a process that may hang. The last line says how late the
//! latest result came.
//!
//! The library has no asynchronous functions: a call takes microseconds, and [`WithoutWaiting`] makes sure of it.
//!
//! [`WithoutWaiting`]: mountwright_core::ports::WithoutWaiting

mod executor;
mod question;

use std::ffi::OsString;
use std::io::{BufRead as _, Write};
use std::os::unix::ffi::OsStringExt as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use clap::Parser;
use mountwright_core::Backend;
use mountwright_linux::LinuxBackend;

use question::Answer;

#[derive(Parser)]
#[command(about = "Asks about the paths on standard input, without waiting for any server.")]
struct Options {
    /// Number of worker threads.
    #[arg(long, default_value_t = 16)]
    workers: usize,
}

fn main() -> ExitCode {
    let options = Options::parse();
    let lines = std::io::stdin().lock().split(b'\n');
    let paths = lines.map_while(Result::ok).map(|line| PathBuf::from(OsString::from_vec(line))).collect();
    let backend: Arc<dyn Backend> = Arc::new(LinuxBackend::new());
    let answers = answers(&backend, options.workers, paths);
    if report(&answers, &mut std::io::stdout().lock()).is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Asks about all paths at once, by so many workers. The results are in the order in which they came.
pub(crate) fn answers(backend: &Arc<dyn Backend>, workers: usize, paths: Vec<PathBuf>) -> Vec<Answer> {
    let (all, since) = (Arc::new(Mutex::new(Vec::with_capacity(paths.len()))), Instant::now());
    let jobs = paths.into_iter().map(|path| {
        let (all, backend) = (Arc::clone(&all), Arc::clone(backend));
        Box::pin(async move {
            let answer = question::ask(&*backend, path, since).await;
            all.lock().unwrap_or_else(PoisonError::into_inner).push(answer);
        }) as _
    });
    executor::run(workers, jobs.collect());
    std::mem::take(&mut *all.lock().unwrap_or_else(PoisonError::into_inner))
}

fn report(answers: &[Answer], out: &mut impl Write) -> std::io::Result<()> {
    for answer in answers {
        writeln!(out, "{answer}")?;
    }
    let waiting = answers.iter().filter(|answer| answer.would_wait()).count();
    let latest = answers.iter().map(|answer| answer.after).max().unwrap_or_default();
    writeln!(out, "{} paths, {waiting} would wait, the latest answer after {latest:?}", answers.len())
}
