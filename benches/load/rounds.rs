//! Everything in turn, in another order each time, so that what the machine does meanwhile is everybody's.

use std::{
    collections::BTreeMap,
    env,
    time::{Duration, Instant},
};

use anyhow::{Context, anyhow, bail};
use rand::seq::SliceRandom;

use crate::{
    Arguments,
    bare::{self, Sample},
    cases::{AUTHORIZE_MISSPELLED, At, CASES, Case, Draw, VERIFY_MISSPELLED},
    generator::{self, Load, NO_VERDICT, Order, Outcome},
    process::{self, Server},
    report::{Report, Round, Row},
    requests::{Ask, Pool, Requests},
    world::{Sent, World},
};

/// The few keys, and as many that are nobody's or misspelled.
const FEW: usize = 10_000;
/// Limited ones are fewer, so that they are refused often.
const LIMITED: usize = 500;
/// Of each round, not measured: a cache that was asked for something else meanwhile, and the first second of use, after
/// which it is added to what is stored of each key as steadily as ever after.
const RAMP: Duration = Duration::from_millis(1500);
/// Strangers of a round.
const STRANGERS: usize = 40_000;
/// Open loops need a connection for every answer that is late.
const OPEN_CONNECTIONS: usize = 128;

struct Bench<'a> {
    arguments: &'a Arguments,
    world: World,
    requests: Requests,
    keys: Keys,
    bare: Server,
    few: Server,
    logging: Server,
    many: Option<Server>,
    sent: Sent,
    misspelled: (i64, u64),
    complaints: Complaints,
}

/// What was answered that should not have been, by case, and how often.
type Complaints = BTreeMap<(String, String), u64>;

/// Credentials, and which of them are drawn.
struct Keys {
    pool: Pool,
    nobody: Pool,
    strangers: Pool,
    misspelled: Pool,
    few: Vec<u32>,
    many: Vec<u32>,
    limited: Vec<u32>,
    others: Vec<u32>,
}

/// `false` when something was answered that should not have been, or counted wrong.
pub fn run(arguments: &Arguments) -> anyhow::Result<bool> {
    if std::thread::available_parallelism()?.get() < 2 {
        bail!("two cores are needed: one for the server, one for what asks it");
    }
    if process::can_pin() {
        let (server, generator) = (process::SERVER_CORE, process::GENERATOR_CORE);
        println!("Servers on core {server}, the generator on core {generator}, Postgres anywhere.");
    } else {
        println!(
            "There is no taskset here, so nothing is held to a core: the servers use all of them."
        );
    }
    let began = Instant::now();
    let rounds = arguments.rounds.unwrap_or(if arguments.quick { 2 } else { 5 });
    let count = arguments.keys.unwrap_or(if arguments.quick { FEW as u32 } else { 1_000_000 });
    let (mut bench, mut rows) = Bench::prepare(arguments, count as usize, rounds as usize)?;
    let mut cases: Vec<(usize, &Case)> = bench.cases().into_iter().enumerate().collect();
    rows.extend(cases.iter().map(|(_, case)| Row::new(case)));
    let first = rows.len() - cases.len();
    for number in 0..rounds as usize {
        println!("Round {} of {rounds}: {} cases, in any order", number + 1, cases.len());
        cases.shuffle(&mut rand::rng());
        for (place, case) in &cases {
            let round = bench.measure(case, number)?;
            rows[first + place].rounds.push(round);
        }
    }
    let (report, complaints) = bench.finish(rows)?;
    println!("\n{}\n{}", report.table(), report.targets(arguments.rate));
    println!("It took {} s.", began.elapsed().as_secs());
    for ((case, what), count) in &complaints {
        println!("WRONG: {case}: {count} × {what}");
    }
    Ok(complaints.is_empty())
}

impl<'a> Bench<'a> {
    /// Keys, servers, and everything the servers are to know already. Looking up many keys for the first time is a
    /// measurement too.
    fn prepare(
        arguments: &'a Arguments,
        count: usize,
        rounds: usize,
    ) -> anyhow::Result<(Self, Vec<Row>)> {
        let mut world = World::make()?;
        let began = Instant::now();
        let keys = Keys::of(world.add_keys(count.max(FEW))?, count, rounds)?;
        println!("{} keys, added in {:.0} s", keys.pool.len(), began.elapsed().as_secs_f64());
        let requests = world.add_gateways(&keys.pool)?;
        let few = world.start("few", &[])?;
        let logging = world.start("logging", &[("LATCHKEY_LOG", "debug")])?;
        // Room for all of them, and a little: what is full forgets.
        let room = (count + count / 16).max(1_000).to_string();
        let many = (count > FEW)
            .then(|| world.start("many", &[("LATCHKEY_CACHED_KEYS", &room)]))
            .transpose()?;
        let (sample, asked) = sample(&few, &requests, &keys)?;
        let mut bare = process::pinned(&env::current_exe()?);
        bare.arg("--bare").envs(sample.environment());
        let bare = Server::start(bare, bare::listen(), "/healthz", &world.log("bare"))?;
        println!(
            "A verdict has {} bytes, a permission {} fields.",
            sample.verdict.len(),
            sample.fields.len()
        );
        let mut sent = Sent { valid: vec![0; keys.pool.len()], refused: 0 };
        for place in asked {
            sent.valid[place] += 1;
        }
        let (misspelled, complaints) = ((0, 0), Complaints::new());
        let mut bench = Self {
            arguments,
            world,
            requests,
            keys,
            bare,
            few,
            logging,
            many,
            sent,
            misspelled,
            complaints,
        };
        let rows = bench.warm_up()?;
        Ok((bench, rows))
    }

    fn warm_up(&mut self) -> anyhow::Result<Vec<Row>> {
        const WARM: [Case; 4] = [
            warm("verify, few, for the first time", At::Few, Draw::EachOfFew, &["VALID"]),
            warm(
                "verify, few, logging, for the first time",
                At::Logging,
                Draw::EachOfFew,
                &["VALID"],
            ),
            warm("verify, unknown, for the first time", At::Few, Draw::Nobody, &["KEY_NOT_FOUND"]),
            warm(
                "verify, rate-limited, for the first time",
                At::Few,
                Draw::Limited,
                &["VALID", "RATE_LIMITED"],
            ),
        ];
        const MANY: Case =
            warm("verify, many, for the first time", At::Many, Draw::Many, &["VALID"]);
        for case in &WARM {
            self.measure(case, 0)?;
        }
        if self.many.is_none() {
            return Ok(Vec::new());
        }
        let began = Instant::now();
        let round = self.measure(&MANY, 0)?;
        println!("Asked for the first time in {:.0} s", began.elapsed().as_secs_f64());
        Ok(vec![Row { rounds: vec![round], ..Row::new(&MANY) }])
    }

    /// The cases that were asked for and that there are keys for.
    fn cases(&self) -> Vec<&'static Case> {
        let only = &self.arguments.only;
        let possible = CASES.iter().filter(|case| case.server != At::Many || self.many.is_some());
        let possible: Vec<&Case> = possible.collect();
        let wanted = |case: &Case| case.name.contains(only.as_str());
        possible
            .iter()
            .filter(|case| {
                wanted(case)
                    || possible.iter().any(|other| wanted(other) && other.bare() == case.name)
            })
            .copied()
            .collect()
    }

    fn measure(&mut self, case: &Case, number: usize) -> anyhow::Result<Round> {
        self.world.log_accepted(case.server == At::Logging)?;
        self.world.settle()?;
        let new = match case.server {
            At::New => Some(self.world.start("new", &[])?),
            _ => None,
        };
        let server = match case.server {
            At::Bare => &self.bare,
            At::Few => &self.few,
            At::Logging => &self.logging,
            At::Many => self.many.as_ref().context("there are not many keys")?,
            At::New => new.as_ref().context("it was started the line above")?,
        };
        let clock = self.world.clock()?;
        let outcome = self.send(case, server, number)?;
        let round = Round::of(&outcome, server.memory());
        let is_counted = case.server != At::Bare
            && !matches!(case.draw, Draw::Nobody | Draw::Strangers | Draw::Misspelled);
        if let Some(new) = new {
            new.stop()?;
        }
        if [VERIFY_MISSPELLED, AUTHORIZE_MISSPELLED].contains(&case.name) {
            self.misspelled.0 += self.world.look_ups_since(clock)?;
            self.misspelled.1 += outcome.answers.all();
        }
        self.note(case, &outcome, is_counted);
        Ok(round)
    }

    fn send(&self, case: &Case, server: &Server, number: usize) -> anyhow::Result<Outcome> {
        let keys = &self.keys;
        let warms = case.name.ends_with("for the first time");
        let strangers = &keys.others[number * STRANGERS..][..STRANGERS];
        let few = &keys.others[..FEW];
        let (pool, places, order) = match case.draw {
            Draw::Few => (&keys.pool, &keys.few[..], Order::Random),
            Draw::Many if warms => (&keys.pool, &keys.many[..], Order::Once),
            Draw::Many => (&keys.pool, &keys.many[..], Order::Random),
            Draw::EachOfFew => (&keys.pool, &keys.few[..], Order::Once),
            Draw::Limited => (&keys.pool, &keys.limited[..], Order::Random),
            Draw::Nobody if warms => (&keys.nobody, few, Order::Once),
            Draw::Nobody => (&keys.nobody, few, Order::Random),
            Draw::Strangers => (&keys.strangers, strangers, Order::Once),
            Draw::Misspelled => (&keys.misspelled, few, Order::Random),
        };
        let measured = match case.draw {
            Draw::Strangers => Duration::from_secs_f64(self.arguments.seconds),
            _ if order == Order::Once => Duration::from_secs(600),
            _ => Duration::from_secs_f64(self.arguments.seconds),
        };
        let load = Load {
            address: server.address,
            pid: server.pid(),
            ask: case.ask,
            requests: &self.requests,
            pool,
            places,
            order,
            connections: if case.is_open { OPEN_CONNECTIONS } else { self.arguments.connections },
            rate: case.is_open.then_some(self.arguments.rate),
            ramp: if order == Order::Once { Duration::ZERO } else { RAMP },
            measured,
        };
        let generator = || {
            process::pin_this_thread();
            generator::run(&load).with_context(|| case.name.to_owned())
        };
        std::thread::scope(|scope| {
            scope.spawn(generator).join().map_err(|_| anyhow!("the generator panicked"))?
        })
    }

    /// Keeps what was answered for the end, and what should not have been.
    fn note(&mut self, case: &Case, outcome: &Outcome, is_counted: bool) {
        let answers = &outcome.answers;
        let mut complain = |what: &str, count: u64| {
            let place = (case.name.to_owned(), what.to_owned());
            *self.complaints.entry(place).or_default() += count;
        };
        for (code, count) in &answers.codes {
            if code == NO_VERDICT {
                complain(answers.strange.as_deref().unwrap_or(code), *count);
            } else if !case.answers.contains(&code.as_str()) {
                complain(code, *count);
            }
        }
        if outcome.unsent > 0 {
            complain("due but not sent: it cannot keep up", outcome.unsent);
        }
        if is_counted {
            for (sum, count) in self.sent.valid.iter_mut().zip(&answers.valid) {
                *sum += u64::from(*count);
            }
            self.sent.refused += answers.of("RATE_LIMITED");
        }
    }

    /// Ends the servers, so that they write what they have counted, and looks whether it is right.
    fn finish(self, rows: Vec<Row>) -> anyhow::Result<(Report, Complaints)> {
        let Self { mut world, keys, few, logging, many, sent, misspelled, mut complaints, .. } =
            self;
        for server in [few, logging].into_iter().chain(many) {
            server.stop()?;
        }
        let wrong = sent.differs(&keys.pool, &world.counted()?);
        if wrong > 0 {
            let what = "not counted, or counted twice".to_owned();
            complaints.insert(("usage".to_owned(), what), wrong);
        }
        let counted = (sent.valid.iter().sum::<u64>() + sent.refused, wrong);
        Ok((Report { rows, misspelled, counted }, complaints))
    }
}

const fn warm(
    name: &'static str,
    server: At,
    draw: Draw,
    answers: &'static [&'static str],
) -> Case {
    Case { name, ask: Ask::Verify, server, draw, is_open: false, answers }
}

impl Keys {
    fn of(pool: Pool, count: usize, rounds: usize) -> anyhow::Result<Self> {
        let mut many = pool.places(|limit| limit.is_none());
        if many.len() < count.max(FEW) {
            bail!("{} keys without limits are too few", many.len());
        }
        many.shuffle(&mut rand::rng());
        many.truncate(count.max(FEW));
        let few = many[..FEW].to_vec();
        // Those with wide limits would have to be asked for long before they are refused.
        let mut limited = pool.places(|limit| limit.is_some_and(|requests| requests <= 100));
        limited.truncate(LIMITED);
        let nobody = Pool::of_nobody(&pool, FEW)?;
        let strangers = Pool::of_nobody(&pool, rounds * STRANGERS)?;
        let misspelled = Pool::misspelled(&pool, FEW)?;
        let others = (0..strangers.len() as u32).collect();
        Ok(Self { pool, nobody, strangers, misspelled, few, many, limited, others })
    }
}

/// A verdict and a permission of middling size, and for which keys they were asked.
fn sample(
    server: &Server,
    requests: &Requests,
    keys: &Keys,
) -> anyhow::Result<(Sample, Vec<usize>)> {
    let mut asked = Vec::new();
    let mut answers = Vec::new();
    for place in keys.few.iter().take(51) {
        let place = *place as usize;
        let mut answer = |ask| {
            let mut request = Vec::new();
            requests.write(&mut request, ask, &keys.pool, place, 0);
            asked.push(place);
            process::ask(server.address, &request)
        };
        answers.push((answer(Ask::Verify)?.1, answer(Ask::Authorize)?.0));
    }
    answers.sort_by_key(|(verdict, _)| verdict.len());
    let (verdict, head) = answers.swap_remove(answers.len() / 2);
    let fields = head.lines().skip(1).filter_map(|line| line.split_once(": "));
    let ours = fields.filter(|(name, _)| name.starts_with("x-key") || is_identity(name));
    let fields = ours.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    Ok((Sample { verdict, fields }, asked))
}

/// What a permission says beside the key; the other fields are of HTTP.
fn is_identity(name: &str) -> bool {
    ["x-verify-code", "x-application-id", "x-customer-id", "cache-control"].contains(&name)
}
