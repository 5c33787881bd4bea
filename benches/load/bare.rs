//! What there is to compare with: actix-web with a handler that does nothing but read and write, of the same shape as
//! ours. As fast as this server can be.

use std::env;

use actix_web::{
    App, HttpRequest, HttpResponse, HttpServer, rt,
    web::{self, Data},
};
use anyhow::Context;
use serde::{Deserialize, Serialize};

/// A question as gateways send it.
#[derive(Deserialize)]
struct Question {
    key: String,
    #[serde(default)]
    scopes: Vec<String>,
    ip: Option<String>,
    method: Option<String>,
    path: Option<String>,
}

/// An answer as ours are.
#[derive(Serialize, Deserialize)]
struct Answer {
    valid: bool,
    code: String,
    status: u16,
    key_id: Option<String>,
    name: String,
    application_id: String,
    environment: String,
    scopes: Vec<String>,
    customers: Option<Vec<String>>,
    expires_at: Option<String>,
    rate_limit: Option<u32>,
}

/// What is answered whatever is asked: a real verdict, and the fields of a real permission.
pub struct Sample {
    pub verdict: String,
    pub fields: Vec<(String, String)>,
}

const LISTEN: &str = "BARE_LISTEN";

impl Sample {
    /// How it is handed to the process.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        let fields = self.fields.iter().map(|(name, value)| format!("{name}: {value}\n"));
        vec![("BARE_VERDICT", self.verdict.clone()), ("BARE_FIELDS", fields.collect())]
    }

    fn handed() -> anyhow::Result<Self> {
        let fields = env::var("BARE_FIELDS")?;
        let fields = fields.lines().filter_map(|line| line.split_once(": "));
        Ok(Self {
            verdict: env::var("BARE_VERDICT")?,
            fields: fields.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        })
    }
}

/// The name of the variable that says where to listen.
pub fn listen() -> &'static str {
    LISTEN
}

/// Serves until the process is ended.
pub fn serve() -> anyhow::Result<()> {
    let sample = Sample::handed()?;
    let answer: Data<Answer> =
        Data::new(serde_json::from_str(&sample.verdict).context("not a verdict")?);
    let sample = Data::new(sample);
    let server = move || {
        App::new()
            .app_data(answer.clone())
            .app_data(sample.clone())
            .route("/healthz", web::get().to(HttpResponse::Ok))
            .route("/v1/verify", web::post().to(verify))
            .route("/v1/authorize", web::to(authorize))
    };
    let address = env::var(LISTEN)?;
    rt::System::new().block_on(HttpServer::new(server).bind(address)?.run())?;
    Ok(())
}

async fn verify(question: web::Json<Question>, answer: Data<Answer>) -> HttpResponse {
    let Question { key, scopes, ip, method, path } = std::hint::black_box(question.into_inner());
    std::hint::black_box((key, scopes, ip, method, path));
    HttpResponse::Ok().json(&answer)
}

async fn authorize(request: HttpRequest, sample: Data<Sample>) -> HttpResponse {
    std::hint::black_box(request.headers().get("authorization"));
    let mut response = HttpResponse::Ok();
    for (name, value) in &sample.fields {
        response.insert_header((name.as_str(), value.as_str()));
    }
    response.finish()
}
