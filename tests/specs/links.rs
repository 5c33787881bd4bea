//! One-time links.

use chrono::{TimeDelta, Utc};
use diesel::{PgConnection, prelude::*};
use latchkey::{
    error::{AppError, AppResult},
    schema::one_time_links,
    users::{
        NewUser, Role, User, Viewer, commands,
        links::{self, Purpose},
    },
};

use crate::support::database::SpecDatabase;

fn kim(conn: &mut PgConnection) -> User {
    let new = NewUser {
        email: "kim@example.com".into(),
        name: "Kim".into(),
        role: Role::Manager,
        api_access: false,
    };
    commands::add(conn, &Viewer::operator(), &new).unwrap()
}

#[track_caller]
fn assert_gone<T>(outcome: AppResult<T>) {
    assert!(matches!(outcome, Err(AppError::LinkGone)));
}

#[test]
fn a_link_works_once() {
    let database = SpecDatabase::create();
    let conn = &mut database.connect();
    let purpose = Purpose::Password(kim(conn).id);
    let token = links::create(conn, purpose).unwrap();

    assert_eq!(links::peek(conn, token.reveal()).unwrap(), purpose);
    assert_eq!(links::peek(conn, token.reveal()).unwrap(), purpose, "looking is not using");
    assert_eq!(links::use_up(conn, token.reveal()).unwrap(), purpose);
    assert_gone(links::peek(conn, token.reveal()));
    assert_gone(links::use_up(conn, token.reveal()));
}

#[test]
fn a_link_that_never_was_says_no_more_than_one_that_was_used() {
    let database = SpecDatabase::create();
    let conn = &mut database.connect();
    let token = links::create(conn, Purpose::Setup).unwrap();
    for wrong in ["", "x", &token.reveal()[1..], &format!("{}A", token.reveal())] {
        assert_gone(links::peek(conn, wrong));
        assert_gone(links::use_up(conn, wrong));
    }
    assert!(links::peek(conn, token.reveal()).is_ok());
}

#[test]
fn a_link_to_choose_a_password_is_good_for_72_hours() {
    let database = SpecDatabase::create();
    let conn = &mut database.connect();
    let user = kim(conn);
    let token = commands::create_password_link(conn, &Viewer::operator(), user.id).unwrap();
    let ends = one_time_links::table
        .select(one_time_links::expires_at)
        .first::<chrono::DateTime<Utc>>(conn)
        .unwrap();
    assert!((ends - Utc::now() - TimeDelta::hours(72)).num_seconds().abs() < 60);

    diesel::update(one_time_links::table)
        .set(one_time_links::expires_at.eq(Utc::now() - TimeDelta::seconds(1)))
        .execute(conn)
        .unwrap();
    assert_gone(links::peek(conn, token.reveal()));
    assert_gone(links::use_up(conn, token.reveal()));
    links::sweep(conn).unwrap();
    assert_eq!(one_time_links::table.count().get_result::<i64>(conn), Ok(0));
}

#[test]
fn a_new_link_replaces_the_one_before() {
    let database = SpecDatabase::create();
    let conn = &mut database.connect();
    let user = kim(conn);
    let first = commands::create_password_link(conn, &Viewer::operator(), user.id).unwrap();
    let second = commands::create_password_link(conn, &Viewer::operator(), user.id).unwrap();
    assert_gone(links::peek(conn, first.reveal()));
    assert!(links::peek(conn, second.reveal()).is_ok());

    commands::set_password(conn, &Viewer::operator(), user.id, "hash").unwrap();
    assert_gone(links::peek(conn, second.reveal()));
}

#[test]
fn the_setup_link_is_good_as_long_as_nobody_is_here() {
    let database = SpecDatabase::create();
    let conn = &mut database.connect();
    let token = links::create(conn, Purpose::Setup).unwrap();
    assert_eq!(links::peek(conn, token.reveal()).unwrap(), Purpose::Setup);
    kim(conn);
    assert_gone(links::peek(conn, token.reveal()));
    assert_gone(conn.transaction(|conn| links::use_up(conn, token.reveal())));
}

#[test]
fn of_two_who_use_a_link_at_once_one_is_late() {
    let database = SpecDatabase::create();
    let token = links::create(&mut database.connect(), Purpose::Setup).unwrap();
    let uses: Vec<_> = (0..4)
        .map(|_| {
            let (mut conn, token) = (database.connect(), token.reveal().to_owned());
            std::thread::spawn(move || conn.transaction(|conn| links::use_up(conn, &token)).is_ok())
        })
        .collect();
    assert_eq!(
        uses.into_iter().filter_map(|thread| thread.join().ok()).filter(|used| *used).count(),
        1
    );
}
