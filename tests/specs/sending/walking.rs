//! The pages of webhooks and e-mail in a real Chromium, wide and on a phone.

use super::{
    receiver::{Receiver, Says},
    webhooks::start,
};

#[actix_web::test]
async fn from_an_address_to_a_test_that_arrived() {
    let app = start();
    let receiver = Receiver::start();
    let long = "an answer without blanks ".replace(' ', "_").repeat(30);
    receiver.will_say(&[Says { body: long.into_bytes(), ..Says::status(200) }]);
    let person = app.walk_in(&app.administrator("Ada"), "/settings/webhooks").await;
    person.click("Add the first webhook").await;
    person.is_on("New webhook").await;
    let url = format!("{}/{}", receiver.url(), "long".repeat(40));
    person.fill("Address", &url).await;
    person.click("Add webhook").await;
    person.sees("This is the only time the secret is shown.").await;
    let secret = person.reads("Signing secret").await;
    person.copy("Signing secret").await;
    person.click("Done").await;
    person.sees("Nothing has been sent yet.").await;
    person.finds_nowhere(&secret).await;
    // The page asks for itself until it has arrived.
    person.click("Send a test").await;
    person.is_on("webhook.test").await;
    person.sees("Answered 200").await;
    assert!(receiver.received()[0].is_signed_by(&secret));
    let test = person.address().await;
    let own = "/settings/webhooks/1";
    for width in [1440, 390] {
        person.hold(width, 850).await;
        for path in [
            test.as_str(),
            own,
            "/settings/webhooks/1/edit",
            "/settings/webhooks/1/confirm/rotate",
            "/settings/webhooks",
            "/settings/mail",
            "/account",
        ] {
            person.open(path).await;
            person.fits().await;
        }
    }
    person.open(own).await;
    person.click("Rotate secret").await;
    person.sees("For 24 hours requests carry two signatures").await;
    person.fits().await;
    assert!(person.complaints().is_empty(), "{:?}", person.complaints());
}
