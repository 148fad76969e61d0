//! Limits for measurements.

/// A claim about the medians of a group; variants by name.
pub(crate) enum Claim {
    /// The first takes at most this many times the time of the second.
    AtMostTimes(&'static str, &'static str, f64),
    /// Both take the same time, give or take this share of it.
    Same(&'static str, &'static str, f64),
    /// Each of the units that one run handles takes at most this many nanoseconds.
    NanosAtMost(&'static str, f64),
    /// At least this many units a second.
    RateAtLeast(&'static str, f64),
    /// No limit: the ratio of the time of the first to that of the second.
    Times(&'static str, &'static str),
}

/// A claim with its number.
pub(crate) struct Verdict {
    pub(crate) text: String,
    pub(crate) value: String,
    pub(crate) limit: String,
    pub(crate) holds: bool,
}

impl Claim {
    /// `nanos` gives the median of a variant, `units` the number of units in one run.
    pub(crate) fn judge(&self, nanos: impl Fn(&str) -> f64, units: f64, unit: &str) -> Verdict {
        let verdict = |text: String, value: String, limit: String, holds| Verdict { text, value, limit, holds };
        match *self {
            Self::AtMostTimes(ours, floor, limit) => {
                let ratio = nanos(ours) / nanos(floor);
                verdict(format!("{ours} / {floor}"), format!("{ratio:.2}"), format!("≤ {limit}"), ratio <= limit)
            }
            Self::Same(one, other, share) => {
                let ratio = nanos(one) / nanos(other);
                let holds = (1.0 - share..=1.0 + share).contains(&ratio);
                verdict(format!("{one} / {other}"), format!("{ratio:.2}"), format!("1 ± {share}"), holds)
            }
            Self::NanosAtMost(ours, limit) => {
                let each = nanos(ours) / units;
                verdict(format!("{ours}, each {unit}"), format!("{each:.0} ns"), format!("≤ {limit} ns"), each <= limit)
            }
            Self::RateAtLeast(ours, limit) => {
                let rate = units * 1e9 / nanos(ours);
                verdict(format!("{ours}, {unit}/s"), human(rate), format!("≥ {}", human(limit)), rate >= limit)
            }
            Self::Times(naive, ours) => {
                let ratio = nanos(naive) / nanos(ours);
                let digits = usize::from(ratio < 100.0);
                verdict(format!("{naive} / {ours}"), format!("{ratio:.digits$}"), "-".into(), true)
            }
        }
    }
}

fn human(rate: f64) -> String {
    match rate {
        rate if rate >= 1e6 => format!("{:.3} M", rate / 1e6),
        rate => format!("{rate:.0}"),
    }
}
