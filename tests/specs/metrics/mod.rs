//! What Prometheus is told.

mod counting;
mod listening;
mod named;
mod outage;

use std::collections::BTreeMap;

use crate::support::{TestApp, database::SpecDatabase};

/// A server that Prometheus may ask.
pub(crate) fn start() -> TestApp {
    let app = TestApp::start_with(&[("LATCHKEY_METRICS_LISTEN", "127.0.0.1:0")]);
    fill(&app);
    app
}

/// As [`start`], with another way to its database.
fn start_behind(database: SpecDatabase, url: &str) -> TestApp {
    let settings = [("LATCHKEY_METRICS_LISTEN", "127.0.0.1:0"), ("DATABASE_URL", url)];
    let app = TestApp::on(database, &settings);
    fill(&app);
    app
}

fn fill(app: &TestApp) {
    app.preset("marketplace");
    app.application("Storefront");
}

/// What is told now: every number by its name with its labels.
pub(crate) struct Told {
    text: String,
    numbers: BTreeMap<String, f64>,
}

impl Told {
    pub(crate) async fn by(app: &TestApp) -> Self {
        let address = app.metrics_address.expect("it was asked to listen");
        let answer = reqwest::get(format!("http://{address}/metrics")).await.unwrap();
        assert_eq!(answer.status(), 200);
        let text = answer.text().await.unwrap();
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let numbers = lines
            .map(|line| {
                let (name, number) = line.rsplit_once(' ').expect("a name, and its number");
                (name.to_owned(), number.parse().expect("a number"))
            })
            .collect();
        Self { text, numbers }
    }

    #[track_caller]
    fn number(&self, name: &str) -> f64 {
        *self.numbers.get(name).unwrap_or_else(|| panic!("{name} is not told:\n{}", self.text))
    }

    #[track_caller]
    pub(crate) fn verdicts(&self, endpoint: &str, code: &str) -> f64 {
        self.number(&format!("latchkey_verdicts_total{{endpoint=\"{endpoint}\",code=\"{code}\"}}"))
    }
}
