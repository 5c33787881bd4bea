//! Changes of what people may do that meet: one waits for the other, and both are done.

use std::thread;

use diesel::{Connection, ExpressionMethods, PgConnection, QueryDsl, RunQueryDsl};
use latchkey::{
    access,
    error::AppError,
    schema::users,
    users::{Origin, Viewer, standing},
};

use super::racing::wait_for_waiting;
use crate::support::TestApp;

#[test]
fn a_grant_to_an_administrator_and_a_change_of_standing_do_not_wait_for_each_other_for_ever() {
    let app = TestApp::start();
    let (ada, bea) = (app.administrator("Ada"), app.administrator("Bea"));
    let tom = app.manager("Tom");
    let viewer = app.db(|conn| Viewer::load(conn, bea.id, Origin::default())).unwrap();
    let mut disabling = app.database.connect();
    let mut granting = app.database.connect();
    let (disabled, granted) = app
        .database
        .connect()
        .transaction(|conn: &mut PgConnection| -> Result<_, AppError> {
            users::table.find(bea.id).select(users::id).for_share().first::<i64>(conn)?;
            // Holds Ada, and waits for Bea.
            let disabled = thread::spawn(move || {
                disabling.transaction(|conn| standing::disable(conn, &Viewer::operator(), tom.id))
            });
            wait_for_waiting(&mut app.database.connect(), 1);
            let granted = thread::spawn(move || {
                granting.transaction(|conn| access::grant(conn, &viewer, ada.id))
            });
            wait_for_waiting(&mut app.database.connect(), 2);
            Ok((disabled, granted))
        })
        .unwrap();
    assert!(disabled.join().unwrap().unwrap().disabled_at.is_some());
    let refused = granted.join().unwrap();
    assert!(matches!(refused, Err(AppError::Conflict(_))), "{refused:?}");
    let left: i64 = app.db(|conn| {
        users::table.filter(users::disabled_at.is_null()).count().get_result(conn).unwrap()
    });
    assert_eq!(left, 2);
}
