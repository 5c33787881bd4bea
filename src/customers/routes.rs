//! Addresses and handlers: administrators only, nobody else has them.

use actix_session::Session;
use actix_web::{
    HttpResponse,
    http::{
        StatusCode,
        header::{HeaderName, HeaderValue},
    },
    web::{self, Data, Path, Query, ServiceConfig},
};

use super::{
    Customer, commands,
    filter::FilterForm,
    forms::{Name, New},
    import, queries, views,
};
use crate::{
    app::App,
    error::{AppError, AppResult},
    keys,
    users::Viewer,
    web::{
        Button, Fields, Flash, Hx, Layout, Problems, Signer, fragment_or_page, invalid, page,
        see_other, with_status,
    },
};

/// Keys on a customer's page at most.
const KEYS_SHOWN: i64 = 100;

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(web::resource("/customers").get(index).post(create))
        .service(web::resource("/customers/new").get(new))
        .service(web::resource("/customers/search").post(search))
        .service(web::resource("/customers/import").get(import::new).post(import::create))
        .service(web::resource("/customers/import/preview").post(import::preview))
        .service(web::resource("/customers/{id}").get(show))
        .service(web::resource("/customers/{id}/edit").get(edit))
        .service(web::resource("/customers/{id}/rename").post(rename))
        .service(web::resource("/customers/{id}/confirm/remove").get(confirm_remove))
        .service(web::resource("/customers/{id}/remove").post(remove));
}

async fn index(
    app: Data<App>,
    layout: Layout,
    hx: Hx,
    filter: Query<FilterForm>,
) -> AppResult<HttpResponse> {
    let layout = layout.for_administrators()?;
    let drawn = draw_list(&app, layout, filter.into_inner()).await?;
    fragment_or_page(hx, &drawn.as_table(), &drawn)
}

/// By POST, because what is pasted may be a secret; anything else ends up in the address.
async fn search(
    app: Data<App>,
    layout: Layout,
    hx: Hx,
    form: Fields<FilterForm>,
) -> AppResult<HttpResponse> {
    let layout = layout.for_administrators()?;
    let filter = FilterForm { q: form.into_inner().q, ..FilterForm::default() };
    let signer = Signer { key: app.session_key.signing(), viewer: &layout.viewer };
    filter.parse(&signer)?;
    let address = filter.address();
    if !hx.wants_fragment() {
        return Ok(see_other(&address));
    }
    let drawn = draw_list(&app, layout, filter).await?;
    let mut response = page(&drawn.as_table())?;
    response.headers_mut().insert(
        HeaderName::from_static("hx-push-url"),
        HeaderValue::from_str(&address).map_err(anyhow::Error::from)?,
    );
    Ok(response)
}

async fn draw_list(app: &App, layout: Layout, form: FilterForm) -> AppResult<views::Index> {
    let signer = Signer { key: app.session_key.signing(), viewer: &layout.viewer };
    let filter = form.parse(&signer)?;
    let viewer = layout.viewer.clone();
    let (list, has_any) = app
        .db
        .read(move |conn| {
            let list = queries::list(conn, &viewer, &filter)?;
            let has_any = !list.customers.is_empty() || queries::has_any(conn, &viewer)?;
            Ok((list, has_any))
        })
        .await?;
    let first_page = FilterForm { q: form.q.clone(), ..FilterForm::default() };
    let next = list.next.map(|cursor| {
        FilterForm { after: cursor.spell(&signer, &form), ..first_page.clone() }.address()
    });
    let previous = list.previous.map(|cursor| {
        FilterForm { before: cursor.spell(&signer, &form), ..first_page.clone() }.address()
    });
    Ok(views::Index { layout, q: form.q, customers: list.customers, has_any, next, previous })
}

async fn new(layout: Layout) -> AppResult<HttpResponse> {
    let layout = layout.for_administrators()?;
    page(&views::New { layout, form: New::default(), problems: Problems::default() })
}

async fn create(
    app: Data<App>,
    session: Session,
    layout: Layout,
    fields: Fields<New>,
) -> AppResult<HttpResponse> {
    let layout = layout.for_administrators()?;
    let form = fields.into_inner();
    let (id, name) = match form.parse() {
        Ok(new) => new,
        Err(problems) => return invalid(&views::New { layout, form, problems }),
    };
    let viewer = layout.viewer.clone();
    match app.db.write(move |conn| commands::add(conn, &viewer, &id, &name)).await {
        Ok(customer) => {
            Flash::leave(&session, format!("{} is known now.", customer.called()));
            Ok(see_other(&customer.address()))
        }
        Err(error) if error.violates("customers_external_id") => {
            let problems = form.id_known();
            invalid(&views::New { layout, form, problems })
        }
        Err(error) => Err(error),
    }
}

async fn show(app: Data<App>, layout: Layout, id: Path<i64>) -> AppResult<HttpResponse> {
    let layout = layout.for_administrators()?;
    page(&draw(&app, layout, *id).await?)
}

async fn draw(app: &App, layout: Layout, id: i64) -> AppResult<views::Show> {
    let viewer = layout.viewer.clone();
    let (customer, keys, count) = app
        .db
        .read(move |conn| {
            let customer = queries::find(conn, &viewer, id)?;
            let keys = keys::queries::restricted_to(conn, &viewer, id, KEYS_SHOWN)?;
            let counts = queries::count_keys(conn, std::slice::from_ref(&customer))?;
            let count = counts.get(&id).copied().unwrap_or_default();
            Ok((customer, keys, count))
        })
        .await?;
    Ok(views::Show { layout, customer, keys, count })
}

async fn edit(app: Data<App>, layout: Layout, id: Path<i64>) -> AppResult<HttpResponse> {
    let layout = layout.for_administrators()?;
    let customer = find(&app, &layout.viewer, *id).await?;
    let form = Name { name: customer.name.clone() };
    page(&views::Edit { layout, customer, form, problems: Problems::default() })
}

async fn rename(
    app: Data<App>,
    session: Session,
    layout: Layout,
    id: Path<i64>,
    fields: Fields<Name>,
) -> AppResult<HttpResponse> {
    let layout = layout.for_administrators()?;
    let customer = find(&app, &layout.viewer, *id).await?;
    let form = fields.into_inner();
    let name = match form.parse() {
        Ok(name) => name,
        Err(problems) => return invalid(&views::Edit { layout, customer, form, problems }),
    };
    let viewer = layout.viewer;
    let customer = app.db.write(move |conn| commands::rename(conn, &viewer, *id, &name)).await?;
    Flash::leave(&session, "The name is saved.");
    Ok(see_other(&customer.address()))
}

async fn confirm_remove(
    app: Data<App>,
    layout: Layout,
    hx: Hx,
    id: Path<i64>,
) -> AppResult<HttpResponse> {
    let layout = layout.for_administrators()?;
    let views::Show { layout, customer, keys, count } = draw(&app, layout, *id).await?;
    let page = views::Remove { layout, customer, keys, count };
    fragment_or_page(hx, &page.as_dialog(), &page)
}

/// Whoever is refused reads which keys are in the way.
async fn remove(
    app: Data<App>,
    session: Session,
    layout: Layout,
    id: Path<i64>,
    _: Fields<Button>,
) -> AppResult<HttpResponse> {
    let layout = layout.for_administrators()?;
    let (viewer, id) = (layout.viewer.clone(), *id);
    match app.db.write(move |conn| commands::remove(conn, &viewer, id)).await {
        Ok(customer) => {
            Flash::leave(&session, format!("{} is removed.", customer.called()));
            Ok(see_other("/customers"))
        }
        Err(AppError::Conflict(_)) => {
            let views::Show { layout, customer, keys, count } = draw(&app, layout, id).await?;
            with_status(StatusCode::CONFLICT, &views::Remove { layout, customer, keys, count })
        }
        Err(error) => Err(error),
    }
}

async fn find(app: &App, viewer: &Viewer, id: i64) -> AppResult<Customer> {
    let viewer = viewer.clone();
    app.db.read(move |conn| queries::find(conn, &viewer, id)).await
}
