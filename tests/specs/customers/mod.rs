mod changing;
mod importing;
mod listing;

use latchkey::{
    customers::{self, Customer, Row, Sheet},
    error::AppResult,
    keys::NewKey,
};

use crate::support::{Browser, MadeKey, Page, TestApp};

/// A customer, made as the page makes it.
pub fn customer(app: &TestApp, id: &str, name: &str) -> Customer {
    app.operator(|conn, operator| customers::add(conn, operator, id, name))
}

/// Customers cus_001 and so on.
pub fn many(app: &TestApp, count: usize) {
    let row = |number| Row { external_id: format!("cus_{number:03}"), name: String::new() };
    let sheet = Sheet { rows: (1..=count).map(row).collect() };
    app.operator(|conn, operator| customers::import(conn, operator, &sheet, |_| AppResult::Ok(())));
}

/// A key restricted to one customer.
pub fn key_for(app: &TestApp, customer: &Customer, name: &str) -> MadeKey {
    app.key_with(None, name, |new: &mut NewKey| new.customers = vec![customer.id])
}

/// What the list shows, in its order: what customers are called.
pub fn called(page: &Page) -> Vec<String> {
    page.all("tbody .table__name")
}

/// Sends the import form: pasted lines, or a file.
pub async fn send(browser: &mut Browser, address: &str, field: &str, content: &[u8]) -> Page {
    let name = if field == "file" { "; filename=\"customers.csv\"" } else { "" };
    let mut body =
        format!("--xyz\r\nContent-Disposition: form-data; name=\"{field}\"{name}\r\n\r\n")
            .into_bytes();
    body.extend_from_slice(content);
    body.extend_from_slice(b"\r\n--xyz--\r\n");
    browser
        .request(reqwest::Method::POST, address, |request| {
            request.header("content-type", "multipart/form-data; boundary=xyz").body(body)
        })
        .await
}
