//! Role × act × ownership × grant: every combination, from one table, through the front door.

use diesel::{
    RunQueryDsl,
    sql_types::{BigInt, Text},
};
use latchkey::{keys, settings, users::User};

use crate::support::{Browser, MadeKey, PASSWORD, TestApp};

/// What a person is answered.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Says {
    /// Go and sign in.
    SignIn,
    /// 404, and nothing changes.
    Absent,
    /// 403, and nothing changes.
    Forbidden,
    /// 403, nothing changes, and the trail has it: it reaches beyond the grant.
    Refused,
    /// This status, and nothing changes.
    Shows(u16),
    /// This status, and it is done.
    Does(u16),
}
use Says::{Absent, Does, Forbidden, Refused, Shows, SignIn};

/// What is acted upon.
#[derive(Clone, Copy, PartialEq)]
enum On {
    /// Nothing that anybody owns.
    Nothing,
    /// A draft of one's own for a key like all the others here.
    Draft,
    Active,
    Disabled,
    Revoked,
    /// Regenerated: its old secret works for a day.
    Overlapping,
}
use On::{Active, Disabled, Draft, Nothing, Overlapping, Revoked};

/// Whether the policies let managers revoke and regenerate.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Policy {
    Lets,
    Forbids,
}
use Policy::{Forbids, Lets};

/// Somebody's standing towards a key: the columns of the table.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Standing {
    /// Not signed in.
    Visitor,
    /// A manager who has no API access.
    WithoutAccess,
    /// A manager, an own key, within the grant.
    Within,
    /// A manager, an own key, beyond the grant.
    Beyond,
    /// A manager with API access, somebody else's key.
    Anothers,
    Administrator,
}

struct Row {
    act: &'static str,
    on: On,
    policy: Policy,
    address: &'static str,
    /// `None`: GET.
    fields: Option<&'static [(&'static str, &'static str)]>,
    /// By [`Standing`].
    says: [Says; 6],
}

const fn get(
    act: &'static str,
    on: On,
    policy: Policy,
    address: &'static str,
    says: [Says; 6],
) -> Row {
    Row { act, on, policy, address, fields: None, says }
}

const fn post(
    act: &'static str,
    on: On,
    policy: Policy,
    address: &'static str,
    fields: &'static [(&'static str, &'static str)],
    says: [Says; 6],
) -> Row {
    Row { act, on, policy, address, fields: Some(fields), says }
}

const CREATE: &[(&str, &str)] = &[("draft", "{draft}"), ("go", "create")];
/// Everything but the name stays as it is.
const RENAME: &[(&str, &str)] = &[
    ("version", "1"),
    ("name", "renamed {number}"),
    ("permission", "reporting:read"),
    ("expires", "never"),
];
const VERSION: &[(&str, &str)] = &[("version", "1")];
const CLICK: &[(&str, &str)] = &[("version", "1"), ("group", "never")];
const TO_OPERATOR: &[(&str, &str)] = &[("owner", "")];

const SECOND_VERSION: &[(&str, &str)] = &[("version", "2")];
const ANOTHER_WEEK: &[(&str, &str)] = &[("version", "2"), ("overlap", "7d")];
const PASSWORD_AGAIN: &[(&str, &str)] = &[("password", PASSWORD)];
const ASK_TO_DISABLE: &[(&str, &str)] = &[("act", "disable"), ("key", "{public}")];
const ASK_TO_REVOKE: &[(&str, &str)] = &[("act", "revoke"), ("key", "{public}")];
const TICKED: &[(&str, &str)] = &[("key", "{public}")];
const AS_CSV: &[(&str, &str)] = &[("format", "csv")];
const RESET: &[(&str, &str)] =
    &[("environment", "production"), ("nonce", "018f2b8e-3f4a-4c55-9d1e-0a1b2c3d4e5f")];
const CSV: &[(&str, &str)] = &[("format", "csv")];
const UP_TO: &[(&str, &str)] = &[("to", "1")];
const ONE_KIND: &[(&str, &str)] = &[("kind", "key_expires")];
const MADE: &[(&str, &str)] = &[("made", "2026-11-20T12:00:00Z")];

/// A new act is a line here. What the policies forbid stands at the end.
#[rustfmt::skip]
const TABLE: &[Row] = &[
    //                                                                       visitor, without access, within, beyond, another’s, administrator
    get("list", Nothing, Lets, "/keys",                                      [SignIn, Absent, Shows(200), Shows(200), Absent, Shows(200)]),
    get("new", Nothing, Lets, "/keys/new",                                   [SignIn, Absent, Shows(303), Shows(303), Absent, Shows(303)]),
    post("create", Draft, Lets, "/keys", CREATE,                             [SignIn, Absent, Does(200), Refused, Absent, Does(200)]),
    get("see", Active, Lets, "{key}",                                        [SignIn, Absent, Shows(200), Shows(200), Absent, Shows(200)]),
    get("edit form", Active, Lets, "{key}/edit",                             [SignIn, Absent, Shows(200), Forbidden, Absent, Shows(200)]),
    post("rename", Active, Lets, "{key}/edit", RENAME,                       [SignIn, Absent, Does(303), Refused, Absent, Does(303)]),
    get("ask to disable", Active, Lets, "{key}/confirm/disable",             [SignIn, Absent, Shows(200), Shows(200), Absent, Shows(200)]),
    post("disable", Active, Lets, "{key}/disable", &[],                      [SignIn, Absent, Does(303), Does(303), Absent, Does(303)]),
    get("ask to enable", Disabled, Lets, "{key}/confirm/enable",             [SignIn, Absent, Shows(200), Forbidden, Absent, Shows(200)]),
    post("enable", Disabled, Lets, "{key}/enable", &[],                      [SignIn, Absent, Does(303), Refused, Absent, Does(303)]),
    get("ask to regenerate", Active, Lets, "{key}/confirm/regenerate",       [SignIn, Absent, Shows(200), Forbidden, Absent, Shows(200)]),
    post("regenerate", Active, Lets, "{key}/regenerate", VERSION,            [SignIn, Absent, Does(200), Refused, Absent, Does(200)]),
    get("ask to revoke", Active, Lets, "{key}/confirm/revoke",               [SignIn, Absent, Shows(200), Shows(200), Absent, Shows(200)]),
    post("revoke", Active, Lets, "{key}/revoke", &[],                        [SignIn, Absent, Does(303), Does(303), Absent, Does(303)]),
    get("ask to delete", Revoked, Lets, "{key}/confirm/delete",              [SignIn, Absent, Forbidden, Forbidden, Absent, Shows(200)]),
    post("delete", Revoked, Lets, "{key}/delete", &[],                       [SignIn, Absent, Forbidden, Forbidden, Absent, Does(303)]),
    get("ask to transfer", Active, Lets, "{key}/confirm/transfer",           [SignIn, Absent, Forbidden, Forbidden, Absent, Shows(200)]),
    post("transfer", Active, Lets, "{key}/transfer", TO_OPERATOR,            [SignIn, Absent, Forbidden, Forbidden, Absent, Does(303)]),
    get("duplicate", Active, Lets, "/keys/new?like={public}",                [SignIn, Absent, Shows(303), Shows(303), Absent, Shows(303)]),
    get("ask to finish", Overlapping, Lets, "{key}/confirm/finish",          [SignIn, Absent, Shows(200), Shows(200), Absent, Shows(200)]),
    post("finish", Overlapping, Lets, "{key}/finish", SECOND_VERSION,        [SignIn, Absent, Does(303), Does(303), Absent, Does(303)]),
    post("extend", Overlapping, Lets, "{key}/extend", ANOTHER_WEEK,          [SignIn, Absent, Does(303), Refused, Absent, Does(303)]),
    get("ask to reveal", Active, Lets, "{key}/confirm/reveal",               [SignIn, Absent, Shows(200), Shows(200), Absent, Shows(200)]),
    post("reveal", Active, Lets, "{key}/reveal", PASSWORD_AGAIN,             [SignIn, Absent, Forbidden, Forbidden, Absent, Shows(409)]),
    post("ask to disable many", Active, Lets, "/keys/bulk/preview", ASK_TO_DISABLE, [SignIn, Absent, Shows(200), Shows(200), Absent, Shows(200)]),
    post("disable many", Active, Lets, "/keys/bulk/disable", TICKED,         [SignIn, Absent, Does(303), Does(303), Absent, Does(303)]),
    post("ask to revoke many", Active, Lets, "/keys/bulk/preview", ASK_TO_REVOKE, [SignIn, Absent, Shows(200), Shows(200), Absent, Shows(200)]),
    post("revoke many", Active, Lets, "/keys/bulk/revoke", TICKED,           [SignIn, Absent, Does(303), Does(303), Absent, Does(303)]),
    get("ask for a file", Nothing, Lets, "/keys/export",                     [SignIn, Absent, Shows(200), Shows(200), Absent, Shows(200)]),
    post("write a file", Nothing, Lets, "/keys/export", AS_CSV,              [SignIn, Absent, Shows(303), Shows(303), Absent, Shows(303)]),
    get("jobs", Nothing, Lets, "/jobs",                                      [SignIn, Absent, Shows(200), Shows(200), Absent, Shows(200)]),
    get("no job", Nothing, Lets, "/jobs/999999",                             [SignIn, Absent, Absent, Absent, Absent, Absent]),
    get("application", Nothing, Lets, "{app}",                               [SignIn, Absent, Shows(200), Shows(200), Absent, Shows(200)]),
    get("ask to rotate", Nothing, Lets, "{app}/confirm/rotate",              [SignIn, Absent, Forbidden, Forbidden, Absent, Shows(200)]),
    post("rotate a stale secret", Nothing, Lets, "{app}/rotate", MADE,       [SignIn, Absent, Forbidden, Forbidden, Absent, Shows(409)]),
    get("ask to archive", Nothing, Lets, "{app}/confirm/archive",            [SignIn, Absent, Forbidden, Forbidden, Absent, Shows(200)]),
    post("archive with keys", Nothing, Lets, "{app}/archive", &[],           [SignIn, Absent, Forbidden, Forbidden, Absent, Shows(409)]),
    post("restore", Nothing, Lets, "{app}/restore", &[],                     [SignIn, Absent, Forbidden, Forbidden, Absent, Shows(303)]),
    get("ask to reset", Nothing, Lets, "{app}/confirm/reset?environment=production", [SignIn, Absent, Forbidden, Forbidden, Absent, Shows(200)]),
    post("reset without password", Nothing, Lets, "{app}/reset", RESET,      [SignIn, Absent, Forbidden, Forbidden, Absent, Shows(422)]),
    get("ask to keep secrets", Nothing, Lets, "{app}/confirm/keep-secrets",  [SignIn, Absent, Forbidden, Forbidden, Absent, Shows(200)]),
    post("let an application manage its keys", Nothing, Lets, "{app}/permit-keys", &[], [SignIn, Absent, Forbidden, Forbidden, Absent, Shows(303)]),
    post("keep secrets without a vault", Nothing, Lets, "{app}/keep-secrets", &[], [SignIn, Absent, Forbidden, Forbidden, Absent, Shows(409)]),
    post("erase secrets", Nothing, Lets, "{app}/erase-secrets", &[],         [SignIn, Absent, Forbidden, Forbidden, Absent, Shows(303)]),
    get("customers", Nothing, Lets, "/customers",                            [SignIn, Absent, Absent, Absent, Absent, Shows(200)]),
    get("logs", Nothing, Lets, "/logs",                                      [SignIn, Absent, Shows(200), Shows(200), Absent, Shows(200)]),
    get("logs of a key", Active, Lets, "/logs?key={public}",                 [SignIn, Absent, Shows(200), Shows(200), Shows(200), Shows(200)]),
    get("import customers", Nothing, Lets, "/customers/import",              [SignIn, Absent, Absent, Absent, Absent, Shows(200)]),
    get("trail", Nothing, Lets, "/audit",                                    [SignIn, Absent, Absent, Absent, Absent, Shows(200)]),
    get("event", Nothing, Lets, "/audit/1",                                  [SignIn, Absent, Absent, Absent, Absent, Shows(200)]),
    post("search the trail", Nothing, Lets, "/audit/search", &[],            [SignIn, Absent, Absent, Absent, Absent, Shows(303)]),
    post("export the trail", Nothing, Lets, "/audit/export", CSV,            [SignIn, Absent, Absent, Absent, Absent, Shows(200)]),
    get("environments", Nothing, Lets, "/settings/environments",             [SignIn, Absent, Absent, Absent, Absent, Shows(200)]),
    get("catalogue", Nothing, Lets, "/settings/catalogue",                   [SignIn, Absent, Absent, Absent, Absent, Shows(200)]),
    get("nodes", Nothing, Lets, "/settings/nodes",                           [SignIn, Absent, Absent, Absent, Absent, Shows(200)]),
    get("proof", Active, Lets, "{key}/proof",                                [SignIn, Absent, Shows(303), Shows(303), Absent, Shows(303)]),
    get("explain", Active, Lets, "{key}/explain",                            [SignIn, Absent, Shows(200), Shows(200), Absent, Shows(200)]),
    get("review", Nothing, Lets, "/review",                                  [SignIn, Absent, Shows(200), Shows(200), Absent, Shows(200)]),
    post("disable by a click", Active, Lets, "/review/{public}/disable", CLICK, [SignIn, Absent, Does(303), Does(303), Absent, Does(303)]),
    post("end by a click", Active, Lets, "/review/{public}/expire", CLICK,   [SignIn, Absent, Does(303), Refused, Absent, Does(303)]),
    post("trim what is not known", Active, Lets, "/review/{public}/trim", CLICK, [SignIn, Absent, Shows(409), Shows(409), Absent, Shows(409)]),
    get("leak triage", Nothing, Lets, "/leaks",                              [SignIn, Absent, Shows(200), Shows(200), Absent, Shows(200)]),
    post("dismiss a leak", Active, Lets, "{key}/leaks/dismiss", &[],         [SignIn, Absent, Shows(303), Shows(303), Absent, Shows(303)]),
    get("gitleaks", Nothing, Lets, "/leaks/gitleaks.toml",                   [SignIn, Absent, Absent, Absent, Absent, Shows(200)]),
    get("leak partners", Nothing, Lets, "/settings/leak-partners",           [SignIn, Absent, Absent, Absent, Absent, Shows(200)]),
    get("notices", Nothing, Lets, "/notices",                                [SignIn, Shows(200), Shows(200), Shows(200), Shows(200), Shows(200)]),
    post("mark as read", Nothing, Lets, "/notices/read", UP_TO,              [SignIn, Shows(303), Shows(303), Shows(303), Shows(303), Shows(303)]),
    get("what is noticed", Nothing, Lets, "/settings/notices",               [SignIn, Absent, Absent, Absent, Absent, Shows(200)]),
    post("decide what is noticed", Nothing, Lets, "/settings/notices", ONE_KIND, [SignIn, Absent, Absent, Absent, Absent, Shows(303)]),
    get("e-mail", Nothing, Lets, "/settings/mail",                           [SignIn, Absent, Absent, Absent, Absent, Shows(200)]),
    get("webhooks", Nothing, Lets, "/settings/webhooks",                     [SignIn, Absent, Absent, Absent, Absent, Shows(200)]),
    get("new webhook", Nothing, Lets, "/settings/webhooks/new",              [SignIn, Absent, Absent, Absent, Absent, Shows(200)]),
    post("add a webhook to nowhere", Nothing, Lets, "/settings/webhooks", &[], [SignIn, Absent, Absent, Absent, Absent, Shows(422)]),
    post("test mail without a server", Nothing, Lets, "/settings/mail/test", &[], [SignIn, Absent, Absent, Absent, Absent, Shows(409)]),
    get("export", Nothing, Lets, "/settings/catalogue/export",               [SignIn, Absent, Absent, Absent, Absent, Shows(200)]),
    get("import", Nothing, Lets, "/settings/catalogue/import",               [SignIn, Absent, Absent, Absent, Absent, Shows(200)]),
    post("grant", Nothing, Lets, "{spare}/grant", &[],                       [SignIn, Absent, Absent, Absent, Absent, Does(303)]),
    post("disable somebody", Nothing, Lets, "{spare}/disable", &[],          [SignIn, Absent, Absent, Absent, Absent, Shows(303)]),
    post("enable somebody", Nothing, Lets, "{spare}/enable", &[],            [SignIn, Absent, Absent, Absent, Absent, Shows(303)]),
    post("withdraw", Nothing, Lets, "{spare}/withdraw", &[],                 [SignIn, Absent, Absent, Absent, Absent, Does(303)]),
    post("finish", Overlapping, Forbids, "{key}/finish", SECOND_VERSION,     [SignIn, Absent, Does(303), Does(303), Absent, Does(303)]),
    post("extend", Overlapping, Forbids, "{key}/extend", ANOTHER_WEEK,       [SignIn, Absent, Forbidden, Forbidden, Absent, Does(303)]),
    post("ask to revoke many", Active, Forbids, "/keys/bulk/preview", ASK_TO_REVOKE, [SignIn, Absent, Forbidden, Forbidden, Forbidden, Shows(200)]),
    post("revoke many", Active, Forbids, "/keys/bulk/revoke", TICKED,        [SignIn, Absent, Forbidden, Forbidden, Forbidden, Does(303)]),
    get("ask to regenerate", Active, Forbids, "{key}/confirm/regenerate",    [SignIn, Absent, Forbidden, Forbidden, Absent, Shows(200)]),
    post("regenerate", Active, Forbids, "{key}/regenerate", VERSION,         [SignIn, Absent, Forbidden, Forbidden, Absent, Does(200)]),
    get("ask to revoke", Active, Forbids, "{key}/confirm/revoke",            [SignIn, Absent, Forbidden, Forbidden, Absent, Shows(200)]),
    post("revoke", Active, Forbids, "{key}/revoke", &[],                     [SignIn, Absent, Forbidden, Forbidden, Absent, Does(303)]),
];

impl Standing {
    /// What somebody's standing towards their own keys is towards a key that is theirs, and towards one that is not.
    fn towards(self, owns: bool) -> Self {
        match self {
            Self::Within | Self::Beyond if !owns => Self::Anothers,
            standing => standing,
        }
    }
}

/// Everything that an act on keys could change, as text, and how many refusals the trail tells of.
#[derive(diesel::QueryableByName)]
struct Stored {
    #[diesel(sql_type = Text)]
    rows: String,
    #[diesel(sql_type = BigInt)]
    refusals: i64,
}

fn stored(app: &TestApp) -> Stored {
    let tables =
        ["keys", "key_secrets", "key_sections", "key_permissions", "key_limits", "api_access"];
    let rows: Vec<String> = tables
        .iter()
        .map(|table| {
            format!("(select string_agg(t::text, E'\\n' order by t::text) from {table} t)")
        })
        .collect();
    let ask = format!(
        "select concat_ws(E'\\n--\\n', {}) as rows,
            (select count(*) from audit_events where action = 'access.refused') as refusals",
        rows.join(", ")
    );
    app.db(|conn| diesel::sql_query(ask).get_result(conn)).unwrap()
}

/// How often the trail tells of somebody who reached beyond their grant.
pub fn refusals(app: &TestApp) -> i64 {
    use diesel::{ExpressionMethods, QueryDsl};
    use latchkey::schema::audit_events;
    let refused = audit_events::table.filter(audit_events::action.eq("access.refused"));
    app.db(|conn| refused.count().get_result(conn)).unwrap()
}

fn decide(app: &TestApp, policy: Policy) {
    let policies = settings::Policies {
        new_key_all_permissions: false,
        managers_may_revoke: policy == Lets,
        managers_may_regenerate: policy == Lets,
        default_lifetime_days: 90,
    };
    app.operator(|conn, operator| settings::update_policies(conn, operator, policies));
}

fn prepare(app: &TestApp, owner: Option<&User>, name: &str, on: On) -> MadeKey {
    let made = app.key_with(owner, name, |_| {});
    app.operator(|conn, operator| match on {
        Disabled => keys::commands::disable(conn, operator, made.public_key()).map(drop),
        Revoked => keys::commands::revoke(conn, operator, made.public_key(), None).map(drop),
        Overlapping => {
            let day = keys::Overlap::Day;
            keys::commands::regenerate(conn, operator, made.public_key(), None, day).map(drop)
        }
        Nothing | Draft | Active => Ok(()),
    });
    made
}

/// Fills in the wizard as far as it lets them.
async fn fill_in(browser: &mut Browser, draft: &str, app_id: &str, name: &str) {
    let steps: [&[(&str, &str)]; 4] = [
        &[("step", "name"), ("name", name)],
        &[("step", "environment"), ("application", app_id), ("environment", "production")],
        &[("step", "permissions"), ("permission", "reporting:read")],
        &[("step", "limits"), ("expires", "never")],
    ];
    for step in steps {
        let fields = [&[("draft", draft), ("go", "next")], step].concat();
        let _ = browser.post("/keys/new", &fields).await;
    }
}

#[actix_web::test]
async fn a_visitor_is_answered_as_the_table_says() {
    assert_as_the_table_says(Standing::Visitor, |_| None).await;
}

#[actix_web::test]
async fn a_manager_who_was_never_granted_api_access_is_answered_as_the_table_says() {
    assert_as_the_table_says(Standing::WithoutAccess, |app| Some(app.manager("Noa"))).await;
}

#[actix_web::test]
async fn a_manager_whose_api_access_was_withdrawn_is_answered_as_the_table_says() {
    assert_as_the_table_says(Standing::WithoutAccess, |app| {
        let withdrawn = app.manager_with_access("Wim");
        app.withdraw(&withdrawn);
        Some(withdrawn)
    })
    .await;
}

#[actix_web::test]
async fn a_manager_who_is_granted_everything_is_answered_as_the_table_says() {
    assert_as_the_table_says(Standing::Within, |app| Some(app.manager_with_access("Mia"))).await;
}

#[actix_web::test]
async fn a_manager_whose_grant_covers_the_key_is_answered_as_the_table_says() {
    assert_as_the_table_says(Standing::Within, |app| {
        let reports = app.section("reporting");
        Some(granted(app, "Cora", &["production"], reports))
    })
    .await;
}

#[actix_web::test]
async fn a_manager_whose_grant_lacks_the_environment_is_answered_as_the_table_says() {
    assert_as_the_table_says(Standing::Beyond, |app| {
        let everything = keys::Permissions { all: true, ..keys::Permissions::default() };
        Some(granted(app, "Eli", &["sandbox"], everything))
    })
    .await;
}

#[actix_web::test]
async fn a_manager_whose_grant_lacks_the_permission_is_answered_as_the_table_says() {
    assert_as_the_table_says(Standing::Beyond, |app| {
        let orders = app.permissions(&["orders:read"]);
        Some(granted(app, "Olga", &["production", "sandbox"], orders))
    })
    .await;
}

#[actix_web::test]
async fn an_administrator_is_answered_as_the_table_says() {
    assert_as_the_table_says(Standing::Administrator, |app| Some(app.administrator("Ada"))).await;
}

fn granted(
    app: &TestApp,
    name: &str,
    environments: &[&str],
    permissions: keys::Permissions,
) -> User {
    let manager = app.manager(name);
    app.grant_only(&manager, environments, permissions);
    manager
}

/// Somebody does everything there is, to keys of their own and of others, all of them in production and allowed to
/// read reports; and what is refused changes nothing.
async fn assert_as_the_table_says(own: Standing, make: impl FnOnce(&TestApp) -> Option<User>) {
    let app = TestApp::start();
    let app_id = app.application("Back office");
    let other = app.manager_with_access("Otto");
    let spare = app.manager("Spare");
    let user = make(&app);
    let mut browser = match &user {
        Some(user) => app.sign_in(user).await,
        None => app.visitor(),
    };
    let mut number = 0;
    let mut policy = None;
    for row in TABLE {
        if policy != Some(row.policy) {
            decide(&app, row.policy);
            policy = Some(row.policy);
        }
        let may_own = !matches!(row.on, Nothing | Draft);
        for owns in [true, false].into_iter().filter(|owns| *owns || may_own) {
            number += 1;
            let case = format!("{}, own: {owns}", row.act);
            let owner = if owns { user.as_ref() } else { Some(&other) };
            let key = prepare(&app, owner, &format!("key {number}"), row.on);
            let draft = uuid::Uuid::new_v4().to_string();
            if row.on == Draft {
                fill_in(&mut browser, &draft, &app_id, &format!("new {number}")).await;
            }
            let before = stored(&app);
            let address = row
                .address
                .replace("{key}", &key.page())
                .replace("{public}", key.public_key())
                .replace("{app}", &format!("/applications/{app_id}"))
                .replace("{spare}", &format!("/team/{}", spare.id));
            let answer = match row.fields {
                None => browser.get(&address).await,
                Some(fields) => {
                    let fill = |value: &str| {
                        value
                            .replace("{number}", &number.to_string())
                            .replace("{draft}", &draft)
                            .replace("{public}", key.public_key())
                    };
                    let fields: Vec<(&str, String)> =
                        fields.iter().map(|(name, value)| (*name, fill(value))).collect();
                    let fields: Vec<(&str, &str)> =
                        fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
                    browser.post(&address, &fields).await
                }
            };
            let after = stored(&app);
            let has_changed = after.rows != before.rows;
            let said = match (answer.status(), has_changed, after.refusals - before.refusals) {
                (303, false, 0) if answer.location().unwrap().starts_with("/sign-in") => SignIn,
                (404, false, 0) => Absent,
                (403, false, 0) => Forbidden,
                (403, false, 1) => Refused,
                (status, false, 0) => Shows(status),
                (status, true, 0) => Does(status),
                other => panic!("{case}: {other:?}"),
            };
            assert_eq!(said, row.says[own.towards(owns) as usize], "{case}");
        }
    }
}
