//! The steps of creating a key. Each is a page with an address; what is typed is kept in the draft.

use std::collections::HashMap;

use actix_web::{
    HttpResponse,
    web::{Data, Query},
};
use chrono::Utc;
use diesel::PgConnection;
use serde::Deserialize;
use uuid::Uuid;

use super::{
    Choices, KeyForm, commands,
    drafts::{self, Draft},
    duplicate,
    regenerate::reveal,
    routes::{LongForm, parse_key},
    sketch::Sketch,
    views,
};
use crate::{
    app::App,
    applications,
    credentials::Secret,
    customers, environments,
    error::{AppError, AppResult},
    keys::Key,
    scopes, settings,
    users::Viewer,
    web::{Fields, Layout, Problems, invalid, page, see_other, with_status},
};

/// A step, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    Name,
    Place,
    Permissions,
    Limits,
    Summary,
}

impl Step {
    pub const ALL: [Self; 5] =
        [Self::Name, Self::Place, Self::Permissions, Self::Limits, Self::Summary];

    /// As addresses spell it.
    pub fn slug(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Place => "environment",
            Self::Permissions => "permissions",
            Self::Limits => "limits",
            Self::Summary => "summary",
        }
    }

    /// As people read it.
    pub fn label(self) -> &'static str {
        match self {
            Self::Name => "Name",
            Self::Place => "Application and environment",
            Self::Permissions => "Permissions",
            Self::Limits => "Limits and restrictions",
            Self::Summary => "Summary",
        }
    }

    /// Counted from one.
    pub fn number(self) -> usize {
        self as usize + 1
    }

    pub fn is_before(self, other: &Self) -> bool {
        self < *other
    }

    fn parse(slug: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|step| step.slug() == slug)
    }

    fn next(self) -> Self {
        Self::ALL.get(self as usize + 1).copied().unwrap_or(self)
    }

    fn previous(self) -> Self {
        Self::ALL[(self as usize).saturating_sub(1)]
    }

    /// What is wrong with the answers of this step.
    fn check(self, form: &KeyForm, choices: &Choices) -> Problems {
        let mut errors = Problems::default();
        match self {
            Self::Name => drop(form.check_name(&mut errors)),
            Self::Place => drop(form.check_place(choices, &mut errors)),
            Self::Permissions => drop(form.check_permissions(choices, &mut errors)),
            Self::Limits => {
                form.check_rates(&mut errors);
                form.check_expiry(choices, choices.environment(form), &mut errors);
                form.check_restrictions(choices, &mut errors);
            }
            Self::Summary => {}
        }
        errors
    }

    /// Takes the answers of this step over into what was answered before.
    fn take_over(self, typed: KeyForm, kept: KeyForm) -> KeyForm {
        match self {
            Self::Name => KeyForm { name: typed.name, note: typed.note, ..kept },
            Self::Place => {
                KeyForm { application: typed.application, environment: typed.environment, ..kept }
            }
            Self::Permissions => KeyForm {
                all_permissions: typed.all_permissions,
                section: typed.section,
                permission: typed.permission,
                ..kept
            },
            Self::Limits => KeyForm {
                limit_second: typed.limit_second,
                limit_minute: typed.limit_minute,
                limit_hour: typed.limit_hour,
                limit_day: typed.limit_day,
                expires: typed.expires,
                expires_on: typed.expires_on,
                customers: typed.customers,
                allowed_ips: typed.allowed_ips,
                excluded_ips: typed.excluded_ips,
                anywhere: typed.anywhere,
                allowed_origins: typed.allowed_origins,
                ..kept
            },
            Self::Summary => kept,
        }
    }
}

/// Reads what forms can choose from.
///
/// # Errors
/// [`AppError::NoApiAccess`].
pub fn choices(conn: &mut PgConnection, viewer: &Viewer) -> AppResult<Choices> {
    Ok(Choices {
        applications: applications::list(conn, viewer)?,
        environments: environments::list(conn)?,
        catalogue: scopes::catalogue(conn)?,
        grant: viewer.grant.clone(),
        customers: HashMap::new(),
        suggested_lifetime: settings::load(conn)?.default_lifetime_days.into(),
        kept_sections: Vec::new(),
        now: Utc::now(),
    })
}

/// [`choices`], with what is known of the customers that a form names.
///
/// # Errors
/// As [`choices`].
pub fn choices_for(conn: &mut PgConnection, viewer: &Viewer, form: &KeyForm) -> AppResult<Choices> {
    let customers = customers::known(conn, &form.named_customers())?;
    Ok(Choices { customers, ..choices(conn, viewer)? })
}

/// What a new key can have: everything but what is retired.
fn choices_for_new(conn: &mut PgConnection, viewer: &Viewer, form: &KeyForm) -> AppResult<Choices> {
    Ok(choices_for(conn, viewer, form)?.for_new())
}

/// The address of the wizard.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Address {
    draft: Option<String>,
    step: Option<String>,
    /// Where a new draft begins: on the page of this application.
    application: Option<String>,
    /// Where a new draft begins: like this key, by its public key.
    like: Option<String>,
}

/// `GET /keys/new`
pub async fn new(
    app: Data<App>,
    layout: Layout,
    address: Query<Address>,
) -> AppResult<HttpResponse> {
    let layout = layout.with_api_access()?;
    let Some(draft) = &address.draft else {
        return begin(&app, layout, address.into_inner()).await;
    };
    let id = parse_draft(draft)?;
    let step = address
        .step
        .as_deref()
        .map_or(Ok(Step::Name), |slug| Step::parse(slug).ok_or(AppError::NotFound))?;
    let (viewer, blank) = (layout.viewer.clone(), blank(&layout));
    let (form, choices) = app
        .db
        .read(move |conn| {
            let form = match drafts::find(conn, &viewer, id)? {
                Draft::Used(key) => return Ok((Err(key), choices(conn, &viewer)?)),
                Draft::Open(form) => *form,
                Draft::Blank => blank,
            };
            let choices = choices_for_new(conn, &viewer, &form)?;
            Ok((Ok(form), choices))
        })
        .await?;
    let form = match form {
        Ok(form) => form,
        Err(key) => return created_before(layout, key.map(|key| *key)),
    };
    // A step is shown when those before it are answered.
    let unanswered = Step::ALL
        .into_iter()
        .take_while(|earlier| *earlier < step)
        .find(|earlier| !earlier.check(&form, &choices).is_empty());
    match unanswered {
        Some(earlier) => Ok(see_other(&step_address(id, earlier))),
        None => page(&draw(layout, id, step, form, Problems::default(), choices)),
    }
}

/// How an empty wizard begins for this person.
fn blank(layout: &Layout) -> KeyForm {
    let form = KeyForm::blank(&layout.settings);
    match &layout.viewer.grant {
        Some(grant) if !grant.permissions.all => KeyForm { all_permissions: String::new(), ..form },
        _ => form,
    }
}

/// A draft of its own; nothing is kept before something is known.
async fn begin(app: &App, layout: Layout, address: Address) -> AppResult<HttpResponse> {
    let id = Uuid::new_v4();
    if let Some(public_key) = address.like {
        let public_key = parse_key(&public_key)?;
        let begun = move |conn: &mut PgConnection| {
            let form = duplicate::form_like(conn, &layout.viewer, &public_key)?;
            drafts::keep(conn, &layout.viewer, id, &form)
        };
        app.db.write(begun).await?;
    } else if let Some(application) = address.application {
        let form = KeyForm { application, ..blank(&layout) };
        app.db.write(move |conn| drafts::keep(conn, &layout.viewer, id, &form)).await?;
    }
    Ok(see_other(&step_address(id, Step::Name)))
}

/// `POST /keys/new`: keeps a step's answers and goes where the button says.
pub async fn keep(app: Data<App>, layout: Layout, form: LongForm) -> AppResult<HttpResponse> {
    let layout = layout.with_api_access()?;
    let typed = form.into_inner();
    let id = parse_draft(&typed.draft)?;
    let step = Step::parse(&typed.step).ok_or_else(bad_step)?;
    let go = typed.go.clone();
    let (draft, form, choices) = save(&app, &layout, id, step, typed, Save::Answers).await?;
    if let Draft::Used(key) = draft {
        return created_before(layout, key.map(|key| *key));
    }
    let target = match go.as_str() {
        "" | "next" => step.next(),
        "back" => step.previous(),
        slug => Step::parse(slug).ok_or_else(bad_step)?,
    };
    let errors = step.check(&form, &choices);
    if target > step && !errors.is_empty() {
        return invalid(&draw(layout, id, step, form, errors, choices));
    }
    Ok(see_other(&step_address(id, target)))
}

/// `POST /keys/new/sketch`: keeps what is being typed and says what the key would be able to do.
pub async fn sketch(app: Data<App>, layout: Layout, form: LongForm) -> AppResult<HttpResponse> {
    let layout = layout.with_api_access()?;
    let typed = form.into_inner();
    let id = parse_draft(&typed.draft)?;
    let step = Step::parse(&typed.step).ok_or_else(bad_step)?;
    let (_, form, choices) = save(&app, &layout, id, step, typed, Save::Typing).await?;
    page(&views::SketchAside { sketch: Sketch::of(&form, &choices) })
}

/// What became of the last step.
enum Created {
    Now(Box<Key>, Secret),
    Before(Option<Box<Key>>),
    Not(Box<KeyForm>, Problems, Box<Choices>),
}

/// `POST /keys`: makes the key and shows its secret, once.
pub async fn create(
    app: Data<App>,
    layout: Layout,
    form: Fields<KeyForm>,
) -> AppResult<HttpResponse> {
    let layout = layout.with_api_access()?;
    let typed = form.into_inner();
    let id = parse_draft(&typed.draft)?;
    if let Some(earlier) = Step::parse(&typed.go) {
        return Ok(see_other(&step_address(id, earlier)));
    }
    if typed.go == "back" {
        return Ok(see_other(&step_address(id, Step::Limits)));
    }
    let viewer = layout.viewer.clone();
    let vault = app.config.vault.clone();
    let create = move |conn: &mut PgConnection| {
        let created = create_from(conn, &viewer, id)?;
        if let Created::Now(key, secret) = &created {
            commands::keep(conn, vault.as_ref(), key, secret)?;
        }
        Ok(created)
    };
    let created = app.db.write(create).await;
    match created {
        Ok(Created::Now(key, secret)) => {
            app.forget(crate::changes::Change::Key(key.id));
            reveal(layout, *key, secret, None)
        }
        Ok(Created::Before(key)) => created_before(layout, key.map(|key| *key)),
        Ok(Created::Not(form, errors, choices)) => {
            let step = Step::ALL
                .into_iter()
                .find(|step| !step.check(&form, &choices).is_empty())
                .unwrap_or(Step::Name);
            invalid(&draw(layout, id, step, *form, errors, *choices))
        }
        Err(error) if error.violates("keys_name") => {
            let (viewer, blank) = (layout.viewer.clone(), blank(&layout));
            let (form, choices) = app
                .db
                .read(move |conn| {
                    let draft = drafts::find(conn, &viewer, id)?;
                    let form = if let Draft::Open(form) = draft { *form } else { blank };
                    let choices = choices_for_new(conn, &viewer, &form)?;
                    Ok((form, choices))
                })
                .await?;
            invalid(&draw(layout, id, Step::Name, form, KeyForm::name_taken(), choices))
        }
        Err(error) => Err(error),
    }
}

fn create_from(conn: &mut PgConnection, viewer: &Viewer, id: Uuid) -> AppResult<Created> {
    let form = match drafts::take(conn, viewer, id)? {
        Draft::Used(key) => return Ok(Created::Before(key)),
        Draft::Open(form) => form,
        Draft::Blank => Box::default(),
    };
    let choices = choices_for_new(conn, viewer, &form)?;
    match form.parse_new(&choices, viewer.id) {
        Err(errors) => Ok(Created::Not(form, errors, Box::new(choices))),
        Ok(new) => {
            let (key, secret) = commands::create(conn, viewer, &new)?;
            drafts::use_up(conn, viewer, id, &key)?;
            Ok(Created::Now(Box::new(key), secret))
        }
    }
}

/// Why a step is kept.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Save {
    /// A button was pressed.
    Answers,
    /// While it is filled in. If it arrives after the button's request, it is older: nothing is kept of it.
    Typing,
}

async fn save(
    app: &App,
    layout: &Layout,
    id: Uuid,
    step: Step,
    typed: KeyForm,
    why: Save,
) -> AppResult<(Draft, KeyForm, Choices)> {
    let (viewer, blank) = (layout.viewer.clone(), blank(layout));
    app.db
        .write(move |conn| {
            let draft = drafts::take(conn, &viewer, id)?;
            let kept = if let Draft::Open(form) = &draft { (**form).clone() } else { blank };
            let is_late = why == Save::Typing && typed.revision != kept.revision;
            let mut form = step.take_over(typed, kept);
            form.revision += u32::from(why == Save::Answers);
            let choices = choices_for_new(conn, &viewer, &form)?;
            if step == Step::Place {
                form.fit_lifetime(&choices);
            }
            if !is_late {
                drafts::keep(conn, &viewer, id, &form)?;
            }
            Ok((draft, form, choices))
        })
        .await
}

fn draw(
    layout: Layout,
    id: Uuid,
    step: Step,
    form: KeyForm,
    errors: Problems,
    choices: Choices,
) -> views::New {
    let sketch = Sketch::of(&form, &choices);
    views::New { layout, draft: id.to_string(), step, form, errors, choices, sketch }
}

fn created_before(layout: Layout, key: Option<Key>) -> AppResult<HttpResponse> {
    with_status(actix_web::http::StatusCode::CONFLICT, &views::CreatedBefore { layout, key })
}

fn step_address(draft: Uuid, step: Step) -> String {
    format!("/keys/new?draft={draft}&step={}", step.slug())
}

fn parse_draft(typed: &str) -> AppResult<Uuid> {
    typed.parse().map_err(|_| {
        AppError::BadRequest("This form is incomplete. Begin again at API Keys.".into())
    })
}

fn bad_step() -> AppError {
    AppError::BadRequest(
        "The form names a step that doesn’t exist. Begin again at API Keys.".into(),
    )
}
