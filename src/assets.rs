//! Files that go to browsers as they are, inside the binary, under addresses that change with their content.

use std::{borrow::Cow, collections::HashMap, io::Write, sync::LazyLock};

use actix_web::{HttpRequest, HttpResponse, http::header, web};
use flate2::{Compression, write::GzEncoder};
use rust_embed::RustEmbed;
use sha2::{Digest, Sha256};

use crate::web::compress::accepts_gzip;

#[derive(RustEmbed)]
#[folder = "static/"]
struct Static;

struct Asset {
    content: Cow<'static, [u8]>,
    /// The same, made as small as gzip can once, rather than in a hurry for every visitor.
    gzipped: web::Bytes,
    mime: String,
    digest: String,
}

/// Loaded by every page, in this order.
pub const SCRIPTS: [&str; 2] = ["js/htmx.min.js", BEHAVIOUR];

/// All our own scripts as one file: ten more answers would cost a first visit more than what is in them.
const BEHAVIOUR: &str = "js/app.js";

/// What only some pages load.
#[cfg(test)]
const BY_SOME: [&str; 2] = ["js/charts.js", "js/logs.js"];

const PARTS: [&str; 13] = [
    "js/copy.js",
    "js/dialogs.js",
    "js/reveal.js",
    "js/hide.js",
    "js/download.js",
    "js/permissions.js",
    "js/menus.js",
    "js/times.js",
    "js/toasts.js",
    "js/submit.js",
    "js/wizard.js",
    "js/nav.js",
    "js/rows.js",
];

static ASSETS: LazyLock<HashMap<String, Asset>> = LazyLock::new(|| {
    let behaviour = Asset::new(Cow::Owned(join(&PARTS)), "text/javascript");
    Static::iter()
        .filter_map(|path| {
            let file = Static::get(&path)?;
            let content = if path == "css/app.css" {
                Cow::Owned(without_comments(&inline_imports(&file.data)).into_bytes())
            } else {
                file.data
            };
            Some((path.into_owned(), Asset::new(content, file.metadata.mimetype())))
        })
        .chain([(BEHAVIOUR.to_owned(), behaviour)])
        .collect()
});

impl Asset {
    fn new(content: Cow<'static, [u8]>, mime: &str) -> Self {
        let digest = hex::encode(&Sha256::digest(&content)[..16]);
        let mime = if mime.starts_with("text/") {
            format!("{mime}; charset=utf-8")
        } else {
            mime.to_owned()
        };
        let gzipped = gzip(&content).into();
        Self { content, gzipped, mime, digest }
    }
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder
        .write_all(content)
        .and_then(|()| encoder.finish())
        .expect("memory takes what it is given")
}

/// Each script is a function of its own, so they may stand one after the other.
fn join(paths: &[&str]) -> Vec<u8> {
    paths
        .iter()
        .filter_map(|path| Static::get(path))
        .flat_map(|file| file.data.into_owned())
        .collect()
}

/// The address of a file; a browser may keep what it gets there for ever.
pub fn url(path: &str) -> String {
    match ASSETS.get(path) {
        Some(asset) => format!("/static/{path}?v={}", &asset.digest[..16]),
        None => format!("/static/{path}"),
    }
}

/// `GET /static/…`
pub async fn serve(req: HttpRequest, path: web::Path<String>) -> HttpResponse {
    let Some(asset) = ASSETS.get(path.as_str()) else { return HttpResponse::NotFound().finish() };
    let etag = format!("\"{}\"", asset.digest);
    let is_fresh =
        req.headers().get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok()).is_some_and(
            |known| known.split(',').any(|known| known.trim().trim_start_matches("W/") == etag),
        );
    let is_versioned = req.query_string().strip_prefix("v=") == Some(&asset.digest[..16]);
    let keep = if is_versioned { "public, max-age=31536000, immutable" } else { "no-cache" };
    let mut response = if is_fresh { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    response.insert_header((header::ETAG, etag)).insert_header((header::CACHE_CONTROL, keep));
    if is_fresh {
        return response.finish();
    }
    response.content_type(asset.mime.as_str()).insert_header((header::VARY, "Accept-Encoding"));
    if accepts_gzip(&req) {
        return response.insert_header(header::ContentEncoding::Gzip).body(asset.gzipped.clone());
    }
    match &asset.content {
        Cow::Borrowed(content) => response.body(*content),
        Cow::Owned(content) => response.body(content.clone()),
    }
}

/// Puts the files that `app.css` imports in place of its imports: one file a page, no build step.
fn inline_imports(css: &[u8]) -> String {
    String::from_utf8_lossy(css)
        .lines()
        .map(|line| inline_import(line).unwrap_or_else(|| format!("{line}\n")))
        .collect()
}

/// What is written for the next reader of a style sheet is a sixth of it, and no visitor's concern.
fn without_comments(css: &str) -> String {
    let mut pieces = css.split("/*");
    let before = pieces.next().unwrap_or_default();
    let after = pieces.filter_map(|piece| piece.split_once("*/")).map(|(_, rules)| rules);
    [before].into_iter().chain(after).collect()
}

/// `@import "components/buttons.css" layer(components);`
fn inline_import(line: &str) -> Option<String> {
    let (path, rest) = line.strip_prefix("@import \"")?.split_once('"')?;
    let layer = rest.trim().strip_prefix("layer(")?.strip_suffix(");")?;
    let file = Static::get(&format!("css/{path}"))?;
    Some(format!("@layer {layer} {{\n{}}}\n", String::from_utf8_lossy(&file.data)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_style_sheet_is_one_file() {
        let css = String::from_utf8_lossy(&ASSETS["css/app.css"].content);
        assert!(css.contains("@layer tokens {"));
        assert!(!css.contains("@import"), "an import was not understood");
        assert!(!css.contains("/*") && !css.contains("*/"), "a comment was left in it");
        assert_eq!(css.matches('{').count(), css.matches('}').count());
    }

    #[test]
    fn the_scripts_are_one_file_with_every_one_of_them() {
        let ours = Static::iter().filter(|path| {
            path.starts_with("js/") && path.ends_with(".js") && !path.ends_with(".min.js")
        });
        let mut ours: Vec<_> = ours.collect();
        ours.sort_unstable();
        let mut parts = [PARTS.as_slice(), BY_SOME.as_slice()].concat();
        parts.sort_unstable();
        assert_eq!(ours, parts);
        assert!(ASSETS[BEHAVIOUR].content.len() > ASSETS["js/copy.js"].content.len());
    }

    #[test]
    fn comments_stay_at_home() {
        let css = "/* why */a { b: c; } /** two\n lines */ d { e: f; }/**/";
        assert_eq!(without_comments(css), "a { b: c; }  d { e: f; }");
    }

    /// The whole of a first visit may weigh 60 kB; this is the part that every page shares.
    #[test]
    fn what_every_page_loads_is_small() {
        let shared = ["css/app.css", "icons/sprite.svg"].into_iter().chain(SCRIPTS);
        let weight: usize = shared.map(|path| ASSETS[path].gzipped.len()).sum();
        assert!(weight < 40_000, "{weight} bytes");
    }

    #[test]
    fn what_is_not_ours_is_what_it_is_said_to_be() {
        use base64::{Engine, engine::general_purpose::STANDARD};
        for file in ["htmx.min.js", "uplot.min.js"] {
            let content = &ASSETS[format!("js/{file}").as_str()].content;
            let digest = STANDARD.encode(sha2::Sha384::digest(content));
            let vendor = String::from_utf8_lossy(&ASSETS["js/VENDOR.md"].content);
            let line = vendor.lines().find(|line| line.contains(file)).unwrap_or_default();
            assert!(
                line.contains(&digest),
                "static/js/VENDOR.md says otherwise of {file} ({digest})"
            );
        }
    }
}
