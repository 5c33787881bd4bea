//! This process as the kernel sees it, under the names that Prometheus's own clients use. Linux tells; elsewhere there
//! is nothing.

use std::{fmt::Error, fs};

use super::families::Families;

/// Linux has counted processor time in hundredths of a second for every program since it exists.
const TICKS: f64 = 100.0;

/// Writes what the kernel tells.
///
/// # Errors
/// When it cannot be written.
pub fn encode(families: &mut Families<'_>) -> Result<(), Error> {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kibibytes = |name: &str| -> Option<f64> {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim_start_matches(':').split_whitespace().next()?.parse().ok()
    };
    if let Some(resident) = kibibytes("VmRSS") {
        families.gauge(
            "process_resident_memory_bytes",
            "Memory that is really there",
            resident * 1024.0,
        )?;
    }
    if let Some(threads) = kibibytes("Threads") {
        families.gauge("process_threads", "Threads", threads)?;
    }
    if let Some(seconds) = processor_seconds() {
        // A counter, but one with a fraction.
        families.seconds("process_cpu_seconds", "Processor time, of user and system", seconds)?;
    }
    if let Ok(open) = fs::read_dir("/proc/self/fd") {
        // One of them reads the directory.
        let open = open.count().saturating_sub(1);
        families.gauge("process_open_fds", "Open files and connections", open as f64)?;
    }
    if let Some(most) = most_files() {
        families.gauge("process_max_fds", "Open files and connections at most", most)?;
    }
    Ok(())
}

/// Fields 14 and 15 of `stat`, counted after the name of the program, which may hold anything.
fn processor_seconds() -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut fields = after_name.split_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<f64>().ok();
    Some((ticks()? + ticks()?) / TICKS)
}

fn most_files() -> Option<f64> {
    let limits = fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}
