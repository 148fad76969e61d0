//! The heading of the story.

/// The subject of the story, for its first lines.
#[derive(Debug)]
pub(crate) struct Heading {
    pub(crate) container: String,
    pub(crate) sandbox: String,
    pub(crate) backend: &'static str,
    pub(crate) spec: String,
    pub(crate) host: String,
}
