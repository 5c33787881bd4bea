//! The command line: the same commands, rules and audit as the pages.

use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use ipnet::IpNet;
use latchkey::{
    credentials::{Presented, SecretHash},
    schema::{
        api_access, applications, audit_events, customers, environments, gateways, key_customers,
        key_limits, key_permissions, key_secrets, key_sections, keys, one_time_links, permissions,
        sections, users,
    },
    users::passwords::{self, Verified},
};

use crate::support::terminal::Terminal;

fn shop() -> Terminal {
    let terminal = Terminal::open();
    terminal.add_application("Store");
    terminal
}

#[test]
fn a_key_is_printed_once_for_programs() {
    let terminal = shop();
    let made = terminal.create_key("Rentmy Production", "--scope orders:read");
    let (public_key, secret) = (made.succeeds().json("public_key"), made.json("secret"));

    assert!(matches!(Presented::parse(&public_key), Some(Presented::PublicKey(_))));
    assert!(matches!(Presented::parse(&secret), Some(Presented::KeySecret(_))));
    assert_eq!(
        STANDARD.decode(made.json("basic")).unwrap(),
        format!("{public_key}:{secret}").as_bytes()
    );

    let kept: Vec<u8> =
        key_secrets::table.select(key_secrets::hash).first(&mut terminal.connect()).unwrap();
    assert_eq!(kept, SecretHash::of(&secret).as_bytes());
}

#[test]
fn a_key_is_printed_with_labels_for_people() {
    let terminal = shop();
    let made = terminal.run(&[
        "key",
        "create",
        "--application",
        "Store",
        "--environment",
        "sandbox",
        "--name",
        "Try",
        "--all-permissions",
    ]);
    made.succeeds().says("Public key:  sbx_pk_").says("Secret key:  sbx_sk_").says("Basic token: ");
    assert_eq!(made.out.lines().count(), 3);
    assert!(made.err.contains("not shown again"), "{}", made.err);
}

#[test]
fn a_key_is_what_its_flags_say() {
    let terminal = shop();
    terminal
        .create_key(
            "Integration",
            "--scope orders:read --scope orders:read --scope payouts:read --section orders --rate 100/s --rate 5000/hour \
             --expires 2027-01-31 --customer cus_42 --customer cus_42 --customer cus_7 --allow-ip 10.0.0.5/8 \
             --allow-ip ::ffff:203.0.113.9 --except-ip 10.1.2.3/16 --except-ip 10.1.0.0/16 \
             --allow-origin https://Shop.example/",
        )
        .succeeds();

    let conn = &mut terminal.connect();
    let (expires_at, ips, owner): (Option<DateTime<Utc>>, Vec<IpNet>, Option<i64>) = keys::table
        .select((keys::expires_at, keys::allowed_ips, keys::owner_id))
        .first(conn)
        .unwrap();
    assert_eq!(expires_at, Some("2027-01-31T23:59:59Z".parse().unwrap()));
    let ips: Vec<String> = ips.iter().map(ToString::to_string).collect();
    assert_eq!(ips, ["10.0.0.0/8", "203.0.113.9/32"]);
    let (excluded, origins): (Vec<IpNet>, Vec<String>) =
        keys::table.select((keys::excluded_ips, keys::allowed_origins)).first(conn).unwrap();
    assert_eq!(excluded.iter().map(ToString::to_string).collect::<Vec<_>>(), ["10.1.0.0/16"]);
    assert_eq!(origins, ["https://shop.example"]);
    assert_eq!(owner, None);

    let limits: Vec<(i32, i32)> = key_limits::table
        .select((key_limits::requests, key_limits::per_seconds))
        .order(key_limits::per_seconds)
        .load(conn)
        .unwrap();
    assert_eq!(limits, [(100, 1), (5000, 3600)]);

    let whole: Vec<String> =
        key_sections::table.inner_join(sections::table).select(sections::slug).load(conn).unwrap();
    assert_eq!(whole, ["orders"]);
    let single: Vec<String> = key_permissions::table
        .inner_join(permissions::table)
        .select(permissions::slug)
        .load(conn)
        .unwrap();
    assert_eq!(single, ["payouts:read"], "what the section holds is not kept a second time");

    let known: Vec<String> = key_customers::table
        .inner_join(customers::table)
        .select(customers::external_id)
        .order(customers::external_id)
        .load(conn)
        .unwrap();
    assert_eq!(known, ["cus_42", "cus_7"]);
}

#[test]
fn a_key_lives_ninety_days_unless_something_else_is_said() {
    let terminal = shop();
    for (name, flags) in [("A", ""), ("B", "--expires 7d"), ("C", "--expires never")] {
        terminal.create_key(name, &format!("--scope orders:read {flags}")).succeeds();
    }
    let expiries: Vec<Option<DateTime<Utc>>> = keys::table
        .select(keys::expires_at)
        .order(keys::name)
        .load(&mut terminal.connect())
        .unwrap();
    let in_days = |days| Utc::now() + TimeDelta::days(days);
    let near = |at: Option<DateTime<Utc>>, days| {
        (at.unwrap() - in_days(days)).num_minutes().abs() <= 24 * 60
    };
    assert!(near(expiries[0], 90) && near(expiries[1], 7), "{expiries:?}");
    assert_eq!(expiries[2], None);
}

#[test]
fn a_key_lives_as_long_as_the_settings_suggest_and_the_environment_allows() {
    let terminal = shop();
    let lifetime = |name: &str, flags: &str| {
        terminal.create_key(name, &format!("--scope orders:read {flags}")).succeeds();
        let end: Option<DateTime<Utc>> = keys::table
            .filter(keys::name.eq(name))
            .select(keys::expires_at)
            .first(&mut terminal.connect())
            .unwrap();
        (end.unwrap() - Utc::now()).num_hours() / 24
    };
    let run = |sql: &str| {
        use diesel::connection::SimpleConnection;
        terminal.connect().batch_execute(sql).unwrap();
    };
    // Only a first key brings environments.
    assert_eq!(lifetime("before", ""), 89);
    run("update settings set default_lifetime_days = 45");
    assert_eq!(lifetime("suggested", ""), 44);
    run(
        "update environments set longest_days = 30, allows_never = false where slug = 'production'",
    );
    assert!([29, 30].contains(&lifetime("allowed", "")));
    for flags in ["--expires never", "--expires 60d"] {
        let made = terminal.create_key("too long", &format!("--scope orders:read {flags}"));
        made.fails_with("Production takes");
    }
}

#[test]
fn a_key_belongs_to_whom_it_is_for() {
    let terminal = shop();
    terminal
        .type_in("user add --email kim@example.com --name Kim --role manager --api-access")
        .succeeds();
    terminal.create_key("Kim's", "--scope orders:read --owner Kim@Example.com").succeeds();
    let owner: String = keys::table
        .inner_join(users::table)
        .select(users::email)
        .first(&mut terminal.connect())
        .unwrap();
    assert_eq!(owner, "kim@example.com");
}

#[test]
fn an_application_is_meant_by_its_id_or_its_exact_name() {
    let terminal = Terminal::open();
    let app_id = terminal.add_application("Partner Portal");
    for (name, application) in [("by id", app_id.as_str()), ("by name", "Partner Portal")] {
        terminal
            .run(&[
                "key",
                "create",
                "--application",
                application,
                "--environment",
                "production",
                "--name",
                name,
                "--scope",
                "orders:read",
            ])
            .succeeds();
    }
    terminal
        .run(&[
            "key",
            "create",
            "--application",
            "partner portal",
            "--environment",
            "production",
            "--name",
            "x",
            "--scope",
            "orders:read",
        ])
        .fails_with("There is no application with this App ID or name.");
}

#[test]
fn nothing_granted_is_never_everything() {
    let terminal = shop();
    terminal.create_key("Empty", "").fails_with("Choose at least one permission");
    assert_eq!(keys::table.count().get_result::<i64>(&mut terminal.connect()), Ok(0));
}

#[test]
fn what_does_not_exist_is_named() {
    let terminal = shop();
    for (flags, sentence) in [
        ("--scope orders:delete", "no scope \"orders:delete\""),
        ("--scope Orders:Read", "no scope \"Orders:Read\""),
        ("--scope *", "no scope \"*\""),
        ("--section Orders", "no section \"Orders\""),
        ("--scope orders:read --owner lee@example.com", "Nobody has the owner's e-mail"),
        ("--scope orders:read --environment prod", "Choose one of production, sandbox"),
    ] {
        let flags = flags.to_owned();
        let (name, mut arguments) = ("x", vec!["key", "create", "--application", "Store"]);
        arguments.extend(["--name", name]);
        arguments.extend(flags.split(' '));
        if !flags.contains("--environment") {
            arguments.extend(["--environment", "production"]);
        }
        terminal.run(&arguments).fails_with(sentence);
    }
    assert_eq!(keys::table.count().get_result::<i64>(&mut terminal.connect()), Ok(0));
}

#[test]
fn what_cannot_be_meant_is_refused_before_anything_is_asked() {
    let terminal = Terminal::open().with("DATABASE_URL", "postgres://nobody@127.0.0.1:1/none");
    for flags in [
        "--rate 0/s",
        "--rate 1e3/s",
        "--rate 100",
        "--rate 2147483648/s",
        "--expires 2026-02-30",
        "--expires 0d",
        "--expires tomorrow",
        "--allow-ip 10.0.0.1/33",
        "--allow-ip example.com",
        "--except-ip 10.0.0.1/33",
        "--allow-origin shop.example",
        "--allow-origin https://*.shop.example",
        "--everything",
    ] {
        terminal.create_key("x", &format!("--scope a {flags}")).is_misspelled();
    }
    terminal.type_in("user add --email a@b --name A --role root").is_misspelled();
    terminal.type_in("keys").is_misspelled();
    terminal
        .create_key("x", "--scope a --rate 1/s --rate 2/second")
        .fails_with("one rate for each");
    for (flags, sentence) in [
        ("--rate 100/s --rate 100/d", "100 times a second is never reached"),
        ("--allow-ip 10.0.0.0/8 --except-ip 192.0.2.1", "192.0.2.1/32 is in none of the allowed"),
    ] {
        terminal.create_key("x", &format!("--scope a {flags}")).fails_with(sentence);
    }
}

#[test]
fn what_cannot_be_right_is_refused_with_a_sentence() {
    let terminal = shop();
    for (name, flags, sentence) in [
        (" ", "", "Name must be 1-100 characters."),
        ("a\u{202e}b", "", "Name contains characters that cannot be shown."),
        ("x", "--expires 2020-01-01", "has passed"),
        ("x", "--expires 9999-12-31", "more than ten years away"),
    ] {
        terminal.create_key(name, &format!("--scope orders:read {flags}")).fails_with(sentence);
    }
    terminal.create_key("Admin", "--scope orders:read").succeeds();
    terminal.create_key("Аdmin", "--scope orders:read").fails_with("Name is too similar");
}

#[test]
fn an_address_range_that_restricts_nothing_is_pointed_out() {
    let terminal = shop();
    let made = terminal.create_key("x", "--scope orders:read --allow-ip 0.0.0.0/0");
    made.succeeds();
    assert!(made.err.contains("Warning: 0.0.0.0/0 is everywhere"), "{}", made.err);
}

#[test]
fn a_key_is_stopped_started_and_ended() {
    let terminal = shop();
    let public_key = terminal.create_key("x", "--scope orders:read").succeeds().json("public_key");
    let act = |verb: &str| terminal.type_in(&format!("key {verb} {public_key}"));

    act("delete").fails_with("");
    act("disable").succeeds().says("is Inactive");
    act("enable").succeeds().says("is Active");
    act("revoke").succeeds().says("is Revoked");
    act("revoke").succeeds().says("is Revoked");
    act("enable").fails_with("revoked");
    act("regenerate").fails_with("revoked");
    act("delete").succeeds().says("is deleted");
    act("disable").fails_with("There’s nothing here.");

    let trail: Vec<(String, String)> = audit_events::table
        .filter(audit_events::subject.eq(&public_key))
        .select((audit_events::action, audit_events::actor))
        .order(audit_events::id)
        .load(&mut terminal.connect())
        .unwrap();
    let acts: Vec<&str> = trail.iter().map(|(act, _)| act.as_str()).collect();
    assert_eq!(acts, ["key.created", "key.disabled", "key.enabled", "key.revoked", "key.deleted"]);
    assert!(trail.iter().all(|(_, actor)| actor == "Operator"));
}

#[test]
fn regenerating_prints_another_secret_for_the_same_key() {
    let terminal = shop();
    let made = terminal.create_key("x", "--scope orders:read");
    let again = terminal.run(&["key", "regenerate", &made.json("public_key"), "--json"]);
    assert_eq!(again.succeeds().json("public_key"), made.json("public_key"));
    assert_ne!(again.json("secret"), made.json("secret"));
}

#[test]
fn the_old_secret_can_go_on_for_a_while() {
    let terminal = shop();
    let made = terminal.create_key("x", "--scope orders:read");
    let regenerate = |overlap: &str| {
        terminal.run(&["key", "regenerate", &made.json("public_key"), "--overlap", overlap])
    };
    regenerate("24h").succeeds();
    let lasting = "(select count(*) from key_secrets where ends_at > now() + interval '23 hours')";
    let lasting: i64 = diesel::select(diesel::dsl::sql::<diesel::sql_types::BigInt>(lasting))
        .get_result(&mut terminal.connect())
        .unwrap();
    assert_eq!(lasting, 1);
    for wrong in ["-1", "10y", "", "tomorrow"] {
        regenerate(wrong).is_misspelled();
    }
}

#[test]
fn a_gateway_gets_its_token_once() {
    let terminal = Terminal::open();
    let made = terminal.run(&[
        "gateway",
        "add",
        "--name",
        "Edge",
        "--environment",
        "production",
        "--json",
    ]);
    let token = made.succeeds().json("token");
    assert!(matches!(Presented::parse(&token), Some(Presented::GatewayToken(_))));

    let (kept, environment): (Vec<u8>, String) = gateways::table
        .inner_join(environments::table)
        .select((gateways::token_hash, environments::slug))
        .first(&mut terminal.connect())
        .unwrap();
    assert_eq!(
        (kept.as_slice(), environment.as_str()),
        (SecretHash::of(&token).as_bytes(), "production")
    );

    terminal.type_in("gateway add --name edge --environment production").fails_with("too similar");
    terminal.type_in("gateway add --name edge --environment sandbox").succeeds().says("Token: gw_");
    terminal.type_in("gateway add --name x --environment prod").fails_with("production, sandbox");
}

#[test]
fn an_application_gets_its_credentials_once() {
    let terminal = Terminal::open();
    let made = terminal.run(&["application", "add", "--name", "Store", "--json"]);
    assert!(matches!(Presented::parse(&made.succeeds().json("app_id")), Some(Presented::AppId(_))));
    let secret = made.json("app_secret");
    assert!(matches!(Presented::parse(&secret), Some(Presented::AppSecret(_))));
    let kept: Vec<u8> = applications::table
        .select(applications::secret_hash)
        .first(&mut terminal.connect())
        .unwrap();
    assert_eq!(kept, SecretHash::of(&secret).as_bytes());

    terminal.type_in("application add --name STORE").fails_with("too similar");
}

#[test]
fn a_person_gets_a_link_to_choose_a_password() {
    let terminal = Terminal::open().with("LATCHKEY_BASE_URL", "https://keys.example.com");
    let made = terminal
        .type_in("user add --email Kim@Example.com --name Kim --role manager --api-access --json");
    let link = made.succeeds().json("link");
    let token =
        link.strip_prefix("https://keys.example.com/").unwrap().split('=').next_back().unwrap();

    let conn = &mut terminal.connect();
    let kept: Vec<u8> =
        one_time_links::table.select(one_time_links::token_hash).first(conn).unwrap();
    assert_eq!(kept, SecretHash::of(token).as_bytes());
    let person: (String, String, Option<String>) =
        users::table.select((users::email, users::role, users::password_hash)).first(conn).unwrap();
    assert_eq!(person, ("kim@example.com".into(), "manager".into(), None));
    assert_eq!(api_access::table.count().get_result::<i64>(conn), Ok(1));

    terminal
        .type_in("user add --email KIM@example.com --name Kim --role administrator")
        .fails_with("Somebody with this e-mail exists already.");
    terminal
        .type_in("user add --email kim --name Kim --role administrator")
        .fails_with("E-mail must be");
}

#[test]
fn a_password_can_come_from_standard_input() {
    let terminal = Terminal::open();
    let add = [
        "user",
        "add",
        "--email",
        "lee@example.com",
        "--name",
        "Lee",
        "--role",
        "administrator",
        "--password-stdin",
    ];
    terminal.run_with_input(&add, "short\n").fails_with("Password must be 12-1024 characters.");
    terminal.run_with_input(&add, "").fails_with("Password must be 12-1024 characters.");
    terminal
        .run_with_input(&add, &"x".repeat(1025))
        .fails_with("Password must be 12-1024 characters.");
    assert_eq!(users::table.count().get_result::<i64>(&mut terminal.connect()), Ok(0));

    let made = terminal.run_with_input(&add, " correct horse battery \nsecond line\n");
    made.succeeds();
    assert!(!made.out.contains("horse") && !made.out.contains("token="));
    let hash: Option<String> =
        users::table.select(users::password_hash).first(&mut terminal.connect()).unwrap();
    assert_eq!(
        passwords::verify(" correct horse battery ", hash.as_deref()).unwrap(),
        Verified::Right
    );
}

#[test]
fn a_database_that_is_away_is_one_sentence() {
    let terminal = Terminal::open().with("DATABASE_URL", "postgres://nobody@127.0.0.1:1/none");
    for line in ["migrate", "preset apply loyalty", "application add --name x", "demo --keys 1"] {
        terminal.type_in(line).fails_with("Postgres cannot be reached (DATABASE_URL)");
    }
}

#[test]
fn a_setting_that_cannot_be_understood_is_named() {
    let terminal = Terminal::open().with("LATCHKEY_LISTEN", "8080");
    terminal.type_in("migrate").fails_with("LATCHKEY_LISTEN");
}

#[test]
fn a_postgres_that_is_there_already_is_not_run_once_more() {
    let terminal = Terminal::open();
    terminal.run(&["postgres"]).fails_with("DATABASE_URL names a Postgres already");
}

#[test]
fn migrating_twice_changes_nothing() {
    let terminal = Terminal::open();
    terminal.type_in("migrate").succeeds().says("The database is up to date.");
}
