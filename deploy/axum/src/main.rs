//! An API of three addresses behind Latchkey.

mod latchkey;

use std::{env, net::SocketAddr};

use axum::{
    Extension, Json, Router,
    middleware::from_fn_with_state,
    routing::{get, post},
};
use latchkey::{Key, Latchkey, check};
use serde_json::{Value, json};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let urls = env::var("LATCHKEY_URLS").unwrap_or("http://127.0.0.1:8080".into());
    let latchkey = Latchkey::new(&urls, &env::var("GATEWAY_TOKEN")?)?;
    let needs = |scopes| from_fn_with_state(latchkey.needs(scopes), check);
    let app = Router::new()
        .route("/orders", get(orders).layer(needs(&["orders:read"])))
        .route("/orders", post(create).layer(needs(&["orders:write"])))
        .route("/me", get(me).layer(needs(&[])));
    let port: u16 = env::var("PORT").ok().and_then(|port| port.parse().ok()).unwrap_or(3000);
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    println!("http://127.0.0.1:{port}/orders");
    let app = app.into_make_service_with_connect_info::<SocketAddr>();
    Ok(axum::serve(listener, app).await?)
}

async fn orders(Extension(key): Extension<Key>) -> Json<Value> {
    Json(json!({ "orders": [], "for": key.name }))
}

async fn create(Extension(key): Extension<Key>, Json(order): Json<Value>) -> Json<Value> {
    Json(json!({ "order": order, "for": key.name }))
}

async fn me(Extension(key): Extension<Key>) -> Json<Value> {
    Json(
        json!({ "id": key.id, "name": key.name, "application": key.application_id, "scopes": key.scopes }),
    )
}
