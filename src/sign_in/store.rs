//! Sessions in Postgres. The cookie holds a random id; the table only its hash.

use std::{collections::HashMap, sync::Arc};

use actix_session::storage::{
    LoadError, SaveError, SessionKey, SessionStore, UpdateError, generate_session_key,
};
use actix_web::cookie::time::Duration;
use anyhow::{Error, Result, anyhow};
use chrono::{DateTime, TimeDelta, Utc};
use diesel::{PgConnection, prelude::*};
use quick_cache::sync::Cache;
use sha2::{Digest, Sha256};

use super::idle;
use crate::{db::Db, error::AppResult, schema::sessions, web::layout::USER_ID};

/// No session lives longer, however busy.
pub(super) const ABSOLUTE_LIMIT: TimeDelta = TimeDelta::hours(12);
/// A session that isn't used ends after this long.
pub const IDLE_LIMIT: TimeDelta = TimeDelta::minutes(30);
/// A person has at most this many sessions; the oldest ends when another begins.
const SESSIONS_PER_PERSON: i64 = 10;
/// A session in use is extended at most this often, to spare a write per request.
const EXTEND_EVERY: TimeDelta = TimeDelta::minutes(1);

pub(super) type State = HashMap<String, String>;

/// Of so many sessions it is remembered how long they last.
const REMEMBERED: usize = 10_000;

/// actix-session's store.
#[derive(Clone)]
pub struct PgSessionStore {
    db: Db,
    /// When sessions end, as they were read: most requests then need not ask whether it is time to extend theirs.
    ends: Arc<Cache<[u8; 32], DateTime<Utc>>>,
}

impl PgSessionStore {
    pub fn new(db: Db) -> Self {
        Self { db, ends: Arc::new(Cache::new(REMEMBERED)) }
    }

    async fn write<T: Send + 'static>(
        &self,
        change: impl FnOnce(&mut PgConnection) -> AppResult<T> + Send + 'static,
    ) -> Result<T> {
        self.db.write(change).await.map_err(|error| anyhow!("{error:?}"))
    }
}

impl SessionStore for PgSessionStore {
    async fn load(&self, key: &SessionKey) -> Result<Option<State>, LoadError> {
        let id = id_hash(key);
        let found = self
            .db
            .read(move |conn| {
                let now = Utc::now();
                Ok(sessions::table
                    .find(id)
                    .filter(
                        sessions::expires_at
                            .gt(now)
                            .and(sessions::created_at.gt(now - ABSOLUTE_LIMIT)),
                    )
                    .select((sessions::state, sessions::expires_at))
                    .first::<(serde_json::Value, DateTime<Utc>)>(conn)
                    .optional()?)
            })
            .await
            .map_err(|error| LoadError::Other(anyhow!("{error:?}")))?;
        let Some((state, ends)) = found else { return Ok(None) };
        self.ends.insert(id, ends);
        // A row that cannot be read is treated as no session: the person signs in again.
        Ok(serde_json::from_value(state).ok())
    }

    async fn save(&self, state: State, ttl: &Duration) -> Result<SessionKey, SaveError> {
        let key = generate_session_key();
        let (id, user_id, expires_at) = (id_hash(&key), user_id(&state), expiry(ttl));
        let state =
            serde_json::to_value(state).map_err(|error| SaveError::Serialization(error.into()))?;
        self.write(move |conn| {
            diesel::insert_into(sessions::table)
                .values((
                    sessions::id_hash.eq(id),
                    sessions::user_id.eq(user_id),
                    sessions::state.eq(state),
                    sessions::expires_at.eq(expires_at),
                ))
                .execute(conn)?;
            user_id.map_or(Ok(()), |user_id| end_oldest(conn, user_id))
        })
        .await
        .map_err(SaveError::Other)?;
        Ok(key)
    }

    /// Changes a session that is there. One that ended meanwhile stays ended: saving it again would revive it.
    async fn update(
        &self,
        key: SessionKey,
        state: State,
        ttl: &Duration,
    ) -> Result<SessionKey, UpdateError> {
        let (id, user_id, expires_at) = (id_hash(&key), user_id(&state), expiry(ttl));
        let state = serde_json::to_value(state)
            .map_err(|error| UpdateError::Serialization(error.into()))?;
        self.write(move |conn| {
            Ok(diesel::update(sessions::table.find(id))
                .set((
                    sessions::user_id.eq(user_id),
                    sessions::state.eq(state),
                    sessions::expires_at.eq(expires_at),
                ))
                .execute(conn)?)
        })
        .await
        .map_err(UpdateError::Other)?;
        Ok(key)
    }

    async fn update_ttl(&self, key: &SessionKey, ttl: &Duration) -> Result<(), Error> {
        let (id, expires_at) = (id_hash(key), expiry(ttl));
        let is_soon_enough = |ends| ends >= expires_at - EXTEND_EVERY;
        if idle::is_by_itself() || self.ends.get(&id).is_some_and(is_soon_enough) {
            return Ok(());
        }
        self.write(move |conn| {
            diesel::update(
                sessions::table.find(id).filter(sessions::expires_at.lt(expires_at - EXTEND_EVERY)),
            )
            .set(sessions::expires_at.eq(expires_at))
            .execute(conn)?;
            Ok(())
        })
        .await
    }

    async fn delete(&self, key: &SessionKey) -> Result<(), Error> {
        let id = id_hash(key);
        self.write(move |conn| {
            diesel::delete(sessions::table.find(id)).execute(conn)?;
            Ok(())
        })
        .await
    }
}

/// Forgets sessions that ended by themselves.
///
/// # Errors
/// When Postgres cannot be asked.
pub fn sweep(conn: &mut PgConnection) -> AppResult<usize> {
    let now = Utc::now();
    Ok(diesel::delete(
        sessions::table
            .filter(sessions::expires_at.le(now).or(sessions::created_at.le(now - ABSOLUTE_LIMIT))),
    )
    .execute(conn)?)
}

fn end_oldest(conn: &mut PgConnection, user_id: i64) -> AppResult<()> {
    let too_old = sessions::table
        .filter(sessions::user_id.eq(user_id))
        .order(sessions::created_at.desc())
        .offset(SESSIONS_PER_PERSON)
        .select(sessions::id_hash)
        .load::<Vec<u8>>(conn)?;
    diesel::delete(sessions::table.filter(sessions::id_hash.eq_any(too_old))).execute(conn)?;
    Ok(())
}

fn id_hash(key: &SessionKey) -> [u8; 32] {
    Sha256::digest(key.as_ref().as_bytes()).into()
}

fn user_id(state: &State) -> Option<i64> {
    state.get(USER_ID)?.parse().ok()
}

fn expiry(ttl: &Duration) -> DateTime<Utc> {
    Utc::now() + TimeDelta::seconds(ttl.whole_seconds())
}
