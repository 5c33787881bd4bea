//! `GET /metrics`, on an address of its own: whoever may read it need not reach anything else, and whoever reaches the
//! rest cannot read it.

use std::net::{SocketAddr, TcpListener};

use actix_web::{
    App, HttpResponse, HttpServer,
    dev::ServerHandle,
    http::header::{CACHE_CONTROL, CONTENT_TYPE},
    rt,
    web::{self, Data, ServiceConfig},
};
use anyhow::Context;
use prometheus_client::{encoding::text::encode, registry::Registry};

use super::collect::Everything;
use crate::{jobs, verify::Engine};

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The listener, until it is stopped.
#[derive(Clone)]
pub struct Listening {
    /// Where it listens: the port may have been left to the system.
    pub address: SocketAddr,
    handle: ServerHandle,
}

/// Answers Prometheus from now on.
///
/// # Errors
/// When the address is taken.
pub fn listen(
    address: SocketAddr,
    node: String,
    engine: Engine,
    jobs: jobs::Runner,
) -> anyhow::Result<Listening> {
    let unusable = || format!("LATCHKEY_METRICS_LISTEN: {address} cannot be listened on");
    let listener = TcpListener::bind(address).with_context(unusable)?;
    let address = listener.local_addr()?;
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Everything { engine, jobs, node }));
    let registry = Data::new(registry);
    let server = HttpServer::new(move || App::new().app_data(registry.clone()).configure(routes))
        .workers(1)
        .disable_signals()
        .listen(listener)?
        .run();
    let handle = server.handle();
    rt::spawn(server);
    Ok(Listening { address, handle })
}

impl Listening {
    /// Ends it.
    pub async fn stop(&self) {
        self.handle.stop(false).await;
    }
}

fn routes(cfg: &mut ServiceConfig) {
    cfg.service(web::resource("/metrics").get(metrics));
}

async fn metrics(registry: Data<Registry>) -> HttpResponse {
    let mut text = String::new();
    match encode(&mut text, &registry) {
        Ok(()) => HttpResponse::Ok()
            .insert_header((CONTENT_TYPE, OPEN_METRICS))
            .insert_header((CACHE_CONTROL, "no-store"))
            .body(text),
        Err(error) => {
            tracing::error!(%error, "the metrics could not be written");
            HttpResponse::InternalServerError().finish()
        }
    }
}
