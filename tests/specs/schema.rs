//! The tables: made by the migrations, known to the program, and taken back by them.

use std::collections::BTreeSet;

use diesel::{PgConnection, QueryableByName, RunQueryDsl, sql_query, sql_types::Text};
use diesel_migrations::MigrationHarness;
use latchkey::db::{self, MIGRATIONS};

use crate::support::TestApp;

/// The answers to a question with one column, `told`.
fn ask(conn: &mut PgConnection, question: &str) -> BTreeSet<String> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        told: String,
    }
    let rows: Vec<Row> = sql_query(question).load(conn).unwrap();
    rows.into_iter().map(|row| row.told).collect()
}

fn columns(conn: &mut PgConnection) -> BTreeSet<String> {
    ask(
        conn,
        "select concat_ws(' ', table_name, column_name, is_nullable) as told
         from information_schema.columns
         where table_schema = 'public' and table_name not like '\\_\\_%'
           and table_name not in (select relname from pg_class where relispartition)",
    )
}

fn indexes_and_constraints(conn: &mut PgConnection) -> BTreeSet<String> {
    ask(
        conn,
        "select indexdef as told from pg_indexes where schemaname = 'public'
         union all
         select concat_ws(' ', conrelid::regclass, pg_get_constraintdef(oid)) from pg_constraint
         where connamespace = 'public'::regnamespace",
    )
}

#[test]
fn every_migration_can_be_taken_back_and_made_again() {
    let app = TestApp::start();
    let conn = &mut app.database.connect();
    for _ in conn.applied_migrations().unwrap() {
        let (known, kept) = (columns(conn), indexes_and_constraints(conn));
        let taken_back = conn.revert_last_migration(MIGRATIONS).unwrap().to_string();
        conn.run_next_migration(MIGRATIONS).unwrap();
        assert_eq!(columns(conn), known, "{taken_back}");
        assert_eq!(indexes_and_constraints(conn), kept, "{taken_back}");
        conn.revert_last_migration(MIGRATIONS).unwrap();
    }
    assert_eq!(columns(conn), BTreeSet::new());
    db::migrate(conn).unwrap();
}

#[test]
fn the_program_knows_the_tables_as_the_migrations_leave_them() {
    let mut table = "";
    let mut known = BTreeSet::new();
    for line in include_str!("../../src/schema.rs").lines().map(str::trim) {
        if let Some((name, _)) = line.split_once(" (").filter(|_| line.ends_with('{')) {
            table = name;
        } else if let Some((column, kind)) = line.split_once(" -> ")
            && !column.contains('(')
        {
            let nullable = if kind.starts_with("Nullable") { "YES" } else { "NO" };
            known.insert(format!("{table} {column} {nullable}"));
        }
    }
    assert_eq!(known, columns(&mut TestApp::start().database.connect()));
}
