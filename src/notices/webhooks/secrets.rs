//! What a webhook's requests are signed with. It is derived from the session key, which all nodes share, and a nonce that
//! is stored: neither of them alone is enough to sign.

use std::fmt;

use actix_web::cookie::Key;
use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::credentials::Secret;

const LENGTH: usize = 32;

/// Derives secrets.
pub struct Secrets(Zeroizing<Vec<u8>>);

/// The secret of one webhook.
pub struct SigningSecret(Zeroizing<[u8; LENGTH]>);

impl Secrets {
    pub fn of(session_key: &Key) -> Self {
        Self(Zeroizing::new(session_key.signing().to_vec()))
    }

    /// A new one, with the nonce to store.
    pub fn generate(&self) -> (SigningSecret, [u8; LENGTH]) {
        let nonce: [u8; LENGTH] = rand::random();
        (self.derive(&nonce), nonce)
    }

    /// The one that belongs to a stored nonce, if it still is what it was; `None` when the session key is another one
    /// by now.
    pub fn recall(&self, nonce: &[u8], hash: &[u8]) -> Option<SigningSecret> {
        Some(self.derive(nonce)).filter(|secret| secret.hash() == hash)
    }

    fn derive(&self, nonce: &[u8]) -> SigningSecret {
        let mut mac = mac(&self.0);
        mac.update(b"webhook\n");
        mac.update(nonce);
        SigningSecret(Zeroizing::new(mac.finalize().into_bytes().into()))
    }
}

impl SigningSecret {
    /// As it is shown, once: `whsec_…`
    pub fn spelled(&self) -> Secret {
        let bytes = Zeroizing::new(STANDARD.encode(*self.0));
        Secret::holding(Zeroizing::new(format!("whsec_{}", *bytes)))
    }

    /// What is stored, to notice that it has become another one.
    pub fn hash(&self) -> [u8; LENGTH] {
        Sha256::digest(*self.0).into()
    }

    /// `v1,…`: over the id, the time and the body.
    pub fn sign(&self, message_id: &str, timestamp: i64, body: &str) -> String {
        let mut mac = mac(&*self.0);
        mac.update(format!("{message_id}.{timestamp}.{body}").as_bytes());
        format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
    }
}

impl fmt::Debug for SigningSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningSecret(…)")
    }
}

fn mac(key: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).expect("HMAC takes keys of any length")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification.
    #[test]
    fn a_signature_is_that_of_the_standard() {
        let key = STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let mut mac = mac(&key);
        mac.update(br#"msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330.{"test": 2432232314}"#);
        let signature = STANDARD.encode(mac.finalize().into_bytes());
        assert_eq!(signature, "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn a_secret_needs_the_session_key_and_the_nonce() {
        let (one, other) = (Secrets::of(&Key::from(&[1; 64])), Secrets::of(&Key::from(&[2; 64])));
        let (secret, nonce) = one.generate();
        let hash = secret.hash();
        let again = one.recall(&nonce, &hash).unwrap();
        assert_eq!(again.spelled().reveal(), secret.spelled().reveal());
        assert_eq!(again.sign("a", 1, "{}"), secret.sign("a", 1, "{}"));
        assert_ne!(secret.sign("a", 1, "{}"), secret.sign("a", 2, "{}"));
        assert!(other.recall(&nonce, &hash).is_none());
        assert!(one.recall(&[0; 32], &hash).is_none());
        let spelled = secret.spelled();
        let bytes = spelled.reveal().strip_prefix("whsec_").unwrap();
        assert_eq!(STANDARD.decode(bytes).unwrap().len(), 32);
        assert!(!format!("{secret:?}").contains(bytes));
    }
}
