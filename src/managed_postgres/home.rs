//! The directories of a private Postgres: where they are, whose they are, and who holds them.

use std::fs::{self, DirBuilder, File, Permissions, TryLockError};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, chown};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use percent_encoding::{NON_ALPHANUMERIC, percent_encode};
use rustix::process::Pid;
use sha2::{Digest, Sha256};

/// The server listens on no port; its socket is called by one all the same.
pub const PORT: &str = "5432";

/// The system allows about a hundred bytes (macOS the fewest) for a socket's path; its name takes 14.
const LONGEST_SOCKET_DIR: usize = 88;

const LOG: &str = "postgres.log";
const LOG_BEFORE: &str = "postgres.log.before";

/// Past this many bytes, a start begins a new log and keeps only the one before.
const LONG_LOG: u64 = 10 << 20;

#[derive(Debug)]
pub struct Home {
    root: PathBuf,
    socket: PathBuf,
    account: Option<Account>,
}

impl Home {
    /// The home for `dir`: `dir` itself, except for root when the server's account cannot get there.
    pub fn at(dir: &Path) -> Result<Self> {
        fs::create_dir_all(dir).with_context(|| format!("could not make {}", dir.display()))?;
        let dir = dir.canonicalize()?;
        let name = hex::encode(&Sha256::digest(dir.as_os_str().as_bytes())[..8]);

        let (root, account) = match rustix::process::geteuid().is_root() {
            true => Self::for_root(dir, &name)?,
            false => (dir, None),
        };
        let mode = if account.is_some() { 0o711 } else { 0o700 };
        fs::set_permissions(&root, Permissions::from_mode(mode))
            .with_context(|| format!("{} belongs to someone else", root.display()))?;

        let mut socket = root.join("socket");
        if socket.as_os_str().len() > LONGEST_SOCKET_DIR {
            socket = Path::new("/tmp").join(format!("latchkey-{name}"));
        }
        Ok(Self { root, socket, account })
    }

    /// Postgres refuses to run as root, and other accounts cannot enter a directory under, say, `/root`.
    fn for_root(dir: PathBuf, name: &str) -> Result<(PathBuf, Option<Account>)> {
        let elsewhere = Path::new("/var/lib/latchkey").join(name);
        let account = Account::owner_of(&dir.join("cluster"))
            .or_else(|| Account::owner_of(&elsewhere.join("cluster")))
            .map_or_else(Account::for_postgres, Ok)?;

        if dir.join("cluster").exists() {
            if !account.reaches(&dir) {
                bail!(
                    "{} cannot be reached by the account that owns its database (user id {})",
                    dir.display(),
                    account.user
                );
            }
        } else if elsewhere.join("cluster").exists() || !account.reaches(&dir) {
            fs::create_dir_all(&elsewhere)?;
            fs::set_permissions("/var/lib/latchkey", Permissions::from_mode(0o711))?;
            tracing::info!(
                "the private Postgres for {} lives in {}",
                dir.display(),
                elsewhere.display()
            );
            return Ok((elsewhere, Some(account)));
        }
        Ok((dir, Some(account)))
    }

    pub fn url(&self, database: &str) -> String {
        let host = percent_encode(self.socket.as_os_str().as_bytes(), NON_ALPHANUMERIC);
        format!("postgresql:///{database}?host={host}&port={PORT}&user=latchkey")
    }

    /// Holding this file is running the server. Nobody else can, until it is closed or its process dies.
    pub fn owner(&self) -> Result<Option<File>> {
        self.lock("owner.lock", File::try_lock)
    }

    /// Holding this file is using a server that another process runs.
    pub fn guest(&self) -> Result<Option<File>> {
        self.lock("guests.lock", File::try_lock_shared)
    }

    /// Holding this file is being sure that nobody is a guest, or becomes one.
    pub fn without_guests(&self) -> Result<Option<File>> {
        self.lock("guests.lock", File::try_lock)
    }

    fn lock(
        &self,
        name: &str,
        lock: fn(&File) -> Result<(), TryLockError>,
    ) -> Result<Option<File>> {
        let path = self.root.join(name);
        let file = File::options().create(true).append(true).open(&path);
        let file = file.with_context(|| format!("could not open {}", path.display()))?;
        match lock(&file) {
            Ok(()) => Ok(Some(file)),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => {
                Err(error).with_context(|| format!("could not lock {}", path.display()))
            }
        }
    }

    pub fn cluster(&self) -> PathBuf {
        self.root.join("cluster")
    }

    /// The major version the cluster was made by; none if there is no cluster yet.
    pub fn version(&self) -> Option<String> {
        Some(fs::read_to_string(self.cluster().join("PG_VERSION")).ok()?.trim().to_owned())
    }

    /// An empty directory in which to make a cluster.
    pub fn prepare_unfinished(&self) -> Result<PathBuf> {
        let unfinished = self.unfinished();
        if unfinished.exists() {
            fs::remove_dir_all(&unfinished)?;
        }
        self.private_dir(&unfinished)?;
        Ok(unfinished)
    }

    pub fn finish(&self, unfinished: &Path) -> Result<()> {
        Ok(fs::rename(unfinished, self.cluster())?)
    }

    /// The directory of the socket, made if need be. One in `/tmp` may be a trap, so it has to be ours alone.
    pub fn socket(&self) -> Result<&Path> {
        self.private_dir(&self.socket)?;
        Ok(&self.socket)
    }

    /// Whether anything listens on the socket, be it only to say that it is ending.
    pub fn answers(&self) -> bool {
        UnixStream::connect(self.socket.join(format!(".s.PGSQL.{PORT}"))).is_ok()
    }

    /// The server's process id, as it wrote it down.
    pub fn postmaster(&self) -> Option<Pid> {
        let file = fs::read_to_string(self.cluster().join("postmaster.pid")).ok()?;
        Pid::from_raw(file.lines().next()?.trim().parse().ok().filter(|pid| *pid > 1)?)
    }

    pub fn log_path(&self) -> PathBuf {
        self.root.join(LOG)
    }

    pub fn log(&self) -> Result<File> {
        let path = self.log_path();
        if fs::metadata(&path).is_ok_and(|log| log.len() > LONG_LOG) {
            fs::rename(&path, self.root.join(LOG_BEFORE))?;
        }
        Ok(File::options().create(true).append(true).open(path)?)
    }

    /// One of Postgres's programs, as the account it runs as, with nothing from our environment to lead it astray.
    pub fn command(&self, program: &Path) -> Command {
        let mut command = match self.account {
            Some(account) => account.command(program),
            None => Command::new(program),
        };
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.as_bytes().starts_with(b"PG"))
        {
            command.env_remove(name);
        }
        command.current_dir("/").stdin(Stdio::null()).env("LC_ALL", "C");
        command
    }

    /// Takes away what is ours, and the directory if that was all.
    pub fn remove(self) -> Result<()> {
        fs::remove_dir_all(self.socket()?)?;
        for dir in [self.cluster(), self.unfinished()] {
            if dir.exists() {
                fs::remove_dir_all(dir)?;
            }
        }
        for file in ["owner.lock", "guests.lock", LOG, LOG_BEFORE] {
            let _ = fs::remove_file(self.root.join(file));
        }
        let _ = fs::remove_dir(&self.root);
        Ok(())
    }

    fn unfinished(&self) -> PathBuf {
        self.root.join("cluster.unfinished")
    }

    fn private_dir(&self, path: &Path) -> Result<()> {
        let us = rustix::process::geteuid().as_raw();
        match DirBuilder::new().mode(0o700).create(path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                return Err(error).with_context(|| format!("could not make {}", path.display()));
            }
            _ => {}
        }

        let found = fs::symlink_metadata(path)?;
        let is_ours =
            found.uid() == us || self.account.is_some_and(|account| account.user == found.uid());
        if !found.is_dir() || !is_ours || found.mode() & 0o077 != 0 {
            bail!("{} should be a directory that only we can enter; delete it", path.display());
        }
        if let Some(account) = self.account {
            chown(path, Some(account.user), Some(account.group))?;
        }
        Ok(())
    }
}

/// Whom root runs the server as.
#[derive(Debug, Clone, Copy)]
struct Account {
    user: u32,
    group: u32,
}

impl Account {
    fn owner_of(path: &Path) -> Option<Self> {
        let owner = fs::metadata(path).ok()?;
        (owner.uid() != 0).then_some(Self { user: owner.uid(), group: owner.gid() })
    }

    /// Postgres's own account, or one that every system has. (initdb wants an account with a name.)
    fn for_postgres() -> Result<Self> {
        let accounts = fs::read_to_string("/etc/passwd").context("could not read /etc/passwd")?;
        ["postgres", "_postgres", "nobody"]
            .into_iter()
            .find_map(|name| accounts.lines().find_map(|line| Self::named(name, line)))
            .context("running as root, and there is no account `postgres` or `nobody` to run Postgres as")
    }

    fn named(name: &str, line: &str) -> Option<Self> {
        let fields: Vec<_> = line.split(':').collect();
        let id = |field: &str| field.parse::<i64>().ok().map(|id| id as u32); // macOS writes nobody's as -2
        match fields[..] {
            [found, _, user, group, ..] if found == name => {
                Some(Self { user: id(user)?, group: id(group)? })
            }
            _ => None,
        }
    }

    fn reaches(self, dir: &Path) -> bool {
        let mut test = self.command(Path::new("test"));
        test.current_dir("/").arg("-x").arg(dir).status().is_ok_and(|status| status.success())
    }

    fn command(self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.uid(self.user).gid(self.group);
        command
    }
}
