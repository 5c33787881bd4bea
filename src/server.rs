//! The running program: what is started, in which order it ends.

use std::{
    fs,
    io::{self, Write},
    net::SocketAddr,
    path::Path,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use actix_http::{HttpService, Protocol, error::DispatchError};
use actix_service::{IntoServiceFactory, ServiceFactoryExt, fn_service, map_config};
use actix_web::{
    HttpResponse, HttpResponseBuilder,
    cookie::Key,
    dev::{AppConfig, Server, ServerHandle},
    middleware::from_fn,
    rt::{self, net::TcpStream},
    web::{self, Data, ServiceConfig},
};
use actix_web_lab::middleware::CatchPanic;
use anyhow::Context;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use futures_util::future::{Either, select};
use url::Url;

use crate::{
    app::{self, App},
    clock,
    config::Config,
    db::Db,
    jobs, leaks, logs, metrics,
    notices::Outside,
    punctual::Punctual,
    self_service::Doors,
    sign_in::Throttle,
    usage::Recorder,
    users::{passwords, passwords::Passwords},
    verify::{self, Engine},
    web::{head::head_as_get, observe::observe},
};

/// Connections for the pages; verification has a few of its own.
const CONNECTIONS: u32 = 8;
/// How long we go on serving, no longer ready, after we were asked to end: balancers look every second or so, and send
/// nothing more once they have seen it.
const FAREWELL: Duration = Duration::from_secs(2);
/// How long requests under way may take after that.
const GRACE: u64 = 4;
/// How long a client may take to send the head of a request.
const HEAD_PATIENCE: Duration = Duration::from_secs(5);
/// How long a connection may be idle. Longer than nginx, Caddy and Envoy keep one of theirs unused by default: whoever
/// closes first must be the one who asks, or a question meets a connection that is just being closed.
const IDLE_PATIENCE: Duration = Duration::from_secs(75);
/// How long a client may take to close a connection after us.
const FAREWELL_OF_A_CONNECTION: Duration = Duration::from_secs(1);
/// So many connections may wait to be accepted, as after a balancer has moved everyone to this node.
const BACKLOG: i32 = 4096;

/// A server that listens and answers once its future runs.
pub struct Running {
    pub server: Server,
    /// Where it listens: the port may have been left to the system.
    pub address: SocketAddr,
    /// Where Prometheus asks, if it may.
    pub metrics_address: Option<SocketAddr>,
    pub stop: Stop,
}

/// Ends everything in order: readiness first, then requests under way, then what they left to be written.
#[derive(Clone)]
pub struct Stop {
    app: Data<App>,
    handle: ServerHandle,
    metrics: Option<metrics::Listening>,
    recorder: Recorder,
    jobs: jobs::Runner,
}

impl Running {
    /// Serves until `asked` is over, then ends in order; returns when everything is written. All of it is for one
    /// thread: what ends on another one is not there any more to say that it has ended.
    ///
    /// # Errors
    /// When the server fails by itself.
    pub async fn until(self, asked: impl Future<Output = ()>) -> io::Result<()> {
        let Self { server, stop, .. } = self;
        let ending = pin!(async {
            asked.await;
            stop.gracefully().await;
        });
        match select(server, ending).await {
            Either::Left((served, ending)) => {
                served?;
                ending.await;
                Ok(())
            }
            Either::Right(((), server)) => server.await,
        }
    }
}

impl Stop {
    /// Serves on for a moment, but says that it is ending: on `/readyz`, and by closing connections after their answer.
    async fn farewell(&self) {
        self.app.is_stopping.store(true, Ordering::Release);
        rt::time::sleep(FAREWELL).await;
    }

    /// Ends the server; returns when everything is written.
    async fn gracefully(&self) {
        self.app.is_stopping.store(true, Ordering::Release);
        let jobs = self.jobs.clone();
        let jobs = rt::task::spawn_blocking(move || jobs.stop());
        self.handle.stop(true).await;
        if let Some(metrics) = &self.metrics {
            metrics.stop().await;
        }
        let (engine, recorder) = (self.app.engine.clone(), self.recorder.clone());
        let ended = rt::task::spawn_blocking(move || {
            engine.stop();
            // Both at once: whoever ends us waits ten seconds for everything.
            std::thread::scope(|scope| {
                scope.spawn(|| engine.log().stop());
                recorder.stop();
            });
        });
        if let Err(error) = jobs.await {
            tracing::error!(%error, "the last jobs are handed on when they are missed");
        }
        if let Err(error) = ended.await {
            tracing::error!(%error, "the last counts may be missing");
        }
    }

    /// For specs: what the server is made of.
    pub fn app(&self) -> &Data<App> {
        &self.app
    }

    /// For specs and the page of a key: writes now what is counted.
    pub fn recorder(&self) -> &Recorder {
        &self.recorder
    }
}

/// Starts to listen.
///
/// # Errors
/// When the address is taken or the settings cannot be used; the error names the variable.
pub fn start(mut config: Config, database_url: &str) -> anyhow::Result<Running> {
    let session_key = match config.session_key.take() {
        Some(key) => key,
        None => kept_session_key(&config.data_dir)?,
    };
    let listener = std::net::TcpListener::bind(config.listen)
        .with_context(|| format!("LATCHKEY_LISTEN: {} cannot be listened on", config.listen))?;
    let address = listener.local_addr()?;
    // Once more: the standard library asks for a queue of 128.
    rustix::net::listen(&listener, BACKLOG)?;
    config.listen = address;
    let recorder = Recorder::start(database_url)?;
    let log = logs::Log::start(database_url)?;
    let engine = Engine::start(&config, database_url, recorder.clone(), log)?;
    let node = config.node_name.clone().unwrap_or_else(|| address.to_string());
    let outside = Arc::new(Outside::of(&config, &session_key)?);
    let jobs =
        jobs::Runner::start(database_url, node.clone(), engine.clone(), Arc::clone(&outside))?;
    let metrics =
        config.metrics_listen.map(|at| metrics::listen(at, node, engine.clone(), jobs.clone()));
    let metrics = metrics.transpose()?;
    let app = Data::new(App {
        db: Db::open(database_url, CONNECTIONS)?,
        config,
        session_key,
        throttle: Throttle::default(),
        passwords: Passwords::default(),
        engine,
        leaks: leaks::Door::default(),
        doors: Doors::default(),
        outside,
        is_stopping: AtomicBool::new(false),
    });
    let shared = app.clone();
    std::thread::Builder::new().name("warm-up".into()).spawn(passwords::warm_up)?;
    let builder = Server::build().shutdown_timeout(GRACE).disable_signals();
    let ending = builder.graceful_shutdown_signal();
    let server = builder
        .listen("latchkey", listener, move || {
            let ending = ending.clone();
            let pages = shared.clone();
            let app = actix_web::App::new()
                .app_data(shared.clone())
                // Apart: it has its own way of standing around requests.
                .configure(verify::configure)
                .service(
                    web::scope("")
                        .configure(health)
                        .configure(app::configure(&pages))
                        .wrap(CatchPanic::default())
                        .wrap(from_fn(head_as_get))
                        .wrap(from_fn(observe)),
                );
            let http = HttpService::build()
                .graceful_shutdown_signal(move || {
                    let ending = ending.clone();
                    async move { ending.notified().await }
                })
                .client_request_timeout(HEAD_PATIENCE)
                .client_disconnect_timeout(FAREWELL_OF_A_CONNECTION)
                .keep_alive(IDLE_PATIENCE)
                .local_addr(address)
                .finish(map_config(verify::in_front(shared.clone(), app.into_factory()), |_| {
                    AppConfig::default()
                }));
            fn_service(async |stream: TcpStream| Ok::<_, DispatchError>(punctual(stream)))
                .and_then(http)
        })?
        .run();
    let metrics_address = metrics.as_ref().map(|metrics| metrics.address);
    let stop = Stop { app, handle: server.handle(), metrics, recorder, jobs };
    Ok(Running { server, address, metrics_address, stop })
}

/// What actix makes of a connection, with a client that comes to the point.
fn punctual(stream: TcpStream) -> (Punctual<TcpStream>, Protocol, Option<SocketAddr>) {
    // Or the end of a page waits 40 ms for the client to acknowledge its beginning.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection waits for acknowledgements");
    }
    let peer = stream.peer_addr().ok();
    (Punctual::new(stream, HEAD_PATIENCE, IDLE_PATIENCE + HEAD_PATIENCE), Protocol::Http1, peer)
}

/// Serves until the process is asked to end. `announce` is told the address when requests are answered.
///
/// # Errors
/// As [`start`].
pub fn serve(
    config: Config,
    database_url: &str,
    announce: impl FnOnce(&Url),
) -> anyhow::Result<()> {
    allow_many_connections();
    rt::System::new().block_on(async {
        let base_url = config.base_url();
        let running = start(config, database_url)?;
        announce(&base_url);
        let stop = running.stop.clone();
        let asked = async move {
            let asker = asked_to_end().await;
            tracing::info!("asked to end: finishing what is under way");
            if asker == Asker::Supervisor {
                stop.farewell().await;
            }
        };
        Ok(running.until(asked).await?)
    })
}

/// Waits until the process is asked to end, for what is no server of ours.
pub fn until_asked_to_end() {
    rt::System::new().block_on(asked_to_end());
}

/// Who wants us to end.
#[derive(PartialEq, Eq)]
enum Asker {
    /// SIGTERM: others may be sending us requests that have to go elsewhere first.
    Supervisor,
    /// SIGINT: somebody at a terminal, who is waiting for it.
    Person,
}

async fn asked_to_end() -> Asker {
    use rt::signal::unix::{SignalKind, signal};
    let (Ok(mut terminate), Ok(mut interrupt)) =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        tracing::error!("signals cannot be heard: only kill -9 will end this process");
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => Asker::Supervisor,
        _ = interrupt.recv() => Asker::Person,
    }
}

/// Each connection is an open file, and the usual limit of 1024 is there for programs that use `select`. The system
/// lets us have more without asking anybody.
fn allow_many_connections() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }) {
        tracing::warn!(%error, "the limit of open files stays as it is, and with it that of connections");
    }
}

/// For whoever watches over the process; without names, so under any host.
fn health(cfg: &mut ServiceConfig) {
    cfg.service(web::resource("/healthz").get(async || plain(HttpResponse::Ok(), "ok\n")))
        .service(web::resource("/readyz").get(ready));
}

/// Whether requests should be sent here: Postgres answers, also to whoever looks up keys, and has our time, and we
/// aren't ending.
async fn ready(app: Data<App>) -> HttpResponse {
    if app.is_stopping.load(Ordering::Acquire) {
        return plain(HttpResponse::ServiceUnavailable(), "ending\n");
    }
    match rt::time::timeout(Duration::from_millis(800), app.db.read(clock::apart)).await {
        Ok(Ok(apart)) => match clock::complaint(apart) {
            None if !app.engine.can_look_up() => {
                plain(HttpResponse::ServiceUnavailable(), "keys cannot be looked up yet\n")
            }
            None => plain(HttpResponse::Ok(), "ready\n"),
            Some(complaint) => plain(HttpResponse::ServiceUnavailable(), complaint + "\n"),
        },
        _ => plain(HttpResponse::ServiceUnavailable(), "Postgres does not answer\n"),
    }
}

fn plain(mut response: HttpResponseBuilder, words: impl Into<String>) -> HttpResponse {
    response.content_type("text/plain; charset=utf-8").body(words.into())
}

/// The key in the data directory, made at the first start.
fn kept_session_key(data_dir: &Path) -> anyhow::Result<Key> {
    let path = data_dir.join("session-key");
    let unusable = || {
        format!("LATCHKEY_SESSION_KEY is not set, and {} cannot be used instead", path.display())
    };
    if let Ok(kept) = fs::read_to_string(&path) {
        let bytes = STANDARD.decode(kept.trim()).with_context(unusable)?;
        return Key::try_from(bytes.as_slice()).ok().with_context(unusable);
    }
    let key = Key::generate();
    fs::create_dir_all(data_dir).with_context(unusable)?;
    let mut file = private_file(&path).with_context(unusable)?;
    file.write_all(STANDARD.encode(key.master()).as_bytes()).with_context(unusable)?;
    Ok(key)
}

fn private_file(path: &Path) -> std::io::Result<fs::File> {
    use std::os::unix::fs::OpenOptionsExt;
    fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}
