//! The program as somebody with a shell sees it.

use std::{
    fs,
    io::Write,
    path::PathBuf,
    process::{Command, Stdio},
};

use diesel::PgConnection;
use serde_json::Value;

use super::database::{SpecDatabase, scratch};

/// A shell on a machine where Latchkey is installed, with a database and a data directory of its own.
pub struct Terminal {
    pub data_dir: PathBuf,
    database: SpecDatabase,
    settings: Vec<(String, String)>,
}

/// What a command did.
pub struct Outcome {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Terminal {
    pub fn open() -> Self {
        Self {
            data_dir: scratch("terminal"),
            database: SpecDatabase::create(),
            settings: Vec::new(),
        }
    }

    /// The same shell with a setting; the last one of a name counts.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.settings.push((name.into(), value.into()));
        self
    }

    pub fn connect(&self) -> PgConnection {
        self.database.connect()
    }

    pub fn run(&self, arguments: &[&str]) -> Outcome {
        self.run_with_input(arguments, "")
    }

    pub fn run_with_input(&self, arguments: &[&str], input: &str) -> Outcome {
        let mut child = Command::new(env!("CARGO_BIN_EXE_latchkey"))
            .args(arguments)
            .env_clear()
            .env("DATABASE_URL", &self.database.url)
            .env("LATCHKEY_DATA_DIR", &self.data_dir)
            .envs(self.settings.iter().cloned())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program runs");
        // A command that does not read its input has closed it.
        let _ = child.stdin.take().expect("it has an input").write_all(input.as_bytes());
        let output = child.wait_with_output().expect("the program ends");
        Outcome {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).expect("it prints text"),
            err: String::from_utf8(output.stderr).expect("it prints text"),
        }
    }

    /// A line of words, none of which has a blank.
    pub fn type_in(&self, line: &str) -> Outcome {
        self.run(&line.split(' ').collect::<Vec<_>>())
    }

    /// An application to make keys in.
    pub fn add_application(&self, name: &str) -> String {
        let made = self.run(&["application", "add", "--name", name, "--json"]);
        made.succeeds().json("app_id")
    }

    /// A key of the application “Store” in production, with more flags.
    pub fn create_key(&self, name: &str, flags: &str) -> Outcome {
        let mut arguments = vec![
            "key",
            "create",
            "--application",
            "Store",
            "--environment",
            "production",
            "--name",
            name,
            "--json",
        ];
        arguments.extend(flags.split(' ').filter(|flag| !flag.is_empty()));
        self.run(&arguments)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.data_dir);
    }
}

impl Outcome {
    #[track_caller]
    pub fn succeeds(&self) -> &Self {
        assert_eq!(self.code, 0, "{}{}", self.out, self.err);
        self
    }

    /// Exit 1, one line on stderr, nothing on stdout.
    #[track_caller]
    pub fn fails_with(&self, sentence: &str) -> &Self {
        assert_eq!(self.code, 1, "{}{}", self.out, self.err);
        assert_eq!(self.out, "");
        assert_eq!(self.err.trim_end_matches('\n').lines().count(), 1, "{}", self.err);
        assert!(self.err.contains(sentence), "{} does not say: {sentence}", self.err);
        self
    }

    /// Exit 2: not a command line at all.
    #[track_caller]
    pub fn is_misspelled(&self) -> &Self {
        assert_eq!(self.code, 2, "{}{}", self.out, self.err);
        assert_eq!(self.out, "");
        self
    }

    #[track_caller]
    pub fn says(&self, text: &str) -> &Self {
        assert!(self.out.contains(text), "{}\ndoes not say: {text}", self.out);
        self
    }

    /// A member of the JSON object that was printed, alone.
    #[track_caller]
    pub fn json(&self, member: &str) -> String {
        let object: Value = serde_json::from_str(&self.out).expect("it printed one JSON object");
        object[member].as_str().unwrap_or_else(|| panic!("{} has no {member}", self.out)).to_owned()
    }
}
