//! The document and its page, as whoever builds a gateway reads them.

use serde_json::Value;

use super::document;
use crate::support::TestApp;

#[actix_web::test]
async fn the_document_says_where_this_installation_is() {
    let app = TestApp::start();
    let here = document(&app).await;
    assert_eq!(here["openapi"], "3.1.0");
    assert_eq!(here["servers"][0]["url"], app.url(""));
    assert_eq!(app.visitor().get("/openapi.json").await.header("content-type"), "application/json");

    let app = TestApp::start_with(&[("LATCHKEY_BASE_URL", "https://keys.example.com")]);
    let there = document(&app).await;
    assert_eq!(there["servers"][0]["url"], "https://keys.example.com");
    let page = app.visitor().get("/reference").await;
    page.assert_shows("curl -X POST 'https://keys.example.com/v1/verify'");
}

#[actix_web::test]
async fn the_page_tells_everything_the_document_tells() {
    let app = TestApp::start();
    let document = document(&app).await;
    let page = app.visitor().get("/reference").await;
    page.assert_status(200).assert_is_page();
    assert_eq!(page.all("h1"), ["API reference"]);
    page.assert_hides("`").assert_hides("**");

    let shown = squeezed(&page.document().root_element().text().collect::<String>());
    let shows = |told: &Value| {
        let words = squeezed(told.as_str().unwrap_or_default());
        assert!(shown.contains(&words), "{told} is not on the page");
    };
    let (paths, webhooks) = (&document["paths"], &document["webhooks"]);
    let addresses = [paths, webhooks].map(|told| told.as_object().unwrap()).into_iter().flatten();
    for (path, operations) in addresses {
        for operation in operations.as_object().unwrap().values() {
            page.assert_shows(path);
            shows(&operation["summary"]);
            shows(&operation["description"]);
            for parameter in operation["parameters"].as_array().into_iter().flatten() {
                shows(&parameter["name"]);
                shows(&parameter["description"]);
            }
            for (status, answer) in operation["responses"].as_object().unwrap() {
                page.assert_shows(status);
                shows(&answer["description"]);
                for (name, header) in answer["headers"].as_object().into_iter().flatten() {
                    page.assert_shows(name);
                    shows(&header["description"]);
                }
            }
        }
    }
    let components = &document["components"];
    for (name, schema) in components["schemas"].as_object().unwrap() {
        page.assert_shows(name);
        for (member, told) in schema["properties"].as_object().into_iter().flatten() {
            page.assert_shows(member);
            shows(&told["description"]);
        }
        for (code, meaning) in schema["x-enumDescriptions"].as_object().into_iter().flatten() {
            page.assert_shows(code);
            shows(meaning);
        }
    }
    for (name, scheme) in components["securitySchemes"].as_object().unwrap() {
        page.assert_shows(name);
        shows(&scheme["description"]);
    }
}

#[actix_web::test]
async fn the_page_says_null_only_of_what_may_be_null() {
    let app = TestApp::start();
    let page = app.visitor().get("/reference").await;
    let cells = |part: &str| page.all(&format!("#part-{part} td[data-label='Type']"));
    let sometimes = "date and time (RFC 3339), or null".to_owned();
    assert!(cells("WebhookMessage").contains(&"date and time (RFC 3339)".to_owned()));
    assert!(!cells("WebhookMessage").contains(&sometimes));
    assert!(cells("WebhookKey").contains(&sometimes));
}

#[actix_web::test]
async fn everything_the_page_links_to_is_there() {
    let app = TestApp::start();
    let mut visitor = app.visitor();
    let page = visitor.get("/reference").await;
    let html = page.document();
    let links = scraper::Selector::parse("a[href]").unwrap();
    let mut seen = 0;
    for link in html.select(&links) {
        let address = link.attr("href").unwrap();
        if let Some(id) = address.strip_prefix('#') {
            let selector = scraper::Selector::parse(&format!("[id=\"{id}\"]")).unwrap();
            assert_eq!(html.select(&selector).count(), 1, "{address}");
        } else {
            assert_ne!(visitor.get(address).await.status(), 404, "{address}");
        }
        seen += 1;
    }
    assert!(seen > 15, "{seen}");
}

/// Words alone, without the markup of the document and without what stands between them.
fn squeezed(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_whitespace() && !"`*".contains(*letter)).collect()
}
