//! How often a password may be tried: 10 times for an account, 100 times from a neighbourhood of addresses,
//! within 15 minutes. Unknown accounts count like known ones.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use crate::error::AppError;

const WINDOW: Duration = Duration::from_secs(15 * 60);
const PER_ACCOUNT: u32 = 10;
const PER_NEIGHBOURHOOD: u32 = 100;
/// Entries kept at most; when full, windows that ended go first, then the oldest.
const AT_MOST: usize = 50_000;

#[derive(Clone, PartialEq, Eq, Hash)]
enum Whom {
    Account(String),
    Neighbourhood(IpNet),
}

/// The failures of the last minutes, in memory: a restart forgives.
#[derive(Default)]
pub struct Throttle(Mutex<HashMap<Whom, (u32, Instant)>>);

impl Throttle {
    /// Whether another attempt may be made now.
    ///
    /// # Errors
    /// [`AppError::TooManyAttempts`] with the seconds to wait.
    pub fn check(&self, email: &str, ip: Option<IpAddr>, now: Instant) -> Result<(), AppError> {
        let failures = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (whom, most) in subjects(email, ip) {
            if let Some((count, began)) = failures.get(&whom) {
                let left = WINDOW.saturating_sub(now.duration_since(*began));
                if *count >= most && !left.is_zero() {
                    return Err(AppError::TooManyAttempts(left.as_secs().max(1)));
                }
            }
        }
        Ok(())
    }

    /// Counts a failure.
    pub fn failed(&self, email: &str, ip: Option<IpAddr>, now: Instant) {
        let mut failures = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if failures.len() >= AT_MOST {
            failures.retain(|_, (_, began)| now.duration_since(*began) < WINDOW);
        }
        if failures.len() >= AT_MOST
            && let Some(oldest) =
                failures.iter().min_by_key(|(_, (_, began))| *began).map(|(whom, _)| whom.clone())
        {
            failures.remove(&oldest);
        }
        for (whom, _) in subjects(email, ip) {
            let entry = failures.entry(whom).or_insert((0, now));
            if now.duration_since(entry.1) >= WINDOW {
                *entry = (0, now);
            }
            entry.0 += 1;
        }
    }

    /// Forgives an account whose owner got in.
    pub fn succeeded(&self, email: &str) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&Whom::Account(email.to_owned()));
    }
}

fn subjects(email: &str, ip: Option<IpAddr>) -> impl Iterator<Item = (Whom, u32)> {
    let account = (Whom::Account(email.to_owned()), PER_ACCOUNT);
    std::iter::once(account)
        .chain(ip.map(|ip| (Whom::Neighbourhood(neighbourhood(ip)), PER_NEIGHBOURHOOD)))
}

/// A /24 or a /64: what one attacker has at hand.
fn neighbourhood(ip: IpAddr) -> IpNet {
    match ip.to_canonical() {
        IpAddr::V4(ip) => Ipv4Net::new_assert(ip, 24).trunc().into(),
        IpAddr::V6(ip) => Ipv6Net::new_assert(ip, 64).trunc().into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_eleventh_attempt_waits_and_other_accounts_do_not() {
        let (throttle, now) = (Throttle::default(), Instant::now());
        for _ in 0..10 {
            assert!(throttle.check("kim@example.com", None, now).is_ok());
            throttle.failed("kim@example.com", None, now);
        }
        assert!(matches!(
            throttle.check("kim@example.com", None, now),
            Err(AppError::TooManyAttempts(900))
        ));
        assert!(throttle.check("lee@example.com", None, now).is_ok());
        assert!(throttle.check("kim@example.com", None, now + WINDOW).is_ok());
    }

    #[test]
    fn a_neighbourhood_has_a_hundred_attempts() {
        let (throttle, now) = (Throttle::default(), Instant::now());
        for n in 0..100_u8 {
            throttle.failed(&format!("{n}@example.com"), Some(IpAddr::from([203, 0, 113, n])), now);
        }
        assert!(
            throttle.check("new@example.com", Some(IpAddr::from([203, 0, 113, 200])), now).is_err()
        );
        assert!(
            throttle.check("new@example.com", Some(IpAddr::from([203, 0, 114, 1])), now).is_ok()
        );
    }

    #[test]
    fn getting_in_forgives_the_account() {
        let (throttle, now) = (Throttle::default(), Instant::now());
        for _ in 0..10 {
            throttle.failed("kim@example.com", None, now);
        }
        throttle.succeeded("kim@example.com");
        assert!(throttle.check("kim@example.com", None, now).is_ok());
    }
}
