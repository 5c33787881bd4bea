//! What people should hear of without having asked: a key that is about to expire, one that is used where it no longer
//! works, the first use of a new one, a secret that was found where it should not be.
//!
//! | file | what it is for |
//! |---|---|
//! | `model.rs` | kinds of notices, and what one says |
//! | `load.rs` | reading them with what their words need |
//! | `outbox.rs` | which of them still have to go out |
//! | `outside.rs` | the ways out, as the settings have them |
//! | `pause.rs` | how long to wait after a failure |
//! | `mail/` | by e-mail |
//! | `webhooks/` | to other programs |

mod load;
pub mod mail;
mod model;
mod outbox;
mod outside;
mod pause;
pub mod webhooks;

use actix_web::web::ServiceConfig;
use diesel::PgConnection;

pub use model::{AboutKey, AboutLeak, Kind, Notice};
pub use outside::Outside;

use crate::{
    error::AppResult,
    jobs::{self, NewJob, Work},
};

pub fn routes(cfg: &mut ServiceConfig) {
    mail::routes(cfg);
    webhooks::routes(cfg);
}

/// Asks for notices to be sent, in the transaction that has just written some.
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
