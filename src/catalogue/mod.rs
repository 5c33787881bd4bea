//! The pages of the catalogue: what administrators change of sections and permissions. Slugs never change; what is
//! not wanted any more is retired, and keys that hold it keep it. Reading it is for [`crate::scopes`].
//!
//! | file | for |
//! |---|---|
//! | `commands/` | changing sections and permissions |
//! | `queries.rs` | one of them, and how many keys hold it |
//! | `forms.rs` | as typed and as meant |
//! | `routes.rs` | addresses |
//! | `sections.rs`, `permissions.rs` | handlers |
//! | `export.rs`, `import.rs` | the catalogue as a file, in the format of the presets |
//! | `views.rs` | one struct per template |

pub mod commands;
mod export;
mod forms;
mod import;
mod permissions;
mod queries;
mod routes;
mod sections;
mod views;

pub use export::export;
pub use routes::routes;
