//! Sends requests over many connections from one thread and times the answers. One request at a time on a connection.
//!
//! It does as little as can be done, so that it can keep a server busy that does hardly more: a request is a few
//! copies into a buffer, of an answer the status, the length and the verdict are read.

use std::{
    io::{ErrorKind, Read, Write},
    net::SocketAddr,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use hdrhistogram::Histogram;
use memchr::memmem;
use mio::{Events, Interest, Poll, Token, net::TcpStream};

use crate::{
    process,
    requests::{Ask, Pool, Requests},
};

/// Answers are shorter.
const ROOM: usize = 16 * 1024;
/// Counted in place of a code for answers that have none.
pub const NO_VERDICT: &str = "no verdict";
/// Nobody waits longer for an answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// What to send, and where.
pub struct Load<'a> {
    pub address: SocketAddr,
    /// Its time on the processor is measured too.
    pub pid: u32,
    pub ask: Ask,
    pub requests: &'a Requests,
    pub pool: &'a Pool,
    pub places: &'a [u32],
    pub order: Order,
    pub connections: usize,
    /// Requests a second, sent whether or not earlier ones are answered; `None`: each as soon as the one before it is.
    pub rate: Option<u32>,
    /// Not measured yet.
    pub ramp: Duration,
    pub measured: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Drawn at random.
    Random,
    /// Each once; then it ends.
    Once,
}

/// What came of it.
pub struct Outcome {
    /// In nanoseconds; in an open loop since the moment when the request was due.
    pub latencies: Histogram<u64>,
    pub measured: u64,
    pub seconds: f64,
    /// Of all answers, also those that were not measured.
    pub answers: Answers,
    /// Seconds on the processor while it was measured: the server, and this thread.
    pub server: Option<f64>,
    pub generator: Option<f64>,
    /// Requests that were due and could not be sent before the end.
    pub unsent: u64,
}

/// How often each answer came. Accepted ones also by place, to compare them with what the server has counted.
#[derive(Default)]
pub struct Answers {
    pub codes: Vec<(String, u64)>,
    pub valid: Vec<u32>,
    /// An answer that is no verdict.
    pub strange: Option<String>,
}

struct Connection {
    stream: TcpStream,
    out: Vec<u8>,
    answer: Vec<u8>,
    filled: usize,
    place: u32,
    since: Instant,
}

struct Generator<'a> {
    load: &'a Load<'a>,
    connections: Vec<Connection>,
    random: u64,
    sent: usize,
    in_flight: usize,
    answers: Answers,
    latencies: Histogram<u64>,
    measured: u64,
    from: Instant,
    until: Instant,
}

/// Runs on the calling thread.
pub fn run(load: &Load<'_>) -> anyhow::Result<Outcome> {
    let poll = Poll::new()?;
    let mut connections = Vec::new();
    for token in 0..load.connections {
        // Made by waiting: connecting is not what is measured.
        let stream = std::net::TcpStream::connect(load.address)?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        let mut stream = TcpStream::from_std(stream);
        poll.registry().register(&mut stream, Token(token), Interest::READABLE)?;
        connections.push(Connection {
            stream,
            out: Vec::with_capacity(1024),
            answer: vec![0; ROOM],
            filled: 0,
            place: 0,
            since: Instant::now(),
        });
    }
    let from = Instant::now() + load.ramp;
    let generator = Generator {
        load,
        connections,
        random: rand::random::<u64>() | 1,
        sent: 0,
        in_flight: 0,
        answers: Answers { valid: vec![0; load.pool.len()], ..Answers::default() },
        latencies: Histogram::new_with_bounds(1_000, 60_000_000_000, 3)?,
        measured: 0,
        from,
        until: from + load.measured,
    };
    generator.run(poll)
}

impl Generator<'_> {
    fn run(mut self, mut poll: Poll) -> anyhow::Result<Outcome> {
        let mut idle: Vec<usize> = (0..self.connections.len()).rev().collect();
        let mut events = Events::with_capacity(self.connections.len());
        let interval = self.load.rate.map(|rate| Duration::from_secs(1) / rate);
        let mut due = Instant::now();
        let mut meters: Option<(Instant, [Option<f64>; 2])> = None;
        let mut last_answer = Instant::now();
        let mut unsent = 0;
        loop {
            let now = Instant::now();
            if meters.is_none() && now >= self.from {
                meters = Some((now, self.meters()));
            }
            let mut busy = false;
            match interval {
                None => {
                    while now < self.until
                        && let Some(free) = idle.pop()
                    {
                        if !self.send(free, Instant::now())? {
                            self.until = now;
                        }
                    }
                }
                Some(interval) => {
                    while due <= now
                        && due < self.until
                        && let Some(free) = idle.pop()
                    {
                        if !self.send(free, due)? {
                            self.until = due;
                        }
                        due += interval;
                        busy = true;
                    }
                }
            }
            let over = match interval {
                None => now >= self.until,
                Some(_) => due >= self.until,
            };
            if over && self.in_flight == 0 {
                break;
            }
            if let Some(interval) = interval
                && now > self.until + PATIENCE
                && due < self.until
            {
                // It cannot keep up: what it has been sent is still waited for.
                unsent = ((self.until - due).as_nanos() / interval.as_nanos()) as u64;
                due = self.until;
            }
            let wait = if interval.is_some() { Duration::ZERO } else { Duration::from_secs(1) };
            match poll.poll(&mut events, Some(wait)) {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                other => other?,
            }
            for event in &events {
                busy = true;
                let at = event.token().0;
                if self.receive(at)? {
                    last_answer = Instant::now();
                    idle.push(at);
                }
            }
            if self.in_flight > 0 && last_answer.elapsed() > PATIENCE {
                bail!("{} did not answer for five seconds", self.load.address);
            }
            if interval.is_some() && !busy {
                // Long enough for others to run, short beside what is measured.
                thread::sleep(Duration::from_micros(10));
            }
        }
        let (began, before) = meters.context("nothing was measured")?;
        let after = self.meters();
        let spent = |which: usize| Some(after[which]? - before[which]?);
        Ok(Outcome {
            seconds: began.elapsed().as_secs_f64(),
            server: spent(0),
            generator: spent(1),
            latencies: self.latencies,
            measured: self.measured,
            answers: self.answers,
            unsent,
        })
    }

    fn meters(&self) -> [Option<f64>; 2] {
        [process::seconds_of(self.load.pid), process::seconds_of_this_thread()]
    }

    /// `false` when all have been sent.
    fn send(&mut self, at: usize, since: Instant) -> anyhow::Result<bool> {
        let places = self.load.places;
        let place = match self.load.order {
            Order::Random => places[(self.next_random() % places.len() as u64) as usize],
            Order::Once => match places.get(self.sent) {
                Some(place) => *place,
                None => return Ok(false),
            },
        };
        let caller = self.next_random();
        self.sent += 1;
        self.in_flight += 1;
        let connection = &mut self.connections[at];
        connection.place = place;
        connection.since = since;
        connection.filled = 0;
        connection.out.clear();
        let pool = self.load.pool;
        self.load.requests.write(&mut connection.out, self.load.ask, pool, place as usize, caller);
        // It fits into the socket's buffer, which is empty.
        connection.stream.write_all(&connection.out).context("a request could not be sent")?;
        Ok(true)
    }

    /// `true` when the answer is complete.
    fn receive(&mut self, at: usize) -> anyhow::Result<bool> {
        let connection = &mut self.connections[at];
        loop {
            match connection.stream.read(&mut connection.answer[connection.filled..]) {
                Ok(0) => bail!("{} closed a connection", self.load.address),
                Ok(count) => connection.filled += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error.into()),
            }
            let Some(answer) = Answer::parse(&connection.answer[..connection.filled]) else {
                continue;
            };
            let now = Instant::now();
            let (since, place) = (connection.since, connection.place);
            self.in_flight -= 1;
            if since >= self.from {
                self.measured += 1;
                self.latencies.saturating_record((now - since).as_nanos() as u64);
            }
            self.answers.count(&answer, self.load.ask, place);
            return Ok(true);
        }
    }

    /// xorshift64: enough to be unforeseeable for a cache.
    fn next_random(&mut self) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random
    }
}

/// A complete answer.
pub struct Answer<'a> {
    pub head: &'a [u8],
    pub body: &'a [u8],
}

impl<'a> Answer<'a> {
    pub fn parse(bytes: &'a [u8]) -> Option<Self> {
        const LENGTH: &[u8] = b"content-length: ";
        let end = memmem::find(bytes, b"\r\n\r\n")?;
        let (head, body) = (&bytes[..end], &bytes[end + 4..]);
        let announced = memmem::find(head, LENGTH).map_or(0, |at| {
            let digits = head[at + LENGTH.len()..].iter().take_while(|byte| byte.is_ascii_digit());
            digits.fold(0, |length, digit| length * 10 + usize::from(digit - b'0'))
        });
        (body.len() >= announced).then_some(Self { head, body: &body[..announced] })
    }

    pub fn status(&self) -> &[u8] {
        self.head.get(9..12).unwrap_or_default()
    }

    fn is_valid(&self, ask: Ask) -> bool {
        self.status() == b"200"
            && (ask == Ask::Authorize || self.body.starts_with(br#"{"valid":true"#))
    }

    /// The code of a refusal.
    fn code(&self, ask: Ask) -> Option<&str> {
        let (text, mark, end) = match ask {
            Ask::Verify => (self.body, &br#""code":""#[..], b'"'),
            Ask::Authorize => (self.head, &b"x-verify-code: "[..], b'\r'),
        };
        let rest = &text[memmem::find(text, mark)? + mark.len()..];
        str::from_utf8(rest.split(|byte| *byte == end).next()?).ok()
    }
}

impl Answers {
    fn count(&mut self, answer: &Answer<'_>, ask: Ask, place: u32) {
        let code = if answer.is_valid(ask) {
            self.valid[place as usize] += 1;
            "VALID"
        } else {
            let is_verdict = match ask {
                Ask::Verify => answer.status() == b"200",
                Ask::Authorize => matches!(answer.status(), b"401" | b"403" | b"429"),
            };
            answer.code(ask).filter(|_| is_verdict).unwrap_or_else(|| {
                self.strange.get_or_insert_with(|| {
                    let status = answer.head.split(|byte| *byte == b'\r').next();
                    let text = [status.unwrap_or_default(), b" ", answer.body].concat();
                    String::from_utf8_lossy(&text).into_owned()
                });
                NO_VERDICT
            })
        };
        match self.codes.iter_mut().find(|(known, _)| known == code) {
            Some((_, count)) => *count += 1,
            None => self.codes.push((code.to_owned(), 1)),
        }
    }

    pub fn of(&self, code: &str) -> u64 {
        self.codes.iter().find(|(known, _)| known == code).map_or(0, |(_, count)| *count)
    }

    pub fn all(&self) -> u64 {
        self.codes.iter().map(|(_, count)| count).sum()
    }
}
