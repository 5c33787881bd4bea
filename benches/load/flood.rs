//! A flood of credentials that are well-formed and nobody's: what it does to those who have good ones, to memory, and to
//! Postgres. The same server is asked as much in calm times, before and after, so that what differs is the flood's.

use std::{
    net::TcpListener,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, anyhow};
use hdrhistogram::Histogram;

use crate::{
    Arguments,
    generator::{self, Load, Order, Outcome},
    process::{self, Server},
    requests::{Ask, Pool, Requests},
    world::World,
};

/// Good keys, all of them in use.
const GOOD: usize = 10_000;
/// Requests a second with good keys, and of the others: more good ones in calm times, strangers in the flood.
const GOOD_RATE: u32 = 2_000;
const OTHER_RATE: u32 = 8_000;
/// So long calm times are.
const CALM: Duration = Duration::from_secs(10);

/// `false` when a good key was not accepted.
pub fn run(arguments: &Arguments) -> anyhow::Result<bool> {
    let count = arguments.keys.unwrap_or(if arguments.quick { 100_000 } else { 1_000_000 });
    let mut world = World::make()?;
    let good = world.add_keys(GOOD)?;
    let places = good.places(|limit| limit.is_none())[..GOOD].to_vec();
    let requests = world.add_gateways(&good)?;
    let strangers = Pool::of_nobody(&good, count as usize)?;
    let metrics = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let server = world.start("flood", &[("LATCHKEY_METRICS_LISTEN", &metrics.to_string())])?;
    let flood = Flood { server: &server, requests: &requests, good: &good, places: &places };
    flood.ask_each()?;

    println!(
        "{GOOD_RATE} requests a second with {GOOD} good keys, and {OTHER_RATE} others; {count} strangers, each once.\n\n\
         {:<8}{:>9}{:>9}{:>9}{:>9}  others were answered",
        "good", "p50", "p99", "p99.9", "memory"
    );
    let everyone: Vec<u32> = (0..count).collect();
    let mut all_accepted = true;
    let mut p99 = Vec::new();
    for (name, others) in
        [("calm", None), ("flood", Some((&strangers, &everyone[..]))), ("calm", None)]
    {
        let began = Instant::now();
        let (asked, other) = flood.pass(others)?;
        all_accepted &= asked.answers.of("VALID") == asked.answers.all();
        p99.push(asked.latencies.value_at_quantile(0.99));
        println!(
            "{name:<8}{}{}{}{:>6} MB  {} in {:.0} s",
            micros(&asked.latencies, 0.5),
            micros(&asked.latencies, 0.99),
            micros(&asked.latencies, 0.999),
            server.memory().unwrap_or_default() / 1_000_000,
            codes(&other),
            began.elapsed().as_secs_f64()
        );
    }
    let before = look_ups(metrics)?;
    flood.ask_each()?;
    let after = look_ups(metrics)?;
    println!(
        "\np99 in the flood is {:.2} of that in calm times before and after.\n\
         Look-ups: {}; asking every good key once more took {} more.",
        p99[1] as f64 * 2.0 / (p99[0] + p99[2]) as f64,
        before.iter().map(|(how, count)| format!("{count} {how}")).collect::<Vec<_>>().join(", "),
        answered(&after) - answered(&before)
    );
    Ok(all_accepted)
}

struct Flood<'a> {
    server: &'a Server,
    requests: &'a Requests,
    good: &'a Pool,
    places: &'a [u32],
}

impl Flood<'_> {
    /// Every good key, once.
    fn ask_each(&self) -> anyhow::Result<()> {
        self.send(self.good, self.places, Order::Once, None, Duration::from_secs(60)).map(drop)
    }

    /// Good keys, and beside them others: good ones too for a while, or strangers until all have come.
    fn pass(&self, others: Option<(&Pool, &[u32])>) -> anyhow::Result<(Outcome, Outcome)> {
        let (pool, places) = others.unwrap_or((self.good, self.places));
        let (order, time) = match others {
            Some(_) => (Order::Once, Duration::from_secs(1) * places.len() as u32 / OTHER_RATE),
            None => (Order::Random, CALM),
        };
        thread::scope(|scope| {
            let other = scope.spawn(|| self.send(pool, places, order, Some(OTHER_RATE), time));
            let good = scope
                .spawn(|| self.send(self.good, self.places, Order::Random, Some(GOOD_RATE), time));
            let ended = |_| anyhow!("a generator panicked");
            Ok((good.join().map_err(ended)??, other.join().map_err(ended)??))
        })
    }

    fn send(
        &self,
        pool: &Pool,
        places: &[u32],
        order: Order,
        rate: Option<u32>,
        measured: Duration,
    ) -> anyhow::Result<Outcome> {
        process::pin_this_thread();
        generator::run(&Load {
            address: self.server.address,
            pid: self.server.pid(),
            ask: Ask::Verify,
            requests: self.requests,
            pool,
            places,
            order,
            connections: 128,
            rate,
            ramp: Duration::ZERO,
            measured,
        })
    }
}

fn micros(latencies: &Histogram<u64>, quantile: f64) -> String {
    format!("{:>6} µs", latencies.value_at_quantile(quantile) / 1000)
}

fn codes(outcome: &Outcome) -> String {
    let of = |(code, count): &(String, u64)| format!("{count} {code}");
    outcome.answers.codes.iter().map(of).collect::<Vec<_>>().join(", ")
}

/// How look-ups ended, as the server tells Prometheus.
fn look_ups(metrics: std::net::SocketAddr) -> anyhow::Result<Vec<(String, u64)>> {
    let request = format!("GET /metrics HTTP/1.1\r\nhost: {metrics}\r\nconnection: close\r\n\r\n");
    let (_, text) = process::ask(metrics, request.as_bytes())?;
    let lines = text.lines().filter_map(|line| line.strip_prefix("latchkey_look_ups_total{"));
    lines
        .map(|line| {
            let (label, count) = line.split_once("} ").context("a count has a value")?;
            let how = label.split('"').nth(1).context("a label has a value")?;
            Ok((how.to_owned(), count.trim().parse()?))
        })
        .collect()
}

fn answered(look_ups: &[(String, u64)]) -> u64 {
    look_ups.iter().find(|(how, _)| how == "answered").map_or(0, |(_, count)| *count)
}
