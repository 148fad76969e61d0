//! A second mount namespace.

use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;

use crate::namespace::enter_on_this_thread;

type Act = Box<dyn FnOnce() + Send>;

/// A thread in a copy of this thread's mount namespace, in which every shared mount has a peer.
#[derive(Debug)]
pub struct Elsewhere {
    acts: Option<Sender<(Act, Sender<()>)>>,
    thread: Option<JoinHandle<()>>,
}

impl Elsewhere {
    /// Starts it.
    pub fn enter() -> Self {
        let (acts, to_do) = channel::<(Act, Sender<()>)>();
        let thread = std::thread::spawn(move || {
            enter_on_this_thread().unwrap();
            for (act, done) in to_do {
                act();
                let _ = done.send(());
            }
        });
        let elsewhere = Self { acts: Some(acts), thread: Some(thread) };
        elsewhere.does(|| ());
        elsewhere
    }

    /// Returns a function that runs `act` there and waits for it.
    pub fn doing(&self, act: impl FnOnce() + Send + 'static) -> impl FnOnce() + Send + 'static {
        let acts = self.acts.clone().unwrap();
        move || {
            let (done, is_done) = channel();
            acts.send((Box::new(act), done)).unwrap();
            is_done.recv().expect("it did not panic there");
        }
    }

    /// Runs `act` there.
    pub fn does(&self, act: impl FnOnce() + Send + 'static) {
        self.doing(act)();
    }

    /// Runs `ask` there and returns its result.
    pub fn asks<T: Send + 'static>(&self, ask: impl FnOnce() -> T + Send + 'static) -> T {
        let (found, is_found) = channel();
        self.does(move || found.send(ask()).unwrap());
        is_found.recv().unwrap()
    }
}

impl Drop for Elsewhere {
    fn drop(&mut self) {
        self.acts = None;
        let ended = self.thread.take().unwrap().join();
        assert!(ended.is_ok() || std::thread::panicking(), "it panicked in the other namespace");
    }
}
