//! What people should hear of without having asked: a key that is about to expire, one that is used where it no longer
//! works, the first use of a new one, a secret that was found where it should not be.
//!
//! | file | what it is for |
//! |---|---|
//! | `model.rs` | kinds of notices, and what one says |
//! | `occasions.rs` | what there is to notice: a statement for each kind |
//! | `watch.rs` | the job that looks for it every minute |
//! | `kinds.rs` | which kinds are made at all |
//! | `queries.rs`, `row.rs` | what people see of notices |
//! | `unread.rs`, `commands.rs` | how many are unread; marking them as read, and removing them when they are old |
//! | `filter.rs`, `routes.rs`, `views.rs` | the inbox, and the bell at the top of every page |
//! | `outbox.rs` | which of them still have to go out |
//! | `load.rs` | reading those with what their words need |
//! | `outside.rs`, `pause.rs` | the ways out, as the settings have them; how long to wait after a failure |
//! | `mail/`, `webhooks/` | by e-mail, and to other programs |

mod commands;
mod filter;
mod kinds;
mod load;
pub mod mail;
mod model;
mod occasions;
mod outbox;
mod outside;
mod pause;
mod queries;
mod routes;
mod row;
mod unread;
mod views;
mod watch;
pub mod webhooks;

use actix_web::web::ServiceConfig;
use diesel::PgConnection;

use crate::{
    error::AppResult,
    jobs::{self, NewJob, Work},
};

pub use commands::{KEPT_DAYS, remove_old};
pub use model::{AboutKey, AboutLeak, Kind, Notice};
pub use occasions::leak_reported;
pub use outside::Outside;
pub use queries::latest_of;
pub use routes::UNREAD;
pub use row::Shown;
pub use unread::{Unread, count_unread};
pub use watch::{look_back, run};

/// The inbox, and the settings of the ways out.
pub fn routes(cfg: &mut ServiceConfig) {
    routes::routes(cfg);
    mail::routes(cfg);
    webhooks::routes(cfg);
}

/// Has notices carried to where people are. Whoever inserts some calls it in the same transaction: what is undone with
/// it is not carried anywhere, and what is committed is not forgotten.
///
/// # Errors
/// When Postgres refuses.
pub fn deliver_soon(conn: &mut PgConnection) -> AppResult<()> {
    for work in [Work::Mail, Work::Webhooks] {
        let slug = work.kind().slug();
        jobs::enqueue(conn, NewJob::system(work).once(slug))?;
    }
    Ok(())
}
