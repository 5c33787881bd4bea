//! The engine's way through memory without its threads, its Postgres and HTTP: for `benches/steps.rs`, and for weighing
//! what a key costs.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use chrono::Utc;

use super::{
    answer,
    catalogue::{Catalogue, Granted, Permission},
    checks::check,
    confirmed::Confirmed,
    credential::Credential,
    entry::Told,
    facts::{Home, KeyFacts, Rare, Terms},
    interned::Interned,
    known::{Joined, Known, Recalled},
    verdict::{By, Holder, Question, Verdict},
};
use crate::credentials::SecretHash;

/// A memory of keys, all of which may do what is asked.
pub struct Rehearsal {
    keys: Arc<Known<KeyFacts>>,
    catalogue: Catalogue,
    interned: Interned,
}

impl Rehearsal {
    /// Room for so many keys.
    pub fn new(capacity: usize) -> Self {
        let slugs = ["reporting:read", "orders:read", "orders:write", "returns:write"];
        let permission = |(id, slug): (i64, &str)| Permission {
            id,
            section_id: 1,
            slug: slug.into(),
            publishable: false,
        };
        let confirmed = Arc::new(Confirmed::new(Instant::now()));
        // Whoever rehearses for long is not to find that everything is old.
        confirmed.up_to(Instant::now() + Duration::from_secs(86_400));
        Self {
            keys: Arc::new(Known::new(capacity, 20_000, confirmed)),
            catalogue: Catalogue::new(
                (1..).zip(slugs).map(permission).collect(),
                vec![(1, "production".into())],
            ),
            interned: Interned::default(),
        }
    }

    /// Remembers a key, as if it had been looked up.
    pub fn learn(&self, id: i64, hash: SecretHash) {
        let Joined::Lead(mut ticket, _) = self.keys.join(hash, Instant::now()) else { return };
        let home = Home {
            application_id: id % 100,
            app_id: format!("app_{:016}", id % 100).into(),
            environment_id: 1,
        };
        let granted = Granted { permissions: (1..=1 + id % 4).collect(), ..Granted::default() };
        let facts = KeyFacts::new(
            id,
            self.interned.home(home),
            self.interned.terms(Terms::new(granted, [].into())),
            Some(Utc::now() + Duration::from_secs(86_400)),
            Rare::default(),
        );
        ticket.answer(Some(Told {
            facts,
            public_id: format!("prod_pk_{id:016}"),
            name: format!("Northwind order sync {id}"),
        }));
    }

    /// How many keys are remembered.
    pub fn known_keys(&self) -> usize {
        self.keys.len()
    }

    /// What `/v1/verify` would answer about this secret; `None` when it is not in memory.
    pub fn answer(&self, secret: &str) -> Option<Vec<u8>> {
        let Credential::Secret(hash) = Credential::from_key(secret) else { return None };
        let Recalled::Fresh(Some(key)) = self.keys.recall(&hash, Instant::now()) else {
            return None;
        };
        let question = Question {
            environment_id: 1,
            environment: "production",
            scopes: vec!["reporting:read".into()],
            customer: None,
            ip: None,
            origin: None,
            cost: 1,
        };
        let permissions = Some(self.catalogue.listed(&key.terms, By::Secret));
        let verdict = match check(&key, &self.catalogue, By::Secret, &question, Utc::now()) {
            Ok(()) => Verdict { permissions, ..Verdict::valid(Holder::Key(key), None) },
            Err(refusal) => Verdict::refused(refusal, Holder::Key(key)),
        };
        Some(answer::body(&verdict, &question))
    }
}
