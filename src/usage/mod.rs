//! What keys are used for: counted in memory on the path, written to Postgres beside it, read for the pages.
//!
//! | file | what it is for |
//! |---|---|
//! | `recorder.rs` | counting, bounded and without waiting |
//! | `tally.rs` | how often a key was accepted, in one number |
//! | `writer.rs`, `turns.rs` | the writer's thread; when it is its turn |
//! | `accepted.rs` | what was accepted since the last flush |
//! | `batch.rs` | everything else since then, and writing it |
//! | `counts.rs` | adding counts to where pages read them |
//! | `journal.rs`, `folder.rs` | writing many counts down in short; the thread that adds them later |
//! | `callers.rs` | who calls with secrets that are being replaced |
//! | `queries.rs` | numbers for pages |
//! | `retention.rs` | how long they are kept |

mod accepted;
mod batch;
mod callers;
mod counts;
mod folder;
mod journal;
mod queries;
mod recorder;
mod retention;
mod tally;
mod turns;
mod writer;

pub use accepted::{Accepted, Source};
pub use queries::{Day, Totals, by_day, totals_since, valid_since};
pub use recorder::{Recorder, Standing};
pub use retention::{KEPT_DAYS, remove_old, remove_old_callers};
pub use tally::{Counted, Tally, Then};
