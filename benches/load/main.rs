//! The verification engine under load: how fast, how even, how large, beside a handler that does nothing.
//! `bin/bench` runs it.
//!
//! | file | |
//! |---|---|
//! | `cases.rs` | what is measured |
//! | `world.rs` | an installation of its own: Postgres, keys, gateways, what was counted |
//! | `process.rs` | servers as processes of their own, each on one core |
//! | `bare.rs` | the handler to compare with |
//! | `requests.rs` | credentials to draw from, and the bytes of a request |
//! | `generator.rs` | sending, and timing the answers |
//! | `rounds.rs` | everything in turn, over and over |
//! | `report.rs` | the table, and the targets |
//! | `flood.rs` | a million strangers beside good keys |
//! | `soak.rs` | full load for minutes, counted to the request |

mod bare;
mod cases;
mod flood;
mod generator;
mod process;
mod report;
mod requests;
mod rounds;
mod soak;
mod world;

use std::process::ExitCode;

use clap::Parser;

/// Measures the verification engine beside a bare handler.
#[derive(Parser)]
#[command(name = "bin/bench")]
pub struct Arguments {
    /// 10 000 keys and two rounds: a minute and a half instead of six
    #[arg(long)]
    quick: bool,
    /// How many the many keys are [default: 1000000]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1_000..=5_000_000))]
    keys: Option<u32>,
    /// How often each case is measured [default: 5; 2 with --quick]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: Option<u32>,
    /// Seconds of a round
    #[arg(long, default_value_t = 1.0)]
    seconds: f64,
    /// Connections of the generator; one request at a time on each
    #[arg(long, default_value_t = 32)]
    connections: usize,
    /// Requests a second of the open loop
    #[arg(long, default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(1..))]
    rate: u32,
    /// Only cases whose name has this in it, and those they are compared with
    #[arg(long, default_value = "")]
    only: String,
    /// Instead: what a flood of keys that are nobody's does to those who have good ones; --keys of them
    #[arg(long)]
    flood: bool,
    /// Instead: full load for --minutes, and whether every request is counted and logged
    #[arg(long, conflicts_with = "flood")]
    soak: bool,
    /// How long that is
    #[arg(long, default_value_t = 10.0)]
    minutes: f64,
    /// cargo bench says so
    #[arg(long, hide = true)]
    bench: bool,
    /// Serve as the handler to compare with
    #[arg(long, hide = true)]
    bare: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = match (arguments.bare, arguments.flood) {
        (true, _) => bare::serve().map(|()| true),
        (_, true) => flood::run(&arguments),
        _ if arguments.soak => soak::run(&arguments),
        _ => rounds::run(&arguments),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}
