//! Variants of one thing.

use std::hint::black_box;
use std::time::{Duration, Instant};

use super::Report;
use super::claim::Claim;

/// A batch is so long that reading the clock does not count, and short beside a scheduler's slice.
const BATCH: Duration = Duration::from_micros(200);
/// All batches of a group together, where it is not a matter of seconds each.
const BUDGET: Duration = Duration::from_millis(1500);
const ROUNDS: std::ops::RangeInclusive<usize> = 11..=2001;

struct Variant<'a> {
    name: &'static str,
    /// Runs a batch of so many.
    run: Box<dyn FnMut(u32) -> Duration + 'a>,
    batch: u32,
    /// Nanoseconds of one run, a batch each.
    samples: Vec<f64>,
}

/// Ways to do one thing: named, measured turn about, and held against claims.
#[must_use]
pub(crate) struct Group<'a> {
    title: String,
    units: (f64, &'static str),
    variants: Vec<Variant<'a>>,
    claims: Vec<Claim>,
}

impl<'a> Group<'a> {
    pub(crate) fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), units: (1.0, "run"), variants: Vec::new(), claims: Vec::new() }
    }

    /// One run handles so many of these.
    pub(crate) fn units(mut self, count: f64, name: &'static str) -> Self {
        self.units = (count, name);
        self
    }

    pub(crate) fn variant<T>(self, name: &'static str, run: impl FnMut() -> T + 'a) -> Self {
        self.variant_after(name, || (), run)
    }

    /// `before` is run once before each batch and does not count.
    pub(crate) fn variant_after<T>(
        self,
        name: &'static str,
        mut before: impl FnMut() + 'a,
        mut run: impl FnMut() -> T + 'a,
    ) -> Self {
        self.batches(name, move |runs| {
            before();
            // The other variants have evicted the caches; these runs warm them up again.
            for _ in 0..runs / 8 {
                black_box(run());
            }
            let start = Instant::now();
            for _ in 0..runs {
                black_box(run());
            }
            start.elapsed()
        })
    }

    /// Each run gets its own input; creating it and dropping the result does not count.
    pub(crate) fn variant_with<I, T>(
        self,
        name: &'static str,
        mut input: impl FnMut() -> I + 'a,
        mut run: impl FnMut(I) -> T + 'a,
    ) -> Self {
        self.batches(name, move |runs| {
            let mut spent = Duration::ZERO;
            for _ in 0..runs {
                let input = input();
                let start = Instant::now();
                let answer = black_box(run(input));
                spent += start.elapsed();
                drop(answer);
            }
            spent
        })
    }

    fn batches(mut self, name: &'static str, run: impl FnMut(u32) -> Duration + 'a) -> Self {
        self.variants.push(Variant { name, run: Box::new(run), batch: 1, samples: Vec::new() });
        self
    }

    pub(crate) fn claim(mut self, claim: Claim) -> Self {
        self.claims.push(claim);
        self
    }

    pub(crate) fn at_most_times(self, ours: &'static str, floor: &'static str, limit: f64) -> Self {
        self.claim(Claim::AtMostTimes(ours, floor, limit))
    }

    pub(crate) fn same(self, one: &'static str, other: &'static str, share: f64) -> Self {
        self.claim(Claim::Same(one, other, share))
    }

    pub(crate) fn nanos_at_most(self, ours: &'static str, limit: f64) -> Self {
        self.claim(Claim::NanosAtMost(ours, limit))
    }

    pub(crate) fn rate_at_least(self, ours: &'static str, limit: f64) -> Self {
        self.claim(Claim::RateAtLeast(ours, limit))
    }

    pub(crate) fn times(self, naive: &'static str, ours: &'static str) -> Self {
        self.claim(Claim::Times(naive, ours))
    }

    /// Measures and reports.
    pub(crate) fn run(mut self, report: &mut Report) {
        if !report.wants(&self.title) {
            return;
        }
        if report.is_trial() {
            for variant in &mut self.variants {
                (variant.run)(1);
            }
            return;
        }
        self.measure();
        let medians: Vec<_> = self.variants.iter_mut().map(|v| (v.name, median(&mut v.samples))).collect();
        let nanos = |name: &str| medians.iter().find(|(other, _)| *other == name).expect("a variant of the group").1;
        let (units, unit) = self.units;
        let verdicts: Vec<_> = self.claims.iter().map(|claim| claim.judge(nanos, units, unit)).collect();
        report.group(&self.title, &medians, &verdicts);
    }

    fn measure(&mut self) {
        let mut round = Duration::ZERO;
        for variant in &mut self.variants {
            round += variant.calibrate();
        }
        let rounds = (BUDGET.as_nanos() / round.as_nanos().max(1)).try_into().unwrap_or(usize::MAX);
        let rounds = rounds.clamp(*ROUNDS.start(), *ROUNDS.end());
        let count = self.variants.len();
        for round in 0..rounds {
            for turn in 0..count {
                // Each is first in its turn, and each follows each: no variant always finds the caches of the same other.
                let turn = if round % 2 == 0 { turn } else { count - 1 - turn };
                self.variants[(turn + round / 2) % count].sample();
            }
        }
    }
}

impl Variant<'_> {
    /// Finds the size of a batch, and returns the time that it takes.
    fn calibrate(&mut self) -> Duration {
        loop {
            let spent = (self.run)(self.batch);
            if spent >= BATCH || self.batch >= 1 << 24 {
                return spent;
            }
            self.batch *= 2;
        }
    }

    fn sample(&mut self) {
        let spent = (self.run)(self.batch);
        self.samples.push(spent.as_secs_f64() * 1e9 / f64::from(self.batch));
    }
}

fn median(samples: &mut [f64]) -> f64 {
    samples.sort_by(f64::total_cmp);
    let middle = samples.len() / 2;
    if samples.len() % 2 == 1 { samples[middle] } else { f64::midpoint(samples[middle - 1], samples[middle]) }
}
