//! What can stop a request, and the sentence for it.

use actix_web::{ResponseError, error::BlockingError, http::StatusCode};
use diesel::result::{DatabaseErrorKind, Error as DieselError};

use crate::access::Refusal;

/// The answer of everything that can be stopped.
pub type AppResult<T> = Result<T, AppError>;

/// Why a request cannot be answered as asked. `Display` is what the person reads; the source is for the log.
/// How it looks is decided where the request is known: [`crate::web::errors`].
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// 401; a page goes to the sign-in form instead.
    #[error("Sign in to continue.")]
    SignInRequired,
    /// 403
    #[error("You don’t have access to do that.")]
    Forbidden,
    /// 403, and in the trail
    #[error("{0}")]
    BeyondGrant(Box<Refusal>),
    /// 403, from another site or without evidence of coming from our own pages.
    #[error("This form is out of date. Reload and try again.")]
    CrossSite,
    /// 404, also for what exists but is not the viewer's to know of.
    #[error("There’s nothing here.")]
    NotFound,
    /// 404 for everything about keys, to someone without API access.
    #[error("You don’t have API access. An administrator can grant it on the Team page.")]
    NoApiAccess,
    /// 404 for one-time links that were used, expired or never were.
    #[error("This link has been used or has expired. Ask for a new one.")]
    LinkGone,
    /// 400
    #[error("{0}")]
    BadRequest(String),
    /// 405
    #[error("That address doesn’t do this.")]
    MethodNotAllowed,
    /// 408
    #[error("The form took too long to arrive. Send it again.")]
    TooSlow,
    /// 409
    #[error("{0}")]
    Conflict(String),
    /// 413, with the most that is taken, in KiB.
    #[error("That’s more than this address takes, which is {0} KiB. Send less.")]
    TooLarge(usize),
    /// 415
    #[error("That’s not a form this address understands.")]
    UnsupportedMediaType,
    /// 421: the Host header names somebody else (DNS rebinding).
    #[error("Latchkey doesn’t answer to this name. Use the address in LATCHKEY_BASE_URL.")]
    WrongHost,
    /// 422, for programs and the command line; people get their form back instead.
    #[error("{0}")]
    Unprocessable(String),
    /// 422: whoever stops what is in use says first what that is.
    #[error("It was used within the last hour. Type its name to go on.")]
    NotTyped,
    /// 429, with the seconds to wait.
    #[error("Too many attempts. Try again in {} minutes.", .0.div_ceil(60).max(1))]
    TooManyAttempts(u64),
    /// 503
    #[error("We’re busy right now. Try again in a moment; nothing was changed.")]
    Unavailable(#[source] anyhow::Error),
    /// A unique constraint or the like; a form that knows the constraint's name says it in its own words.
    #[error("Someone got there first. Reload and try again.")]
    Constraint(String, #[source] DieselError),
    /// 500
    #[error("Something went wrong on our side.")]
    Internal(#[source] anyhow::Error),
}

impl AppError {
    /// Whether this is the database refusing by the constraint of that name.
    pub fn violates(&self, constraint: &str) -> bool {
        matches!(self, Self::Constraint(name, _) if name == constraint)
    }

    /// Seconds after which it is worth trying again, for `Retry-After`.
    pub fn retry_after(&self) -> Option<u64> {
        match self {
            Self::TooManyAttempts(seconds) => Some(*seconds),
            Self::Unavailable(_) => Some(2),
            _ => None,
        }
    }
}

impl ResponseError for AppError {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::SignInRequired => StatusCode::UNAUTHORIZED,
            Self::Forbidden | Self::BeyondGrant(_) | Self::CrossSite => StatusCode::FORBIDDEN,
            Self::NotFound | Self::NoApiAccess | Self::LinkGone => StatusCode::NOT_FOUND,
            Self::BadRequest(_) => StatusCode::BAD_REQUEST,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::Conflict(_) | Self::Constraint(..) => StatusCode::CONFLICT,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::WrongHost => StatusCode::MISDIRECTED_REQUEST,
            Self::Unprocessable(_) | Self::NotTyped => StatusCode::UNPROCESSABLE_ENTITY,
            Self::TooManyAttempts(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl From<DieselError> for AppError {
    fn from(error: DieselError) -> Self {
        match error {
            DieselError::NotFound => Self::NotFound,
            DieselError::DatabaseError(DatabaseErrorKind::ClosedConnection, _) => {
                Self::Unavailable(error.into())
            }
            DieselError::DatabaseError(
                DatabaseErrorKind::UniqueViolation
                | DatabaseErrorKind::ForeignKeyViolation
                | DatabaseErrorKind::CheckViolation,
                ref information,
            ) => Self::Constraint(
                information.constraint_name().unwrap_or_default().to_owned(),
                error,
            ),
            DieselError::DatabaseError(DatabaseErrorKind::SerializationFailure, _) => {
                Self::Constraint(String::new(), error)
            }
            DieselError::DatabaseError(_, ref information) if is_outage(information.message()) => {
                Self::Unavailable(error.into())
            }
            DieselError::BrokenTransactionManager => Self::Unavailable(error.into()),
            _ => Self::Internal(error.into()),
        }
    }
}

/// libpq reports a lost connection as an ordinary error, and diesel has no kind for a deadlock: both are told apart by
/// their text only.
fn is_outage(message: &str) -> bool {
    [
        "server closed the connection",
        "terminating connection",
        "connection to server",
        "could not connect",
        "no connection to the server",
        "could not receive data",
        "could not send data",
        "the database system is",
        "canceling statement due to",
        "deadlock detected",
    ]
    .iter()
    .any(|outage| message.contains(outage))
}

impl From<BlockingError> for AppError {
    fn from(error: BlockingError) -> Self {
        Self::Internal(anyhow::Error::new(error).context("a blocking thread ended early"))
    }
}

impl From<askama::Error> for AppError {
    fn from(error: askama::Error) -> Self {
        Self::Internal(error.into())
    }
}

impl From<anyhow::Error> for AppError {
    fn from(error: anyhow::Error) -> Self {
        Self::Internal(error)
    }
}
