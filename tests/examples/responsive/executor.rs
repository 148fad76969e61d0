//! Worker threads that poll tasks: as much of an asynchronous runtime as the example needs.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

type Job = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Tasks that can be polled now, and the number of those that have not ended.
#[derive(Default)]
struct Queue {
    tasks: Mutex<(VecDeque<Arc<Task>>, usize)>,
    changed: Condvar,
}

struct Task {
    job: Mutex<Option<Job>>,
    queue: Arc<Queue>,
}

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        let queue = Arc::clone(&self.queue);
        queue.tasks.lock().unwrap_or_else(PoisonError::into_inner).0.push_back(self);
        queue.changed.notify_one();
    }
}

impl Queue {
    /// The next task; `None` once all have ended.
    fn next(&self) -> Option<Arc<Task>> {
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        while tasks.1 > 0 {
            if let Some(task) = tasks.0.pop_front() {
                return Some(task);
            }
            tasks = self.changed.wait(tasks).unwrap_or_else(PoisonError::into_inner);
        }
        None
    }

    fn work(&self) {
        while let Some(task) = self.next() {
            let waker = Waker::from(Arc::clone(&task));
            let mut job = task.job.lock().unwrap_or_else(PoisonError::into_inner);
            let ended = job.as_mut().is_some_and(|job| job.as_mut().poll(&mut Context::from_waker(&waker)).is_ready());
            if ended {
                *job = None;
                self.tasks.lock().unwrap_or_else(PoisonError::into_inner).1 -= 1;
                self.changed.notify_all();
            }
        }
    }
}

/// Runs all tasks on so many worker threads, to their end.
pub(crate) fn run(workers: usize, jobs: Vec<Job>) {
    let queue = Arc::new(Queue::default());
    let tasks = |job| Arc::new(Task { job: Mutex::new(Some(job)), queue: Arc::clone(&queue) });
    let all: VecDeque<_> = jobs.into_iter().map(tasks).collect();
    let count = all.len();
    *queue.tasks.lock().unwrap_or_else(PoisonError::into_inner) = (all, count);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| queue.work());
        }
    });
}

/// Lets the worker poll other tasks first.
pub(crate) async fn yield_now() {
    let mut yielded = false;
    std::future::poll_fn(|context| {
        if std::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
