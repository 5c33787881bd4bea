//! A real Chromium, driven by the chromedriver beside it. Both end with this process, however it ends.

use std::{
    cell::RefCell,
    env, fs,
    io::{BufRead, BufReader},
    os::unix::process::CommandExt,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::{Arc, Condvar, LazyLock, Mutex, PoisonError, Weak},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use thirtyfour::{ChromiumLikeCapabilities, DesiredCapabilities, LoggingPrefsLogLevel, WebDriver};

use super::database::scratch;

/// How many specs may have browsers open at once; more would only wait for each other's processors.
const SEATS: usize = 2;

/// No calls home, no first-run pages, nothing that needs a screen.
const FLAGS: [&str; 12] = [
    "--headless=new",
    "--no-sandbox",
    "--no-first-run",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-extensions",
    "--disable-sync",
    "--disable-search-engine-choice-screen",
    "--window-size=1280,900",
];

/// One browser with a profile of its own. It is gone, profile and all, when this is dropped.
pub struct Chromium {
    pub driver: WebDriver,
    profile: PathBuf,
    _seat: Arc<Seat>,
}

impl Chromium {
    pub async fn start(scripts: bool) -> Self {
        let seat = Seat::take();
        let profile = scratch("chromium");
        let mut wanted = DesiredCapabilities::chrome();
        let mut set_up = || -> thirtyfour::error::WebDriverResult<()> {
            wanted.set_binary(&setting("CHROME_BIN", "chromium"))?;
            for flag in FLAGS {
                wanted.add_arg(flag)?;
            }
            wanted.add_arg(&format!("--user-data-dir={}", profile.display()))?;
            if !scripts {
                let off = json!({ "profile.managed_default_content_settings.javascript": 2 });
                wanted.add_experimental_option("prefs", off)?;
            }
            wanted.set_logging_prefs("browser", LoggingPrefsLogLevel::All)
        };
        set_up().expect("these settings can be written down");
        let driver = WebDriver::new(&DRIVER.url, wanted).await.expect("Chromium starts");
        Self { driver, profile, _seat: seat }
    }

    /// What its console complained about since it was asked last, as `source: message`.
    pub fn complaints(&self) -> Vec<String> {
        let entries = self.ask(|http, session| {
            http.post(format!("{session}/se/log")).json(&json!({ "type": "browser" }))
        });
        let complaint = |entry: &Value| {
            let text = |name: &str| entry[name].as_str().unwrap_or_default().to_owned();
            (entry["level"] == "SEVERE").then(|| format!("{}: {}", text("source"), text("message")))
        };
        entries["value"].as_array().into_iter().flatten().filter_map(complaint).collect()
    }

    /// What it shows, in a file that stays.
    pub fn take_picture(&self) -> PathBuf {
        let name = std::thread::current().name().unwrap_or("somebody").replace("::", "-");
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.png"));
        let taken = self.ask(|http, session| http.get(format!("{session}/screenshot")));
        let picture = STANDARD.decode(taken["value"].as_str().unwrap_or_default());
        let _ = fs::write(&path, picture.unwrap_or_default());
        path
    }

    /// Asks chromedriver from a thread of its own: whoever drops a browser cannot await.
    fn ask(
        &self,
        request: impl FnOnce(&reqwest::Client, &str) -> reqwest::RequestBuilder + Send,
    ) -> Value {
        let session = format!("{}/session/{}", DRIVER.url, self.driver.session_id());
        std::thread::scope(|scope| {
            let asked = scope.spawn(|| {
                actix_web::rt::System::new().block_on(async {
                    let http = reqwest::Client::new();
                    let answer = request(&http, &session).send().await.ok()?;
                    answer.json().await.ok()
                })
            });
            asked.join().ok().flatten().unwrap_or_default()
        })
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        self.ask(|http, session| http.delete(session));
        let _ = self.driver.clone().leak();
        let _ = fs::remove_dir_all(&self.profile);
    }
}

fn setting(name: &str, usual: &str) -> String {
    let found = || {
        let path = env::var_os("PATH")?;
        env::split_paths(&path).map(|dir| dir.join(usual)).find(|path| path.exists())
    };
    env::var(name).ok().filter(|value| !value.is_empty()).unwrap_or_else(|| {
        found()
            .unwrap_or_else(|| panic!("{name} is not set, and {usual} is not in the path"))
            .display()
            .to_string()
    })
}

/// A spec counts once, however many people are in it.
struct Seat;

thread_local! {
    static MINE: RefCell<Weak<Seat>> = const { RefCell::new(Weak::new()) };
}

static TAKEN: Mutex<usize> = Mutex::new(0);
static FREED: Condvar = Condvar::new();

impl Seat {
    fn take() -> Arc<Self> {
        if let Some(seat) = MINE.with_borrow(Weak::upgrade) {
            return seat;
        }
        let taken = TAKEN.lock().unwrap_or_else(PoisonError::into_inner);
        let free = FREED.wait_while(taken, |taken| *taken >= SEATS);
        *free.unwrap_or_else(PoisonError::into_inner) += 1;
        let seat = Arc::new(Self);
        MINE.set(Arc::downgrade(&seat));
        seat
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        *TAKEN.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        FREED.notify_one();
    }
}

static DRIVER: LazyLock<Driver> = LazyLock::new(Driver::start);

/// chromedriver, for everybody in this run.
struct Driver {
    url: String,
    /// As long as we hold its input, it goes on.
    _shell: Child,
}

impl Driver {
    /// The shell reads from us until there is no us any more; then it ends everything it has started, browsers
    /// included. That works however we end, and on every Unix.
    fn start() -> Self {
        let mut shell = Command::new("sh")
            .args(["-c", r#""$0" --port=0 & cat >/dev/null; kill 0"#])
            .arg(setting("CHROMEDRIVER", "chromedriver"))
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("a shell starts");
        let mut said = BufReader::new(shell.stdout.take().expect("its output is ours")).lines();
        let port = said
            .by_ref()
            .map_while(Result::ok)
            .find_map(|line| {
                line.split_once("successfully on port ")?
                    .1
                    .trim_end_matches('.')
                    .parse::<u16>()
                    .ok()
            })
            .expect("chromedriver says where it listens");
        std::thread::spawn(move || said.for_each(drop));
        Self { url: format!("http://127.0.0.1:{port}"), _shell: shell }
    }
}
