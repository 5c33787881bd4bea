//! Every address there is, as a visitor finds it.

use std::{collections::BTreeSet, fs, path::Path};

use reqwest::Method;

use crate::support::TestApp;

/// Every address with its methods, as `src/` registers them. A new one has to be added here, and is walked below.
pub const ROUTES: &[(&str, &[&str])] = &[
    ("/", &["GET"]),
    ("/account", &["GET"]),
    ("/account/name", &["POST"]),
    ("/account/mail", &["POST"]),
    ("/account/mode", &["POST"]),
    ("/account/password", &["POST"]),
    ("/account/sessions/end", &["POST"]),
    ("/account/time-zone", &["POST"]),
    ("/audit", &["GET"]),
    ("/audit/export", &["POST"]),
    ("/audit/search", &["POST"]),
    ("/audit/{id}", &["GET"]),
    ("/applications", &["GET", "POST"]),
    ("/applications/new", &["GET"]),
    ("/applications/{app_id}", &["GET"]),
    ("/applications/{app_id}/confirm/erase-secrets", &["GET"]),
    ("/applications/{app_id}/confirm/keep-secrets", &["GET"]),
    ("/applications/{app_id}/confirm/reset", &["GET"]),
    ("/applications/{app_id}/archive", &["POST"]),
    ("/applications/{app_id}/confirm/archive", &["GET"]),
    ("/applications/{app_id}/confirm/rotate", &["GET"]),
    ("/applications/{app_id}/edit", &["GET"]),
    ("/applications/{app_id}/erase-secrets", &["POST"]),
    ("/applications/{app_id}/forbid-keys", &["POST"]),
    ("/applications/{app_id}/keep-secrets", &["POST"]),
    ("/applications/{app_id}/permit-keys", &["POST"]),
    ("/applications/{app_id}/rename", &["POST"]),
    ("/applications/{app_id}/reset", &["POST"]),
    ("/applications/{app_id}/restore", &["POST"]),
    ("/applications/{app_id}/rotate", &["POST"]),
    ("/customers", &["GET", "POST"]),
    ("/customers/import", &["GET", "POST"]),
    ("/customers/import/preview", &["POST"]),
    ("/customers/new", &["GET"]),
    ("/customers/search", &["POST"]),
    ("/customers/{id}", &["GET"]),
    ("/customers/{id}/confirm/remove", &["GET"]),
    ("/customers/{id}/edit", &["GET"]),
    ("/customers/{id}/remove", &["POST"]),
    ("/customers/{id}/rename", &["POST"]),
    ("/gateways", &["GET", "POST"]),
    ("/gateways/new", &["GET"]),
    ("/gateways/{id}/confirm/revoke", &["GET"]),
    ("/gateways/{id}/edit", &["GET"]),
    ("/gateways/{id}/rename", &["POST"]),
    ("/gateways/{id}/revoke", &["POST"]),
    ("/healthz", &["GET"]),
    ("/jobs", &["GET"]),
    ("/jobs/{id}", &["GET"]),
    ("/jobs/{id}/cancel", &["POST"]),
    ("/jobs/{id}/file", &["GET"]),
    ("/jobs/{id}/retry", &["POST"]),
    ("/keys", &["GET", "POST"]),
    ("/keys/bulk/disable", &["POST"]),
    ("/keys/bulk/preview", &["POST"]),
    ("/keys/bulk/revoke", &["POST"]),
    ("/keys/confirm/reset", &["GET"]),
    ("/keys/export", &["GET", "POST"]),
    ("/keys/new", &["GET", "POST"]),
    ("/keys/new/sketch", &["POST"]),
    ("/keys/search", &["POST"]),
    ("/keys/{key}", &["GET"]),
    ("/keys/{key}/confirm/finish", &["GET"]),
    ("/keys/{key}/confirm/reveal", &["GET"]),
    ("/keys/{key}/confirm/transfer", &["GET"]),
    ("/keys/{key}/confirm/{act}", &["GET"]),
    ("/keys/{key}/delete", &["POST"]),
    ("/keys/{key}/disable", &["POST"]),
    ("/keys/{key}/edit", &["GET", "POST"]),
    ("/keys/{key}/enable", &["POST"]),
    ("/keys/{key}/explain", &["GET"]),
    ("/keys/{key}/extend", &["POST"]),
    ("/keys/{key}/finish", &["POST"]),
    ("/keys/{key}/leaks/dismiss", &["POST"]),
    ("/keys/{key}/proof", &["GET"]),
    ("/keys/{key}/regenerate", &["POST"]),
    ("/keys/{key}/reveal", &["POST"]),
    ("/keys/{key}/revoke", &["POST"]),
    ("/keys/{key}/transfer", &["POST"]),
    ("/leaks", &["GET", "POST"]),
    ("/leaks/gitleaks.toml", &["GET"]),
    ("/leaks/{id}/dismiss", &["POST"]),
    ("/logs", &["GET"]),
    ("/logs/export/{format}", &["GET"]),
    ("/logs/search", &["POST"]),
    ("/logs/tail", &["GET"]),
    ("/logs/{id}", &["GET"]),
    ("/notices", &["GET"]),
    ("/notices/read", &["POST"]),
    ("/notices/unread", &["GET"]),
    ("/openapi.json", &["GET"]),
    ("/readyz", &["GET"]),
    ("/reference", &["GET"]),
    ("/review", &["GET"]),
    ("/review/undo", &["POST"]),
    ("/review/{key}/disable", &["POST"]),
    ("/review/{key}/expire", &["POST"]),
    ("/review/{key}/trim", &["POST"]),
    ("/settings", &["GET", "POST"]),
    ("/settings/catalogue", &["GET"]),
    ("/settings/catalogue/export", &["GET"]),
    ("/settings/catalogue/import", &["GET", "POST"]),
    ("/settings/catalogue/import/apply", &["POST"]),
    ("/settings/catalogue/permissions", &["POST"]),
    ("/settings/catalogue/permissions/new", &["GET"]),
    ("/settings/catalogue/permissions/{id}/confirm/{act}", &["GET"]),
    ("/settings/catalogue/permissions/{id}/edit", &["GET", "POST"]),
    ("/settings/catalogue/permissions/{id}/move", &["POST"]),
    ("/settings/catalogue/permissions/{id}/publish", &["POST"]),
    ("/settings/catalogue/permissions/{id}/restore", &["POST"]),
    ("/settings/catalogue/permissions/{id}/retire", &["POST"]),
    ("/settings/catalogue/permissions/{id}/withhold", &["POST"]),
    ("/settings/catalogue/sections", &["POST"]),
    ("/settings/catalogue/sections/new", &["GET"]),
    ("/settings/catalogue/sections/{id}/confirm/retire", &["GET"]),
    ("/settings/catalogue/sections/{id}/edit", &["GET", "POST"]),
    ("/settings/catalogue/sections/{id}/move", &["POST"]),
    ("/settings/catalogue/sections/{id}/restore", &["POST"]),
    ("/settings/catalogue/sections/{id}/retire", &["POST"]),
    ("/settings/confirm/preset", &["GET"]),
    ("/settings/environments", &["GET", "POST"]),
    ("/settings/environments/new", &["GET"]),
    ("/settings/environments/{id}/confirm/retire", &["GET"]),
    ("/settings/environments/{id}/edit", &["GET", "POST"]),
    ("/settings/environments/{id}/move", &["POST"]),
    ("/settings/environments/{id}/restore", &["POST"]),
    ("/settings/environments/{id}/retire", &["POST"]),
    ("/settings/leak-partners", &["GET", "POST"]),
    ("/settings/leak-partners/new", &["GET"]),
    ("/settings/leak-partners/{id}/confirm/remove", &["GET"]),
    ("/settings/leak-partners/{id}/edit", &["GET", "POST"]),
    ("/settings/leak-partners/{id}/remove", &["POST"]),
    ("/settings/logs", &["POST"]),
    ("/settings/mail", &["GET"]),
    ("/settings/mail/test", &["POST"]),
    ("/settings/nodes", &["GET"]),
    ("/settings/notices", &["GET", "POST"]),
    ("/settings/preset", &["POST"]),
    ("/settings/webhooks", &["GET", "POST"]),
    ("/settings/webhooks/deliveries/{id}", &["GET"]),
    ("/settings/webhooks/deliveries/{id}/repeat", &["POST"]),
    ("/settings/webhooks/new", &["GET"]),
    ("/settings/webhooks/{id}", &["GET"]),
    ("/settings/webhooks/{id}/confirm/remove", &["GET"]),
    ("/settings/webhooks/{id}/confirm/rotate", &["GET"]),
    ("/settings/webhooks/{id}/edit", &["GET", "POST"]),
    ("/settings/webhooks/{id}/remove", &["POST"]),
    ("/settings/webhooks/{id}/rotate", &["POST"]),
    ("/settings/webhooks/{id}/test", &["POST"]),
    ("/settings/wording", &["POST"]),
    ("/setup", &["GET", "POST"]),
    ("/sign-in", &["GET", "POST"]),
    ("/sign-out", &["POST"]),
    ("/static/{path:.*}", &["GET"]),
    ("/team", &["GET", "POST"]),
    ("/team/new", &["GET"]),
    ("/team/{id}/confirm/disable", &["GET"]),
    ("/team/{id}/confirm/withdraw", &["GET"]),
    ("/team/{id}/disable", &["POST"]),
    ("/team/{id}/edit", &["GET"]),
    ("/team/{id}/enable", &["POST"]),
    ("/team/{id}/grant", &["GET", "POST"]),
    ("/team/{id}/link", &["POST"]),
    ("/team/{id}/role", &["POST"]),
    ("/team/{id}/withdraw", &["POST"]),
    ("/v1/application/keys", &["any"]),
    ("/v1/application/keys/{key}/regenerate", &["any"]),
    ("/v1/application/keys/{key}/usage", &["any"]),
    ("/v1/authorize", &["any"]),
    ("/v1/changes/{key}", &["any"]),
    ("/v1/leaks", &["any"]),
    ("/v1/verify", &["any"]),
    ("/welcome", &["GET", "POST"]),
];

/// What a visitor may reach; everything else leads to the sign-in form.
const PUBLIC: &[&str] = &[
    "/healthz",
    "/openapi.json",
    "/readyz",
    "/reference",
    "/setup",
    "/sign-in",
    "/sign-out",
    "/static/{path:.*}",
    "/v1/application/keys",
    "/v1/application/keys/{key}/regenerate",
    "/v1/application/keys/{key}/usage",
    "/v1/authorize",
    "/v1/changes/{key}",
    "/v1/leaks",
    "/v1/verify",
    "/welcome",
];

/// What is registered for another listener: told in metrics.
const ELSEWHERE: &[&str] = &["/metrics"];

/// The pages, with something in the place of what varies.
pub fn pages() -> impl Iterator<Item = (String, &'static [&'static str], bool)> {
    ROUTES.iter().filter(|(_, methods)| *methods != ["any"]).map(|(path, methods)| {
        let filled_in = path
            .replace("{key}", "prod_pk_0123456789abcdef")
            .replace("{app_id}", "app_0123456789abcdef")
            .replace("{act}", "disable")
            .replace("{format}", "csv")
            .replace("{id}", "1")
            .replace("{path:.*}", "icons/favicon.svg");
        (filled_in, *methods, PUBLIC.contains(path))
    })
}

/// What the source registers: address, then methods.
fn registered() -> BTreeSet<(String, Vec<String>)> {
    let mut found = BTreeSet::new();
    let mut by_variable = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            if entry.path().is_dir() {
                folders.push(entry.path());
                continue;
            }
            let source = fs::read_to_string(entry.path()).unwrap();
            let source = source.split("#[cfg(test)]").next().unwrap();
            assert!(
                !source.contains(".route(\""),
                "{:?} registers without a resource",
                entry.path()
            );
            // What stands in front of the application has no routes: it compares.
            if entry.path().ends_with("src/verify/front.rs") {
                let compared = source.lines().filter_map(|line| line.trim().strip_prefix('"'));
                let compared = compared.filter_map(|line| line.split_once("\" => Some("));
                found.extend(compared.map(|(path, _)| (path.to_owned(), vec!["any".to_owned()])));
            }
            for registration in source.split("web::resource(").skip(1) {
                let end = registration.find("web::resource(").unwrap_or(registration.len());
                let end = registration[..end].find(';').unwrap_or(end);
                let registration = registration[..end].trim_start();
                match registration.strip_prefix('"').and_then(|rest| rest.split_once('"')) {
                    None => by_variable.push(registration.to_owned()),
                    Some((path, _)) if ELSEWHERE.contains(&path) => {}
                    Some((path, rest)) => {
                        let methods = [
                            (".get(", "GET"),
                            (".post(", "POST"),
                            (".to(", "any"),
                            ("web::post()", "any"),
                        ];
                        let mut methods: Vec<String> = methods
                            .iter()
                            .filter(|(call, _)| rest.contains(call))
                            .map(|(_, method)| (*method).to_owned())
                            .collect();
                        methods.dedup();
                        found.insert((path.to_owned(), methods));
                    }
                }
            }
        }
    }
    // The other names of /keys, told in keys/listing.
    assert_eq!(by_variable.len(), 1, "{by_variable:?}");
    found
}

#[test]
fn the_list_is_complete() {
    let listed: BTreeSet<(String, Vec<String>)> = ROUTES
        .iter()
        .map(|(path, methods)| {
            ((*path).to_owned(), methods.iter().map(|&method| method.to_owned()).collect())
        })
        .collect();
    let registered = registered();
    let forgotten: Vec<_> = registered.difference(&listed).collect();
    let gone: Vec<_> = listed.difference(&registered).collect();
    assert!(
        forgotten.is_empty() && gone.is_empty(),
        "not listed: {forgotten:?}; not there: {gone:?}"
    );
}

#[actix_web::test]
async fn a_visitor_is_asked_to_sign_in_everywhere_else() {
    let app = TestApp::start();
    let mut visitor = app.visitor();
    let mut htmx = visitor.with_htmx("/keys");
    for (path, methods, public) in pages().filter(|(_, _, public)| !public) {
        assert!(!public);
        for method in methods {
            let (page, fragment) = match *method {
                "GET" => (visitor.get(&path).await, htmx.get(&path).await),
                _ => (visitor.post(&path, &[]).await, htmx.post(&path, &[]).await),
            };
            page.assert_status(303);
            let location = page.location().unwrap();
            let encoded = path
                .replace('/', "%2F")
                .replace('_', "%5F")
                .replace('-', "%2D")
                .replace('.', "%2E");
            let expected = match *method {
                "GET" if path != "/" => format!("/sign-in?next={encoded}"),
                _ => "/sign-in".to_owned(),
            };
            assert_eq!(location, expected, "{method} {path}");
            fragment.assert_status(401);
            assert_eq!(fragment.body(), "", "{method} {path}");
            assert_eq!(fragment.header("hx-redirect"), "/sign-in", "{method} {path}");
        }
    }
}

#[actix_web::test]
async fn what_is_public_says_so_and_nothing_more() {
    let app = TestApp::start();
    app.administrator("Ada");
    let mut visitor = app.visitor();
    for (path, status) in [
        ("/healthz", 200),
        ("/openapi.json", 200),
        ("/readyz", 200),
        ("/reference", 200),
        ("/sign-in", 200),
        ("/static/icons/favicon.svg", 200),
        ("/setup", 404),
        ("/welcome", 404),
    ] {
        visitor.get(path).await.assert_status(status);
    }
    visitor.post("/sign-out", &[]).await.assert_leads_to("/sign-in");
    for path in ["/setup", "/welcome"] {
        let refused = visitor.post(path, &[]).await;
        assert!((400..500).contains(&refused.status()), "{path} {}", refused.status());
    }
}

#[actix_web::test]
async fn other_methods_are_refused_with_the_ones_that_are_not() {
    let app = TestApp::start();
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    for (path, methods, _) in pages() {
        let wrong = ["GET", "POST", "PUT", "PATCH", "DELETE", "TRACE", "QUERY"];
        for method in wrong.into_iter().filter(|method| !methods.contains(method)) {
            let name = Method::from_bytes(method.as_bytes()).unwrap();
            let refused = ada.request(name, &path, |request| request).await;
            refused.assert_status(405);
            for allowed in methods {
                assert!(
                    refused.header("allow").contains(allowed),
                    "{method} {path}: {}",
                    refused.header("allow")
                );
            }
            if !["/healthz", "/readyz"].contains(&path.as_str()) && !path.starts_with("/static") {
                refused.assert_is_page().assert_shows("That address doesn’t do this.");
            }
        }
    }
}

#[actix_web::test]
async fn a_head_is_that_of_the_page() {
    let app = TestApp::start();
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    for (path, methods, _) in pages() {
        let head = ada.request(Method::HEAD, &path, |request| request).await;
        assert_eq!(head.body(), "", "{path}");
        if methods.contains(&"GET") {
            let page = ada.get(&path).await;
            assert_eq!(head.status(), page.status(), "{path}");
            assert_eq!(head.header("content-type"), page.header("content-type"), "{path}");
        } else {
            assert_eq!(head.status(), 405, "{path}");
        }
    }
}

#[actix_web::test]
async fn what_is_not_there_is_our_page_for_everybody() {
    let app = TestApp::start();
    let mut visitor = app.visitor();
    for path in ["/.git", "/.env", "/metrics", "/nothing", "/keys/", "//", "/static", "/keys.php"] {
        let page = visitor.get(path).await;
        page.assert_status(404).assert_is_page().assert_shows("There’s nothing here.");
        page.assert_shows(page.header("x-request-id"));
        visitor.with_htmx("/").get(path).await.assert_status(404).assert_is_fragment();
    }
}
