//! A thread that works from time to time, and those who cannot wait for it.

use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

/// When it is the thread's turn.
#[derive(Default)]
pub struct Turns {
    state: Mutex<State>,
    wake: Condvar,
}

#[derive(Default)]
struct State {
    /// Turns asked for, and turns done since then.
    asked: u64,
    done: u64,
    stopping: bool,
}

/// A turn.
#[derive(Clone, Copy)]
pub struct Turn {
    asked: u64,
    /// Somebody waits for it.
    pub is_asked_for: bool,
    /// There will be no other.
    pub is_last: bool,
}

impl Turns {
    /// For the thread: waits until somebody asks, but no longer than this.
    pub fn wait(&self, patience: Duration) -> Turn {
        let deadline = Instant::now() + patience;
        let mut state = self.state.lock();
        while state.asked == state.done && !state.stopping {
            if self.wake.wait_until(&mut state, deadline).timed_out() {
                break;
            }
        }
        let is_asked_for = state.asked != state.done;
        Turn { asked: state.asked, is_asked_for, is_last: state.stopping }
    }

    /// For the thread: the turn is over, whatever came of it.
    pub fn end(&self, turn: Turn) {
        self.state.lock().done = turn.asked;
        self.wake.notify_all();
    }

    /// Waits for a turn that begins after this. Blocks.
    pub fn ask(&self) {
        let mut state = self.state.lock();
        if state.stopping {
            return;
        }
        state.asked += 1;
        let mine = state.asked;
        self.wake.notify_all();
        self.wake.wait_while(&mut state, |state| state.done < mine && !state.stopping);
    }

    /// The next turn is the last.
    pub fn stop(&self) {
        self.state.lock().stopping = true;
        self.wake.notify_all();
    }

    /// Whether the last turn has begun or is about to.
    pub fn are_over(&self) -> bool {
        self.state.lock().stopping
    }
}
