//! What people should hear of without having asked: a key that is about to expire, one that is used where it no longer
//! works, the first use of a new one, a secret that was found where it should not be.
//!
//! | file | what it is for |
//! |---|---|
//! | `model.rs` | kinds of notices, and what one says |

mod model;

pub use model::{AboutKey, AboutLeak, Kind, Notice};
