//! Something between the program and Postgres, or Redis, that can behave like a bad day.

use std::{
    fs,
    io::{ErrorKind, Read, Write},
    net::Shutdown,
    os::unix::net::{UnixListener, UnixStream},
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use latchkey::credentials::Secret;
use url::Url;

use crate::support::Redis;

#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Mode {
    Pass,
    /// Nobody listens, and whoever was connected is cut off.
    Refuse,
    /// Everybody is let in, nobody is answered: a frozen server, a network that swallows packets.
    BlackHole,
    /// Answers take 30 ms.
    Late,
    /// Answers take a second.
    Slow,
    /// Answers come byte by byte.
    Trickle,
}

pub struct Proxy {
    pub url: String,
    shared: Arc<Shared>,
}

struct Shared {
    dir: PathBuf,
    server: PathBuf,
    mode: AtomicU8,
    deaf: AtomicBool,
    loses_commits: AtomicBool,
    ended: AtomicBool,
    look_ups: Mutex<Vec<Vec<u8>>>,
}

impl Proxy {
    pub fn before(database_url: &str) -> Self {
        let mut url: Url = database_url.parse().unwrap();
        let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
        let given = |name: &str| &pairs.iter().find(|(known, _)| known == name).unwrap().1;
        let socket = format!(".s.PGSQL.{}", given("port"));
        let shared = Shared::listen(PathBuf::from(given("host")).join(&socket));
        url.query_pairs_mut().clear().extend_pairs(pairs.iter().map(|(name, value)| {
            (name.as_str(), if name == "host" { shared.dir.to_str().unwrap() } else { value })
        }));
        Self { url: url.into(), shared }
    }

    pub fn before_redis(redis: &Redis) -> Self {
        let shared = Shared::listen(redis.socket());
        let url = format!("redis+unix://{}", shared.dir.join("socket").display());
        Self { url, shared }
    }

    pub fn set(&self, mode: Mode) {
        self.shared.mode.store(mode as u8, Ordering::SeqCst);
        // Whoever is in the middle of passing something on has noticed by then.
        thread::sleep(Duration::from_millis(50));
    }

    /// From now on whoever listens for changes listens elsewhere.
    pub fn deafen(self) -> Self {
        self.shared.deaf.store(true, Ordering::SeqCst);
        self
    }

    /// Cuts off whoever counts use as soon as they commit: Postgres does, and they never hear of it.
    pub fn lose_the_next_commit(&self) {
        self.shared.loses_commits.store(true, Ordering::SeqCst);
    }

    /// Whether that has happened.
    pub fn has_lost_it(&self) -> bool {
        !self.shared.loses_commits.load(Ordering::SeqCst)
    }

    /// How often Postgres was asked for the key of this secret.
    pub fn look_ups(&self, secret: &Secret) -> usize {
        let hash = secret.hash();
        let is_about_it =
            |asked: &&Vec<u8>| asked.windows(32).any(|bytes| bytes == hash.as_bytes());
        self.shared.look_ups.lock().unwrap().iter().filter(is_about_it).count()
    }

    /// How often Postgres was asked for the key of any secret.
    pub fn all_look_ups(&self) -> usize {
        self.shared.look_ups.lock().unwrap().len()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::SeqCst);
        let _ = fs::remove_dir_all(&self.shared.dir);
    }
}

fn listen_elsewhere(asked: &mut [u8]) {
    const LISTEN: &[u8] = b"listen latchkey_changes";
    if let Some(at) = asked.windows(LISTEN.len()).position(|bytes| bytes == LISTEN) {
        asked[at..at + LISTEN.len()].copy_from_slice(b"listen latchkey_nothing");
    }
}

/// Of a message that prepares a statement (Parse): under which name, with the zero that ends it.
fn name_of_prepared(parse: &[u8]) -> Vec<u8> {
    let name = parse.get(5..).unwrap_or_default();
    name.split_inclusive(|byte| *byte == 0).next().unwrap_or_default().to_vec()
}

/// Whether a message asks with what was prepared under that name (Bind, into the portal without a name).
fn is_asked(name: &[u8], message: &[u8]) -> bool {
    message.first() == Some(&b'B') && message.get(6..).is_some_and(|rest| rest.starts_with(name))
}

impl Shared {
    /// In front of a server's socket, at one of the same name.
    fn listen(server: PathBuf) -> Arc<Self> {
        static COUNT: AtomicUsize = AtomicUsize::new(1);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let dir = std::env::temp_dir().join(format!("latchkey-{}-{number}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        let listener = UnixListener::bind(dir.join(server.file_name().unwrap())).unwrap();
        listener.set_nonblocking(true).unwrap();
        let shared = Arc::new(Self {
            server,
            dir,
            mode: AtomicU8::new(Mode::Pass as u8),
            deaf: AtomicBool::new(false),
            loses_commits: AtomicBool::new(false),
            ended: AtomicBool::new(false),
            look_ups: Mutex::default(),
        });
        let accepting = Arc::clone(&shared);
        thread::spawn(move || accepting.accept(&listener));
        shared
    }

    fn is(&self, mode: Mode) -> bool {
        self.mode.load(Ordering::SeqCst) == mode as u8
    }

    fn is_over(&self) -> bool {
        self.ended.load(Ordering::SeqCst)
    }

    fn accept(self: &Arc<Self>, listener: &UnixListener) {
        while !self.is_over() {
            let Ok((client, _)) = listener.accept() else {
                thread::sleep(Duration::from_millis(2));
                continue;
            };
            if self.is(Mode::Refuse) {
                continue;
            }
            let Ok(server) = UnixStream::connect(&self.server) else { continue };
            client.set_nonblocking(false).unwrap();
            let (client_too, server_too) =
                (client.try_clone().unwrap(), server.try_clone().unwrap());
            let (there, back) = (Arc::clone(self), Arc::clone(self));
            thread::spawn(move || there.pass_on(client, server, true));
            thread::spawn(move || back.pass_on(server_too, client_too, false));
        }
    }

    fn pass_on(&self, mut from: UnixStream, mut to: UnixStream, asks: bool) {
        from.set_read_timeout(Some(Duration::from_millis(10))).unwrap();
        let mut buffer = vec![0; 64 * 1024];
        let mut counts_use = false;
        let mut look_up = None;
        while !self.is_over() && !self.is(Mode::Refuse) {
            let mut length = match from.read(&mut buffer) {
                Ok(0) => break,
                Ok(length) => length,
                Err(error)
                    if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) =>
                {
                    continue;
                }
                Err(_) => break,
            };
            while self.is(Mode::BlackHole) && !self.is_over() {
                thread::sleep(Duration::from_millis(5));
            }
            if asks {
                let asked = &mut buffer[..length];
                if self.deaf.load(Ordering::SeqCst) {
                    listen_elsewhere(asked);
                }
                counts_use |= asked.windows(13).any(|bytes| bytes == b"usage_minutes");
                let commits = counts_use && asked.windows(6).any(|bytes| bytes == b"COMMIT");
                if commits && self.loses_commits.swap(false, Ordering::SeqCst) {
                    let _ = from.shutdown(Shutdown::Both);
                }
                if asked.windows(16).any(|bytes| bytes == b"key_secrets.hash") {
                    look_up = Some(name_of_prepared(asked));
                } else if look_up.as_ref().is_some_and(|name| is_asked(name, asked)) {
                    self.look_ups.lock().unwrap().push(asked.to_vec());
                }
            } else if self.is(Mode::Late) {
                thread::sleep(Duration::from_millis(30));
            } else if self.is(Mode::Slow) {
                thread::sleep(Duration::from_secs(1));
            } else if self.is(Mode::Trickle) {
                let mut bytes = buffer[..length].iter();
                while self.is(Mode::Trickle) && !self.is_over() {
                    let Some(byte) = bytes.next() else { break };
                    thread::sleep(Duration::from_millis(20));
                    if to.write_all(&[*byte]).is_err() {
                        break;
                    }
                }
                let left = bytes.len();
                buffer.copy_within(length - left..length, 0);
                length = left;
            }
            if to.write_all(&buffer[..length]).is_err() {
                break;
            }
        }
        let _ = from.shutdown(Shutdown::Both);
        let _ = to.shutdown(Shutdown::Both);
    }
}
