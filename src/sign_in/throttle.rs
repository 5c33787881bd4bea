//! How often a password may be tried: 10 times for an account, 100 times from a neighbourhood of addresses,
//! within 15 minutes. Unknown accounts count like known ones.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, MutexGuard, PoisonError},
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

/// A password that is being looked at. It counts as a failure until it is known to be none, so that many guesses at
/// once are no more than one after the other. Dropped unanswered, as in an outage, it has not happened.
pub struct Guess<'a> {
    throttle: &'a Throttle,
    counted: Vec<Whom>,
}

impl Throttle {
    /// Begins to look at a password, if that may be done now.
    ///
    /// # Errors
    /// [`AppError::TooManyAttempts`] with the seconds to wait.
    pub fn begin(
        &self,
        email: &str,
        ip: Option<IpAddr>,
        now: Instant,
    ) -> Result<Guess<'_>, AppError> {
        let mut failures = self.failures();
        for (whom, most) in subjects(email, ip) {
            if let Some((count, began)) = failures.get(&whom) {
                let left = WINDOW.saturating_sub(now.duration_since(*began));
                if *count >= most && !left.is_zero() {
                    return Err(AppError::TooManyAttempts(left.as_secs().max(1)));
                }
            }
        }
        make_room(&mut failures, now);
        let counted = subjects(email, ip).map(|(whom, _)| whom).collect();
        for whom in &counted {
            let entry = failures.entry(Whom::clone(whom)).or_insert((0, now));
            if now.duration_since(entry.1) >= WINDOW {
                *entry = (0, now);
            }
            entry.0 += 1;
        }
        Ok(Guess { throttle: self, counted })
    }

    fn failures(&self) -> MutexGuard<'_, HashMap<Whom, (u32, Instant)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Guess<'_> {
    /// It was wrong.
    pub fn failed(mut self) {
        self.counted.clear();
    }

    /// It was right: the account is forgiven what came before.
    pub fn succeeded(self) {
        let mut failures = self.throttle.failures();
        for whom in self.counted.iter().filter(|whom| matches!(whom, Whom::Account(_))) {
            failures.remove(whom);
        }
    }
}

impl Drop for Guess<'_> {
    fn drop(&mut self) {
        let mut failures = self.throttle.failures();
        for whom in &self.counted {
            if let Some((count, _)) = failures.get_mut(whom) {
                *count = count.saturating_sub(1);
            }
        }
    }
}

fn make_room(failures: &mut HashMap<Whom, (u32, Instant)>, now: Instant) {
    if failures.len() >= AT_MOST {
        failures.retain(|_, (_, began)| now.duration_since(*began) < WINDOW);
    }
    if failures.len() >= AT_MOST
        && let Some(oldest) =
            failures.iter().min_by_key(|(_, (_, began))| *began).map(|(whom, _)| whom.clone())
    {
        failures.remove(&oldest);
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
            throttle.begin("kim@example.com", None, now).unwrap().failed();
        }
        assert!(matches!(
            throttle.begin("kim@example.com", None, now),
            Err(AppError::TooManyAttempts(900))
        ));
        assert!(throttle.begin("lee@example.com", None, now).is_ok());
        assert!(throttle.begin("kim@example.com", None, now + WINDOW).is_ok());
    }

    #[test]
    fn a_neighbourhood_has_a_hundred_attempts() {
        let (throttle, now) = (Throttle::default(), Instant::now());
        let from = |block, host| Some(IpAddr::from([203, 0, block, host]));
        for n in 0..100_u8 {
            throttle.begin(&format!("{n}@example.com"), from(113, n), now).unwrap().failed();
        }
        assert!(throttle.begin("new@example.com", from(113, 200), now).is_err());
        assert!(throttle.begin("new@example.com", from(114, 1), now).is_ok());
    }

    #[test]
    fn many_at_once_are_no_more_than_one_after_the_other() {
        let (throttle, now) = (Throttle::default(), Instant::now());
        let at_once: Vec<_> =
            (0..10).map(|_| throttle.begin("kim@example.com", None, now).unwrap()).collect();
        assert!(throttle.begin("kim@example.com", None, now).is_err());
        drop(at_once);
        assert!(throttle.begin("kim@example.com", None, now).is_ok(), "nobody looked at them");
    }

    #[test]
    fn getting_in_forgives_the_account_but_not_the_neighbourhood() {
        let (throttle, now) = (Throttle::default(), Instant::now());
        let ip = IpAddr::from([203, 0, 113, 1]);
        for _ in 0..9 {
            throttle.begin("kim@example.com", Some(ip), now).unwrap().failed();
        }
        throttle.begin("kim@example.com", Some(ip), now).unwrap().succeeded();
        let failures = throttle.failures().clone();
        assert_eq!(failures.get(&Whom::Account("kim@example.com".into())), None);
        assert_eq!(failures[&Whom::Neighbourhood(neighbourhood(ip))].0, 9);
    }
}
