//! How often a key may be used.
//!
//! | file | what it is for |
//! |---|---|
//! | `gcra.rs` | the arithmetic of one limit, pure |
//! | `limiter.rs` | what each key has spent, in memory; several limits at once |

mod gcra;
mod limiter;

pub use gcra::{Decision, Limit, decide};
pub use limiter::{Limiter, Spending, Standing};
