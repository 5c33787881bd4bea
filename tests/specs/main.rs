//! What Latchkey promises, as sentences. One folder per feature, one file per activity, one sentence per test.

mod private_postgres;
mod support;
