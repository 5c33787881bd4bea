//! Hearing what changed, whoever changed it: a thread with its own connection that forgets what it is told to.
//!
//! Notifications are the fast way; reading the table each second is the sure one, and says until when all is known.

use std::{
    collections::HashSet,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use anyhow::anyhow;
use chrono::{DateTime, Utc};
use diesel::{PgConnection, connection::SimpleConnection};
use uuid::Uuid;

use super::feed::{Feed, News};
use crate::{
    changes::{CHANNEL, Change, Noted},
    db,
    nodes::Registration,
};

/// diesel's notifications never wait, so they are asked for.
const GLANCE: Duration = Duration::from_millis(5);
/// How often the table is read.
const POLL: Duration = Duration::from_secs(1);
/// Between two attempts to connect.
const RETRY: Duration = Duration::from_millis(250);

/// What was heard.
pub enum Heard {
    Change(Change),
    /// Any number of changes may have been missed: nobody listened until now, or what was heard is not understood.
    Missed,
    /// Every change that was committed before then has been heard.
    AllUntil(Instant),
    /// A change of a key, so long after it was made.
    After(Duration),
    /// What time it was for Postgres at some moment between the two.
    Time {
        asked_at: Instant,
        theirs: DateTime<Utc>,
        answered_at: Instant,
    },
}

/// The thread, until it is stopped.
pub struct Listener {
    node: Uuid,
    flags: Arc<Flags>,
    thread: JoinHandle<()>,
}

#[derive(Default)]
struct Flags {
    stopping: AtomicBool,
    listening: AtomicBool,
}

impl Listener {
    /// Starts listening; `hear` is called for everything heard, on the listener's thread.
    ///
    /// # Errors
    /// When the thread cannot be started.
    pub fn start(
        database_url: &str,
        node: Registration,
        hear: impl Fn(Heard) + Send + 'static,
    ) -> anyhow::Result<Self> {
        let shared = Arc::new(Flags::default());
        let flags = Arc::clone(&shared);
        let id = node.id;
        let mut ear = Ear {
            url: database_url.to_owned(),
            flags: Arc::clone(&shared),
            feed: Feed::default(),
            node,
            hear,
            heard: HashSet::new(),
            is_away: false,
        };
        let thread = thread::Builder::new().name("changes".into()).spawn(move || {
            while !flags.stopping.load(Ordering::Relaxed) {
                let heard = catch_unwind(AssertUnwindSafe(|| ear.listen())).unwrap_or_else(|_| {
                    // What was being applied may be lost, so it begins anew.
                    ear.feed = Feed::default();
                    Err(anyhow!("listening panicked"))
                });
                flags.listening.store(false, Ordering::Release);
                let Err(error) = heard else { return };
                if !ear.is_away {
                    tracing::warn!(?error, "changes of other processes cannot be heard now");
                }
                ear.is_away = true;
                thread::sleep(RETRY);
            }
        })?;
        Ok(Self { node: id, flags: shared, thread })
    }

    /// The id of the node that listens.
    pub fn node(&self) -> Uuid {
        self.node
    }

    /// Whether changes are heard at the moment, as far as can be told.
    pub fn is_listening(&self) -> bool {
        self.flags.listening.load(Ordering::Acquire)
    }

    /// Ends the thread, and the node's registration with it: call it when nothing is answered any more. If Postgres
    /// keeps it waiting, it ends with the process.
    pub fn stop(self) {
        self.flags.stopping.store(true, Ordering::Relaxed);
        let deadline = Instant::now() + Duration::from_secs(1);
        while !self.thread.is_finished() && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(5));
        }
        if self.thread.is_finished() {
            let _ = self.thread.join();
        }
    }
}

struct Ear<F> {
    url: String,
    flags: Arc<Flags>,
    feed: Feed,
    node: Registration,
    hear: F,
    /// Changes that were notified since the table was read.
    heard: HashSet<i64>,
    is_away: bool,
}

impl<F: Fn(Heard)> Ear<F> {
    fn listen(&mut self) -> anyhow::Result<()> {
        let mut conn: PgConnection = db::connect(&self.url)?;
        // What a node writes of itself need not survive a power cut.
        conn.batch_execute(&format!(
            "set application_name = 'latchkey changes'; set synchronous_commit = off; listen {CHANNEL}"
        ))?;
        let asked_at = Instant::now();
        if self.feed.resume(&mut conn)? {
            self.tell_the_time(asked_at);
            (self.hear)(Heard::Missed);
            (self.hear)(Heard::AllUntil(asked_at));
        } else {
            self.read(&mut conn)?;
        }
        self.node.beat(&mut conn, self.feed.snapshot());
        self.flags.listening.store(true, Ordering::Release);
        if std::mem::take(&mut self.is_away) {
            tracing::info!("changes of other processes are heard again");
        }

        let mut read_at = asked_at;
        while !self.flags.stopping.load(Ordering::Relaxed) {
            self.glance(&mut conn)?;
            if read_at.elapsed() >= POLL {
                read_at = Instant::now();
                self.read(&mut conn)?;
                self.node.beat(&mut conn, self.feed.snapshot());
            }
            thread::sleep(GLANCE);
        }
        self.node.leave(&mut conn);
        Ok(())
    }

    /// Applies what is notified.
    fn glance(&mut self, conn: &mut PgConnection) -> anyhow::Result<()> {
        let mut noted = Vec::new();
        for notification in conn.notifications_iter() {
            match Noted::parse(&notification?.payload) {
                Some(one) => noted.push(one),
                None => (self.hear)(Heard::Missed),
            }
        }
        self.heard.extend(noted.iter().map(|one| one.id));
        self.apply(conn, noted);
        Ok(())
    }

    /// Applies what is in the table and was not notified.
    fn read(&mut self, conn: &mut PgConnection) -> anyhow::Result<()> {
        let asked_at = Instant::now();
        let mut noted = Vec::new();
        let read = self.feed.read(conn)?;
        self.tell_the_time(asked_at);
        for news in read {
            match news {
                News::Noted(one) if self.heard.contains(&one.id) => {}
                News::Noted(one) => noted.push(one),
                News::Strange => (self.hear)(Heard::Missed),
            }
        }
        // What was notified before this is in it, or was in an earlier one.
        self.heard.clear();
        self.apply(conn, noted);
        (self.hear)(Heard::AllUntil(asked_at));
        Ok(())
    }

    fn tell_the_time(&self, asked_at: Instant) {
        if let Some(theirs) = self.feed.read_at() {
            (self.hear)(Heard::Time { asked_at, theirs, answered_at: Instant::now() });
        }
    }

    fn apply(&self, conn: &mut PgConnection, noted: Vec<Noted>) {
        let (mut keys, mut of_keys) = (Vec::new(), Vec::new());
        for Noted { id, change } in noted {
            match change {
                Change::Key(key) => {
                    keys.push(key);
                    of_keys.push(id);
                }
                other => (self.hear)(Heard::Change(other)),
            }
        }
        if !keys.is_empty() {
            (self.hear)(Heard::Change(Change::Keys(keys)));
            for took in self.node.applied(conn, &of_keys) {
                (self.hear)(Heard::After(took));
            }
        }
    }
}
