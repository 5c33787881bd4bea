//! Hearing what other processes changed: a thread with its own connection that forgets what it is told to.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use diesel::{PgConnection, connection::SimpleConnection};

use crate::{
    changes::{CHANNEL, Change},
    db,
};

/// diesel's notifications never wait, so they are asked for.
const POLL: Duration = Duration::from_millis(5);
/// How often the connection proves that it still works.
const HEARTBEAT: Duration = Duration::from_secs(1);
/// Between two attempts to connect.
const RETRY: Duration = Duration::from_millis(250);

/// What was heard.
pub enum Heard {
    Change(Change),
    /// Any number of changes may have been missed: nobody listened until now, or what was heard is not understood.
    Missed,
}

/// The thread, until it is stopped.
pub struct Listener {
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
        hear: impl Fn(Heard) + Send + 'static,
    ) -> anyhow::Result<Self> {
        let shared = Arc::new(Flags::default());
        let url = database_url.to_owned();
        let flags = Arc::clone(&shared);
        let thread = thread::Builder::new().name("changes".into()).spawn(move || {
            let mut is_away = false;
            while !flags.stopping.load(Ordering::Relaxed) {
                let heard = listen(&url, &flags, &hear, &mut is_away);
                flags.listening.store(false, Ordering::Release);
                let Err(error) = heard else { return };
                if !is_away {
                    tracing::warn!(?error, "changes of other processes cannot be heard now");
                }
                is_away = true;
                thread::sleep(RETRY);
            }
        })?;
        Ok(Self { flags: shared, thread })
    }

    /// Whether changes are heard at the moment, as far as can be told.
    pub fn is_listening(&self) -> bool {
        self.flags.listening.load(Ordering::Acquire)
    }

    /// Ends the thread. If Postgres keeps it waiting, it ends with the process.
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

fn listen(
    url: &str,
    flags: &Flags,
    hear: &impl Fn(Heard),
    is_away: &mut bool,
) -> anyhow::Result<()> {
    let mut conn: PgConnection = db::connect(url)?;
    conn.batch_execute(&format!("listen {CHANNEL}"))?;
    hear(Heard::Missed);
    flags.listening.store(true, Ordering::Release);
    if std::mem::take(is_away) {
        tracing::info!("changes of other processes are heard again");
    }

    let mut last_beat = Instant::now();
    while !flags.stopping.load(Ordering::Relaxed) {
        for notification in conn.notifications_iter() {
            hear(Change::parse(&notification?.payload).map_or(Heard::Missed, Heard::Change));
        }
        if last_beat.elapsed() >= HEARTBEAT {
            conn.batch_execute("select 1")?;
            last_beat = Instant::now();
        }
        thread::sleep(POLL);
    }
    Ok(())
}
