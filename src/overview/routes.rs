//! The address and its handler.

use actix_web::{
    HttpResponse,
    web::{self, Data, ServiceConfig},
};

use chrono::Utc;

use super::{lately::Lately, queries, views};
use crate::{
    app::App,
    error::AppResult,
    gateways,
    keys::{count_expiring, say_expiring},
    web::{Layout, page},
};

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(web::resource("/").get(index));
}

async fn index(app: Data<App>, layout: Layout) -> AppResult<HttpResponse> {
    let viewer = layout.viewer.clone();
    if !viewer.has_api_access() {
        let administrators = app.db.read(queries::administrators).await?;
        return page(&views::NoAccess { layout, administrators });
    }
    let (keys, expiring, lately, has_any_key, applications, gateways) = app
        .db
        .read(move |conn| {
            let gateways = match viewer.is_administrator() {
                true => gateways::list(conn, &viewer)?,
                false => Vec::new(),
            };
            let keys = queries::count_keys(conn, &viewer)?;
            let has_any_key = !keys.total().is_none() || queries::has_any_key(conn, &viewer)?;
            Ok((
                keys,
                count_expiring(conn, &viewer, Utc::now())?,
                Lately::read(conn, &viewer, Utc::now())?,
                has_any_key,
                queries::count_applications(conn)?,
                gateways.into_iter().filter(|gateway| gateway.revoked_at.is_none()).collect(),
            ))
        })
        .await?;
    let expiring = say_expiring(expiring);
    page(&views::Index { layout, keys, expiring, lately, has_any_key, applications, gateways })
}
