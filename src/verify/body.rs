//! Reading the question of `POST /v1/verify`: a small JSON object, sent in one go.

use std::{
    borrow::Cow,
    fmt,
    net::IpAddr,
    pin::pin,
    time::{Duration, Instant},
};

use actix_web::{
    error::PayloadError,
    http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap},
    web::{Bytes, BytesMut},
};
use futures_util::{FutureExt, Stream, StreamExt};
use serde::{
    Deserialize, Deserializer,
    de::{Error, SeqAccess, Visitor},
};

use super::{caller::has_secret, credential::Credential, problem::Problem};

const LARGEST: usize = 16 * 1024;
const SLOWEST: Duration = Duration::from_secs(5);
/// A question names fewer scopes than this.
pub const TOO_MANY_SCOPES: usize = 100;
/// A platform's id of its customer is no longer.
pub const LONGEST_CUSTOMER: usize = 255;
/// What a single request may cost at most.
pub const HIGHEST_COST: u32 = 1_000_000;

const NOT_A_QUESTION: Problem = Problem::BadRequest(
    "The body must be one JSON object with key or basic, and as needed scopes, customer, ip, origin, method, path and cost, each of its type.",
);

/// The question as sent. Texts are borrowed from the body unless they are written with escapes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body<'a> {
    #[serde(borrow)]
    key: Option<Text<'a>>,
    #[serde(borrow)]
    basic: Option<Text<'a>>,
    #[serde(borrow)]
    scopes: Option<Scopes<'a>>,
    #[serde(borrow)]
    customer: Option<Text<'a>>,
    ip: Option<IpAddr>,
    #[serde(borrow)]
    origin: Option<Text<'a>>,
    #[serde(borrow)]
    method: Option<Text<'a>>,
    #[serde(borrow)]
    path: Option<Text<'a>>,
    #[serde(default, deserialize_with = "whole")]
    cost: Option<u32>,
}

/// An optional `Cow` would be copied: serde borrows only what says so itself.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

struct Scopes<'a>(Vec<Cow<'a, str>>);

impl<'de: 'a, 'a> Deserialize<'de> for Scopes<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List;

        impl<'de> Visitor<'de> for List {
            type Value = Vec<Cow<'de, str>>;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a list of scopes")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut scopes = Vec::with_capacity(4);
                while let Some(Text(scope)) = list.next_element()? {
                    scopes.push(scope);
                }
                Ok(scopes)
            }
        }

        deserializer.deserialize_seq(List).map(Scopes)
    }
}

/// The question as meant.
pub struct Asked<'a> {
    pub credential: Credential,
    pub scopes: Vec<Cow<'a, str>>,
    pub customer: Option<Cow<'a, str>>,
    pub ip: Option<IpAddr>,
    pub origin: Option<Cow<'a, str>>,
    /// Of the caller's request, for the log.
    pub method: Option<Cow<'a, str>>,
    pub path: Option<Cow<'a, str>>,
    pub cost: u32,
}

/// Reads a body of JSON, within limits of size and time.
///
/// # Errors
/// 400, 408, 413 or 415.
pub async fn read_json(
    headers: &HeaderMap,
    payload: impl Stream<Item = Result<Bytes, PayloadError>>,
) -> Result<Bytes, Problem> {
    read(headers, payload).await.map(|(bytes, _)| bytes)
}

/// As [`read_json`]; also how long the body took to come after its head: nothing, for nearly every one.
///
/// # Errors
/// As [`read_json`].
pub async fn read(
    headers: &HeaderMap,
    payload: impl Stream<Item = Result<Bytes, PayloadError>>,
) -> Result<(Bytes, Duration), Problem> {
    if !is_plain_json(headers) {
        return Err(Problem::NotJson);
    }
    let announced = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    if announced
        .and_then(|length| length.parse().ok())
        .is_some_and(|length: u64| length > LARGEST as u64)
    {
        return Err(Problem::TooLarge);
    }
    let mut collected = pin!(collect(payload));
    // No clock is needed for what came with its head.
    if let Some(bytes) = collected.as_mut().now_or_never() {
        return Ok((bytes?, Duration::ZERO));
    }
    let began = Instant::now();
    let bytes = tokio::time::timeout(SLOWEST, collected).await.map_err(|_| Problem::TooSlow)??;
    Ok((bytes, began.elapsed()))
}

/// What the body says.
///
/// # Errors
/// 400
pub fn parse(bytes: &[u8]) -> Result<Asked<'_>, Problem> {
    // A JSON array would also do as a struct, member by member.
    if bytes.trim_ascii_start().first() != Some(&b'{') {
        return Err(NOT_A_QUESTION);
    }
    serde_json::from_slice::<Body>(bytes).map_err(|_| NOT_A_QUESTION)?.mean()
}

fn is_plain_json(headers: &HeaderMap) -> bool {
    let essence = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .unwrap_or_default();
    let encoding = headers.get(CONTENT_ENCODING).map_or(&b"identity"[..], |value| value.as_bytes());
    essence.trim().eq_ignore_ascii_case("application/json")
        && encoding.eq_ignore_ascii_case(b"identity")
}

/// Nearly every body comes in one piece, which is then taken as it is.
async fn collect(
    payload: impl Stream<Item = Result<Bytes, PayloadError>>,
) -> Result<Bytes, Problem> {
    let mut payload = pin!(payload);
    let (mut first, mut all) = (Bytes::new(), BytesMut::new());
    while let Some(piece) = payload.next().await {
        let piece = piece.map_err(|_| Problem::BadRequest("The body ended early."))?;
        if first.len() + all.len() + piece.len() > LARGEST {
            return Err(Problem::TooLarge);
        }
        if first.is_empty() && all.is_empty() {
            first = piece;
        } else {
            all.extend_from_slice(&std::mem::take(&mut first));
            all.extend_from_slice(&piece);
        }
    }
    Ok(if all.is_empty() { first } else { all.freeze() })
}

/// A whole number however it is spelled: to JSON `5.0` is the number 5, and some libraries write it so.
fn whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    let number = Option::<f64>::deserialize(deserializer)?;
    let is_whole =
        |number: f64| number.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&number);
    match number {
        Some(number) if !is_whole(number) => Err(D::Error::custom("not a whole number")),
        number => Ok(number.map(|number| number as u32)),
    }
}

impl<'a> Body<'a> {
    fn mean(self) -> Result<Asked<'a>, Problem> {
        if self.path.as_ref().is_some_and(|path| has_secret(&path.0)) {
            return Err(Problem::BadRequest("The path has a key in it; replace that key."));
        }
        let credential = match (self.key, self.basic) {
            (Some(_), Some(_)) => return Err(Problem::BadRequest("Send key or basic, not both.")),
            (Some(key), None) => Credential::from_key(&key.0),
            (None, Some(basic)) => Credential::from_basic(&basic.0),
            (None, None) => Credential::Missing,
        };
        let scopes = self.scopes.map(|scopes| scopes.0).unwrap_or_default();
        check_scopes(scopes.len())?;
        Ok(Asked {
            credential,
            scopes,
            customer: check_customer(self.customer.map(|customer| customer.0))?,
            ip: self.ip.map(|ip| ip.to_canonical()),
            origin: self.origin.map(|origin| origin.0),
            method: self.method.map(|method| method.0),
            path: self.path.map(|path| path.0),
            cost: check_cost(self.cost)?,
        })
    }
}

/// # Errors
/// 400 for too many.
pub fn check_scopes(count: usize) -> Result<(), Problem> {
    if count >= TOO_MANY_SCOPES {
        return Err(Problem::BadRequest("A question names fewer than 100 scopes."));
    }
    Ok(())
}

/// An empty customer is none: what a template left blank must not count as somebody.
///
/// # Errors
/// 400 for one that is too long.
pub fn check_customer<T: AsRef<str>>(customer: Option<T>) -> Result<Option<T>, Problem> {
    let customer = customer.filter(|customer| !customer.as_ref().is_empty());
    if customer
        .as_ref()
        .is_some_and(|customer| customer.as_ref().chars().count() > LONGEST_CUSTOMER)
    {
        return Err(Problem::BadRequest("A customer’s id has at most 255 characters."));
    }
    Ok(customer)
}

/// # Errors
/// 400 for one out of range.
pub fn check_cost(cost: Option<u32>) -> Result<u32, Problem> {
    match cost.unwrap_or(1) {
        cost @ 1..=HIGHEST_COST => Ok(cost),
        _ => Err(Problem::BadRequest("The cost is a whole number from 1 to 1000000.")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mean(json: &str) -> Result<Asked<'_>, Problem> {
        parse(json.as_bytes())
    }

    #[test]
    fn a_question_needs_no_more_than_a_key() {
        let asked = mean(r#" {"key": "x"} "#).unwrap();
        assert!(matches!(asked.credential, Credential::Malformed(_)));
        assert_eq!((asked.cost, asked.scopes.len(), asked.customer), (1, 0, None));
        assert_eq!(mean(r#"{"cost": 5.0}"#).unwrap().cost, 5);
        assert!(matches!(mean("{}").unwrap().credential, Credential::Missing));
        assert!(matches!(mean(r#"{"key": null}"#).unwrap().credential, Credential::Missing));
    }

    #[test]
    fn what_is_not_a_question_is_refused_without_repeating_it() {
        for json in [
            "",
            "null",
            "[]",
            r#"["x"]"#,
            r#"{"key": "x"} x"#,
            r#"{"key": "x", "key": "y"}"#,
            r#"{"key": "x", "admin": true}"#,
            r#"{"key": 1}"#,
            r#"{"key": "x", "scopes": "a"}"#,
            r#"{"key": "x", "scopes": [1]}"#,
            r#"{"key": "x", "ip": "1.2.3"}"#,
            r#"{"key": "x", "ip": "1.2.3.4:5"}"#,
            r#"{"key": "x", "cost": 1.5}"#,
            r#"{"key": "x", "cost": "1"}"#,
            r#"{"key": "x", "cost": -1}"#,
            "\u{feff}{\"key\": \"x\"}",
            &"[".repeat(20_000),
            &format!(r#"{{"key": {}"#, "[".repeat(10_000)),
            "{\0\"\0k\0e\0y\0\"\0:\0[\0]\0}\0",
        ] {
            assert_eq!(mean(json).err(), Some(NOT_A_QUESTION), "{:.60}", json);
        }
    }

    #[test]
    fn what_is_out_of_range_is_refused() {
        let scopes = |count| format!(r#"{{"scopes": [{}]}}"#, vec![r#""a""#; count].join(","));
        assert!(mean(&scopes(99)).is_ok());
        for json in [
            r#"{"cost": 0}"#,
            r#"{"cost": 1000001}"#,
            r#"{"key": "x", "basic": "y"}"#,
            &scopes(100),
            &format!(r#"{{"customer": "{}"}}"#, "ä".repeat(256)),
        ] {
            assert!(matches!(mean(json), Err(Problem::BadRequest(_))), "{:.60}", json);
        }
        assert!(mean(&format!(r#"{{"customer": "{}"}}"#, "ä".repeat(255))).is_ok());
    }

    #[test]
    fn texts_are_borrowed_unless_they_have_escapes() {
        let asked =
            mean(r#"{"scopes": ["a:b", "\u0061"], "customer": "c", "origin": null}"#).unwrap();
        assert!(matches!(asked.scopes[..], [Cow::Borrowed("a:b"), Cow::Owned(_)]));
        assert_eq!(asked.scopes[1], "a");
        assert!(matches!(asked.customer, Some(Cow::Borrowed("c"))));
        assert_eq!(asked.origin, None);
    }

    #[test]
    fn a_mapped_address_is_the_address_it_maps() {
        let asked = mean(r#"{"ip": "::ffff:192.0.2.7"}"#).unwrap();
        assert_eq!(asked.ip, Some("192.0.2.7".parse().unwrap()));
    }

    #[test]
    fn a_key_in_the_path_is_refused() {
        let secret = crate::credentials::Secret::for_key("prod");
        for path in ["/a?api_key=", "/a/"] {
            let json = format!(r#"{{"path": "{path}{}"}}"#, secret.reveal());
            assert!(matches!(mean(&json), Err(Problem::BadRequest(_))));
        }
    }
}
