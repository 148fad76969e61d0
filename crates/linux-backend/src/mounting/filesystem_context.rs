//! Filesystem contexts: fsopen(2), fspick(2), fsconfig(2).

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use mountwright_core::file::FinalSymlink;
use mountwright_core::mount::FilesystemOption;
use mountwright_core::path::printable;
use mountwright_core::{Errno, Location, MountRequest};

use crate::backend::LinuxBackend;
use crate::syscalls::abi::{FSOPEN_CLOEXEC, FSPICK_CLOEXEC, FSPICK_EMPTY_PATH};
use crate::syscalls::failure::{Fault, Step};
use crate::syscalls::{At, Call, Config, Kernel};

/// The limits of the messages that are read from a context: the kernel keeps eight.
const MOST_MESSAGES: usize = 8;
const MESSAGE_MAX: usize = 1024;
/// The number of contexts that signals may fail before `EINTR` is returned.
const MOST_CONTEXTS: usize = 8;

impl<K: Kernel> LinuxBackend<K> {
    /// A configured context after its last command. A signal during that command fails the context for good: another one is
    /// made, [`MOST_CONTEXTS`] times.
    pub(crate) fn completed_context(&self, last: Config<'_>, configured: impl Fn() -> Step<K::Fd>) -> Step<K::Fd> {
        for _ in 0..MOST_CONTEXTS {
            let context = configured()?;
            match self.kernel().fsconfig(&context, last) {
                Ok(()) => return Ok(context),
                Err(Errno::EINTR) => {}
                Err(errno) => {
                    return Err(Fault::new(Call::Fsconfig, errno).because(self.log_of(&context)));
                }
            }
        }
        Err(Fault::new(Call::Fsconfig, Errno::EINTR))
    }

    /// Returns the errors and warnings that the kernel has logged in a context.
    fn log_of(&self, context: &K::Fd) -> Option<String> {
        let messages = (0..MOST_MESSAGES).map_while(|_| self.kernel().read(context, MESSAGE_MAX).ok());
        let messages: Vec<String> = messages
            .filter_map(|message| match message.strip_suffix(b"\n").unwrap_or(&message) {
                [b'e' | b'w', b' ', text @ ..] => Some(printable(OsStr::from_bytes(text))),
                _ => None,
            })
            .collect();
        (!messages.is_empty()).then(|| messages.join("; "))
    }

    pub(crate) fn picked_context(&self, at: &Location) -> Step<K::Fd> {
        match at {
            Location::Trusted(path) => self.calls.fspick(At::Cwd, path, FSPICK_CLOEXEC),
            Location::Beneath { .. } | Location::InRoot { .. } => {
                let mount = self.pin(at, FinalSymlink::Follow, 0)?;
                self.calls.fspick(At::Fd(&mount), "".as_ref(), FSPICK_CLOEXEC | FSPICK_EMPTY_PATH)
            }
        }
    }

    /// A context of a new filesystem with the source of the request and these options.
    pub(crate) fn configured_context(&self, request: &MountRequest, options: &[FilesystemOption]) -> Step<K::Fd> {
        let context = self.calls.fsopen(&request.fs_type, FSOPEN_CLOEXEC)?;
        if let Some(subtype) = subtype(&request.fs_type) {
            self.set(&context, Config::Text(OsStr::new("subtype"), subtype))?;
        }
        if let Some(source) = &request.source {
            self.set(&context, Config::Text(OsStr::new("source"), source))?;
        }
        self.set_options(&context, options)?;
        Ok(context)
    }

    /// Sets options. A failure at `FSCONFIG_SET_FD` is that of the first descriptor: a filesystem that has taken one takes others
    /// too, and refuses what it is.
    pub(crate) fn set_options(&self, context: &K::Fd, options: &[FilesystemOption]) -> Step<()> {
        let mut takes_descriptors = false;
        options.iter().try_for_each(|option| match (&option.place, &option.value) {
            (Some(place), _) => {
                let file = self.pin_option(&option.key, place)?;
                self.calls.set_fd(context, &option.key, &file).map_err(|fault| {
                    let fault = self.refused_option(context, fault, Some(&option.key));
                    if takes_descriptors { fault.at_step(Call::Fsconfig.name()) } else { fault }
                })?;
                takes_descriptors = true;
                Ok(())
            }
            (None, Some(value)) => self.set(context, Config::Text(&option.key, value)),
            (None, None) => self.set(context, Config::Flag(&option.key)),
        })
    }

    fn set(&self, context: &K::Fd, command: Config<'_>) -> Step<()> {
        self.calls.fsconfig(context, command).map_err(|fault| {
            let key = match command {
                Config::Flag(key) | Config::Text(key, _) => Some(key),
                Config::Create | Config::Reconfigure => None,
            };
            self.refused_option(context, fault, key)
        })
    }

    fn refused_option(&self, context: &K::Fd, fault: Fault, key: Option<&OsStr>) -> Fault {
        let named = key.map(|key| format!("option {}", printable(key)));
        fault.because(self.log_of(context)).because(named)
    }

    /// Opens the file or directory that is the value of an option.
    pub(crate) fn pin_option(&self, key: &OsStr, place: &Location) -> Step<K::Fd> {
        self.pin(place, FinalSymlink::Follow, 0).map_err(|fault| {
            fault.because(Some(format!("option {}: {}", printable(key), printable(place.for_display()))))
        })
    }
}

/// `sshfs` of `fuse.sshfs`.
fn subtype(fs_type: &OsStr) -> Option<&OsStr> {
    let bytes = fs_type.as_bytes();
    let dot = bytes.iter().position(|&byte| byte == b'.')?;
    Some(OsStr::from_bytes(&bytes[dot + 1..])).filter(|subtype| !subtype.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subtype_follows_the_first_dot() {
        assert_eq!(subtype(OsStr::new("fuse.sshfs")), Some(OsStr::new("sshfs")));
        assert_eq!(subtype(OsStr::new("tmpfs")), None);
        assert_eq!(subtype(OsStr::new("fuse.")), None);
    }
}
