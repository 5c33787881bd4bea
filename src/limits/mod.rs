//! How often a key may be used.
//!
//! | file | what it is for |
//! |---|---|
//! | `gcra.rs` | the arithmetic of one limit, pure |
//! | `limiter.rs` | what each key has spent, in memory; several limits at once |
//! | `of_keys.rs` | the limits of keys |

mod gcra;
mod limiter;
mod of_keys;

pub use gcra::{Decision, Limit, decide};
pub use limiter::{Limiter, Spending, Standing};
pub use of_keys::Limits;
