//! Callers that act at the same moment: threads, or processes.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use mountwright_linux::LinuxBackend;
use mountwright_tests::mortal_child::{end_of, start_child};
use serde::{Deserialize, Serialize};

use crate::operations::{Answer, Before, Operation, Ports};

/// Time after which a call is said to wait for ever.
const PATIENCE: Duration = Duration::from_mins(1);

/// A word to a caller.
#[derive(Serialize, Deserialize)]
enum Order {
    Prepare(Box<Before>),
    /// Begin after this many microseconds.
    Go(u64),
}

/// The callers of one round after the other.
pub(crate) struct Crew {
    callers: Vec<(usize, BufReader<UnixStream>)>,
    threads: Vec<std::thread::JoinHandle<()>>,
    children: Vec<rustix::process::Pid>,
    /// State of a generator of delays.
    random: u64,
}

/// Callers of an operation: `stream` carries orders and results.
fn serve(stream: &UnixStream, operation: &Operation, side: usize) {
    let backend = LinuxBackend::new();
    let mut before = Before::default();
    for line in BufReader::new(stream).lines() {
        let Ok(line) = line else { return };
        match serde_json::from_str(&line).expect("an order") {
            Order::Prepare(prepared) => before = *prepared,
            Order::Go(delay) => {
                let start = Instant::now();
                while start.elapsed() < Duration::from_micros(delay) {
                    std::hint::spin_loop();
                }
                let mut answer = (operation.run)(Ports::of(&backend), &before, side);
                answer.names_what_is_used = !answer.left.is_empty() && is_any_used(&answer.left);
                say(stream, &answer);
            }
        }
    }
}

/// True where a mount is on one of these directories and files, or below it.
fn is_any_used(left: &[String]) -> bool {
    let table = std::fs::read_to_string("/proc/thread-self/mountinfo").expect("a procfs");
    let points: Vec<_> = table.lines().filter_map(|line| line.split(' ').nth(4)).collect();
    let path = |left: &'_ String| left.strip_prefix("directory ").or(left.strip_prefix("file ")).map(str::to_owned);
    left.iter().filter_map(path).any(|path| points.iter().any(|point| Path::new(point).starts_with(&path)))
}

fn say(mut stream: &UnixStream, what: &impl Serialize) {
    let mut line = serde_json::to_string(what).expect("it can be written");
    line.push('\n');
    // A caller that has ended is found by its missing result.
    let _ = stream.write_all(line.as_bytes());
}

impl Crew {
    fn of(count: usize, mut start: impl FnMut(usize, UnixStream) -> Started) -> Self {
        let mut crew = Self { callers: Vec::new(), threads: Vec::new(), children: Vec::new(), random: 22_432_029 };
        for side in (0..count).map(|index| index % 2) {
            let (ours, theirs) = UnixStream::pair().expect("a pair of sockets");
            ours.set_read_timeout(Some(PATIENCE)).expect("a time limit");
            match start(side, theirs) {
                Started::Thread(thread) => crew.threads.push(thread),
                Started::Child(child) => crew.children.push(child),
            }
            crew.callers.push((side, BufReader::new(ours)));
        }
        crew
    }

    /// Threads, half of them for each operation.
    pub(crate) fn of_threads(count: usize, pair: [&'static Operation; 2]) -> Self {
        Self::of(count, |side, stream| Started::Thread(std::thread::spawn(move || serve(&stream, pair[side], side))))
    }

    /// One process for each operation.
    pub(crate) fn of_processes(pair: [&'static Operation; 2]) -> Self {
        Self::of(2, |side, stream| Started::Child(start_child(|| serve(&stream, pair[side], side)).expect("a process")))
    }

    fn delay(&mut self, most: u64) -> u64 {
        self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.random >> 33) % (most + 1)
    }

    /// Lets all of them act, at moments that differ by this many microseconds at most. Returns each caller's side and result.
    pub(crate) fn act(&mut self, before: &Before, most: u64) -> Result<Vec<(usize, Answer)>, String> {
        let prepared = Order::Prepare(Box::new(before.clone()));
        for (_, stream) in &self.callers {
            say(stream.get_ref(), &prepared);
        }
        let delays: Vec<_> = (0..self.callers.len()).map(|_| self.delay(most)).collect();
        for ((_, stream), delay) in self.callers.iter().zip(delays) {
            say(stream.get_ref(), &Order::Go(delay));
        }
        let result = |(side, stream): &mut (usize, BufReader<UnixStream>)| {
            let mut line = String::new();
            stream.read_line(&mut line).map_err(|error| format!("a caller waits for ever: {error}"))?;
            let answer = serde_json::from_str(&line).map_err(|error| format!("a caller has panicked: {error}"))?;
            Ok((*side, answer))
        };
        self.callers.iter_mut().map(result).collect()
    }
}

enum Started {
    Thread(std::thread::JoinHandle<()>),
    Child(rustix::process::Pid),
}

impl Drop for Crew {
    fn drop(&mut self) {
        for (_, stream) in &self.callers {
            // Each child has copies of the others' ends: closing them alone ends no child.
            let _ = stream.get_ref().shutdown(std::net::Shutdown::Both);
        }
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
        for child in self.children.drain(..) {
            let _ = end_of(child);
        }
    }
}
