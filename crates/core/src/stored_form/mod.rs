//! The stored forms of values (feature `serde`); `docs/forms.md` lists them, `tests/forms.rs` holds them still.

mod checked;
pub(crate) mod names;
