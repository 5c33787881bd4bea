//! A program with so many keys, and somebody signed in there.

use std::{
    fs,
    net::TcpListener,
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use diesel::{Connection, PgConnection, RunQueryDsl, connection::SimpleConnection, sql_query};
use latchkey::managed_postgres;
use reqwest::{Client, Response, header, redirect::Policy};

use super::cases::Case;

/// One of the people to whom the keys of the demo belong.
pub const MANAGER: &str = "ada.novak@example.com";

/// A program of its own, with a directory of its own; both go when this is dropped.
pub struct Site {
    data_dir: PathBuf,
    address: String,
    program: Child,
}

impl Site {
    /// Fills it with so many keys and starts it.
    pub async fn start(keys: u32) -> Result<Self> {
        let data_dir =
            std::env::temp_dir().join(format!("latchkey-pages-{}-{keys}", std::process::id()));
        fs::create_dir_all(&data_dir)?;
        let began = Instant::now();
        let filled = program(&data_dir).args(["demo", "--keys", &keys.to_string()]).output()?;
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
        site.settle()?;
        println!("{keys} keys: ready after {:.0} s", began.elapsed().as_secs_f64());
        Ok(site)
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

    /// What autovacuum does within minutes. And Ada gets Alex's password, so that somebody can be who owns many keys.
    fn settle(&self) -> Result<()> {
        let postgres = managed_postgres::connect_or_start(
            &self.data_dir.join("postgres"),
            managed_postgres::Options::default(),
        )?;
        let mut conn = PgConnection::establish(postgres.url())?;
        sql_query(
            "update users set password_hash =
                 (select password_hash from users where email = 'alex@example.com')
             where email = 'ada.novak@example.com'",
        )
        .execute(&mut conn)?;
        for table in ["keys", "key_secrets", "key_permissions", "key_sections", "key_limits"] {
            conn.batch_execute(&format!("vacuum analyze {table}"))?;
        }
        conn.batch_execute("checkpoint")?;
        Ok(())
    }

    /// Somebody who looks at this mode.
    pub async fn sign_in(&self, email: &str, mode: &str) -> Result<Person> {
        let sign_ins = fs::read_to_string(self.data_dir.join("demo-sign-ins.txt"))?;
        let password = sign_ins
            .lines()
            .find_map(|line| line.trim().strip_prefix("alex@example.com"))
            .and_then(|rest| rest.split_whitespace().next())
            .context("Alex is not in demo-sign-ins.txt")?;
        let client = Client::builder().redirect(Policy::none()).build()?;
        let mut person = Person { client, address: self.address.clone(), cookie: String::new() };
        person.get("/sign-in").await?;
        let answer = person
            .post("/sign-in", &[("email", email), ("password", password), ("next", "/")])
            .await?;
        ensure!(answer.status() == 303, "{email} cannot sign in: {}", answer.status());
        let answer = person.post("/account/mode", &[("mode", mode), ("next", "/")]).await?;
        ensure!(answer.status() == 303, "the mode cannot be switched: {}", answer.status());
        Ok(person)
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
    /// The text of a page.
    pub async fn get(&mut self, path: &str) -> Result<String> {
        let answer = self.client.get(self.url(path)).header(header::COOKIE, &self.cookie);
        let answer = answer.send().await?;
        self.keep_cookie(&answer);
        Ok(answer.text().await?)
    }

    /// How many bytes come over the wire.
    pub async fn weigh(&mut self, path: &str) -> Result<usize> {
        let answer = self
            .client
            .get(self.url(path))
            .header(header::COOKIE, &self.cookie)
            .header(header::ACCEPT_ENCODING, "gzip");
        Ok(answer.send().await?.bytes().await?.len())
    }

    /// From the question to the last byte of the answer, compressed as browsers ask for it.
    pub async fn time(&mut self, case: &Case) -> Result<Duration> {
        let mut question = self
            .client
            .get(self.url(&case.path))
            .header(header::COOKIE, &self.cookie)
            .header(header::ACCEPT_ENCODING, "gzip");
        if case.is_fragment {
            question = question.header("HX-Request", "true");
        }
        let began = Instant::now();
        let answer = question.send().await?;
        let status = answer.status();
        answer.bytes().await?;
        let took = began.elapsed();
        ensure!(status == 200 || case.may_give_up, "{} answered {status}", case.path);
        Ok(took)
    }

    async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Result<Response> {
        let body =
            url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let answer = self
            .client
            .post(self.url(path))
            .header(header::COOKIE, &self.cookie)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header("Sec-Fetch-Site", "same-origin")
            .body(body)
            .send()
            .await?;
        self.keep_cookie(&answer);
        Ok(answer)
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.address)
    }

    fn keep_cookie(&mut self, answer: &Response) {
        let set = answer.headers().get(header::SET_COOKIE).and_then(|set| set.to_str().ok());
        if let Some(cookie) = set.and_then(|set| set.split(';').next()) {
            self.cookie = cookie.to_owned();
        }
    }
}
