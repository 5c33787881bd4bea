//! The page of a key.

use actix_web::{
    HttpResponse,
    web::{Data, Path, Query},
};
use chrono::{DateTime, Utc};
use diesel::PgConnection;
use serde::Deserialize;

use super::{
    Choices, Key, commands, history, overlap, queries,
    routes::parse_key,
    views::{self, Granted, Row},
    wizard,
};
use crate::{
    app::App,
    audit,
    error::AppResult,
    leaks, logs, nodes, notices, settings,
    usage::{self, Pieces, Range},
    users::Viewer,
    web::{Hx, Layout, invalid, page, see_other},
};

/// How many of its last requests.
const REQUESTS: i64 = 8;
/// How many of its notices.
const NOTICES: i64 = 3;
/// How many events of its history.
const EVENTS: i64 = 50;

/// How far back the chart looks.
#[derive(Deserialize)]
pub struct Back {
    #[serde(default)]
    range: String,
}

/// `GET /keys/{public key}?range=hour`: htmx gets the chart alone.
pub async fn show(
    app: Data<App>,
    layout: Layout,
    hx: Hx,
    path: Path<String>,
    back: Query<Back>,
) -> AppResult<HttpResponse> {
    let layout = layout.with_api_access()?;
    let public_key = parse_key(&path)?;
    let range = Range::parse(&back.range)?;
    if !hx.wants_fragment() {
        return page(&load(&app, layout, public_key, range).await?);
    }
    let viewer = layout.viewer;
    let usage = app
        .db
        .read(move |conn| {
            let key = queries::find(conn, &viewer, &public_key)?;
            usage_of(conn, &viewer, &key, range, Utc::now())
        })
        .await?;
    page(&views::UsageAgain { usage })
}

fn usage_of(
    conn: &mut PgConnection,
    viewer: &Viewer,
    key: &Key,
    range: Range,
    now: DateTime<Utc>,
) -> AppResult<views::Usage> {
    Ok(views::Usage {
        public_key: key.public_key.clone(),
        chart: usage::chart(conn, key.id, Pieces::of(range, now, viewer.zone))?,
        tops: usage::tops(conn, key.id, range, now)?,
        zone: viewer.zone.name().to_owned(),
        is_unlogged: !settings::load(conn)?.logs_accepted,
    })
}

/// `GET /keys/{public key}/proof`: which node applied the last change; the part of the page that looks again by itself.
pub async fn proof(
    app: Data<App>,
    layout: Layout,
    hx: Hx,
    path: Path<String>,
) -> AppResult<HttpResponse> {
    let viewer = layout.with_api_access()?.viewer;
    let public_key = parse_key(&path)?;
    let asked = public_key.clone();
    let proof = app
        .db
        .read(move |conn| {
            let key = queries::find(conn, &viewer, &asked)?;
            nodes::latest_of(conn, key.id)
        })
        .await?;
    match proof {
        Some(proof) if hx.wants_fragment() => page(&views::ProofAgain { public_key, proof }),
        _ => Ok(see_other(&format!("/keys/{public_key}#proof"))),
    }
}

/// The page again, after an extension of an overlap that was not understood.
pub(super) async fn with_overlap_error(
    app: &App,
    layout: Layout,
    public_key: String,
) -> AppResult<HttpResponse> {
    let mut show = load(app, layout, public_key, Range::Month).await?;
    show.overlap_error = Some("Choose 15 minutes, an hour, 24 hours or 7 days.");
    invalid(&show)
}

async fn load(
    app: &App,
    layout: Layout,
    public_key: String,
    range: Range,
) -> AppResult<views::Show> {
    let (viewer, now) = (layout.viewer.clone(), Utc::now());
    let (row, restrictions, usage, events, choices, old_secrets, proof, leaks, notices, requests) =
        app.db
            .look_up(move |conn| {
                let key = queries::find(conn, &viewer, &public_key)?;
                let held = queries::holdings_of(conn, &key)?;
                let restrictions = queries::restrictions_of(conn, &key)?;
                let usage = usage_of(conn, &viewer, &key, range, now)?;
                let events = audit::recent_for(conn, &public_key, EVENTS)?;
                let may = commands::may(conn, &viewer)?;
                let old_secrets = overlap::old_secrets(conn, &key, now)?;
                let proof = nodes::latest_of(conn, key.id)?;
                let leaks = leaks::open_of(conn, &key)?;
                let notices = notices::latest_of(conn, &viewer, key.id, NOTICES)?;
                let requests = logs::queries::recent_for(conn, &viewer, key.id, REQUESTS)?;
                Ok((
                    Row::new(key, held, &viewer, may, now),
                    restrictions,
                    usage,
                    events,
                    wizard::choices(conn, &viewer)?,
                    old_secrets,
                    proof,
                    leaks,
                    notices,
                    requests,
                ))
            })
            .await?;
    let granted = granted(&row, &choices);
    Ok(views::Show {
        layout,
        row,
        restrictions,
        usage,
        history: events.into_iter().map(history::tell).collect(),
        granted,
        old_secrets,
        proof,
        leaks,
        notices,
        requests,
        overlap_error: None,
    })
}

fn granted(row: &Row, choices: &Choices) -> Vec<Granted> {
    if row.key.all_permissions {
        return vec![Granted::Everything];
    }
    let whole = row.held.sections.iter().map(|(slug, name)| Granted::Section {
        name: name.clone(),
        count: choices
            .catalogue
            .iter()
            .find(|section| section.slug == *slug)
            .map_or(0, |section| section.permissions.len()),
        retired: row.held.retired_sections.contains(slug),
    });
    let catalogue = choices.catalogue.iter().flat_map(|section| &section.permissions);
    let single = catalogue
        .filter(|permission| row.held.permissions.iter().any(|(slug, _)| *slug == permission.slug))
        .map(|permission| Granted::Single {
            label: permission.label.clone(),
            slug: permission.slug.clone(),
            access: permission.access.slug(),
            publishable: permission.publishable,
            retired: row.held.retired_permissions.contains(&permission.slug),
        });
    whole.chain(single).collect()
}
