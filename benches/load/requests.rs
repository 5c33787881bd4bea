//! Credentials to draw from, and the bytes of a request with one of them.

use std::{fs, ops::Range, path::Path};

use anyhow::{Context, bail};
use latchkey::credentials::Secret;

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ask {
    Verify,
    Authorize,
}

/// Credentials, one after the other in one text: a million of them in as little memory as they need.
#[derive(Default)]
pub struct Pool {
    text: String,
    lines: Vec<Line>,
    /// Slugs of environments, by number.
    pub environments: Vec<String>,
}

struct Line {
    begins: u32,
    secret: u8,
    public_key: u8,
    environment: u8,
    /// Where the first scope begins, from the line's beginning, and how long it is.
    scope: (u8, u8),
    /// Requests in its window, if it is limited.
    limit: Option<u32>,
}

impl Pool {
    /// What `latchkey demo --secrets` has written.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let mut pool = Self { text: fs::read_to_string(path)?, ..Self::default() };
        let text = std::mem::take(&mut pool.text);
        let mut begins = 0;
        for line in text.split_inclusive('\n') {
            pool.add(begins, line.trim_end())?;
            begins += line.len();
        }
        pool.text = text;
        Ok(pool)
    }

    /// As many as `like` has in its first places, of the same environments, but nobody's.
    pub fn of_nobody(like: &Self, count: usize) -> anyhow::Result<Self> {
        Self::derived(like, count, |secret| {
            let prefix = secret.split('_').next().unwrap_or_default();
            Secret::for_key(prefix).reveal().to_owned()
        })
    }

    /// The same with a typing error in each.
    pub fn misspelled(like: &Self, count: usize) -> anyhow::Result<Self> {
        Self::derived(like, count, |secret| {
            let (rest, last) = secret.split_at(secret.len() - 1);
            format!("{rest}{}", if last == "x" { "y" } else { "x" })
        })
    }

    fn derived(like: &Self, count: usize, change: impl Fn(&str) -> String) -> anyhow::Result<Self> {
        let mut pool = Self::default();
        for place in 0..count {
            let place = place % like.lines.len();
            let begins = pool.text.len();
            let line = format!(
                "{}\t-\t{}\t-\t{}\n",
                change(like.secret(place)),
                like.environments[like.environment(place)],
                like.scope(place)
            );
            pool.add(begins, line.trim_end())?;
            pool.text.push_str(&line);
        }
        pool.environments.clone_from(&like.environments);
        Ok(pool)
    }

    fn add(&mut self, begins: usize, line: &str) -> anyhow::Result<()> {
        let parts: Vec<&str> = line.split('\t').collect();
        let [secret, public_key, environment, limit, scopes] = parts[..] else {
            bail!("a line of secrets has {} parts", parts.len());
        };
        let known = self.environments.iter().position(|known| known == environment);
        let environment = known.unwrap_or_else(|| {
            self.environments.push(environment.to_owned());
            self.environments.len() - 1
        });
        let scope = scopes.split(' ').next().unwrap_or_default();
        self.lines.push(Line {
            begins: u32::try_from(begins).context("so many secrets are too many")?,
            secret: u8::try_from(secret.len())?,
            public_key: u8::try_from(public_key.len())?,
            environment: u8::try_from(environment)?,
            scope: (u8::try_from(line.len() - scopes.len())?, u8::try_from(scope.len())?),
            limit: limit.split('/').next().and_then(|requests| requests.parse().ok()),
        });
        Ok(())
    }

    /// Places of the keys whose limit is so.
    pub fn places(&self, is_wanted: impl Fn(Option<u32>) -> bool) -> Vec<u32> {
        let chosen = self.lines.iter().zip(0..).filter(|(line, _)| is_wanted(line.limit));
        chosen.map(|(_, place)| place).collect()
    }

    pub fn len(&self) -> usize {
        self.lines.len()
    }

    fn part(&self, place: usize, from: usize, length: u8) -> &str {
        let begins = self.lines[place].begins as usize + from;
        &self.text[Range { start: begins, end: begins + usize::from(length) }]
    }

    pub fn secret(&self, place: usize) -> &str {
        self.part(place, 0, self.lines[place].secret)
    }

    pub fn public_key(&self, place: usize) -> &str {
        let line = &self.lines[place];
        self.part(place, usize::from(line.secret) + 1, line.public_key)
    }

    pub fn scope(&self, place: usize) -> &str {
        let (from, length) = self.lines[place].scope;
        self.part(place, usize::from(from), length)
    }

    pub fn environment(&self, place: usize) -> usize {
        usize::from(self.lines[place].environment)
    }
}

/// Heads of requests, prepared for the gateway of each environment.
pub struct Requests {
    verify: Vec<String>,
    authorize: Vec<String>,
}

const AFTER_KEY: &str = r#"","scopes":[""#;
const AFTER_SCOPE: &str = r#""],"method":"GET","path":"/things/42","ip":""#;
const BEFORE_KEY: &str = r#"{"key":""#;
const END: &str = r#""}"#;
/// Addresses are spelled with three digits each.
const ADDRESS: usize = 15;

impl Requests {
    /// `tokens`: of the gateways, in the order of the pool's environments.
    pub fn new(tokens: &[String]) -> Self {
        let verify = tokens.iter().map(|token| {
            format!(
                "POST /v1/verify HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {token}\r\n\
                 content-type: application/json\r\ncontent-length: "
            )
        });
        let authorize = tokens.iter().map(|token| {
            format!(
                " HTTP/1.1\r\nhost: 127.0.0.1\r\nx-gateway-token: {token}\r\nx-forwarded-method: GET\r\n\
                 x-forwarded-uri: /things/42\r\nauthorization: Bearer "
            )
        });
        Self { verify: verify.collect(), authorize: authorize.collect() }
    }

    /// Puts a request in the place of the last one. `caller` makes the address of whoever called the gateway.
    pub fn write(&self, out: &mut Vec<u8>, ask: Ask, pool: &Pool, place: usize, caller: u64) {
        let (secret, scope) = (pool.secret(place), pool.scope(place));
        let gateway = pool.environment(place);
        let address = address(caller);
        let mut put = |part: &[u8]| out.extend_from_slice(part);
        match ask {
            Ask::Verify => {
                let length = BEFORE_KEY.len()
                    + secret.len()
                    + AFTER_KEY.len()
                    + scope.len()
                    + AFTER_SCOPE.len()
                    + ADDRESS
                    + END.len();
                put(self.verify[gateway].as_bytes());
                put(&three_digits(length));
                put(b"\r\n\r\n");
                put(BEFORE_KEY.as_bytes());
                put(secret.as_bytes());
                put(AFTER_KEY.as_bytes());
                put(scope.as_bytes());
                put(AFTER_SCOPE.as_bytes());
                put(&address);
                put(END.as_bytes());
            }
            Ask::Authorize => {
                put(b"GET /v1/authorize?scope=");
                put(scope.as_bytes());
                put(self.authorize[gateway].as_bytes());
                put(secret.as_bytes());
                put(b"\r\nx-forwarded-for: ");
                put(&address);
                put(b"\r\n\r\n");
            }
        }
    }
}

/// A question is longer than 99 bytes and shorter than 1000.
fn three_digits(number: usize) -> [u8; 3] {
    [number / 100 % 10, number / 10 % 10, number % 10].map(|digit| b'0' + digit as u8)
}

/// One of a hundred million: callers who come once each, as with a real platform.
fn address(caller: u64) -> [u8; ADDRESS] {
    let mut address = *b"100.100.100.100";
    let mut rest = caller;
    for at in [1, 2, 5, 6, 9, 10, 13, 14] {
        address[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    address
}
