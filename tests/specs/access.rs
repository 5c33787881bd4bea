//! API access of marketplace managers, roles and passwords.

use diesel::{PgConnection, prelude::*};
use latchkey::{
    access,
    error::AppError,
    schema::{api_access, audit_events, sessions, users},
    users::{NewUser, Origin, Role, Viewer, commands, passwords, queries},
};
use serde_json::json;

use crate::support::database::SpecDatabase;

fn person(conn: &mut PgConnection, name: &str, role: Role) -> Viewer {
    let email = format!("{name}@example.com");
    let new = NewUser { email, name: name.into(), role, api_access: false };
    let user = commands::add(conn, &Viewer::operator(), &new).unwrap();
    Viewer::load(conn, user.id, Origin::default()).unwrap()
}

fn id(viewer: &Viewer) -> i64 {
    viewer.id.unwrap()
}

/// Everybody can sign in from then on.
fn all_choose_passwords(conn: &mut PgConnection) {
    diesel::update(users::table).set(users::password_hash.eq("hash")).execute(conn).unwrap();
}

fn sign_in(conn: &mut PgConnection, viewer: &Viewer) {
    diesel::insert_into(sessions::table)
        .values((
            sessions::id_hash.eq(vec![1, 2, 3]),
            sessions::user_id.eq(viewer.id),
            sessions::state.eq(json!({})),
            sessions::expires_at.eq(chrono::Utc::now()),
        ))
        .execute(conn)
        .unwrap();
}

fn trail(conn: &mut PgConnection, about: &Viewer) -> Vec<String> {
    audit_events::table
        .filter(audit_events::subject.eq(format!("user:{}", id(about))))
        .select(audit_events::action)
        .order(audit_events::id)
        .load(conn)
        .unwrap()
}

#[test]
fn a_manager_has_access_while_it_is_granted() {
    let database = SpecDatabase::create();
    let conn = &mut database.connect();
    let alex = person(conn, "alex", Role::Administrator);
    let kim = person(conn, "kim", Role::Manager);
    assert!(matches!(kim.confirm_api_access(conn), Err(AppError::NoApiAccess)));

    access::grant(conn, &alex, id(&kim)).unwrap();
    assert!(kim.confirm_api_access(conn).unwrap().has_api_access());

    access::withdraw(conn, &alex, id(&kim)).unwrap();
    assert!(matches!(kim.confirm_api_access(conn), Err(AppError::NoApiAccess)));
}

#[test]
fn granting_and_withdrawing_twice_happens_once_and_is_kept() {
    let database = SpecDatabase::create();
    let conn = &mut database.connect();
    let alex = person(conn, "alex", Role::Administrator);
    let kim = person(conn, "kim", Role::Manager);
    for _ in 0..2 {
        access::grant(conn, &alex, id(&kim)).unwrap();
    }
    for _ in 0..2 {
        access::withdraw(conn, &alex, id(&kim)).unwrap();
    }
    assert_eq!(trail(conn, &kim), ["user.created", "access.granted", "access.withdrawn"]);
    let kept: Vec<(Option<i64>, Option<i64>)> = api_access::table
        .select((api_access::granted_by, api_access::withdrawn_by))
        .load(conn)
        .unwrap();
    assert_eq!(kept, [(alex.id, alex.id)]);
}

#[test]
fn the_team_page_says_who_granted_and_when() {
    let database = SpecDatabase::create();
    let conn = &mut database.connect();
    let alex = person(conn, "alex", Role::Administrator);
    let kim = person(conn, "kim", Role::Manager);
    let lee = person(conn, "lee", Role::Manager);
    access::grant(conn, &alex, id(&kim)).unwrap();
    access::grant(conn, &Viewer::operator(), id(&lee)).unwrap();
    access::withdraw(conn, &alex, id(&lee)).unwrap();
    access::grant(conn, &Viewer::operator(), id(&lee)).unwrap();

    let team = queries::list(conn, &alex).unwrap();
    let told: Vec<(&str, bool, Option<Option<&str>>)> = team
        .iter()
        .map(|member| {
            let by = member.api_access.as_ref().map(|access| access.granted_by.as_deref());
            (member.user.name.as_str(), member.has_api_access(), by)
        })
        .collect();
    assert_eq!(
        told,
        [("alex", true, None), ("kim", true, Some(Some("alex"))), ("lee", true, Some(None))]
    );
    assert!(matches!(queries::list(conn, &kim), Err(AppError::Forbidden)));
}

#[test]
fn only_administrators_grant_and_they_need_no_grant() {
    let database = SpecDatabase::create();
    let conn = &mut database.connect();
    let alex = person(conn, "alex", Role::Administrator);
    let kim = person(conn, "kim", Role::Manager);
    assert!(matches!(access::grant(conn, &kim, id(&kim)), Err(AppError::Forbidden)));
    assert!(matches!(access::withdraw(conn, &kim, id(&kim)), Err(AppError::Forbidden)));
    assert!(matches!(access::grant(conn, &alex, id(&alex)), Err(AppError::Conflict(_))));
    assert!(matches!(access::grant(conn, &alex, 4711), Err(AppError::NotFound)));
    let new = NewUser {
        email: "x@example.com".into(),
        name: "X".into(),
        role: Role::Administrator,
        api_access: false,
    };
    assert!(matches!(commands::add(conn, &kim, &new), Err(AppError::Forbidden)));
    assert!(matches!(
        commands::change_role(conn, &kim, id(&kim), Role::Administrator),
        Err(AppError::Forbidden)
    ));
    assert!(matches!(
        commands::set_password(conn, &kim, id(&alex), "hash"),
        Err(AppError::Forbidden)
    ));
}

#[test]
fn somebody_always_administrates() {
    let database = SpecDatabase::create();
    let conn = &mut database.connect();
    let alex = person(conn, "alex", Role::Administrator);
    let demote = |conn: &mut PgConnection, who: &Viewer| {
        commands::change_role(conn, &Viewer::operator(), id(who), Role::Manager)
    };
    assert!(matches!(demote(conn, &alex), Err(AppError::Conflict(_))));

    let kim = person(conn, "kim", Role::Manager);
    commands::change_role(conn, &alex, id(&kim), Role::Administrator).unwrap();
    assert!(matches!(demote(conn, &alex), Err(AppError::Conflict(_))), "Kim cannot sign in yet");
    all_choose_passwords(conn);
    demote(conn, &alex).unwrap();
    assert!(matches!(alex.confirm_administrator(conn), Err(AppError::Forbidden)));
    assert!(matches!(demote(conn, &kim), Err(AppError::Conflict(_))));
}

#[test]
fn two_administrators_who_demote_each_other_leave_one() {
    let database = SpecDatabase::create();
    let conn = &mut database.connect();
    let alex = person(conn, "alex", Role::Administrator);
    let kim = person(conn, "kim", Role::Administrator);
    all_choose_passwords(conn);
    let demote = |by: &Viewer, whom: &Viewer| {
        let (mut conn, by, whom) = (database.connect(), by.clone(), id(whom));
        move || {
            conn.transaction(|conn| commands::change_role(conn, &by, whom, Role::Manager)).is_ok()
        }
    };
    let (one, other) = (demote(&alex, &kim), demote(&kim, &alex));
    let (one, other) = (std::thread::spawn(one), std::thread::spawn(other));
    assert_eq!(usize::from(one.join().unwrap()) + usize::from(other.join().unwrap()), 1);
    let left = users::table.filter(users::role.eq("administrator")).count().get_result::<i64>(conn);
    assert_eq!(left, Ok(1));
}

#[test]
fn sessions_end_with_the_role_or_password_they_were_begun_under() {
    let database = SpecDatabase::create();
    let conn = &mut database.connect();
    let kim = person(conn, "kim", Role::Manager);
    let open = |conn: &mut PgConnection| sessions::table.count().get_result::<i64>(conn).unwrap();

    sign_in(conn, &kim);
    commands::change_role(conn, &Viewer::operator(), id(&kim), Role::Manager).unwrap();
    assert_eq!(open(conn), 1, "the same role is no change");
    commands::change_role(conn, &Viewer::operator(), id(&kim), Role::Administrator).unwrap();
    assert_eq!(open(conn), 0);

    sign_in(conn, &kim);
    let hash = passwords::hash("correct horse battery").unwrap();
    commands::set_password(conn, &kim, id(&kim), &hash).unwrap();
    assert_eq!(open(conn), 0);
    assert_eq!(trail(conn, &kim), ["user.created", "user.role_changed", "user.password_changed"]);
}
