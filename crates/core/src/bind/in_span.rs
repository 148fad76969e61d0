//! A bind, with what the log shows of it.

use std::path::Path;

use crate::error::{Error, OsError};
use crate::mount::{BindReport, BindRequest};
use crate::path::Location;
use crate::ports::Mounter;

/// One bind, with the fields in the log that the original wrote.
pub(crate) fn bind_in_span(mounter: &dyn Mounter, request: &BindRequest) -> Result<BindReport, OsError> {
    let span = tracing::debug_span!(
        target: "mountwright", "bind_mount", subsystem = "mount",
        source = %request.source().for_display().display(),
        destination = %request.target().for_display().display(),
    );
    span.in_scope(|| mounter.bind(request))
}

pub(crate) fn specified(at: &Location, what: &'static str) -> Result<(), Error> {
    let path = match at {
        Location::Trusted(path) => path.as_path(),
        Location::Beneath { root, .. } | Location::InRoot { root, .. } => root.as_path(),
    };
    if path == Path::new("") { Err(Error::Unspecified { what }) } else { Ok(()) }
}
