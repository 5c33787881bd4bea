//! Where administrators add, change and remove webhooks, and read what was told to them.

use latchkey::jobs::{self, NewJob, Work};

use super::{
    ask,
    receiver::Receiver,
    run, until,
    webhooks::{ALL, add, start},
};

#[actix_web::test]
async fn a_webhook_is_changed_and_removed_and_its_log_is_read_page_by_page() {
    let app = start();
    let ada = app.administrator("Ada");
    let mut page = app.sign_in(&ada).await;
    let receiver = Receiver::start();
    let (id, _) = add(&mut page, &receiver.url(), ALL).await;
    let conn = &mut app.database.connect();

    // Bad input names the field and keeps the rest.
    for (url, sentence) in [
        ("", "Give the address that is called"),
        ("hooks", "This is no address"),
        ("ftp://hooks.example.com", "Address must begin with https:// or http://"),
        ("https://kim:secret@hooks.example.com", "must not have a name or password"),
        ("https://hooks.example.com/#x", "must end before the #"),
        ("https://hooks.example.com/\u{202e}", "that can be shown"),
        (
            "https://hooks.example.com/prod_sk_0123456789abcdefghijklmnopqrstuv012345",
            "Latchkey’s own secrets",
        ),
    ] {
        let fields = [("url", url), ("kind", "key_expires")];
        let again = page.post("/settings/webhooks", &fields).await;
        again.assert_status(422).assert_is_page().assert_shows(sentence);
        assert_eq!(again.attribute("#url", "value"), url);
        assert_eq!(again.attribute("input[name='kind'][checked]", "value"), "key_expires");
    }
    for kinds in [&[][..], &["nonsense"], &["key_expires", "*"]] {
        let mut fields: Vec<_> = kinds.iter().map(|kind| ("kind", *kind)).collect();
        fields.push(("url", "http://127.0.0.1:1/"));
        page.post(&format!("/settings/webhooks/{id}/edit"), &fields)
            .await
            .assert_status(422)
            .assert_shows("Choose at least one kind");
    }
    page.post("/settings/webhooks", &[("nonsense", "1")]).await.assert_status(400);
    for path in [
        "0",
        "-1",
        "abc",
        "99999999999999999999",
        "deliveries/0",
        "deliveries/x",
        "0/edit",
        "0/confirm/rotate",
    ] {
        page.get(&format!("/settings/webhooks/{path}")).await.assert_status(404);
    }
    assert_eq!(ask(conn, "select count(*)::text as text from webhooks"), ["1"]);

    let form = page.get(&format!("/settings/webhooks/{id}/edit")).await;
    let same = page.submit(&form, "form.form", &[]).await;
    same.assert_leads_to(&format!("/settings/webhooks/{id}"));
    let changed = [("kind", "key_expires"), ("url", "http://127.0.0.1:9/other?token=hidden")];
    page.submit(&form, "form.form", &changed).await.assert_status(303);
    let updated = ask(
        conn,
        "select details::text as text from audit_events where action = 'webhook.updated'",
    );
    assert_eq!(updated.len(), 1, "the same again is no change: {updated:?}");
    assert!(
        updated[0].contains("127.0.0.1:9/other?…") && !updated[0].contains("hidden"),
        "{updated:?}"
    );

    run(
        conn,
        &format!(
            "insert into webhook_deliveries (webhook_id, message_id, event, body, outcome, ended_at, next_at, created_at) \
             select {id}, 'msg_' || n, 'key.expires', '{{}}', 'failed', now(), null, now() - (60 - n) * interval '1 day' \
             from generate_series(1, 60) n"
        ),
    );
    let mut address = format!("/settings/webhooks/{id}");
    let mut seen = Vec::new();
    for rows in [25, 25, 10] {
        let list = page.get(&address).await;
        let shown = list.all("tbody th a");
        assert_eq!(shown.len(), rows);
        seen.extend(shown);
        if rows == 25 {
            address = list.attribute("#next", "href");
        } else {
            let back = page.get(&list.attribute("#previous", "href")).await;
            assert_eq!(back.all("tbody th a"), seen[25..50]);
        }
    }
    assert!(seen[0].ends_with("msg_60") && seen[59].ends_with("msg_1"), "{seen:?}");
    let (_, place) = address.split_once('?').unwrap();
    let (other, _) = add(&mut page, &receiver.url(), ALL).await;
    for bad in [place, "after=60", "after=x&before=y"] {
        page.get(&format!("/settings/webhooks/{other}?{bad}")).await.assert_status(400);
    }

    // What is old goes.
    let retention = NewJob::system(Work::Retention);
    jobs::enqueue(conn, retention).unwrap();
    until("the old ones are gone", || {
        (ask(
            conn,
            &format!(
                "select count(*)::text as text from webhook_deliveries where webhook_id = {id}"
            ),
        ) == ["30"])
        .then_some(())
    });

    let dialog = format!("/settings/webhooks/{id}/confirm/remove");
    page.get(&dialog).await.assert_is_page().assert_shows("Remove 127.0.0.1:9?");
    page.with_htmx("/settings/webhooks").get(&dialog).await.assert_is_fragment();
    let remove = format!("/settings/webhooks/{id}/remove");
    page.post(&remove, &[]).await.assert_leads_to("/settings/webhooks");
    page.post(&remove, &[]).await.assert_status(404);
    let delivery = ask(
        conn,
        &format!("select min(id)::text as text from webhook_deliveries where webhook_id = {id}"),
    );
    for path in [id.clone(), format!("{id}/edit"), format!("deliveries/{}", delivery[0])] {
        page.get(&format!("/settings/webhooks/{path}")).await.assert_status(404);
    }
    for act in ["rotate", "test"] {
        page.post(&format!("/settings/webhooks/{id}/{act}"), &[]).await.assert_status(404);
    }
    let mut mia = app.sign_in(&app.manager_with_access("Mia")).await;
    for path in [other.clone(), format!("{other}/edit"), format!("{other}/confirm/rotate")] {
        mia.get(&format!("/settings/webhooks/{path}")).await.assert_status(404);
    }
    for act in ["rotate", "remove", "test"] {
        mia.post(&format!("/settings/webhooks/{other}/{act}"), &[]).await.assert_status(404);
    }
}
