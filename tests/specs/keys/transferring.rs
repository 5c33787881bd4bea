//! Giving a key to somebody else.

use latchkey::keys::Permissions;

use super::{break_the_trail, statuses, stored, trail};
use crate::support::TestApp;

#[actix_web::test]
async fn an_administrator_gives_a_key_to_somebody_else_and_it_goes_on_working() {
    let app = TestApp::start();
    let (mia, max) = (app.manager_with_access("Mia"), app.manager_with_access("Max"));
    let key = app.key(&mia, "deploy bot");
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    let question = ada.get(&format!("{}/confirm/transfer", key.page())).await;
    question.assert_status(200).assert_is_page().assert_shows("Transfer deploy bot?");
    assert_eq!(question.attribute("#owner [selected]", "value"), mia.id.to_string());
    let to_max = [("owner", max.id.to_string())];
    let to_max: Vec<(&str, &str)> = to_max.iter().map(|(name, id)| (*name, id.as_str())).collect();
    ada.submit(&question, "dialog form", &to_max).await.assert_leads_to(&key.page());
    let page = ada.get(&key.page()).await;
    page.assert_shows("deploy bot belongs to Max now.").assert_shows("Owner Max");
    page.assert_shows("transferred it: Mia → Max");

    app.sign_in(&mia).await.get(&key.page()).await.assert_status(404);
    app.sign_in(&max).await.get(&format!("{}/edit", key.page())).await.assert_status(200);
    assert_eq!(app.code(&app.gateway("production"), &key.secret).await, "VALID");
    // To whom it belongs already: nothing happens.
    ada.post(&format!("{}/transfer", key.page()), &to_max).await.assert_leads_to(&key.page());
    assert_eq!(trail(&app, key.public_key()), ["key.created", "key.transferred"]);
}

#[actix_web::test]
async fn nobody_comes_to_hold_more_than_they_may_hand_out() {
    let app = TestApp::start();
    let (narrow, never) = (app.manager("Nils"), app.manager("Noa"));
    app.grant_only(&narrow, &["production"], app.permissions(&["reporting:read"]));
    let ada = app.administrator("Ada");
    let wide = app.key_with(Some(&ada), "Wide", |new| {
        new.permissions = Permissions { all: true, ..Permissions::default() };
    });
    let fitting = app.key(&ada, "Fitting");
    let mut ada = app.sign_in(&ada).await;
    let before = stored(&app);
    let ids = [narrow.id.to_string(), never.id.to_string()];
    for (owner, sentence) in [
        (ids[0].as_str(), "Wide holds more than the API access of Nils covers."),
        (&ids[1], "Noa has no API access."),
        ("4711", "Choose somebody from the list."),
        ("Nils", "Choose somebody from the list."),
    ] {
        let page = ada.post(&format!("{}/transfer", wide.page()), &[("owner", owner)]).await;
        page.assert_status(422).assert_is_page().assert_shows(sentence);
    }
    assert_eq!(stored(&app), before);
    ada.post(&format!("{}/transfer", wide.page()), &[]).await.assert_status(400);
    let fits = [("owner", ids[0].as_str())];
    ada.post(&format!("{}/transfer", fitting.page()), &fits).await.assert_status(303);
}

#[actix_web::test]
async fn a_key_that_looks_like_one_of_theirs_stays_where_it_is() {
    let app = TestApp::start();
    let mia = app.manager_with_access("Mia");
    app.key(&mia, "deploy bot");
    let ada = app.administrator("Ada");
    let key = app.key(&ada, "Deploy Bot");
    let mut ada = app.sign_in(&ada).await;
    let owner = mia.id.to_string();
    let page = ada.post(&format!("{}/transfer", key.page()), &[("owner", &owner)]).await;
    page.assert_status(422)
        .assert_is_page()
        .assert_shows("They have a key already that looks like");
    assert_eq!(page.attribute("#owner [selected]", "value"), owner);
}

#[actix_web::test]
async fn what_is_revoked_belongs_to_whom_it_belonged() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    let key = app.key(&ada, "deploy bot");
    let mut ada = app.sign_in(&ada).await;
    ada.post(&format!("{}/revoke", key.page()), &[]).await.assert_status(303);
    ada.get(&format!("{}/confirm/transfer", key.page())).await.assert_status(409);
    let fields = [("owner", "")];
    ada.post(&format!("{}/transfer", key.page()), &fields).await.assert_status(409);
}

#[actix_web::test]
async fn of_ten_at_once_one_is_in_the_trail() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    let key = app.key(&ada, "deploy bot");
    let ada = app.sign_in(&ada).await;
    let fields = [("owner", "")];
    let answers = ada.post_at_once(10, &format!("{}/transfer", key.page()), &fields).await;
    assert_eq!(statuses(&answers), [303; 10]);
    assert_eq!(trail(&app, key.public_key()), ["key.created", "key.transferred"]);
}

#[actix_web::test]
async fn a_transfer_that_cannot_be_written_down_does_not_happen() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    let key = app.key(&ada, "deploy bot");
    let mut browser = app.sign_in(&ada).await;
    break_the_trail(&app);
    let fields = [("owner", "")];
    browser.post(&format!("{}/transfer", key.page()), &fields).await.assert_status(500);
    let owner = app.operator(|conn, operator| {
        Ok(latchkey::keys::queries::find(conn, operator, key.public_key())?.owner_id)
    });
    assert_eq!(owner, Some(ada.id));
}
