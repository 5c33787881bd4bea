//! The catalogue: what a key can be allowed to do, spelled exactly as the platform spells it.

mod model;
mod queries;

pub use model::{Access, Permission, Section, parse_description, parse_slug};
pub use queries::{catalogue, find, find_section};
