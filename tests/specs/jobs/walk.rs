//! Jobs as people see them, in a browser.

use super::{run, slow_down, speed_up, world::add_keys};
use crate::support::TestApp;

#[actix_web::test]
async fn a_file_is_asked_for_watched_and_downloaded() {
    let app = TestApp::start();
    let conn = &mut app.database.connect();
    add_keys(conn, 5_500);
    slow_down(conn, "after insert on job_files", 0.5);
    let ada = app.walk_in(&app.administrator("Ada"), "/keys").await;
    ada.click("Export all keys").await;
    ada.has_dialogs(1).await;
    ada.sees("More than 1 000 keys match.").await;
    ada.click("Export").await;
    ada.is_on("Export all API keys as CSV").await;
    ada.sees_a_toast().await;
    // It goes on by itself: nobody reloads.
    ada.sees("Running").await;
    ada.sees("of 5 500").await;
    ada.hold(390, 844).await;
    ada.fits().await;
    ada.open("/jobs").await;
    ada.is_on("Jobs").await;
    ada.fits().await;
    speed_up(conn);
    ada.sees("Done").await;
    ada.sees("Download").await;
    ada.hold(1440, 900).await;
    ada.click("Export all API keys as CSV").await;
    ada.sees("5 500 keys are in the file.").await;
    assert_eq!(ada.complaints(), Vec::<String>::new());
}

#[actix_web::test]
async fn many_keys_are_revoked_before_ones_eyes_and_cancelled_without_scripts() {
    let app = TestApp::start();
    let conn = &mut app.database.connect();
    add_keys(conn, 2_500);
    slow_down(conn, "after update on keys", 3.0);
    let user = app.administrator("Ada");
    let ada = app.walk_in(&user, "/keys").await;
    ada.toggle("Select all on this page").await;
    ada.toggle("All keys, on every page").await;
    ada.click("Revoke selected").await;
    ada.sees("So many are changed by a job").await;
    ada.click("Revoke 2 500 API keys").await;
    ada.is_on("Revoke 2 500 API keys").await;
    ada.sees("Running").await;
    ada.sees("of 2 500").await;
    let plain = app.in_chromium_without_scripts().await;
    plain.sign_in(&user).await;
    plain.open("/jobs").await;
    plain.click("Cancel: Revoke 2 500 API keys").await;
    plain.is_on("Revoke 2 500 API keys").await;
    ada.sees("Cancelled").await;
    ada.sees("by Ada").await;
    run(conn, "drop function dawdle cascade");
    ada.click("Try again").await;
    ada.sees("2 500 keys are revoked for good.").await;
    assert_eq!(ada.complaints(), Vec::<String>::new());
}
