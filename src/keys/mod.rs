//! The heart.

pub fn routes(_: &mut actix_web::web::ServiceConfig) {}
