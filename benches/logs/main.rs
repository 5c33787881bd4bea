//! How long a filtered page of the request log takes with ten million rows over thirty days: `bin/bench --logs`.
//!
//! A program of its own on a private Postgres of its own, with the demo's keys; the log is filled by Postgres itself, a
//! day at a time. Pages are asked for over one connection that stays open. Times are as a client sees them; afterwards
//! each page is asked for once more while Postgres explains what it does.
//!
//! | file | |
//! |---|---|
//! | `cases.rs` | the pages |
//! | `fill.rs` | the rows |
//! | `plans.rs` | what Postgres says it did |
//! | `site.rs` | the program, and somebody signed in there |

mod cases;
mod fill;
mod plans;
mod site;

use std::{env, time::Duration};

use anyhow::{Result, bail};

use site::Site;

/// The longest a filtered page may take.
const LIMIT: Duration = Duration::from_millis(100);

struct Wanted {
    rows: u64,
    rounds: usize,
    /// Only pages whose name contains this.
    only: String,
    plans: bool,
}

fn main() -> Result<()> {
    let wanted = wanted()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(measure(&wanted))
}

fn wanted() -> Result<Wanted> {
    let mut wanted = Wanted { rows: 10_000_000, rounds: 7, only: String::new(), plans: true };
    let mut words = env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--bench" => {} // cargo says so
            "--quick" => wanted.rows = 300_000,
            "--rows" => wanted.rows = words.next().unwrap_or_default().parse()?,
            "--rounds" => wanted.rounds = words.next().unwrap_or_default().parse()?,
            "--only" => wanted.only = words.next().unwrap_or_default(),
            "--no-plans" => wanted.plans = false,
            _ => bail!(
                "bin/bench --logs [--quick] [--rows 10000000] [--rounds 7] [--only NAME] [--no-plans]"
            ),
        }
    }
    if wanted.rows < 1_000 || wanted.rounds == 0 {
        bail!("--rows and --rounds want numbers");
    }
    Ok(wanted)
}

async fn measure(wanted: &Wanted) -> Result<()> {
    let site = Site::start(wanted.rows).await?;
    let mut alex = site.sign_in("alex@example.com").await?;
    let mut ada = site.sign_in(site::MANAGER).await?;
    let cases = cases::of(&site)?;
    let (mut met, mut of) = (0, 0);
    println!("\nmilliseconds, median (best, worst)");
    for case in cases.iter().filter(|case| case.name.contains(&wanted.only)) {
        let person = if case.is_managers { &mut ada } else { &mut alex };
        let mut times = Vec::new();
        let mut rows = 0;
        // The first one warms up.
        for round in 0..=wanted.rounds {
            let (took, text) = person.time(&case.path).await?;
            rows = text.matches("<tr id=\"log-").count();
            if round > 0 {
                times.push(took);
            }
        }
        times.sort_unstable();
        let (best, median, worst) = (times[0], times[times.len() / 2], times[times.len() - 1]);
        let is_met = median < LIMIT;
        (met, of) = (met + usize::from(is_met), of + 1);
        println!(
            "{:58} {:>7.1} ({:.1}, {:.1})  {rows:>2} rows  {}",
            case.name,
            ms(median),
            ms(best),
            ms(worst),
            if is_met { "met" } else { "not met" }
        );
    }
    println!("\n{met} of {of} pages took less than {:.0} ms.", ms(LIMIT));
    if wanted.plans {
        let explained = plans::begin(&site)?;
        for case in cases.iter().filter(|case| case.name.contains(&wanted.only)) {
            let person = if case.is_managers { &mut ada } else { &mut alex };
            person.time(&case.path).await?;
            plans::print(&explained, &case.name)?;
        }
    }
    Ok(())
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}
