//! What must hold of any bytes: each module has one `check`, which panics where one of its laws does not hold.

pub mod mountinfo;
pub mod option_words;
pub mod paths;

#[cfg(test)]
mod seeds;
