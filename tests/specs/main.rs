//! What Latchkey promises, as sentences. One folder per feature, one file per activity, one sentence per test.

#![allow(clippy::unwrap_used)]

mod keys;
mod private_postgres;
mod support;
