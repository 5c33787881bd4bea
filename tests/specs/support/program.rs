//! The program as a process: started, asked, ended, with what it logged.

use std::{
    fs::{self, File},
    net::{SocketAddr, TcpListener, TcpStream},
    os::unix::process::CommandExt,
    path::PathBuf,
    process::{Child, Command, ExitStatus},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{
    Pid, Resource, Rlimit, Signal, WaitId, WaitIdOptions, getrlimit, kill_process, setrlimit,
    waitid,
};

use super::{Browser, database::scratch};

/// `latchkey serve` as a process of its own.
pub struct Program {
    pub address: SocketAddr,
    child: Child,
    dir: PathBuf,
}

impl Program {
    /// Serves from that database, and logs everything there is to log.
    pub fn serve(database_url: &str) -> Self {
        Self::serve_with(database_url, &[])
    }

    /// Likewise, under a name of its own among the nodes.
    pub fn named(database_url: &str, name: &str) -> Self {
        Self::serve_with(database_url, &[("LATCHKEY_NODE_NAME", name)])
    }

    /// The same, with settings as the environment would give them.
    pub fn serve_with(database_url: &str, settings: &[(&str, &str)]) -> Self {
        Self::start(database_url, settings, None, None)
    }

    /// One whose log goes there, and nowhere else.
    pub fn logging_to(database_url: &str, log: File) -> Self {
        Self::start(database_url, &[], Some(log), None)
    }

    /// One that may never have more than so many open files.
    pub fn with_open_files(database_url: &str, most: u64) -> Self {
        Self::start(database_url, &[("LATCHKEY_LOG", "info")], None, Some(most))
    }

    fn start(
        database_url: &str,
        settings: &[(&str, &str)],
        log: Option<File>,
        open_files: Option<u64>,
    ) -> Self {
        let dir = scratch("program");
        fs::create_dir_all(&dir).expect("there is room for a log");
        let free = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let address = free.local_addr().expect("a listener has an address");
        drop(free);
        let log =
            log.unwrap_or_else(|| File::create(dir.join("log")).expect("a log can be written"));
        let mut command = Command::new(env!("CARGO_BIN_EXE_latchkey"));
        // SAFETY: between fork and exec this makes two system calls and nothing else.
        unsafe {
            command.pre_exec(move || match open_files {
                Some(most) => limit_open_files(most).map_err(Into::into),
                None => allow_open_files(Some(1024)).map_err(Into::into),
            })
        };
        let child = command
            .arg("serve")
            .env_clear()
            .env("DATABASE_URL", database_url)
            .env("LATCHKEY_DATA_DIR", dir.join("data"))
            .env("LATCHKEY_LISTEN", address.to_string())
            .env("LATCHKEY_VAULT_KEY", "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=")
            .env("LATCHKEY_LOG", "trace")
            // The Postgres of the specs is in a hurry.
            .env("LATCHKEY_MAY_LOSE_DATA", "yes")
            .envs(settings.iter().copied())
            .stdout(log.try_clone().expect("a log can be shared"))
            .stderr(log)
            .spawn()
            .expect("the program runs");
        let mut program = Self { address, child, dir };
        let began = Instant::now();
        while TcpStream::connect(address).is_err() {
            let ended = program.child.try_wait().expect("a child can be asked");
            assert!(ended.is_none(), "it ended at once\n{}", program.log());
            assert!(began.elapsed() < Duration::from_secs(20), "{}", program.log());
            thread::sleep(Duration::from_millis(10));
        }
        program
    }

    pub fn visitor(&self) -> Browser {
        Browser::at(self.address)
    }

    /// Everything it has logged.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.dir.join("log")).unwrap_or_default()).into_owned()
    }

    /// Its process.
    pub fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Asks it to end, as a supervisor does.
    pub fn terminate(&self) {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, Signal::TERM).expect("it still runs");
    }

    /// Stops it where it is: it still listens, as far as others can see, and answers nothing.
    pub fn freeze(&self) {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, Signal::STOP).expect("it still runs");
        // Threads stop one after the other; until the last of them has, it may answer once more.
        waitid(WaitId::Pid(pid), WaitIdOptions::STOPPED).expect("it is our child");
    }

    /// Lets it go on.
    pub fn thaw(&self) {
        kill_process(Pid::from_child(&self.child), Signal::CONT).expect("it still runs");
    }

    /// How it ended, if it did within that time.
    pub fn ended_within(&mut self, patience: Duration) -> Option<ExitStatus> {
        let began = Instant::now();
        loop {
            match self.child.try_wait().expect("a child can be asked") {
                None if began.elapsed() < patience => thread::sleep(Duration::from_millis(10)),
                outcome => return outcome,
            }
        }
    }
}

/// Lets this process have as many connections as the system allows.
pub fn allow_many_connections() {
    allow_open_files(None).expect("nobody minds");
}

/// So many open files, which is 1024 for most programs when they start, or as many as there may be.
fn allow_open_files(most: Option<u64>) -> rustix::io::Result<()> {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: most.or(maximum), maximum })
}

/// So many and no more, whoever asks.
fn limit_open_files(most: u64) -> rustix::io::Result<()> {
    setrlimit(Resource::Nofile, Rlimit { current: Some(most), maximum: Some(most) })
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.dir);
    }
}
