//! Applications that manage their own keys, with their App credentials.

mod listing;
mod permitting;
mod rotating;

use reqwest::RequestBuilder;
use serde_json::Value;

use crate::support::{Browser, TestApp};

/// An application's own program.
pub struct Integration<'a> {
    app: &'a TestApp,
    pub app_id: String,
    secret: String,
}

/// A status, what came with it, and whether something came that nobody asked for.
pub struct Answer {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub body: Value,
}

impl<'a> Integration<'a> {
    /// An application made on the page; nothing is permitted yet.
    pub async fn new(app: &'a TestApp, ada: &mut Browser, name: &str) -> Self {
        let reveal = ada.post("/applications", &[("name", name)]).await;
        reveal.assert_status(200);
        Self { app, app_id: reveal.text("#app-id"), secret: reveal.text("#secret") }
    }

    /// One that an administrator lets manage its keys.
    pub async fn permitted(app: &'a TestApp, ada: &mut Browser, name: &str) -> Self {
        let integration = Self::new(app, ada, name).await;
        ada.post(&format!("{}/permit-keys", integration.page()), &[]).await.assert_status(303);
        integration
    }

    /// The application's page.
    pub fn page(&self) -> String {
        format!("/applications/{}", self.app_id)
    }

    /// A key of this application; the secret.
    pub fn key(&self, name: &str) -> (String, String) {
        let app_id = self.app_id.clone();
        let application = self
            .app
            .operator(|conn, operator| latchkey::applications::find(conn, operator, &app_id));
        let made = self.app.key_with(None, name, |new| new.application_id = application.id);
        (made.key.public_key, made.secret)
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(reqwest::Client::new().get(self.app.url(path))).await
    }

    /// Asks for a new secret, under that name.
    pub async fn regenerate(&self, key: &str, name: &str, body: Option<Value>) -> Answer {
        let address = self.app.url(&format!("/v1/application/keys/{key}/regenerate"));
        let request = reqwest::Client::new().post(address).header("Idempotency-Key", name);
        self.send(match body {
            Some(body) => request.json(&body),
            None => request,
        })
        .await
    }

    pub async fn send(&self, request: RequestBuilder) -> Answer {
        Answer::to(request.basic_auth(&self.app_id, Some(&self.secret))).await
    }
}

impl Answer {
    pub async fn to(request: RequestBuilder) -> Self {
        let answer = request.send().await.expect("it answers");
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let text = answer.text().await.expect("it answers to the end");
        assert_eq!(headers["cache-control"], "no-store", "{text}");
        Self { status, headers, body: serde_json::from_str(&text).expect("it speaks JSON") }
    }

    #[track_caller]
    pub fn assert_refuses(&self, status: u16, code: &str) -> &Self {
        assert_eq!((self.status, &self.body["code"]), (status, &code.into()), "{}", self.body);
        assert_eq!(self.headers["content-type"], "application/problem+json");
        self
    }
}
