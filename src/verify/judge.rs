//! From a credential and a question to the verdict: learn the facts, check them, spend, count.

use std::{
    net::{IpAddr, Ipv6Addr},
    time::{Duration, Instant},
};

use chrono::Utc;
use futures_util::future::join;

use super::{
    Engine,
    catalogue::Catalogue,
    checks::{check, check_application},
    code::Code,
    credential::Credential,
    entry::Entry,
    facts::{ApplicationFacts, GatewayFacts, KeyFacts},
    lanes::Lane,
    look_ups::{CannotKnow, Learned, Wish},
    sought::Sought,
    verdict::{By, Holder, Question, Verdict},
};
use crate::{credentials::SecretHash, limits::Limit};

/// How often one address may present keys that do not exist.
const STRANGERS: [Limit; 1] = [Limit { requests: 60, per_seconds: 60 }];

/// A verdict, and how old the facts are if Postgres could not be asked.
pub struct Judged {
    pub verdict: Verdict,
    pub stale: Option<Duration>,
}

/// How long there is to find out.
#[derive(Clone, Copy)]
struct Time {
    now: Instant,
    deadline: Instant,
}

impl Engine {
    /// The gateway with this token. It served us before, most likely, so it is looked up ahead of unknown keys.
    pub(super) async fn gateway(
        &self,
        token: SecretHash,
        now: Instant,
        deadline: Instant,
    ) -> Result<Learned<GatewayFacts>, CannotKnow> {
        let wish = Wish { hash: token, lane: Lane::Known, now, deadline };
        let gateway = self.0.look_ups.learn(&self.0.gateways, wish, Sought::Gateway).await?;
        if let Some(gateway) = &gateway.found
            && gateway.is_first_in_second(self.0.confirmed.second(now))
        {
            self.0.recorder.contact(gateway.id, self.0.clock.at(now));
        }
        Ok(gateway)
    }

    /// The verdict. Every answer but those to questions that cannot be understood comes by here.
    pub(super) async fn judge(
        &self,
        credential: &Credential,
        question: &Question<'_>,
        now: Instant,
        deadline: Instant,
    ) -> Result<Judged, CannotKnow> {
        let time = Time { now, deadline };
        let not_found =
            || Verdict::unknown(Code::KeyNotFound, "There is no such key, or it was deleted.");
        let (hash, public_key) = match credential {
            Credential::Missing => {
                return Ok(fresh(Verdict::unknown(
                    Code::MissingKey,
                    "The caller presented no credential.",
                )));
            }
            Credential::Malformed(why) => {
                return Ok(fresh(Verdict::unknown(Code::MalformedKey, why)));
            }
            Credential::Application { app_id, secret } => {
                let Learned { found, stale } = self.application(*secret, time).await?;
                return Ok(match found.filter(|application| application.public_id() == app_id) {
                    Some(application) => {
                        let verdict = self.judge_application(application, question, now);
                        Judged { verdict, stale }
                    }
                    None => fresh(self.turn_away(not_found(), question)),
                });
            }
            Credential::PublicKey(public_key) => (SecretHash::of(public_key), Some(public_key)),
            Credential::Secret(secret) | Credential::Pair { secret, .. } => (*secret, None),
        };
        // Both at once: whoever is the first to ask after a start waits once.
        let (learned, catalogue) =
            join(self.key(hash, public_key, time), self.catalogue(time)).await;
        let learned = learned?;
        // A pair whose halves do not belong together is nobody's.
        let key = learned.found.filter(|key| match credential {
            Credential::Pair { public_key, .. } => key.public_key() == public_key,
            _ => true,
        });
        let Some(key) = key else { return Ok(fresh(self.turn_away(not_found(), question))) };
        let by = if public_key.is_some() { By::PublicKey } else { By::Secret };
        let catalogue = catalogue?;
        let stale = learned.stale.max(catalogue.stale);
        let catalogue = catalogue.found.ok_or(CannotKnow)?;
        Ok(Judged { verdict: self.judge_key(key, &catalogue, by, question, time).await, stale })
    }

    fn judge_application(
        &self,
        application: Entry<ApplicationFacts>,
        question: &Question<'_>,
        now: Instant,
    ) -> Verdict {
        match check_application(question) {
            Ok(()) => {
                self.0.recorder.identified(application.id, self.0.clock.at(now));
                Verdict::valid(Holder::Application(application), None)
            }
            Err(refusal) => Verdict::refused(refusal, Holder::Application(application)),
        }
    }

    async fn judge_key(
        &self,
        key: Entry<KeyFacts>,
        catalogue: &Catalogue,
        by: By,
        question: &Question<'_>,
        time: Time,
    ) -> Verdict {
        let now = self.0.clock.at(time.now);
        if let Some((secret, _)) = key.rare().replaced {
            self.0.recorder.old_secret(secret, question.ip, now);
        }
        // What is over by either clock is over: one of them may have been put back.
        if let Err(refusal) = check(&key, catalogue, by, question, now.max(Utc::now())) {
            self.0.recorder.record(key.id, refusal.code.slug(), false, now);
            return Verdict::refused(refusal, Holder::Key(key));
        }
        let limits = &key.terms.limits;
        let spending = match limits.is_empty() {
            true => None,
            false => {
                let who = (key.id, key.public_key());
                self.0.limits.spend(who, limits, question.cost, time.deadline).await
            }
        };
        let mut verdict = Verdict::after_spending(Holder::Key(key), spending);
        let Holder::Key(key) = &verdict.holder else { return verdict };
        if verdict.code == Code::Valid {
            self.0.used.count(key, now, &self.0.recorder);
            verdict.permissions = Some(catalogue.listed(&key.terms, by));
        } else {
            self.0.recorder.record(key.id, verdict.code.slug(), false, now);
        }
        verdict
    }

    /// Whoever presents one unknown key after the other is told to slow down. Known keys from the same address are
    /// not affected.
    fn turn_away(&self, no: Verdict, question: &Question<'_>) -> Verdict {
        let Some(ip) = question.ip else { return no };
        match self.0.strangers.spend(network(ip), &STRANGERS, 1) {
            Some(spending) if !spending.admitted => Verdict {
                code: Code::RateLimited,
                detail: "Too many unknown keys from this address.".into(),
                spending: Some(spending),
                ..no
            },
            _ => no,
        }
    }

    /// The key with this public key, or else the key of this secret.
    async fn key(
        &self,
        hash: SecretHash,
        public_key: Option<&String>,
        time: Time,
    ) -> Result<Learned<KeyFacts>, CannotKnow> {
        let sought = |ticket| match public_key {
            Some(public_key) => Sought::PublicKey(ticket, public_key.clone()),
            None => Sought::KeyOfSecret(ticket),
        };
        self.0.look_ups.learn(&self.0.keys, time.wish(hash, Lane::Unknown), sought).await
    }

    async fn application(
        &self,
        secret: SecretHash,
        time: Time,
    ) -> Result<Learned<ApplicationFacts>, CannotKnow> {
        let wish = time.wish(secret, Lane::Unknown);
        self.0.look_ups.learn(&self.0.applications, wish, Sought::Application).await
    }

    async fn catalogue(&self, time: Time) -> Result<Learned<Catalogue>, CannotKnow> {
        let wish = time.wish(Catalogue::hash(), Lane::Known);
        self.0.look_ups.learn(&self.0.catalogue, wish, Sought::Catalogue).await
    }
}

impl Time {
    fn wish(self, hash: SecretHash, lane: Lane) -> Wish {
        Wish { hash, lane, now: self.now, deadline: self.deadline }
    }
}

fn fresh(verdict: Verdict) -> Judged {
    Judged { verdict, stale: None }
}

/// Whoever has an IPv6 address has the whole /64.
fn network(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V4(_) => ip,
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64).into(),
    }
}
