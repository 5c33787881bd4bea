//! Passwords: argon2id, a few at a time. Each costs 19 MiB and tens of milliseconds, whoever asks.

use std::sync::{Arc, LazyLock};

use actix_web::web;
use anyhow::anyhow;
use argon2::{
    Argon2, Params,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use rand::distr::{Alphanumeric, SampleString};
use tokio::sync::Semaphore;
use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

use crate::error::{AppError, AppResult};

/// So many are worked on at once, and so many more may wait; the rest is told to come back.
const AT_ONCE: usize = 2;
const WAITING: usize = 16;

/// What a password that was typed turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verified {
    Right,
    /// Right, but hashed under parameters of the past: keep this hash instead.
    RightButOld(String),
    Wrong,
}

/// Hashes and verifies away from the threads that serve requests. One for the whole process.
#[derive(Clone)]
pub struct Passwords {
    admitted: Arc<Semaphore>,
    working: Arc<Semaphore>,
}

impl Default for Passwords {
    fn default() -> Self {
        Self {
            admitted: Arc::new(Semaphore::new(AT_ONCE + WAITING)),
            working: Arc::new(Semaphore::new(AT_ONCE)),
        }
    }
}

impl Passwords {
    /// [`hash`], when it is our turn.
    ///
    /// # Errors
    /// [`AppError::Unavailable`] when too many are waiting.
    pub async fn hash(&self, password: Zeroizing<String>) -> AppResult<String> {
        self.in_turn(move || hash(&password)).await
    }

    /// [`verify`], when it is our turn.
    ///
    /// # Errors
    /// As [`Passwords::hash`].
    pub async fn verify(
        &self,
        password: Zeroizing<String>,
        stored: Option<String>,
    ) -> AppResult<Verified> {
        self.in_turn(move || verify(&password, stored.as_deref())).await
    }

    /// Whoever leaves the queue gives up their place; work that has begun keeps it until it is done.
    async fn in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> AppResult<T> + Send + 'static,
    ) -> AppResult<T> {
        let place = Arc::clone(&self.admitted).try_acquire_owned().map_err(|_| {
            AppError::Unavailable(anyhow!("{WAITING} passwords are waiting to be hashed"))
        })?;
        let turn = Arc::clone(&self.working)
            .acquire_owned()
            .await
            .map_err(|error| AppError::Unavailable(error.into()))?;
        web::block(move || {
            let answer = work();
            drop((place, turn));
            answer
        })
        .await?
    }
}

/// Whether this may be a new password.
///
/// # Errors
/// The sentence for the field.
pub fn check_new(password: &str) -> Result<(), String> {
    if password.chars().count() < 12 || password.len() > 1024 {
        return Err("Password must be 12-1024 characters.".into());
    }
    if password.chars().any(|character| character.is_control() || character == '\u{fffd}') {
        return Err("Password contains characters that cannot be typed.".into());
    }
    Ok(())
}

/// A new password for somebody who has not chosen one: 119 random bits.
pub fn random() -> Zeroizing<String> {
    Zeroizing::new(Alphanumeric.sample_string(&mut rand::rng(), 20))
}

/// What is kept of a password.
///
/// # Errors
/// When there is no memory for it.
pub fn hash(password: &str) -> AppResult<String> {
    Argon2::default()
        .hash_password(typed(password).as_bytes())
        .map(|hash| hash.to_string())
        .map_err(|error| AppError::Internal(anyhow!("a password could not be hashed: {error}")))
}

/// What the passwords of nobody are compared with.
static NOBODY: LazyLock<Option<String>> = LazyLock::new(|| hash("nobody has this password").ok());

/// Whether the password is the one behind `stored`. For nobody (`None`) it is wrong, and takes as long to find out.
///
/// # Errors
/// When there is no memory for it.
pub fn verify(password: &str, stored: Option<&str>) -> AppResult<Verified> {
    let Some(compared) = stored.or(NOBODY.as_deref()) else { return Ok(Verified::Wrong) };
    let parsed = PasswordHash::new(compared).map_err(|error| {
        AppError::Internal(anyhow!("a stored password hash is broken: {error}"))
    })?;
    let right = password.len() <= 1024
        && Argon2::default().verify_password(typed(password).as_bytes(), &parsed).is_ok()
        && stored.is_some();
    Ok(match right {
        false => Verified::Wrong,
        true if is_current(&parsed) => Verified::Right,
        true => Verified::RightButOld(hash(password)?),
    })
}

/// Makes the first wrong address take no longer than a wrong password: what it is compared with is hashed here already.
pub fn warm_up() {
    LazyLock::force(&NOBODY);
}

fn is_current(parsed: &PasswordHash) -> bool {
    parsed.algorithm.as_str() == "argon2id"
        && Params::try_from(parsed).is_ok_and(|params| {
            let today = Params::default();
            params.m_cost() == today.m_cost()
                && params.t_cost() == today.t_cost()
                && params.p_cost() == today.p_cost()
        })
}

/// One keyboard sends é as one character, another as two (RFC 8265).
fn typed(password: &str) -> Zeroizing<String> {
    Zeroizing::new(password.nfc().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_password_has_12_characters_at_least() {
        for fine in ["               ", "correct horse", "gültiges Paßwort", &"é".repeat(512)] {
            assert_eq!(check_new(fine), Ok(()), "{fine}");
        }
        for short in ["", "12345678901", &"x".repeat(1025), &"é".repeat(513)] {
            assert_eq!(check_new(short), Err("Password must be 12-1024 characters.".into()));
        }
        for broken in ["nul\0nul\0nul\0", "replaced \u{fffd} character"] {
            assert!(check_new(broken).is_err());
        }
        assert_eq!(check_new(&random()), Ok(()));
    }

    #[test]
    fn only_the_password_itself_is_right() {
        let stored = hash("correct hörse").unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
        assert_eq!(verify("correct hörse", Some(&stored)).unwrap(), Verified::Right);
        assert_eq!(verify("correct ho\u{308}rse", Some(&stored)).unwrap(), Verified::Right);
        assert_eq!(verify("Correct hörse", Some(&stored)).unwrap(), Verified::Wrong);
        assert_eq!(verify("correct hörse ", Some(&stored)).unwrap(), Verified::Wrong);
        assert_eq!(verify(&"x".repeat(1025), Some(&stored)).unwrap(), Verified::Wrong);
        assert_eq!(verify("nobody has this password", None).unwrap(), Verified::Wrong);
        assert!(verify("x", Some("not a hash")).is_err());
    }

    #[test]
    fn a_hash_of_the_past_is_replaced() {
        let weak = Argon2::from(Params::new(64, 1, 1, None).unwrap());
        let stored = weak.hash_password(b"correct horse").unwrap().to_string();
        let Verified::RightButOld(new) = verify("correct horse", Some(&stored)).unwrap() else {
            panic!("the hash was kept");
        };
        assert_eq!(verify("correct horse", Some(&new)).unwrap(), Verified::Right);
        assert_eq!(verify("wrong horse", Some(&stored)).unwrap(), Verified::Wrong);
    }

    #[actix_web::test]
    async fn the_nineteenth_at_once_is_told_to_come_back() {
        let passwords = Passwords::default();
        let _working = Arc::clone(&passwords.working).acquire_many_owned(2).await.unwrap();
        let waiting: Vec<_> = (0..AT_ONCE + WAITING)
            .map(|_| Arc::clone(&passwords.admitted).try_acquire_owned().unwrap())
            .collect();
        let refused = passwords.verify(Zeroizing::new("x".into()), None).await;
        assert!(matches!(refused, Err(AppError::Unavailable(_))));
        drop((waiting, _working));
        assert_eq!(
            passwords.verify(Zeroizing::new("x".into()), None).await.unwrap(),
            Verified::Wrong
        );
    }
}
