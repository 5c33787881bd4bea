//! Things to look at.

use std::{collections::HashSet, fs, os::unix::fs::PermissionsExt};

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use latchkey::{
    credentials::{Presented, SecretHash},
    keys::queries,
    keys::{Key, Status},
    schema::{
        audit_events, environments, gateways, key_secrets, keys, notices, request_logs,
        usage_counts, users,
    },
    usage,
    users::{Viewer, passwords, passwords::Verified},
};
use uuid::Uuid;

use crate::support::terminal::Terminal;

fn all_keys(terminal: &Terminal) -> Vec<Key> {
    let conn = &mut terminal.connect();
    let public: Vec<String> =
        keys::table.select(keys::public_key).order(keys::id).load(conn).unwrap();
    public.iter().map(|key| queries::find(conn, &Viewer::operator(), key).unwrap()).collect()
}

#[test]
fn an_empty_installation_is_filled_with_one_of_each() {
    let terminal = Terminal::open();
    let filled = terminal.type_in("demo");
    let now = Utc::now();
    let keys = all_keys(&terminal);
    assert!(keys.len() >= 14);
    for status in Status::ALL {
        assert!(keys.iter().any(|key| key.status(now) == status), "{status:?}");
    }
    assert!(keys.iter().any(|key| key.last_used_at.is_none()));
    assert!(keys.iter().any(|key| key.all_permissions));
    let soon =
        |key: &Key| key.expires_at.is_some_and(|at| at > now && at < now + TimeDelta::days(7));
    assert!(keys.iter().any(soon));
    assert!(keys.iter().any(|key| key.name.len() > 80));
    let owners: HashSet<Option<i64>> = keys.iter().map(|key| key.owner_id).collect();
    assert_eq!(owners.len(), 3);

    let conn = &mut terminal.connect();
    let people: Vec<(String, Option<String>)> =
        users::table.select((users::email, users::password_hash)).load(conn).unwrap();
    assert_eq!(people.len(), 4);
    for (email, hash) in people {
        let line = filled.succeeds().out.lines().find(|line| line.contains(&email)).unwrap();
        let password = line.split_whitespace().nth(1).unwrap();
        assert!(password.len() >= 16);
        assert_eq!(passwords::verify(password, hash.as_deref()).unwrap(), Verified::Right);
    }
    filled.says("gw_");
    // One for each environment: what is counted has been asked by somebody.
    let environments: i64 = environments::table.count().get_result(conn).unwrap();
    assert_eq!(gateways::table.count().get_result::<i64>(conn), Ok(environments));

    let file = terminal.data_dir.join("demo-sign-ins.txt");
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn the_demo_has_a_fortnight_of_traffic_and_a_history_in_order() {
    let terminal = Terminal::open();
    terminal.type_in("demo").succeeds();
    let conn = &mut terminal.connect();
    let codes: HashSet<String> = usage_counts::table
        .select(usage_counts::code.assume_not_null())
        .distinct()
        .load(conn)
        .unwrap()
        .into_iter()
        .collect();
    // What the numbers count stands in the log, and each row of it can be opened: its id holds its time.
    let logged: HashSet<String> = request_logs::table
        .select(request_logs::code)
        .distinct()
        .load(conn)
        .unwrap()
        .into_iter()
        .collect();
    for code in ["VALID", "RATE_LIMITED", "INSUFFICIENT_SCOPE", "EXPIRED", "REVOKED", "DISABLED"] {
        assert!(codes.contains(code) && logged.contains(code), "{code}");
    }
    let rows: Vec<(DateTime<Utc>, Uuid)> =
        request_logs::table.select((request_logs::at, request_logs::id)).load(conn).unwrap();
    for (at, id) in rows {
        let (seconds, nanos) = id.get_timestamp().unwrap().to_unix();
        let millis = seconds * 1000 + u64::from(nanos) / 1_000_000;
        assert_eq!(millis as i64, at.timestamp_millis(), "{id}");
    }
    let minutes: Vec<DateTime<Utc>> = usage_counts::table
        .select(usage_counts::at.assume_not_null())
        .distinct()
        .load(conn)
        .unwrap();
    let days: HashSet<_> = minutes.iter().map(DateTime::date_naive).collect();
    assert!(days.len() >= 14 && minutes.iter().all(|minute| *minute <= Utc::now()));

    let kinds: HashSet<String> =
        notices::table.select(notices::kind).load(conn).unwrap().into_iter().collect();
    let noticed: i64 = notices::table.count().get_result(conn).unwrap();
    assert!(kinds.len() >= 3 && (3..10).contains(&noticed), "{noticed}: {kinds:?}");
    // What nobody seems to need can be told of it.
    while !usage::roll_up(conn).unwrap() {}
    let since = Utc::now() - TimeDelta::days(90);
    assert!(usage::Memory::of(conn, Utc::now()).unwrap().reaches(since));
    let site = keys::table.filter(keys::name.eq("Main Website Integration"));
    let id: i64 = site.select(keys::id).first(conn).unwrap();
    let held = usage::held_permissions(conn, &[id], since).unwrap().remove(&id).unwrap();
    let needed = held.iter().filter(|permission| !permission.is_unneeded).count();
    assert_eq!((held.len(), needed), (4, 1));

    let told: Vec<DateTime<Utc>> =
        audit_events::table.select(audit_events::at).order(audit_events::id).load(conn).unwrap();
    assert!(told.is_sorted());
    terminal.type_in("preset apply marketplace").succeeds();
    let last: DateTime<Utc> = audit_events::table
        .select(audit_events::at)
        .order(audit_events::id.desc())
        .first(conn)
        .unwrap();
    assert!((Utc::now() - last).num_minutes() < 5, "the clock of the trail is right again");
}

#[test]
fn an_installation_in_use_is_left_alone() {
    let terminal = Terminal::open();
    terminal.type_in("user add --email lee@example.com --name Lee --role administrator").succeeds();
    terminal.type_in("demo").succeeds().says("nothing was filled in");
    assert_eq!(keys::table.count().get_result::<i64>(&mut terminal.connect()), Ok(0));
}

#[test]
fn any_number_of_keys_can_be_added_again_and_again() {
    let terminal = Terminal::open();
    terminal.type_in("user add --email lee@example.com --name Lee --role administrator").succeeds();
    for _ in 0..2 {
        terminal.type_in("demo --keys 700").succeeds().says("700 keys were added");
    }
    let conn = &mut terminal.connect();
    assert_eq!(keys::table.count().get_result::<i64>(conn), Ok(1400));
    assert_eq!(key_secrets::table.count().get_result::<i64>(conn), Ok(1400));
    let names: HashSet<String> =
        keys::table.select(keys::name).load(conn).unwrap().into_iter().collect();
    assert_eq!(names.len(), 1400);
    let now = Utc::now();
    let statuses: HashSet<&str> =
        all_keys(&terminal).iter().map(|key| key.status(now).slug()).collect();
    assert_eq!(statuses.len(), 4);
    terminal.type_in("demo --keys 0").is_misspelled();
    terminal.add_application("Store");
    terminal.create_key("One more", "--scope orders:read").succeeds();
}

#[test]
fn the_secrets_of_added_keys_can_be_written_down() {
    let terminal = Terminal::open();
    terminal.type_in("user add --email lee@example.com --name Lee --role administrator").succeeds();
    fs::create_dir_all(&terminal.data_dir).unwrap();
    let file = terminal.data_dir.join("secrets.tsv");
    let add = format!("demo --keys 300 --secrets {}", file.display());
    terminal.type_in(&add).succeeds().says("300 keys were added");
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);

    let text = fs::read_to_string(&file).unwrap();
    let conn = &mut terminal.connect();
    let mut limited = 0;
    for line in text.lines() {
        let parts: Vec<&str> = line.split('\t').collect();
        let [secret, public_key, environment, limit, scopes] = parts[..] else { panic!("{line}") };
        let key = queries::find(conn, &Viewer::operator(), public_key).unwrap();
        assert_eq!((key.status(Utc::now()), &*key.environment.slug), (Status::Active, environment));
        let kept: Vec<u8> = key_secrets::table
            .filter(key_secrets::key_id.eq(key.id))
            .select(key_secrets::hash)
            .first(conn)
            .unwrap();
        assert_eq!(kept, SecretHash::of(secret).as_bytes());
        assert!(scopes.split(' ').all(|scope| scope.contains(':')), "{line}");
        limited += usize::from(limit != "-");
    }
    assert_eq!(text.lines().count(), 300);
    assert!((1..150).contains(&limited), "{limited} of them are limited");
}

#[test]
fn written_secrets_can_be_piped_on() {
    let terminal = Terminal::open();
    terminal.type_in("user add --email lee@example.com --name Lee --role administrator").succeeds();
    let told = terminal.type_in("demo --keys 20 --secrets -");
    assert!(told.succeeds().err.contains("20 keys were added"));
    assert_eq!(told.out.lines().count(), 20);
    for line in told.out.lines() {
        let secret = line.split('\t').next().unwrap();
        assert!(matches!(Presented::parse(secret), Some(Presented::KeySecret(_))), "{line}");
    }
}

#[test]
fn secrets_go_to_a_new_file_or_nowhere() {
    let terminal = Terminal::open();
    fs::create_dir_all(&terminal.data_dir).unwrap();
    let file = terminal.data_dir.join("secrets.tsv");
    fs::write(&file, "mine").unwrap();
    let add = format!("--secrets {}", file.display());
    terminal.type_in(&format!("demo --keys 5 {add}")).fails_with("cannot be made: File exists");
    assert_eq!(fs::read_to_string(&file).unwrap(), "mine");
    assert_eq!(keys::table.count().get_result::<i64>(&mut terminal.connect()), Ok(0));
    terminal.type_in(&format!("demo {add}")).is_misspelled();
}
