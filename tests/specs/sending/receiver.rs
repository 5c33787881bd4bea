//! A program that is told of notices: a real HTTP server on loopback that keeps what came and answers as it is told to.

use std::{
    collections::{HashMap, VecDeque},
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha256;

use super::until;

/// A request that came.
#[derive(Debug, Clone)]
pub struct Received {
    pub line: String,
    pub headers: HashMap<String, String>,
    pub body: String,
}

/// What it says next.
#[derive(Clone)]
pub struct Says {
    pub status: u16,
    pub headers: String,
    pub body: Vec<u8>,
    /// It says nothing until then.
    pub after: Duration,
}

impl Says {
    pub fn status(status: u16) -> Self {
        Self { status, headers: String::new(), body: Vec::new(), after: Duration::ZERO }
    }
}

#[derive(Default)]
struct Kept {
    received: Mutex<Vec<Received>>,
    says: Mutex<VecDeque<Says>>,
    connections: AtomicUsize,
    is_over: AtomicBool,
}

pub struct Receiver {
    pub address: SocketAddr,
    kept: Arc<Kept>,
}

impl Receiver {
    /// One that answers 204 unless it is told something else.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let kept = Arc::new(Kept::default());
        let shared = Arc::clone(&kept);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if shared.is_over.load(Ordering::Relaxed) {
                    return;
                }
                shared.connections.fetch_add(1, Ordering::Relaxed);
                let shared = Arc::clone(&shared);
                thread::spawn(move || answer(&shared, stream));
            }
        });
        Self { address, kept }
    }

    pub fn url(&self) -> String {
        format!("http://{}/latchkey", self.address)
    }

    /// What it says to the next requests, one after the other.
    pub fn will_say(&self, says: &[Says]) {
        self.kept.says.lock().unwrap().extend(says.iter().cloned());
    }

    pub fn received(&self) -> Vec<Received> {
        self.kept.received.lock().unwrap().clone()
    }

    /// How often somebody has connected.
    pub fn connections(&self) -> usize {
        self.kept.connections.load(Ordering::Relaxed)
    }

    /// Waits until so many have come.
    #[track_caller]
    pub fn has_received(&self, count: usize) -> Vec<Received> {
        until(&format!("{count} requests come"), || {
            Some(self.received()).filter(|received| received.len() >= count)
        })
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.kept.is_over.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(self.address);
    }
}

fn answer(kept: &Kept, stream: TcpStream) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut headers = HashMap::new();
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        let Some((name, value)) = header.trim_end().split_once(": ") else { break };
        headers.insert(name.to_lowercase(), value.to_owned());
    }
    let length: usize = headers.get("content-length")?.parse().ok()?;
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let body = String::from_utf8(body).ok()?;
    let line = line.trim_end().to_owned();
    kept.received.lock().unwrap().push(Received { line, headers, body });
    let says = kept.says.lock().unwrap().pop_front().unwrap_or_else(|| Says::status(204));
    thread::sleep(says.after);
    let head = format!(
        "HTTP/1.1 {} Said\r\nContent-Length: {}\r\nConnection: close\r\n{}\r\n",
        says.status,
        says.body.len(),
        says.headers
    );
    (&stream).write_all(head.as_bytes()).ok()?;
    (&stream).write_all(&says.body).ok()
}

impl Received {
    pub fn id(&self) -> &str {
        &self.headers["webhook-id"]
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("a payload is JSON")
    }

    pub fn signatures(&self) -> Vec<&str> {
        self.headers["webhook-signature"].split(' ').collect()
    }

    /// Whether one of its signatures is by that secret, as whoever receives it works that out.
    pub fn is_signed_by(&self, secret: &str) -> bool {
        let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
        let signed = format!("{}.{}.{}", self.id(), self.headers["webhook-timestamp"], self.body);
        mac.update(signed.as_bytes());
        let expected = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
        self.signatures().contains(&expected.as_str())
    }
}
