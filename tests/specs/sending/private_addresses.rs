//! Whoever enters the address of a webhook does not come by way of this server to what only this server can reach.

use super::{ask, receiver::Receiver, run, until};
use crate::support::TestApp;

#[actix_web::test]
async fn an_address_that_is_not_public_is_refused_when_it_is_saved_and_when_it_is_called() {
    let app = TestApp::start();
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    let receiver = Receiver::start();
    let port = receiver.address.port();
    for host in [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "localhost",
        "LOCALHOST",
        "0.0.0.0",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.0.1",
        "169.254.169.254",
        "100.64.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "192.0.2.1",
        "198.18.0.1",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[64:ff9b::127.0.0.1]",
        "[fc00::1]",
        "[fd00:ec2::254]",
        "[fe80::1]",
        "[2001:db8::1]",
        "[2002:7f00:1::]",
    ] {
        let url = format!("https://{host}:{port}/latchkey");
        let fields = [("url", url.as_str()), ("kind", "key_expires"), ("enabled", "yes")];
        let again = ada.post("/settings/webhooks", &fields).await;
        again.assert_status(422).assert_shows("not a public address");
        assert_eq!(again.attribute("#url", "value"), url);
    }
    let plain = [("url", "http://1.1.1.1/"), ("kind", "key_expires")];
    let again = ada.post("/settings/webhooks", &plain).await;
    again.assert_status(422).assert_shows("must begin with https://");
    assert!(app.db(|conn| ask(conn, "select url as text from webhooks")).is_empty());

    // A name may lead elsewhere by the time it is called. Nobody calls this one: it is off.
    let public = [("url", "https://1.1.1.1/latchkey"), ("kind", "key_expires")];
    let reveal = ada.post("/settings/webhooks", &public).await;
    let own = reveal.assert_status(200).attribute(".dialog__actions a", "href");
    let proxies = ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "169.254.169.254"];
    for (number, host) in proxies.iter().enumerate() {
        app.db(|conn| {
            run(
                conn,
                &format!(
                    "update webhooks set url = 'https://{host}:{port}/latchkey', disabled_at = null, disabled_why = null"
                ),
            );
        });
        ada.post(&format!("{own}/test"), &[]).await.assert_status(303);
        let tried = until("it is tried", || {
            let sql = "select error as text from webhook_attempts order by delivery_id";
            Some(app.db(|conn| ask(conn, sql))).filter(|errors| errors.len() > number)
        });
        assert!(tried[number].contains("not a public address"), "{host}: {tried:?}");
    }
    // Nor over plain http, which is not what was looked at.
    app.db(|conn| {
        run(conn, &format!("update webhooks set url = 'http://127.0.0.1:{port}/latchkey'"))
    });
    ada.post(&format!("{own}/test"), &[]).await.assert_status(303);
    until("it is tried", || {
        let sql = "select 'x' as text from webhook_attempts";
        Some(app.db(|conn| ask(conn, sql))).filter(|attempts| attempts.len() > proxies.len())
    });
    assert_eq!(receiver.connections(), 0, "somebody was called");
    // It can be switched off although its address would be refused now.
    let form = ada.get(&format!("{own}/edit")).await;
    let off = [("url", &*form.attribute("#url", "value")), ("kind", "key_expires")];
    let refused = ada.post(&format!("{own}/edit"), &off).await;
    refused.assert_status(422).assert_shows("must begin with https://");
    app.db(|conn| {
        run(conn, &format!("update webhooks set url = 'https://localhost:{port}/latchkey'"))
    });
    let url = format!("https://localhost:{port}/latchkey");
    let off = [("url", url.as_str()), ("kind", "key_expires")];
    ada.post(&format!("{own}/edit"), &off).await.assert_leads_to(&own);
    ada.get(&own).await.assert_shows("Switched off");
}
