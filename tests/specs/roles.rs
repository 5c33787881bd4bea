//! Who may do what: every verb for every kind of person, from one table.

use latchkey::{audit, keys};

use crate::support::{Browser, MadeKey, TestApp};

/// In which state the key has to be for the verb to make sense.
#[derive(Clone, Copy, PartialEq)]
enum Key {
    Active,
    Disabled,
    Revoked,
}

/// What a person is answered.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Says {
    /// Go and sign in.
    SignIn,
    /// 404, and nothing changes.
    Absent,
    /// 403, and nothing changes.
    Forbidden,
    /// This status, and nothing changes.
    Shows(u16),
    /// This status, and it is done.
    Does(u16),
}
use Key::{Active, Disabled, Revoked};
use Says::{Absent, Does, Forbidden, Shows, SignIn};

/// Verb, address, fields of the form (none: GET), state of the key; then what is answered to a visitor, a manager
/// without access, a manager on an own key, a manager on another's key, an administrator.
type Row =
    (&'static str, &'static str, Option<&'static [(&'static str, &'static str)]>, Key, [Says; 5]);

const DRAFT: &str = "018f2b8e-3f4a-4c55-9d1e-0a1b2c3d4e5f";
const NAMED: &[(&str, &str)] =
    &[("draft", DRAFT), ("step", "name"), ("name", "deploy bot"), ("go", "next")];
const EDITED: &[(&str, &str)] = &[
    ("version", "1"),
    ("name", "renamed"),
    ("permission", "reporting:read"),
    ("expires", "never"),
];

const TABLE: &[Row] = &[
    ("list", "/keys", None, Active, [SignIn, Absent, Shows(200), Shows(200), Shows(200)]),
    (
        "search",
        "/keys/search",
        Some(&[("q", "x")]),
        Active,
        [SignIn, Absent, Shows(303), Shows(303), Shows(303)],
    ),
    ("new", "/keys/new", None, Active, [SignIn, Absent, Shows(303), Shows(303), Shows(303)]),
    (
        "keep a step",
        "/keys/new",
        Some(NAMED),
        Active,
        [SignIn, Absent, Shows(303), Shows(303), Shows(303)],
    ),
    (
        "sketch",
        "/keys/new/sketch",
        Some(NAMED),
        Active,
        [SignIn, Absent, Shows(200), Shows(200), Shows(200)],
    ),
    // Whoever may create is asked for what is missing; that it then creates is told in keys/creating.
    (
        "create",
        "/keys",
        Some(&[("draft", DRAFT), ("go", "create")]),
        Active,
        [SignIn, Absent, Shows(422), Shows(422), Shows(422)],
    ),
    ("see", "{key}", None, Active, [SignIn, Absent, Shows(200), Absent, Shows(200)]),
    ("edit", "{key}/edit", None, Active, [SignIn, Absent, Shows(200), Absent, Shows(200)]),
    ("update", "{key}/edit", Some(EDITED), Active, [SignIn, Absent, Does(303), Absent, Does(303)]),
    (
        "ask to disable",
        "{key}/confirm/disable",
        None,
        Active,
        [SignIn, Absent, Shows(200), Absent, Shows(200)],
    ),
    (
        "ask to enable",
        "{key}/confirm/enable",
        None,
        Disabled,
        [SignIn, Absent, Shows(200), Absent, Shows(200)],
    ),
    (
        "ask to regenerate",
        "{key}/confirm/regenerate",
        None,
        Active,
        [SignIn, Absent, Shows(200), Absent, Shows(200)],
    ),
    (
        "ask to revoke",
        "{key}/confirm/revoke",
        None,
        Active,
        [SignIn, Absent, Forbidden, Absent, Shows(200)],
    ),
    (
        "ask to delete",
        "{key}/confirm/delete",
        None,
        Revoked,
        [SignIn, Absent, Forbidden, Absent, Shows(200)],
    ),
    ("disable", "{key}/disable", Some(&[]), Active, [SignIn, Absent, Does(303), Absent, Does(303)]),
    ("enable", "{key}/enable", Some(&[]), Disabled, [SignIn, Absent, Does(303), Absent, Does(303)]),
    (
        "regenerate",
        "{key}/regenerate",
        Some(&[("version", "1")]),
        Active,
        [SignIn, Absent, Does(200), Absent, Does(200)],
    ),
    ("revoke", "{key}/revoke", Some(&[]), Active, [SignIn, Absent, Forbidden, Absent, Does(303)]),
    ("delete", "{key}/delete", Some(&[]), Revoked, [SignIn, Absent, Forbidden, Absent, Does(303)]),
];

fn prepare(app: &TestApp, made: &MadeKey, state: Key) {
    app.operator(|conn, operator| match state {
        Active => Ok(()),
        Disabled => keys::commands::disable(conn, operator, made.public_key()).map(drop),
        Revoked => keys::commands::revoke(conn, operator, made.public_key(), None).map(drop),
    });
}

fn events(app: &TestApp, made: &MadeKey) -> usize {
    app.db(|conn| audit::recent_for(conn, made.public_key(), 100)).unwrap().len()
}

#[actix_web::test]
async fn every_verb_is_answered_as_the_table_says() {
    let app = TestApp::start();
    let (mia, max) = (app.manager_with_access("Mia"), app.manager_with_access("Max"));
    let her_window = app.sign_in(&mia).await;
    let mut people: [(&str, Browser); 5] = [
        ("visitor", app.visitor()),
        ("manager without access", app.sign_in(&app.manager("Noa")).await),
        ("manager, own key", her_window.clone()),
        ("manager, another’s key", her_window),
        ("administrator", app.sign_in(&app.administrator("Ada")).await),
    ];
    for (verb, address, fields, state, expected) in TABLE {
        for (number, (who, browser)) in people.iter_mut().enumerate() {
            let owner = if number == 3 { &max } else { &mia };
            let made = app.key(owner, &format!("{verb} {number}"));
            prepare(&app, &made, *state);
            let before = events(&app, &made);
            let address = address.replace("{key}", &made.page());
            let answer = match fields {
                Some(fields) => {
                    let renamed = format!("renamed {number}");
                    let own = |value| if value == "renamed" { renamed.as_str() } else { value };
                    let fields: Vec<_> =
                        fields.iter().map(|(name, value)| (*name, own(value))).collect();
                    browser.post(&address, &fields).await
                }
                None => browser.get(&address).await,
            };
            let said = match answer.status() {
                303 if answer.location().unwrap().starts_with("/sign-in") => SignIn,
                404 => Absent,
                403 => Forbidden,
                status if events(&app, &made) > before => Does(status),
                status => Shows(status),
            };
            assert_eq!(said, expected[number], "{verb}, {who}");
            let done = usize::from(matches!(said, Does(_)));
            assert_eq!(events(&app, &made), before + done, "{verb}, {who}");
        }
    }
}

#[actix_web::test]
async fn a_grant_and_its_end_count_from_the_next_request_on() {
    let app = TestApp::start();
    let user = app.manager("Mia");
    let mut mia = app.sign_in(&user).await;
    for _ in 0..2 {
        mia.get("/keys").await.assert_status(404);
        app.grant(&user);
        mia.get("/keys").await.assert_status(200);
        app.withdraw(&user);
    }
    mia.get("/keys").await.assert_status(404);
}
