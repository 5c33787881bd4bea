//! Secrets of keys that were made to be used, for whoever sends many requests: a line each, with tabs between
//!
//! 1. the secret,
//! 2. the public key,
//! 3. the slug of the environment,
//! 4. the rate limit as `--rate` takes it (`100/s`), or `-`,
//! 5. the scopes it holds, with blanks between.

use std::{
    io::Write,
    sync::{Mutex, PoisonError},
};

use anyhow::Context;
use zeroize::Zeroizing;

use crate::{
    credentials::Secret,
    error::{AppError, AppResult},
};

/// Where the lines go, from several threads.
pub type Sink = Mutex<Box<dyn Write + Send>>;

/// The lines of a batch.
#[derive(Default)]
pub struct Lines(Zeroizing<String>);

/// What a line says.
pub struct Line<'a> {
    pub secret: &'a Secret,
    pub public_key: &'a str,
    pub environment: &'a str,
    pub limit: Option<(i32, i32)>,
    pub scopes: &'a [&'a str],
}

impl Lines {
    /// Room for so many: text that grows leaves copies behind.
    pub fn with_room_for(count: usize) -> Self {
        Self(Zeroizing::new(String::with_capacity(count * 160)))
    }

    pub fn add(&mut self, line: &Line<'_>) {
        let limit = line.limit.map_or_else(|| "-".to_owned(), in_short);
        for part in [line.secret.reveal(), line.public_key, line.environment, &limit] {
            self.0.push_str(part);
            self.0.push('\t');
        }
        for (place, scope) in line.scopes.iter().enumerate() {
            self.0.push_str(if place == 0 { "" } else { " " });
            self.0.push_str(scope);
        }
        self.0.push('\n');
    }

    /// # Errors
    /// When they cannot be written.
    pub fn write(&self, sink: &Sink) -> AppResult<()> {
        let mut sink = sink.lock().unwrap_or_else(PoisonError::into_inner);
        sink.write_all(self.0.as_bytes())
            .and_then(|()| sink.flush())
            .context("the secrets cannot be written")
            .map_err(AppError::Internal)
    }
}

fn in_short((requests, per_seconds): (i32, i32)) -> String {
    let unit = match per_seconds {
        1 => 's',
        60 => 'm',
        3_600 => 'h',
        _ => 'd',
    };
    format!("{requests}/{unit}")
}
