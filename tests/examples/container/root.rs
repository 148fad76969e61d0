//! The root of a container, on either backend: four calls of the library.

use mountwright_core::mount::{PinnedNamespace, RootRequest};
use mountwright_core::ports::ProcessRoot;
use mountwright_core::rootfs::RootfsReport;
use mountwright_core::{Backend, Location};

use super::Refused;
use super::bundle::Bundle;

/// Builds the root in the mount namespace that the process has entered, and enters it. `host` is the namespace that it has left.
pub(crate) fn build_and_enter(
    bundle: &Bundle,
    backend: &(impl Backend + ProcessRoot),
    host: PinnedNamespace,
    terminal: Option<&Location>,
) -> Result<RootfsReport, Refused> {
    let plan = &bundle.plan;
    let image = plan.image().ok_or_else(|| Refused::new("the plan has no image"))?;
    plan.prepare(backend, &host).map_err(Refused::because)?;
    let report = plan.build(backend, terminal).map_err(Refused::because)?;
    let request = RootRequest::new(Location::trusted(image)).coming_from(host);
    backend.enter_root(request).map_err(Refused::because)?;
    plan.finish(backend).map_err(Refused::because)?;
    Ok(report)
}
