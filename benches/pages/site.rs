//! A program with so many keys, and somebody signed in there.

use std::{
    fs,
    net::TcpListener,
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use actix_web::cookie;
use anyhow::{Context, Result, bail, ensure};
use base64::{Engine, engine::general_purpose::STANDARD};
use diesel::{
    Connection, OptionalExtension, PgConnection, QueryableByName, RunQueryDsl,
    connection::SimpleConnection, sql_query, sql_types::BigInt,
};
use latchkey::{
    keys::{Cursor, FilterForm, queries},
    managed_postgres,
    users::{Origin, Viewer, queries::find_by_email},
    web::Signer,
};
use reqwest::{Client, Response, header, redirect::Policy};

use super::cases::Case;

/// One of the people to whom the keys of the demo belong.
pub const MANAGER: &str = "ada.novak@example.com";

/// Under which the program signs the places in its lists, so that we can name one that no link leads to in time.
const SESSION_KEY: [u8; 64] = [7; 64];

/// In these orders, what is in the middle: the rest of a list's question, then what it is sorted by.
const MIDDLES: [(&str, &str); 6] = [
    ("", "created_at desc, id desc"),
    ("created", "created_at, id"),
    ("name", "lower(name) collate \"C\", id"),
    ("-name", "lower(name) collate \"C\" desc, id desc"),
    ("last_used", "coalesce(last_used_at, '-infinity'), id"),
    ("-last_used", "coalesce(last_used_at, '-infinity') desc, id desc"),
];

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
            .env("LATCHKEY_SESSION_KEY", STANDARD.encode(SESSION_KEY))
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
        let mut conn = self.connect()?;
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

    /// As somebody beside the program, which runs Postgres.
    fn connect(&self) -> Result<PgConnection> {
        let postgres = managed_postgres::connect_or_start(
            &self.data_dir.join("postgres"),
            managed_postgres::Options::default(),
        )?;
        Ok(PgConnection::establish(postgres.url())?)
    }

    /// The addresses of the pages in the middle of somebody's list, by its order: what a link on the page before says.
    fn middles(&self, email: &str) -> Result<Vec<(&'static str, String)>> {
        #[derive(QueryableByName)]
        struct Place {
            #[diesel(sql_type = BigInt)]
            id: i64,
        }
        let mut conn = self.connect()?;
        let user = find_by_email(&mut conn, email)?.context("nobody has that address")?;
        let viewer = Viewer::load(&mut conn, user.id, Origin::default())?;
        let key = cookie::Key::from(&SESSION_KEY);
        let signer = Signer { key: key.signing(), viewer: &viewer };
        let whose = if viewer.is_administrator() {
            "true".into()
        } else {
            format!("owner_id = {}", user.id)
        };
        let mut middles = Vec::new();
        for (sort, order) in MIDDLES {
            let place: Option<Place> = sql_query(format!(
                "with seen as (select * from keys where deleted_at is null and {whose})
                 select id from seen order by {order} offset (select count(*) / 2 from seen) limit 1"
            ))
            .get_result(&mut conn)
            .optional()?;
            let Some(Place { id }) = place else { continue };
            let form = FilterForm { sort: sort.into(), ..FilterForm::default() };
            let order = form.parse(&signer)?.order;
            for key in queries::by_ids(&mut conn, &viewer, &[id])? {
                let after = Cursor::at(&key, order, false).spell(&signer, &form);
                middles.push((sort, FilterForm { after, ..form.clone() }.address()));
            }
        }
        Ok(middles)
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
        let middles = if mode == "all" { self.middles(email)? } else { Vec::new() };
        let mut person =
            Person { client, address: self.address.clone(), cookie: String::new(), middles };
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
    /// Pages in the middle of their list of keys, by its order.
    pub middles: Vec<(&'static str, String)>,
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
