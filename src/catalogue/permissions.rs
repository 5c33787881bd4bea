//! Handlers of permissions: administrators only, nobody else has them.

use actix_session::Session;
use actix_web::{
    HttpResponse,
    web::{Data, Path, Query},
};
use diesel::PgConnection;
use serde::Deserialize;

use super::{
    commands,
    forms::{PermissionForm, slug_taken},
    queries,
    routes::changed,
    views,
};
use crate::{
    app::App,
    changes::Change,
    error::{AppError, AppResult},
    order::Move,
    scopes::{self, Access, Permission, Section},
    users::Viewer,
    web::{Button, Fields, Hx, Layout, Problems, fragment_or_page, invalid, page, see_other},
};

/// In which section the new one goes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    #[serde(default)]
    section: String,
}

pub async fn new(app: Data<App>, layout: Layout, place: Query<Place>) -> AppResult<HttpResponse> {
    let layout = layout.for_administrators()?;
    let sections = app.db.read(scopes::catalogue).await?;
    let form = PermissionForm {
        section: place.into_inner().section,
        access: Access::Read.slug().into(),
        ..PermissionForm::default()
    };
    page(&draw(layout, None, sections, form, Problems::default()))
}

pub async fn create(
    app: Data<App>,
    layout: Layout,
    session: Session,
    fields: Fields<PermissionForm>,
) -> AppResult<HttpResponse> {
    let layout = layout.for_administrators()?;
    let (form, sections) = (fields.into_inner(), app.db.read(scopes::catalogue).await?);
    let new = match form.parse_new(&sections) {
        Ok(new) => new,
        Err(problems) => return invalid(&draw(layout, None, sections, form, problems)),
    };
    let viewer = layout.viewer.clone();
    match app.db.write(move |conn| commands::add_permission(conn, &viewer, &new)).await {
        Ok(permission) => {
            let said = format!(
                "{} is added. Keys that hold the whole section hold it at once.",
                permission.label
            );
            Ok(changed(&app, &session, said))
        }
        Err(error) if error.violates("permissions_slug") => {
            invalid(&draw(layout, None, sections, form, slug_taken("permission")))
        }
        Err(error) => Err(error),
    }
}

pub async fn edit(app: Data<App>, layout: Layout, id: Path<i64>) -> AppResult<HttpResponse> {
    let layout = layout.for_administrators()?;
    let permission = find(&app, *id).await?;
    let form = PermissionForm::of(&permission);
    page(&draw(layout, Some(permission), Vec::new(), form, Problems::default()))
}

pub async fn update(
    app: Data<App>,
    layout: Layout,
    session: Session,
    id: Path<i64>,
    fields: Fields<PermissionForm>,
) -> AppResult<HttpResponse> {
    let layout = layout.for_administrators()?;
    let (form, permission) = (fields.into_inner(), find(&app, *id).await?);
    let changes = match form.parse_changes(&permission) {
        Ok(changes) => changes,
        Err(problems) => {
            return invalid(&draw(layout, Some(permission), Vec::new(), form, problems));
        }
    };
    let viewer = layout.viewer;
    let permission =
        app.db.write(move |conn| commands::update_permission(conn, &viewer, *id, &changes)).await?;
    Ok(changed(&app, &session, format!("{} is saved.", permission.label)))
}

/// htmx redraws the list, and the focus stays on the button; a browser without it goes back to the list.
pub async fn reorder(
    app: Data<App>,
    layout: Layout,
    hx: Hx,
    id: Path<i64>,
    fields: Fields<Move>,
) -> AppResult<HttpResponse> {
    let layout = layout.for_administrators()?;
    let (viewer, id, to) = (layout.viewer.clone(), *id, fields.into_inner().to);
    let catalogue = app
        .db
        .write(move |conn| {
            commands::move_permission(conn, &viewer, id, to)?;
            scopes::catalogue(conn)
        })
        .await?;
    app.forget(Change::Catalogue);
    if !hx.wants_fragment() {
        return Ok(see_other(views::LIST));
    }
    let said = catalogue.iter().find_map(|section| place_of(section, id));
    page(&views::Index { layout, catalogue, said }.as_list())
}

fn place_of(section: &Section, id: i64) -> Option<String> {
    let at = section.permissions.iter().position(|permission| permission.id == id)?;
    let (label, count) = (&section.permissions[at].label, section.permissions.len());
    Some(format!("{label} is number {} of {count} in {}.", at + 1, section.name))
}

/// What is asked about before it is done.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Act {
    Retire,
    Publish,
    Withhold,
}

pub async fn confirm(
    app: Data<App>,
    layout: Layout,
    hx: Hx,
    path: Path<(i64, String)>,
) -> AppResult<HttpResponse> {
    let layout = layout.for_administrators()?;
    let (id, act) = path.into_inner();
    let act = match act.as_str() {
        "retire" => Act::Retire,
        "publish" => Act::Publish,
        "withhold" => Act::Withhold,
        _ => return Err(AppError::NotFound),
    };
    let (permission, holders) = app
        .db
        .read(move |conn| {
            let permission = queries::find_permission(conn, id)?;
            let holders = queries::holders(conn, &permission)?;
            Ok((permission, holders))
        })
        .await?;
    let question = ask(layout, &permission, act, holders);
    fragment_or_page(hx, &question.as_dialog(), &question)
}

fn ask(layout: Layout, permission: &Permission, act: Act, holders: i64) -> views::Question {
    let label = &permission.label;
    let action = |verb: &str| format!("/settings/catalogue/permissions/{}/{verb}", permission.id);
    let question = |title, sentences, action, button, busy, negative| views::Question {
        layout,
        title,
        sentences,
        action,
        button,
        busy,
        negative,
    };
    let nothing = vec!["Nothing is left to do.".to_owned()];
    match act {
        Act::Retire if permission.retired_at.is_some() => {
            question(format!("{label} is retired"), nothing, String::new(), "", "", false)
        }
        Act::Publish if permission.publishable => {
            question(format!("{label} is browser-safe"), nothing, String::new(), "", "", false)
        }
        Act::Withhold if !permission.publishable => {
            question(format!("{label} needs the secret"), nothing, String::new(), "", "", false)
        }
        Act::Retire => question(
            format!("Retire {label}?"),
            vec![
                "It can be given to no key from then on. You can bring it back at any time.".into(),
                match holders {
                    0 => "No active key holds it.".into(),
                    1 => "One active key holds it, keeps it, and is accepted as before.".into(),
                    many => format!("{many} active keys hold it, keep it, and are accepted as before."),
                },
                "The whole section and All permissions still include it, also on keys that are made later.".into(),
            ],
            action("retire"),
            "Retire permission",
            "Retiring…",
            true,
        ),
        Act::Publish => question(
            format!("Make {label} browser-safe?"),
            vec![
                format!("Whoever knows the public key of a key that holds {} can then do this without its secret. Public keys are shown to everybody: a browser, a log, a customer.", permission.slug),
                match holders {
                    0 => "No active key holds it yet.".into(),
                    1 => "One active key holds it: its public key is enough from the next request on.".into(),
                    many => format!("{many} active keys hold it: their public keys are enough from the next request on."),
                },
            ],
            action("publish"),
            "Make browser-safe",
            "Saving…",
            true,
        ),
        Act::Withhold => question(
            format!("Ask for the secret again for {label}?"),
            vec![
                "Public keys alone are refused from the next request on; whatever runs in browsers with them stops working.".into(),
                match holders {
                    0 => "No active key holds it.".into(),
                    1 => "One active key holds it.".into(),
                    many => format!("{many} active keys hold it."),
                },
            ],
            action("withhold"),
            "Ask for the secret",
            "Saving…",
            true,
        ),
    }
}

type Command = fn(&mut PgConnection, &Viewer, i64) -> AppResult<Permission>;

pub async fn retire(
    app: Data<App>,
    layout: Layout,
    session: Session,
    id: Path<i64>,
    _: Fields<Button>,
) -> AppResult<HttpResponse> {
    let after = "is retired. Keys that hold it keep it.";
    act(&app, layout, &session, *id, commands::retire_permission, after).await
}

pub async fn restore(
    app: Data<App>,
    layout: Layout,
    session: Session,
    id: Path<i64>,
    _: Fields<Button>,
) -> AppResult<HttpResponse> {
    let after = "can be granted again.";
    act(&app, layout, &session, *id, commands::restore_permission, after).await
}

pub async fn publish(
    app: Data<App>,
    layout: Layout,
    session: Session,
    id: Path<i64>,
    _: Fields<Button>,
) -> AppResult<HttpResponse> {
    let after = "is browser-safe: the public key alone may do it.";
    act(&app, layout, &session, *id, commands::publish, after).await
}

pub async fn withhold(
    app: Data<App>,
    layout: Layout,
    session: Session,
    id: Path<i64>,
    _: Fields<Button>,
) -> AppResult<HttpResponse> {
    let after = "needs the secret again.";
    act(&app, layout, &session, *id, commands::withhold, after).await
}

async fn act(
    app: &App,
    layout: Layout,
    session: &Session,
    id: i64,
    command: Command,
    after: &str,
) -> AppResult<HttpResponse> {
    let viewer = layout.for_administrators()?.viewer;
    let permission = app.db.write(move |conn| command(conn, &viewer, id)).await?;
    Ok(changed(app, session, format!("{} {after}", permission.label)))
}

async fn find(app: &App, id: i64) -> AppResult<Permission> {
    app.db.read(move |conn| queries::find_permission(conn, id)).await
}

fn draw(
    layout: Layout,
    permission: Option<Permission>,
    sections: Vec<Section>,
    form: PermissionForm,
    problems: Problems,
) -> views::EditPermission {
    views::EditPermission { layout, permission, sections, form, problems }
}
