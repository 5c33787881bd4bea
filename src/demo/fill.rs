//! The small installation, made with the commands that people use, so that it breaks no rule and has a history.

use std::path::Path;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::{Connection, PgConnection, prelude::*, sql_query, sql_types::Text};
use ipnet::IpNet;
use zeroize::Zeroizing;

use super::{
    requests,
    samples::{CUSTOMERS, Fate, Holds, Owner, SAMPLES, Sample},
    sign_ins,
    traffic::{self, Traffic},
};
use crate::{
    access::{self, Grant},
    applications, customers,
    environments::{self, Environment},
    error::{AppError, AppResult},
    gateways,
    jobs::{self, NewJob, Work},
    keys::{Key, Limit, NewKey, Overlap, Permissions, commands, parse_range},
    notices, presets,
    schema::{
        api_access, applications as application_rows, changes, customers as customer_rows,
        gateways as gateway_rows, key_secrets, keys, permissions, usage_progress, users,
    },
    scopes::{self, Section},
    users::{NewUser, Origin, Role, Viewer, commands as people, passwords, queries},
};

/// Fills an installation in which there is nobody yet; `false` when there is. The random passwords go to
/// `demo-sign-ins.txt` in the data directory.
///
/// # Errors
/// When Postgres or the data directory refuses; then nothing has been filled in.
pub fn fill(conn: &mut PgConnection, operator: &Viewer, data_dir: &Path) -> AppResult<bool> {
    conn.transaction(|conn| {
        // Of two first starts at once, the second finds somebody here.
        sql_query("select pg_advisory_xact_lock(7246001)").execute(conn)?;
        if queries::is_anybody_here(conn)? {
            return Ok(false);
        }
        // Every event joins the chain at once, so that none is on its way when the clock is turned.
        sql_query("set constraints audit_incoming_seal immediate").execute(conn)?;
        let mut demo = Demo::begin(conn, operator)?;
        demo.unfold(conn)?;
        demo.send_traffic(conn)?;
        requests::write(conn)?;
        notices::look_back(conn, demo.ago(3.0))?;
        // What keys are used for is read from them as soon as there is a node.
        diesel::update(usage_progress::table)
            .set(usage_progress::log_looked_at.eq(demo.now))
            .execute(conn)?;
        jobs::enqueue(conn, NewJob::system(Work::RollUp).once("roll_up"))?;
        sql_query("alter table audit_incoming alter column at set default now()").execute(conn)?;
        // What is made up happened long ago; nobody has anything in memory yet.
        diesel::delete(changes::table).execute(conn)?;
        sign_ins::write(data_dir, &demo.sign_ins)?;
        Ok(true)
    })
}

/// Of a manager who may hand out anything.
const ACCESS: &str = "manager with API access";

struct Demo {
    now: DateTime<Utc>,
    operator: Viewer,
    administrator: Viewer,
    manager: Viewer,
    applications: [i64; 2],
    customers: Vec<i64>,
    environments: Vec<Environment>,
    catalogue: Vec<Section>,
    keys: Vec<(&'static Sample, Key)>,
    sign_ins: Zeroizing<String>,
}

impl Demo {
    /// The catalogue, people, applications and gateways: all older than the oldest key.
    fn begin(conn: &mut PgConnection, operator: &Viewer) -> AppResult<Self> {
        let now = Utc::now();
        let founded = now - TimeDelta::days(400);
        travel(conn, founded)?;
        presets::ensure_default(conn, operator)?;
        let mut sign_ins = Zeroizing::new("Demo sign-ins:\n".to_owned());
        let mut person = |conn: &mut PgConnection, email: &str, name: &str, role, what: &str| {
            let api_access = what == ACCESS;
            let email = email.to_owned();
            let new = NewUser { email, name: name.into(), role, api_access };
            let password = passwords::random();
            let user = people::add(conn, operator, &new)?;
            people::set_password(conn, operator, user.id, &passwords::hash(&password)?)?;
            sign_ins.push_str(&format!("  {:18}  {}  {what}\n", new.email, *password));
            AppResult::Ok(user.id)
        };
        let administrator =
            person(conn, "alex@example.com", "Alex Morgan", Role::Administrator, "administrator")?;
        let manager = person(conn, "maya@example.com", "Maya Lindqvist", Role::Manager, ACCESS)?;
        let limited = "manager with API access to one section of one environment";
        let newcomer = person(conn, "nora@example.com", "Nora Haddad", Role::Manager, limited)?;
        let without = "manager without API access";
        person(conn, "tom@example.com", "Tom Okafor", Role::Manager, without)?;
        // What permissions are needed for is remembered since then, too.
        diesel::update(permissions::table).set(permissions::added_at.eq(founded)).execute(conn)?;
        diesel::update(usage_progress::table)
            .set(usage_progress::permissions_since.eq(founded))
            .execute(conn)?;
        let environments = environments::list(conn)?;
        let catalogue = scopes::catalogue(conn)?;
        access::set(conn, operator, newcomer, &narrow(&environments, &catalogue))?;
        diesel::update(users::table).set(users::created_at.eq(founded)).execute(conn)?;
        diesel::update(api_access::table).set(api_access::granted_at.eq(founded)).execute(conn)?;

        let administrator = Viewer::load(conn, administrator, Origin::default())?;
        let manager = Viewer::load(conn, manager, Origin::default())?;
        let (storefront, _) = applications::create(conn, &administrator, "Rentmy Storefront")?;
        let (partners, _) = applications::create(conn, &administrator, "Partner Integrations")?;
        diesel::update(application_rows::table)
            .set((
                application_rows::created_at.eq(founded),
                application_rows::secret_created_at.eq(founded),
            ))
            .execute(conn)?;
        let customers = CUSTOMERS
            .iter()
            .map(|(id, name)| Ok(customers::add(conn, &administrator, id, name)?.id))
            .collect::<AppResult<Vec<i64>>>()?;
        diesel::update(customer_rows::table)
            .set(customer_rows::created_at.eq(founded))
            .execute(conn)?;
        for environment in &environments {
            let name = format!("{} proxy", environment.name);
            let (_, token) = gateways::create(conn, &administrator, &name, environment.id)?;
            let line = format!("Gateway of {}:\n  {}\n", environment.name, token.reveal());
            sign_ins.push_str(&line);
        }
        diesel::update(gateway_rows::table)
            .set((
                gateway_rows::created_at.eq(founded),
                gateway_rows::last_contact_at.eq(now - TimeDelta::minutes(1)),
            ))
            .execute(conn)?;
        Ok(Self {
            now,
            operator: operator.clone(),
            administrator,
            manager,
            applications: [storefront.id, partners.id],
            customers,
            environments,
            catalogue,
            keys: Vec::new(),
            sign_ins,
        })
    }

    /// What happened to keys, oldest first, as the trail has to tell it.
    fn unfold(&mut self, conn: &mut PgConnection) -> AppResult<()> {
        let begins = SAMPLES.iter().map(|sample| (sample.created, sample, None));
        let fates = SAMPLES
            .iter()
            .filter_map(|sample| Some((sample.fate.days_ago()?, sample, Some(sample.fate))));
        let mut moments: Vec<(f64, &'static Sample, Option<Fate>)> = begins.chain(fates).collect();
        moments.sort_by(|one, other| other.0.total_cmp(&one.0));
        for (days, sample, fate) in moments {
            let at = self.ago(days);
            travel(conn, at)?;
            match fate {
                None => self.make_key(conn, sample, at)?,
                Some(fate) => self.seal(conn, sample, fate, at)?,
            }
        }
        Ok(())
    }

    fn make_key(
        &mut self,
        conn: &mut PgConnection,
        sample: &'static Sample,
        at: DateTime<Utc>,
    ) -> AppResult<()> {
        let (key, _) = commands::create(conn, self.owner(sample), &self.new_key(sample))?;
        diesel::update(keys::table.find(key.id))
            .set((
                keys::created_at.eq(at),
                keys::last_used_at.eq(sample.last_used.map(|days| self.ago(days))),
            ))
            .execute(conn)?;
        diesel::update(key_secrets::table.filter(key_secrets::key_id.eq(key.id)))
            .set(key_secrets::created_at.eq(at))
            .execute(conn)?;
        self.keys.push((sample, key));
        Ok(())
    }

    fn seal(
        &self,
        conn: &mut PgConnection,
        sample: &Sample,
        fate: Fate,
        at: DateTime<Utc>,
    ) -> AppResult<()> {
        let (_, key) = self
            .keys
            .iter()
            .find(|(made, _)| made.name == sample.name)
            .ok_or(AppError::NotFound)?;
        let row = keys::table.find(key.id);
        match fate {
            Fate::Lives => {}
            Fate::Disabled(_) => {
                commands::disable(conn, self.owner(sample), &key.public_key)?;
                diesel::update(row).set(keys::disabled_at.eq(at)).execute(conn)?;
            }
            Fate::Revoked(_, reason) => {
                commands::revoke(conn, &self.administrator, &key.public_key, Some(reason))?;
                diesel::update(row).set(keys::revoked_at.eq(at)).execute(conn)?;
            }
            Fate::Regenerated(_) => {
                commands::regenerate(
                    conn,
                    self.owner(sample),
                    &key.public_key,
                    None,
                    Overlap::Now,
                )?;
                let secrets = key_secrets::table.filter(key_secrets::key_id.eq(key.id));
                diesel::update(secrets.filter(key_secrets::ends_at.is_not_null()))
                    .set(key_secrets::ends_at.eq(at))
                    .execute(conn)?;
                diesel::update(secrets.filter(key_secrets::ends_at.is_null()))
                    .set(key_secrets::created_at.eq(at))
                    .execute(conn)?;
            }
        }
        Ok(())
    }

    fn send_traffic(&self, conn: &mut PgConnection) -> AppResult<()> {
        for (sample, key) in &self.keys {
            let Some((peak, refusal, refused)) = sample.traffic else { continue };
            let dead = match (sample.fate, sample.expires) {
                (Fate::Disabled(days) | Fate::Revoked(days, _), _) => Some(self.ago(days)),
                (_, Some(days)) if days < 0.0 => Some(self.ago(-days)),
                _ => None,
            };
            let traffic = Traffic {
                key_id: key.id,
                peak,
                began: self.ago(sample.created),
                ended: sample.last_used.map_or(self.now, |days| self.ago(days)),
                dead,
                refusal,
                refused,
            };
            traffic::write(conn, &traffic, self.now)?;
        }
        traffic::add_up(conn, self.now)
    }

    fn new_key(&self, sample: &Sample) -> NewKey {
        let environment =
            if sample.is_test { self.environments.last() } else { self.environments.first() };
        NewKey {
            name: sample.name.into(),
            note: sample.note.into(),
            application_id: self.applications[usize::from(sample.is_partners)],
            environment_id: environment.map_or(0, |environment| environment.id),
            owner_id: self.owner(sample).id,
            permissions: self.permissions(sample.holds),
            limits: sample
                .limit
                .into_iter()
                .chain(sample.per_day.map(|requests| (requests, 86_400)))
                .map(|(requests, per_seconds)| Limit { requests, per_seconds })
                .collect(),
            expires_at: sample.expires.map(|days| self.ago(-days)),
            customers: sample.customer.map(|at| self.customers[at]).into_iter().collect(),
            allowed_ips: ranges(sample.allowed_ips),
            excluded_ips: ranges(sample.excluded_ips),
            allowed_origins: Vec::new(),
        }
    }

    fn permissions(&self, holds: Holds) -> Permissions {
        let all: Vec<i64> = self
            .catalogue
            .iter()
            .flat_map(|section| &section.permissions)
            .map(|permission| permission.id)
            .collect();
        match holds {
            Holds::Everything => Permissions { all: true, ..Permissions::default() },
            Holds::Section(at) => Permissions {
                sections: vec![self.catalogue[at % self.catalogue.len()].id],
                ..Permissions::default()
            },
            Holds::Some(places) => Permissions {
                permissions: places.iter().map(|at| all[at % all.len()]).collect(),
                ..Permissions::default()
            },
        }
    }

    fn owner(&self, sample: &Sample) -> &Viewer {
        match sample.owner {
            Owner::Operator => &self.operator,
            Owner::Administrator => &self.administrator,
            Owner::Manager => &self.manager,
        }
    }

    fn ago(&self, days: f64) -> DateTime<Utc> {
        self.now - TimeDelta::seconds((days * 86_400.0) as i64)
    }
}

/// The test environment and the first section, with what is added to it.
fn narrow(environments: &[Environment], catalogue: &[Section]) -> Grant {
    let ids = environments.last().map(|environment| environment.id).into_iter().collect();
    let sections = catalogue.first().map(|section| section.id).into_iter().collect();
    Grant::of(Some(ids), Permissions { sections, ..Permissions::default() })
}

fn ranges(typed: &[&str]) -> Vec<IpNet> {
    typed.iter().filter_map(|range| parse_range(range)).collect()
}

impl Fate {
    fn days_ago(self) -> Option<f64> {
        match self {
            Self::Lives => None,
            Self::Disabled(days) | Self::Revoked(days, _) | Self::Regenerated(days) => Some(days),
        }
    }
}

/// From here on the trail is written as of then. The trail cannot be changed afterwards, so what happens to have
/// happened long ago has to be written so. Only for the transaction: before it ends the clock is put right.
fn travel(conn: &mut PgConnection, then: DateTime<Utc>) -> AppResult<()> {
    let statement: String = diesel::select(
        diesel::dsl::sql::<Text>(
            "format('alter table audit_incoming alter column at set default %L::timestamptz', ",
        )
        .bind::<diesel::sql_types::Timestamptz, _>(then)
        .sql(")"),
    )
    .get_result(conn)?;
    sql_query(statement).execute(conn)?;
    Ok(())
}
