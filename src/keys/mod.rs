//! Keys, from the wizard that makes them to the list that shows them: the heart of it all.
//!
//! | file | for |
//! |---|---|
//! | `model.rs` | `Key`, `Status`, `Limit`, `NewKey`; pure |
//! | `queries/` | reads; every one starts at `visible_to(viewer)` |
//! | `commands/` | create, update, disable, enable, regenerate, revoke, delete, transfer; each audits |
//! | `filter.rs` | the address of the list, as typed and as meant; cursors |
//! | `history.rs` | the trail of a key, as sentences |
//! | `form/` | a key as typed → `NewKey`, `KeyChanges` or what is wrong |
//! | `drafts.rs` | the wizard as far as it is filled in; one draft makes one key |
//! | `policy.rs` | how long a key may live where |
//! | `ranges.rs`, `origins.rs` | IP ranges and web origins, as typed and as kept |
//! | `duplicate.rs` | a draft like another key |
//! | `sketch.rs` | a key in plain words, before it exists |
//! | `wizard.rs` | the steps of creating |
//! | `routes.rs` | addresses |
//! | `explain/` | what a key is answered, check by check, and what helps |
//! | `list.rs`, `show.rs`, `edit.rs`, `regenerate.rs` | handlers of those pages |
//! | `transfer.rs` | handlers of giving a key to somebody else |
//! | `overlap.rs` | how long an old secret goes on, and who still calls with it |
//! | `recover.rs` | the eye: whether a secret can be seen again, and seeing it |
//! | `asking.rs`, `acts.rs` | handlers of what happens to a key: confirm, then do |
//! | `who_breaks.rs`, `narrowing.rs` | what used keys lately, for every question that may stop somebody's program |
//! | `bulk.rs`, `selection.rs` | many keys at once: which, what would happen, doing it |
//! | `stopping.rs` | the same as a job, when they are very many |
//! | `export/` | the list as a file |
//! | `views/` | one struct per template |

mod acts;
mod asking;
mod bulk;
pub mod commands;
mod drafts;
mod duplicate;
mod edit;
mod explain;
mod export;
mod filter;
mod form;
mod history;
mod list;
mod model;
mod narrowing;
mod origins;
mod overlap;
mod policy;
pub mod queries;
mod ranges;
mod recover;
mod regenerate;
mod routes;
mod selection;
mod show;
mod sketch;
mod stopping;
mod transfer;
mod views;
mod who_breaks;
mod wizard;

pub use commands::Handover;
pub use drafts::sweep;
pub use edit::address_adding;
pub use explain::QuestionForm;
pub use export::{Export, run as run_export};
pub use filter::{Cursor, Filter, FilterForm, LastUsed, Order, Sort};
pub use form::{Choices, KeyForm};
pub use model::{
    EnvironmentName, Key, KeyChanges, Limit, NewKey, Permissions, SOON_DAYS, Status, WINDOWS,
    end_in_days, end_of, spaced,
};
pub use origins::parse_origin;
pub use overlap::{Overlap, overlap_of};
pub use policy::latest_end;
pub use queries::{count_expiring, is_active, say_expiring};
pub use ranges::{check_ranges, fold_mapped, parse_range};
pub use routes::routes;
pub use stopping::{Bulk, run as run_bulk};
pub use views::{Acts, Row, look_of};
pub use who_breaks::{Typed, WhoBreaks};
