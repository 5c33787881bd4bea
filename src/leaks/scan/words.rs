//! Credentials as they are spelled. An underscore is what all of them have, so that is what is looked for.

use super::Kind;
use crate::credentials::Presented;

/// After the last underscore of a secret: randomness and checksum.
const SECRET: usize = 38;
/// After the last underscore of a public key or an App ID.
const ID: usize = 16;
/// With so much of that it has the shape of a secret.
const SHAPE: usize = 30;
/// How long the prefix of an environment is.
const PREFIX: std::ops::RangeInclusive<usize> = 2..=8;

/// What stands somewhere in a text.
pub enum Word<'a> {
    Credential {
        kind: Kind,
        text: &'a str,
        prefix: &'a str,
    },
    /// The shape of a secret, but not its checksum.
    Mistyped,
}

/// Calls back with everything in the text that is spelled like a credential, and where it begins, from the beginning
/// on. What stands before and after may be anything: letters too, before a secret, since its checksum tells where it
/// begins.
pub fn each(text: &[u8], prefixes: &[String], mut call: impl FnMut(usize, Word<'_>)) {
    let mut from = 0;
    while let Some(found) = text[from..].iter().position(|byte| *byte == b'_') {
        let underscore = from + found;
        let after = &text[underscore + 1..];
        let random = after.iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
        // Nothing in between is an underscore.
        from = underscore + 1 + random;
        if random >= ID
            && let Some((at, word)) = word(text, prefixes, underscore, random)
        {
            call(at, word);
        }
    }
}

fn word<'a>(
    text: &'a [u8],
    prefixes: &[String],
    underscore: usize,
    random: usize,
) -> Option<(usize, Word<'a>)> {
    let before = &text[..underscore];
    if before.ends_with(b"_sk") && random >= SHAPE {
        return Some(key_secret(text, underscore));
    }
    if before.ends_with(b"_pk") {
        return (random == ID).then(|| public_key(text, prefixes, underscore)).flatten();
    }
    if before.ends_with(b"secret") && random >= SHAPE {
        return Some(marked(text, underscore, "secret".len(), random, Kind::AppSecret));
    }
    if before.ends_with(b"gw") && random >= SHAPE {
        return Some(marked(text, underscore, "gw".len(), random, Kind::GatewayToken));
    }
    if before.ends_with(b"app") && random == ID {
        let at = underscore - "app".len();
        let text = ascii(text, at, underscore + 1 + ID)?;
        return Some((at, Word::Credential { kind: Kind::AppId, text, prefix: "" }));
    }
    None
}

/// Of the letters before the mark, those are the prefix with which the checksum is right.
fn key_secret(text: &[u8], underscore: usize) -> (usize, Word<'_>) {
    let mark = underscore - "_sk".len();
    let credential = lengths(text, mark).find_map(|length| {
        let at = mark - length;
        let spelled = ascii(text, at, underscore + 1 + SECRET)?;
        let prefix = &spelled[..length];
        matches!(Presented::parse(spelled), Some(Presented::KeySecret(_)))
            .then_some((at, Word::Credential { kind: Kind::KeySecret, text: spelled, prefix }))
    });
    credential.unwrap_or((mark, Word::Mistyped))
}

/// A public key has no checksum: its prefix is the longest that an environment has, or all there is.
fn public_key<'a>(
    text: &'a [u8],
    prefixes: &[String],
    underscore: usize,
) -> Option<(usize, Word<'a>)> {
    let mark = underscore - "_pk".len();
    let longest = lengths(text, mark).last()?;
    let is_known = |length: &usize| {
        prefixes.iter().any(|prefix| prefix.as_bytes() == &text[mark - length..mark])
    };
    let length = lengths(text, mark).filter(is_known).last().unwrap_or(longest);
    let at = mark - length;
    let spelled = ascii(text, at, underscore + 1 + ID)?;
    let prefix = &spelled[..length];
    Some((at, Word::Credential { kind: Kind::PublicKey, text: spelled, prefix }))
}

fn marked(
    text: &[u8],
    underscore: usize,
    mark: usize,
    random: usize,
    kind: Kind,
) -> (usize, Word<'_>) {
    let at = underscore - mark;
    let spelled = (random >= SECRET).then(|| ascii(text, at, underscore + 1 + SECRET)).flatten();
    let is_right = |spelled: &&str| {
        matches!(
            (Presented::parse(spelled), kind),
            (Some(Presented::AppSecret(_)), Kind::AppSecret)
                | (Some(Presented::GatewayToken(_)), Kind::GatewayToken)
        )
    };
    match spelled.filter(is_right) {
        Some(text) => (at, Word::Credential { kind, text, prefix: "" }),
        None => (at, Word::Mistyped),
    }
}

/// How long the prefix before a mark can be.
fn lengths(text: &[u8], mark: usize) -> impl Iterator<Item = usize> {
    let letters = text[..mark].iter().rev().take(*PREFIX.end());
    let letters = letters.take_while(|byte| byte.is_ascii_lowercase()).count();
    PREFIX.filter(move |length| *length <= letters)
}

fn ascii(text: &[u8], from: usize, to: usize) -> Option<&str> {
    text.get(from..to).and_then(|bytes| str::from_utf8(bytes).ok())
}
