//! The pages that are measured: common and rare, alone and together.

use anyhow::Result;
use diesel::{QueryableByName, RunQueryDsl, sql_query, sql_types::Text};

use super::site::Site;

/// A page.
pub struct Case {
    pub name: String,
    pub path: String,
    /// A marketplace manager asks for it.
    pub is_managers: bool,
}

/// With what this log has.
pub fn of(site: &Site) -> Result<Vec<Case>> {
    let mut conn = site.connect()?;
    let mut one = |question: &str| -> Result<String> {
        #[derive(QueryableByName)]
        struct Row {
            #[diesel(sql_type = Text)]
            told: String,
        }
        Ok(sql_query(question).get_result::<Row>(&mut conn)?.told)
    };
    let busy =
        one("select public_key as told from keys where deleted_at is null order by id limit 1")?;
    let quiet = one(
        "select public_key as told from keys where deleted_at is null order by id desc limit 1",
    )?;
    let app = one("select app_id as told from applications order by id limit 1")?;
    let last_week = chrono::Utc::now() - chrono::TimeDelta::days(7);
    let hour =
        |hours: i64| (last_week + chrono::TimeDelta::hours(hours)).format("%Y-%m-%dT%H:00:00Z");
    let (from, to) = (hour(0), hour(1));
    let cases = [
        ("everything", String::new()),
        ("key, busy", format!("key={busy}")),
        ("key, quiet", format!("key={quiet}")),
        ("application", format!("application={app}")),
        ("environment, common", "environment=production".into()),
        ("environment, rare", "environment=edge".into()),
        ("any refusal", "code=refused".into()),
        ("code, VALID", "code=VALID".into()),
        ("code, common refusal", "code=INSUFFICIENT_SCOPE".into()),
        ("code, rare", "code=EXPIRED".into()),
        ("code, never", "code=SECRET_REPLACED".into()),
        ("method, common", "method=POST".into()),
        ("method, rare", "method=PURGE".into()),
        ("method, never", "method=TRACE".into()),
        ("path prefix, common", "path=/orders".into()),
        ("path prefix, rare", "path=/orders/99999".into()),
        ("path prefix, never", "path=/nothing/of/the/kind".into()),
        ("IP, busy", "ip=10.0.0.1".into()),
        ("IP, quiet", "ip=10.0.190.9".into()),
        ("IP range", "ip=10.0.190.0/24".into()),
        ("IP, never", "ip=192.0.2.1".into()),
        ("customer, busy", "customer=cus_1".into()),
        ("customer, quiet", "customer=cus_4990".into()),
        ("customer, never", "customer=cus_0".into()),
        ("time range, an hour a week ago", format!("from={from}&to={to}")),
        ("time range and any refusal", format!("from={from}&to={to}&code=refused")),
        ("time range and a quiet IP", format!("from={from}&to={to}&ip=10.0.190.9")),
        ("key, busy, and any refusal", format!("key={busy}&code=refused")),
        ("key, busy, and a rare code", format!("key={busy}&code=EXPIRED")),
        ("key, busy, and a path prefix, rare", format!("key={busy}&path=/orders/99999")),
        ("key, busy, and a quiet IP", format!("key={busy}&ip=10.0.190.9")),
        ("application and a rare code", format!("application={app}&code=EXPIRED")),
        (
            "environment, method and path prefix",
            "environment=production&method=DELETE&path=/refunds".into(),
        ),
        (
            "code VALID, method rare, path prefix common",
            "code=VALID&method=PURGE&path=/orders".into(),
        ),
        ("customer and method, nothing of both", "customer=cus_1&method=PURGE".into()),
        ("last 24 hours, quiet customer", "last=24h&customer=cus_4990".into()),
    ];
    let case = |is_managers| {
        move |(name, query): (&str, String)| Case {
            name: if is_managers { format!("manager: {name}") } else { name.to_owned() },
            path: format!("/logs?{query}"),
            is_managers,
        }
    };
    let own = [
        ("everything", String::new()),
        ("any refusal", "code=refused".into()),
        ("code, rare", "code=EXPIRED".into()),
        ("method, rare", "method=PURGE".into()),
        ("IP, quiet", "ip=10.0.190.9".into()),
    ];
    Ok(cases.into_iter().map(case(false)).chain(own.into_iter().map(case(true))).collect())
}
