//! How often a key may be used.
//!
//! | file | what it is for |
//! |---|---|
//! | `gcra.rs` | the arithmetic of one limit, pure |
//! | `spending.rs` | several limits at once: all or none, pure |
//! | `limiter.rs`, `counters.rs` | what each key has spent, in memory |
//! | `store.rs`, `spend.lua` | the same in Redis or Valkey, for all nodes together |
//! | `shared.rs` | asking there without ever waiting long |
//! | `of_keys.rs` | the limits of keys: in Redis if there is one and it answers, else here |

mod counters;
mod gcra;
mod limiter;
mod of_keys;
mod shared;
mod spending;
mod store;

pub use gcra::{Decision, Limit, decide};
pub use limiter::Limiter;
pub use of_keys::{Limits, Mode};
pub use shared::Counts;
pub use spending::{Spending, Standing};
pub use store::{Examined, examine};
