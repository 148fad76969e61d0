//! The decorator.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use mountwright_core::Errno;
use mountwright_linux::Call;

use crate::test_kit::interposed::between::{Between, Moment};

/// A [`Kernel`](mountwright_linux::Kernel) with code between its calls. Clones share the code and the numbers.
#[derive(Debug)]
pub struct Interposed<K, B> {
    pub(super) kernel: K,
    between: Arc<B>,
    next: Arc<AtomicUsize>,
}

impl<K: Clone, B> Clone for Interposed<K, B> {
    fn clone(&self) -> Self {
        let (between, next) = (Arc::clone(&self.between), Arc::clone(&self.next));
        Self { kernel: self.kernel.clone(), between, next }
    }
}

impl<K, B: Between> Interposed<K, B> {
    /// Wraps a kernel with this code between the calls.
    pub fn new(kernel: K, between: B) -> Self {
        Self { kernel, between: Arc::new(between), next: Arc::new(AtomicUsize::new(0)) }
    }

    /// Returns the code between the calls.
    pub fn between(&self) -> &B {
        &self.between
    }

    /// Counts the calls so far, failed ones included.
    pub fn calls_made(&self) -> usize {
        self.next.load(Ordering::Relaxed)
    }

    pub(super) fn around<T>(
        &self,
        call: Call,
        probe: bool,
        make: impl FnOnce() -> Result<T, Errno>,
    ) -> Result<T, Errno> {
        let moment = Moment { number: self.next.fetch_add(1, Ordering::Relaxed), call, probe };
        self.between.before(moment)?;
        let answer = make();
        self.between.after(moment);
        answer
    }
}
