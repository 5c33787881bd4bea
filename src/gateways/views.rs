//! One struct per template.

use askama::Template;
use url::Url;

use super::{
    Gateway,
    forms::{NewGateway, Rename},
};
use crate::{
    credentials::Secret,
    environments::{Environment, Mode},
    web::{Day, Layout, Moment, Problems},
};

#[derive(Template)]
#[template(path = "gateways/index.html")]
pub struct Index {
    pub layout: Layout,
    pub gateways: Vec<Gateway>,
}

impl Index {
    /// Those of the mode one is in.
    fn shown(&self) -> Vec<&Gateway> {
        let mode = self.layout.viewer.mode;
        let is_shown =
            |gateway: &&Gateway| mode.is_none_or(|mode| gateway.environment.mode == mode);
        self.gateways.iter().filter(is_shown).collect()
    }

    /// “2 gateways are there in Live mode.”
    fn elsewhere(&self, mode: &Mode) -> String {
        let label = mode.other().label();
        match self.gateways.len() - self.shown().len() {
            1 => format!("One gateway is there in {label} mode."),
            others => format!("{others} gateways are there in {label} mode."),
        }
    }
}

/// A row that has changed, and the sentence about it.
#[derive(Template)]
#[template(path = "gateways/_changed.html")]
pub struct Changed {
    pub gateway: Gateway,
    pub message: String,
}

#[derive(Template)]
#[template(path = "gateways/new.html")]
pub struct New {
    pub layout: Layout,
    pub environments: Vec<Environment>,
    pub form: NewGateway,
    pub problems: Problems,
}

#[derive(Template)]
#[template(path = "gateways/edit.html")]
pub struct Edit {
    pub layout: Layout,
    pub gateway: Gateway,
    pub form: Rename,
    pub problems: Problems,
}

#[derive(Template)]
#[template(path = "gateways/revoke.html", blocks = ["dialog"])]
pub struct Revoke {
    pub layout: Layout,
    /// Whether the row is there to redraw.
    pub from_list: bool,
    pub gateway: Gateway,
}

impl New {
    /// Those of the mode one is in; one that is chosen stays.
    fn offered(&self) -> Vec<&Environment> {
        let mode = self.layout.viewer.mode;
        let is_offered = |environment: &&Environment| {
            mode.is_none_or(|mode| environment.mode == mode)
                || environment.slug == self.form.environment
        };
        self.environments.iter().filter(is_offered).collect()
    }
}

impl Edit {
    /// The mode one is in, when the gateway is of the other.
    fn other_mode(&self) -> Option<Mode> {
        self.layout.viewer.mode_without(self.gateway.environment.mode)
    }
}

/// The one page that shows the token.
#[derive(Template)]
#[template(path = "gateways/reveal.html")]
pub struct Reveal {
    pub layout: Layout,
    pub gateway: Gateway,
    pub token: Secret,
    pub base_url: Url,
}

impl Reveal {
    /// A question as the gateway would ask it.
    fn curl(&self) -> String {
        format!(
            "curl {}v1/verify -H \"Authorization: Bearer {}\" -H \"Content-Type: application/json\" -d '{{\"key\": \"{}_sk_…\"}}'",
            self.base_url,
            self.token.reveal(),
            self.gateway.environment.prefix
        )
    }

    /// The same for nginx, which asks before it passes a request on.
    fn nginx(&self) -> String {
        format!(
            "location = /_latchkey {{\n    internal;\n    proxy_pass {}v1/authorize?for=nginx;\n    proxy_pass_request_body off;\n    proxy_set_header Content-Length \"\";\n    proxy_set_header X-Gateway-Token {};\n    proxy_set_header X-Original-Method $request_method;\n    proxy_set_header X-Original-URI $request_uri;\n    proxy_set_header X-Forwarded-For $remote_addr;\n}}\nlocation / {{\n    auth_request /_latchkey;\n    proxy_pass http://your-api;\n}}",
            self.base_url,
            self.token.reveal()
        )
    }
}
