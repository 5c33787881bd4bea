//! A CSV file, understood line by line: the customers in it, or everything that is wrong with it.

use std::collections::HashMap;

use csv::{ByteRecord, ReaderBuilder, WriterBuilder};

use super::model::{parse_external_id, parse_name};

/// No file may be larger, in bytes.
pub const LARGEST: usize = 1024 * 1024;
/// Customers in a file at most.
pub const MOST: usize = 20_000;

/// A customer of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    pub external_id: String,
    /// Empty: leaves the name that is known.
    pub name: String,
}

/// A file without mistakes; no id is in it twice.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sheet {
    pub rows: Vec<Row>,
}

/// What is wrong with a line, counted from 1.
#[derive(Debug, PartialEq, Eq)]
pub struct Mistake {
    pub line: u64,
    pub sentence: String,
}

/// Where the columns are.
struct Columns {
    id: usize,
    name: Option<usize>,
    count: usize,
}

impl Sheet {
    /// Reads a file: UTF-8, commas, the first line names the columns.
    ///
    /// # Errors
    /// All mistakes, by line.
    pub fn parse(bytes: &[u8]) -> Result<Self, Vec<Mistake>> {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let mut reader = ReaderBuilder::new().has_headers(false).flexible(true).from_reader(bytes);
        let mut records = Vec::new();
        let mut record = ByteRecord::new();
        while reader.read_byte_record(&mut record).unwrap_or_default() {
            records.push((line_of(bytes, &record), record.clone()));
            if records.len() > MOST + 1 {
                let sentence = format!("At most {MOST} customers at a time. Split the file.");
                return Err(vec![Mistake { line: records[MOST + 1].0, sentence }]);
            }
        }
        let mut records = records.into_iter();
        let Some((line, head)) = records.next() else {
            return Err(one(1, "There is nothing in it."));
        };
        let columns = Columns::parse(&head).map_err(|sentence| one(line, &sentence))?;
        let (mut sheet, mut mistakes) = (Self::default(), Vec::new());
        let mut seen: HashMap<String, u64> = HashMap::new();
        for (line, record) in records {
            match columns.read(&record) {
                Ok(row) => {
                    if let Some(earlier) = seen.get(&row.external_id) {
                        let sentence = format!("{} is on line {earlier} already.", row.external_id);
                        mistakes.push(Mistake { line, sentence });
                        continue;
                    }
                    seen.insert(row.external_id.clone(), line);
                    sheet.rows.push(row);
                }
                Err(sentences) => mistakes
                    .extend(sentences.into_iter().map(|sentence| Mistake { line, sentence })),
            }
        }
        if mistakes.is_empty() && sheet.rows.is_empty() {
            mistakes = one(line, "There are no customers under the line with the columns.");
        }
        if mistakes.is_empty() { Ok(sheet) } else { Err(mistakes) }
    }

    /// The same as CSV, for the form that confirms it.
    pub fn to_csv(&self) -> String {
        let mut writer = WriterBuilder::new().from_writer(Vec::new());
        let rows = self.rows.iter().map(|row| [row.external_id.as_str(), row.name.as_str()]);
        for row in std::iter::once(["id", "name"]).chain(rows) {
            writer.write_record(row).expect("two columns fit into memory");
        }
        let bytes = writer.into_inner().expect("memory can be written to");
        String::from_utf8(bytes).expect("what was text stays text")
    }
}

impl Columns {
    fn parse(head: &ByteRecord) -> Result<Self, String> {
        let names: Vec<String> =
            head.iter().map(|cell| String::from_utf8_lossy(cell).trim().to_lowercase()).collect();
        if let [only] = names.as_slice()
            && only.contains([';', '\t'])
        {
            return Err("Separate the columns by commas.".into());
        }
        let find = |wanted: &str| names.iter().position(|name| name == wanted);
        let Some(id) = find("id") else {
            return Err("The first line has to name the columns: id, or id,name.".into());
        };
        let name = find("name");
        if names.len() > 1 + usize::from(name.is_some()) {
            return Err("Only the columns id and name are understood. Leave the others out.".into());
        }
        Ok(Self { id, name, count: names.len() })
    }

    fn read(&self, record: &ByteRecord) -> Result<Row, Vec<String>> {
        if record.len() != self.count {
            return Err(vec![format!(
                "{} here, {} in the first line.",
                columns(record.len()),
                columns(self.count)
            )]);
        }
        let cell = |at: usize| {
            std::str::from_utf8(record.get(at).unwrap_or_default())
                .map_err(|_| "This is not UTF-8 text.".to_owned())
        };
        let id = cell(self.id).and_then(|id| parse_external_id(id).map(ToOwned::to_owned));
        let name = self.name.map_or(Ok(""), cell).and_then(parse_name);
        match (id, name) {
            (Ok(external_id), Ok(name)) => Ok(Row { external_id, name }),
            (Err(one), Err(other)) if one != other => Err(vec![one, other]),
            (Err(sentence), _) | (_, Err(sentence)) => Err(vec![sentence]),
        }
    }
}

/// The line a record begins on. The reader counts from the end of the one before, blank lines not taken off.
fn line_of(bytes: &[u8], record: &ByteRecord) -> u64 {
    let Some(position) = record.position() else { return 1 };
    let from = usize::try_from(position.byte()).unwrap_or_default();
    let blank = bytes[from.min(bytes.len())..]
        .iter()
        .take_while(|byte| matches!(byte, b'\r' | b'\n'))
        .filter(|byte| **byte == b'\n')
        .count();
    position.line() + blank as u64
}

fn columns(count: usize) -> String {
    if count == 1 { "One column".into() } else { format!("{count} columns") }
}

fn one(line: u64, sentence: &str) -> Vec<Mistake> {
    vec![Mistake { line, sentence: sentence.into() }]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(external_id: &str, name: &str) -> Row {
        Row { external_id: external_id.into(), name: name.into() }
    }

    fn mistakes(text: &str) -> Vec<(u64, String)> {
        let mistakes = Sheet::parse(text.as_bytes()).expect_err("it has mistakes");
        mistakes.into_iter().map(|mistake| (mistake.line, mistake.sentence)).collect()
    }

    #[test]
    fn files_come_in_several_shapes() {
        let rows = vec![row("cus_1", "Acme, Inc."), row("cus_2", "")];
        for text in [
            "id,name\ncus_1,\"Acme, Inc.\"\ncus_2,\n",
            "\u{feff}id,name\r\ncus_1,\"Acme, Inc.\"\r\ncus_2,\r\n",
            "ID , Name\n\n cus_1 ,\" Acme, Inc. \"\n\n\ncus_2,\n\n",
            "name,id\n\"Acme, Inc.\",cus_1\n,cus_2",
        ] {
            assert_eq!(Sheet::parse(text.as_bytes()), Ok(Sheet { rows: rows.clone() }), "{text:?}");
        }
        let sheet = Sheet::parse(b"id\ncus_1\n\"cus \"\"2\"\"\"").unwrap();
        assert_eq!(sheet.rows, [row("cus_1", ""), row("cus \"2\"", "")]);
        assert_eq!(Sheet::parse(sheet.to_csv().as_bytes()), Ok(sheet));
    }

    #[test]
    fn every_mistake_is_told_with_its_line() {
        let long = "x".repeat(256);
        let text = format!(
            "id,name\r\ncus_1,A\r\n\r\n{long},B\r\ncus_1,C\r\ncus_2\r\ncus_3,a\u{202e}b\r\n,D\r\n\"a\nb\",E\r\ncus_4,F\r\n"
        );
        assert_eq!(
            mistakes(&text),
            [
                (4, "Customer must be 1-255 characters.".into()),
                (5, "cus_1 is on line 2 already.".into()),
                (6, "One column here, 2 columns in the first line.".into()),
                (7, "Name contains characters that cannot be shown.".into()),
                (8, "Customer must be 1-255 characters.".into()),
                (9, "Customer contains characters that cannot be shown.".into()),
            ]
        );
        let broken = Sheet::parse(b"id,name\ncus_1,caf\xe9\n").expect_err("that is Latin-1");
        assert_eq!((broken[0].line, broken[0].sentence.as_str()), (2, "This is not UTF-8 text."));
    }

    #[test]
    fn the_first_line_names_the_columns() {
        let told = |text: &str| mistakes(text)[0].1.clone();
        assert!(told("").contains("nothing"));
        assert!(told("\n\n").contains("nothing"));
        assert!(told("cus_1\ncus_2").contains("has to name the columns"));
        assert!(told("id;name\ncus_1;A").contains("commas"));
        assert!(told("id,name,email\ncus_1,A,a@example.com").contains("Leave the others out"));
        assert!(told("id,id\na,b").contains("Leave the others out"));
        assert!(told("id,name\n").contains("no customers"));
    }

    #[test]
    fn a_file_has_an_end() {
        let many = |count: usize| {
            let ids: Vec<String> = (0..count).map(|number| format!("cus_{number}")).collect();
            format!("id\n{}", ids.join("\n"))
        };
        assert_eq!(Sheet::parse(many(MOST).as_bytes()).unwrap().rows.len(), MOST);
        assert!(mistakes(&many(MOST + 1))[0].1.contains("At most 20000"));
    }
}
