//! What specs are told with: the world, a person at a browser, and what they see.

pub mod app;
pub mod browser;
pub mod chromium;
pub mod clock;
pub mod database;
#[cfg(target_os = "linux")]
pub mod names;
pub mod page;
pub mod person;
pub mod program;
pub mod redis;
pub mod served;
pub mod terminal;

pub use app::{MadeKey, PASSWORD, TestApp};
pub use browser::Browser;
pub use clock::{Clock, Moves};
#[cfg(target_os = "linux")]
pub use names::Names;
pub use page::Page;
pub use person::Person;
pub use program::{Program, allow_many_connections};
pub use redis::Redis;
pub use served::Served;
