//! Sending what is due: some of each webhook at a time and several at once, so that one that is slow holds up the others
//! for a few seconds at most.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
};

use chrono::{DateTime, Utc};
use parking_lot::Mutex;

use super::{
    Caller,
    caller::{Answered, Request},
    ledger::{self, Begun},
    plan,
    secrets::SigningSecret,
};
use crate::jobs::{Halt, Running};

/// So many requests at once.
const AT_ONCE: usize = 8;
/// A round takes so many: five turns of ten seconds at the worst.
const ROUND: usize = 5 * AT_ONCE;
/// Then other jobs have their turn.
const ROUNDS: usize = 100;

/// A delivery with everything that is needed to send it.
struct Call {
    url: String,
    secrets: Arc<[SigningSecret]>,
    begun: Begun,
}

/// What came of one, and when it was sent.
struct Called {
    begun: Begun,
    at: DateTime<Utc>,
    answered: Answered,
}

/// Plans deliveries and sends those that are due.
pub fn run(running: &mut Running<'_>) -> Result<String, Halt> {
    let outside = running.outside();
    while running.step(|conn, _| Ok(plan::plan(conn, &outside.base_url)?))? > 0 {}
    let (mut sent, mut arrived) = (0, 0);
    for _ in 0..ROUNDS {
        let calls = take(running)?;
        if calls.is_empty() {
            break;
        }
        sent += calls.len();
        arrived += call_all(running, &outside.caller, calls)?;
    }
    Ok(match (sent, arrived) {
        (0, _) => "There was nothing to send.".into(),
        (sent, arrived) if sent == arrived => format!("{sent} sent, and all of them arrived."),
        (sent, arrived) => format!("{sent} sent, of which {arrived} arrived."),
    })
}

/// Takes what is due, a few of each webhook.
fn take(running: &mut Running<'_>) -> Result<Vec<Call>, Halt> {
    let outside = running.outside();
    running.step(|conn, _| {
        let mut calls = Vec::new();
        for webhook in ledger::waiting(conn)? {
            if calls.len() >= ROUND {
                break;
            }
            let Some(secrets) = webhook.secrets(&outside.secrets, Utc::now()) else {
                ledger::postpone(conn, &webhook)?;
                continue;
            };
            let secrets: Arc<[SigningSecret]> = secrets.into();
            for begun in ledger::begin(conn, &webhook)? {
                let (url, secrets) = (webhook.url.clone(), Arc::clone(&secrets));
                calls.push(Call { url, secrets, begun });
            }
        }
        Ok(calls)
    })
}

/// Sends them, and writes each end as soon as it is known; says how many arrived.
fn call_all(running: &mut Running<'_>, caller: &Caller, calls: Vec<Call>) -> Result<usize, Halt> {
    let (waiting, is_over) = (Mutex::new(calls), AtomicBool::new(false));
    let (tells, told) = mpsc::channel();
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            let (tells, waiting, is_over) = (tells.clone(), &waiting, &is_over);
            scope.spawn(move || {
                while !is_over.load(Ordering::Relaxed) {
                    let Some(call) = waiting.lock().pop() else { return };
                    if tells.send(call.send(caller)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(tells);
        let mut arrived = 0;
        while let Ok(called) = told.recv() {
            arrived += usize::from(called.answered.is_fine());
            let written = running.step(|conn, progress| {
                progress.done += 1;
                Ok(ledger::end(conn, &called.begun, called.at, &called.answered)?)
            });
            // What was taken and is not sent any more is sent again when its time is over.
            is_over.store(written.is_err(), Ordering::Relaxed);
            written?;
        }
        Ok(arrived)
    })
}

impl Call {
    fn send(self, caller: &Caller) -> Called {
        let Self { url, secrets, begun } = self;
        let at = Utc::now();
        let timestamp = at.timestamp();
        let sign = |secret: &SigningSecret| secret.sign(&begun.message_id, timestamp, &begun.body);
        let signatures = secrets.iter().map(sign).collect::<Vec<_>>().join(" ");
        let request = Request {
            url: &url,
            message_id: &begun.message_id,
            timestamp,
            signatures: &signatures,
            body: &begun.body,
        };
        let answered = caller.call(&request);
        Called { begun, at, answered }
    }
}
