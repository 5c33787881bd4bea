//! The five platforms, step by step, in a real Chromium: their own words stand above the steps that show them.
//!
//! | file | |
//! |---|---|
//! | `affiliate.rs` … `marketplace.rs` | one platform each |
//! | `troubleshooting.rs` | what to do about 401, 403 and 429 |
//! | `without_javascript.rs` | the whole life of a key with scripts off |
//! | `reveal.rs` | a secret is shown once |
//! | `grants.rs` | limited API access, until it is withdrawn |
//! | `rotation.rs` | changing secrets over, all at once |
//! | `wizard.rs` | typing, toggling, going back and forth |
//! | `list.rs` | menus, dialogs, searching |
//! | `keyboard.rs` | without a mouse |
//! | `bulk.rs` | many keys at once, and the mode switch on a phone |
//! | `payloads.rs` | names that would like to be markup |
//! | `proof.rs` | a revoked key stops, node by node |
//! | `people.rs` | the team, one’s own account, customers |
//! | `narrow.rs` | on a phone |
//! | `charts.rs` | what a key is used for, and being asked about it |
//! | `incident.rs` | a leak: found, stopped, replaced |

mod affiliate;
mod bulk;
mod charts;
mod grants;
mod incident;
mod keyboard;
mod licensing;
mod list;
mod loyalty;
mod marketplace;
mod narrow;
mod payloads;
mod payments;
mod people;
mod proof;
mod reveal;
mod rotation;
mod troubleshooting;
mod without_javascript;
mod wizard;

use serde_json::json;

use crate::support::{Person, TestApp};

/// From one step of the wizard to the next.
async fn continues_to(person: &Person, step: u8) {
    person.click("Continue").await;
    person.sees(&format!("Step {step} of 5")).await;
}

/// Creates a key in the only application, with the usual limits, and stops at the reveal.
async fn creates(person: &Person, name: &str, environment: &str, permissions: &[&str]) {
    person.open("/keys/new").await;
    person.fill("Name", name).await;
    continues_to(person, 2).await;
    person.choose(environment).await;
    continues_to(person, 3).await;
    for permission in permissions {
        person.toggle(permission).await;
    }
    continues_to(person, 4).await;
    continues_to(person, 5).await;
    person.press_the_last_button().await;
    person.is_on(&format!("{name} is ready")).await;
}

/// Copies the secret that is being revealed and leaves.
async fn copies_and_leaves(person: &Person) -> String {
    person.copy("Secret key").await;
    let secret = person.clipboard().await;
    person.click("Done").await;
    secret
}

/// Code and status of the verdict about a key and what it wants to do.
async fn verdict(app: &TestApp, gateway: &str, key: &str, scopes: &[&str]) -> (String, u64) {
    let verdict = app.verify(gateway, json!({ "key": key, "scopes": scopes })).await;
    (verdict["code"].as_str().unwrap().to_owned(), verdict["status"].as_u64().unwrap())
}

/// A verdict, for comparing.
fn is(code: &str, status: u64) -> (String, u64) {
    (code.to_owned(), status)
}

fn valid() -> (String, u64) {
    is("VALID", 200)
}
