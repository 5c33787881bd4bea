//! How long pages take with a hundred, a hundred thousand and a million keys, and what they weigh: `bin/bench --pages`.
//!
//! Each size has a program and a private Postgres of its own. A page is asked for over one connection that stays open,
//! in turn at each size, so that whatever else the machine does meets all of them alike. Times are as a client sees them.
//!
//! | file | |
//! |---|---|
//! | `cases.rs` | the pages |
//! | `site.rs` | a program with so many keys, and somebody signed in there |
//! | `weight.rs` | what a page and everything it loads weigh |

mod cases;
mod site;
mod weight;

use std::{env, time::Duration};

use anyhow::{Result, bail};

use cases::Case;
use site::{Person, Site};

/// The longest a page may take with the most keys, and where a search for something rare ends.
const LIMIT: Duration = Duration::from_millis(10);
const LIMIT_OF_A_SEARCH: Duration = Duration::from_millis(15);
/// How many times longer than with the fewest.
const RATIO: f64 = 2.0;

struct Wanted {
    sizes: Vec<u32>,
    rounds: usize,
    /// Only pages whose name contains this.
    only: String,
}

fn main() -> Result<()> {
    let wanted = wanted()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(measure(&wanted))
}

fn wanted() -> Result<Wanted> {
    let mut wanted =
        Wanted { sizes: vec![100, 100_000, 1_000_000], rounds: 15, only: String::new() };
    let mut words = env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--bench" => {} // cargo says so
            "--quick" => wanted.sizes = vec![100, 100_000],
            "--keys" => {
                let typed = words.next().unwrap_or_default();
                wanted.sizes = typed.split(',').map(str::parse).collect::<Result<_, _>>()?;
            }
            "--rounds" => wanted.rounds = words.next().unwrap_or_default().parse()?,
            "--only" => wanted.only = words.next().unwrap_or_default(),
            _ => bail!(
                "bin/bench --pages [--quick] [--keys 100,100000,1000000] [--rounds 15] [--only NAME]"
            ),
        }
    }
    if wanted.sizes.is_empty() || wanted.rounds == 0 {
        bail!("--keys and --rounds want numbers");
    }
    Ok(wanted)
}

async fn measure(wanted: &Wanted) -> Result<()> {
    let mut sites = Vec::new();
    for &keys in &wanted.sizes {
        sites.push(Site::start(keys).await?);
    }
    let (mut met, mut kept, mut of) = (0, 0, 0);
    for who in ["alex@example.com", site::MANAGER] {
        for mode in if who == site::MANAGER { &["all"][..] } else { &["all", "live", "test"] } {
            println!("\n{who}, {mode} modes; milliseconds, median (best)");
            let mut people = Vec::new();
            for site in &sites {
                people.push(site.sign_in(who, mode).await?);
            }
            let each = cases::of(&mut people, mode, who == site::MANAGER).await?;
            for name in cases::names(&each).filter(|name| name.contains(&wanted.only)) {
                let row = time(&mut people, &each, name, wanted.rounds).await?;
                let (is_soon, is_steady) = row.print(name);
                of += 1;
                kept += usize::from(is_soon);
                met += usize::from(is_soon && is_steady);
            }
        }
    }
    println!(
        "\n{kept} of {of} pages took no longer than they may; {met} of them at most {RATIO} times as long as with the fewest keys."
    );
    if let Some(site) = sites.first() {
        weight::print(&mut site.sign_in("alex@example.com", "all").await?).await?;
    }
    Ok(())
}

/// What a page took at each size, sorted.
struct Row {
    times: Vec<Vec<Duration>>,
    limit: Duration,
}

async fn time(people: &mut [Person], each: &[Vec<Case>], name: &str, rounds: usize) -> Result<Row> {
    let mut row = Row { times: vec![Vec::new(); people.len()], limit: LIMIT };
    // The first round warms up.
    for round in 0..=rounds {
        for (at, person) in people.iter_mut().enumerate() {
            let Some(case) = each[at].iter().find(|case| case.name == name) else { continue };
            let took = person.time(case).await?;
            if round > 0 {
                row.times[at].push(took);
            }
            if case.is_rare {
                row.limit = LIMIT_OF_A_SEARCH;
            }
        }
    }
    row.times.iter_mut().for_each(|times| times.sort_unstable());
    Ok(row)
}

impl Row {
    /// One line of the table; whether the page took no longer than it may, and not much longer than with few keys.
    fn print(&self, name: &str) -> (bool, bool) {
        print!("{name:44}");
        for times in &self.times {
            match times.get(times.len() / 2) {
                Some(median) => print!(" {:>8.1} ({:.1})", ms(*median), ms(times[0])),
                None => print!(" {:>14}", "-"),
            }
        }
        let middle = |times: &Vec<Duration>| times.get(times.len() / 2).copied();
        let (Some(fewest), Some(most)) =
            (self.times.first().and_then(middle), self.times.last().and_then(middle))
        else {
            println!();
            return (true, true);
        };
        let ratio = most.as_secs_f64() / fewest.as_secs_f64();
        let (is_soon, is_steady) = (most <= self.limit, ratio <= RATIO);
        let verdict = match (is_soon, is_steady) {
            (true, true) => "met",
            (true, false) => "soon, but not met",
            _ => "not met",
        };
        println!("  {ratio:4.1}×  {verdict}");
        (is_soon, is_steady)
    }
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}
