//! Names that would like to be markup are shown as they are typed, wherever they appear.

use crate::support::TestApp;

const PAYLOADS: [&str; 6] = [
    "<img src=x onerror=\"window.hit=1\">",
    "\"><script>window.hit=1</script>",
    "</title><svg onload=window.hit=1>",
    "' onfocus='window.hit=1' autofocus='",
    "{{constructor.constructor('window.hit=1')()}}",
    "<a href=\"javascript:window.hit=1\" hx-get=\"/team\" hx-trigger=\"load\">x</a>",
];

const HIT: &str = "return window.hit === 1";

#[actix_web::test]
async fn a_name_is_never_markup() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    for payload in PAYLOADS {
        app.key(&ada, payload);
    }
    let application = app.application(PAYLOADS[0]);
    let ada = app.walk_in(&ada, "/keys").await;
    for payload in PAYLOADS {
        ada.row(payload).await;
    }
    for payload in PAYLOADS {
        ada.open("/keys").await;
        ada.choose_from_menu_of(payload, "Disable").await;
        ada.sees(&format!("Disable {payload}?")).await;
        ada.click("Disable API Key").await;
        ada.sees(&format!("{payload} is disabled.")).await;
        ada.click(payload).await;
        ada.is_on(payload).await;
        ada.click("Edit").await;
        ada.is_on(&format!("Edit {payload}")).await;
        assert_eq!(ada.value_of("Name").await, payload);
        assert_eq!(ada.run(HIT).await, false, "{payload} was run");
    }
    ada.open(&format!("/applications/{application}")).await;
    ada.is_on(PAYLOADS[0]).await;
    ada.open("/keys/new").await;
    ada.fill("Name", PAYLOADS[1]).await;
    ada.sees(&format!("{} will be a key", PAYLOADS[1])).await;
    assert_eq!(ada.run(HIT).await, false);
}

#[actix_web::test]
async fn two_versions_of_a_name_are_compared_as_text() {
    let app = TestApp::start();
    let (ada, bea) = (app.administrator("Ada"), app.administrator("Bea"));
    let key = app.key(&ada, "deploy bot");
    let ada = app.walk_in(&ada, &format!("{}/edit", key.page())).await;
    ada.fill("Name", PAYLOADS[0]).await;
    let mut bea = app.sign_in(&bea).await;
    let page = bea.get(&format!("{}/edit", key.page())).await;
    let saved = bea.submit(&page, "form.form", &[("name", PAYLOADS[1])]).await;
    saved.assert_leads_to(&key.page());

    ada.click("Update API Key").await;
    ada.is_on(&format!("{} was changed meanwhile", PAYLOADS[1])).await;
    ada.sees("Nothing of yours is lost").await;
    ada.row_says("Name, differs", PAYLOADS[0]).await;
    ada.row_says("Name, differs", PAYLOADS[1]).await;
    ada.click("Update API Key with mine").await;
    ada.is_on(PAYLOADS[0]).await;
    assert_eq!(ada.run(HIT).await, false);
    ada.click("Regenerate").await;
    ada.click("Regenerate API Key").await;
    ada.is_on(&format!("{} has a new secret", PAYLOADS[0])).await;
    ada.copy("Secret key").await;
    assert_eq!(ada.run(HIT).await, false);
}
