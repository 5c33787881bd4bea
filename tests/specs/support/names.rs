//! Names of hosts, as a spec has them lead somewhere while a process runs: `nss_wrapper`, which bin/test brings.

use std::{
    cell::Cell,
    fs::{self, File},
    path::PathBuf,
    time::{Duration, SystemTime},
};

use super::{clock::preloadable, database::scratch};

/// What a process knows of names, and nothing else is asked.
pub struct Names {
    dir: PathBuf,
    library: String,
    hosts: String,
    /// How far ahead of the clock the last change is dated.
    seconds: Cell<u64>,
}

impl Names {
    pub fn new() -> Self {
        let dir = scratch("names");
        fs::create_dir_all(&dir).unwrap();
        let library =
            preloadable("libnss_wrapper.so").expect("nss_wrapper is missing; bin/test brings it");
        let (library, hosts) = (library.to_string_lossy().into(), dir.join("hosts"));
        Self { dir, library, hosts: hosts.to_string_lossy().into(), seconds: Cell::new(0) }
    }

    /// What a process has to be started with.
    pub fn settings(&self) -> [(&str, &str); 2] {
        [("LD_PRELOAD", &self.library), ("NSS_WRAPPER_HOSTS", &self.hosts)]
    }

    /// From now on the name leads to these addresses.
    pub fn lead(&self, name: &str, addresses: &[&str]) {
        let lines: String = addresses.iter().map(|address| format!("{address} {name}\n")).collect();
        let new = self.dir.join("new");
        fs::write(&new, lines).unwrap();
        // It is read again when it was changed in another second.
        self.seconds.set(self.seconds.get() + 1);
        let at = SystemTime::now() + Duration::from_secs(self.seconds.get());
        File::open(&new).unwrap().set_modified(at).unwrap();
        fs::rename(&new, &self.hosts).unwrap();
    }
}

impl Drop for Names {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.dir);
    }
}
