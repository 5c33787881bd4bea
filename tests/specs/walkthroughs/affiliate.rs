use crate::support::TestApp;

#[actix_web::test]
async fn smoke() {
    let app = TestApp::start();
    let ada = app.walk_in(&app.administrator("Ada"), "/keys").await;
    ada.is_on("Manage API Keys").await;
    ada.click("API Key").await;
    ada.fill("Name", "Rentmy Production").await;
    ada.click("Continue").await;
    ada.sees("Step 2 of 5").await;
    ada.choose("Production").await;
    ada.click("Continue").await;
    ada.sees("Step 3 of 5").await;
    ada.toggle("Read reports").await;
    assert_eq!(ada.state_of("Reporting").await, "partly");
    ada.click("Continue").await;
    ada.sees("Step 4 of 5").await;
    ada.click("Continue").await;
    ada.sees("Step 5 of 5").await;
    ada.click("Create API Key").await;
    ada.copy("Secret key").await;
    let secret = ada.reads("Secret key").await;
    assert_eq!(ada.clipboard().await, secret);
    ada.click("Done").await;
    ada.is_on("Rentmy Production").await;
    ada.finds_nowhere(&secret).await;
    ada.run("document.body.append(Object.assign(document.createElement('script'), { textContent: 'window.x = 1' }))").await;
    ada.complaints().iter().for_each(|c| println!("{c}"));
    assert_eq!(app.code(&app.gateway("production"), &secret).await, "VALID");
}
