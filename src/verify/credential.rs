//! What a caller presents: recognised before anything is looked up, and kept only as what finds it.

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, STANDARD_NO_PAD},
};
use zeroize::Zeroizing;

use crate::credentials::{MAX_LENGTH, Presented, SecretHash};

/// A caller's credential. Nothing of the secret itself is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credential {
    /// There is none.
    Missing,
    /// Not spelled like a credential that authenticates a call; why, for the gateway's log.
    Malformed(&'static str),
    /// A key's secret.
    Secret(SecretHash),
    /// A key's public half alone.
    PublicKey(String),
    /// Both halves of a key.
    Pair { public_key: String, secret: SecretHash },
    /// Both halves of an application's credentials.
    Application { app_id: String, secret: SecretHash },
}

impl Credential {
    /// A bare credential: from `key`, `Authorization: Bearer` or `X-API-Key`.
    ///
    /// App ID, App Secret and gateway token are malformed here, without a look-up. An App Secret is half of a
    /// credential and comes with its App ID; an App ID is no secret; and whoever found a gateway token learns nothing
    /// about it by presenting it as a key.
    pub fn from_key(text: &str) -> Self {
        match Presented::parse(text) {
            Some(presented @ Presented::KeySecret(_)) => Self::Secret(presented.hash()),
            Some(Presented::PublicKey(public_key)) => Self::PublicKey(public_key.to_owned()),
            Some(Presented::AppSecret(_) | Presented::AppId(_)) => {
                Self::Malformed("App credentials come as Basic: App ID and App Secret together.")
            }
            Some(Presented::GatewayToken(_)) => {
                Self::Malformed("This is not the spelling of a key.")
            }
            None => Self::Malformed(
                "This is not the spelling of a key: wrong prefix, length, alphabet or checksum.",
            ),
        }
    }

    /// A Basic token: base64 of `public key:secret` or `App ID:App Secret`.
    pub fn from_basic(token: &str) -> Self {
        const NOT_A_PAIR: Credential = Credential::Malformed(
            "This is not base64 of a public key and its secret, or of an App ID and its App Secret.",
        );
        if token.len() > (2 * MAX_LENGTH + 1).div_ceil(3) * 4 {
            return NOT_A_PAIR;
        }
        let decoded = STANDARD.decode(token).or_else(|_| STANDARD_NO_PAD.decode(token));
        let Ok(bytes) = decoded.map(Zeroizing::new) else { return NOT_A_PAIR };
        let Ok(pair) = str::from_utf8(&bytes) else { return NOT_A_PAIR };
        let Some((id, secret)) = pair.split_once(':') else { return NOT_A_PAIR };
        match (Presented::parse(id), Presented::parse(secret)) {
            (Some(Presented::PublicKey(public_key)), Some(secret @ Presented::KeySecret(_))) => {
                Self::Pair { public_key: public_key.to_owned(), secret: secret.hash() }
            }
            (Some(Presented::AppId(app_id)), Some(secret @ Presented::AppSecret(_))) => {
                Self::Application { app_id: app_id.to_owned(), secret: secret.hash() }
            }
            _ => NOT_A_PAIR,
        }
    }

    /// The value of an `Authorization` header (RFC 9110: the scheme's case does not matter).
    pub fn from_authorization(value: &str) -> Self {
        let (scheme, credentials) = value.split_once(' ').unwrap_or((value, ""));
        let credentials = credentials.trim_matches(' ');
        if scheme.eq_ignore_ascii_case("bearer") {
            Self::from_key(credentials)
        } else if scheme.eq_ignore_ascii_case("basic") {
            Self::from_basic(credentials)
        } else {
            Self::Malformed("The Authorization header is neither Bearer nor Basic.")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credentials::{Secret, app_id, public_key};

    fn is_malformed(credential: &Credential) -> bool {
        matches!(credential, Credential::Malformed(_))
    }

    #[test]
    fn every_way_to_present_a_key_is_understood() {
        let (secret, public) = (Secret::for_key("prod"), public_key("prod"));
        let bare = Credential::Secret(secret.hash());
        assert_eq!(Credential::from_key(secret.reveal()), bare);
        assert_eq!(Credential::from_key(&public), Credential::PublicKey(public.clone()));
        for scheme in ["Bearer", "bearer", "BEARER"] {
            let header = format!("{scheme} {}", secret.reveal());
            assert_eq!(Credential::from_authorization(&header), bare);
        }
        let pair = Credential::Pair { public_key: public.clone(), secret: secret.hash() };
        let token = secret.basic_token(&public);
        assert_eq!(Credential::from_basic(token.reveal()), pair);
        assert_eq!(Credential::from_basic(token.reveal().trim_end_matches('=')), pair);
        let header = format!("basic {}", token.reveal());
        assert_eq!(Credential::from_authorization(&header), pair);
    }

    #[test]
    fn an_application_presents_both_halves() {
        let (secret, id) = (Secret::for_application(), app_id());
        assert_eq!(
            Credential::from_basic(secret.basic_token(&id).reveal()),
            Credential::Application { app_id: id.clone(), secret: secret.hash() }
        );
        assert!(is_malformed(&Credential::from_key(&id)));
        assert!(is_malformed(&Credential::from_key(secret.reveal())));
        assert!(is_malformed(&Credential::from_key(Secret::for_gateway().reveal())));
    }

    #[test]
    fn halves_of_different_kinds_are_no_pair() {
        let (key, app) = (Secret::for_key("prod"), Secret::for_application());
        for token in [
            key.basic_token(&app_id()),
            app.basic_token(&public_key("prod")),
            key.basic_token(""),
            key.basic_token(key.reveal()),
        ] {
            assert!(is_malformed(&Credential::from_basic(token.reveal())));
        }
    }

    #[test]
    fn anything_else_is_malformed() {
        for header in ["", " ", "Bearer", "Bearer ", "Bearer    ", "Basic", "Basic !!", "Digest x"]
        {
            assert!(is_malformed(&Credential::from_authorization(header)), "{header:?}");
        }
        assert!(is_malformed(&Credential::from_basic(&"A".repeat(100_000))));
        assert!(is_malformed(&Credential::from_basic("/////w==")));
    }
}
