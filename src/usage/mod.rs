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
//! | `rollup.rs` | minutes become hours, hours days; totals of environments |
//! | `log_reading.rs` | who used a key and for what, read from the request log |
//! | `queries.rs` | numbers for pages |
//! | `retention.rs` | how long callers of old secrets are kept |
//! | `chart.rs` | the last hour, day or month of a key, piece by piece |
//! | `memory.rs` | which permissions nothing needed, and since when that is known |
//! | `uses.rs` | callers, paths, scopes and customers of keys |
//! | `spark.rs` | a day in the space of a word |
//! | `traffic.rs` | the last day of all keys somebody sees |

mod accepted;
mod batch;
mod callers;
mod chart;
mod counts;
mod folder;
mod journal;
mod log_reading;
mod memory;
mod queries;
mod recorder;
mod retention;
mod rollup;
mod spark;
mod tally;
mod traffic;
mod turns;
mod uses;
mod writer;

pub use accepted::{Accepted, Source};
pub use chart::{Chart, Pieces, Range, Series, chart};
pub use log_reading::USES_KEPT;
pub use memory::{HeldPermission, Memory, held_permissions, was_sampled};
pub use queries::{
    Day, Hours, Totals, asked_about, by_day, hours_of, totals_of, totals_since, valid_since,
    were_asked_about,
};
pub use recorder::{Recorder, Standing};
pub use retention::remove_old_callers;
pub use rollup::{
    DAYS_KEPT, HOURS_KEPT, MINUTES_KEPT, minutes_from, roll_up, roll_up_at, run as run_roll_up,
};
pub use spark::Sparkline;
pub use tally::{Counted, Tally, Then};
pub use traffic::{OfEnvironment, Refused, Whose, refused, traffic};
pub use uses::{Kind, LATEST, PermissionUsed, Tops, Use, permissions_used, tops, uses_of};
