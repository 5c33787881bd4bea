//! The chart on a key's page, and the line in the list.

use chrono::{TimeDelta, Utc};
use serde_json::json;

use super::{asks, in_hours, roll_up, run};
use crate::support::TestApp;

/// What the table says of a kind of request, added up.
fn column(page: &crate::support::Page, slug: &str) -> i64 {
    let heads = page.all("[data-numbers] thead th");
    let labels = page.all(&format!("[data-numbers] th[data-series={slug}]"));
    let at = heads.iter().position(|head| Some(head) == labels.first()).unwrap();
    let cells = page.all("[data-numbers] tbody td");
    let width = heads.len() - 1;
    let numbers = cells.iter().skip(at - 1).step_by(width);
    numbers.map(|number| number.replace('\u{202f}', "").parse::<i64>().unwrap()).sum()
}

#[actix_web::test]
async fn each_range_says_how_many_were_allowed_and_refused_for_which_reason() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    let gateway = app.gateway("production");
    let key = app.key(&ada, "deploy bot");
    let mut ada = app.sign_in(&ada).await;
    ada.get(&key.page()).await.assert_shows("Nobody has asked about this key in the last 30 days");
    asks(&app, &gateway, 6, json!({ "key": key.secret }), "VALID").await;
    asks(
        &app,
        &gateway,
        2,
        json!({ "key": key.secret, "scopes": ["orders:read"] }),
        "INSUFFICIENT_SCOPE",
    )
    .await;
    app.flush();
    for (range, words, pieces) in [
        ("hour", "Requests in the last hour", 60),
        ("day", "Requests in the last 24 hours", 24),
        ("month", "Requests in the last 30 days", 30),
    ] {
        let page = ada.get(&format!("{}?range={range}", key.page())).await;
        page.assert_status(200).assert_is_page().assert_shows(words);
        page.assert_shows("6 Allowed").assert_shows("2 Permission missing");
        assert_eq!(page.all("[data-numbers] tbody tr").len(), pieces);
        assert_eq!((column(&page, "allowed"), column(&page, "permission")), (6, 2));
        assert!(!page.text(".switch [aria-current]").is_empty());
        // The picture for whoever has no scripts.
        assert!(page.all(".chart__plot rect").len() >= 2);
    }
    roll_up(&app, in_hours(3));
    for range in ["day", "month"] {
        let page = ada.get(&format!("{}?range={range}", key.page())).await;
        assert_eq!((column(&page, "allowed"), column(&page, "permission")), (6, 2), "{range}");
    }
}

#[actix_web::test]
async fn another_range_is_a_piece_of_the_page_and_an_odd_one_is_refused() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    let mia = app.manager_with_access("Mia");
    let key = app.key(&ada, "deploy bot");
    let mut mia = app.sign_in(&mia).await;
    let mut ada = app.sign_in(&ada).await;
    let hour = format!("{}?range=hour", key.page());
    let piece = ada.with_htmx(&key.page()).get(&hour).await;
    piece.assert_status(200).assert_is_fragment().assert_shows("in the last hour");
    for odd in ["week", "HOUR", "%27", "hour&range=day"] {
        ada.get(&format!("{}?range={odd}", key.page())).await.assert_status(400).assert_is_page();
    }
    mia.get(&hour).await.assert_status(404);
    mia.with_htmx(&key.page()).get(&hour).await.assert_status(404);
}

#[actix_web::test]
async fn days_are_those_of_the_viewer_and_every_time_says_which_it_is_in_utc() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    let key = app.key(&ada, "deploy bot");
    // The last hour of yesterday in Tokyo.
    run(
        &app,
        &format!(
            "insert into usage_hours (key_id, hour, code, requests) values ({}, \
             date_trunc('day', now() at time zone 'Asia/Tokyo') at time zone 'Asia/Tokyo' - interval '1 hour', 'VALID', 77)",
            key.key.id
        ),
    );
    run(&app, "update users set time_zone = 'Asia/Tokyo'");
    let mut browser = app.sign_in(&ada).await;
    let page = browser.get(&key.page()).await;
    let days = page.all("[data-numbers] tbody tr");
    let tokyo = Utc::now().with_timezone(&chrono_tz::Asia::Tokyo).date_naive();
    let yesterday = (tokyo - TimeDelta::days(1)).format("%-d %b").to_string();
    assert_eq!(days[28], format!("{yesterday} 77"), "{days:?}");
    page.assert_shows("Days are those of Asia/Tokyo.");
    assert!(page.attribute("[data-numbers] time", "title").contains("JST ("));

    run(&app, "update users set time_zone = 'Asia/Kolkata'");
    let page = browser.get(&key.page()).await;
    page.assert_shows(
        "Days are those of UTC: in Asia/Kolkata they begin in the middle of an hour.",
    );
    let hour = browser.get(&format!("{}?range=hour", key.page())).await;
    hour.assert_status(200);
}

#[actix_web::test]
async fn a_row_of_the_list_shows_its_last_day() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    let gateway = app.gateway("production");
    let key = app.key(&ada, "deploy bot");
    app.key(&ada, "asleep");
    asks(&app, &gateway, 3, json!({ "key": key.secret }), "VALID").await;
    asks(
        &app,
        &gateway,
        1,
        json!({ "key": key.secret, "scopes": ["orders:read"] }),
        "INSUFFICIENT_SCOPE",
    )
    .await;
    app.flush();
    let mut ada = app.sign_in(&ada).await;
    let list = ada.get("/keys").await;
    assert_eq!(list.all("svg.spark"), ["3 allowed, 1 refused in 24 hours"]);
    // And so does the row that takes its place.
    let mut ada = ada.with_htmx("/keys");
    let row = ada.post(&format!("{}/disable", key.page()), &[("typed", "deploy bot")]).await;
    row.assert_status(200).assert_is_fragment();
    assert_eq!(row.all("svg.spark").len(), 1);
}
