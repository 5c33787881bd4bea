//! What keys are used for: counted in memory on the path, written to Postgres beside it, read for the pages.
//!
//! | file | what it is for |
//! |---|---|
//! | `recorder.rs` | counting, bounded and without waiting; the writer's thread |
//! | `batch.rs` | what was counted since the last flush, and writing it |
//! | `callers.rs` | who calls with secrets that are being replaced |
//! | `queries.rs` | numbers for pages |

mod batch;
mod callers;
mod queries;
mod recorder;

pub use queries::{Day, Totals, by_day, totals_since, valid_since};
pub use recorder::{Recorder, Standing};
