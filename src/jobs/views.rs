//! One struct per template, and how a job is put into words.

use askama::Template;
use chrono::{DateTime, Utc};

use super::{
    Kind, State,
    filter::{FilterForm, Who},
    queries::{Attempt, Job},
    retention::JOBS_KEPT_DAYS,
};
use crate::{
    keys::spaced,
    users::Viewer,
    web::{Layout, Moment, time::relative},
};

/// The list.
#[derive(Template)]
#[template(path = "jobs/index.html", blocks = ["table"])]
pub struct Index {
    pub layout: Layout,
    pub filter: FilterForm,
    pub jobs: Vec<Shown>,
    /// Whether there is any job at all, shown or not.
    pub has_any: bool,
    /// Id and name; empty for managers, who see their own jobs only.
    pub people: Vec<(i64, String)>,
    pub next: Option<String>,
    pub previous: Option<String>,
}

impl Index {
    /// What screen readers hear when the filter has changed the list.
    fn said(&self) -> String {
        match self.jobs.len() {
            0 => "No job matches".into(),
            1 => "1 job listed".into(),
            many => format!("{many} jobs listed"),
        }
    }

    /// Where the page asks for itself again, as long as anything on it may change.
    fn live(&self) -> Option<String> {
        let changes = self.jobs.iter().any(Shown::is_open);
        changes.then(|| FilterForm { live: "yes".into(), ..self.filter.clone() }.address())
    }

    fn is_again(&self) -> bool {
        !self.filter.live.is_empty()
    }

    fn kept_days(&self) -> i64 {
        JOBS_KEPT_DAYS
    }

    fn states(&self) -> [(State, &'static str, &'static str); 5] {
        State::ALL
    }

    /// Only administrators see what Latchkey does by itself.
    fn has_own(&self) -> bool {
        self.layout.viewer.is_administrator()
    }

    /// There may be jobs that are not listed, and nobody chose that.
    fn may_hide(&self) -> bool {
        self.has_own() && self.filter.hides_own()
    }

    /// Managers start some kinds only.
    fn kinds(&self) -> Vec<(&'static str, &'static str)> {
        let all = self.layout.viewer.is_administrator();
        let kinds = Kind::ALL.into_iter().filter(|(kind, ..)| all || kind.is_for_managers());
        kinds.map(|(_, slug, label)| (slug, label)).collect()
    }

    fn others(&self) -> [(&'static str, &'static str); 4] {
        Who::OTHERS
    }

    fn is_by(&self, id: &i64) -> bool {
        self.filter.who == id.to_string()
    }
}

/// A job with its attempts.
#[derive(Template)]
#[template(path = "jobs/show.html", blocks = ["standing"])]
pub struct Show {
    pub layout: Layout,
    pub job: Shown,
    pub attempts: Vec<Attempt>,
    /// The page it was started on: address and name.
    pub came_from: Option<(String, &'static str)>,
    /// The page asked for itself again.
    pub is_again: bool,
}

impl Show {
    /// What screen readers hear when it has ended while they were on the page.
    fn said(&self) -> Option<String> {
        let has_ended = self.is_again && !self.job.is_open();
        has_ended.then(|| format!("{}: {}", self.job.job.title, self.job.state().label()))
    }

    /// “3 s”, “2 minutes”
    fn lasted(&self, attempt: &Attempt) -> String {
        attempt.ended_at.map_or_else(String::new, |ended| span(attempt.began_at, ended))
    }

    fn outcome(&self, attempt: &Attempt) -> &'static str {
        match attempt.outcome.as_deref() {
            Some("done") => "Done",
            Some("failed") => "Failed",
            Some("cancelled") => "Cancelled",
            Some("handed_on") => "Handed on: its node was ending",
            Some("vanished") => "Its node vanished",
            _ if self.job.is_open() && self.job.state() == State::Running => "Running",
            _ => "Out of touch",
        }
    }
}

/// A job as it stands at that instant.
pub struct Shown {
    pub job: Job,
    /// By the clock of Postgres.
    pub now: DateTime<Utc>,
}

impl Shown {
    pub fn state(&self) -> State {
        self.job.state(self.now)
    }

    /// Whether it has not ended.
    pub fn is_open(&self) -> bool {
        self.job.ended_at.is_none()
    }

    /// The shape beside the word.
    fn icon(&self) -> &'static str {
        match self.state() {
            State::Queued => "status-inactive",
            State::Running => "status-expired",
            State::Done => "done",
            State::Failed => "error",
            State::Cancelled => "status-revoked",
        }
    }

    /// What stands under the state.
    fn note(&self) -> Option<String> {
        let job = &self.job;
        match self.state() {
            State::Queued if job.leased_until.is_some() => {
                Some("Its node vanished; another goes on".into())
            }
            State::Queued if job.failures > 0 => {
                Some(format!("Tries again {}", relative(job.run_at, self.now)))
            }
            State::Queued if job.run_at > self.now => {
                Some(format!("Begins {}", relative(job.run_at, self.now)))
            }
            State::Running if job.cancel_requested_at.is_some() => Some("Being cancelled".into()),
            State::Cancelled => job.cancel_requested_by.as_ref().map(|by| format!("by {by}")),
            _ => None,
        }
    }

    /// Why it failed, or why the last attempt did.
    fn reason(&self) -> Option<&str> {
        self.job.error.as_deref().filter(|_| self.state() != State::Cancelled)
    }

    fn may_be_cancelled(&self) -> bool {
        self.is_open() && self.job.cancel_requested_at.is_none()
    }

    fn may_be_retried(&self) -> bool {
        matches!(self.state(), State::Failed | State::Cancelled)
    }

    /// Whether there is anything to show of how far it is.
    fn has_progress(&self) -> bool {
        self.is_open() && self.job.began_at.is_some()
    }

    /// Done and all, for the bar; without all of it nobody knows how far it is.
    fn bar(&self) -> Option<(i64, i64)> {
        let total = self.job.progress_total.filter(|total| *total > 0)?;
        Some((self.job.progress_done.min(total), total))
    }

    /// “20 %: 1 000 of 5 000”
    fn progress(&self) -> String {
        match self.bar() {
            Some((done, total)) => {
                format!("{} %: {} of {}", done * 100 / total, spaced(done), spaced(total))
            }
            None if self.job.progress_done > 0 => {
                format!("{} so far", spaced(self.job.progress_done))
            }
            None => "Has begun".into(),
        }
    }

    /// From its beginning to its end.
    fn took(&self) -> Option<String> {
        Some(span(self.job.began_at?, self.job.ended_at?))
    }

    fn asked(&self) -> Moment {
        Moment::new(self.job.created_at, self.now)
    }

    /// Who asked, unless it was an application.
    fn starter(&self) -> &str {
        match (&self.job.person, self.job.starter.as_str()) {
            (Some(person), _) => &person.name,
            (None, "system") => "Latchkey",
            (None, _) => "Operator",
        }
    }

    /// Whether the viewer gets its file, if there is one.
    fn offers_file_to(&self, viewer: &Viewer) -> bool {
        let file = self.job.download.as_ref();
        file.is_some_and(|file| file.is_for(viewer) && !file.is_gone(self.now))
    }

    fn file_is_gone(&self) -> bool {
        self.job.download.as_ref().is_some_and(|file| file.is_gone(self.now))
    }
}

/// “0.4 s”, “12 s”, “3 min”
fn span(from: DateTime<Utc>, to: DateTime<Utc>) -> String {
    let millis = (to - from).num_milliseconds().max(0);
    match millis {
        0..10_000 => format!("{:.1} s", millis as f64 / 1e3),
        10_000..120_000 => format!("{} s", millis / 1_000),
        _ => format!("{} min", millis / 60_000),
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn how_long_something_took_is_said_as_exactly_as_matters() {
        let from = DateTime::UNIX_EPOCH;
        for (millis, said) in [(0, "0.0 s"), (420, "0.4 s"), (12_900, "12 s"), (200_000, "3 min")] {
            assert_eq!(span(from, from + TimeDelta::milliseconds(millis)), said);
        }
    }
}
