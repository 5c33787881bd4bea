//! What `/v1` takes and answers, told to programs (`/openapi.json`, OpenAPI 3.1) and to people (`/reference`).
//!
//! | file | what it is for |
//! |---|---|
//! | `document.rs` | the document as a whole: who it speaks to, the addresses, the ways to authenticate |
//! | `verify.rs`, `authorize.rs`, `changes.rs`, `leaks.rs`, `application.rs`, `health.rs` | the addresses, one by one |
//! | `webhooks.rs` | what is told to webhooks, one event after the other |
//! | `codes.rs` | the codes, from the engine's own list, with what each one means |
//! | `bodies.rs`, `own_keys.rs` | what is sent and answered as JSON |
//! | `parts.rs` | headers, parameters and answers that come again |
//! | `shown.rs`, `fields.rs`, `examples.rs` | the document as the page shows it |
//! | `routes.rs`, `views.rs` | the two addresses |
//!
//! The page is drawn from the document, so the two cannot disagree; that neither disagrees with the program is proven
//! by `tests/specs/openapi`, which has schemathesis try everything the document says against a running node.

mod application;
mod authorize;
mod bodies;
mod changes;
mod codes;
mod document;
mod examples;
mod fields;
mod health;
mod leaks;
mod own_keys;
mod parts;
mod routes;
mod shown;
mod verify;
mod views;
mod webhooks;

pub use document::document;
pub use routes::routes;
