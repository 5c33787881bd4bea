//! From a credential and a question to the verdict: learn the facts, check them, spend, count.

use std::{
    net::{IpAddr, Ipv6Addr},
    sync::Arc,
    time::{Duration, Instant},
};

use chrono::Utc;

use super::{
    Engine,
    checks::{check, check_application},
    code::Code,
    credential::Credential,
    facts::{ApplicationFacts, GatewayFacts, KeyFacts},
    look_ups::{CannotKnow, Lane, Learned},
    queries,
    verdict::{By, Holder, Question, Verdict},
};
use crate::{credentials::SecretHash, limits::Limit};

/// How often one address may present keys that do not exist.
const STRANGERS: [Limit; 1] = [Limit { requests: 60, per_seconds: 60 }];

impl Engine {
    /// The gateway with this token. It served us before, most likely, so it is looked up ahead of unknown keys.
    pub(super) async fn gateway(
        &self,
        token: SecretHash,
        deadline: Instant,
    ) -> Result<Learned<GatewayFacts>, CannotKnow> {
        let query = move |conn: &mut _| queries::gateway_by_token(conn, &token);
        let gateway =
            self.0.look_ups.learn(&self.0.gateways, token, Lane::Known, deadline, query).await?;
        if let Some(gateway) = &gateway.found {
            self.0.recorder.contact(gateway.id, Utc::now());
        }
        Ok(gateway)
    }

    /// The verdict, and how old the facts are if Postgres could not be asked.
    pub(super) async fn judge(
        &self,
        credential: &Credential,
        question: &Question<'_>,
        deadline: Instant,
    ) -> Result<(Verdict, Option<Duration>), CannotKnow> {
        let (holder, stale) = match self.identify(credential, deadline).await? {
            Ok(identified) => identified,
            Err(no) => return Ok((self.turn_away(no, question), None)),
        };
        let verdict = match holder {
            Holder::Key(key, by) => self.judge_key(key, by, question, deadline).await,
            holder => match check_application(question) {
                Ok(()) => {
                    if let Holder::Application(application) = &holder {
                        self.0.recorder.identified(application.id, Utc::now());
                    }
                    Verdict::valid(holder, None)
                }
                Err(refusal) => Verdict::refused(refusal, holder),
            },
        };
        Ok((verdict, stale))
    }

    /// Whose credential it is. A pair whose halves do not belong together is nobody's.
    async fn identify(
        &self,
        credential: &Credential,
        deadline: Instant,
    ) -> Result<Result<(Holder, Option<Duration>), Verdict>, CannotKnow> {
        let not_found =
            || Verdict::unknown(Code::KeyNotFound, "There is no such key, or it was deleted.");
        Ok(match credential {
            Credential::Missing => {
                Err(Verdict::unknown(Code::MissingKey, "The caller presented no credential."))
            }
            Credential::Malformed(why) => Err(Verdict::unknown(Code::MalformedKey, why)),
            Credential::Secret(hash) => {
                let Learned { found, stale } = self.key_by_secret(*hash, deadline).await?;
                found.map(|key| (Holder::Key(key, By::Secret), stale)).ok_or_else(not_found)
            }
            Credential::Pair { public_key, secret } => {
                let Learned { found, stale } = self.key_by_secret(*secret, deadline).await?;
                found
                    .filter(|key| *key.public_key == **public_key)
                    .map(|key| (Holder::Key(key, By::Secret), stale))
                    .ok_or_else(not_found)
            }
            Credential::PublicKey(public_key) => {
                let Learned { found, stale } = self.key_by_public_key(public_key, deadline).await?;
                found.map(|key| (Holder::Key(key, By::PublicKey), stale)).ok_or_else(not_found)
            }
            Credential::Application { app_id, secret } => {
                let Learned { found, stale } = self.application(*secret, deadline).await?;
                found
                    .filter(|application| *application.app_id == **app_id)
                    .map(|application| (Holder::Application(application), stale))
                    .ok_or_else(not_found)
            }
        })
    }

    async fn judge_key(
        &self,
        key: Arc<KeyFacts>,
        by: By,
        question: &Question<'_>,
        deadline: Instant,
    ) -> Verdict {
        let now = Utc::now();
        let verdict = match check(&key, by, question, now) {
            Err(refusal) => Verdict::refused(refusal, Holder::Key(key.clone(), by)),
            Ok(()) => {
                let who = (key.id, &*key.public_key);
                let spending = self.0.limits.spend(who, &key.limits, question.cost, deadline).await;
                Verdict::after_spending(Holder::Key(key.clone(), by), spending)
            }
        };
        let is_valid = verdict.code == Code::Valid;
        self.0.recorder.record(key.id, verdict.code.slug(), is_valid, now);
        if let (Some(secret), Some(_)) = (key.secret_id, key.secret_ends_at) {
            self.0.recorder.old_secret(secret, question.ip, now);
        }
        verdict
    }

    /// Whoever presents one unknown key after the other is told to slow down. Known keys from the same address are
    /// not affected.
    fn turn_away(&self, no: Verdict, question: &Question<'_>) -> Verdict {
        if no.code != Code::KeyNotFound {
            return no;
        }
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

    async fn key_by_secret(
        &self,
        hash: SecretHash,
        deadline: Instant,
    ) -> Result<Learned<KeyFacts>, CannotKnow> {
        let query = move |conn: &mut _| queries::key_by_secret(conn, &hash);
        self.0.look_ups.learn(&self.0.keys, hash, Lane::Unknown, deadline, query).await
    }

    async fn key_by_public_key(
        &self,
        public_key: &str,
        deadline: Instant,
    ) -> Result<Learned<KeyFacts>, CannotKnow> {
        let hash = SecretHash::of(public_key);
        let public_key = public_key.to_owned();
        let query = move |conn: &mut _| queries::key_by_public_key(conn, &public_key);
        self.0.look_ups.learn(&self.0.keys, hash, Lane::Unknown, deadline, query).await
    }

    async fn application(
        &self,
        secret: SecretHash,
        deadline: Instant,
    ) -> Result<Learned<ApplicationFacts>, CannotKnow> {
        let query = move |conn: &mut _| queries::application_by_secret(conn, &secret);
        self.0.look_ups.learn(&self.0.applications, secret, Lane::Unknown, deadline, query).await
    }
}

/// Whoever has an IPv6 address has the whole /64.
fn network(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V4(_) => ip,
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64).into(),
    }
}
