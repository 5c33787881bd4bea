//! Finding Postgres on this machine.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};

const INSTALL: &str = if cfg!(target_os = "macos") {
    "brew install postgresql@17"
} else {
    "apt-get install -y postgresql"
};

/// Where packages put it: a directory per version, with the programs in `bin`.
const SHELVES: [&str; 4] = [
    "/usr/lib/postgresql",
    "/opt/homebrew/opt",
    "/usr/local/opt",
    "/Applications/Postgres.app/Contents/Versions",
];

#[derive(Debug)]
pub struct Binaries {
    pub initdb: PathBuf,
    pub postgres: PathBuf,
}

impl Binaries {
    /// The first Postgres there is; for a cluster that exists, the first of the version that made it.
    pub fn find(version: Option<&str>) -> Result<Self> {
        let found: Vec<_> = match env::var_os("PG_BIN_DIR") {
            Some(dir) => match Self::in_dir(Path::new(&dir)) {
                Some(binaries) => vec![binaries],
                None => bail!(
                    "PG_BIN_DIR is {}, which has no initdb and postgres",
                    Path::new(&dir).display()
                ),
            },
            None => on_path().chain(on_shelves()).filter_map(|dir| Self::in_dir(&dir)).collect(),
        };
        if found.is_empty() {
            bail!(
                "there is no Postgres on this machine: install it (`{INSTALL}`), or set DATABASE_URL"
            );
        }

        let Some(version) = version else {
            return Ok(found.into_iter().next().expect("it is not empty"));
        };
        match found.into_iter().find(|binaries| binaries.version().as_deref() == Some(version)) {
            Some(binaries) => Ok(binaries),
            None => bail!(
                "the data was made by Postgres {version}, which is not on this machine any more"
            ),
        }
    }

    fn in_dir(dir: &Path) -> Option<Self> {
        let binaries = Self { initdb: dir.join("initdb"), postgres: dir.join("postgres") };
        (binaries.initdb.is_file() && binaries.postgres.is_file()).then_some(binaries)
    }

    fn version(&self) -> Option<String> {
        let output = Command::new(&self.postgres).arg("--version").output().ok()?;
        major_version(&String::from_utf8_lossy(&output.stdout))
    }
}

fn on_path() -> impl Iterator<Item = PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).collect::<Vec<_>>().into_iter()
}

/// Newest first.
fn on_shelves() -> impl Iterator<Item = PathBuf> {
    SHELVES.iter().flat_map(|shelf| {
        let entries = fs::read_dir(shelf).into_iter().flatten().flatten();
        let mut versions: Vec<_> = entries.map(|entry| entry.path()).collect();
        versions.sort_by_key(|path| std::cmp::Reverse(trailing_number(path)));
        versions.into_iter().map(|version| version.join("bin"))
    })
}

/// 17 for `postgresql@17` and for `17`.
fn trailing_number(path: &Path) -> u32 {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.rsplit('@').next().and_then(|number| number.parse().ok()).unwrap_or_default()
}

/// What `PG_VERSION` says of the same Postgres: the first number.
fn major_version(printed: &str) -> Option<String> {
    let version =
        printed.split_whitespace().find(|word| word.starts_with(|c: char| c.is_ascii_digit()))?;
    Some(version.chars().take_while(char::is_ascii_digit).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_version_is_the_largest_number_and_not_the_last_word() {
        assert!(
            trailing_number(Path::new("/usr/lib/postgresql/17"))
                > trailing_number(Path::new("/usr/lib/postgresql/9"))
        );
        assert_eq!(trailing_number(Path::new("/opt/homebrew/opt/postgresql@17")), 17);
        assert_eq!(trailing_number(Path::new("/opt/homebrew/opt/postgresql")), 0);
    }

    #[test]
    fn versions_are_read_from_what_postgres_prints() {
        assert_eq!(
            major_version("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)").as_deref(),
            Some("15")
        );
        assert_eq!(major_version("postgres (PostgreSQL) 19beta1").as_deref(), Some("19"));
        assert_eq!(major_version("bash: postgres: not found"), None);
    }
}
