//! Addresses.

use actix_web::web::{self, ServiceConfig};

use super::{
    KeyForm, acts, asking, bulk, edit, explain, export, list, recover, regenerate, show, transfer,
    wizard,
};
use crate::{
    credentials::Presented,
    error::{AppError, AppResult},
    web::{Fields, see_other},
};

/// The wizard's steps and the edit form carry lists: a thousand ranges take their room.
pub(super) type LongForm = Fields<KeyForm, 128>;

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(web::resource("/keys").get(list::index).post(wizard::create))
        .service(web::resource("/keys/search").post(list::search))
        .service(web::resource("/keys/new").get(wizard::new).post(wizard::keep))
        .service(web::resource("/keys/new/sketch").post(wizard::sketch))
        .service(web::resource("/keys/bulk/preview").post(bulk::preview))
        .service(web::resource("/keys/bulk/disable").post(bulk::disable))
        .service(web::resource("/keys/bulk/revoke").post(bulk::revoke))
        .service(web::resource("/keys/export").get(export::routes::ask).post(export::routes::start))
        .service(web::resource("/keys/{key}").get(show::show))
        .service(web::resource("/keys/{key}/proof").get(show::proof))
        .service(web::resource("/keys/{key}/explain").get(explain::explain))
        .service(web::resource("/keys/{key}/edit").get(edit::edit).post(edit::update))
        .service(web::resource("/keys/{key}/confirm/transfer").get(transfer::confirm))
        .service(web::resource("/keys/{key}/transfer").post(transfer::transfer))
        .service(web::resource("/keys/{key}/confirm/finish").get(regenerate::confirm_finish))
        .service(web::resource("/keys/{key}/finish").post(regenerate::finish))
        .service(web::resource("/keys/{key}/extend").post(regenerate::extend))
        .service(web::resource("/keys/{key}/confirm/reveal").get(recover::confirm))
        .service(web::resource("/keys/{key}/reveal").post(recover::reveal))
        .service(web::resource("/keys/{key}/confirm/{act}").get(asking::confirm))
        .service(web::resource("/keys/{key}/disable").post(acts::disable))
        .service(web::resource("/keys/{key}/enable").post(acts::enable))
        .service(web::resource("/keys/{key}/regenerate").post(regenerate::regenerate))
        .service(web::resource("/keys/{key}/revoke").post(acts::revoke))
        .service(web::resource("/keys/{key}/delete").post(acts::delete));
    // Where the platforms' own manuals say API Keys are.
    for alias in [
        "/business-settings/api-keys",
        "/settings/service-settings/api-keys",
        "/developer/api-keys",
        "/account/api-keys",
    ] {
        cfg.service(web::resource(alias).get(async || see_other("/keys")));
    }
}

/// What can't be a public key is not found; Postgres is not asked.
pub(super) fn parse_key(typed: &str) -> AppResult<String> {
    match Presented::parse(typed) {
        Some(Presented::PublicKey(public_key)) => Ok(public_key.to_owned()),
        _ => Err(AppError::NotFound),
    }
}
