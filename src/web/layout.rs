//! What every page shows: who is signed in, how things are called here, what just happened.

use std::{future::Future, pin::Pin};

use actix_session::SessionExt;
use actix_web::{FromRequest, HttpMessage, HttpRequest, dev::Payload, http::Method, web::Data};

use super::{Flash, time};
use crate::{
    app::App,
    credentials::Presented,
    environments::Mode,
    error::{AppError, AppResult},
    notices::{self, Unread},
    settings::{self, Settings},
    users::{Origin, Viewer},
};

/// Under which name the session keeps who is signed in.
pub const USER_ID: &str = "user_id";
/// And since which password and role.
pub const STAMP: &str = "stamp";

/// Everything around the content of a page. A handler that takes one is for signed-in people.
#[derive(Clone)]
pub struct Layout {
    pub viewer: Viewer,
    pub settings: Settings,
    /// How many notices the viewer has not read.
    pub unread: Unread,
    pub flash: Option<Flash>,
    /// The first part of the address: which entry of the navigation is current.
    pub section: String,
    /// The address of the page, to come back to; of the answer to a form: the section it belongs to.
    pub here: String,
}

impl Layout {
    /// For pages about keys.
    ///
    /// # Errors
    /// [`AppError::NoApiAccess`] without API access: the address does not exist for this person.
    pub fn with_api_access(self) -> AppResult<Self> {
        if self.viewer.has_api_access() { Ok(self) } else { Err(AppError::NoApiAccess) }
    }

    /// For pages that only administrators have.
    ///
    /// # Errors
    /// [`AppError::NotFound`] for anybody else: what isn't theirs isn't there.
    pub fn for_administrators(self) -> AppResult<Self> {
        if self.viewer.is_administrator() { Ok(self) } else { Err(AppError::NotFound) }
    }

    /// For the switch: whether this mode is chosen; `None` is both.
    pub fn is_in(&self, mode: Option<Mode>) -> bool {
        self.viewer.mode == mode
    }

    /// For the navigation: whether this is the current entry.
    pub fn is_current(&self, section: &str) -> bool {
        self.section == section
    }
}

type Extracted<T> = Pin<Box<dyn Future<Output = Result<T, AppError>>>>;

impl FromRequest for Viewer {
    type Error = AppError;
    type Future = Extracted<Self>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        let req = req.clone();
        Box::pin(async move {
            let SignedIn { app, id, stamp, origin } = signed_in(&req)?;
            let viewer =
                app.db.read(move |conn| Viewer::of_session(conn, id, stamp, origin)).await?;
            time::show_in(viewer.zone);
            Ok(viewer)
        })
    }
}

impl FromRequest for Layout {
    type Error = AppError;
    type Future = Extracted<Self>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        let req = req.clone();
        Box::pin(async move {
            let SignedIn { app, id, stamp, origin } = signed_in(&req)?;
            let (viewer, settings, unread) = app
                .db
                .read(move |conn| {
                    let viewer = Viewer::of_session(conn, id, stamp, origin)?;
                    let unread = notices::count_unread(conn, &viewer)?;
                    Ok((viewer, settings::load(conn)?, unread))
                })
                .await?;
            time::show_in(viewer.zone);
            let flash = Flash::take(&req.get_session());
            let section = req.path().split('/').nth(1).unwrap_or_default().to_owned();
            let here = match (req.method(), req.uri().path_and_query()) {
                (&Method::GET, Some(address)) if !Presented::looks_secret(address.as_str()) => {
                    address.as_str().to_owned()
                }
                _ => format!("/{section}"),
            };
            let layout = Self { viewer, settings, unread, flash, section, here };
            // An error page of somebody who is signed in has the same navigation around it.
            req.extensions_mut().insert(layout.clone());
            Ok(layout)
        })
    }
}

/// From where the request came, for acts of people who aren't signed in.
pub fn origin_of(req: &HttpRequest) -> Origin {
    req.extensions().get::<Origin>().copied().unwrap_or_default()
}

struct SignedIn {
    app: Data<App>,
    id: i64,
    stamp: i32,
    origin: Origin,
}

fn signed_in(req: &HttpRequest) -> AppResult<SignedIn> {
    let app = req
        .app_data::<Data<App>>()
        .cloned()
        .ok_or_else(|| anyhow::anyhow!("no App in this scope"))?;
    let session = req.get_session();
    let (id, stamp) = (session.get(USER_ID).ok().flatten())
        .zip(session.get(STAMP).ok().flatten())
        .ok_or(AppError::SignInRequired)?;
    Ok(SignedIn { app, id, stamp, origin: origin_of(req) })
}
