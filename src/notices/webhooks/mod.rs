//! Notices to other programs: signed requests as Standard Webhooks has them (<https://www.standardwebhooks.com>).
//!
//! | file | what it is for |
//! |---|---|
//! | `model.rs` | a webhook, a delivery, an attempt |
//! | `secrets.rs` | what a webhook’s requests are signed with, and signing |
//! | `public.rs` | which addresses of the network are anybody’s to call |
//! | `address.rs` | where a webhook may be: as typed, and as found |
//! | `caller.rs` | one request, and what came of it |
//! | `payload.rs` | what is sent |
//! | `plan.rs` | notices become deliveries |
//! | `job.rs`, `ledger.rs` | sending those that are due; taking them and writing how they ended |
//! | `retention.rs` | what is only kept for a while |
//! | `commands.rs`, `queries.rs`, `forms.rs`, `routes.rs`, `log.rs`, `views.rs` | the pages Webhooks of the settings |

mod address;
mod caller;
mod commands;
mod forms;
mod job;
mod ledger;
mod log;
mod model;
pub mod payload;
mod plan;
mod public;
mod queries;
mod retention;
mod routes;
mod secrets;
mod views;

use actix_web::web::ServiceConfig;

pub use caller::Caller;
pub use job::run;
pub use ledger::is_any_due;
pub use model::TEST;
pub use retention::remove_old;
pub use secrets::Secrets;

pub fn routes(cfg: &mut ServiceConfig) {
    routes::routes(cfg);
    log::routes(cfg);
}
