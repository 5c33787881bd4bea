//! Many connections that do nothing.

use std::{
    fs,
    io::{ErrorKind, Read, Write},
    net::TcpStream,
    time::{Duration, Instant},
};

use serde_json::json;

use crate::support::{Program, TestApp, allow_many_connections};

const IDLE: usize = 5000;

#[actix_web::test]
async fn five_thousand_idle_connections_hurt_nobody() {
    let app = TestApp::start();
    let key = app.key(&app.administrator("Ada"), "deploy bot");
    let gateway = app.gateway("production");
    allow_many_connections();
    let program = Program::serve_with(&app.database.url, &[("LATCHKEY_LOG", "warn")]);

    let before = resident_kib(&program);
    let mut idle: Vec<TcpStream> = (0..IDLE)
        .map(|_| {
            let mut stream = TcpStream::connect(program.address).unwrap();
            stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
            stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").unwrap();
            stream
        })
        .collect();
    for stream in &mut idle {
        let mut answer = [0; 2048];
        let length = stream.read(&mut answer).unwrap();
        assert!(answer.starts_with(b"HTTP/1.1 200"), "{length}");
    }
    let grown = resident_kib(&program).saturating_sub(before) / 1024;
    assert!(grown < 200, "{grown} MiB for {IDLE} idle connections");

    let client = reqwest::Client::new();
    let mut took = Vec::new();
    for _ in 0..100 {
        let began = Instant::now();
        let asked = client
            .post(format!("http://{}/v1/verify", program.address))
            .bearer_auth(&gateway)
            .json(&json!({ "key": key.secret }));
        assert_eq!(asked.send().await.unwrap().status(), 200);
        took.push(began.elapsed());
    }
    took.sort_unstable();
    assert!(took[95] < Duration::from_millis(150), "{:?}", took[95]);

    // And nobody had to give way to anybody.
    for stream in &mut idle {
        stream.set_nonblocking(true).unwrap();
        let mut rest = [0; 4096];
        loop {
            match stream.read(&mut rest) {
                Ok(0) => panic!("an idle connection was closed"),
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => panic!("{error}"),
            }
        }
    }
}

fn resident_kib(program: &Program) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", program.pid())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
