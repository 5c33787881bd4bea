//! The words of the interface: what an answer is called, which status it has, what its caller may read.

/// What the answer is called. The names are part of the interface and never change their meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    Valid,
    MissingKey,
    MalformedKey,
    KeyNotFound,
    SecretReplaced,
    Revoked,
    Expired,
    Disabled,
    WrongEnvironment,
    IpNotAllowed,
    CustomerNotAllowed,
    InsufficientScope,
    RateLimited,
}

impl Code {
    /// All of them, the checks in their order.
    pub const ALL: [Self; 13] = [
        Self::Valid,
        Self::MalformedKey,
        Self::MissingKey,
        Self::KeyNotFound,
        Self::Revoked,
        Self::Expired,
        Self::Disabled,
        Self::SecretReplaced,
        Self::WrongEnvironment,
        Self::IpNotAllowed,
        Self::CustomerNotAllowed,
        Self::InsufficientScope,
        Self::RateLimited,
    ];

    /// As answered and stored: `VALID`.
    pub fn slug(self) -> &'static str {
        match self {
            Self::Valid => "VALID",
            Self::MissingKey => "MISSING_KEY",
            Self::MalformedKey => "MALFORMED_KEY",
            Self::KeyNotFound => "KEY_NOT_FOUND",
            Self::SecretReplaced => "SECRET_REPLACED",
            Self::Revoked => "REVOKED",
            Self::Expired => "EXPIRED",
            Self::Disabled => "DISABLED",
            Self::WrongEnvironment => "WRONG_ENVIRONMENT",
            Self::IpNotAllowed => "IP_NOT_ALLOWED",
            Self::CustomerNotAllowed => "CUSTOMER_NOT_ALLOWED",
            Self::InsufficientScope => "INSUFFICIENT_SCOPE",
            Self::RateLimited => "RATE_LIMITED",
        }
    }

    /// The HTTP status the caller should see.
    pub fn status(self) -> u16 {
        match self {
            Self::Valid => 200,
            Self::IpNotAllowed | Self::CustomerNotAllowed | Self::InsufficientScope => 403,
            Self::RateLimited => 429,
            _ => 401,
        }
    }

    /// What the caller may read: nothing about the key that its holder does not know.
    pub fn message(self) -> &'static str {
        match self {
            Self::Valid => "This key may do this.",
            Self::MissingKey => "An API key is needed. Send it as Authorization: Bearer.",
            Self::MalformedKey => "This is not an API key. Check that it was copied whole.",
            Self::KeyNotFound => "This API key is not known.",
            Self::SecretReplaced => "This secret key was replaced. Use the new one.",
            Self::Revoked => "This API key was revoked.",
            Self::Expired => "This API key has expired.",
            Self::Disabled => "This API key is switched off.",
            Self::WrongEnvironment => "This API key belongs to another environment.",
            Self::IpNotAllowed => "This API key may not be used from this address.",
            Self::CustomerNotAllowed => "This API key may not be used for this customer.",
            Self::InsufficientScope => "This API key lacks a permission that this needs.",
            Self::RateLimited => "Too many requests. Try again later.",
        }
    }
}
