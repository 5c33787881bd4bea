//! The limits of keys.

use std::{fmt, time::Instant};

use chrono::{DateTime, Utc};
use url::Url;

use super::{
    Limit, Limiter, Spending,
    shared::{Counts, Shared},
};

/// So many nanoseconds more than Redis knows are taken for what has passed since, as in `spend.lua`.
const DOUBT: u64 = 50_000_000;

/// Counts what keys spend: here, or where all nodes count together.
pub struct Limits {
    here: Limiter<i64>,
    shared: Option<Shared>,
}

/// Where limits are counted at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Each node for itself.
    Here,
    /// In Redis, for all nodes.
    Shared,
    /// It should be in Redis, which is away: each node goes on for itself from what it knows.
    SharedAway { since: DateTime<Utc> },
}

impl Limits {
    /// Limits of about `capacity` keys and windows, shared with everyone who uses the same Redis if there is one.
    ///
    /// # Errors
    /// When the address of Redis cannot be understood. That nobody answers there is no error.
    pub fn start(capacity: usize, redis: Option<&Url>) -> anyhow::Result<Self> {
        let shared = redis.map(Shared::start).transpose()?;
        Ok(Self { here: Limiter::new(capacity), shared })
    }

    /// Spends `cost` of every limit of a key, or of none when one of them refuses. `None` when there is no limit.
    /// Elsewhere the key is called by its public key: two installations can use one Redis.
    pub async fn spend(
        &self,
        (id, public_key): (i64, &str),
        limits: &[Limit],
        cost: u32,
        deadline: Instant,
    ) -> Option<Spending> {
        match &self.shared {
            // Boxed: whoever counts here does not carry the way to Redis along.
            Some(shared) if !limits.is_empty() => {
                let together =
                    self.spend_together(shared, (id, public_key), limits, cost, deadline);
                Box::pin(together).await
            }
            _ => self.here.spend(id, limits, cost),
        }
    }

    /// Redis decides. What it answers is also learnt here, so that this node can go on if Redis goes; and it is told
    /// what this node knows, in case it was away or has forgotten.
    async fn spend_together(
        &self,
        shared: &Shared,
        (id, public_key): (i64, &str),
        limits: &[Limit],
        cost: u32,
        deadline: Instant,
    ) -> Option<Spending> {
        let mut backlog = self.here.backlog(id, limits);
        match shared.spend(public_key, limits, &backlog.of_each, cost, deadline).await {
            Some(backlogs) => {
                backlog.of_each = backlogs;
                let spending = Spending::settle(limits, &mut backlog.of_each, 0, cost);
                self.here.learn(id, limits, &backlog);
                Some(spending)
            }
            None => self.here.spend(id, limits, cost),
        }
    }

    /// What [`Limits::spend`] would answer now. Spends nothing.
    pub async fn peek(
        &self,
        (id, public_key): (i64, &str),
        limits: &[Limit],
        cost: u32,
    ) -> Option<Spending> {
        if limits.is_empty() {
            return None;
        }
        let mut backlogs = self.here.backlog(id, limits).of_each;
        if let Some(shared) = &self.shared
            && let Some(together) = shared.peek(public_key, limits).await
        {
            // What this node knows beyond that counts there too, see `spend.lua`.
            for (known, there) in backlogs.iter_mut().zip(together) {
                *known = if *known > there + DOUBT { *known } else { there };
            }
        }
        Some(Spending::settle(limits, &mut backlogs, 0, cost))
    }

    /// Where limits are counted at the moment.
    pub fn mode(&self) -> Mode {
        match self.shared.as_ref().map(Shared::away_since) {
            None => Mode::Here,
            Some(None) => Mode::Shared,
            Some(Some(since)) => Mode::SharedAway { since },
        }
    }

    /// How often Redis was asked, and how often in vain. All zero without one.
    pub fn counts(&self) -> Counts {
        self.shared.as_ref().map(Shared::counts).unwrap_or_default()
    }

    /// Ends the connection.
    pub fn stop(&self) {
        if let Some(shared) = &self.shared {
            shared.stop();
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Here => "here",
            Self::Shared => "shared",
            Self::SharedAway { .. } => "away",
        })
    }
}
