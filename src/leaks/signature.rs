//! Whether a report comes from whoever it says: ECDSA on P-256 with SHA-256 over the body as it came, as GitHub and
//! others who do the same sign theirs.

use base64::{Engine, engine::general_purpose::STANDARD};
use ring::{
    agreement,
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey},
};

/// What stands before the point of a P-256 key in DER (RFC 5480): that it is one.
const P256: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a,
    0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];
/// An uncompressed point.
const POINT: usize = 65;
/// A signature is some 72 bytes.
const LONGEST: usize = 256;

/// A public key: a point on P-256.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey([u8; POINT]);

impl PublicKey {
    /// Reads PEM.
    ///
    /// # Errors
    /// The sentence for the field.
    pub fn parse(pem: &str) -> Result<Self, String> {
        const WRONG: &str = "Paste a public key in PEM, from -----BEGIN PUBLIC KEY----- to -----END PUBLIC KEY-----. It has to be ECDSA on P-256.";
        let body = pem
            .trim()
            .strip_prefix("-----BEGIN PUBLIC KEY-----")
            .and_then(|rest| rest.strip_suffix("-----END PUBLIC KEY-----"))
            .ok_or(WRONG)?;
        let letters: String = body.split_ascii_whitespace().collect();
        let der = STANDARD.decode(letters).map_err(|_| WRONG)?;
        let key = der.strip_prefix(&P256).and_then(Self::stored).ok_or(WRONG)?;
        if key.is_on_the_curve() { Ok(key) } else { Err(WRONG.into()) }
    }

    /// What is stored, read back.
    pub fn stored(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// The stored form.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// As PEM again.
    pub fn to_pem(&self) -> String {
        let text = STANDARD.encode([&P256[..], &self.0].concat());
        let (first, rest) = text.split_at(64);
        format!("-----BEGIN PUBLIC KEY-----\n{first}\n{rest}\n-----END PUBLIC KEY-----")
    }

    /// Whether it signed the message; the signature is DER in base64.
    pub fn signed(&self, message: &[u8], signature: &str) -> bool {
        if signature.len() > LONGEST {
            return false;
        }
        let Ok(signature) = STANDARD.decode(signature) else { return false };
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, &self.0).verify(message, &signature).is_ok()
    }

    /// Agreeing on something with it is what ring has to ask that.
    fn is_on_the_curve(&self) -> bool {
        let random = SystemRandom::new();
        let Ok(own) = agreement::EphemeralPrivateKey::generate(&agreement::ECDH_P256, &random)
        else {
            return false;
        };
        let theirs = agreement::UnparsedPublicKey::new(&agreement::ECDH_P256, &self.0);
        agreement::agree_ephemeral(own, &theirs, |_| ()).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};

    use super::*;

    fn pair() -> (EcdsaKeyPair, PublicKey) {
        let (random, algorithm) = (SystemRandom::new(), &ECDSA_P256_SHA256_ASN1_SIGNING);
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref(), &random).unwrap();
        let public = PublicKey::stored(pair.public_key().as_ref()).unwrap();
        (pair, public)
    }

    #[test]
    fn a_signature_is_of_one_key_over_one_message() {
        let ((pair, public), (_, another)) = (pair(), pair());
        let signature = pair.sign(&SystemRandom::new(), b"[1]").unwrap();
        let signature = STANDARD.encode(signature);
        assert!(public.signed(b"[1]", &signature));
        assert!(!public.signed(b"[2]", &signature));
        assert!(!another.signed(b"[1]", &signature));
        for wrong in ["", "x", "AAAA", &signature[4..], &"A".repeat(100_000)] {
            assert!(!public.signed(b"[1]", wrong), "{wrong:.80}");
        }
    }

    /// From GitHub's documentation of its programme.
    #[test]
    fn what_github_signs_is_understood() {
        let public = PublicKey::parse(
            "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEsz9ugWDj5jK5ELBK42ynytbo38gP\nHzZFI03Exwz8Lh/tCfL3YxwMdLjB+bMznsanlhK0RwcGP3IDb34kQDIo3Q==\n-----END PUBLIC KEY-----\n",
        )
        .unwrap();
        let message = r#"[{"token":"some_token","type":"some_type","url":"some_url","source":"some_source"}]"#;
        let signature = "MEUCIFLZzeK++IhS+y276SRk2Pe5LfDrfvTXu6iwKKcFGCrvAiEAhHN2kDOhy2I6eGkOFmxNkOJ+L2y8oQ9A2T9GGJo6WJY=";
        assert!(public.signed(message.as_bytes(), signature));
        assert!(!public.signed(message.replace("some", "none").as_bytes(), signature));
    }

    #[test]
    fn a_key_is_pem_of_a_point_on_the_curve() {
        let (_, public) = pair();
        let pem = public.to_pem();
        assert!(PublicKey::parse(&pem).is_ok_and(|read| read == public));
        assert!(PublicKey::parse(&format!("  {}\r\n", pem.replace('\n', "\r\n"))).is_ok());
        let mut off = public.clone();
        off.0[64] ^= 1;
        for wrong in [
            "",
            "x",
            &pem[1..],
            &pem.replace("PUBLIC", "PRIVATE"),
            &pem.replace("MFkw", "MFkx"),
            &off.to_pem(),
            "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----",
        ] {
            assert!(PublicKey::parse(wrong).is_err(), "{wrong}");
        }
    }
}
