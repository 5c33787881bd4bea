//! A person at a browser without JavaScript: cookies, links, forms. Redirects are followed only when one says so.

use std::net::SocketAddr;

use futures_util::future::join_all;
use reqwest::{Client, Method, RequestBuilder, header, redirect::Policy};

use super::Page;

/// Sends what a browser sends from our own pages. A clone is another window of the same person.
#[derive(Clone)]
pub struct Browser {
    client: Client,
    address: SocketAddr,
    cookies: Vec<(String, String)>,
    headers: Vec<(String, String)>,
}

impl Browser {
    pub fn at(address: SocketAddr) -> Self {
        let client =
            Client::builder().redirect(Policy::none()).build().expect("a client can be built");
        Self { client, address, cookies: Vec::new(), headers: Vec::new() }
    }

    /// The same person, asking the way htmx asks from the page at that path.
    pub fn with_htmx(&self, path: &str) -> Self {
        let here = format!("http://{}{path}", self.address);
        self.with_header("HX-Request", "true").with_header("HX-Current-URL", &here)
    }

    /// The same person, with a header on every request; it replaces one of that name.
    pub fn with_header(&self, name: &str, value: &str) -> Self {
        let mut headers: Vec<_> = self
            .headers
            .iter()
            .filter(|(known, _)| !known.eq_ignore_ascii_case(name))
            .cloned()
            .collect();
        headers.push((name.to_owned(), value.to_owned()));
        Self {
            client: self.client.clone(),
            address: self.address,
            cookies: self.cookies.clone(),
            headers,
        }
    }

    /// The same person, with connections of their own to that node or to what stands in front of it.
    pub fn on_node(&self, address: SocketAddr) -> Self {
        Self { cookies: self.cookies.clone(), headers: self.headers.clone(), ..Self::at(address) }
    }

    /// The value of a cookie.
    pub fn cookie(&self, name: &str) -> Option<&str> {
        self.cookies.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Puts a cookie into the jar, as an attacker might.
    pub fn set_cookie(&mut self, name: &str, value: &str) {
        self.cookies.retain(|(known, _)| known != name);
        if !value.is_empty() {
            self.cookies.push((name.to_owned(), value.to_owned()));
        }
    }

    pub async fn get(&mut self, path: &str) -> Page {
        self.request(Method::GET, path, |request| request).await
    }

    /// Sends a form from one of our pages.
    pub async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Page {
        let body = encode(fields);
        self.request(Method::POST, path, |request| {
            request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded").body(body)
        })
        .await
    }

    /// Sends the same form several times at once, each time over a connection of its own.
    pub async fn post_at_once(
        &self,
        times: usize,
        path: &str,
        fields: &[(&str, &str)],
    ) -> Vec<Page> {
        let mut windows = vec![self.clone(); times];
        join_all(windows.iter_mut().map(|window| window.post(path, fields))).await
    }

    /// Anything else. `Sec-Fetch-Site: same-origin` goes with it unless a header says otherwise.
    pub async fn request(
        &mut self,
        method: Method,
        path: &str,
        more: impl FnOnce(RequestBuilder) -> RequestBuilder,
    ) -> Page {
        let mut request = self.client.request(method, format!("http://{}{path}", self.address));
        if !self.headers.iter().any(|(name, _)| {
            name.eq_ignore_ascii_case("sec-fetch-site") || name.eq_ignore_ascii_case("origin")
        }) {
            request = request.header("Sec-Fetch-Site", "same-origin");
        }
        for (name, value) in self.headers.iter().filter(|(_, value)| !value.is_empty()) {
            request = request.header(name, value);
        }
        if !self.cookies.is_empty() {
            let jar: Vec<String> =
                self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            request = request.header(header::COOKIE, jar.join("; "));
        }
        let answer = more(request)
            .send()
            .await
            .unwrap_or_else(|error| panic!("{path} was not answered: {error}"));
        for cookie in answer.headers().get_all(header::SET_COOKIE) {
            let cookie = cookie.to_str().expect("a cookie is text");
            let (name, rest) = cookie.split_once('=').expect("a cookie has a name");
            let (value, attributes) = rest.split_once(';').unwrap_or((rest, ""));
            let gone = attributes.to_lowercase().contains("max-age=0");
            self.set_cookie(name, if gone { "" } else { value });
        }
        Page::read(path, answer).await
    }

    /// Goes where the answer leads, as often as it leads somewhere.
    pub async fn follow(&mut self, mut page: Page) -> Page {
        for _ in 0..5 {
            match page.location() {
                Some(path) => page = self.get(&path).await,
                None => return page,
            }
        }
        panic!("redirected in circles")
    }

    /// Fills in the form a selector finds and presses its button; what is not filled in is sent as the page has it.
    pub async fn submit(&mut self, page: &Page, form: &str, filled_in: &[(&str, &str)]) -> Page {
        let (action, fields) = page.form(form, filled_in);
        let fields: Vec<(&str, &str)> =
            fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        self.post(&action, &fields).await
    }
}

/// `application/x-www-form-urlencoded`
pub fn encode(fields: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}
