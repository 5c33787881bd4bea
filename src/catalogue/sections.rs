//! Handlers of sections: administrators only, nobody else has them.

use actix_session::Session;
use actix_web::{
    HttpResponse,
    web::{Data, Path},
};

use super::{
    commands,
    forms::{SectionForm, slug_taken},
    queries,
    routes::changed,
    views,
};
use crate::{
    app::App,
    changes::Change,
    error::AppResult,
    order::Move,
    scopes::{self, Section},
    web::{Button, Fields, Hx, Layout, Problems, fragment_or_page, invalid, page, see_other},
};

pub async fn new(layout: Layout) -> AppResult<HttpResponse> {
    let layout = layout.for_administrators()?;
    page(&draw(layout, None, SectionForm::default(), Problems::default()))
}

pub async fn create(
    app: Data<App>,
    layout: Layout,
    session: Session,
    fields: Fields<SectionForm>,
) -> AppResult<HttpResponse> {
    let layout = layout.for_administrators()?;
    let form = fields.into_inner();
    let (slug, name) = match form.parse_new() {
        Ok(new) => new,
        Err(problems) => return invalid(&draw(layout, None, form, problems)),
    };
    let viewer = layout.viewer.clone();
    match app.db.write(move |conn| commands::add_section(conn, &viewer, &slug, &name)).await {
        Ok(section) => Ok(changed(
            &app,
            &session,
            format!("The section {} is added. Give it permissions.", section.name),
        )),
        Err(error) if error.violates("sections_slug") => {
            invalid(&draw(layout, None, form, slug_taken("section")))
        }
        Err(error) => Err(error),
    }
}

pub async fn edit(app: Data<App>, layout: Layout, id: Path<i64>) -> AppResult<HttpResponse> {
    let layout = layout.for_administrators()?;
    let section = find(&app, *id).await?;
    let form = SectionForm { slug: String::new(), name: section.name.clone() };
    page(&draw(layout, Some(section), form, Problems::default()))
}

pub async fn update(
    app: Data<App>,
    layout: Layout,
    session: Session,
    id: Path<i64>,
    fields: Fields<SectionForm>,
) -> AppResult<HttpResponse> {
    let layout = layout.for_administrators()?;
    let (form, section) = (fields.into_inner(), find(&app, *id).await?);
    let name = match form.parse_changes(&section) {
        Ok(name) => name,
        Err(problems) => return invalid(&draw(layout, Some(section), form, problems)),
    };
    let viewer = layout.viewer;
    let section =
        app.db.write(move |conn| commands::rename_section(conn, &viewer, *id, &name)).await?;
    Ok(changed(&app, &session, format!("The section {} is saved.", section.name)))
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
            commands::move_section(conn, &viewer, id, to)?;
            scopes::catalogue(conn)
        })
        .await?;
    app.forget(Change::Catalogue);
    if !hx.wants_fragment() {
        return Ok(see_other(views::LIST));
    }
    let place = catalogue.iter().position(|section| section.id == id).unwrap_or_default();
    let said = catalogue
        .get(place)
        .map(|section| format!("{} is number {} of {}.", section.name, place + 1, catalogue.len()));
    page(&views::Index { layout, catalogue, said }.as_list())
}

pub async fn confirm_retire(
    app: Data<App>,
    layout: Layout,
    hx: Hx,
    id: Path<i64>,
) -> AppResult<HttpResponse> {
    let layout = layout.for_administrators()?;
    let (section, holders) = app
        .db
        .read(move |conn| {
            let section = queries::find_section(conn, *id)?;
            let holders = queries::section_holders(conn, &section)?;
            Ok((section, holders))
        })
        .await?;
    let question = if section.is_retired() {
        views::Question {
            layout,
            title: format!("{} is retired", section.name),
            sentences: vec!["Nothing is left to do.".into()],
            action: String::new(),
            button: "",
            busy: "",
            negative: false,
        }
    } else {
        let keeping = match holders {
            0 => "No active key holds anything of it.".into(),
            1 => "One active key holds it or something in it. It keeps that, and is accepted as before.".into(),
            many => format!("{many} active keys hold it or something in it. They keep that, and are accepted as before."),
        };
        views::Question {
            layout,
            title: format!("Retire {}?", section.name),
            sentences: vec![
                "Neither the section nor a permission in it can be given to a key from then on. You can bring it back at any time.".into(),
                keeping,
                "All permissions still includes it, also on keys that are made later.".into(),
            ],
            action: format!("/settings/catalogue/sections/{}/retire", section.id),
            button: "Retire section",
            busy: "Retiring…",
            negative: true,
        }
    };
    fragment_or_page(hx, &question.as_dialog(), &question)
}

pub async fn retire(
    app: Data<App>,
    layout: Layout,
    session: Session,
    id: Path<i64>,
    _: Fields<Button>,
) -> AppResult<HttpResponse> {
    let viewer = layout.for_administrators()?.viewer;
    let section = app.db.write(move |conn| commands::retire_section(conn, &viewer, *id)).await?;
    let said = format!("The section {} is retired. Keys that hold it keep it.", section.name);
    Ok(changed(&app, &session, said))
}

pub async fn restore(
    app: Data<App>,
    layout: Layout,
    session: Session,
    id: Path<i64>,
    _: Fields<Button>,
) -> AppResult<HttpResponse> {
    let viewer = layout.for_administrators()?.viewer;
    let section = app.db.write(move |conn| commands::restore_section(conn, &viewer, *id)).await?;
    Ok(changed(&app, &session, format!("The section {} can be granted again.", section.name)))
}

async fn find(app: &App, id: i64) -> AppResult<Section> {
    app.db.read(move |conn| queries::find_section(conn, id)).await
}

fn draw(
    layout: Layout,
    section: Option<Section>,
    form: SectionForm,
    problems: Problems,
) -> views::EditSection {
    views::EditSection { layout, section, form, problems }
}
