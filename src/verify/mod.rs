//! The verification engine: whether a key may do what it asks.
//!
//! | file | what it is for |
//! |---|---|
//! | `front.rs`, `routes.rs` | `/v1`: its two addresses for gateways, in front of everything; the others |
//! | `stand.rs` | what stands around every request there |
//! | `ask.rs` | `POST /v1/verify` |
//! | `authorize.rs`, `caller.rs` | `/v1/authorize`, for forward-auth gateways; what they forward |
//! | `gateway.rs` | which gateway asks |
//! | `body.rs`, `problem.rs`, `answer.rs`, `json.rs` | reading JSON, refusing, answering, writing JSON |
//! | `credential.rs` | what the caller presents |
//! | `engine.rs` | the threads and memories behind it; forgetting |
//! | `judge.rs` | credential + question → verdict, limits, usage |
//! | `checks.rs` | the checks in their order, pure |
//! | `explain.rs` | the same checks one by one, for people who want to know why |
//! | `verdict.rs`, `code.rs` | the words of question and verdict; the codes |
//! | `facts.rs`, `catalogue.rs` | what is known: of keys, applications, gateways; of what can be granted at all |
//! | `queries.rs`, `interned.rs` | asking Postgres for it; what many keys have in common |
//! | `known.rs`, `confirmed.rs`, `clock.rs` | the memory of it; until when it is true; what time it is |
//! | `table.rs`, `entry.rs` | how that memory is laid out |
//! | `look_ups.rs`, `flights.rs`, `breaker.rs` | looking up once, without ever waiting long |
//! | `lanes.rs`, `askers.rs`, `sought.rs` | what waits for its turn, who asks, and what |
//! | `rehearsal.rs`, `weight.rs` | the way through memory alone: to be timed, and weighed |
//! | `logged.rs` | handing answers to the request log |
//! | `used.rs` | which keys were accepted, for whoever writes it down |
//! | `listener.rs`, `feed.rs` | hearing of changes; reading the table of them |

mod answer;
mod ask;
mod askers;
mod authorize;
mod body;
mod breaker;
mod caller;
mod catalogue;
mod checks;
mod clock;
mod code;
mod confirmed;
mod credential;
mod engine;
mod entry;
mod explain;
mod facts;
mod feed;
mod flights;
mod front;
mod gateway;
mod interned;
mod json;
mod judge;
mod known;
mod lanes;
mod listener;
mod logged;
mod look_ups;
mod problem;
mod queries;
#[doc(hidden)]
pub mod rehearsal;
mod routes;
mod sought;
mod stand;
mod table;
mod used;
mod verdict;
#[cfg(test)]
mod weight;

pub use body::read_json;
pub use checks::{About, is_scope_token};
pub use code::Code;
pub use credential::Credential;
pub use engine::{Engine, PATIENCE};
pub use explain::{Asked, Asks, Explanation, Known, Outcome, Step, With, learn};
pub use front::in_front;
pub use gateway::{by_bearer, only_one};
pub use problem::{PROBLEM_CODES, Problem};
pub use routes::configure;
pub use stand::stand_as;
pub use verdict::Refusal;
