//! The program's server, in a thread of this process.

use std::{
    fs,
    net::SocketAddr,
    path::PathBuf,
    sync::mpsc,
    thread::{self, JoinHandle},
};

use actix_web::rt;
use futures_util::FutureExt;
use latchkey::{
    config::Config,
    server::{self, Stop},
};
use tokio::sync::oneshot;

use super::database::scratch;

/// A server on a port of its own. It ends in order, as the program does, when this is dropped.
pub struct Served {
    pub address: SocketAddr,
    pub metrics_address: Option<SocketAddr>,
    /// What it is made of.
    pub stop: Stop,
    /// What ends it when it is dropped, and its thread.
    running: Option<(oneshot::Sender<()>, JoinHandle<()>)>,
    data_dir: PathBuf,
}

impl Served {
    /// With settings as the environment would give them.
    pub fn start(database_url: &str, settings: &[(&str, &str)]) -> Self {
        let data_dir = scratch("served");
        let config = Config::from(|name| match settings.iter().find(|(known, _)| *known == name) {
            Some((_, value)) => Some((*value).into()),
            None if name == "LATCHKEY_LISTEN" => Some("127.0.0.1:0".into()),
            None if name == "LATCHKEY_DATA_DIR" => data_dir.to_str().map(Into::into),
            None => None,
        });
        let config = config.expect("the settings are understood");
        let url = database_url.to_owned();
        let (started, starts) = mpsc::channel();
        let (end, asked) = oneshot::channel::<()>();
        let thread = thread::spawn(move || {
            rt::System::new().block_on(async move {
                let running = server::start(config, &url).expect("the server starts");
                started
                    .send((running.address, running.metrics_address, running.stop.clone()))
                    .expect("the spec waits for the server");
                running.until(asked.map(drop)).await.expect("the server ends well");
            });
        });
        let (address, metrics_address, stop) = starts.recv().expect("the server starts");
        Self { address, metrics_address, stop, running: Some((end, thread)), data_dir }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        if let Some((end, thread)) = self.running.take() {
            drop(end);
            let _ = thread.join();
        }
        let _ = fs::remove_dir_all(&self.data_dir);
    }
}
