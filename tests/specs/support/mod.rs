//! What specs are told with: the world, a person at a browser, and what they see.

pub mod app;
pub mod browser;
pub mod database;
pub mod page;

pub use app::{MadeKey, PASSWORD, TestApp};
pub use browser::Browser;
pub use page::Page;
pub mod terminal;
