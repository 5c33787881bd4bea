//! `latchkey check`: what is unsafe or wrong, and what to do about it.

use crate::support::{Program, Redis, database::SpecDatabase, terminal::Terminal};

#[test]
fn a_postgres_that_may_forget_is_an_error() {
    // The Postgres of the specs is in a hurry: it survives no power cut.
    let outcome = Terminal::open().type_in("check");
    assert_eq!(outcome.code, 1);
    outcome
        .says("error    fsync: is off in Postgres")
        .says("error    full_page_writes: is off")
        .says("warning  synchronous_commit: is off")
        .says("ok       DATABASE_URL: the schema is up to date")
        .says("ok       LATCHKEY_BASE_URL");
    assert_eq!(outcome.err, "");
}

#[test]
fn nothing_starts_on_a_postgres_that_may_forget() {
    let outcome = Terminal::open().type_in("serve");
    assert_eq!(outcome.code, 1);
    assert!(outcome.err.contains("fsync is off in Postgres"), "{}", outcome.err);
    assert!(outcome.err.contains("LATCHKEY_MAY_LOSE_DATA=yes"), "{}", outcome.err);

    // Who says that nothing matters is warned.
    let database = SpecDatabase::create();
    let program = Program::serve(&database.url);
    assert!(program.log().contains("synchronous_commit is off in Postgres"), "{}", program.log());
}

#[test]
fn a_postgres_that_is_away_is_an_error() {
    let terminal = Terminal::open().with("DATABASE_URL", "postgres://nobody@127.0.0.1:1/none");
    let outcome = terminal.type_in("check");
    assert_eq!(outcome.code, 1);
    outcome.says("error    DATABASE_URL: Postgres cannot be reached");
}

#[test]
fn plain_http_for_others_is_an_error() {
    for (name, value) in [
        ("LATCHKEY_BASE_URL", "http://keys.example.com"),
        ("LATCHKEY_LISTEN", "0.0.0.0:8080"),
        ("LATCHKEY_TRUSTED_PROXIES", "0.0.0.0/0"),
    ] {
        let outcome = Terminal::open().with("DATABASE_URL", "").with(name, value).type_in("check");
        assert_eq!(outcome.code, 1, "{}", outcome.out);
        let errors: Vec<&str> =
            outcome.out.lines().filter(|line| line.starts_with("error")).collect();
        assert_eq!(errors.len(), 1, "{}", outcome.out);
        assert!(errors[0].contains(name), "{}", errors[0]);
    }
}

#[test]
fn a_setting_that_cannot_be_understood_is_an_error() {
    let outcome = Terminal::open().with("LATCHKEY_LOG_FORMAT", "xml").type_in("check");
    assert_eq!(outcome.code, 1);
    outcome.says("LATCHKEY_LOG_FORMAT");
}

#[test]
fn whether_nodes_can_count_together_is_said() {
    let mut redis = Redis::start();
    let check = |redis: &Redis| {
        let terminal = Terminal::open().with("DATABASE_URL", "").with("REDIS_URL", &redis.url);
        terminal.type_in("check")
    };
    check(&redis).succeeds().says("ok       REDIS_URL: Redis answers, in ");
    redis.ask("CONFIG SET maxmemory 100mb");
    redis.ask("CONFIG SET maxmemory-policy allkeys-lru");
    check(&redis).succeeds().says("warning  REDIS_URL: Redis drops counters");
    redis.ask("CONFIG SET min-replicas-to-write 1");
    assert_eq!(check(&redis).code, 1, "it answers and does not write");
    redis.kill();
    let outcome = check(&redis);
    assert_eq!(outcome.code, 1);
    outcome.says("error    REDIS_URL: Redis cannot be used");
}

#[test]
fn a_password_for_redis_is_not_shown() {
    let terminal = Terminal::open()
        .with("DATABASE_URL", "")
        .with("REDIS_URL", "redis://default:pa55word@127.0.0.1:1/nowhere");
    let outcome = terminal.type_in("check");
    assert_eq!(outcome.code, 1);
    assert!(!format!("{}{}", outcome.out, outcome.err).contains("pa55word"), "{}", outcome.out);
}

#[test]
fn a_fresh_machine_is_fine_and_checking_leaves_nothing_behind() {
    let terminal = Terminal::open().with("DATABASE_URL", "");
    let outcome = terminal.type_in("check");
    outcome.succeeds().says("a private Postgres is made at the first start");
    assert!(outcome.out.lines().all(|line| line.starts_with("ok")), "{}", outcome.out);
    assert!(!terminal.data_dir.exists());
}

#[test]
fn an_installation_without_administrator_is_pointed_out() {
    let terminal = Terminal::open();
    terminal.type_in("check").says("warning  administrator: nobody can administrate yet");
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
    terminal.run_with_input(&add, "correct horse battery").succeeds();
    terminal.type_in("check").says("ok       administrator");
}
