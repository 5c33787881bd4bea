//! Webhooks over https, as the world has them: encrypted, to whom the certificate is for, and whom the machine trusts.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use base64::{Engine, engine::general_purpose::STANDARD};

use super::{add_ada, ask, receiver::Receiver, sign_in, until, webhooks::add};
use crate::support::{
    Program,
    database::{SpecDatabase, scratch},
};

/// What speaks TLS in front of a receiver, with a certificate for `localhost` by an authority of its own.
struct Front {
    port: u16,
    child: Child,
    dir: PathBuf,
}

impl Front {
    fn before(receiver: &Receiver) -> Self {
        let dir = scratch("tls");
        fs::create_dir_all(&dir).unwrap();
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut child = Command::new(root.join("target/mail/bin/python"))
            .arg(root.join("tests/specs/sending/tls_front.py"))
            .arg(&dir)
            .arg(receiver.address.port().to_string())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("trustme cannot be run, bin/test brings it: {error}"));
        let mut first = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut first).unwrap();
        let port = first.trim().parse().expect("the front says where it listens");
        Self { port, child, dir }
    }

    fn authority(&self) -> String {
        self.dir.join("ca.pem").to_string_lossy().into_owned()
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.dir);
    }
}

#[actix_web::test]
async fn it_is_told_only_to_whom_the_certificate_is_for_and_whom_the_machine_trusts() {
    let database = SpecDatabase::create();
    let conn = &mut database.connect();
    add_ada(conn);
    let receiver = Receiver::start();
    let front = Front::before(&receiver);
    // The same each time, or nothing could be signed after a restart.
    let session_key = STANDARD.encode([1; 64]);
    let serve = |trusted: &str| {
        let settings = [
            ("LATCHKEY_WEBHOOKS_MAY_CALL_PRIVATE", "yes"),
            ("LATCHKEY_SESSION_KEY", &session_key),
            ("SSL_CERT_FILE", trusted),
        ];
        Program::serve_with(&database.url, &settings)
    };
    // What came of each delivery's first attempt, once there are so many.
    let mut tried = |webhook: &str, count: usize| {
        let sql = format!(
            "select coalesce(error, '') as text from webhook_attempts \
             join webhook_deliveries d on d.id = delivery_id \
             where webhook_id = {webhook} and number = 1 order by d.id"
        );
        until("it is tried", || Some(ask(conn, &sql)).filter(|errors| errors.len() == count))
    };

    let program = serve(&front.authority());
    let mut page = sign_in(&program).await;
    let url = format!("https://localhost:{}/latchkey", front.port);
    let (right, secret) = add(&mut page, &url, &["key_expires"]).await;
    page.post(&format!("/settings/webhooks/{right}/test"), &[]).await.assert_status(303);
    let received = receiver.has_received(1);
    assert!(received[0].is_signed_by(&secret));
    assert_eq!(received[0].headers["host"], format!("localhost:{}", front.port));
    assert_eq!(tried(&right, 1), [""]);

    // The same server under a name that its certificate is not for.
    let url = format!("https://127.0.0.1:{}/latchkey", front.port);
    let (wrong, _) = add(&mut page, &url, &["key_expires"]).await;
    page.post(&format!("/settings/webhooks/{wrong}/test"), &[]).await.assert_status(303);
    let errors = tried(&wrong, 1);
    assert!(errors[0].contains("could not be encrypted"), "{errors:?}");
    page.get(&format!("/settings/webhooks/{wrong}")).await.assert_shows("could not be encrypted");
    drop(program);

    // And where its authority is nobody's.
    let program = serve("/dev/null");
    let mut page = sign_in(&program).await;
    page.post(&format!("/settings/webhooks/{right}/test"), &[]).await.assert_status(303);
    let errors = tried(&right, 2);
    assert!(errors[1].contains("could not be encrypted"), "{errors:?}");
    assert_eq!(receiver.received().len(), 1, "it was told all the same");
}
