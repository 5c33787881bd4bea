//! `latchkey check`: what is unsafe or wrong, setting by setting, and what to do about it.

mod mail;

use std::{
    borrow::Cow, fmt, fs, net::IpAddr, os::unix::fs::PermissionsExt, path::Path, process::ExitCode,
};

use diesel::{PgConnection, prelude::*};
use rustix::fs::{Access, access};
use url::{Host, Url};

use super::{answer::Answer, answer::complain, database, sentence};
use crate::{
    audit::guard::{self, Standing},
    clock,
    config::Config,
    db, durability,
    limits::{self, Examined},
    nodes,
    schema::users,
    users::Role,
    vault::Vault,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Level {
    Fine,
    Warning,
    Error,
}

/// One line: how bad, which setting, what to do.
#[derive(Debug, PartialEq, Eq)]
struct Finding {
    level: Level,
    setting: Cow<'static, str>,
    text: String,
}

impl Finding {
    fn fine(setting: &'static str, text: impl Into<String>) -> Self {
        Self { level: Level::Fine, setting: setting.into(), text: text.into() }
    }

    fn warning(setting: &'static str, text: impl Into<String>) -> Self {
        Self { level: Level::Warning, setting: setting.into(), text: text.into() }
    }

    fn error(setting: &'static str, text: impl Into<String>) -> Self {
        Self { level: Level::Error, setting: setting.into(), text: text.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let level = match self.level {
            Level::Fine => "ok",
            Level::Warning => "warning",
            Level::Error => "error",
        };
        write!(f, "{level:8} {}: {}", self.setting, self.text)
    }
}

/// Exits 1 when something is wrong. Changes nothing.
pub fn run() -> ExitCode {
    let findings = match Config::from_env() {
        Ok(config) => examine(&config),
        Err(error) => vec![Finding::error("configuration", sentence(&error))],
    };
    let lines: Vec<String> = findings.iter().map(ToString::to_string).collect();
    if let Err(error) = Answer::sentence(lines.join("\n")).print() {
        complain(&sentence(&error));
        return ExitCode::FAILURE;
    }
    match findings.iter().any(|finding| finding.level == Level::Error) {
        true => ExitCode::FAILURE,
        false => ExitCode::SUCCESS,
    }
}

fn examine(config: &Config) -> Vec<Finding> {
    let mut findings = vec![
        base_url(config),
        trusted_proxies(config),
        data_dir(&config.data_dir),
        session_key(config),
        vault(config),
    ];
    findings.extend(postgres(config));
    findings.push(redis(config));
    findings.push(mail::examine(config));
    findings.push(mail::examine_webhooks(config));
    findings
}

/// Passwords and secrets cross the network, so it has to be encrypted.
fn base_url(config: &Config) -> Finding {
    const SETTING: &str = "LATCHKEY_BASE_URL";
    match &config.base_url {
        Some(url) if url.scheme() == "https" => {
            Finding::fine(SETTING, "people reach the pages over https")
        }
        Some(url) if is_loopback(url) => Finding::fine(SETTING, "plain http, on this machine only"),
        Some(_) => Finding::error(
            SETTING,
            "is plain http, so that passwords and secrets could be read on the way; put a proxy with TLS in front and give its https address",
        ),
        None if config.listen.ip().is_loopback() => {
            Finding::fine(SETTING, "not set, and not needed on this machine only")
        }
        None => Finding::error(
            SETTING,
            format!(
                "is not set, but LATCHKEY_LISTEN lets others in at {}; give the https address that people type",
                config.listen
            ),
        ),
    }
}

/// Applications may keep secrets that can be seen again only when there is something to encrypt them with.
fn vault(config: &Config) -> Finding {
    const SETTING: &str = "LATCHKEY_VAULT_KEY";
    match config.vault.as_ref().map(Vault::size) {
        None => Finding::fine(SETTING, "not set: every secret is shown once, and none is kept"),
        Some(1) => Finding::fine(SETTING, "one key; keep a copy of it apart from the database"),
        Some(keys) => {
            Finding::fine(SETTING, format!("{keys} keys: the first encrypts, all of them decrypt"))
        }
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

/// Whoever is trusted may say from where a request comes.
fn trusted_proxies(config: &Config) -> Finding {
    const SETTING: &str = "LATCHKEY_TRUSTED_PROXIES";
    let everywhere = |ip: &str| {
        ip.parse::<IpAddr>()
            .is_ok_and(|ip| config.trusted_proxies.iter().any(|range| range.contains(&ip)))
    };
    // Ranges that cover everything without saying so, such as two halves, contain the ends of the address space.
    let covers = |ends: [&str; 4]| ends.into_iter().all(everywhere);
    if covers(["1.1.1.1", "100.100.100.100", "150.150.150.150", "223.255.255.254"])
        || covers(["2001::1", "2400::1", "2600::1", "2a00::1"])
    {
        Finding::error(
            SETTING,
            "covers everybody, so that anybody could pretend to come from anywhere; list your proxies only",
        )
    } else if config.trusted_proxies.is_empty() {
        Finding::fine(SETTING, "none: X-Forwarded-For is not believed")
    } else {
        Finding::fine(SETTING, format!("{} ranges", config.trusted_proxies.len()))
    }
}

fn data_dir(dir: &Path) -> Finding {
    const SETTING: &str = "LATCHKEY_DATA_DIR";
    let shown = dir.display();
    match fs::metadata(dir) {
        Err(_) if is_writable(dir) => {
            Finding::fine(SETTING, format!("{shown} will be made at the first start"))
        }
        Err(error) => Finding::warning(SETTING, format!("{shown} cannot be made: {error}")),
        Ok(facts) if !facts.is_dir() => {
            Finding::error(SETTING, format!("{shown} is not a directory"))
        }
        Ok(facts) if facts.permissions().mode() & 0o066 != 0 => Finding::warning(
            SETTING,
            format!("{shown} can be read by others; run: chmod go-rw {shown}"),
        ),
        Ok(_) => Finding::fine(SETTING, format!("{shown} cannot be read by others")),
    }
}

fn session_key(config: &Config) -> Finding {
    const SETTING: &str = "LATCHKEY_SESSION_KEY";
    if config.session_key.is_some() {
        Finding::fine(SETTING, "set")
    } else if is_writable(&config.data_dir) {
        Finding::fine(SETTING, "not set: one is generated and kept in the data directory")
    } else {
        Finding::error(
            SETTING,
            "is not set, and LATCHKEY_DATA_DIR is not writable, so that none can be kept; give 64 random bytes in base64, from: openssl rand -base64 64",
        )
    }
}

/// Whether the directory, or the nearest above it that exists, lets us write.
fn is_writable(dir: &Path) -> bool {
    let absolute = std::path::absolute(dir).unwrap_or_else(|_| dir.to_owned());
    absolute
        .ancestors()
        .find(|ancestor| ancestor.exists())
        .is_some_and(|ancestor| access(ancestor, Access::WRITE_OK | Access::EXEC_OK).is_ok())
}

fn postgres(config: &Config) -> Vec<Finding> {
    const SETTING: &str = "DATABASE_URL";
    if config.database_url.is_none() && !database::private_dir(config).exists() {
        return vec![Finding::fine(
            SETTING,
            "not set: a private Postgres is made at the first start",
        )];
    }
    let located = database::locate(config);
    let (mut conn, _private) = match located.and_then(|(url, kept)| Ok((db::connect(&url)?, kept)))
    {
        Ok(reached) => reached,
        Err(error) => return vec![Finding::error(SETTING, sentence(&error))],
    };
    let mut findings = vec![Finding::fine(SETTING, "Postgres can be reached")];
    findings.extend(durability(&mut conn));
    findings.extend(clocks(&mut conn));
    findings.push(match db::is_up_to_date(&mut conn) {
        Ok(true) => Finding::fine(SETTING, "the schema is up to date"),
        Ok(false) => Finding::warning(
            SETTING,
            "the schema is not up to date; run: latchkey migrate (the server does by itself)",
        ),
        Err(error) => Finding::error(SETTING, format!("migrations cannot be read: {error}")),
    });
    findings.extend(trail(&mut conn, config.database_url.is_none()));
    findings.push(administrator(&mut conn));
    findings.extend(nodes(&mut conn));
    findings
}

/// Whether whoever serves could change what was written down. Says nothing before the tables are there.
fn trail(conn: &mut PgConnection, is_private: bool) -> Option<Finding> {
    const SETTING: &str = "audit trail";
    let Standing { role, could_change, is_kept } = guard::standing(conn).ok()?;
    Some(if !is_kept {
        Finding::error(
            SETTING,
            "what keeps it from being changed was switched off or taken away in Postgres; find out who did, and run: latchkey audit verify --head with a hash that was kept elsewhere",
        )
    } else if !could_change {
        Finding::fine(SETTING, format!("the role {role} can only add to it"))
    } else if is_private {
        Finding::fine(
            SETTING,
            "no act can change it; whoever is root here could, so keep what latchkey audit head prints elsewhere",
        )
    } else {
        Finding::warning(
            SETTING,
            format!(
                "no act can change it, but the role {role} owns it and could switch that off; serve as a role that cannot: latchkey migrate --serve-as ROLE, and its address as DATABASE_URL"
            ),
        )
    })
}

/// What expires is judged by the clock of each node.
fn clocks(conn: &mut PgConnection) -> Option<Finding> {
    const SETTING: &str = "clock";
    let apart = clock::apart(conn).ok()?;
    Some(match clock::complaint(apart) {
        None => Finding::fine(SETTING, "this machine and Postgres agree about the time"),
        Some(complaint) => Finding::error(
            SETTING,
            format!("{complaint}, so that /readyz fails; let NTP set both clocks"),
        ),
    })
}

/// Nodes that should count together and cannot let through what each of them allows.
fn redis(config: &Config) -> Finding {
    const SETTING: &str = "REDIS_URL";
    let Some(url) = &config.redis_url else {
        return Finding::fine(SETTING, "not set: each node counts rate limits for itself");
    };
    match limits::examine(url) {
        Ok(Examined { evicts: Some(policy), .. }) => Finding::warning(
            SETTING,
            format!(
                "Redis drops counters when its memory is full (maxmemory-policy {policy}); set it to noeviction"
            ),
        ),
        Ok(Examined { round_trip, .. }) => Finding::fine(
            SETTING,
            format!("Redis answers, in {:.1} ms", round_trip.as_secs_f64() * 1000.0),
        ),
        Err(error) => Finding::error(
            SETTING,
            format!(
                "Redis cannot be used, so that each node counts rate limits for itself: {error}"
            ),
        ),
    }
}

/// Who verifies at the moment, as they say themselves. Says nothing before the first start.
fn nodes(conn: &mut PgConnection) -> Option<Finding> {
    const SETTING: &str = "nodes";
    match nodes::count(conn).ok()? {
        (_, 0) => None,
        (there, all) if there == all => {
            Some(Finding::fine(SETTING, format!("{all}, all of them in touch with Postgres")))
        }
        (there, all) => Some(Finding::warning(
            SETTING,
            format!("{there} of {all} in touch with Postgres; Settings, Nodes says which"),
        )),
    }
}

/// A key that was revoked must stay revoked, whatever happens to the power.
fn durability(conn: &mut PgConnection) -> Vec<Finding> {
    let promises = match durability::promises(conn) {
        Ok(promises) => promises,
        Err(error) => return vec![Finding::error("fsync", format!("cannot be read: {error}"))],
    };
    promises
        .into_iter()
        .map(|promise| Finding {
            level: match (promise.is_kept, promise.is_vital) {
                (true, _) => Level::Fine,
                (false, true) => Level::Error,
                (false, false) => Level::Warning,
            },
            text: if promise.is_kept { "on" } else { durability::BROKEN }.into(),
            setting: promise.name.into(),
        })
        .collect()
}

fn administrator(conn: &mut PgConnection) -> Finding {
    const SETTING: &str = "administrator";
    let found = users::table
        .filter(users::role.eq(Role::Administrator.slug()).and(users::password_hash.is_not_null()))
        .filter(users::disabled_at.is_null())
        .count()
        .get_result::<i64>(conn);
    match found {
        Ok(1..) => Finding::fine(SETTING, "there is one who can sign in"),
        _ => Finding::warning(
            SETTING,
            "nobody can administrate yet; start the server and follow the link it prints, or use: latchkey user add",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(settings: &[(&str, &str)]) -> Config {
        Config::from(|name| {
            settings.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).into())
        })
        .unwrap()
    }

    #[test]
    fn plain_http_is_for_this_machine_only() {
        for (settings, level) in [
            (&[][..], Level::Fine),
            (&[("LATCHKEY_BASE_URL", "https://keys.example.com")], Level::Fine),
            (&[("LATCHKEY_BASE_URL", "http://localhost:8080")], Level::Fine),
            (&[("LATCHKEY_BASE_URL", "http://[::1]:8080")], Level::Fine),
            (&[("LATCHKEY_BASE_URL", "http://keys.example.com")], Level::Error),
            (&[("LATCHKEY_BASE_URL", "http://localhost.example.com")], Level::Error),
            (&[("LATCHKEY_LISTEN", "0.0.0.0:8080")], Level::Error),
            (&[("LATCHKEY_LISTEN", "[::]:8080")], Level::Error),
        ] {
            assert_eq!(base_url(&config(settings)).level, level, "{settings:?}");
        }
    }

    #[test]
    fn proxies_are_some_and_never_everybody() {
        for (ranges, level) in [
            ("", Level::Fine),
            ("10.0.0.0/8", Level::Fine),
            ("fd00::/8, 192.0.2.1", Level::Fine),
            ("0.0.0.0/0", Level::Error),
            ("::/0", Level::Error),
            ("0.0.0.0/1, 128.0.0.0/1", Level::Error),
        ] {
            let config = config(&[("LATCHKEY_TRUSTED_PROXIES", ranges)]);
            assert_eq!(trusted_proxies(&config).level, level, "{ranges}");
        }
    }

    #[test]
    fn a_line_names_the_setting_and_says_what_to_do() {
        let finding = Finding::warning("LATCHKEY_DATA_DIR", "data can be read by others");
        assert_eq!(finding.to_string(), "warning  LATCHKEY_DATA_DIR: data can be read by others");
    }
}
