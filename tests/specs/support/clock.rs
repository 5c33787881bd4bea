//! The clock of a process, as a spec sets it while the process runs: `libfaketime`, which bin/test brings.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use super::database::scratch;

/// Which of its clocks a process sees moved.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Moves {
    /// All of them, as when that time has passed.
    Time,
    /// What a clock on the wall shows, as when somebody sets it.
    Wall,
}

/// A clock. It goes on by itself, from wherever it is set.
pub struct Clock {
    dir: PathBuf,
    settings: Vec<(&'static str, String)>,
}

impl Clock {
    pub fn new(moves: Moves) -> Self {
        let dir = scratch("clock");
        fs::create_dir_all(&dir).unwrap();
        let preload =
            if cfg!(target_os = "macos") { "DYLD_INSERT_LIBRARIES" } else { "LD_PRELOAD" };
        let mut settings = vec![
            (preload, library().to_string_lossy().into_owned()),
            ("FAKETIME_TIMESTAMP_FILE", dir.join("set").to_string_lossy().into_owned()),
            ("FAKETIME_NO_CACHE", "1".into()),
            ("FAKETIME_DISABLE_SHM", "1".into()),
            ("NO_FAKE_STAT", "1".into()),
        ];
        if moves == Moves::Wall {
            settings.push(("FAKETIME_DONT_FAKE_MONOTONIC", "1".into()));
        }
        let clock = Self { dir, settings };
        clock.set(0);
        clock
    }

    /// What a process has to be started with.
    pub fn settings(&self) -> Vec<(&str, &str)> {
        self.settings.iter().map(|(name, value)| (*name, value.as_str())).collect()
    }

    /// So many seconds from the real time.
    pub fn set(&self, seconds: i64) {
        // It is read whenever somebody looks at the clock, so it must never be there in part.
        let new = self.dir.join("new");
        fs::write(&new, format!("{seconds:+}\n")).unwrap();
        fs::rename(&new, self.dir.join("set")).unwrap();
    }
}

impl Drop for Clock {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.dir);
    }
}

/// What bin/test brings.
fn library() -> PathBuf {
    let by_homebrew = ["/opt/homebrew", "/usr/local"]
        .map(|prefix| Path::new(prefix).join("lib/faketime/libfaketimeMT.1.dylib"));
    preloadable("faketime/libfaketimeMT.so.1")
        .or_else(|| by_homebrew.into_iter().find(|path| path.is_file()))
        .expect("libfaketime is missing; bin/test brings it")
}

/// A library that stands between a process and its system. Debian has those in a directory that is named after the
/// processor; bin/test may have unpacked it.
pub fn preloadable(name: &str) -> Option<PathBuf> {
    let unpacked = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tools/usr/lib");
    let roots = [PathBuf::from("/usr/lib"), unpacked];
    let below = roots.iter().flat_map(|root| fs::read_dir(root).into_iter().flatten().flatten());
    let of_a_processor = below.map(|entry| entry.path());
    roots
        .iter()
        .cloned()
        .chain(of_a_processor)
        .map(|dir| dir.join(name))
        .find(|path| path.is_file())
}
