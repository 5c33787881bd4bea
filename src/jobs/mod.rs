//! Work that is done later: a queue in Postgres, run by whichever node takes a job first.
//!
//! Of the crates that keep jobs in Postgres, swirl is made for diesel and was never finished; the others bring sqlx or
//! diesel-async. What is here is a table, `for update skip locked`, and a few threads.
//!
//! | file | what it is for |
//! |---|---|
//! | `model.rs` | kinds, states, what is known of a job |
//! | `work.rs` | **the registry**: what each kind needs to know, and the function that runs it |
//! | `enqueue.rs` | asking for a job, in the transaction of whoever asks |
//! | `lease.rs` | taking a job, keeping it, ending it: all that the runner writes |
//! | `running.rs` | what a job that runs is given: steps, and where it was |
//! | `runner.rs`, `keeper.rs`, `worker.rs` | the threads of this node |
//! | `schedules.rs` | what is asked for again and again |
//! | `sweep.rs`, `retention.rs` | the kinds that clear up: what ended by itself, and what is too old |
//! | `files.rs` | files that jobs leave to be downloaded |
//! | `standing.rs` | numbers for Prometheus |
//! | `queries.rs`, `commands.rs` | what people see of jobs and do to them |
//! | `filter.rs`, `routes.rs`, `views.rs` | the page of jobs |
//!
//! # A new kind
//!
//! 1. `model.rs`: a line in [`Kind`] and in `Kind::ALL` (slug, label).
//! 2. `work.rs`: a variant of [`Work`] with what it needs to know (serde; never a secret), its title, and a call of a
//!    function `run(payload, &mut Running) -> Result<String, Halt>` that lives in the slice it belongs to. The string
//!    is what it did, in words.
//! 3. If it comes again and again, a line in `schedules.rs`.
//! 4. Whoever wants one: `jobs::enqueue(conn, NewJob::of(viewer, Work::…))`, inside the transaction that decides it.
//!
//! # What a kind must keep to
//!
//! A job runs at least once: its node may be killed at any instant, and another begins it again. So it proceeds by
//! [`Running::step`], which commits what the step did **and** where the next one goes on (`resume`: “done up to row N”) in
//! one transaction. A step of which the lease was lost meanwhile is undone, so every step happens exactly once. What
//! cannot be undone (a mail, a call of somebody's server) may happen twice and needs an id by which the other side can
//! tell. Steps are short, a second or so: between them a job is cancelled, and handed on when the node ends.

mod commands;
mod enqueue;
mod files;
mod filter;
mod keeper;
mod lease;
mod model;
mod queries;
mod retention;
mod routes;
mod runner;
mod running;
mod schedules;
mod standing;
mod sweep;
mod views;
mod work;
mod worker;

pub use enqueue::{Enqueued, NewJob, enqueue, start};
pub use files::{Finished, add_part, finish};
pub use model::{Kind, Starter, State};
pub use routes::routes;
pub use runner::Runner;
pub use running::{Halt, Progress, Running};
pub use standing::Standing;
pub use work::Work;
