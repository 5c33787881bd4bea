//! What everything shares, the table of contents, and the order in which a request passes what stands around it.

use std::sync::{Arc, atomic::AtomicBool};

use actix_session::{
    SessionMiddleware,
    config::{PersistentSession, TtlExtensionPolicy},
};
use actix_web::{
    cookie::{Key, SameSite, time::Duration},
    middleware::from_fn,
    web::{self, ServiceConfig},
};
use actix_web_lab::middleware::CatchPanic;

use crate::{
    access::record_refusals,
    assets,
    changes::Change,
    config::Config,
    db::Db,
    leaks,
    notices::Outside,
    self_service::Doors,
    sign_in::{IDLE_LIMIT, PgSessionStore, Throttle, leave_idle},
    users::passwords::Passwords,
    verify::Engine,
    web::{
        compress::compress, cross_site::refuse_cross_site, host::refuse_other_hosts,
        present_errors, text_config, time::in_the_viewers_zone,
    },
};

/// The state of the program, one for all workers.
pub struct App {
    pub config: Config,
    pub db: Db,
    /// Signs session cookies and cursors.
    pub session_key: Key,
    pub throttle: Throttle,
    pub passwords: Passwords,
    pub engine: Engine,
    /// How often leaks may be reported.
    pub leaks: leaks::Door,
    /// How often applications come to manage their keys.
    pub doors: Doors,
    /// The ways to mail servers and webhooks.
    pub outside: Arc<Outside>,
    /// Set when we are asked to end: no new requests should come.
    pub is_stopping: AtomicBool,
}

impl App {
    /// Makes this process forget what has just changed, before the change is answered. Others hear of it from Postgres.
    pub fn forget(&self, change: Change) {
        self.engine.forget(change);
    }
}

/// Every page there is. Whoever asks for [`crate::users::Viewer`] or [`crate::web::Layout`] is for signed-in people.
pub fn pages(cfg: &mut ServiceConfig) {
    crate::sign_in::routes(cfg);
    crate::setup::routes(cfg);
    crate::account::routes(cfg);
    crate::overview::routes(cfg);
    crate::keys::routes(cfg);
    crate::leaks::routes(cfg);
    crate::review::routes(cfg);
    crate::applications::routes(cfg);
    crate::self_service::routes(cfg);
    crate::customers::routes(cfg);
    crate::gateways::routes(cfg);
    crate::logs::routes(cfg);
    crate::jobs::routes(cfg);
    crate::notices::routes(cfg);
    crate::audit::routes(cfg);
    crate::team::routes(cfg);
    crate::settings::routes(cfg);
    crate::environments::routes(cfg);
    crate::nodes::routes(cfg);
    crate::catalogue::routes(cfg);
    crate::openapi::routes(cfg);
}

/// The pages with everything around them; inside-out, as actix wants it.
pub fn configure(app: &App) -> impl Fn(&mut ServiceConfig) + Clone + use<> {
    let (key, store, https) =
        (app.session_key.clone(), PgSessionStore::new(app.db.clone()), app.config.is_https());
    move |cfg: &mut ServiceConfig| {
        let sessions = SessionMiddleware::builder(store.clone(), key.clone())
            .cookie_name(if https { "__Host-latchkey" } else { "latchkey" }.into())
            .cookie_secure(https)
            .cookie_http_only(true)
            .cookie_same_site(SameSite::Lax)
            .session_lifecycle(
                PersistentSession::default()
                    .session_ttl(Duration::minutes(IDLE_LIMIT.num_minutes()))
                    .session_ttl_extension_policy(TtlExtensionPolicy::OnEveryRequest),
            )
            .build();
        cfg.service(web::resource("/static/{path:.*}").get(assets::serve));
        cfg.service(
            web::scope("")
                .configure(text_config)
                .configure(pages)
                .default_service(web::to(crate::settings::other_address))
                .wrap(from_fn(in_the_viewers_zone))
                .wrap(from_fn(record_refusals))
                .wrap(CatchPanic::default())
                .wrap(sessions)
                .wrap(from_fn(leave_idle))
                .wrap(from_fn(refuse_cross_site))
                .wrap(from_fn(refuse_other_hosts))
                .wrap(from_fn(present_errors))
                .wrap(from_fn(compress)),
        );
    }
}
