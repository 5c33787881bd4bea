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

#[actix_web::test]
async fn a_slow_head_is_cut_also_when_it_is_not_the_first_and_an_idle_connection_is_not() {
    let app = TestApp::start();
    let head = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
    let asked = || {
        let mut stream = TcpStream::connect(app.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
        stream.write_all(head).unwrap();
        assert!(answer(&mut stream).starts_with("HTTP/1.1 200"));
        stream
    };
    let (mut silent, mut trickling, mut blank, mut idle) = (asked(), asked(), asked(), asked());
    silent.write_all(&head[..30]).unwrap();
    let began = Instant::now();
    let mut bytes = head.iter().cycle();
    let mut cut = [None; 3];
    while cut.contains(&None) {
        assert!(began.elapsed() < Duration::from_secs(15), "{cut:?}");
        // Never more than a part of a head.
        let _ = trickling.write_all(&[*bytes.by_ref().find(|byte| **byte != b'\n').unwrap()]);
        let _ = blank.write_all(b"\r\n");
        for (stream, cut) in [&mut silent, &mut trickling, &mut blank].into_iter().zip(&mut cut) {
            if cut.is_none() && is_closed(stream) {
                *cut = Some(began.elapsed());
            }
        }
    }
    for at in cut.into_iter().flatten() {
        assert!(at >= Duration::from_millis(4500), "{at:?} is too soon");
    }
    idle.write_all(head).unwrap();
    assert!(answer(&mut idle).starts_with("HTTP/1.1 200"), "nobody is waited for here");
}

/// An answer, read until there is a pause.
fn answer(stream: &mut TcpStream) -> String {
    let (mut bytes, mut part) = (Vec::new(), [0; 4096]);
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(5) {
        match stream.read(&mut part) {
            Ok(0) => break,
            Ok(count) => bytes.extend_from_slice(&part[..count]),
            Err(_) if bytes.ends_with(b"ok\n") => break,
            Err(_) => {}
        }
    }
    String::from_utf8(bytes).unwrap()
}

fn is_closed(stream: &mut TcpStream) -> bool {
    match stream.read(&mut [0; 512]) {
        Ok(count) => count == 0,
        Err(error) => !matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
    }
}

fn resident_kib(program: &Program) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", program.pid())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
