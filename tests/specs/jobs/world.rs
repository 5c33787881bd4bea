//! A database with keys in it, and no node yet.

use std::collections::BTreeSet;

use diesel::PgConnection;
use latchkey::{
    applications,
    jobs::{self, NewJob, Work},
    presets, scopes,
    users::Viewer,
};

use super::{count, run, texts};
use crate::support::{Program, database::SpecDatabase};

pub struct World {
    pub database: SpecDatabase,
}

impl World {
    /// With so many keys of nobody's.
    pub fn with_keys(count: usize) -> Self {
        let database = SpecDatabase::create();
        let (mut conn, operator) = (database.connect(), Viewer::operator());
        presets::apply(&mut conn, &operator, "marketplace").unwrap();
        applications::create(&mut conn, &operator, "Storefront").unwrap();
        add_keys(&mut conn, count);
        Self { database }
    }

    pub fn conn(&self) -> PgConnection {
        self.database.connect()
    }

    /// A process that runs jobs, too.
    pub fn node(&self, name: &str) -> Program {
        Program::named(&self.database.url, name)
    }

    /// As the operator asks for it.
    pub fn start(&self, work: Work) -> i64 {
        let operator = Viewer::operator();
        jobs::start(&mut self.conn(), &operator, NewJob::of(&operator, work)).unwrap().id
    }
}

/// Adds so many keys, called “robot 1” and so on; answers with their ids.
pub fn add_keys(conn: &mut PgConnection, count: usize) -> Vec<i64> {
    let applications = applications::list(conn, &Viewer::operator()).unwrap();
    let environments = latchkey::environments::list(conn).unwrap();
    let permission = scopes::catalogue(conn).unwrap()[0].permissions[0].id;
    run(
        conn,
        &format!(
            "insert into keys (public_key, name, name_skeleton, application_id, environment_id)
                 select 'prod_pk_' || lpad(n::text, 16, '0'), 'robot ' || n, 'robot ' || n, {}, {}
                 from generate_series(1, {count}) n;
             insert into key_secrets (key_id, hash, masked)
                 select id, sha256(public_key::bytea), 'x' from keys where name like 'robot %';
             insert into key_permissions (key_id, permission_id)
                 select id, {permission} from keys where name like 'robot %'",
            applications[0].id, environments[0].id
        ),
    );
    let ids =
        texts(conn, "select id::text as told from keys where name like 'robot %' order by id");
    ids.iter().map(|id| id.parse().unwrap()).collect()
}

/// The file that a job has left.
pub fn file_of(conn: &mut PgConnection, job: i64) -> String {
    let ask = format!(
        "select convert_from(string_agg(content, '' order by part), 'utf-8') as told from job_files where job_id = {job}"
    );
    texts(conn, &ask).remove(0)
}

/// Every key is in the file, once.
#[track_caller]
pub fn assert_is_whole(conn: &mut PgConnection, file: &str) {
    let mut reader = csv::Reader::from_reader(file.as_bytes());
    assert_eq!(&reader.headers().unwrap()[0], "public_key");
    let rows: Vec<String> = reader.records().map(|record| record.unwrap()[0].to_owned()).collect();
    let keys: BTreeSet<&String> = rows.iter().collect();
    assert_eq!(rows.len(), keys.len(), "a key is in it twice");
    assert_eq!(rows.len() as i64, count(conn, "select count(*) from keys"));
}
