//! A million keys in less than a minute: copied in batches over connections side by side.

use std::{
    sync::atomic::{AtomicU32, Ordering},
    thread,
};

use anyhow::anyhow;
use chrono::Utc;
use diesel::{
    Connection, PgConnection,
    prelude::*,
    sql_query,
    sql_types::{BigInt, Text},
};

use super::{
    made_up::{Batch, World},
    secrets::Sink,
};
use crate::{
    applications, environments,
    error::{AppError, AppResult},
    presets,
    schema::{key_limits, key_permissions, key_secrets, key_sections, keys},
    scopes, text,
    users::{NewUser, Role, Viewer, commands as people, queries},
};

/// Keys in one transaction.
const BATCH: u32 = 25_000;

/// Connections that copy.
const SIDE_BY_SIDE: usize = 2;

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

/// Adds so many keys, with people and applications for them to belong to. Either nobody knows their secrets and they
/// are in every state a key can be in, or all of them work and their secrets go to `secrets`.
/// `connect` makes the connections over which they are copied, side by side.
///
/// # Errors
/// When Postgres refuses or the secrets cannot be written; batches that were complete stay.
pub fn add_keys(
    conn: &mut PgConnection,
    operator: &Viewer,
    count: u32,
    secrets: Option<&Sink>,
    connect: impl Fn() -> anyhow::Result<PgConnection> + Sync,
) -> AppResult<()> {
    let world = conn.transaction(|conn| prepare(conn, operator, secrets.is_some()))?;
    let left = AtomicU32::new(count);
    side_by_side(SIDE_BY_SIDE, |_| {
        let mut conn = connect()?;
        hurry(&mut conn)?;
        while let Some(size) = take(&left) {
            // Made before the transaction begins: Postgres ends one that keeps it waiting.
            let batch = world.make(&reserve_ids(&mut conn, size)?);
            conn.transaction(|conn| copy(conn, &batch))?;
            if let Some(sink) = secrets {
                batch.lines.write(sink)?;
            }
        }
        Ok(())
    })?;
    settle(conn, &connect)
}

/// The size of the next batch, until all are taken.
fn take(left: &AtomicU32) -> Option<u32> {
    let before = left
        .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| Some(left.saturating_sub(BATCH)))
        .unwrap_or_default();
    Some(before.min(BATCH)).filter(|size| *size > 0)
}

/// Catalogue, applications and people, added as far as they are missing.
fn prepare(conn: &mut PgConnection, operator: &Viewer, all_work: bool) -> AppResult<World> {
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
        all_work,
    })
}

/// Trigrams are cheap to set aside and expensive to file one by one: so they are filed at the end, all at once.
/// For this connection only.
fn hurry(conn: &mut PgConnection) -> AppResult<()> {
    for setting in ["gin_pending_list_limit = '2GB'", "maintenance_work_mem = '512MB'"] {
        sql_query(format!("set {setting}")).execute(conn)?;
    }
    Ok(())
}

/// Makes sure once, for the whole transaction, that what the keys refer to exists and stays: Postgres then does not
/// have to look again for every row. Only a superuser may tell it so, which we are in the private Postgres.
fn vouch_for_references(conn: &mut PgConnection) -> AppResult<()> {
    for table in ["applications", "environments", "users", "sections", "permissions"] {
        sql_query(format!("select 1 from {table} for key share")).execute(conn)?;
    }
    sql_query(
        "select set_config('session_replication_role', 'replica', true)
         where current_setting('is_superuser') = 'on'",
    )
    .execute(conn)?;
    Ok(())
}

fn reserve_ids(conn: &mut PgConnection, count: u32) -> AppResult<Vec<i64>> {
    #[derive(QueryableByName)]
    struct Reserved {
        #[diesel(sql_type = BigInt)]
        id: i64,
    }
    let reserved: Vec<Reserved> = sql_query(
        "select nextval(pg_get_serial_sequence('keys', 'id')) as id from generate_series(1, $1)",
    )
    .bind::<BigInt, _>(i64::from(count))
    .load(conn)?;
    Ok(reserved.into_iter().map(|reserved| reserved.id).collect())
}

fn copy(conn: &mut PgConnection, batch: &Batch) -> AppResult<()> {
    vouch_for_references(conn)?;
    diesel::copy_from(keys::table).from_insertable(&batch.keys).execute(conn)?;
    diesel::copy_from(key_secrets::table).from_insertable(&batch.secrets).execute(conn)?;
    diesel::copy_from(key_sections::table).from_insertable(&batch.sections).execute(conn)?;
    diesel::copy_from(key_permissions::table).from_insertable(&batch.permissions).execute(conn)?;
    diesel::copy_from(key_limits::table).from_insertable(&batch.limits).execute(conn)?;
    Ok(())
}

/// What Postgres would do by and by, so that the first search is as fast as the next; again side by side.
fn settle(
    conn: &mut PgConnection,
    connect: &(impl Fn() -> anyhow::Result<PgConnection> + Sync),
) -> AppResult<()> {
    #[derive(QueryableByName)]
    struct Chore {
        #[diesel(sql_type = Text)]
        statement: String,
    }
    let chores: Vec<Chore> = sql_query(
        "select format('select gin_clean_pending_list(%L)', indexrelid::regclass) as statement
         from pg_index join pg_class on pg_class.oid = indexrelid join pg_am on pg_am.oid = relam
         where indrelid = 'keys'::regclass and amname = 'gin'
         union all
         select 'analyze keys, key_secrets, key_sections, key_permissions, key_limits'",
    )
    .load(conn)?;
    side_by_side(chores.len(), |place| {
        let mut conn = connect()?;
        hurry(&mut conn)?;
        sql_query(&chores[place].statement).execute(&mut conn)?;
        Ok(())
    })
}

/// Runs `work` on so many threads, and returns the first error.
fn side_by_side(count: usize, work: impl Fn(usize) -> AppResult<()> + Sync) -> AppResult<()> {
    let work = &work;
    thread::scope(|scope| {
        let threads: Vec<_> = (0..count).map(|place| scope.spawn(move || work(place))).collect();
        threads.into_iter().try_for_each(|thread| {
            thread
                .join()
                .map_err(|_| AppError::Internal(anyhow!("a thread of the demo panicked")))?
        })
    })
}
