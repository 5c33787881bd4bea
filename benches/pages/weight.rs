//! What a page and everything it loads weigh, compressed.

use std::collections::BTreeSet;

use anyhow::Result;
use scraper::{Html, Selector};

use super::site::Person;

const FIRST: usize = 60_000;
const AFTER: usize = 12_000;

/// Weighs the pages that people are on most.
pub async fn print(person: &mut Person) -> Result<()> {
    println!("\nkB over the wire: with an empty cache, and after");
    for path in ["/", "/keys", "/keys/new", "/applications", "/team"] {
        let page = person.weigh(path).await?;
        let text = person.get(path).await?;
        let mut loaded = 0;
        for file in files(&text) {
            loaded += person.weigh(&file).await?;
        }
        let is_met = page + loaded <= FIRST && page <= AFTER;
        let kb = |bytes: usize| bytes as f64 / 1_000.0;
        println!(
            "{path:44} {:>8.1} {:>8.1}  {}",
            kb(page + loaded),
            kb(page),
            if is_met { "met" } else { "not met" }
        );
    }
    Ok(())
}

/// Styles, scripts and icons, each once.
fn files(page: &str) -> BTreeSet<String> {
    let page = Html::parse_document(page);
    let mut files = BTreeSet::new();
    for (css, attribute) in
        [("link[rel=stylesheet], link[rel=icon]", "href"), ("script[src]", "src"), ("use", "href")]
    {
        let selector = Selector::parse(css).expect("selectors are spelled correctly here");
        for element in page.select(&selector) {
            let address = element.attr(attribute).unwrap_or_default();
            files.extend(address.split('#').next().map(str::to_owned));
        }
    }
    files.remove("");
    files
}
