//! Recognising what a caller presents, before anything is looked up.

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::secret::{CHECKSUM_LENGTH, ID_LENGTH, RANDOM_LENGTH, SecretHash, checksum};

/// No credential of ours is longer; anything longer is refused before it is hashed.
pub const MAX_LENGTH: usize = 64;

/// A credential that is spelled like one of ours and whose checksum is right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presented<'a> {
    /// `<env>_sk_…`
    KeySecret(&'a str),
    /// `<env>_pk_…`
    PublicKey(&'a str),
    /// `secret_…`
    AppSecret(&'a str),
    /// `app_…`
    AppId(&'a str),
    /// `gw_…`
    GatewayToken(&'a str),
}

impl<'a> Presented<'a> {
    /// Recognises a credential, or `None` when it cannot be one of ours: wrong prefix, length, alphabet or checksum.
    pub fn parse(text: &'a str) -> Option<Self> {
        if text.len() > MAX_LENGTH || !text.is_ascii() {
            return None;
        }
        let (prefix, random) = text.rsplit_once('_')?;
        if !random.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return None;
        }
        match prefix {
            "gw" => is_secret(text, random).then_some(Self::GatewayToken(text)),
            "secret" => is_secret(text, random).then_some(Self::AppSecret(text)),
            "app" => (random.len() == ID_LENGTH).then_some(Self::AppId(text)),
            _ => {
                let (environment, kind) = prefix.split_once('_')?;
                if !is_environment_prefix(environment) {
                    return None;
                }
                match kind {
                    "sk" => is_secret(text, random).then_some(Self::KeySecret(text)),
                    "pk" => (random.len() == ID_LENGTH).then_some(Self::PublicKey(text)),
                    _ => None,
                }
            }
        }
    }

    /// Whether the text was meant as a secret, mistyped or not: such text must not be kept, shown or logged.
    pub fn looks_secret(text: &str) -> bool {
        Self::has_secret(text) || in_base64(text).any(|inside| Self::has_secret(&inside))
    }

    fn has_secret(text: &str) -> bool {
        // Most texts have none of the marks, and this is seen at once.
        if !text.contains('_') {
            return false;
        }
        ["_sk_", "secret_", "gw_"].iter().any(|mark| {
            text.match_indices(mark).any(|(at, _)| {
                let rest = &text.as_bytes()[at + mark.len()..];
                rest.iter().take_while(|byte| byte.is_ascii_alphanumeric()).count() >= ID_LENGTH
            })
        })
    }

    /// Under which hash it is looked up.
    pub fn hash(&self) -> SecretHash {
        match self {
            Self::KeySecret(text)
            | Self::PublicKey(text)
            | Self::AppSecret(text)
            | Self::AppId(text)
            | Self::GatewayToken(text) => SecretHash::of(text),
        }
    }
}

/// What stands in the text as base64: a Basic token is a secret too. It is never shorter than 48 characters, and as it
/// encodes letters, digits, `_` and `:` only, it is made of letters and digits.
pub fn in_base64(text: &str) -> impl Iterator<Item = String> {
    // Most texts are shorter than all that is looked for in them.
    let text = if text.len() < 48 { "" } else { text };
    let runs = text
        .split(|character: char| !character.is_ascii_alphanumeric())
        .filter(|run| (48..=256).contains(&run.len()))
        .filter_map(|run| STANDARD.decode(&run[..run.len() - run.len() % 4]).ok());
    text.split_whitespace()
        .filter(|word| (48..=256).contains(&word.len()))
        .filter_map(|word| STANDARD.decode(word).ok())
        .chain(runs)
        .filter_map(|bytes| String::from_utf8(bytes).ok())
}

fn is_secret(text: &str, random: &str) -> bool {
    if random.len() != RANDOM_LENGTH + CHECKSUM_LENGTH {
        return false;
    }
    let (body, tail) = text.split_at(text.len() - CHECKSUM_LENGTH);
    checksum(body.as_bytes()) == tail.as_bytes()
}

fn is_environment_prefix(prefix: &str) -> bool {
    (2..=8).contains(&prefix.len()) && prefix.bytes().all(|byte| byte.is_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credentials::{Secret, app_id, public_key};

    #[test]
    fn every_kind_is_recognised_by_its_spelling() {
        let key = Secret::for_key("prod");
        assert_eq!(Presented::parse(key.reveal()), Some(Presented::KeySecret(key.reveal())));
        let app = Secret::for_application();
        assert_eq!(Presented::parse(app.reveal()), Some(Presented::AppSecret(app.reveal())));
        let gateway = Secret::for_gateway();
        assert_eq!(
            Presented::parse(gateway.reveal()),
            Some(Presented::GatewayToken(gateway.reveal()))
        );
        let public = public_key("stag");
        assert_eq!(Presented::parse(&public), Some(Presented::PublicKey(&public)));
        let id = app_id();
        assert_eq!(Presented::parse(&id), Some(Presented::AppId(&id)));
    }

    #[test]
    fn a_basic_token_looks_secret_too() {
        for _ in 0..50 {
            let basic = Secret::for_key("prod").basic_token(&public_key("prod"));
            let basic = basic.reveal();
            for text in [basic.to_owned(), basic.replace('=', "%3D"), format!("/keys?q={basic}")] {
                assert!(Presented::looks_secret(&text), "{text}");
            }
        }
        assert!(!Presented::looks_secret(&"a".repeat(100)));
        assert!(!Presented::looks_secret("018f2b8e-3f4a-4c55-9d1e-0a1b2c3d4e5f"));
    }

    #[test]
    fn one_wrong_character_is_noticed() {
        let key = Secret::for_key("prod").reveal().to_owned();
        for at in 0..key.len() {
            let mut typo = key.clone().into_bytes();
            typo[at] = if typo[at] == b'q' { b'p' } else { b'q' };
            let typo = String::from_utf8(typo).unwrap();
            assert!(!matches!(Presented::parse(&typo), Some(Presented::KeySecret(_))), "{at}");
        }
        assert_eq!(Presented::parse(&key.to_lowercase()), None);
        assert_eq!(Presented::parse(&key[..key.len() - 1]), None);
        assert_eq!(Presented::parse(&format!("{key}0")), None);
    }

    #[test]
    fn nothing_else_is_recognised() {
        for text in [
            "",
            "_",
            "sk_",
            "prod_sk_",
            "prod_pk_short",
            "PROD_pk_0123456789abcdef",
            "gw_",
            "ké_pk_0123456789abcdef",
            &"a".repeat(100_000),
        ] {
            assert_eq!(Presented::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_mistyped_secret_still_looks_secret() {
        assert!(Presented::looks_secret("prod_sk_0123456789abcdefXXXX"));
        assert!(Presented::looks_secret("key=prod_sk_0123456789abcdefXXXX&x"));
        assert!(!Presented::looks_secret("prod_pk_0123456789abcdef"));
        assert!(!Presented::looks_secret("deploy bot"));
    }
}
