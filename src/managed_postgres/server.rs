//! The server as a process that cannot outlive ours.

use std::os::unix::process::CommandExt;
use std::process::{Child, Command};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions};

use super::within;

#[derive(Debug)]
pub struct Server {
    child: Child,
    watch: JoinHandle<()>,
}

impl Server {
    /// Starts the server from a thread of its own, which stays until the server has ended: the kernel ends a
    /// child with the *thread* that started it, and the caller's may be one of a pool.
    pub fn launch(mut command: Command) -> Result<Self> {
        command.process_group(0); // Ctrl-C is for us; we tell the server
        end_with_us(&mut command);

        let (started, starting) = mpsc::channel();
        let watch = thread::Builder::new().name("postgres".into()).spawn(move || {
            let child = command.spawn();
            let pid = child.as_ref().ok().map(Pid::from_child);
            if started.send(child).is_ok()
                && let Some(pid) = pid
            {
                await_end(pid);
            }
        })?;
        let child = starting.recv().context("the thread that starts Postgres has ended")??;
        Ok(Self { child, watch })
    }

    pub fn has_ended(&self) -> bool {
        self.watch.is_finished()
    }

    /// Disconnects everyone, writes everything down, ends.
    pub fn end(self) {
        drop(self);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let pid = Pid::from_child(&self.child);
        interrupt(pid);
        if !within(Duration::from_secs(30), || self.watch.is_finished()) {
            tracing::warn!(
                "the private Postgres is slow to end; it will recover at the next start"
            );
            let _ = rustix::process::kill_process(pid, Signal::QUIT);
        }
        let _ = self.child.wait();
    }
}

/// Has the kernel interrupt `command` when we die, in whatever way. Linux only: elsewhere the next start ends it.
pub fn end_with_us(command: &mut Command) {
    #[cfg(target_os = "linux")]
    {
        let us = rustix::process::getpid();
        let ask = move || {
            rustix::process::set_parent_process_death_signal(Some(Signal::INT))?;
            if rustix::process::getppid() == Some(us) {
                Ok(())
            } else {
                Err(std::io::ErrorKind::BrokenPipe.into())
            }
        };
        // SAFETY: between fork and exec, `ask` makes two system calls and nothing else.
        unsafe { command.pre_exec(ask) };
    }
    #[cfg(not(target_os = "linux"))]
    let _ = command;
}

/// Postgres calls this a fast shutdown. One that has already gone needs no telling.
pub fn interrupt(pid: Pid) {
    let _ = rustix::process::kill_process(pid, Signal::INT);
}

/// Of a process that we could end. Any other one has been given the number since.
pub fn is_alive(pid: Pid) -> bool {
    rustix::process::test_kill_process(pid).is_ok()
}

/// Waits without reaping, so that the process id stays the server's until we have let go of it.
fn await_end(pid: Pid) {
    let end = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
    let _ = rustix::io::retry_on_intr(|| rustix::process::waitid(WaitId::Pid(pid), end));
}
