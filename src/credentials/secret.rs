//! Making secrets, and the only form in which they are kept.

use std::fmt;

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use rand::distr::{Alphanumeric, SampleString};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// Random base62 characters in a secret: 190 bits.
pub(super) const RANDOM_LENGTH: usize = 32;
/// Base62 digits that spell the CRC-32 of everything before them.
pub(super) const CHECKSUM_LENGTH: usize = 6;
/// Random base62 characters in a public key or an App ID.
pub(super) const ID_LENGTH: usize = 16;

/// A credential in the clear, on its way to the one answer that shows it.
/// It is wiped from memory when dropped, and cannot be printed or serialised by accident.
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// A key's secret in the environment with this prefix.
    pub fn for_key(environment_prefix: &str) -> Self {
        Self::generate(&format!("{environment_prefix}_sk_"))
    }

    /// An App Secret.
    pub fn for_application() -> Self {
        Self::generate("secret_")
    }

    /// A gateway token.
    pub fn for_gateway() -> Self {
        Self::generate("gw_")
    }

    /// The token of a one-time link: 256 random bits.
    pub fn for_link() -> Self {
        Self(Zeroizing::new(URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>())))
    }

    fn generate(prefix: &str) -> Self {
        let mut plaintext = Zeroizing::new(String::with_capacity(64));
        plaintext.push_str(prefix);
        Alphanumeric.append_string(&mut rand::rng(), &mut plaintext, RANDOM_LENGTH);
        let checksum = checksum(plaintext.as_bytes());
        plaintext.extend(checksum.map(char::from));
        Self(plaintext)
    }

    /// Text that holds a secret from elsewhere: one that was kept encrypted, or a file of several.
    pub(crate) fn holding(plaintext: Zeroizing<String>) -> Self {
        Self(plaintext)
    }

    /// The credential itself. Whoever calls this shows it to the person it was made for, and to nobody else.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// What is stored in its place.
    pub fn hash(&self) -> SecretHash {
        SecretHash::of(&self.0)
    }

    /// How lists show it: `prod_sk_9fK2…x7Qa`.
    pub fn masked(&self) -> String {
        let random = self.0.rfind('_').map_or(0, |underscore| underscore + 1);
        format!("{}…{}", &self.0[..random + 4], &self.0[self.0.len() - 4..])
    }

    /// The Basic token of the pair (RFC 7617): base64 of `id:secret`.
    pub fn basic_token(&self, id: &str) -> Secret {
        Secret(Zeroizing::new(
            STANDARD.encode(Zeroizing::new(format!("{id}:{}", self.reveal())).as_bytes()),
        ))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// SHA-256 of a secret: what is stored and looked up. 190 random bits need no slow hash, and whoever times a look-up
/// learns about a hash they cannot choose, so it need not take constant time either.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SecretHash([u8; 32]);

impl SecretHash {
    /// The hash of a credential as presented.
    pub fn of(plaintext: &str) -> Self {
        Self(Sha256::digest(plaintext.as_bytes()).into())
    }

    /// What is stored, read back.
    pub fn stored(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// The stored form.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretHash(…)")
    }
}

/// A new public key: the shareable half of a key, and its id everywhere outside the database.
pub fn public_key(environment_prefix: &str) -> String {
    format!("{environment_prefix}_pk_{}", random_id())
}

/// A new App ID.
pub fn app_id() -> String {
    format!("app_{}", random_id())
}

fn random_id() -> String {
    Alphanumeric.sample_string(&mut rand::rng(), ID_LENGTH)
}

/// CRC-32 (ISO-HDLC, as in zlib) in base62, most significant digit first. For typos and secret scanners, not for security.
pub(super) fn checksum(bytes: &[u8]) -> [u8; CHECKSUM_LENGTH] {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut rest = crc32fast::hash(bytes) as usize;
    let mut digits = [b'0'; CHECKSUM_LENGTH];
    for digit in digits.iter_mut().rev() {
        *digit = DIGITS[rest % 62];
        rest /= 62;
    }
    digits
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn a_secret_never_shows_itself_by_accident() {
        assert_eq!(format!("{:?}", Secret::for_key("prod")), "Secret(…)");
        assert_eq!(format!("{:?}", Secret::for_key("prod").hash()), "SecretHash(…)");
    }

    #[test]
    fn a_secret_is_prefix_randomness_and_checksum() {
        let secret = Secret::for_key("prod");
        assert!(secret.reveal().starts_with("prod_sk_"));
        assert_eq!(secret.reveal().len(), "prod_sk_".len() + 32 + 6);
        let (body, tail) = secret.reveal().split_at(secret.reveal().len() - 6);
        assert_eq!(tail.as_bytes(), checksum(body.as_bytes()));
    }

    #[test]
    fn the_checksum_is_crc_32_in_base_62() {
        assert_eq!(crc32fast::hash(b"123456789"), 0xCBF4_3926);
        assert_eq!(&checksum(b"123456789"), b"3jZRME");
    }

    #[test]
    fn no_two_secrets_are_alike() {
        let made: HashSet<String> =
            (0..10_000).map(|_| Secret::for_gateway().reveal().to_owned()).collect();
        assert_eq!(made.len(), 10_000);
    }

    #[test]
    fn lists_show_the_first_and_last_four_characters() {
        let secret = Secret::for_key("test");
        let masked = secret.masked();
        assert_eq!(masked.chars().count(), "test_sk_".len() + 9);
        assert!(secret.reveal().starts_with(masked.split('…').next().unwrap()));
        assert!(secret.reveal().ends_with(masked.split('…').nth(1).unwrap()));
    }

    #[test]
    fn a_basic_token_is_the_pair_in_base64() {
        let secret = Secret::for_key("live");
        let token = secret.basic_token("live_pk_abc");
        let pair = String::from_utf8(STANDARD.decode(token.reveal()).unwrap()).unwrap();
        assert_eq!(pair, format!("live_pk_abc:{}", secret.reveal()));
    }
}
