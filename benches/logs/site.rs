//! The program with its own Postgres, and somebody signed in there.

use std::{
    fs,
    net::TcpListener,
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use diesel::{Connection, PgConnection, RunQueryDsl, sql_query};
use latchkey::managed_postgres::{self, Options};
use reqwest::{Client, header, redirect::Policy};

use super::fill;

/// One of the people to whom the keys of the demo belong.
pub const MANAGER: &str = "ada.novak@example.com";
/// So many keys.
const KEYS: &str = "10000";

/// A program of its own, with a directory of its own; both go when this is dropped.
pub struct Site {
    data_dir: PathBuf,
    address: String,
    program: Child,
}

impl Site {
    /// Fills the log with so many rows and starts the program.
    pub async fn start(rows: u64) -> Result<Self> {
        let data_dir = std::env::temp_dir().join(format!("latchkey-logs-{}", std::process::id()));
        fs::create_dir_all(&data_dir)?;
        let filled = program(&data_dir).args(["demo", "--keys", KEYS]).output()?;
        ensure!(filled.status.success(), "{}", String::from_utf8_lossy(&filled.stderr));
        // Somebody else took it in between: then the program says so and ends.
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let log = fs::File::create(data_dir.join("log"))?;
        let program = program(&data_dir)
            .arg("serve")
            .env("LATCHKEY_LISTEN", format!("127.0.0.1:{port}"))
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()?;
        let site = Self { data_dir, address: format!("http://127.0.0.1:{port}"), program };
        site.wait().await?;
        let mut conn = site.connect()?;
        // Ada gets Alex's password, so that somebody can be who owns many keys.
        sql_query(
            "update users set password_hash =
                 (select password_hash from users where email = 'alex@example.com')
             where email = 'ada.novak@example.com'",
        )
        .execute(&mut conn)?;
        fill::fill(&mut conn, rows)?;
        Ok(site)
    }

    /// The site's own Postgres.
    pub fn connect(&self) -> Result<PgConnection> {
        let dir = self.data_dir.join("postgres");
        let postgres = managed_postgres::connect_or_start(&dir, Options::default())?;
        Ok(PgConnection::establish(postgres.url())?)
    }

    pub fn postgres_log(&self) -> PathBuf {
        self.data_dir.join("postgres/postgres.log")
    }

    async fn wait(&self) -> Result<()> {
        let client = Client::new();
        for _ in 0..600 {
            if client.get(format!("{}/readyz", self.address)).send().await.is_ok() {
                return Ok(());
            }
            thread::sleep(Duration::from_millis(100));
        }
        bail!("it does not answer; {} says why", self.data_dir.join("log").display())
    }

    /// Somebody who looks at all modes.
    pub async fn sign_in(&self, email: &str) -> Result<Person> {
        let sign_ins = fs::read_to_string(self.data_dir.join("demo-sign-ins.txt"))?;
        let password = sign_ins
            .lines()
            .find_map(|line| line.trim().strip_prefix("alex@example.com"))
            .and_then(|rest| rest.split_whitespace().next())
            .context("Alex is not in demo-sign-ins.txt")?;
        let client = Client::builder().redirect(Policy::none()).build()?;
        let fields = [("email", email), ("password", password), ("next", "/logs")];
        let body =
            url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let answer = client
            .post(format!("{}/sign-in", self.address))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header("Sec-Fetch-Site", "same-origin")
            .body(body)
            .send()
            .await?;
        ensure!(answer.status() == 303, "{email} cannot sign in: {}", answer.status());
        let cookie = answer.headers()[header::SET_COOKIE].to_str()?;
        let cookie = cookie.split(';').next().unwrap_or_default().to_owned();
        Ok(Person { client, address: self.address.clone(), cookie })
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        let _ = Command::new("kill").arg(self.program.id().to_string()).status();
        let _ = self.program.wait();
        let _ = managed_postgres::remove(&self.data_dir.join("postgres"));
        let _ = fs::remove_dir_all(&self.data_dir);
    }
}

fn program(data_dir: &PathBuf) -> Command {
    let mut program = Command::new(env!("CARGO_BIN_EXE_latchkey"));
    program.env_clear().env("LATCHKEY_DATA_DIR", data_dir).env("LATCHKEY_LOG", "warn");
    if let Some(path) = std::env::var_os("PATH") {
        program.env("PATH", path);
    }
    program
}

/// A browser, as far as it matters here.
pub struct Person {
    client: Client,
    address: String,
    cookie: String,
}

impl Person {
    /// From the question to the last byte of the answer, and what it was.
    pub async fn time(&mut self, path: &str) -> Result<(Duration, String)> {
        let question =
            self.client.get(format!("{}{path}", self.address)).header(header::COOKIE, &self.cookie);
        let began = Instant::now();
        let answer = question.send().await?;
        let status = answer.status();
        let text = answer.text().await?;
        let took = began.elapsed();
        ensure!(status == 200, "{path} answered {status}");
        Ok((took, text))
    }
}
