//! The API behind the gateway. It tells what reached it.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread::{self, JoinHandle},
};

use actix_web::{
    App, HttpRequest, HttpResponse, HttpServer,
    dev::ServerHandle,
    rt,
    web::{self, Payload},
};
use futures_util::StreamExt;
use serde_json::json;

pub struct Api {
    pub address: SocketAddr,
    calls: Arc<AtomicUsize>,
    handle: ServerHandle,
    thread: Option<JoinHandle<()>>,
}

impl Api {
    pub fn start() -> Self {
        let calls = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&calls);
        let (started, starts) = mpsc::channel();
        let thread = thread::spawn(move || {
            rt::System::new().block_on(async move {
                let server = HttpServer::new(move || {
                    let calls = web::Data::from(Arc::clone(&counted));
                    App::new().app_data(calls).default_service(web::to(tell))
                });
                let server = server.workers(1).disable_signals().bind("127.0.0.1:0").unwrap();
                let address = server.addrs()[0];
                let server = server.run();
                started.send((address, server.handle())).unwrap();
                server.await.unwrap();
            });
        });
        let (address, handle) = starts.recv().unwrap();
        Self { address, calls, handle, thread: Some(thread) }
    }

    /// How many requests reached it.
    pub fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }
}

impl Drop for Api {
    fn drop(&mut self) {
        let stop = self.handle.stop(false);
        let _ = thread::spawn(move || rt::System::new().block_on(stop)).join();
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

async fn tell(
    calls: web::Data<AtomicUsize>,
    request: HttpRequest,
    mut body: Payload,
) -> HttpResponse {
    calls.fetch_add(1, Ordering::SeqCst);
    let mut length = 0;
    while let Some(chunk) = body.next().await {
        length += chunk.unwrap().len();
    }
    let headers: Vec<(&str, String)> = request
        .headers()
        .iter()
        .map(|(name, value)| {
            (name.as_str(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        })
        .collect();
    HttpResponse::Ok().json(json!({
        "method": request.method().as_str(),
        "uri": request.uri().to_string(),
        "length": length,
        "headers": headers,
    }))
}
