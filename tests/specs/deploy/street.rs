//! All gateways side by side, each between the same callers, the same API and the same Latchkey.

use std::time::{Duration, Instant};

use actix_web::rt;
use latchkey::keys::NewKey;
use reqwest::{Client, Method, RequestBuilder, redirect::Policy};
use serde_json::Value;

use super::{
    api::Api,
    gateway::{Gateway, Kind, Setting},
};
use crate::support::{MadeKey, TestApp};

pub struct Street {
    pub gateways: Vec<Gateway>,
    pub api: Api,
    client: Client,
}

/// What a caller got.
pub struct Answer {
    pub status: u16,
    headers: reqwest::header::HeaderMap,
    pub text: String,
    pub took: Duration,
    /// For whoever has to find out what went wrong.
    whom: String,
}

impl Street {
    /// The setting is about Latchkey only; the API is ours.
    pub fn asking(latchkey: [std::net::SocketAddr; 2], token: &str) -> Self {
        let api = Api::start();
        let setting = Setting { latchkey, api: api.address, token: token.to_owned() };
        let gateways = Kind::ALL.map(|kind| Gateway::start(kind, &setting)).into();
        let client = Client::builder().redirect(Policy::none()).no_proxy().build().unwrap();
        Self { gateways, api, client }
    }

    pub fn request(&self, gateway: &Gateway, method: &str, path: &str) -> RequestBuilder {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        self.client.request(method, format!("http://{}{path}", gateway.address))
    }

    pub fn get(&self, gateway: &Gateway, path: &str) -> RequestBuilder {
        self.request(gateway, "GET", path)
    }

    /// As a client does that was told 503: it tries again. A busy machine is at times slower than the gateways' patience.
    pub async fn ask(&self, gateway: &Gateway, request: RequestBuilder) -> Answer {
        for _ in 0..20 {
            let answer = self.ask_once(gateway, request.try_clone().unwrap()).await;
            if answer.status != 503 {
                return answer;
            }
            rt::time::sleep(Duration::from_millis(150)).await;
        }
        self.ask_once(gateway, request).await
    }

    pub async fn ask_once(&self, gateway: &Gateway, request: RequestBuilder) -> Answer {
        Answer::to(request, || format!("{:?}\n{}", gateway.kind, gateway.log())).await
    }
}

impl Answer {
    /// Read to its end; `whom` tells who was asked, and what that has logged.
    pub async fn to(request: RequestBuilder, whom: impl Fn() -> String) -> Self {
        let asked_at = Instant::now();
        let response = request.send().await;
        let response = response.unwrap_or_else(|error| panic!("no answer: {error:?} {}", whom()));
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await.unwrap();
        Self { status, headers, text, took: asked_at.elapsed(), whom: whom() }
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.get_all(name).iter();
        let first = values.next().map(|value| value.to_str().unwrap());
        assert!(values.next().is_none(), "{name} comes twice: {}", self.whom);
        first
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text)
            .unwrap_or_else(|_| panic!("not JSON: {} {}\n{}", self.status, self.text, self.whom))
    }

    /// What the API received under that name, once; nothing and the empty text are the same.
    #[track_caller]
    pub fn received(&self, name: &str) -> String {
        let json = self.json();
        let headers = json["headers"].as_array().expect("the API answered").clone();
        let mut values = headers.iter().filter(|header| header[0] == name);
        let value = values.next().map(|header| header[1].as_str().unwrap().to_owned());
        assert!(values.next().is_none(), "{name} comes twice: {json} {}", self.whom);
        value.unwrap_or_default()
    }

    #[track_caller]
    pub fn assert_allowed(&self) -> &Self {
        assert_eq!(self.status, 200, "{} {}", self.text, self.whom);
        self
    }

    /// A problem, with its status, its code and nothing of ours that nginx alone needs.
    #[track_caller]
    pub fn assert_refused(&self, status: u16, code: &str) -> &Self {
        assert_eq!(self.status, status, "{} {}", self.text, self.whom);
        let json = self.json();
        assert_eq!(json["status"], status, "{json} {}", self.whom);
        assert_eq!(json["code"], code, "{json} {}", self.whom);
        let kind = self.header("content-type");
        assert_eq!(kind, Some("application/problem+json"), "{}", self.whom);
        assert_eq!(self.header("x-verify-problem"), None);
        self
    }

    /// 503, clean, and soon. The promise is half a second; the rest is for a machine that runs many specs at once.
    #[track_caller]
    pub fn assert_unavailable(&self) -> &Self {
        self.assert_refused(503, "UNAVAILABLE");
        assert_eq!(self.header("retry-after"), Some("1"), "{}", self.whom);
        assert!(self.took < Duration::from_millis(1500), "{:?} {}", self.took, self.whom);
        self
    }
}

/// A key that may read orders.
pub fn reader(app: &TestApp, change: impl FnOnce(&mut NewKey)) -> MadeKey {
    static COUNT: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(1);
    let name = format!("Größe {}", COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
    let permissions = app.permissions(&["orders:read"]);
    app.key_with(None, &name, |new| {
        new.permissions = permissions;
        change(new);
    })
}
