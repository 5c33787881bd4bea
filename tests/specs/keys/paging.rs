//! Pages by cursor: no row twice, none left out, whatever happens meanwhile.

use latchkey::keys;

use super::{many, run, searching::names};
use crate::support::{Browser, Page, TestApp};

fn next(page: &Page) -> Option<String> {
    (!page.all("a[rel=next]").is_empty()).then(|| page.attribute("a[rel=next]", "href"))
}

fn previous(page: &Page) -> Option<String> {
    (!page.all("a[rel=prev]").is_empty()).then(|| page.attribute("a[rel=prev]", "href"))
}

/// All pages from an address on.
async fn pages(browser: &mut Browser, address: &str) -> Vec<Page> {
    let mut found = Vec::new();
    let mut at = Some(address.to_owned());
    while let Some(address) = at {
        let page = browser.get(&address).await;
        page.assert_status(200);
        at = next(&page);
        found.push(page);
    }
    found
}

fn numbered(count: usize) -> Vec<String> {
    (1..=count).map(|number| format!("key {number:02}")).collect()
}

#[actix_web::test]
async fn forward_and_back_show_every_key_once_and_in_order() {
    let app = TestApp::start();
    let numbered = numbered(60);
    many(&app, numbered.iter().cloned());
    run(
        &app,
        "update keys set last_used_at = now() - (id % 7) * interval '1 day' where id % 3 = 0",
    );
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    for sort in ["", "created", "-created", "name", "-name", "last_used", "-last_used"] {
        let forward = pages(&mut ada, &format!("/keys?sort={sort}")).await;
        let sizes: Vec<usize> = forward.iter().map(|page| names(page).len()).collect();
        assert_eq!(sizes, [25, 25, 10], "{sort}");
        let all: Vec<String> = forward.iter().flat_map(names).collect();
        let mut unique = all.clone();
        unique.sort_unstable();
        assert_eq!(unique, numbered, "{sort}");
        match sort {
            "name" | "created" => assert_eq!(all, numbered),
            "" | "-name" | "-created" => assert!(all.iter().rev().eq(&numbered), "{sort}"),
            _ => {}
        }
        assert!(previous(&forward[0]).is_none());
        let middle = ada.get(&previous(&forward[2]).unwrap()).await;
        assert_eq!(names(&middle), names(&forward[1]), "{sort}");
        let first = ada.get(&previous(&middle).unwrap()).await;
        assert_eq!(names(&first), names(&forward[0]), "{sort}");
        assert!(previous(&first).is_none());
    }
}

#[actix_web::test]
async fn names_are_in_order_whatever_their_letters() {
    let app = TestApp::start();
    let odd =
        ["İstanbul", "ΟΔΟΣ", "οδός", "ẞ", "ß", "ÉCOLE", "école 2", "Zebra", "zebra 2", "👩‍💻", "ǅ"];
    let names_made: Vec<String> =
        (100..160).map(|number| format!("{} {number}", odd[number % odd.len()])).collect();
    many(&app, names_made.clone());
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    for sort in ["name", "-name"] {
        let forward = pages(&mut ada, &format!("/keys?sort={sort}")).await;
        let mut all: Vec<String> = forward.iter().flat_map(names).collect();
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!((count, all.len()), (names_made.len(), names_made.len()), "{sort}");
    }
}

#[actix_web::test]
async fn rows_that_come_and_go_between_pages_neither_repeat_nor_hide_others() {
    let app = TestApp::start();
    let keys_made = many(&app, numbered(55));
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    let first = ada.get("/keys").await;
    // The row the cursor stands on goes, a newer one comes.
    for gone in [&keys_made[30], &keys_made[29], &keys_made[50]] {
        app.operator(|conn, operator| {
            keys::commands::disable(conn, operator, gone)?;
            keys::commands::delete(conn, operator, gone)
        });
    }
    app.key_with(None, "newcomer", |_| {});
    let rest = pages(&mut ada, &next(&first).unwrap()).await;
    let seen: Vec<String> = names(&first).into_iter().chain(rest.iter().flat_map(names)).collect();
    let expected: Vec<String> =
        numbered(55).into_iter().rev().filter(|name| name != "key 30").collect();
    assert_eq!(seen, expected);
    // Back at the beginning the newcomer is there.
    let back = ada.get(&previous(&rest[0]).unwrap()).await;
    assert_eq!(names(&back).len(), 24);
    back.assert_shows("newcomer").assert_hides("key 31").assert_hides("key 51");
}

#[actix_web::test]
async fn a_page_whose_rows_have_all_gone_is_the_first_page_again() {
    let app = TestApp::start();
    let keys_made = many(&app, numbered(30));
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    let first = ada.get("/keys").await;
    let second = ada.get(&next(&first).unwrap()).await;
    app.operator(|conn, operator| {
        for gone in &keys_made[..5] {
            keys::commands::disable(conn, operator, gone)?;
            keys::commands::delete(conn, operator, gone)?;
        }
        Ok(())
    });
    let page = ada.get(&next(&first).unwrap()).await;
    assert_eq!(names(&page), names(&first));
    app.operator(|conn, operator| {
        for gone in &keys_made[10..] {
            keys::commands::disable(conn, operator, gone)?;
            keys::commands::delete(conn, operator, gone)?;
        }
        Ok(())
    });
    let page = ada.get(&previous(&second).unwrap()).await;
    assert_eq!(names(&page), ["key 10", "key 09", "key 08", "key 07", "key 06"]);
}

#[actix_web::test]
async fn htmx_turns_the_page_of_the_table() {
    let app = TestApp::start();
    many(&app, numbered(30));
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    let address = next(&ada.get("/keys?q=key").await).unwrap();
    let table = ada.with_htmx("/keys").get(&address).await;
    table.assert_status(200).assert_is_fragment().assert_shows("key 05").assert_hides("key 06");
}

#[actix_web::test]
async fn a_cursor_is_good_for_one_person_and_one_list() {
    let app = TestApp::start();
    many(&app, numbered(30));
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    let mut eve = app.sign_in(&app.administrator("Eve")).await;
    let address = next(&ada.get("/keys?status=active").await).unwrap();
    ada.get(&address).await.assert_status(200);
    let refused = eve.get(&address).await;
    refused.assert_status(400).assert_is_page().assert_shows("This is a bad page address");
    eve.with_htmx("/keys").get(&address).await.assert_status(400).assert_is_fragment();

    let cursor = address.split_once("after=").unwrap().1;
    let (front, back) = cursor.split_at(cursor.len() / 2);
    let swapped = if back.starts_with('A') { "B" } else { "A" };
    for forged in [
        format!("/keys?after={cursor}"),
        format!("/keys?status=revoked&after={cursor}"),
        format!("/keys?status=active&sort=name&after={cursor}"),
        format!("/keys?status=active&q=x&after={cursor}"),
        format!("/keys?status=active&after={front}"),
        format!("/keys?status=active&after={cursor}AAAA"),
        format!("/keys?status=active&after={front}{swapped}{}", &back[1..]),
        format!("/keys?status=active&after={cursor}&before={cursor}"),
        "/keys?after=0".into(),
        "/keys?after=%00".into(),
        "/keys?before=eA".into(),
    ] {
        ada.get(&forged).await.assert_status(400).assert_is_page();
    }
}
