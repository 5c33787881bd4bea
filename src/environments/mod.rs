//! Where keys are good: production, staging, …; live or test. A preset brings some, administrators add others.

mod commands;
mod forms;
mod model;
mod queries;
mod routes;
mod views;

pub use commands::{Changes, create, reorder, restore, retire, update};
pub use forms::{parse_policy, parse_prefix, parse_slug};
pub use model::{Environment, Mode, NewEnvironment};
pub use queries::{find, find_by_slug, ids_in, list, list_open, take};
pub use routes::routes;
