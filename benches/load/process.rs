//! Servers as processes of their own, each on one core, and what they cost.

use std::{
    fs::{self, File},
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use rustix::process::{Pid, Signal, kill_process};

use crate::generator::Answer;

/// Of the server, and of the generator.
pub const SERVER_CORE: &str = "0";
pub const GENERATOR_CORE: &str = "1";

/// A server that answers. It ends with this.
pub struct Server {
    child: Child,
    pub address: SocketAddr,
}

/// Whether processes can be held to a core here.
pub fn can_pin() -> bool {
    Command::new("taskset").arg("--version").stdout(Stdio::null()).status().is_ok()
}

/// A command on the server's core, with nothing of our environment but the path. A server that finds one core starts
/// one worker.
pub fn pinned(program: &Path) -> Command {
    let mut command = match can_pin() {
        true => {
            let mut command = Command::new("taskset");
            command.args(["-c", SERVER_CORE]).arg(program);
            command
        }
        false => Command::new(program),
    };
    command.env_clear().envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
    command
}

/// Holds the calling thread to the generator's core, and has it wake when it wants to.
pub fn pin_this_thread() {
    let Ok(thread) = fs::read_link("/proc/thread-self") else { return };
    let Some(id) = thread.file_name() else { return };
    let _ = Command::new("taskset")
        .args(["-c", "-p", GENERATOR_CORE])
        .arg(id)
        .stdout(Stdio::null())
        .status();
    let _ = fs::write(Path::new("/proc").join(id).join("timerslack_ns"), "1");
}

impl Server {
    /// Starts a server that listens where `listen` says, and waits until it answers `path` with 200.
    pub fn start(
        mut command: Command,
        listen: &str,
        path: &str,
        log: &Path,
    ) -> anyhow::Result<Self> {
        // A port that was free a moment ago: the program says only what it was told.
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let log_file = File::create(log)?;
        let child = command
            .env(listen, address.to_string())
            .stdin(Stdio::null())
            .stdout(log_file.try_clone()?)
            .stderr(log_file)
            .spawn()
            .with_context(|| format!("{command:?} cannot be run"))?;
        let mut server = Self { child, address };
        let began = Instant::now();
        while !is_ok(address, path) {
            if server.child.try_wait()?.is_some() || began.elapsed() > Duration::from_secs(30) {
                bail!("a server did not start: {}", fs::read_to_string(log)?.trim());
            }
            thread::sleep(Duration::from_millis(20));
        }
        Ok(server)
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Memory in use, in bytes.
    pub fn memory(&self) -> Option<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid())).ok()?;
        let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
        Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? * 1024)
    }

    /// Ends it in order, so that it writes what it has counted.
    pub fn stop(mut self) -> anyhow::Result<()> {
        kill_process(Pid::from_child(&self.child), Signal::TERM)?;
        let status = self.child.wait()?;
        if !status.success() {
            bail!("a server ended with {status}");
        }
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

fn is_ok(address: SocketAddr, path: &str) -> bool {
    let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\n\r\n");
    ask(address, request.as_bytes()).is_ok_and(|(head, _)| head.starts_with("HTTP/1.1 200"))
}

/// One request over a connection of its own: head and body of the answer.
pub fn ask(address: SocketAddr, request: &[u8]) -> anyhow::Result<(String, String)> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    stream.write_all(request)?;
    let mut bytes = Vec::new();
    loop {
        let mut part = [0; 4096];
        let count = stream.read(&mut part)?;
        bytes.extend_from_slice(&part[..count]);
        if let Some(Answer { head, body }) = Answer::parse(&bytes) {
            return Ok((String::from_utf8(head.to_vec())?, String::from_utf8(body.to_vec())?));
        }
        if count == 0 {
            bail!("{address} closed a connection");
        }
    }
}

/// Seconds on the processor so far, all threads, in user and system mode; where the system tells.
pub fn seconds_of(pid: u32) -> Option<f64> {
    /// `USER_HZ`, the same on every Linux.
    const TICKS: f64 = 100.0;
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let fields: Vec<&str> = stat.rsplit(')').next()?.split_whitespace().collect();
    let ticks: f64 = fields.get(11..13)?.iter().filter_map(|field| field.parse::<f64>().ok()).sum();
    Some(ticks / TICKS)
}

/// The same for the calling thread.
pub fn seconds_of_this_thread() -> Option<f64> {
    let spent = fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    Some(spent.split_whitespace().next()?.parse::<f64>().ok()? / 1e9)
}
