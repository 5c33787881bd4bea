//! Tables as files: CSV that no spreadsheet takes for formulas, or JSON lines; sent while they are being read, a piece
//! at a time, so that a million rows take the memory of a few thousand and no connection is kept in between.

use std::{
    borrow::Cow,
    time::{Duration, Instant},
};

use actix_web::{
    HttpResponse,
    http::header::{ContentDisposition, DispositionParam, DispositionType},
    web::Bytes,
};
use chrono::{DateTime, SecondsFormat, Utc};
use futures_util::stream;
use serde_json::{Map, Value};

use crate::error::{AppError, AppResult};

/// So long a file may take. What is not whole by then is broken off, visibly to whoever downloads it.
const PATIENCE: Duration = Duration::from_secs(60);

/// How a table is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// RFC 4180, with a line of names first; UTF-8.
    Csv,
    /// An object a line.
    JsonLines,
}

/// What stands in a field of a table.
#[derive(Debug, Clone, Copy)]
pub enum Cell<'a> {
    Empty,
    Text(&'a str),
    Number(i64),
    Yes(bool),
    /// To the millisecond, in UTC.
    At(DateTime<Utc>),
    /// As text in CSV, as it is in JSON.
    Json(&'a Value),
}

/// The rows of a table that are written and not sent yet.
pub struct Sheet {
    format: Format,
    columns: &'static [&'static str],
    text: Vec<u8>,
}

impl Format {
    /// As addresses, forms and the command line spell it.
    pub fn parse(slug: &str) -> Option<Self> {
        match slug {
            "csv" => Some(Self::Csv),
            "jsonl" => Some(Self::JsonLines),
            _ => None,
        }
    }

    /// The end of the file's name.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::JsonLines => "jsonl",
        }
    }

    /// What the answer says it is.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8",
            Self::JsonLines => "application/jsonl; charset=utf-8",
        }
    }
}

impl Sheet {
    /// An empty table with these columns.
    pub fn new(format: Format, columns: &'static [&'static str]) -> Self {
        let mut sheet = Self { format, columns, text: Vec::new() };
        if format == Format::Csv {
            sheet.line(columns);
        }
        sheet
    }

    /// Adds a row, with a cell for each column.
    pub fn row(&mut self, cells: &[Cell<'_>]) {
        debug_assert_eq!(cells.len(), self.columns.len(), "a cell for each column");
        match self.format {
            Format::Csv => {
                let cells: Vec<Cow<str>> = cells.iter().map(|cell| cell.as_text()).collect();
                self.line(&cells);
            }
            Format::JsonLines => {
                let names = self.columns.iter().map(|&name| name.to_owned());
                let object: Map<String, Value> =
                    names.zip(cells.iter().map(|cell| cell.as_json())).collect();
                serde_json::to_writer(&mut self.text, &object)
                    .expect("memory takes what is written to it");
                self.text.push(b'\n');
            }
        }
    }

    /// Takes what was written so far.
    pub fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.text)
    }

    fn line<T: AsRef<str>>(&mut self, cells: &[T]) {
        let mut writer =
            csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(&mut self.text);
        writer
            .write_record(cells.iter().map(|cell| cell.as_ref().as_bytes()))
            .and_then(|()| writer.flush().map_err(Into::into))
            .expect("memory takes what is written to it");
    }
}

impl<'a> From<Option<&'a str>> for Cell<'a> {
    fn from(text: Option<&'a str>) -> Self {
        text.map_or(Self::Empty, Self::Text)
    }
}

impl From<Option<DateTime<Utc>>> for Cell<'_> {
    fn from(at: Option<DateTime<Utc>>) -> Self {
        at.map_or(Self::Empty, Self::At)
    }
}

impl<'a> Cell<'a> {
    fn as_text(self) -> Cow<'a, str> {
        match self {
            Self::Empty => Cow::Borrowed(""),
            Self::Text(text) => harmless(text),
            Self::Number(number) => Cow::Owned(number.to_string()),
            Self::Yes(yes) => Cow::Borrowed(if yes { "true" } else { "false" }),
            Self::At(at) => Cow::Owned(exactly(at)),
            Self::Json(value) => Cow::Owned(harmless(&value.to_string()).into_owned()),
        }
    }

    fn as_json(self) -> Value {
        match self {
            Self::Empty => Value::Null,
            Self::Text(text) => text.into(),
            Self::Number(number) => number.into(),
            Self::Yes(yes) => yes.into(),
            Self::At(at) => exactly(at).into(),
            Self::Json(value) => value.clone(),
        }
    }
}

fn exactly(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// What a spreadsheet would calculate begins with an apostrophe instead (OWASP ASVS 1.2.10).
pub fn harmless(text: &str) -> Cow<'_, str> {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r', '\0']) {
        Cow::Owned(format!("'{text}"))
    } else {
        Cow::Borrowed(text)
    }
}

/// Answers with a file `NAME.csv` or `NAME.jsonl`. `piece` adds rows to the sheet, from the place it is told on, and
/// says from where to go on; `None` when that was all. It is asked for the next piece when the last one has been taken.
///
/// # Errors
/// What keeps the first piece from being read; later there is no other answer than to break off.
pub async fn attachment<P, F, Asked>(
    name: &str,
    sheet: Sheet,
    from: P,
    piece: F,
) -> AppResult<HttpResponse>
where
    P: 'static,
    F: Fn(Sheet, P) -> Asked + 'static,
    Asked: Future<Output = AppResult<(Sheet, Option<P>)>>,
{
    let deadline = Instant::now() + PATIENCE;
    let format = sheet.format;
    let (mut sheet, next) = piece(sheet, from).await?;
    let first = Bytes::from(sheet.take());
    let rest =
        stream::unfold((next.map(|next| (sheet, next)), piece), move |(at, piece)| async move {
            let (sheet, next) = at?;
            if Instant::now() >= deadline {
                tracing::info!("a file was broken off: it took longer than {PATIENCE:?}");
                return Some((Err(AppError::TooSlow), (None, piece)));
            }
            match piece(sheet, next).await {
                Ok((mut sheet, next)) => {
                    let bytes = Bytes::from(sheet.take());
                    Some((Ok(bytes), (next.map(|next| (sheet, next)), piece)))
                }
                Err(error) => {
                    tracing::warn!(?error, "a file was broken off");
                    Some((Err(error), (None, piece)))
                }
            }
        });
    let whole = futures_util::StreamExt::chain(stream::iter([Ok(first)]), rest);
    Ok(HttpResponse::Ok()
        .content_type(format.content_type())
        .insert_header(ContentDisposition {
            disposition: DispositionType::Attachment,
            parameters: vec![DispositionParam::Filename(format!("{name}.{}", format.extension()))],
        })
        .streaming(Box::pin(whole)))
}

#[cfg(test)]
mod tests {
    use actix_web::body::to_bytes;
    use serde_json::json;

    use super::*;

    const COLUMNS: &[&str] = &["name", "count", "at", "details"];

    fn rows(sheet: &mut Sheet, names: &[&str]) {
        let at = DateTime::from_timestamp_millis(1_767_225_600_123).unwrap();
        for name in names {
            let details = json!({"a": [1, null]});
            sheet.row(&[Cell::Text(name), Cell::Number(-2), Cell::At(at), Cell::Json(&details)]);
        }
    }

    #[test]
    fn a_spreadsheet_calculates_nothing() {
        let mut sheet = Sheet::new(Format::Csv, COLUMNS);
        rows(&mut sheet, &["=1+1", "say \"hi\", twice", "two\nlines"]);
        let text = String::from_utf8(sheet.take()).unwrap();
        let end = r#"-2,2026-01-01T00:00:00.123Z,"{""a"":[1,null]}""#;
        assert_eq!(
            text,
            format!(
                "name,count,at,details\r\n'=1+1,{end}\r\n\"say \"\"hi\"\", twice\",{end}\r\n\"two\nlines\",{end}\r\n"
            )
        );
        for formula in ["+1", "-1", "@SUM(A1)", "\t=1", "\r=1"] {
            assert_eq!(harmless(formula), format!("'{formula}"));
        }
    }

    #[test]
    fn a_line_of_json_has_the_columns_names() {
        let mut sheet = Sheet::new(Format::JsonLines, COLUMNS);
        rows(&mut sheet, &["=1+1"]);
        let line: Value = serde_json::from_slice(&sheet.take()).unwrap();
        assert_eq!(
            line,
            json!({"name": "=1+1", "count": -2, "at": "2026-01-01T00:00:00.123Z", "details": {"a": [1, null]}})
        );
    }

    #[actix_web::test]
    async fn a_file_is_sent_piece_by_piece() {
        let sheet = Sheet::new(Format::Csv, &["number"]);
        let piece = async |mut sheet: Sheet, from: i64| {
            sheet.row(&[Cell::Number(from)]);
            Ok((sheet, (from < 3).then_some(from + 1)))
        };
        let response = attachment("numbers", sheet, 1, piece).await.unwrap();
        assert_eq!(
            response.headers().get("content-disposition").unwrap(),
            r#"attachment; filename="numbers.csv""#
        );
        let body = to_bytes(response.into_body()).await.unwrap();
        assert_eq!(body, "number\r\n1\r\n2\r\n3\r\n");
    }

    #[actix_web::test]
    async fn a_file_that_fails_later_is_broken_off_and_one_that_fails_at_once_is_an_error() {
        let fail_at = |place| {
            move |sheet: Sheet, from: i64| async move {
                let failed = || Err(AppError::Conflict("no".into()));
                if from == place { failed() } else { Ok((sheet, Some(from + 1))) }
            }
        };
        let sheet = || Sheet::new(Format::Csv, &["number"]);
        assert!(attachment("numbers", sheet(), 1, fail_at(1)).await.is_err());
        let response = attachment("numbers", sheet(), 1, fail_at(3)).await.unwrap();
        assert!(to_bytes(response.into_body()).await.is_err());
    }
}
