//! Whoever owns a name may have it lead elsewhere once it was accepted.

use super::{add_ada, ask, receiver::Receiver, sign_in, until, webhooks::add};
use crate::support::{Names, Program, database::SpecDatabase};

#[actix_web::test]
async fn a_name_that_leads_elsewhere_later_is_followed_to_no_private_address() {
    const NAME: &str = "hooks.example.com";
    let database = SpecDatabase::create();
    let conn = &mut database.connect();
    add_ada(conn);
    let (receiver, names) = (Receiver::start(), Names::new());
    let url = format!("https://{NAME}:{}/latchkey", receiver.address.port());
    let program = Program::serve_with(&database.url, &names.settings());
    let mut page = sign_in(&program).await;
    names.lead(NAME, &["1.1.1.1"]);
    let (webhook, _) = add(&mut page, &url, &["key_expires"]).await;
    let own = format!("/settings/webhooks/{webhook}");

    // Also where it leads to a public address as well, whichever comes first.
    let elsewhere = [
        (&["127.0.0.1"][..], "127.0.0.1"),
        (&["10.0.0.1"], "10.0.0.1"),
        (&["1.1.1.1", "127.0.0.1"], "127.0.0.1"),
        (&["127.0.0.1", "1.1.1.1"], "127.0.0.1"),
        (&["::1"], "::1"),
    ];
    for (number, (addresses, private)) in elsewhere.into_iter().enumerate() {
        names.lead(NAME, addresses);
        page.post(&format!("{own}/test"), &[]).await.assert_status(303);
        let tried = until("it is tried", || {
            let sql = "select coalesce(error, '') as text from webhook_attempts \
                       where number = 1 order by delivery_id";
            Some(ask(conn, sql)).filter(|errors| errors.len() > number)
        });
        let why = format!("This leads to {private}, which is not a public address.");
        assert!(tried[number].starts_with(&why), "{addresses:?}: {tried:?}");
        let fields = [("url", url.as_str()), ("kind", "key_expires"), ("enabled", "yes")];
        page.post("/settings/webhooks", &fields).await.assert_status(422).assert_shows(&why);
    }
    page.get(&own).await.assert_shows("which is not a public address");
    assert_eq!(receiver.connections(), 0, "somebody was called");
}
