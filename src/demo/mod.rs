//! Things to look at: a small, believable installation for the first start, and any number of keys for trying it at size.
//!
//! | file | |
//! |---|---|
//! | `fill.rs` | the small installation, made with the real commands |
//! | `samples.rs` | its keys |
//! | `traffic.rs` | a fortnight of requests |
//! | `requests.rs` | some of the last of them, for the log |
//! | `sign_ins.rs` | who may sign in there |
//! | `many.rs` | a million keys in less than a minute |
//! | `made_up.rs` | what those keys look like |
//! | `secrets.rs` | the secrets of those that were made to be used |

mod fill;
mod made_up;
mod many;
mod requests;
mod samples;
mod secrets;
mod sign_ins;
mod traffic;

pub use fill::fill;
pub use many::add_keys;
pub use secrets::Sink;
pub use sign_ins::read as sign_ins;
