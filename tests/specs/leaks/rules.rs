//! Rules for scanners, made of this installation's prefixes: they are TOML, and find what is handed out.

use base64::{Engine, engine::general_purpose::STANDARD};
use latchkey::credentials::{Secret, app_id, public_key};

use crate::support::TestApp;

#[actix_web::test]
async fn the_rules_are_toml_and_find_what_is_handed_out_here() {
    let app = TestApp::start();
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    let file = ada.get("/leaks/gitleaks.toml").await;
    file.assert_status(200);
    assert!(file.header("content-disposition").contains("gitleaks.toml"));
    ada.get("/leaks").await.assert_shows("Find them before they are pushed");
    let rules: toml::Table = file.body().parse().unwrap();
    let rules = rules["rules"].as_array().unwrap();
    // As gitleaks does: a keyword, whatever its case; then the expression; then how random it is.
    let found_by = |text: &str| -> Vec<String> {
        let matches = |rule: &&toml::Value| {
            let lower = text.to_lowercase();
            let mut keywords = rule["keywords"].as_array().unwrap().iter();
            let regex = regex::Regex::new(rule["regex"].as_str().unwrap()).unwrap();
            let group = usize::try_from(rule["secretGroup"].as_integer().unwrap()).unwrap();
            keywords.any(|word| lower.contains(&word.as_str().unwrap().to_lowercase()))
                && regex.captures(text).is_some_and(|found| {
                    entropy(&found[group]) > rule["entropy"].as_float().unwrap()
                })
        };
        rules.iter().filter(matches).map(|rule| rule["id"].as_str().unwrap().to_owned()).collect()
    };
    for _ in 0..200 {
        let sandbox = Secret::for_key("sbx");
        let (key, public) = (Secret::for_key("prod"), public_key("prod"));
        let (app_secret, id) = (Secret::for_application(), app_id());
        for (text, rule) in [
            (key.reveal().to_owned(), "latchkey-key-secret"),
            (format!("KEY=\"{}\"", sandbox.reveal()), "latchkey-key-secret"),
            (format!("Basic {}", key.basic_token(&public).reveal()), "latchkey-basic-token"),
            (app_secret.reveal().to_owned(), "latchkey-app-secret"),
            (format!("Basic {}", app_secret.basic_token(&id).reveal()), "latchkey-app-basic-token"),
            (Secret::for_gateway().reveal().to_owned(), "latchkey-gateway-token"),
        ] {
            assert_eq!(found_by(&text), [rule], "{text}");
        }
    }
    for nothing in [
        public_key("prod"),
        app_id(),
        Secret::for_key("zzz").reveal().to_owned(),
        format!("prod_sk_{}", "x".repeat(38)),
        format!("gw_{}", "a".repeat(38)),
        STANDARD.encode("prod_pk_0123456789abcdef"),
    ] {
        assert!(found_by(&nothing).is_empty(), "{nothing}");
    }
}

#[actix_web::test]
async fn the_rules_are_the_administrators() {
    let app = TestApp::start();
    let mut mia = app.sign_in(&app.manager_with_access("Mia")).await;
    mia.get("/leaks/gitleaks.toml").await.assert_status(404);
    app.visitor().get("/leaks/gitleaks.toml").await.assert_status(303);
    // Where there are no environments yet, App Secrets and gateways still are.
    let blank = TestApp::start_blank();
    let mut ada = blank.sign_in(&blank.administrator("Ada")).await;
    let file = ada.get("/leaks/gitleaks.toml").await;
    let rules: toml::Table = file.body().parse().unwrap();
    assert_eq!(rules["rules"].as_array().unwrap().len(), 3);
}

/// Bits a character.
fn entropy(text: &str) -> f64 {
    let length = text.len() as f64;
    let count = |letter: char| text.chars().filter(|other| *other == letter).count() as f64;
    let mut letters: Vec<char> = text.chars().collect();
    letters.sort_unstable();
    letters.dedup();
    letters
        .into_iter()
        .map(|letter| count(letter) / length)
        .map(|share| -share * share.log2())
        .sum()
}
