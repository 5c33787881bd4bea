use crate::support::TestApp;

/// Every page that isn't about keys, with an id where one belongs.
const PAGES: [&str; 15] = [
    "/",
    "/account",
    "/team",
    "/team/new",
    "/team/1/edit",
    "/team/1/confirm/withdraw",
    "/applications",
    "/applications/new",
    "/applications/app_0000000000000000",
    "/gateways",
    "/gateways/new",
    "/gateways/1/edit",
    "/gateways/1/confirm/revoke",
    "/settings",
    "/settings/confirm/preset",
];

const ACTS: [&str; 13] = [
    "/account/password",
    "/team",
    "/team/1/role",
    "/team/1/link",
    "/team/1/grant",
    "/team/1/withdraw",
    "/applications",
    "/applications/app_0000000000000000/rename",
    "/gateways",
    "/gateways/1/rename",
    "/gateways/1/revoke",
    "/settings",
    "/settings/preset",
];

#[actix_web::test]
async fn a_visitor_is_sent_to_sign_in_from_everywhere() {
    let app = TestApp::start();
    let mut visitor = app.visitor();
    for address in PAGES {
        let page = visitor.get(address).await;
        page.assert_status(303);
        assert!(page.location().unwrap().starts_with("/sign-in"), "{address}");
    }
    for address in ACTS {
        visitor.post(address, &[]).await.assert_leads_to("/sign-in");
    }
}

#[actix_web::test]
async fn htmx_is_sent_to_sign_in_by_header_because_it_follows_redirects_silently() {
    let app = TestApp::start();
    let mut visitor = app.visitor().with_htmx("/team");
    let page = visitor.post("/team/1/grant", &[]).await;
    page.assert_status(401);
    assert_eq!(page.header("hx-redirect"), "/sign-in");
    assert_eq!(page.body(), "");
}

#[actix_web::test]
async fn only_administrators_have_the_pages_of_administrators() {
    let app = TestApp::start();
    let mut without = app.sign_in(&app.manager("Tom")).await;
    let mut with = app.sign_in(&app.manager_with_access("Marek")).await;
    for address in PAGES.into_iter().filter(|address| {
        ["/team", "/gateways", "/settings"].iter().any(|place| address.starts_with(place))
    }) {
        without.get(address).await.assert_status(404);
        with.get(address).await.assert_status(404);
    }
    for address in ACTS.into_iter().filter(|address| {
        ["/team", "/gateways", "/settings"].iter().any(|place| address.starts_with(place))
    }) {
        without.post(address, &[]).await.assert_status(404);
        with.post(address, &[]).await.assert_status(404);
    }
}

#[actix_web::test]
async fn an_act_is_never_done_by_looking() {
    let app = TestApp::start();
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    // A grant is looked at where it is given.
    let is_page = |address: &str| address.matches('/').count() == 1 || address.ends_with("/grant");
    for address in ACTS.into_iter().filter(|address| !is_page(address)) {
        let page = ada.get(address).await;
        page.assert_status(405).assert_is_page();
        assert_eq!(page.header("allow"), "POST", "{address}");
    }
}

#[actix_web::test]
async fn ids_that_cannot_be_are_pages_of_ours_too() {
    let app = TestApp::start();
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    for id in ["0", "-1", "abc", "%00", "99999999999999999999", "1.5", "%ff", "%20"] {
        for (place, page) in [("gateways", "edit"), ("team", "edit"), ("applications", "edit")] {
            let page = ada.get(&format!("/{place}/{id}/{page}")).await;
            page.assert_status(404).assert_is_page().assert_shows("There’s nothing here.");
        }
        ada.post(&format!("/gateways/{id}/revoke"), &[]).await.assert_status(404);
        ada.post(&format!("/team/{id}/grant"), &[]).await.assert_status(404);
    }
}

#[actix_web::test]
async fn somebody_without_access_reads_whom_to_ask() {
    let app = TestApp::start();
    app.administrator("Ada");
    let mut tom = app.sign_in(&app.manager("Tom")).await;
    let page = tom.get("/").await;
    page.assert_status(200).assert_shows("You have no API access").assert_shows("ada@example.com");
    page.assert_hides("href=\"/keys\"").assert_hides("href=\"/applications\"");
    tom.get("/keys").await.assert_status(404);
    tom.get("/applications").await.assert_status(404);
}
