//! Laws for arbitrary bytes: each module has one `check`, which panics if one of its laws does not hold.

pub mod mountinfo;
pub mod option_words;
pub mod paths;

#[cfg(test)]
mod seeds;
