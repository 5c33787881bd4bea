//! A real mail server on loopback, aiosmtpd, with what it has taken.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use serde_json::Value;

use super::until;
use crate::support::database::scratch;

pub struct MailServer {
    pub port: u16,
    child: Child,
    dir: PathBuf,
}

impl MailServer {
    /// One that takes mails from anybody.
    pub fn start() -> Self {
        Self::start_on(0, &[])
    }

    /// One that wants STARTTLS, and kim with the password `pass@word`.
    pub fn that_is_careful() -> Self {
        Self::start_on(0, &["tls"])
    }

    /// One at a port where there was none before.
    pub fn at(port: u16) -> Self {
        Self::start_on(port, &[])
    }

    fn start_on(port: u16, more: &[&str]) -> Self {
        let dir = scratch("mail");
        fs::create_dir_all(&dir).unwrap();
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let log = File::create(dir.join("log")).unwrap();
        let mut child = Command::new(root.join("target/mail/bin/python"))
            .arg(root.join("tests/specs/sending/mail_server.py"))
            .arg(&dir)
            .arg(port.to_string())
            .args(more)
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap_or_else(|error| panic!("aiosmtpd cannot be run, bin/test brings it: {error}"));
        let mut first = String::new();
        let mut said = BufReader::new(child.stdout.take().unwrap());
        said.read_line(&mut first).unwrap();
        let port = first.trim().parse().unwrap_or_else(|_| {
            panic!(
                "it does not start:\n{}",
                fs::read_to_string(dir.join("log")).unwrap_or_default()
            )
        });
        Self { port, child, dir }
    }

    /// For `SMTP_URL`.
    pub fn url(&self) -> String {
        format!("smtp://127.0.0.1:{}", self.port)
    }

    /// In whom those must trust who trust its certificate.
    pub fn authority(&self) -> String {
        self.dir.join("ca.pem").to_string_lossy().into_owned()
    }

    /// What it has taken, the first that came first.
    pub fn mails(&self) -> Vec<Value> {
        let mails = fs::read_to_string(self.dir.join("mails.jsonl")).unwrap_or_default();
        mails.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    /// Waits until it has taken so many.
    #[track_caller]
    pub fn has_taken(&self, count: usize) -> Vec<Value> {
        until(&format!("{count} mails are taken"), || {
            Some(self.mails()).filter(|mails| mails.len() >= count)
        })
    }

    /// The mails to somebody.
    pub fn mails_to(&self, address: &str) -> Vec<Value> {
        self.mails().into_iter().filter(|mail| mail["to"][0] == address).collect()
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.dir);
    }
}
