//! Sessions in Postgres. The cookie holds a random id; the table only its hash.

use std::collections::HashMap;

use actix_session::storage::{
    LoadError, SaveError, SessionKey, SessionStore, UpdateError, generate_session_key,
};
use actix_web::cookie::time::Duration;
use anyhow::{Error, Result, anyhow};
use chrono::{DateTime, TimeDelta, Utc};
use diesel::{PgConnection, prelude::*};
use sha2::{Digest, Sha256};

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

/// actix-session's store.
#[derive(Clone)]
pub struct PgSessionStore(pub Db);

impl PgSessionStore {
    async fn write<T: Send + 'static>(
        &self,
        change: impl FnOnce(&mut PgConnection) -> AppResult<T> + Send + 'static,
    ) -> Result<T> {
        self.0.write(change).await.map_err(|error| anyhow!("{error:?}"))
    }
}

impl SessionStore for PgSessionStore {
    async fn load(&self, key: &SessionKey) -> Result<Option<State>, LoadError> {
        let id = id_hash(key);
        let state = self
            .0
            .read(move |conn| {
                let now = Utc::now();
                Ok(sessions::table
                    .find(id)
                    .filter(
                        sessions::expires_at
                            .gt(now)
                            .and(sessions::created_at.gt(now - ABSOLUTE_LIMIT)),
                    )
                    .select(sessions::state)
                    .first::<serde_json::Value>(conn)
                    .optional()?)
            })
            .await
            .map_err(|error| LoadError::Other(anyhow!("{error:?}")))?;
        // A row that cannot be read is treated as no session: the person signs in again.
        Ok(state.and_then(|state| serde_json::from_value(state).ok()))
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

fn id_hash(key: &SessionKey) -> Vec<u8> {
    Sha256::digest(key.as_ref().as_bytes()).to_vec()
}

fn user_id(state: &State) -> Option<i64> {
    state.get(USER_ID)?.parse().ok()
}

fn expiry(ttl: &Duration) -> DateTime<Utc> {
    Utc::now() + TimeDelta::seconds(ttl.whole_seconds())
}
