//! A question whose every check can be seen: for people who want to know why. The checks, the order and the answer are
//! those of `judge.rs`; the facts are read from Postgres now; nothing is spent and nothing counted.

use std::{
    borrow::Cow,
    net::IpAddr,
    time::{Duration, Instant},
};

use actix_web::body::MessageBody;
use chrono::{DateTime, Utc};
use diesel::{PgConnection, prelude::*};

use super::{
    Engine, answer, authorize,
    catalogue::Catalogue,
    checks::{About, exactly, walk},
    code::Code,
    entry::{Entry, Told},
    facts::KeyFacts,
    interned::Interned,
    queries,
    verdict::{By, Holder, Question, Refusal, Verdict},
};
use crate::{
    credentials::SecretHash,
    error::{AppError, AppResult},
    limits::{Mode, Spending},
    schema::key_secrets,
};

/// With what the key is presented.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum With {
    /// The current secret, bare or as half of a pair.
    Secret,
    /// The last one that a regeneration replaced.
    OldSecret,
    /// The public key alone.
    PublicKey,
}

impl With {
    fn by(self) -> By {
        if self == Self::PublicKey { By::PublicKey } else { By::Secret }
    }
}

/// What a gateway would want to know.
pub struct Asked<'a> {
    pub with: With,
    pub environment_id: i64,
    /// Its slug.
    pub environment: &'a str,
    pub scopes: Vec<Cow<'a, str>>,
    pub customer: Option<Cow<'a, str>>,
    pub ip: Option<IpAddr>,
    pub origin: Option<Cow<'a, str>>,
}

/// What Postgres knows about a key at this moment, as the engine would learn it.
pub struct Known {
    hash: SecretHash,
    told: Told<KeyFacts>,
    catalogue: Catalogue,
}

/// What is asked, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asks {
    Spelling,
    Existence,
    Check(About),
    RateLimits,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// And why.
    Passed(String),
    /// This is the answer.
    Refused(Refusal),
    /// An earlier check was the answer; what this one says by itself, if that is a no too.
    NotAsked(Option<Refusal>),
}

/// A check and its outcome.
pub struct Step {
    pub asks: Asks,
    pub outcome: Outcome,
}

/// Everything there is to see.
pub struct Explanation {
    pub steps: Vec<Step>,
    pub code: Code,
    /// The body of `POST /v1/verify`.
    pub json: String,
    /// The answer of `/v1/authorize`: status, headers, and the body of a refusal.
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
    /// How the rate limits stand: after this question if it got that far, else before it. Empty without limits.
    pub spending: Option<Spending>,
    /// Where they are counted.
    pub counted: Mode,
    /// This node answers from other facts, which it learnt so long ago.
    pub differs_since: Option<Duration>,
}

/// Reads the key as it is now, found the way it would be presented.
///
/// # Errors
/// [`AppError::NotFound`] when there is no such key, or no secret of it was ever replaced.
pub fn learn(
    conn: &mut PgConnection,
    key_id: i64,
    public_key: &str,
    with: With,
) -> AppResult<Known> {
    let interned = Interned::default();
    let secrets = key_secrets::table
        .filter(key_secrets::key_id.eq(key_id))
        .order((key_secrets::ends_at.desc(), key_secrets::id.desc()))
        .select(key_secrets::hash)
        .into_boxed();
    let secrets = match with {
        With::PublicKey => None,
        With::Secret => Some(secrets.filter(key_secrets::ends_at.is_null())),
        With::OldSecret => Some(secrets.filter(key_secrets::ends_at.is_not_null())),
    };
    let (hash, told) = match secrets {
        None => {
            (SecretHash::of(public_key), queries::key_by_public_key(conn, public_key, &interned)?)
        }
        Some(secrets) => {
            let stored: Vec<u8> = secrets.first(conn)?;
            let hash = SecretHash::stored(&stored).ok_or(AppError::NotFound)?;
            (hash, queries::keys_by_secret(conn, &[hash], &interned)?.remove(&hash))
        }
    };
    let told = told.ok_or(AppError::NotFound)?;
    Ok(Known { hash, told, catalogue: queries::catalogue(conn)?.facts })
}

impl Engine {
    /// Asks the question of `known` as if it were `at`, and says everything about it. The rate limits are those of now.
    pub async fn explain(&self, known: Known, asked: Asked<'_>, at: DateTime<Utc>) -> Explanation {
        let Known { hash, told, catalogue } = known;
        let now = Instant::now();
        let key = Entry::new(hash, self.0.confirmed.compact(now), told);
        let by = asked.with.by();
        let question = Question {
            environment_id: asked.environment_id,
            environment: asked.environment,
            scopes: asked.scopes,
            customer: asked.customer,
            ip: asked.ip,
            origin: asked.origin,
            cost: 1,
        };
        let said: Vec<_> = walk(&key, &catalogue, by, &question, at).collect();
        let refusal = said.iter().find_map(|(_, said)| said.clone().err());
        let mut steps = vec![
            Step::passed(Asks::Spelling, "Prefix, length and checksum are right."),
            Step::passed(Asks::Existence, existence(asked.with)),
        ];
        let mut is_answered = false;
        for (about, said) in said {
            let outcome = match said {
                said if is_answered => Outcome::NotAsked(said.err()),
                Ok(()) => Outcome::Passed(why(about, &key, asked.with, &question)),
                Err(refusal) => {
                    is_answered = true;
                    Outcome::Refused(refusal)
                }
            };
            steps.push(Step { asks: Asks::Check(about), outcome });
        }
        let cost = if is_answered { 0 } else { question.cost };
        let who = (key.id, key.public_key());
        let spending = self.0.limits.peek(who, &key.terms.limits, cost).await;
        let differs_since = self.differs(&hash, &key, now);

        let holder = Holder::Key(key.clone());
        let verdict = match refusal {
            Some(refusal) => Verdict::refused(refusal, holder),
            None => {
                let mut verdict = Verdict::after_spending(holder, spending.clone());
                if verdict.code == Code::Valid {
                    verdict.permissions = Some(catalogue.listed(&key.terms, by));
                }
                verdict
            }
        };
        steps.push(Step { asks: Asks::RateLimits, outcome: limits(is_answered, &verdict) });
        let forwarded = authorize::told(&verdict, &question);
        let headers = forwarded.headers().iter().map(|(name, value)| {
            (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        });
        let mut headers: Vec<_> = headers.collect();
        headers.sort();
        Explanation {
            steps,
            code: verdict.code,
            json: text(answer::body(&verdict, &question)),
            status: forwarded.status().as_u16(),
            headers,
            body: text(forwarded.into_body().try_into_bytes().unwrap_or_default()),
            spending,
            counted: self.0.limits.mode(),
            differs_since,
        }
    }

    /// How old what this node would answer from is, when it is not what is stored now. Another node's change takes a
    /// moment to arrive.
    fn differs(
        &self,
        hash: &SecretHash,
        stored: &Entry<KeyFacts>,
        now: Instant,
    ) -> Option<Duration> {
        let known = self.0.keys.peek(hash, now)?;
        let is_same = known.name() == stored.name()
            && known.home == stored.home
            && known.terms == stored.terms
            && known.expires_at() == stored.expires_at()
            && known.rare() == stored.rare();
        let asked_at = self.0.confirmed.instant(known.asked_at());
        (!is_same).then(|| now.saturating_duration_since(asked_at))
    }
}

impl Step {
    fn passed(asks: Asks, why: impl Into<String>) -> Self {
        Self { asks, outcome: Outcome::Passed(why.into()) }
    }
}

fn text(bytes: impl AsRef<[u8]>) -> String {
    String::from_utf8_lossy(bytes.as_ref()).into_owned()
}

fn existence(with: With) -> &'static str {
    match with {
        With::Secret => "The current secret leads to this key.",
        With::OldSecret => "A secret that was replaced leads to this key.",
        With::PublicKey => "The public key leads to this key.",
    }
}

/// Why a check had nothing to say against it.
fn why(about: About, key: &KeyFacts, with: With, question: &Question<'_>) -> String {
    let rare = key.rare();
    match about {
        About::Revocation => "It was not revoked.".into(),
        About::Expiry => match key.expires_at() {
            Some(at) => format!("It expires {}.", exactly(at)),
            None => "It never expires.".into(),
        },
        About::Disabling => "It is enabled.".into(),
        About::Secret => match (with, rare.replaced) {
            (With::PublicKey, _) => "Not asked of the public key alone.".into(),
            (_, Some((_, ends_at))) => {
                format!("The secret was replaced and works until {}.", exactly(ends_at))
            }
            _ => "The secret is the current one.".into(),
        },
        About::Environment => {
            format!("The key belongs to {}, as the gateway does.", question.environment)
        }
        About::Ip => match question.ip {
            _ if rare.allowed_ips.is_empty() && rare.excluded_ips.is_empty() => {
                "It may be used from anywhere.".into()
            }
            Some(ip) => format!("{ip} is allowed."),
            None => String::new(),
        },
        About::Customer if rare.customers.is_empty() => "It serves every customer.".into(),
        About::Customer => "It serves this customer.".into(),
        About::Origin if with != With::PublicKey => "Asked of the public key alone only.".into(),
        About::Origin if rare.allowed_origins.is_empty() => "Any page may use it.".into(),
        About::Origin => "Pages of this origin may use it.".into(),
        About::Permissions if question.scopes.is_empty() => "No permission is required.".into(),
        About::Permissions => match with {
            With::PublicKey => format!("The public key stands for {}.", question.scopes.join(", ")),
            _ => format!("It holds {}.", question.scopes.join(", ")),
        },
    }
}

fn limits(is_answered: bool, verdict: &Verdict) -> Outcome {
    if is_answered {
        return Outcome::NotAsked(None);
    }
    if verdict.code == Code::RateLimited {
        return Outcome::Refused(Refusal { code: verdict.code, detail: verdict.detail.clone() });
    }
    Outcome::Passed(match &verdict.spending {
        None => "It has no rate limit.".into(),
        Some(_) => "There is room in every limit.".into(),
    })
}
