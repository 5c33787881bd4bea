//! A million keys in less than a minute: rows are made on one thread and copied on another.

use std::{sync::mpsc, thread};

use chrono::Utc;
use diesel::{
    Connection, PgConnection,
    prelude::*,
    sql_query,
    sql_types::{BigInt, Text},
};

use super::made_up::{Batch, World};
use crate::{
    applications, environments,
    error::{AppError, AppResult},
    presets,
    schema::{key_limits, key_permissions, key_secrets, key_sections, keys},
    scopes, text,
    users::{NewUser, Role, Viewer, commands as people, queries},
};

/// Keys in one transaction.
const BATCH: usize = 50_000;

const APPLICATIONS: [&str; 12] = [
    "Storefront",
    "Mobile App",
    "Partner Portal",
    "Warehouse",
    "Point of Sale",
    "Reporting",
    "Marketing Site",
    "Support Desk",
    "Data Platform",
    "Fulfilment",
    "Seller Centre",
    "Back Office",
];
const PEOPLE: [&str; 20] = [
    "Ada Novak",
    "Ben Achterberg",
    "Carla Mendes",
    "Dmitri Vale",
    "Elena Fontaine",
    "Farid Haddad",
    "Greta Olsen",
    "Hugo Martin",
    "Ines Castro",
    "Jonas Weber",
    "Keiko Mori",
    "Liam Byrne",
    "Mira Kapoor",
    "Noah Stein",
    "Olga Ivanova",
    "Pablo Ruiz",
    "Quinn Abbott",
    "Rosa Lind",
    "Samir Nair",
    "Tara Quigley",
];

/// Adds so many keys that nobody knows the secrets of, with people and applications for them to belong to.
///
/// # Errors
/// When Postgres refuses; batches that were complete stay.
pub fn add_keys(conn: &mut PgConnection, operator: &Viewer, count: u32) -> AppResult<()> {
    let world = conn.transaction(|conn| prepare(conn, operator))?;
    hurry(conn)?;
    thread::scope(|scope| {
        let (wanted, ids) = mpsc::channel::<Vec<i64>>();
        let (made, batches) = mpsc::sync_channel::<Batch>(1);
        scope.spawn(move || {
            for ids in ids {
                if made.send(world.make(&ids)).is_err() {
                    return;
                }
            }
        });
        let mut left = count as usize;
        while left > 0 {
            let size = left.min(BATCH);
            left -= size;
            // The receiver lives as long as the thread does, which ends after the last batch.
            let _ = wanted.send(reserve_ids(conn, size)?);
        }
        drop(wanted);
        for batch in batches {
            conn.transaction(|conn| copy(conn, &batch))?;
        }
        AppResult::Ok(())
    })?;
    settle(conn)
}

/// Catalogue, applications and people, added as far as they are missing.
fn prepare(conn: &mut PgConnection, operator: &Viewer) -> AppResult<World> {
    presets::ensure_default(conn, operator)?;
    let mut known = applications::list(conn, operator)?;
    for name in APPLICATIONS {
        if !known.iter().any(|application| text::look(&application.name) == text::look(name)) {
            known.push(applications::create(conn, operator, name)?.0);
        }
    }
    let mut owners = Vec::new();
    for name in PEOPLE {
        let email = format!("{}@example.com", name.to_lowercase().replace(' ', "."));
        let user = match queries::find_by_email(conn, &email)? {
            Some(user) => user,
            None => {
                let new =
                    NewUser { email, name: name.into(), role: Role::Manager, api_access: true };
                people::add(conn, operator, &new)?
            }
        };
        owners.push(user.id);
    }
    let environments = environments::list(conn)?;
    if environments.is_empty() {
        return Err(AppError::Unprocessable("There are no environments. Apply a preset.".into()));
    }
    Ok(World {
        now: Utc::now(),
        applications: known.into_iter().map(|application| application.id).collect(),
        environments,
        owners,
        catalogue: scopes::catalogue(conn)?,
    })
}

/// For this connection only.
fn hurry(conn: &mut PgConnection) -> AppResult<()> {
    for setting in
        ["gin_pending_list_limit = '2GB'", "maintenance_work_mem = '512MB'", "work_mem = '64MB'"]
    {
        sql_query(format!("set {setting}")).execute(conn)?;
    }
    Ok(())
}

fn reserve_ids(conn: &mut PgConnection, count: usize) -> AppResult<Vec<i64>> {
    #[derive(QueryableByName)]
    struct Reserved {
        #[diesel(sql_type = BigInt)]
        id: i64,
    }
    let reserved: Vec<Reserved> = sql_query(
        "select nextval(pg_get_serial_sequence('keys', 'id')) as id from generate_series(1, $1)",
    )
    .bind::<BigInt, _>(count as i64)
    .load(conn)?;
    Ok(reserved.into_iter().map(|reserved| reserved.id).collect())
}

fn copy(conn: &mut PgConnection, batch: &Batch) -> AppResult<()> {
    diesel::copy_from(keys::table).from_insertable(&batch.keys).execute(conn)?;
    diesel::copy_from(key_secrets::table).from_insertable(&batch.secrets).execute(conn)?;
    diesel::copy_from(key_sections::table).from_insertable(&batch.sections).execute(conn)?;
    diesel::copy_from(key_permissions::table).from_insertable(&batch.permissions).execute(conn)?;
    diesel::copy_from(key_limits::table).from_insertable(&batch.limits).execute(conn)?;
    Ok(())
}

/// What Postgres would do by and by, so that the first search is as fast as the next.
fn settle(conn: &mut PgConnection) -> AppResult<()> {
    for index in ["keys_name_trigrams", "keys_public_key_trigrams"] {
        diesel::select(
            diesel::dsl::sql::<BigInt>("gin_clean_pending_list(")
                .bind::<Text, _>(index)
                .sql("::regclass)"),
        )
        .get_result::<i64>(conn)?;
    }
    for table in ["keys", "key_secrets", "key_sections", "key_permissions", "key_limits"] {
        sql_query(format!("analyze {table}")).execute(conn)?;
    }
    Ok(())
}
