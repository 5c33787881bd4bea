//! Which application asks, and how often it may.

use std::net::IpAddr;

use actix_web::{HttpRequest, http::header::AUTHORIZATION};
use chrono::{DateTime, Utc};
use diesel::{PgConnection, prelude::*};

use crate::{
    app::App,
    error::{AppError, AppResult},
    limits::{Limit, Limiter},
    schema::applications,
    users::{Origin, Viewer},
    verify::{Credential, Problem, only_one},
};

/// What an application may ask: its own programs come here seldom.
const OF_AN_APPLICATION: [Limit; 1] = [Limit { requests: 120, per_seconds: 60 }];
/// What an address may try with credentials that are not right.
const OF_A_STRANGER: [Limit; 1] = [Limit { requests: 30, per_seconds: 60 }];
/// So many of each are counted.
const COUNTED: usize = 20_000;

/// How often who came.
pub struct Doors {
    applications: Limiter<i64>,
    strangers: Limiter<IpAddr>,
}

impl Default for Doors {
    fn default() -> Self {
        Self { applications: Limiter::new(COUNTED), strangers: Limiter::new(COUNTED) }
    }
}

/// An application that identified itself and may manage its keys.
#[derive(Debug, Clone)]
pub struct Caller {
    pub id: i64,
    name: String,
    app_id: String,
    secret: Vec<u8>,
    origin: Origin,
}

type Row = (i64, String, Option<DateTime<Utc>>);

impl Caller {
    /// Whoever comes with Basic `App ID:App Secret`.
    ///
    /// # Errors
    /// 400 for two credentials; 401; 403 where no administrator permits it; 429; 503.
    pub async fn of(app: &App, request: &HttpRequest, origin: Origin) -> Result<Self, Problem> {
        let presented = only_one(request.headers(), &AUTHORIZATION)?
            .and_then(|value| value.to_str().ok())
            .map(Credential::from_authorization);
        let found = match presented {
            Some(Credential::Application { app_id, secret }) => {
                let (asked, hash) = (app_id.clone(), secret.as_bytes().to_vec());
                let find = {
                    let hash = hash.clone();
                    move |conn: &mut PgConnection| find(conn, &asked, &hash)
                };
                let found = app.db.read(find).await.map_err(cannot_know)?;
                found.map(|row| (row, app_id, hash))
            }
            _ => None,
        };
        let Some(((id, name, permitted_since), app_id, secret)) = found else {
            return Err(turn_away(app, origin));
        };
        app.engine.recorder().identified(id, Utc::now());
        if permitted_since.is_none() {
            return Err(Problem::NotPermitted);
        }
        let spending = app.doors.applications.spend(id, &OF_AN_APPLICATION, 1);
        match spending {
            Some(spending) if !spending.admitted => {
                Err(Problem::TooMany { retry_after_seconds: spending.retry_after_seconds })
            }
            _ => Ok(Self { id, name, app_id, secret, origin }),
        }
    }

    /// As the trail names it. It may do to its own keys what administrators may; whoever uses this looks whose key it is.
    pub fn viewer(&self) -> Viewer {
        Viewer {
            name: format!("{} (application)", self.name),
            origin: self.origin,
            ..Viewer::operator()
        }
    }

    /// Once more, inside the transaction that changes something: its secret, and that it may.
    ///
    /// # Errors
    /// [`AppError::Forbidden`] when that has ended meanwhile.
    pub fn confirm(&self, conn: &mut PgConnection) -> AppResult<()> {
        applications::table
            .find(self.id)
            .select(applications::id)
            .for_share()
            .first::<i64>(conn)
            .optional()?;
        match find(conn, &self.app_id, &self.secret)? {
            Some((.., Some(_))) => Ok(()),
            _ => Err(AppError::Forbidden),
        }
    }
}

fn find(conn: &mut PgConnection, app_id: &str, secret: &[u8]) -> AppResult<Option<Row>> {
    Ok(applications::table
        .filter(applications::secret_hash.eq(secret))
        .filter(applications::app_id.eq(app_id))
        .filter(applications::archived_at.is_null())
        .select((applications::id, applications::name, applications::manages_keys_since))
        .first(conn)
        .optional()?)
}

/// One answer, whatever was wrong; and another for whoever tries again and again.
fn turn_away(app: &App, origin: Origin) -> Problem {
    let spending = origin.ip.and_then(|ip| app.doors.strangers.spend(ip, &OF_A_STRANGER, 1));
    match spending {
        Some(spending) if !spending.admitted => {
            Problem::TooMany { retry_after_seconds: spending.retry_after_seconds }
        }
        _ => Problem::UnknownApplication,
    }
}

/// What went wrong on the way to an answer.
pub fn cannot_know(error: AppError) -> Problem {
    tracing::warn!(?error, "an application could not be answered");
    Problem::CannotKnow
}
