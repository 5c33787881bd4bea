//! Secrets that an administrator may see again, encrypted at rest: XChaCha20-Poly1305 under `LATCHKEY_VAULT_KEY`.
//!
//! What is sealed: a byte for the form, four that name the key, a random nonce, the ciphertext. Public key and hash of
//! the secret go in as associated data, so that what is sealed for one key opens for no other.

use std::{fmt, sync::Arc};

use anyhow::{anyhow, bail};
use base64::{Engine, engine::general_purpose::STANDARD};
use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::credentials::{Secret, SecretHash};

/// The first byte of all that is sealed this way.
const FORM: u8 = 1;
const ID: usize = 4;
const NONCE: usize = 24;

/// The keys of the configuration: the first seals, all of them open. A clone is the same vault.
#[derive(Clone)]
pub struct Vault(Arc<[SealingKey]>);

struct SealingKey {
    id: [u8; ID],
    cipher: XChaCha20Poly1305,
}

/// Why something cannot be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unopened {
    /// It was sealed under a key that is not configured.
    OtherKey,
    /// It is damaged, or belongs to another secret.
    Broken,
}

impl Vault {
    /// Reads the setting: base64 of 32 random bytes; several with commas between them.
    ///
    /// # Errors
    /// What is wrong, without repeating it.
    pub fn parse(setting: &str) -> anyhow::Result<Self> {
        let mut keys: Vec<SealingKey> = Vec::new();
        for part in setting.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let bytes = Zeroizing::new(
                STANDARD.decode(part).map_err(|_| anyhow!("LATCHKEY_VAULT_KEY is not base64"))?,
            );
            if bytes.len() != 32 {
                bail!("LATCHKEY_VAULT_KEY: each key must be 32 bytes before base64");
            }
            let key = SealingKey::from(&bytes)?;
            if keys.iter().any(|known| known.id == key.id) {
                bail!("LATCHKEY_VAULT_KEY has the same key twice");
            }
            keys.push(key);
        }
        if keys.is_empty() {
            bail!("LATCHKEY_VAULT_KEY has no key in it");
        }
        Ok(Self(keys.into()))
    }

    /// How many keys there are.
    pub fn size(&self) -> usize {
        self.0.len()
    }

    /// Encrypts the secret of the key with this public key.
    ///
    /// # Errors
    /// When there is no memory for it.
    pub fn seal(&self, secret: &Secret, public_key: &str) -> anyhow::Result<Vec<u8>> {
        let key = self.0.first().ok_or_else(|| anyhow!("a vault has a key"))?;
        let nonce: [u8; NONCE] = rand::random();
        let aad = bound_to(key.id, public_key, &secret.hash());
        let payload = Payload { msg: secret.reveal().as_bytes(), aad: &aad };
        let sealed = key
            .cipher
            .encrypt(&XNonce::from(nonce), payload)
            .map_err(|_| anyhow!("a secret could not be encrypted"))?;
        Ok([&[FORM], &key.id[..], &nonce, &sealed].concat())
    }

    /// Decrypts what was sealed for that public key and hash.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn open(
        &self,
        sealed: &[u8],
        public_key: &str,
        hash: &SecretHash,
    ) -> Result<Secret, Unopened> {
        let (&form, rest) = sealed.split_first().ok_or(Unopened::Broken)?;
        let (id, rest) = rest.split_first_chunk::<ID>().ok_or(Unopened::Broken)?;
        let (nonce, ciphertext) = rest.split_first_chunk::<NONCE>().ok_or(Unopened::Broken)?;
        if form != FORM {
            return Err(Unopened::Broken);
        }
        let key = self.0.iter().find(|key| key.id == *id).ok_or(Unopened::OtherKey)?;
        let aad = bound_to(*id, public_key, hash);
        let opened = key
            .cipher
            .decrypt(&XNonce::from(*nonce), Payload { msg: ciphertext, aad: &aad })
            .map_err(|_| Unopened::Broken)?;
        let plaintext = String::from_utf8(opened).map_err(|_| Unopened::Broken)?;
        Ok(Secret::holding(Zeroizing::new(plaintext)))
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Vault(…)")
    }
}

impl SealingKey {
    fn from(bytes: &[u8]) -> anyhow::Result<Self> {
        let named = Sha256::new().chain_update(b"latchkey vault key ").chain_update(bytes);
        let digest: [u8; 32] = named.finalize().into();
        let mut id = [0; ID];
        id.copy_from_slice(&digest[..ID]);
        let cipher = XChaCha20Poly1305::new_from_slice(bytes)
            .map_err(|_| anyhow!("LATCHKEY_VAULT_KEY: each key must be 32 bytes before base64"))?;
        Ok(Self { id, cipher })
    }
}

fn bound_to(id: [u8; ID], public_key: &str, hash: &SecretHash) -> Vec<u8> {
    [&[FORM], &id[..], public_key.as_bytes(), b":", hash.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> String {
        STANDARD.encode([byte; 32])
    }

    fn vault(setting: &str) -> Vault {
        Vault::parse(setting).unwrap()
    }

    #[test]
    fn what_is_sealed_can_be_opened_and_shows_nothing() {
        let (vault, secret) = (vault(&key(1)), Secret::for_key("prod"));
        let sealed = vault.seal(&secret, "prod_pk_a").unwrap();
        let opened = vault.open(&sealed, "prod_pk_a", &secret.hash()).unwrap();
        assert_eq!(opened.reveal(), secret.reveal());
        let inside = &secret.reveal().as_bytes()[8..24];
        assert!(!sealed.windows(inside.len()).any(|window| window == inside));
        assert_ne!(sealed, vault.seal(&secret, "prod_pk_a").unwrap(), "nonces are random");
    }

    #[test]
    fn it_opens_for_its_own_key_and_secret_only() {
        let (vault, secret) = (vault(&key(1)), Secret::for_key("prod"));
        let sealed = vault.seal(&secret, "prod_pk_a").unwrap();
        let other = Secret::for_key("prod").hash();
        for refused in [
            vault.open(&sealed, "prod_pk_b", &secret.hash()),
            vault.open(&sealed, "prod_pk_a", &other),
            vault.open(&sealed[..sealed.len() - 1], "prod_pk_a", &secret.hash()),
            vault.open(&sealed[..10], "prod_pk_a", &secret.hash()),
            vault.open(&[], "prod_pk_a", &secret.hash()),
        ] {
            assert_eq!(refused.err(), Some(Unopened::Broken));
        }
        for at in [0, 5, 29, sealed.len() - 1] {
            let mut damaged = sealed.clone();
            damaged[at] ^= 1;
            assert!(vault.open(&damaged, "prod_pk_a", &secret.hash()).is_err(), "{at}");
        }
    }

    #[test]
    fn a_new_key_in_front_still_opens_what_an_old_one_sealed() {
        let secret = Secret::for_key("prod");
        let sealed = vault(&key(1)).seal(&secret, "p").unwrap();
        let rotated = vault(&format!("{}, {}", key(2), key(1)));
        assert!(rotated.open(&sealed, "p", &secret.hash()).is_ok());
        let newly = rotated.seal(&secret, "p").unwrap();
        let refused = vault(&key(1)).open(&newly, "p", &secret.hash());
        assert_eq!(refused.err(), Some(Unopened::OtherKey));
        assert!(vault(&key(2)).open(&newly, "p", &secret.hash()).is_ok());
    }

    #[test]
    fn a_setting_that_is_no_key_is_not_repeated() {
        let twice = format!("{0},{0}", key(1));
        for wrong in ["short", "AAAA", ",", "!", &"A".repeat(88), &twice] {
            let error = Vault::parse(wrong).err().unwrap_or_else(|| panic!("{wrong} was accepted"));
            let error = error.to_string();
            assert!(error.contains("LATCHKEY_VAULT_KEY"), "{error}");
            assert!(wrong == "," || !error.contains(wrong), "{error}");
        }
        assert_eq!(format!("{:?}", vault(&key(1))), "Vault(…)");
    }
}
