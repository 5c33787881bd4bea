//! The verification engine: whether a key may do what it asks.
//!
//! | file | what it is for |
//! |---|---|
//! | `routes.rs` | `/v1`: addresses, and how errors look there |
//! | `ask.rs` | `POST /v1/verify` |
//! | `authorize.rs`, `caller.rs` | `/v1/authorize`, for forward-auth gateways; what they forward |
//! | `gateway.rs` | which gateway asks |
//! | `body.rs`, `problem.rs`, `answer.rs` | reading JSON, refusing, answering |
//! | `credential.rs` | what the caller presents |
//! | `engine.rs` | the threads and memories behind it; forgetting |
//! | `judge.rs` | credential + question → verdict, limits, usage |
//! | `checks.rs` | the checks in their order, pure |
//! | `verdict.rs`, `code.rs` | the words of question and verdict; the codes |
//! | `facts.rs`, `queries.rs` | what is known, and asking Postgres for it |
//! | `known.rs`, `confirmed.rs` | the memory of it; until when it is true |
//! | `look_ups.rs`, `breaker.rs` | asking without ever waiting long |
//! | `listener.rs` | hearing of changes made by other processes |

mod answer;
mod ask;
mod authorize;
mod body;
mod breaker;
mod caller;
mod checks;
mod code;
mod confirmed;
mod credential;
mod engine;
mod facts;
mod gateway;
mod judge;
mod known;
mod listener;
mod look_ups;
mod problem;
mod queries;
mod routes;
mod verdict;

pub use code::Code;
pub use engine::Engine;
pub use problem::PROBLEM_CODES;
pub use routes::configure;
