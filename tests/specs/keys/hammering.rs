//! Everything that can happen to a key, at the same time, over and over.

use diesel::{prelude::*, sql_types::BigInt};
use futures_util::future::{LocalBoxFuture, join_all};
use latchkey::schema::key_resets;
use uuid::Uuid;

use crate::support::{Browser, PASSWORD, Page, TestApp};

fn count(app: &TestApp, ask: &str) -> i64 {
    #[derive(diesel::QueryableByName)]
    struct Count {
        #[diesel(sql_type = BigInt)]
        count: i64,
    }
    app.db(|conn| diesel::sql_query(ask).get_result::<Count>(conn)).unwrap().count
}

/// Sends a form; the fields are the sender's own.
fn send<'a>(
    browser: &Browser,
    path: String,
    fields: Vec<(&'a str, String)>,
) -> LocalBoxFuture<'a, (String, Page)> {
    let mut browser = browser.clone();
    Box::pin(async move {
        let fields: Vec<(&str, &str)> =
            fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let page = browser.post(&path, &fields).await;
        (path, page)
    })
}

/// Secrets of a key that are current, and that still work beside it, where there are too many or too few.
const WRONG_SECRETS: &str = "select count(*) as count from (
    select key_id from key_secrets group by key_id
    having count(*) filter (where ends_at is null) <> 1 or count(*) filter (where ends_at > now()) > 1) wrong";

/// Nothing happens to a key in its trail after it was revoked.
const AFTER_THE_END: &str = "select count(*) as count from audit_events later
    join audit_events revoked on revoked.subject = later.subject and revoked.action = 'key.revoked'
    where later.action like 'key.%' and later.id > revoked.id";

/// Active keys of an archived application.
const IN_AN_ARCHIVE: &str = "select count(*) as count from keys join applications on applications.id = application_id
    where archived_at is not null and revoked_at is null and disabled_at is null and deleted_at is null";

#[actix_web::test]
async fn whatever_happens_at_once_somebody_wins_and_every_key_has_one_secret() {
    let app = TestApp::start();
    let gateway = app.gateway("production");
    let (mia, otto) = (app.manager_with_access("Mia"), app.manager_with_access("Otto"));
    let ada = app.sign_in(&app.administrator("Ada")).await;
    let bea = app.sign_in(&app.administrator("Bea")).await;
    for round in 0..12 {
        let made = ["a", "b", "c"].map(|name| app.key(&mia, &format!("{name} {round}")));
        let [one, two, three] = &made;
        let owner = app.sign_in(&mia).await;
        let application = format!("/applications/{}", one.key.application.app_id);
        let version = || ("version", "1".to_owned());
        let mut acts = vec![
            send(
                &ada,
                format!("{}/regenerate", one.page()),
                vec![version(), ("overlap", "24h".into())],
            ),
            send(&owner, format!("{}/regenerate", one.page()), vec![version()]),
            send(
                &bea,
                format!("{application}/reset"),
                vec![
                    ("environment", "production".into()),
                    ("password", PASSWORD.into()),
                    ("nonce", Uuid::new_v4().to_string()),
                ],
            ),
            send(&ada, format!("{}/transfer", one.page()), vec![("owner", otto.id.to_string())]),
            send(
                &ada,
                "/keys/bulk/revoke".into(),
                vec![("key", two.public_key().to_owned()), ("key", three.public_key().to_owned())],
            ),
            send(&owner, format!("{}/disable", two.page()), Vec::new()),
        ];
        match round % 4 {
            0 => acts.push(send(&bea, format!("{application}/archive"), Vec::new())),
            1 => acts.push(send(
                &bea,
                format!("/team/{}/withdraw", mia.id),
                vec![("keys", "disable".into())],
            )),
            2 => acts.push(send(
                &bea,
                format!("/team/{}/withdraw", mia.id),
                vec![("keys", "transfer".into()), ("owner", otto.id.to_string())],
            )),
            _ => acts.push(send(&bea, format!("{}/revoke", one.page()), Vec::new())),
        }
        // Whoever is first differs from round to round.
        let from = round % acts.len();
        acts.rotate_left(from);
        let answers = join_all(acts).await;
        for (path, page) in &answers {
            assert!(page.status() < 500, "round {round}, {path}: {}", page.status());
        }
        let said: Vec<_> = answers.iter().map(|(path, page)| (path, page.status())).collect();
        let regenerated = answers
            .iter()
            .filter(|(path, page)| path.ends_with("/regenerate") && page.status() == 200)
            .count();
        assert!(regenerated <= 1, "round {round}: {said:?}");
        assert_eq!(count(&app, WRONG_SECRETS), 0, "round {round}: {said:?}");
        assert_eq!(count(&app, AFTER_THE_END), 0, "round {round}: {said:?}");
        assert_eq!(count(&app, IN_AN_ARCHIVE), 0, "round {round}: {said:?}");
        for key in &made {
            let revoked = format!(
                "select count(*) as count from keys where public_key = '{}' and revoked_at is not null",
                key.public_key()
            );
            if count(&app, &revoked) == 1 {
                assert_eq!(app.code(&gateway, &key.secret).await, "REVOKED", "round {round}");
            }
        }
        app.grant(&mia);
    }
    let resets: i64 = app.db(|conn| key_resets::table.count().get_result(conn)).unwrap();
    assert!(resets > 0, "nothing was ever reset");
}
