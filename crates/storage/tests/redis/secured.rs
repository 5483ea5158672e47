//! A Redis that speaks TLS.

use storage::store::{ResultStore as _, Upsert, WriteBatch};

use crate::Stage;
use crate::tls::Certificate;

#[test]
fn tls_is_spoken_with_those_that_are_trusted() {
    let certificate = Certificate::new();
    let path = |path: std::path::PathBuf| path.display().to_string();
    let (of, key) = (path(certificate.certificate()), path(certificate.key()));
    let port = crate::servers::free_port().to_string();
    let arguments = [
        "--tls-port",
        &port,
        "--tls-cert-file",
        &of,
        "--tls-key-file",
        &key,
        "--tls-ca-cert-file",
        &of,
        "--tls-auth-clients",
        "no",
    ];
    let Some(stage) = Stage::new(&arguments) else { return };
    let url = format!("rediss://localhost:{port}");
    let row = || Upsert {
        key: "analytics:a".into(),
        value: b"1"[..].into(),
        ttl: std::time::Duration::from_secs(60),
    };
    let batch = WriteBatch { upserts: vec![row()], notification: None };
    let stranger = stage.open_with(url.clone(), None);
    assert!(stranger.write(&batch).is_err(), "a certificate that nobody trusts");
    drop(stranger);
    let store = stage.open_with(url, Some(std::fs::read(certificate.certificate()).unwrap()));
    store.write(&batch).unwrap();
    assert_eq!(stage.server.ask(&["GET", "analytics:a"]), "1");
}
