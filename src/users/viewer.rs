//! Whoever is asking.

use std::net::IpAddr;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use diesel::{PgConnection, prelude::*};
use uuid::Uuid;

use crate::{
    access::{self, Grant, GrantRow},
    environments::Mode,
    error::{AppError, AppResult},
    keys::Permissions,
    schema::{api_access, users},
};

/// What a person is here for. Read from the database on every request, never kept in a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Has API access by default, sees and manages everything.
    Administrator,
    /// Has API access when an administrator granted it, sees and manages own keys.
    Manager,
}

impl Role {
    /// Both, for forms.
    pub const ALL: [Self; 2] = [Self::Administrator, Self::Manager];

    /// As stored, and as forms and the command line spell it.
    pub fn slug(self) -> &'static str {
        match self {
            Self::Administrator => "administrator",
            Self::Manager => "manager",
        }
    }

    /// As people read it.
    pub fn label(self) -> &'static str {
        match self {
            Self::Administrator => "Administrator",
            Self::Manager => "Marketplace manager",
        }
    }

    /// The role of that slug.
    pub fn parse(slug: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.slug() == slug)
    }
}

/// From where a request came, for the audit trail.
#[derive(Debug, Clone, Copy, Default)]
pub struct Origin {
    /// The caller's address, as far as trusted proxies tell it.
    pub ip: Option<IpAddr>,
    /// The id in the log and on error pages.
    pub request_id: Option<Uuid>,
}

/// Whoever is asking: a person who is signed in, or the operator at the command line.
/// A handler that takes one is for signed-in people.
#[derive(Debug, Clone)]
pub struct Viewer {
    /// `None` for the operator.
    pub id: Option<i64>,
    /// How the audit trail and the pages call them.
    pub name: String,
    /// Empty for the operator.
    pub email: String,
    pub role: Role,
    /// When API access was granted; `None` also for administrators, who need no grant.
    pub granted_at: Option<DateTime<Utc>>,
    /// In which times are shown to them.
    pub zone: Tz,
    /// What a manager's API access covers; `None` for administrators, and without API access.
    pub grant: Option<Grant>,
    /// What pages are filtered to: a view, not authority. `None`: both modes.
    pub mode: Option<Mode>,
    pub origin: Origin,
}

impl Viewer {
    /// Whoever has a shell on the server: may do everything.
    pub fn operator() -> Self {
        Self {
            id: None,
            name: "Operator".into(),
            email: String::new(),
            role: Role::Administrator,
            granted_at: None,
            zone: Tz::UTC,
            grant: None,
            mode: None,
            origin: Origin::default(),
        }
    }

    /// Reads a person as they are now.
    ///
    /// # Errors
    /// [`AppError::SignInRequired`] when there is no such person any more, or they are disabled.
    pub fn load(conn: &mut PgConnection, id: i64, origin: Origin) -> AppResult<Self> {
        Ok(Self::read(conn, id, origin)?.0)
    }

    /// Reads whoever began a session under this stamp. Sessions are deleted when a password or role changes, but one
    /// that was under way then is saved afterwards: its stamp gives it away.
    ///
    /// # Errors
    /// [`AppError::SignInRequired`] when the session is over, or there is no such person any more.
    pub fn of_session(
        conn: &mut PgConnection,
        id: i64,
        stamp: i32,
        origin: Origin,
    ) -> AppResult<Self> {
        match Self::read(conn, id, origin)? {
            (viewer, current) if current == stamp => Ok(viewer),
            _ => Err(AppError::SignInRequired),
        }
    }

    fn read(conn: &mut PgConnection, id: i64, origin: Origin) -> AppResult<(Self, i32)> {
        type Row = (
            String,
            String,
            String,
            i32,
            String,
            Option<String>,
            Option<DateTime<Utc>>,
            Option<GrantRow>,
        );
        let (name, email, role, stamp, zone, mode, granted_at, granted): Row = users::table
            .left_join(
                api_access::table
                    .on(api_access::user_id.eq(users::id).and(api_access::withdrawn_at.is_null())),
            )
            .filter(users::id.eq(id).and(users::disabled_at.is_null()))
            .select((
                users::name,
                users::email,
                users::role,
                users::session_stamp,
                users::time_zone,
                users::mode,
                api_access::granted_at.nullable(),
                (api_access::id, api_access::all_environments, api_access::all_permissions)
                    .nullable(),
            ))
            .first(conn)
            .optional()?
            .ok_or(AppError::SignInRequired)?;
        let role =
            Role::parse(&role).ok_or_else(|| anyhow::anyhow!("user {id} has an unknown role"))?;
        // A zone that this release does not know any more is no reason to keep somebody out.
        let zone = zone.parse().unwrap_or(Tz::UTC);
        let grant = match granted {
            Some(row) if role == Role::Manager => Some(access::read(conn, row)?),
            _ => None,
        };
        let mode = mode.as_deref().and_then(Mode::parse);
        let viewer =
            Self { id: Some(id), name, email, role, granted_at, grant, zone, mode, origin };
        Ok((viewer, stamp))
    }

    pub fn is_administrator(&self) -> bool {
        self.role == Role::Administrator
    }

    /// Whether API Keys exist for this person.
    pub fn has_api_access(&self) -> bool {
        self.is_administrator() || self.granted_at.is_some()
    }

    /// Whether the viewer may hand out such a key: make it, change it into this, or bring it back to life.
    pub fn covers(&self, environment_id: i64, permissions: &Permissions) -> bool {
        self.is_administrator()
            || self.grant.as_ref().is_some_and(|grant| grant.covers(environment_id, permissions))
    }

    /// The viewer's mode, when something of this mode is not listed in it.
    pub fn mode_without(&self, mode: Mode) -> Option<Mode> {
        self.mode.filter(|own| *own != mode)
    }

    /// Reads the viewer again inside the transaction that is about to change something, and holds role and grant
    /// still until it ends, so that neither a withdrawal nor a narrower grant can slip in between.
    ///
    /// # Errors
    /// [`AppError::NoApiAccess`] when API access has gone meanwhile.
    pub fn confirm_api_access(&self, conn: &mut PgConnection) -> AppResult<Self> {
        let viewer = self.confirm(conn)?;
        if viewer.has_api_access() { Ok(viewer) } else { Err(AppError::NoApiAccess) }
    }

    /// As [`Viewer::confirm_api_access`], for what only administrators do.
    ///
    /// # Errors
    /// [`AppError::Forbidden`] for anybody else.
    pub fn confirm_administrator(&self, conn: &mut PgConnection) -> AppResult<Self> {
        let viewer = self.confirm(conn)?;
        if viewer.is_administrator() { Ok(viewer) } else { Err(AppError::Forbidden) }
    }

    fn confirm(&self, conn: &mut PgConnection) -> AppResult<Self> {
        let Some(id) = self.id else { return Ok(self.clone()) };
        users::table.find(id).select(users::id).for_share().first::<i64>(conn).optional()?;
        api_access::table
            .filter(api_access::user_id.eq(id).and(api_access::withdrawn_at.is_null()))
            .select(api_access::id)
            .for_share()
            .load::<i64>(conn)?;
        Self::load(conn, id, self.origin)
    }
}
