//! The table, and what the project has set itself.

use std::fmt::Write;

use crate::{
    cases::{
        AUTHORIZE_FEW, BARE_AUTHORIZE, BARE_VERIFY, Case, OPEN_FEW, OPEN_MANY, VERIFY_FEW,
        VERIFY_MANY, VERIFY_NOBODY,
    },
    generator::Outcome,
};

/// What was measured of a case, a round each.
pub struct Row {
    pub name: String,
    /// The name of the row to compare with.
    pub bare: &'static str,
    pub rounds: Vec<Round>,
}

#[derive(Clone, Copy)]
pub struct Round {
    pub throughput: f64,
    /// Microseconds.
    pub p50: f64,
    pub p99: f64,
    pub p999: f64,
    /// Microseconds on the processor for a request.
    pub cost: Option<f64>,
    /// How busy they were, from 0 to 1.
    pub server: Option<f64>,
    pub generator: Option<f64>,
    /// Bytes.
    pub memory: Option<f64>,
}

impl Round {
    pub fn of(outcome: &Outcome, memory: Option<u64>) -> Self {
        let quantile = |quantile| outcome.latencies.value_at_quantile(quantile) as f64 / 1e3;
        Self {
            throughput: outcome.measured as f64 / outcome.seconds,
            p50: quantile(0.5),
            p99: quantile(0.99),
            p999: quantile(0.999),
            cost: outcome.server.map(|seconds| seconds * 1e6 / outcome.measured.max(1) as f64),
            server: outcome.server.map(|seconds| seconds / outcome.seconds),
            generator: outcome.generator.map(|seconds| seconds / outcome.seconds),
            memory: memory.map(|bytes| bytes as f64),
        }
    }
}

impl Row {
    pub fn new(case: &Case) -> Self {
        Self { name: case.name.to_owned(), bare: case.bare(), rounds: Vec::new() }
    }

    fn median(&self, what: impl Fn(&Round) -> Option<f64>) -> Option<f64> {
        median(self.rounds.iter().filter_map(what).collect())
    }
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

/// The whole report.
pub struct Report {
    pub rows: Vec<Row>,
    /// Connections on which secrets were looked up while bad checksums were sent, and how many were sent.
    pub misspelled: (i64, u64),
    /// Requests that were counted for a key, and by how many the counts are wrong.
    pub counted: (u64, u64),
}

impl Report {
    fn row(&self, name: &str) -> Option<&Row> {
        self.rows.iter().find(|row| row.name == name).filter(|row| !row.rounds.is_empty())
    }

    /// The throughput as a part of the bare handler's in the same round, which is what a machine that is now faster,
    /// now slower leaves alone; the median.
    fn ratio(&self, row: &Row) -> Option<f64> {
        let bare = self.row(row.bare)?;
        let rounds = row.rounds.iter().zip(&bare.rounds);
        median(rounds.map(|(ours, bare)| ours.throughput / bare.throughput).collect())
    }

    pub fn table(&self) -> String {
        let mut text = format!(
            "{:34} {:>9} {:>19} {:>7} {:>8} {:>8} {:>8} {:>8} {:>7} {:>10} {:>7}\n",
            "",
            "req/s",
            "min–max",
            "of bare",
            "p50 µs",
            "p99 µs",
            "p99.9 µs",
            "CPU µs",
            "server",
            "generator",
            "MB"
        );
        for row in self.rows.iter().filter(|row| !row.rounds.is_empty()) {
            let speeds = row.rounds.iter().map(|round| round.throughput);
            let least = speeds.clone().fold(f64::INFINITY, f64::min);
            let most = speeds.fold(0.0, f64::max);
            let shown = |value: Option<f64>, digits: usize, unit: &str| {
                value.map_or_else(|| "–".to_owned(), |value| format!("{value:.digits$}{unit}"))
            };
            let ratio = self.ratio(row).filter(|_| row.name != row.bare);
            let _ = writeln!(
                text,
                "{:34} {:>9} {:>19} {:>7} {:>8} {:>8} {:>8} {:>8} {:>7} {:>10} {:>7}",
                row.name,
                shown(row.median(|round| Some(round.throughput)), 0, ""),
                format!("{least:.0}–{most:.0}"),
                shown(ratio, 2, ""),
                shown(row.median(|round| Some(round.p50)), 0, ""),
                shown(row.median(|round| Some(round.p99)), 0, ""),
                shown(row.median(|round| Some(round.p999)), 0, ""),
                shown(row.median(|round| round.cost), 1, ""),
                shown(row.median(|round| Some(round.server? * 100.0)), 0, " %"),
                shown(row.median(|round| Some(round.generator? * 100.0)), 0, " %"),
                shown(row.median(|round| Some(round.memory? / 1e6)), 0, ""),
            );
        }
        text
    }

    /// Each with its number, and whether it is met.
    pub fn targets(&self, rate: u32) -> String {
        let mut text = String::new();
        let mut say =
            |what: String, value: Option<f64>, unit: &str, is_met: &dyn Fn(f64) -> bool| {
                let Some(value) = value else { return };
                let met = if is_met(value) { "met" } else { "not met" };
                let digits = if value < 10.0 && value.fract() != 0.0 { 2 } else { 0 };
                let _ = writeln!(text, "{met:8} {what}: {value:.digits$}{unit}");
            };
        let ratio = |name| self.row(name).and_then(|row| self.ratio(row));
        let times = |name: &str, bare: &str| {
            let p99 = |name| self.row(name)?.median(|round| Some(round.p99));
            Some(p99(name)? / p99(bare)?)
        };
        for (name, bare, least) in [
            (VERIFY_FEW, BARE_VERIFY, 0.80),
            (VERIFY_MANY, BARE_VERIFY, 0.75),
            (VERIFY_NOBODY, BARE_VERIFY, 0.85),
            (AUTHORIZE_FEW, BARE_AUTHORIZE, 0.80),
        ] {
            let what = format!("{name}: at least {least:.2} of {bare}");
            say(what, ratio(name), "", &|value| value >= least);
        }
        let what = format!("{VERIFY_FEW}: p99 at most 1.5 × that of {BARE_VERIFY}");
        say(what, times(VERIFY_FEW, BARE_VERIFY), " ×", &|value| value <= 1.5);
        let memory = self.row(VERIFY_MANY).and_then(|row| row.median(|round| round.memory));
        let what = format!("{VERIFY_MANY}: at most 250 MB");
        say(what, memory.map(|bytes| bytes / 1e6), " MB", &|value| value <= 250.0);
        for name in [OPEN_FEW, OPEN_MANY] {
            let Some(row) = self.row(name) else { continue };
            let (p99, p999) =
                (row.median(|round| Some(round.p99)), row.median(|round| Some(round.p999)));
            let at = format!("{name}, {rate} a second");
            say(format!("{at}: p99 at most 1 ms"), p99.map(|us| us / 1e3), " ms", &|ms| ms <= 1.0);
            say(format!("{at}: p99.9 at most 4 ms"), p999.map(|us| us / 1e3), " ms", &|ms| {
                ms <= 4.0
            });
        }
        let (look_ups, sent) = self.misspelled;
        let what = format!("{sent} bad checksums are never looked up: connections that did");
        say(what, (sent > 0).then_some(look_ups as f64), "", &|value| value == 0.0);
        let (counted, wrong) = self.counted;
        let what = format!("every one of {counted} requests is counted for its key: wrong");
        say(what, Some(wrong as f64), "", &|value| value == 0.0);
        text
    }
}
