//! Where keys are good: production, staging, …; live or test. An environment comes with a preset and keeps its prefix.

mod model;
mod queries;

pub use model::{Environment, Mode};
pub use queries::{find, find_by_slug, ids_in, list};
