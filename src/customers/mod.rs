//! Customers of the platform, by the platform's own ids. A key can be restricted to some of them.
//!
//! | file | |
//! |---|---|
//! | `model.rs` | what is known of a customer, what an id looks like |
//! | `queries.rs` | reading them: administrators only |
//! | `commands.rs` | adding, renaming, removing, importing |
//! | `filter.rs` | the list's address: search and cursor |
//! | `sheet.rs` | a CSV file, understood line by line |
//! | `known.rs` | which ids are known, for the forms of keys |
//! | `import.rs` | handlers of the import: check, then do |
//! | `importing.rs` | the job that imports a long list |
//! | `forms.rs`, `routes.rs`, `views.rs` | the other pages |

mod commands;
mod filter;
mod forms;
mod import;
mod importing;
mod known;
mod model;
mod queries;
mod routes;
mod sheet;
mod views;

pub use commands::{add, find_or_add, import, remove, rename};
pub use importing::{Import, run as run_import};
pub use known::known;
pub use model::{Customer, parse_external_id};
pub use routes::routes;
pub use sheet::{Row, Sheet};
