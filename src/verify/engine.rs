//! The engine: learns the facts, comes to the verdict, counts.

use std::{
    net::{IpAddr, Ipv6Addr},
    sync::Arc,
    time::{Duration, Instant},
};

use chrono::Utc;
use ipnet::IpNet;
use parking_lot::Mutex;

use super::{
    code::Code,
    credential::Credential,
    facts::{ApplicationFacts, GatewayFacts, KeyFacts},
    known::Known,
    listener::{Heard, Listener},
    look_ups::{CannotKnow, Lane, Learned, LookUps},
    queries,
    verdict::{By, Holder, Question, Verdict, check, check_application},
};
use crate::{
    changes::Change,
    credentials::SecretHash,
    limits::{Limit, Limiter},
    usage::Recorder,
};

/// The longest a question waits for Postgres. Envoy gives up after 200 ms and takes our silence for a no.
pub const PATIENCE: Duration = Duration::from_millis(120);

/// So many keys are remembered.
const KEYS: usize = 200_000;
/// So many credentials are remembered as unknown.
const UNKNOWN: usize = 20_000;
/// So many applications, and so many gateways.
const OTHERS: usize = 10_000;
/// So many keys and windows, or addresses, are counted.
const COUNTED: usize = 1_000_000;
/// How often one address may present keys that do not exist.
const STRANGERS: [Limit; 1] = [Limit { requests: 60, per_seconds: 60 }];

/// Verifies. A clone is the same engine.
#[derive(Clone)]
pub struct Engine(Arc<Shared>);

struct Shared {
    keys: Arc<Known<KeyFacts>>,
    applications: Arc<Known<ApplicationFacts>>,
    gateways: Arc<Known<GatewayFacts>>,
    look_ups: LookUps,
    limits: Limiter<i64>,
    strangers: Limiter<IpAddr>,
    recorder: Recorder,
    trusted_proxies: Vec<IpNet>,
    listener: Mutex<Option<Listener>>,
}

impl Engine {
    /// Starts the engine's threads. Postgres may still be away: then nothing is known until it comes.
    ///
    /// # Errors
    /// When a thread cannot be started.
    pub fn start(
        database_url: &str,
        recorder: Recorder,
        trusted_proxies: Vec<IpNet>,
    ) -> anyhow::Result<Self> {
        let engine = Self(Arc::new(Shared {
            keys: Arc::new(Known::new(KEYS, UNKNOWN)),
            applications: Arc::new(Known::new(OTHERS, OTHERS)),
            gateways: Arc::new(Known::new(OTHERS, OTHERS)),
            look_ups: LookUps::start(database_url)?,
            limits: Limiter::new(COUNTED),
            strangers: Limiter::new(COUNTED),
            recorder,
            trusted_proxies,
            listener: Mutex::default(),
        }));
        let shared = Arc::downgrade(&engine.0);
        let listener = Listener::start(database_url, move |heard| {
            let Some(engine) = shared.upgrade().map(Engine) else { return };
            match heard {
                Heard::Change(change) => engine.forget(change),
                Heard::Missed => engine.doubt_everything(),
            }
        })?;
        *engine.0.listener.lock() = Some(listener);
        Ok(engine)
    }

    /// Forgets what has changed. Whoever asks after this returned is answered from what is stored now: call it when
    /// the change is committed and before saying so.
    pub fn forget(&self, change: Change) {
        match change {
            Change::Key(id) => self.0.keys.forget(id),
            Change::Gateway(id) => self.0.gateways.forget(id),
            Change::Application(id) => self.0.applications.forget(id),
            Change::Catalogue => self.forget_everything(),
        }
    }

    /// Forgets everything, as when what every key may do has changed.
    pub fn forget_everything(&self) {
        self.0.keys.forget_everything();
        self.0.applications.forget_everything();
        self.0.gateways.forget_everything();
    }

    /// Looks everything up again before using it: changes may have been missed.
    fn doubt_everything(&self) {
        self.0.keys.doubt_everything();
        self.0.applications.doubt_everything();
        self.0.gateways.doubt_everything();
    }

    /// Whether Postgres is not asked at the moment because it does not answer.
    pub fn is_cut_off(&self) -> bool {
        self.0.look_ups.are_suspended()
    }

    /// Whether changes made by other processes are heard at the moment.
    pub fn hears_changes(&self) -> bool {
        self.0.listener.lock().as_ref().is_some_and(Listener::is_listening)
    }

    /// Ends the threads. The recorder is its owner's to stop, afterwards.
    pub fn stop(&self) {
        let listener = self.0.listener.lock().take();
        if let Some(listener) = listener {
            listener.stop();
        }
        self.0.look_ups.stop();
    }

    pub(super) fn trusted_proxies(&self) -> &[IpNet] {
        &self.0.trusted_proxies
    }

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
            Holder::Key(key, by) => self.judge_key(key, by, question),
            holder => match check_application(question) {
                Ok(()) => Verdict::valid(holder, None),
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

    fn judge_key(&self, key: Arc<KeyFacts>, by: By, question: &Question<'_>) -> Verdict {
        let now = Utc::now();
        let verdict = match check(&key, by, question, now) {
            Err(refusal) => Verdict::refused(refusal, Holder::Key(key.clone(), by)),
            Ok(()) => {
                let spending = self.0.limits.spend(key.id, &key.limits, question.cost);
                Verdict::after_spending(Holder::Key(key.clone(), by), spending)
            }
        };
        let is_valid = verdict.code == Code::Valid;
        self.0.recorder.record(key.id, verdict.code.slug(), is_valid, now);
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
