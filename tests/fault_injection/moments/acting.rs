//! Another process, which acts at chosen calls.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Mutex;

use mountwright_core::Errno;
use mountwright_fake::test_kit::{Between, Interposed, Moment};
use mountwright_linux::{Call, Linux, LinuxBackend, SyscallSet};

type Act = Box<dyn FnOnce() + Send>;

/// Acts right before or right after the first call of a kind, and makes a kind fail from then on.
pub(crate) struct Acting {
    before: Option<Call>,
    after: Option<Call>,
    ready: fn() -> bool,
    act: Mutex<Option<Act>>,
    refused: Option<(Call, Errno)>,
    then: Mutex<VecDeque<(Call, Act)>>,
}

impl Acting {
    pub(crate) fn before(call: Call, act: impl FnOnce() + Send + 'static) -> Self {
        let mut acting = Self::after(call, act);
        (acting.before, acting.after) = (acting.after, None);
        acting
    }

    pub(crate) fn after(call: Call, act: impl FnOnce() + Send + 'static) -> Self {
        let act = Mutex::new(Some(Box::new(act) as Act));
        Self { before: None, after: Some(call), ready: || true, act, refused: None, then: Mutex::default() }
    }

    /// Skips calls until this holds.
    pub(crate) fn once(mut self, ready: fn() -> bool) -> Self {
        self.ready = ready;
        self
    }

    /// Makes every call of this kind fail from then on, probes apart.
    pub(crate) fn refusing(mut self, call: Call, errno: Errno) -> Self {
        self.refused = Some((call, errno));
        self
    }

    /// Acts once more, right after the next call of this kind that follows the act before.
    pub(crate) fn then_after(self, call: Call, act: impl FnOnce() + Send + 'static) -> Self {
        self.then.lock().unwrap().push_back((call, Box::new(act)));
        self
    }

    pub(crate) fn backend(self, syscalls: SyscallSet) -> LinuxBackend<Interposed<Linux, Self>> {
        LinuxBackend::over(Interposed::new(Linux::new(), self)).with_syscalls(syscalls)
    }

    fn has_acted(&self) -> bool {
        self.act.lock().unwrap().is_none()
    }

    fn act(&self) {
        // Another thread's calls meet the lock.
        let act = self.act.lock().unwrap().take();
        if let Some(act) = act {
            act();
        }
    }
}

impl Between for Acting {
    fn before(&self, moment: Moment) -> Result<(), Errno> {
        if moment.probe {
            return Ok(());
        }
        if self.before == Some(moment.call) && !self.has_acted() && (self.ready)() {
            self.act();
        }
        match self.refused {
            Some((call, errno)) if call == moment.call && self.has_acted() => Err(errno),
            _ => Ok(()),
        }
    }

    fn after(&self, moment: Moment) {
        if moment.probe {
            return;
        }
        if self.has_acted() {
            let next = self.then.lock().unwrap().pop_front_if(|(call, _)| *call == moment.call);
            if let Some((_, act)) = next {
                act();
            }
        } else if self.after == Some(moment.call) && (self.ready)() {
            self.act();
        }
    }
}

impl Drop for Acting {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            assert!(self.has_acted() && self.then.lock().unwrap().is_empty(), "the moment never came");
        }
    }
}

impl fmt::Debug for Acting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Acting").field("before", &self.before).field("after", &self.after).finish_non_exhaustive()
    }
}
