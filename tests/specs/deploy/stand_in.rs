//! Something that listens where Latchkey should, says that it is ready, and answers every question with the same bytes.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

const READY: &str = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

pub struct StandIn {
    pub address: SocketAddr,
    answer: Arc<Mutex<Option<String>>>,
}

impl StandIn {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let answer = Arc::new(Mutex::new(Some(String::new())));
        let shared = Arc::clone(&answer);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (Ok(mut stream), Some(answer)) = (stream, shared.lock().unwrap().clone())
                else {
                    return;
                };
                thread::spawn(move || {
                    let mut head = [0; 16 * 1024];
                    let _ = stream.set_read_timeout(Some(Duration::from_secs(2)));
                    let Ok(length) = stream.read(&mut head) else { return };
                    let is_asked = !head[..length].windows(7).any(|bytes| bytes == b"/readyz");
                    let said = if is_asked { &answer } else { READY };
                    let _ = stream.write_all(said.as_bytes());
                });
            }
        });
        Self { address, answer }
    }

    pub fn say(&self, answer: &str) {
        *self.answer.lock().unwrap() = Some(answer.to_owned());
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        *self.answer.lock().unwrap() = None;
        let _ = std::net::TcpStream::connect(self.address);
    }
}
