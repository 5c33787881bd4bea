//! Writing answers as JSON. Most of an answer is the same each time and is copied as it stands here; serde would look
//! at every byte of it again.

use std::io::Write;

use chrono::{DateTime, Datelike, Timelike, Utc};

/// What an answer without long lists has room in.
const USUAL_LENGTH: usize = 512;

/// A text that becomes JSON, from left to right.
pub struct Json(Vec<u8>);

impl Json {
    /// Begins with something that is JSON already.
    pub fn begin(written: &str) -> Self {
        let mut json = Self(Vec::with_capacity(USUAL_LENGTH));
        json.written(written);
        json
    }

    /// Something that is JSON already.
    pub fn written(&mut self, written: &str) -> &mut Self {
        self.0.extend_from_slice(written.as_bytes());
        self
    }

    /// Any text, in quotation marks.
    pub fn text(&mut self, text: &str) -> &mut Self {
        if needs_escapes(text) {
            serde_json::to_writer(&mut self.0, text)
                .expect("memory takes whatever is written to it");
            return self;
        }
        self.written("\"").written(text).written("\"")
    }

    /// A number that is written without a fraction.
    pub fn number(&mut self, number: impl Into<u64>) -> &mut Self {
        write!(self.0, "{}", number.into()).expect("memory takes whatever is written to it");
        self
    }

    /// A list of texts.
    pub fn list<'a>(&mut self, texts: impl IntoIterator<Item = &'a str>) -> &mut Self {
        self.written("[");
        for (place, text) in texts.into_iter().enumerate() {
            self.written(if place == 0 { "" } else { "," }).text(text);
        }
        self.written("]")
    }

    /// A moment as RFC 3339 has it, in quotation marks: with as many digits of the second as it needs.
    pub fn moment(&mut self, at: DateTime<Utc>) -> &mut Self {
        let Ok(year) = u32::try_from(at.year()) else { return self.by_serde(at) };
        if year > 9999 || !at.nanosecond().is_multiple_of(1_000) {
            return self.by_serde(at);
        }
        let mut text = *b"\"0000-00-00T00:00:00.000000Z\"";
        digits(&mut text[1..5], year);
        digits(&mut text[6..8], at.month());
        digits(&mut text[9..11], at.day());
        digits(&mut text[12..14], at.hour());
        digits(&mut text[15..17], at.minute());
        digits(&mut text[18..20], at.second());
        let micros = at.nanosecond() / 1_000;
        digits(&mut text[21..27], micros);
        let end = match micros {
            0 => 20,
            _ if micros.is_multiple_of(1_000) => 24,
            _ => 27,
        };
        self.0.extend_from_slice(&text[..end]);
        self.written("Z\"")
    }

    fn by_serde(&mut self, at: DateTime<Utc>) -> &mut Self {
        serde_json::to_writer(&mut self.0, &at).expect("memory takes whatever is written to it");
        self
    }

    /// The whole.
    pub fn end(self) -> Vec<u8> {
        self.0
    }
}

/// All bytes are looked at, many at a time: an early end would make it one at a time.
fn needs_escapes(text: &str) -> bool {
    text.bytes().fold(false, |found, byte| found | (byte < 0x20) | (byte == b'"') | (byte == b'\\'))
}

fn digits(into: &mut [u8], mut number: u32) {
    for digit in into.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    fn written(write: impl FnOnce(&mut Json)) -> String {
        let mut json = Json::begin("");
        write(&mut json);
        String::from_utf8(json.end()).unwrap()
    }

    #[test]
    fn texts_are_written_as_serde_writes_them() {
        let any = (0..0x250).filter_map(char::from_u32).map(String::from);
        for text in any.chain(["".into(), "Größe & Co".into(), "a \"b\" \\ \n c".into()]) {
            let expected = serde_json::to_string(&text).unwrap();
            assert_eq!(
                written(|json| {
                    json.text(&text);
                }),
                expected
            );
        }
        assert_eq!(
            written(|json| {
                json.list(["a", "b\""]);
            }),
            r#"["a","b\""]"#
        );
        assert_eq!(
            written(|json| {
                json.list([]);
            }),
            "[]"
        );
        assert_eq!(
            written(|json| {
                json.number(u64::MAX);
            }),
            u64::MAX.to_string()
        );
    }

    #[test]
    fn moments_are_written_as_serde_writes_them() {
        let first: DateTime<Utc> = "1970-01-01T00:00:00Z".parse().unwrap();
        let moments = (0..5_000).map(|n: i64| {
            let apart = [1, 1_000, 1_000_000, 86_399_000_000, 50_000_000_000_000];
            first + TimeDelta::microseconds(n * apart[n as usize % apart.len()])
        });
        let odd = ["0000-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z", "2024-02-29T12:00:00.1Z"]
            .map(|text| text.parse().unwrap());
        let far =
            [DateTime::<Utc>::MAX_UTC, DateTime::<Utc>::MIN_UTC, first + TimeDelta::nanoseconds(1)];
        for at in moments.chain(odd).chain(far) {
            assert_eq!(
                written(|json| {
                    json.moment(at);
                }),
                serde_json::to_string(&at).unwrap()
            );
        }
    }
}
