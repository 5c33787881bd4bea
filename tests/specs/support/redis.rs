//! A Redis of a spec's own, that can be killed, frozen and started again.

use std::{
    fs,
    io::{self, Read, Write},
    os::unix::{net::UnixStream, process::CommandExt},
    path::PathBuf,
    process::{self, Child, Command, Stdio},
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

/// `redis-server` as a child, behind a Unix socket: no port that somebody else may take.
pub struct Redis {
    /// For `REDIS_URL`.
    pub url: String,
    dir: PathBuf,
    child: Option<Child>,
}

impl Redis {
    pub fn start() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(1);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        // Not in the scratch directory: a socket's path has to be short.
        let dir = std::env::temp_dir().join(format!("latchkey-redis-{}-{count}", process::id()));
        fs::create_dir_all(&dir).expect("there is room for a Redis");
        let url = format!("redis+unix://{}", dir.join("socket").display());
        let mut redis = Self { url, dir, child: None };
        redis.start_again();
        redis
    }

    /// Starts it after [`Redis::kill`]. What it knew is gone.
    pub fn start_again(&mut self) {
        // Debian has the server in redis-tools too, under the name by which it checks a dump.
        let mut programs = ["redis-server", "valkey-server", "redis-check-rdb"].iter();
        let child = programs.find_map(|program| self.spawn(program).ok());
        self.child = Some(child.expect("redis-server runs: bin/test installs it"));
        let began = Instant::now();
        while !self.answers() {
            assert!(began.elapsed() < Duration::from_secs(20), "Redis does not start");
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Ends it as a power cut would.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// It still holds its connections, and answers nobody.
    pub fn freeze(&self) {
        self.signal(Signal::STOP);
    }

    /// After [`Redis::freeze`]: it goes on where it was.
    pub fn thaw(&self) {
        self.signal(Signal::CONT);
    }

    /// Where it listens.
    pub fn socket(&self) -> PathBuf {
        self.dir.join("socket")
    }

    /// What it says to a command of one line.
    pub fn ask(&self, command: &str) -> String {
        let mut answer = vec![0; 64 * 1024];
        let mut socket = UnixStream::connect(self.socket()).expect("Redis listens");
        socket.write_all(format!("{command}\r\n").as_bytes()).expect("Redis reads");
        let length = socket.read(&mut answer).expect("Redis answers");
        String::from_utf8_lossy(&answer[..length]).into_owned()
    }

    fn spawn(&self, program: &str) -> io::Result<Child> {
        Command::new(program)
            .arg0("redis-server")
            .args(["--port", "0", "--save", "", "--appendonly", "no", "--unixsocket"])
            .arg(self.socket())
            .arg("--dir")
            .arg(&self.dir)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
    }

    fn answers(&self) -> bool {
        UnixStream::connect(self.socket()).is_ok()
    }

    fn signal(&self, signal: Signal) {
        let child = self.child.as_ref().expect("it was started");
        kill_process(Pid::from_child(child), signal).expect("it still runs");
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.kill();
        let _ = fs::remove_dir_all(&self.dir);
    }
}
