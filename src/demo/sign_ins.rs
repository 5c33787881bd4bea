//! Who may sign in to the small installation: in a file that only we can read, because passwords are random.

use std::{
    fs::{self, OpenOptions},
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use anyhow::Context;

fn path(data_dir: &Path) -> PathBuf {
    data_dir.join("demo-sign-ins.txt")
}

/// What was written at the first start, for printing at every start.
pub fn read(data_dir: &Path) -> Option<String> {
    let path = path(data_dir);
    let text = fs::read_to_string(&path).ok()?;
    Some(format!("{text}(kept in {})", path.display()))
}

/// Keeps it, mode 0600.
///
/// # Errors
/// When the data directory is not writable.
pub fn write(data_dir: &Path, text: &str) -> anyhow::Result<()> {
    let path = path(data_dir);
    let _ = fs::remove_file(&path);
    fs::create_dir_all(data_dir)
        .and_then(|()| OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path))
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .with_context(|| format!("LATCHKEY_DATA_DIR: {} cannot be written", path.display()))
}
