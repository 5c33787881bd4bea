//! Everything there is to tell, at the moment it is asked for.

use std::fmt::{self, Error};

use prometheus_client::{collector::Collector, encoding::DescriptorEncoder};

use super::{
    counts::{Area, Endpoint, Memory, Recall},
    families::Families,
    process,
};
use crate::{jobs, logs::Why, verify::Engine};

/// An engine, to be asked.
pub struct Everything {
    pub engine: Engine,
    pub jobs: jobs::Runner,
    pub node: String,
}

impl Collector for Everything {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> Result<(), Error> {
        let families = &mut Families(encoder);
        self.answers(families)?;
        self.memory(families)?;
        self.postgres(families)?;
        self.usage(families)?;
        self.log(families)?;
        self.changes(families)?;
        self.limits(families)?;
        self.requests(families)?;
        self.jobs(families)?;
        process::encode(families)
    }
}

impl Everything {
    fn answers(&self, families: &mut Families<'_>) -> Result<(), Error> {
        let metrics = self.engine.metrics();
        families.gauges(
            "latchkey_node_info",
            "Which node this is, and which version it runs",
            [(vec![("node", self.node.as_str()), ("version", env!("CARGO_PKG_VERSION"))], 1.0)],
        )?;
        families.counters(
            "latchkey_verdicts",
            "Answers of /v1 by their code",
            Endpoint::ALL.into_iter().flat_map(|(endpoint, name)| {
                metrics
                    .verdicts(endpoint)
                    .map(move |(code, count)| (vec![("endpoint", name), ("code", code)], count))
            }),
        )?;
        families.histograms(
            "latchkey_answer_seconds",
            "How long a verdict took, without the time a body took to arrive",
            Endpoint::ALL.map(|(endpoint, name)| {
                (vec![("endpoint", name)], metrics.answer_seconds(endpoint))
            }),
        )
    }

    fn memory(&self, families: &mut Families<'_>) -> Result<(), Error> {
        let metrics = self.engine.metrics();
        families.counters(
            "latchkey_cache_requests",
            "What memory knew when it was asked",
            Memory::ALL.into_iter().flat_map(|(memory, cache)| {
                Recall::ALL.map(|(recall, outcome)| {
                    let labels = vec![("cache", cache), ("outcome", outcome)];
                    (labels, metrics.recalls(memory, recall))
                })
            }),
        )?;
        families.gauges(
            "latchkey_cache_entries",
            "Credentials that are remembered",
            Memory::ALL.map(|(memory, cache)| {
                (vec![("cache", cache)], self.engine.remembered(memory) as f64)
            }),
        )
    }

    fn postgres(&self, families: &mut Families<'_>) -> Result<(), Error> {
        let metrics = self.engine.metrics();
        families.counters(
            "latchkey_look_ups",
            "Look-ups in Postgres by how they ended",
            metrics.look_ups().map(|(outcome, count)| (vec![("outcome", outcome)], count)),
        )?;
        families.histogram(
            "latchkey_look_up_seconds",
            "How long Postgres took for look-ups that it answered",
            &metrics.look_up_seconds(),
        )?;
        families.gauges(
            "latchkey_look_up_queue_depth",
            "Look-ups that wait for their turn",
            self.engine
                .waiting_look_ups()
                .map(|(lane, waiting)| (vec![("lane", lane)], waiting as f64)),
        )?;
        let (is_open, openings) = self.engine.cut_off();
        families.gauge(
            "latchkey_breaker_open",
            "1 while Postgres is not asked, because it did not answer",
            f64::from(u8::from(is_open)),
        )?;
        families.counter(
            "latchkey_breaker_opened",
            "How often Postgres stopped answering look-ups",
            openings,
        )
    }

    fn usage(&self, families: &mut Families<'_>) -> Result<(), Error> {
        let standing = self.engine.recorder().standing();
        families.gauge(
            "latchkey_usage_flush_lag_seconds",
            "Age of the oldest count that is not written yet",
            standing.lag.as_secs_f64(),
        )?;
        families.gauge(
            "latchkey_usage_rows_waiting",
            "Counts that are not written yet",
            standing.rows as f64,
        )?;
        families.gauge(
            "latchkey_usage_journal_overdue_seconds",
            "At most so long beyond their time wait counts that are in the journal, where pages do not see them",
            standing.overdue.as_secs_f64(),
        )?;
        families.counters(
            "latchkey_usage_flushes",
            "How often counts were written, or could not be",
            [
                (vec![("outcome", "written")], standing.written),
                (vec![("outcome", "failed")], standing.failed),
            ],
        )?;
        families.counter(
            "latchkey_usage_dropped",
            "Requests that were not counted, because memory for counting was full",
            self.engine.recorder().dropped(),
        )
    }

    fn log(&self, families: &mut Families<'_>) -> Result<(), Error> {
        let log = self.engine.log();
        let standing = log.standing();
        families.gauge(
            "latchkey_log_rows_waiting",
            "Requests to be logged that are not written yet",
            standing.waiting as f64,
        )?;
        families.counter(
            "latchkey_log_rows_written",
            "Requests that were logged",
            standing.written,
        )?;
        families.counter(
            "latchkey_log_flushes_failed",
            "How often logged requests could not be written and were kept",
            standing.failed,
        )?;
        families.counters(
            "latchkey_log_left_out",
            "Requests that should be in the log and are not, by reason",
            Why::ALL.map(|why| (vec![("reason", why.slug())], log.missing(why))),
        )
    }

    fn changes(&self, families: &mut Families<'_>) -> Result<(), Error> {
        families.histogram(
            "latchkey_propagation_seconds",
            "From a change’s commit on another node to its being applied here",
            &self.engine.metrics().propagation_seconds(),
        )?;
        families.gauge(
            "latchkey_changes_heard",
            "1 while notifications of other nodes are heard",
            f64::from(u8::from(self.engine.hears_changes())),
        )
    }

    fn limits(&self, families: &mut Families<'_>) -> Result<(), Error> {
        let mode = self.engine.limits_mode().to_string();
        let counts = self.engine.limits_counts();
        families.gauges(
            "latchkey_limits_mode",
            "Where rate limits are counted: here, shared by all nodes, or here because the shared place is away",
            ["here", "shared", "away"].map(|one| {
                (vec![("mode", one)], f64::from(u8::from(one == mode)))
            }),
        )?;
        families.counter(
            "latchkey_limits_shared",
            "How often limits were counted in the place that all nodes share",
            counts.shared,
        )?;
        families.counter(
            "latchkey_limits_fallbacks",
            "How often they were counted here instead, because it did not answer",
            counts.fallbacks,
        )
    }

    fn jobs(&self, families: &mut Families<'_>) -> Result<(), Error> {
        let standing = self.jobs.standing();
        families.gauges(
            "latchkey_jobs",
            "Jobs of all nodes that have not ended, by kind and state",
            standing.open.iter().map(|(kind, state, count)| {
                (vec![("kind", *kind), ("state", *state)], *count as f64)
            }),
        )?;
        families.gauge(
            "latchkey_jobs_oldest_waiting_seconds",
            "How long the job that waits longest could have run already",
            standing.oldest_waiting,
        )?;
        families.counters(
            "latchkey_job_attempts",
            "Times that this node has run a job, by kind and how that ended",
            standing.ended.iter().map(|((kind, outcome), count)| {
                (vec![("kind", *kind), ("outcome", *outcome)], *count)
            }),
        )
    }

    fn requests(&self, families: &mut Families<'_>) -> Result<(), Error> {
        const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];
        families.counters(
            "latchkey_http_requests",
            "Answers of anything but verification, by what they were for and the class of their status",
            Area::ALL.into_iter().flat_map(|(area, name)| {
                let counts = self.engine.metrics().requests(area);
                CLASSES
                    .into_iter()
                    .zip(counts)
                    .map(move |(class, count)| (vec![("area", name), ("class", class)], count))
            }),
        )
    }
}

impl fmt::Debug for Everything {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "metrics of {}", self.node)
    }
}
