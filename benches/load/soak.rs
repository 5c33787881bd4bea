//! Full load for minutes on end, everything switched on: what the counters and the request log say afterwards must be
//! what was sent, to the request.

use std::{
    collections::BTreeMap,
    thread,
    time::{Duration, Instant},
};

use anyhow::anyhow;

use crate::{
    Arguments,
    generator::{self, Load, NO_VERDICT, Order, Outcome},
    process::{self, Server},
    requests::{Ask, Pool, Requests},
    world::{Sent, World},
};

/// Keys that are asked about.
const KEYS: usize = 10_000;
/// Of those with a limit, few, so that they are refused often.
const LIMITED: usize = 500;
/// One kind of request after the other, so long each.
const TURN: Duration = Duration::from_secs(5);
/// A line is printed as often.
const REPORT: Duration = Duration::from_secs(60);

/// `false` when anything is counted wrong, or was answered that should not have been.
pub fn run(arguments: &Arguments) -> anyhow::Result<bool> {
    let mut world = World::make()?;
    let pool = world.add_keys(KEYS)?;
    let requests = world.add_gateways(&pool)?;
    let nobody = Pool::of_nobody(&pool, KEYS)?;
    let mut places = pool.places(|limit| limit.is_none());
    places.truncate(KEYS);
    let mut limited = pool.places(|limit| limit.is_some_and(|requests| requests <= 100));
    limited.truncate(LIMITED);
    let others: Vec<u32> = (0..KEYS as u32).collect();
    world.log_accepted(true)?;
    world.empty_log()?;
    let server = world.start("soak", &[])?;

    let kinds: [(Ask, &Pool, &[u32], &[&str]); 4] = [
        (Ask::Verify, &pool, &places, &["VALID"]),
        (Ask::Authorize, &pool, &places, &["VALID"]),
        (Ask::Verify, &pool, &limited, &["VALID", "RATE_LIMITED"]),
        (Ask::Verify, &nobody, &others, &["KEY_NOT_FOUND", "RATE_LIMITED"]),
    ];
    let whole = Duration::from_secs_f64(arguments.minutes * 60.0);
    println!(
        "{} minutes at full load: {KEYS} keys by verify and by authorize, {LIMITED} that are limited, and strangers, in turn.",
        arguments.minutes
    );
    let mut sent = Sent { valid: vec![0; pool.len()], refused: 0 };
    let mut codes: BTreeMap<String, u64> = BTreeMap::new();
    let mut wrong = 0;
    let (began, mut reported) = (Instant::now(), Instant::now());
    for (ask, asked, places, expected) in kinds.iter().cycle() {
        if began.elapsed() >= whole {
            break;
        }
        let outcome = send(arguments, &server, &requests, (*ask, asked, places))?;
        let is_known = std::ptr::eq(*asked, &pool);
        for (code, count) in &outcome.answers.codes {
            *codes.entry(code.clone()).or_default() += count;
            if !expected.contains(&code.as_str()) {
                wrong += count;
                let what = outcome.answers.strange.as_deref().unwrap_or(code);
                println!("WRONG: {count} × {what}");
            }
        }
        if is_known {
            for (sum, count) in sent.valid.iter_mut().zip(&outcome.answers.valid) {
                *sum += u64::from(*count);
            }
            sent.refused += outcome.answers.of("RATE_LIMITED");
        }
        if reported.elapsed() >= REPORT {
            reported = Instant::now();
            println!(
                "{:>4.0} s: {} answers, {} MB",
                began.elapsed().as_secs_f64(),
                codes.values().sum::<u64>(),
                server.memory().unwrap_or_default() / 1_000_000
            );
        }
    }
    let seconds = began.elapsed().as_secs_f64();
    server.stop()?;

    let all: u64 = codes.values().sum();
    println!("{all} answers in {seconds:.0} s, {:.0} a second:", all as f64 / seconds);
    for (code, count) in &codes {
        println!("{count:>12} {code}");
    }
    let counted_wrong = sent.differs(&pool, &world.counted()?);
    println!("Counted wrong, key by key: {counted_wrong}.\nThe request log:");
    let logged = world.logged()?;
    for one in &logged {
        println!(
            "{:>12} {}: {} rows, which stand for {} requests; {} are missing",
            one.stand_for + one.missing,
            one.kind,
            one.rows,
            one.stand_for,
            one.missing
        );
    }
    let in_log: i64 = logged.iter().map(|one| one.stand_for + one.missing).sum();
    // What was not decided is no line of the log.
    let verdicts = all - codes.get(NO_VERDICT).copied().unwrap_or_default();
    println!("{in_log:>12} of {verdicts} verdicts");
    Ok(wrong == 0 && counted_wrong == 0 && in_log.unsigned_abs() == verdicts)
}

fn send(
    arguments: &Arguments,
    server: &Server,
    requests: &Requests,
    (ask, pool, places): (Ask, &Pool, &[u32]),
) -> anyhow::Result<Outcome> {
    let load = Load {
        address: server.address,
        pid: server.pid(),
        ask,
        requests,
        pool,
        places,
        order: Order::Random,
        connections: arguments.connections,
        rate: None,
        ramp: Duration::ZERO,
        measured: TURN,
    };
    thread::scope(|scope| {
        let generator = scope.spawn(|| {
            process::pin_this_thread();
            generator::run(&load)
        });
        generator.join().map_err(|_| anyhow!("the generator panicked"))?
    })
}
