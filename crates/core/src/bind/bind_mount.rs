//! Bind mounts.

use std::path::Path;

use crate::error::{Error, OsError};
use crate::file::FileMode;
use crate::mount::{BindReport, BindRequest, Guarantee, Propagation, PropagationWord, Recursion, WrongPropagation};
use crate::path::Location;
use crate::ports::{Filesystem, Mounter};

/// A bind mount to be created by [`bind_mount`].
///
/// By default it is writable (or as its source is), private, of one mount, and refuses a destination that is a mount point
/// already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BindMount {
    source: Location,
    destination: Location,
    propagation: Propagation,
    recursion: Recursion,
    read_only: bool,
    stacking: bool,
    required: Guarantee,
}

impl BindMount {
    /// Binds `source` onto `destination`.
    pub fn new(source: Location, destination: Location) -> Self {
        Self {
            source,
            destination,
            propagation: Propagation::Private,
            recursion: Recursion::This,
            read_only: false,
            stacking: false,
            required: Guarantee::Window,
        }
    }

    /// Makes it read-only, besides whatever else its source's mount is.
    pub fn read_only(mut self) -> Self {
        self.read_only = true;
        self
    }

    /// Binds the mounts below the source too.
    pub fn recursive(mut self) -> Self {
        self.recursion = Recursion::Tree;
        self
    }

    /// Gives every mount that is created this propagation.
    pub fn propagation(mut self, propagation: Propagation) -> Self {
        self.propagation = propagation;
        self
    }

    /// Sets the propagation by an option word. The words with an `r` mean the same as those without, because the
    /// propagation of every mount that is created is set.
    ///
    /// # Errors
    ///
    /// [`WrongPropagation`] for any other word.
    pub fn propagation_word(self, word: &str) -> Result<Self, WrongPropagation> {
        let word: PropagationWord = word.parse()?;
        Ok(self.propagation(word.propagation))
    }

    /// Mounts on top of what is mounted on the destination already.
    pub fn stacking(mut self) -> Self {
        self.stacking = true;
        self
    }

    /// Fails with `EOPNOTSUPP`, before anything is changed, where the kernel cannot give at least this guarantee.
    pub fn require(mut self, least: Guarantee) -> Self {
        self.required = least;
        self
    }

    /// The source.
    pub fn source(&self) -> &Location {
        &self.source
    }

    /// The destination.
    pub fn destination(&self) -> &Location {
        &self.destination
    }

    fn to_request(&self) -> BindRequest {
        let mut request = BindRequest::new(self.source.clone(), self.destination.clone())
            .propagation(self.propagation)
            .creating_target(FileMode::MOUNT_TARGET)
            .require(self.required);
        if self.recursion == Recursion::Tree {
            request = request.recursive();
        }
        if self.read_only {
            request = request.read_only();
        }
        if self.stacking {
            request = request.stacking();
        }
        request
    }
}

/// Creates a bind mount, or changes nothing.
///
/// * Symlinks of a trusted source are followed.
/// * A missing destination is created: a directory for a directory, an empty file for anything else, with the
///   directories above it, all of mode 0755.
/// * A read-only mount is read-only before it is visible, keeps `nosuid`, `nodev`, `noexec` and the atime class, and so
///   do the copies that propagation creates.
/// * The propagation holds also below a shared parent.
///
/// # Errors
///
/// [`Error::Unspecified`]: source or destination is empty. [`Error::Os`]: the errors of [`Mounter::bind`]; no mount,
/// directory or file is left then, unless [`Error::left`] lists it.
#[doc(alias = "bindMount")]
pub fn bind_mount(fs: &dyn Filesystem, mounter: &dyn Mounter, bind: &BindMount) -> Result<BindReport, Error> {
    specified(&bind.source, "source")?;
    specified(&bind.destination, "destination")?;
    Ok(bind_in_span(fs, mounter, &bind.to_request())?)
}

/// One bind, with the fields in the log that the original wrote.
pub(crate) fn bind_in_span(
    fs: &dyn Filesystem,
    mounter: &dyn Mounter,
    request: &BindRequest,
) -> Result<BindReport, OsError> {
    let span = tracing::debug_span!(
        target: "mountwright", "bind_mount", subsystem = "mount",
        source = %request.source().for_display().display(),
        destination = %request.target().for_display().display(),
        source_after_eval = tracing::field::Empty,
    );
    record_resolved(&span, fs, request.source());
    span.in_scope(|| mounter.bind(request))
}

pub(crate) fn specified(at: &Location, what: &'static str) -> Result<(), Error> {
    let path = match at {
        Location::Trusted(path) => path.as_path(),
        Location::Beneath { root, .. } => root.as_path(),
    };
    if path == Path::new("") { Err(Error::Unspecified { what }) } else { Ok(()) }
}

/// Records the resolved source, for the log alone. It is resolved only where the span is enabled and used for nothing
/// else.
pub(crate) fn record_resolved(span: &tracing::Span, fs: &dyn Filesystem, source: &Location) {
    if span.is_disabled() {
        return;
    }
    if let Location::Trusted(path) = source
        && let Ok(resolved) = fs.canonicalize(path)
    {
        span.record("source_after_eval", tracing::field::display(resolved.display()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Errno, Operation};
    use crate::mount::{AttributeChange, MissingTarget, MountId, MountKey, OccupiedTarget};
    use crate::ports::{MockFilesystem, MockMounter};

    fn bound() -> BindReport {
        BindReport::new(MountKey::Reused(MountId(7)), Guarantee::Atomic)
    }

    fn request_of(bind: &BindMount) -> BindRequest {
        let seen = std::sync::Arc::new(std::sync::Mutex::new(None));
        let mut mounter = MockMounter::new();
        let sink = seen.clone();
        mounter.expect_bind().times(1).returning(move |request| {
            *sink.lock().unwrap() = Some(request.clone());
            Ok(bound())
        });
        bind_mount(&MockFilesystem::new(), &mounter, bind).unwrap();
        let request = seen.lock().unwrap().take();
        request.unwrap()
    }

    #[test]
    fn empty_source_or_destination_is_an_error_and_touches_nothing() {
        let (fs, mounter) = (MockFilesystem::new(), MockMounter::new());
        for (source, destination, what) in [("", "/d", "source"), ("/s", "", "destination"), ("", "", "source")] {
            let bind = BindMount::new(Location::trusted(source), Location::trusted(destination));
            assert_eq!(bind_mount(&fs, &mounter, &bind), Err(Error::Unspecified { what }));
        }
        let below_nothing = Location::beneath("", "d").unwrap();
        let bind = BindMount::new(Location::trusted("/s"), below_nothing);
        assert_eq!(bind_mount(&fs, &mounter, &bind), Err(Error::Unspecified { what: "destination" }));
    }

    #[test]
    fn a_wrong_propagation_word_is_refused_before_anything_is_touched() {
        let bind = BindMount::new(Location::trusted("/s"), Location::trusted("/d"));
        assert_eq!(bind.propagation_word("shard"), Err(WrongPropagation("shard".to_owned())));
    }

    #[test]
    fn one_request_says_it_all() {
        let bind = BindMount::new(Location::trusted("/s"), Location::trusted("/d"));
        let request = request_of(&bind);
        assert_eq!(request.change(), AttributeChange::NOTHING);
        assert_eq!(request.wanted_propagation(), Some(Propagation::Private));
        assert_eq!(request.recursion(), Recursion::This);
        assert_eq!(request.occupied_target(), OccupiedTarget::Refuse);
        assert_eq!(request.required(), Guarantee::Window);
        assert_eq!(request.missing_target(), MissingTarget::Create { mode: FileMode::from_bits(0o755) });

        let bind = bind.read_only().recursive().stacking().require(Guarantee::Atomic).propagation_word("rslave");
        let request = request_of(&bind.unwrap());
        assert_eq!(request.change(), AttributeChange::READ_ONLY);
        assert_eq!(request.wanted_propagation(), Some(Propagation::Slave));
        assert_eq!(request.recursion(), Recursion::Tree);
        assert_eq!(request.occupied_target(), OccupiedTarget::Stack);
        assert_eq!(request.required(), Guarantee::Atomic);
    }

    #[test]
    fn the_ports_error_reaches_the_caller() {
        let mut mounter = MockMounter::new();
        mounter.expect_bind().returning(|_| Err(OsError::new(Operation::Bind, "/d", Errno::ENOTDIR)));
        let bind = BindMount::new(Location::trusted("/s"), Location::trusted("/d"));
        let error = bind_mount(&MockFilesystem::new(), &mounter, &bind).unwrap_err();
        assert_eq!(error.errno(), Some(Errno::ENOTDIR));
    }
}
