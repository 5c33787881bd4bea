//! What is measured.

use crate::requests::Ask;

/// One line of the table.
pub struct Case {
    pub name: &'static str,
    pub ask: Ask,
    pub server: At,
    pub draw: Draw,
    /// Requests come at a rate of their own, whether or not earlier ones are answered.
    pub is_open: bool,
    /// Every other answer is a mistake.
    pub answers: &'static [&'static str],
}

/// Which server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At {
    Bare,
    /// Knows the few keys.
    Few,
    /// Knows the many.
    Many,
    /// Knows the few, keeps accepted requests in the request log, and writes all it can into its own.
    Logging,
    /// Knows nothing: started for the round.
    New,
}

/// Which credentials, and in which order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Draw {
    Few,
    Many,
    /// Every one of the few, once.
    EachOfFew,
    Limited,
    /// Nobody's, the same again and again.
    Nobody,
    /// Nobody's, each only once.
    Strangers,
    Misspelled,
}

pub const BARE_VERIFY: &str = "bare, JSON in and out";
pub const BARE_AUTHORIZE: &str = "bare, no body";
pub const OPEN_BARE_VERIFY: &str = "open loop: bare, JSON";
pub const OPEN_BARE_AUTHORIZE: &str = "open loop: bare, no body";
pub const VERIFY_FEW: &str = "verify, few";
pub const VERIFY_MANY: &str = "verify, many";
pub const VERIFY_NOBODY: &str = "verify, unknown, same again";
pub const VERIFY_MISSPELLED: &str = "verify, bad checksum";
pub const AUTHORIZE_FEW: &str = "authorize, few";
pub const AUTHORIZE_MANY: &str = "authorize, many";
pub const AUTHORIZE_MISSPELLED: &str = "authorize, bad checksum";
pub const OPEN_FEW: &str = "open loop: verify, few";
pub const OPEN_MANY: &str = "open loop: verify, many";
pub const OPEN_AUTHORIZE: &str = "open loop: authorize, few";

const VALID: &[&str] = &["VALID"];
const UNKNOWN: &[&str] = &["KEY_NOT_FOUND"];
const MALFORMED: &[&str] = &["MALFORMED_KEY"];
const LIMITED: &[&str] = &["VALID", "RATE_LIMITED"];

const fn case(
    name: &'static str,
    ask: Ask,
    server: At,
    draw: Draw,
    answers: &'static [&'static str],
) -> Case {
    Case { name, ask, server, draw, is_open: false, answers }
}

const fn open(name: &'static str, ask: Ask, server: At, draw: Draw) -> Case {
    Case { name, ask, server, draw, is_open: true, answers: VALID }
}

pub const CASES: &[Case] = &[
    case(BARE_VERIFY, Ask::Verify, At::Bare, Draw::Few, VALID),
    case(VERIFY_FEW, Ask::Verify, At::Few, Draw::Few, VALID),
    case("verify, few, just started", Ask::Verify, At::New, Draw::EachOfFew, VALID),
    case("verify, few, logging", Ask::Verify, At::Logging, Draw::Few, VALID),
    case(VERIFY_MANY, Ask::Verify, At::Many, Draw::Many, VALID),
    case(VERIFY_NOBODY, Ask::Verify, At::Few, Draw::Nobody, UNKNOWN),
    case("verify, unknown, new each time", Ask::Verify, At::Few, Draw::Strangers, UNKNOWN),
    case(VERIFY_MISSPELLED, Ask::Verify, At::Few, Draw::Misspelled, MALFORMED),
    case("verify, rate-limited", Ask::Verify, At::Few, Draw::Limited, LIMITED),
    case(BARE_AUTHORIZE, Ask::Authorize, At::Bare, Draw::Few, VALID),
    case(AUTHORIZE_FEW, Ask::Authorize, At::Few, Draw::Few, VALID),
    case("authorize, few, just started", Ask::Authorize, At::New, Draw::EachOfFew, VALID),
    case("authorize, few, logging", Ask::Authorize, At::Logging, Draw::Few, VALID),
    case(AUTHORIZE_MANY, Ask::Authorize, At::Many, Draw::Many, VALID),
    case("authorize, unknown, same again", Ask::Authorize, At::Few, Draw::Nobody, UNKNOWN),
    case(AUTHORIZE_MISSPELLED, Ask::Authorize, At::Few, Draw::Misspelled, MALFORMED),
    case("authorize, rate-limited", Ask::Authorize, At::Few, Draw::Limited, LIMITED),
    open(OPEN_BARE_VERIFY, Ask::Verify, At::Bare, Draw::Few),
    open(OPEN_FEW, Ask::Verify, At::Few, Draw::Few),
    open(OPEN_MANY, Ask::Verify, At::Many, Draw::Many),
    open(OPEN_BARE_AUTHORIZE, Ask::Authorize, At::Bare, Draw::Few),
    open(OPEN_AUTHORIZE, Ask::Authorize, At::Few, Draw::Few),
];

impl Case {
    /// What it is compared with, round by round.
    pub fn bare(&self) -> &'static str {
        match (self.ask, self.is_open) {
            (Ask::Verify, false) => BARE_VERIFY,
            (Ask::Authorize, false) => BARE_AUTHORIZE,
            (Ask::Verify, true) => OPEN_BARE_VERIFY,
            (Ask::Authorize, true) => OPEN_BARE_AUTHORIZE,
        }
    }
}
