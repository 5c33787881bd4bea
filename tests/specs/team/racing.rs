//! A grant that goes or shrinks while somebody acts under it.

use std::thread;

use diesel::{
    Connection, ExpressionMethods, PgConnection, QueryDsl, QueryableByName, RunQueryDsl,
    sql_types::BigInt,
};
use futures_util::future::join;
use latchkey::{
    access::{self, Grant},
    error::AppError,
    keys::{self, NewKey, Permissions},
    schema::audit_events,
    users::{Origin, User, Viewer},
};

use crate::support::{Browser, TestApp};

/// Fills in the wizard to the end; what is left is to press Create.
async fn walk(browser: &mut Browser, app_id: &str, name: &str) -> String {
    let draft = uuid::Uuid::new_v4().to_string();
    for step in [
        &[("step", "name"), ("name", name)][..],
        &[("step", "environment"), ("application", app_id), ("environment", "production")],
        &[("step", "permissions"), ("permission", "reporting:read")],
        &[("step", "limits"), ("expires", "never")],
    ] {
        let fields = [&[("draft", draft.as_str()), ("go", "next")], step].concat();
        browser.post("/keys/new", &fields).await.assert_status(303);
    }
    draft
}

/// The actions in the trail that make keys and end grants, in order.
fn order(app: &TestApp) -> Vec<String> {
    app.db(|conn| {
        audit_events::table
            .filter(audit_events::action.eq_any([
                "key.created",
                "key.enabled",
                "key.regenerated",
                "access.withdrawn",
            ]))
            .order(audit_events::id)
            .select(audit_events::action)
            .load(conn)
            .unwrap()
    })
}

fn reports(app: &TestApp, owner: &User, name: &str) -> NewKey {
    let template = app.key_with(None, &format!("like {name}"), |_| {}).key;
    NewKey {
        name: name.into(),
        note: String::new(),
        application_id: template.application_id,
        environment_id: template.environment_id,
        owner_id: Some(owner.id),
        permissions: app.permissions(&["reporting:read"]),
        limits: Vec::new(),
        expires_at: None,
        customers: Vec::new(),
        allowed_ips: Vec::new(),
        excluded_ips: Vec::new(),
        allowed_origins: Vec::new(),
    }
}

/// Until that many connections to this database wait for somebody's lock.
pub fn wait_for_waiting(conn: &mut PgConnection, wanted: i64) {
    #[derive(QueryableByName)]
    struct Waiting {
        #[diesel(sql_type = BigInt)]
        count: i64,
    }
    let ask = "select count(*) as count from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock'";
    let began = std::time::Instant::now();
    while diesel::sql_query(ask).get_result::<Waiting>(conn).unwrap().count < wanted {
        assert!(began.elapsed().as_secs() < 10, "nobody waits");
        thread::yield_now();
    }
}

#[actix_web::test]
async fn a_grant_that_went_after_the_form_was_opened_makes_nothing() {
    let app = TestApp::start();
    let app_id = app.application("Back office");
    let user = app.manager_with_access("Mia");
    let key = app.key(&user, "deploy bot");
    let mut mia = app.sign_in(&user).await;
    let draft = walk(&mut mia, &app_id, "late").await;
    let create = [("draft", draft.as_str()), ("go", "create")];
    app.withdraw(&user);
    mia.post("/keys", &create).await.assert_status(404);
    mia.post(&format!("{}/regenerate", key.page()), &[("version", "1")]).await.assert_status(404);

    app.grant_only(&user, &["sandbox"], Permissions { all: true, ..Permissions::default() });
    let page = mia.post("/keys", &create).await;
    page.assert_status(403).assert_shows("Your API access doesn’t cover Production.");
    mia.post(&format!("{}/regenerate", key.page()), &[("version", "1")]).await.assert_status(403);
    assert_eq!(order(&app), ["key.created", "access.withdrawn"]);

    // The answers are kept: with the grant back, the same button works.
    app.grant(&user);
    mia.post("/keys", &create).await.assert_status(200);
}

#[actix_web::test]
async fn no_key_is_made_or_brought_to_life_after_a_withdrawal_however_close() {
    let app = TestApp::start();
    let app_id = app.application("Back office");
    let user = app.manager_with_access("Mia");
    let mia = app.sign_in(&user).await;
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    let (mut made, mut refused) = (0, 0);
    for round in 0..24 {
        let mut mia = mia.clone();
        let draft = walk(&mut mia, &app_id, &format!("round {round}")).await;
        let key = app.key(&user, &format!("old {round}"));
        let (address, fields) = match round % 3 {
            0 => ("/keys".to_owned(), vec![("draft", draft.as_str()), ("go", "create")]),
            1 => (format!("{}/regenerate", key.page()), vec![("version", "1")]),
            _ => {
                let disabled = format!("{}/disable", key.page());
                mia.post(&disabled, &[]).await.assert_status(303);
                (format!("{}/enable", key.page()), Vec::new())
            }
        };
        let before = order(&app).len();
        let withdraw = format!("/team/{}/withdraw", user.id);
        let (done, gone) = join(mia.post(&address, &fields), ada.post(&withdraw, &[])).await;
        gone.assert_status(303);
        let since = &order(&app)[before..];
        match done.status() {
            200 | 303 => {
                assert_eq!(since.len(), 2, "{since:?}");
                assert_eq!(since[1], "access.withdrawn", "round {round}: {since:?}");
                made += 1;
            }
            404 => {
                assert_eq!(since, ["access.withdrawn"], "round {round}");
                refused += 1;
            }
            other => panic!("round {round}: {other}"),
        }
        mia.post(&address, &fields).await.assert_status(404);
        app.grant(&user);
    }
    assert_eq!(made + refused, 24);
}

#[test]
fn a_grant_that_is_narrowed_first_refuses_the_key_that_waited_for_it() {
    let app = TestApp::start();
    let mia = app.manager_with_access("Mia");
    let new = reports(&app, &mia, "late");
    let narrow = Grant::of(None, app.permissions(&["orders:read"]));
    let viewer = app.db(|conn| Viewer::load(conn, mia.id, Origin::default())).unwrap();
    let mut narrowing = app.database.connect();
    let mut creating = app.database.connect();
    let outcome = narrowing
        .transaction(|conn| -> Result<_, AppError> {
            access::set(conn, &Viewer::operator(), mia.id, &narrow)?;
            let create = thread::spawn(move || {
                creating.transaction(|conn| keys::commands::create(conn, &viewer, &new).map(drop))
            });
            wait_for_waiting(&mut app.database.connect(), 1);
            Ok(create)
        })
        .unwrap()
        .join()
        .unwrap();
    assert!(matches!(outcome, Err(AppError::BeyondGrant(_))), "{outcome:?}");
    assert_eq!(order(&app), ["key.created"], "only the one it was to be like");
}

#[test]
fn a_key_that_is_being_made_is_done_before_its_grant_is_narrowed() {
    let app = TestApp::start();
    let mia = app.manager_with_access("Mia");
    let new = reports(&app, &mia, "early");
    let narrow = Grant::of(Some(Vec::new()), Permissions::default());
    let viewer = app.db(|conn| Viewer::load(conn, mia.id, Origin::default())).unwrap();
    let mut creating = app.database.connect();
    let mut narrowing = app.database.connect();
    let id = mia.id;
    let (key, narrowed) = creating
        .transaction(|conn| -> Result<_, AppError> {
            let (key, _) = keys::commands::create(conn, &viewer, &new)?;
            let narrowed = thread::spawn(move || {
                narrowing.transaction(|conn| {
                    access::set(conn, &Viewer::operator(), id, &narrow).map(drop)
                })
            });
            // The change of the grant waits for the key, also when somebody else's act does not.
            wait_for_waiting(&mut app.database.connect(), 1);
            Ok((key, narrowed))
        })
        .unwrap();
    narrowed.join().unwrap().unwrap();
    let events: Vec<String> = app.db(|conn| {
        audit_events::table
            .filter(audit_events::subject.eq_any([key.public_key.clone(), format!("user:{id}")]))
            .filter(audit_events::action.eq_any(["key.created", "access.changed"]))
            .order(audit_events::id)
            .select(audit_events::action)
            .load(conn)
            .unwrap()
    });
    assert_eq!(events, ["key.created", "access.changed"]);
    // And from then on nothing of it is theirs to bring to life.
    let again = app.db(|conn| {
        conn.transaction(|conn| {
            keys::commands::regenerate(conn, &viewer, &key.public_key, None, keys::Overlap::Now)
                .map(drop)
        })
    });
    assert!(matches!(again, Err(AppError::BeyondGrant(_))), "{again:?}");
}
