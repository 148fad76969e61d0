//! Floor 1: values. True of a number or a text alone; no port in sight.

pub(crate) mod errno;
