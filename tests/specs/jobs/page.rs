//! The page of jobs: who sees which, and what can be done to them.

use std::collections::BTreeSet;

use latchkey::{
    jobs::{self, NewJob, Work},
    users::{Origin, User, Viewer},
};

use super::{count, ended, export_of_all, run, shows, sweep, texts};
use crate::support::{Browser, TestApp};

/// A job of theirs that waits for an hour.
fn waiting(app: &TestApp, user: &User) -> i64 {
    app.operator(|conn, _| {
        let viewer = Viewer::load(conn, user.id, Origin::default())?;
        let later = chrono::Utc::now() + chrono::TimeDelta::hours(1);
        jobs::start(conn, &viewer, NewJob::of(&viewer, export_of_all()).not_before(later))
    })
    .id
}

/// The ids of the jobs that a list shows.
async fn listed(browser: &mut Browser, path: &str) -> Vec<i64> {
    let page = browser.get(path).await;
    page.assert_status(200);
    ids(&page)
}

fn ids(page: &crate::support::Page) -> Vec<i64> {
    let rows = page.all("#jobs tbody tr").len();
    (1..=rows)
        .map(|row| {
            let link = format!("#jobs tbody tr:nth-child({row}) .table__name");
            page.attribute(&link, "href").trim_start_matches("/jobs/").parse().unwrap()
        })
        .collect()
}

#[actix_web::test]
async fn an_empty_page_teaches() {
    let app = TestApp::start();
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    let page = ada.get("/jobs").await;
    page.assert_status(200).assert_is_page().assert_shows("No jobs yet");
    page.assert_shows("its file can be downloaded for a day");
    assert_eq!(page.attribute(".blank a", "href"), "/keys/export");
    assert_eq!(page.text("nav [aria-current=page]"), "Jobs");
}

#[actix_web::test]
async fn administrators_see_all_jobs_and_managers_their_own() {
    let app = TestApp::start();
    let (ada, marek, tom) = (
        app.administrator("Ada"),
        app.manager_with_access("Marek"),
        app.manager_with_access("Tom"),
    );
    let bare = app.manager("Bea");
    let (of_ada, of_marek, of_tom) =
        (waiting(&app, &ada), waiting(&app, &marek), waiting(&app, &tom));
    let system = sweep(&app).id;
    let of_application = app.operator(|conn, operator| {
        let application = latchkey::applications::list(conn, operator)?[0].id;
        let new = NewJob::of_application(application, Origin::default(), Work::Sweep);
        jobs::enqueue(conn, new)
    });
    let operators = app.operator(|conn, operator| {
        jobs::start(conn, operator, NewJob::of(operator, export_of_all()))
    });
    ended(&mut app.database.connect(), operators.id);
    let (mut ada, mut marek, mut tom) =
        (app.sign_in(&ada).await, app.sign_in(&marek).await, app.sign_in(&tom).await);
    let all = [operators.id, of_application.id, system, of_tom, of_marek, of_ada];
    assert_eq!(listed(&mut ada, "/jobs?own=shown").await, all);
    let others = [operators.id, of_application.id, of_tom, of_marek, of_ada];
    assert_eq!(listed(&mut ada, "/jobs").await, others, "what Latchkey does well is not listed");
    assert_eq!(listed(&mut marek, "/jobs").await, [of_marek]);
    assert_eq!(listed(&mut tom, "/jobs").await, [of_tom]);
    for (who, ids) in [
        ("me", vec![of_ada]),
        ("system", vec![system]),
        ("application", vec![of_application.id]),
        ("operator", vec![operators.id]),
    ] {
        assert_eq!(listed(&mut ada, &format!("/jobs?who={who}")).await, ids, "{who}");
    }
    let page = ada.get("/jobs").await;
    page.assert_shows("Latchkey").assert_shows("Storefront").assert_shows("Operator");

    for stranger in [of_ada, of_tom, system, of_application.id, operators.id, 999_999] {
        let page = marek.get(&format!("/jobs/{stranger}")).await;
        page.assert_status(404).assert_shows("There’s nothing here.");
        marek.get(&format!("/jobs/{stranger}/file")).await.assert_status(404);
        for act in ["retry", "cancel"] {
            marek.post(&format!("/jobs/{stranger}/{act}"), &[]).await.assert_status(404);
        }
    }
    // A filter opens nothing.
    assert_eq!(listed(&mut marek, "/jobs?who=system").await, Vec::<i64>::new());
    let mut bare = app.sign_in(&bare).await;
    bare.get("/jobs").await.assert_status(404);
    bare.get(&format!("/jobs/{of_ada}")).await.assert_status(404);
    assert_eq!(
        texts(
            &mut app.database.connect(),
            "select coalesce(outcome, 'open') as told from jobs order by id"
        ),
        ["open", "open", "open", "done", "done", "done"]
    );
    // Nobody's address but a number.
    for odd in ["x", "-1", "1.5", "99999999999999999999"] {
        ada.get(&format!("/jobs/{odd}")).await.assert_status(404);
    }
}

#[actix_web::test]
async fn what_waits_is_cancelled_at_once_and_can_be_tried_again() {
    let app = TestApp::start();
    let user = app.administrator("Ada");
    let id = waiting(&app, &user);
    let mut ada = app.sign_in(&user).await;
    let page = ada.get(&format!("/jobs/{id}")).await;
    page.assert_shows("Queued").assert_shows("Begins in");
    assert!(page.body().contains("hx-trigger=\"every 1s\""), "it looks again by itself");
    ada.submit(&page, "form[action$='/cancel']", &[]).await.assert_status(303);
    let page = shows(&mut ada, id, "Cancelled").await;
    page.assert_shows("It is cancelled.").assert_shows("by Ada").assert_hides("Cancel job");
    assert_eq!(page.all("main [hx-trigger]"), [""; 0], "nothing will change any more");
    let again = ada.post(&format!("/jobs/{id}/cancel"), &[]).await;
    again.assert_status(409).assert_shows("It has ended already.");

    ada.submit(&page, "form[action$='/retry']", &[]).await.assert_status(303);
    shows(&mut ada, id, "Done").await.assert_shows("Download");
    let done = ada.post(&format!("/jobs/{id}/retry"), &[]).await;
    done.assert_status(409).assert_shows("Only what failed or was cancelled is tried again.");
    ada.post(&format!("/jobs/{id}/cancel"), &[]).await.assert_status(409);
    let told = texts(
        &mut app.database.connect(),
        "select concat_ws(' ', action, actor) as told from audit_events where subject like 'job:%' order by id",
    );
    assert_eq!(told, ["job.started Ada", "job.cancelled Ada", "job.retried Ada"]);
}

#[actix_web::test]
async fn what_is_being_done_by_another_job_is_not_tried_again() {
    let app = TestApp::start();
    let user = app.administrator("Ada");
    let mut ada = app.sign_in(&user).await;
    let later = chrono::Utc::now() + chrono::TimeDelta::hours(1);
    let ask = || {
        let new = NewJob::system(Work::Sweep).once("the same").not_before(later);
        app.operator(|conn, _| jobs::enqueue(conn, new)).id
    };
    let first = ask();
    ada.post(&format!("/jobs/{first}/cancel"), &[]).await.assert_status(303);
    let second = ask();
    assert_ne!(first, second);
    let refused = ada.post(&format!("/jobs/{first}/retry"), &[]).await;
    refused.assert_status(409).assert_shows("The same is being done already");
}

#[actix_web::test]
async fn the_list_is_filtered_and_goes_on_page_by_page() {
    let app = TestApp::start();
    let user = app.administrator("Ada");
    let conn = &mut app.database.connect();
    run(
        conn,
        "insert into jobs (kind, title, starter, ended_at, outcome, error)
         select 'sweep', 'Sweep ' || n, 'system', now(), case when n % 3 = 0 then 'failed' else 'done' end, 'It broke'
         from generate_series(1, 60) n",
    );
    let open = waiting(&app, &user);
    let mut ada = app.sign_in(&user).await;
    let mut seen = Vec::new();
    let mut address = "/jobs?own=shown".to_owned();
    loop {
        let page = ada.get(&address).await;
        seen.extend(ids(&page));
        if page.all("a[rel=next]").is_empty() {
            break;
        }
        address = page.attribute("a[rel=next]", "href");
    }
    assert_eq!(seen.len(), 61);
    assert_eq!(seen.iter().collect::<BTreeSet<_>>().len(), 61, "each once");
    let last = ada.get(&address).await;
    let back = ada.get(&last.attribute("a[rel=prev]", "href")).await;
    assert_eq!(ids(&back), seen[25..50]);
    ada.get(&address.replace("after=", "state=failed&after=")).await.assert_status(400);

    // Of Latchkey's own jobs those that failed are listed anyway, and those that should have been done by now.
    let page = ada.get("/jobs").await;
    assert_eq!(ids(&page).len(), 21);
    page.assert_shows("Latchkey’s own jobs that do well are hidden.");
    assert_eq!(page.attribute("#own", "href"), "/jobs?own=shown");
    assert_eq!(last.attribute("#own", "href"), "/jobs");
    run(
        conn,
        "insert into jobs (kind, title, starter, run_at) values
            ('newer_work', 'Late', 'system', now() - interval '11 minutes'),
            ('newer_work', 'Soon', 'system', now() + interval '1 hour')",
    );
    ada.get("/jobs").await.assert_shows("Late").assert_hides("Soon");
    run(conn, "delete from jobs where title in ('Late', 'Soon')");

    let failed = ada.get("/jobs?state=failed").await;
    assert_eq!(failed.all("#jobs tbody tr").len(), 20);
    failed.assert_shows("It broke").assert_shows("Only the jobs that match are listed.");
    assert_eq!(listed(&mut ada, "/jobs?state=queued").await, [open]);
    assert_eq!(listed(&mut ada, "/jobs?kind=keys_export").await, [open]);
    ada.get("/jobs?state=running").await.assert_shows("No job matches");
    for odd in [
        "state=asleep",
        "kind=teleport",
        "who=x",
        "live=no",
        "own=hidden",
        "after=1",
        "sort=id",
        "state=done&state=done",
    ] {
        ada.get(&format!("/jobs?{odd}")).await.assert_status(400);
    }

    // As long as something may change it looks again, at the same list; said aloud only when somebody chose it.
    let mut htmx = ada.with_htmx("/jobs");
    let list = htmx.get("/jobs?own=shown").await;
    list.assert_is_fragment();
    let again = list.attribute("#jobs", "hx-get");
    assert_eq!(again, "/jobs?own=shown&live=yes");
    assert_eq!(list.attribute("#jobs", "data-said"), "25 jobs listed");
    let again = htmx.get(&again).await;
    again.assert_is_fragment();
    assert!(!again.body().contains("data-said"));
    let failed = htmx.get("/jobs?state=failed").await;
    assert!(!failed.body().contains("hx-trigger"), "none of these changes by itself");
    assert_eq!(count(conn, "select count(*) from jobs"), 61, "looking changes nothing");
}
