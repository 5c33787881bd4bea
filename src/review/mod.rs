//! What nobody needs any more: permissions, keys and secrets that lie about, each put right with a click that can be
//! taken back.
//!
//! | file | |
//! |---|---|
//! | `group.rs` | the four groups, and from when on something belongs to one |
//! | `place.rs` | the address of the page, and how far into a group it is |
//! | `walk.rs`, `ways.rs` | which keys belong to a group, and how many, in bounded steps; what a step asks |
//! | `listed.rs` | a page of a group, with what its rows show |
//! | `trim.rs` | what of a key nothing needed, and what it would keep |
//! | `commands.rs` | trim, disable, expire |
//! | `undo.rs` | taking one of them back: a signed note of how it was |
//! | `routes.rs`, `views.rs` | the page |

mod commands;
mod group;
mod listed;
mod place;
mod routes;
mod trim;
mod undo;
mod views;
mod walk;
mod ways;

pub use group::Group;
pub use routes::routes;
