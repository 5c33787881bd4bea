//! How long to wait after a failure: a day and a half in all, so that a weekend's outage of somebody else's server costs
//! some notices and not the whole way to it.

use std::time::Duration;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;

/// After the first failure, after the second and so on.
const PAUSES: [u64; 7] = [5, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR];

/// How long to wait after the `tries`-th failure, up to a fifth longer so that what failed together does not come back
/// together; `None` when that was the last try.
pub fn after(tries: i32) -> Option<Duration> {
    let place = usize::try_from(tries.max(1) - 1).ok()?;
    let pause = Duration::from_secs(*PAUSES.get(place)?);
    Some(pause.mul_f64(1.0 + fastrand::f64() / 5.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_end() {
        let pauses: Vec<Duration> = (1..).map_while(after).collect();
        assert_eq!(pauses.len(), 7);
        assert!(pauses.is_sorted());
        let all: Duration = pauses.iter().sum();
        assert!((31..=39).contains(&(all.as_secs() / HOUR)), "{all:?}");
        assert!(pauses[0] >= Duration::from_secs(5) && pauses[0] <= Duration::from_secs(6));
    }
}
