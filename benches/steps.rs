//! What the steps of a verification take, one by one: `cargo bench --bench steps`.

use std::hint::black_box;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use latchkey::{
    credentials::{Presented, Secret, SecretHash},
    limits::{Limit, Limiter},
    verify::rehearsal::Rehearsal,
};

fn recognise(c: &mut Criterion) {
    let secret = Secret::for_key("prod");
    let typo = format!("{}0", &secret.reveal()[..secret.reveal().len() - 1]);
    c.bench_function("parse a secret", |b| b.iter(|| Presented::parse(black_box(secret.reveal()))));
    c.bench_function("parse a bad checksum", |b| b.iter(|| Presented::parse(black_box(&typo))));
    c.bench_function("hash a secret", |b| b.iter(|| SecretHash::of(black_box(secret.reveal()))));
}

fn decide(c: &mut Criterion) {
    for keys in [10_000, 1_000_000] {
        // `--test` is to be quick.
        let keys = if std::env::args().any(|argument| argument == "--test") { 100 } else { keys };
        let memory = Rehearsal::new(keys);
        let secrets: Vec<Secret> = (0..keys).map(|_| Secret::for_key("prod")).collect();
        (0..).zip(&secrets).for_each(|(id, secret)| memory.learn(id, secret.hash()));
        c.bench_function(&format!("verdict, one of {keys} keys"), |b| {
            b.iter_batched(
                || secrets[fastrand::usize(..keys)].reveal(),
                |secret| memory.answer(black_box(secret)).expect("it was learned"),
                BatchSize::SmallInput,
            );
        });
    }
}

fn limit(c: &mut Criterion) {
    let limiter = Limiter::new(1_000_000);
    let one = [Limit { requests: 1_000_000, per_seconds: 1 }];
    let two = [one[0], Limit { requests: 1_000_000, per_seconds: 86_400 }];
    for (name, limits) in [("one limit", &one[..]), ("two limits", &two)] {
        c.bench_function(name, |b| {
            b.iter(|| limiter.spend(fastrand::i64(..10_000), black_box(limits), 1));
        });
    }
}

criterion_group!(benches, recognise, decide, limit);
criterion_main!(benches);
