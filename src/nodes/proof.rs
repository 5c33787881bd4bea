//! Which node applied the last change of a key, since when: proof that a revoked key is refused everywhere.

use chrono::{DateTime, TimeDelta, Utc};

use super::SILENT_AFTER;

/// For so long after a change its page looks again by itself: until it is known of the last node that was cut off that
/// it answers nothing any more.
const WATCHED: TimeDelta = TimeDelta::seconds(75);

/// The last change of a key.
#[derive(Debug, Clone)]
pub struct Change {
    pub id: i64,
    pub at: DateTime<Utc>,
    /// What it made of the key: a status, `deleted`, or `replaced` when an old secret stopped.
    pub status: String,
}

/// A node, and what it did with the change.
#[derive(Debug, Clone)]
pub struct Witness {
    pub name: String,
    pub seen_at: DateTime<Utc>,
    /// It began when the change had been made.
    pub began_later: bool,
    pub applied_at: Option<DateTime<Utc>>,
    /// It has applied it, whether or not it could say when.
    pub has_applied: bool,
}

/// How a node stands to the change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// After so many milliseconds.
    Applied(i64),
    /// It did not know the key before.
    FromTheStart,
    /// It said that it had, not when.
    Sometime,
    NotYet,
    /// It was silent for so long that it answers nothing from memory.
    Silent,
}

/// The change and the nodes.
#[derive(Debug, Clone)]
pub struct Proof {
    pub change: Change,
    pub witnesses: Vec<Witness>,
    /// By the clock of Postgres, as all other times.
    pub now: DateTime<Utc>,
}

impl Witness {
    /// How it stands to the change.
    pub fn standing(&self, change: &Change, now: DateTime<Utc>) -> Standing {
        if let Some(at) = self.applied_at {
            return Standing::Applied((at - change.at).num_milliseconds().max(0));
        }
        if self.began_later {
            return Standing::FromTheStart;
        }
        if self.has_applied {
            return Standing::Sometime;
        }
        // What it knew of the key may have been looked up just before the change.
        let since = self.seen_at.max(change.at);
        if now - since > silent_after() { Standing::Silent } else { Standing::NotYet }
    }

    /// Whether it had vanished before the change was made.
    fn was_gone(&self, change: &Change) -> bool {
        self.applied_at.is_none() && change.at - self.seen_at > silent_after()
    }
}

impl Proof {
    /// Of those nodes that were there when the change was made, or came later.
    pub fn new(change: Change, mut witnesses: Vec<Witness>, now: DateTime<Utc>) -> Self {
        witnesses.retain(|witness| !witness.was_gone(&change));
        Self { change, witnesses, now }
    }

    /// Each node with how it stands.
    pub fn standings(&self) -> impl Iterator<Item = (&Witness, Standing)> {
        self.witnesses.iter().map(|one| (one, one.standing(&self.change, self.now)))
    }

    /// For how many seconds a node was not seen.
    pub fn silence(&self, node: &Witness) -> i64 {
        (self.now - node.seen_at).num_seconds().max(0)
    }

    /// How many nodes have applied it.
    pub fn applied(&self) -> usize {
        self.count(|standing| !matches!(standing, Standing::NotYet | Standing::Silent))
    }

    /// How many nodes there are.
    pub fn of(&self) -> usize {
        self.witnesses.len()
    }

    /// No node answers from before the change any more.
    pub fn is_complete(&self) -> bool {
        self.count(|standing| standing == Standing::NotYet) == 0
    }

    /// Whether it is worth looking again: it is not complete, and young.
    pub fn is_watched(&self) -> bool {
        !self.is_complete() && self.now - self.change.at < WATCHED
    }

    /// When to look again: soon at first, when most nodes are about to have it.
    pub fn look_again_after(&self) -> &'static str {
        if self.now - self.change.at < TimeDelta::seconds(3) { "300ms" } else { "3s" }
    }

    /// “Refused by 3 of 3 nodes, the last after 41 ms”
    pub fn sentence(&self) -> String {
        let what = match self.change.status.as_str() {
            "active" => "Applied by",
            "replaced" => "Old secret refused by",
            _ => "Refused by",
        };
        let (applied, of) = (self.applied(), self.of());
        let nodes = if of == 1 { "node" } else { "nodes" };
        let last = self.last_after().map(|after| match of {
            1 => format!(", after {}", spell(after)),
            _ if self.is_complete() => format!(", the last after {}", spell(after)),
            _ => " so far".into(),
        });
        format!("{what} {applied} of {of} {nodes}{}", last.unwrap_or_default())
    }

    /// What the change was, as a participle.
    pub fn done(&self) -> &'static str {
        match self.change.status.as_str() {
            "revoked" => "Revoked",
            "deleted" => "Deleted",
            "expired" => "Expired",
            "inactive" => "Disabled or changed while disabled",
            "replaced" => "Secret replaced",
            _ => "Changed",
        }
    }

    fn last_after(&self) -> Option<i64> {
        self.standings()
            .filter_map(|(_, standing)| match standing {
                Standing::Applied(after) => Some(after),
                _ => None,
            })
            .max()
    }

    fn count(&self, is_so: impl Fn(Standing) -> bool) -> usize {
        self.standings().filter(|(_, standing)| is_so(*standing)).count()
    }
}

/// “41 ms”, “1.2 s”, “3 min”
pub fn spell(milliseconds: i64) -> String {
    match milliseconds {
        ..1000 => format!("{milliseconds} ms"),
        1000..60_000 => format!("{:.1} s", milliseconds as f64 / 1000.0),
        _ => format!("{} min", milliseconds / 60_000),
    }
}

fn silent_after() -> TimeDelta {
    TimeDelta::seconds(SILENT_AFTER.as_secs().cast_signed())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(milliseconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(1_800_000_000_000 + milliseconds).unwrap()
    }

    fn witness(seen_at: i64, applied_at: Option<i64>) -> Witness {
        Witness {
            name: "one".into(),
            seen_at: at(seen_at),
            began_later: false,
            applied_at: applied_at.map(at),
            has_applied: applied_at.is_some(),
        }
    }

    fn proof(status: &str, witnesses: Vec<Witness>, now: i64) -> Proof {
        Proof::new(Change { id: 1, at: at(0), status: status.into() }, witnesses, at(now))
    }

    #[test]
    fn the_last_of_all_nodes_counts() {
        let all = vec![witness(900, Some(3)), witness(900, Some(41)), witness(900, Some(7))];
        let proof = proof("revoked", all, 1000);
        assert_eq!(proof.sentence(), "Refused by 3 of 3 nodes, the last after 41 ms");
        assert!(proof.is_complete() && !proof.is_watched());
    }

    #[test]
    fn one_node_is_not_the_last_of_many() {
        let alone = |status| proof(status, vec![witness(0, Some(1200))], 2000).sentence();
        assert_eq!(alone("inactive"), "Refused by 1 of 1 node, after 1.2 s");
        assert_eq!(alone("active"), "Applied by 1 of 1 node, after 1.2 s");
        assert_eq!(alone("replaced"), "Old secret refused by 1 of 1 node, after 1.2 s");
    }

    #[test]
    fn a_node_that_vanished_is_waited_for_until_it_cannot_answer_any_more() {
        let both = || vec![witness(0, Some(5)), witness(-30_000, None)];
        let early = proof("revoked", both(), 50_000);
        assert_eq!(early.sentence(), "Refused by 1 of 2 nodes so far");
        assert!(!early.is_complete() && early.is_watched());
        // What it knows may have been looked up just before the change, whenever it was seen last.
        assert!(!proof("revoked", both(), 65_000).is_complete());
        let late = proof("revoked", both(), 65_001);
        assert!(late.is_complete());
        assert_eq!((late.applied(), late.of()), (1, 2), "which is not to say that it applied it");
        assert_eq!(late.witnesses[1].standing(&late.change, late.now), Standing::Silent);
    }

    #[test]
    fn a_node_that_is_seen_and_has_not_applied_it_is_waited_for_however_long() {
        let proof = proof("revoked", vec![witness(600_000, None)], 600_500);
        assert!(!proof.is_complete());
        assert!(!proof.is_watched(), "but nobody looks again by themselves");
    }

    #[test]
    fn who_had_vanished_before_does_not_count_and_who_came_later_knows() {
        let gone = witness(-65_001, None);
        let later = Witness { began_later: true, has_applied: true, ..witness(900, None) };
        let proof = proof("revoked", vec![gone, later], 1000);
        assert_eq!(proof.sentence(), "Refused by 1 of 1 node");
        assert_eq!(proof.witnesses[0].standing(&proof.change, proof.now), Standing::FromTheStart);
    }

    #[test]
    fn clocks_never_run_backwards() {
        let proof = proof("revoked", vec![witness(0, Some(-2))], 10);
        assert_eq!(proof.sentence(), "Refused by 1 of 1 node, after 0 ms");
    }
}
