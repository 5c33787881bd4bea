//! Among very many keys: what a page looks at does not grow with them, and what it does not count it does not claim.

use chrono::Utc;
use diesel::{
    Connection, PgConnection, QueryableByName,
    dsl::sql,
    prelude::*,
    sql_query,
    sql_types::{BigInt, Text},
};
use latchkey::{
    demo,
    error::AppError,
    keys::{
        Filter, LastUsed, Order, Sort, Status,
        queries::{self, in_time},
    },
    schema::keys,
    users::Viewer,
};

use super::{run, searching::names};
use crate::support::TestApp;

const KEYS: u32 = 14_000;

/// What a page may look at: those few that are gathered and sorted, or those that a walk meets until the page is full.
const LOOKS_AT: i64 = 6_500;

fn world() -> TestApp {
    let app = TestApp::start();
    demo::add_keys(&mut app.database.connect(), &Viewer::operator(), KEYS, None, || {
        Ok(app.database.connect())
    })
    .unwrap();
    run(&app, "vacuum analyze keys");
    app
}

/// How many rows of keys the connection has read, since it last told the others: which it does between transactions.
fn rows_read(conn: &mut PgConnection) -> i64 {
    #[derive(QueryableByName)]
    struct Read {
        #[diesel(sql_type = BigInt)]
        rows: i64,
    }
    let read: Read = sql_query(
        "select seq_tup_read + coalesce(idx_tup_fetch, 0) as rows
         from pg_stat_xact_user_tables where relname = 'keys'",
    )
    .get_result(conn)
    .unwrap();
    read.rows
}

fn filters() -> Vec<(String, Filter)> {
    let mut filters: Vec<(String, Filter)> = vec![("everything".into(), Filter::default())];
    for status in Status::ALL {
        let filter = Filter { status: Some(status), ..Filter::default() };
        filters.push((status.label().into(), filter));
    }
    for (slug, _, last_used) in LastUsed::ALL {
        filters.push((slug.into(), Filter { last_used: Some(last_used), ..Filter::default() }));
    }
    for permission in ["reporting:read", "payouts:read", "nobody:holds"] {
        let filter = Filter { permission: Some(permission.into()), ..Filter::default() };
        filters.push((permission.into(), filter));
    }
    for words in ["xyzzy", "juniper", "storefront", "quill payout", "co", "zz", "q", "prod_pk_a"] {
        let filter = Filter { search: Some(words.into()), ..Filter::default() };
        filters.push((format!("search for {words}"), filter));
    }
    let expiring = Filter { expires_soon: true, ..Filter::default() };
    let elsewhere = Filter { environment: Some("sandbox".into()), ..Filter::default() };
    let nowhere = Filter { application: Some("app_0".into()), ..Filter::default() };
    filters.extend([
        ("expiring".into(), expiring),
        ("sandbox".into(), elsewhere),
        ("unknown application".into(), nowhere),
    ]);
    filters
}

#[actix_web::test]
async fn no_page_of_the_list_looks_at_all_keys() {
    let app = world();
    let conn = &mut app.database.connect();
    let operator = Viewer::operator();
    for (name, filter) in filters() {
        for sort in [Sort::Created, Sort::Name, Sort::LastUsed] {
            for descending in [true, false] {
                let filter = Filter { order: Order { sort, descending }, ..filter.clone() };
                let read = conn.test_transaction::<_, AppError, _>(|conn| {
                    let before = rows_read(conn);
                    in_time(conn, |conn| {
                        queries::list(conn, &operator, &filter, Utc::now())?;
                        queries::count_expiring(conn, &operator, Utc::now())?;
                        Ok(rows_read(conn) - before)
                    })
                });
                assert!(read < LOOKS_AT, "{name} by {sort:?}: {read} of {KEYS} keys were read");
            }
        }
    }
}

/// Among these, names with the word in them are common and stand together, where a walk from either end does not come.
#[actix_web::test]
async fn common_words_are_found_in_order_wherever_they_stand() {
    let app = world();
    run(
        &app,
        "update keys set name = 'Middle stretch ' || id, revoked_at = null, disabled_at = null, expires_at = null
             where id % 4 = 0;
         analyze keys",
    );
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    for (sort, direction) in [("name", "asc"), ("%2Dname", "desc")] {
        for filter in ["", "&status=active"] {
            let expected: Vec<String> = app.db(|conn| {
                keys::table
                    .filter(keys::name.like("Middle stretch %"))
                    .order(sql::<Text>(&format!("lower(name) collate \"C\" {direction}")))
                    .select(keys::name)
                    .limit(60)
                    .load(conn)
                    .unwrap()
            });
            let mut address = format!("/keys?q=stretch&sort={sort}{filter}");
            let mut found = Vec::new();
            while found.len() < 60 {
                let page = ada.get(&address).await;
                page.assert_status(200);
                found.extend(names(&page));
                address = page.attribute("a[rel=next]", "href");
            }
            assert_eq!(found[..60], expected, "{sort}{filter}");
        }
    }
}

#[actix_web::test]
async fn what_is_not_counted_is_said_to_be_an_estimate() {
    let app = world();
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    let overview = ada.get("/").await;
    overview.assert_status(200).assert_shows("of about");
    ada.get("/settings/environments").await.assert_status(200).assert_shows("about");
    ada.get("/keys/confirm/reset").await.assert_status(200).assert_shows("active keys");
    ada.get("/applications").await.assert_status(200).assert_shows("more than 500 active");
    // Nothing is left out of a list because of it.
    assert_eq!(names(&ada.get("/keys?status=revoked").await).len(), 25);
}

#[actix_web::test]
async fn a_list_that_takes_too_long_is_given_up_and_says_so() {
    let app = TestApp::start();
    let conn = &mut app.database.connect();
    let answer = in_time(conn, |conn| Ok(sql_query("select pg_sleep(30)").execute(conn)?));
    let Err(AppError::Unprocessable(sentence)) = answer else { panic!("{answer:?}") };
    assert!(sentence.contains("Narrow the list"), "{sentence}");
    // The connection is as good as before.
    assert_eq!(sql_query("select 1").execute(conn), Ok(1));
}
