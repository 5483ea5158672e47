//! A Redis that uses TLS.

use storage::store::{ResultStore as _, Upsert, WriteBatch};

use crate::Stage;
use crate::tls::Certificate;

fn arguments(certificate: &Certificate, port: &str) -> Vec<String> {
    let path = |path: std::path::PathBuf| path.display().to_string();
    let (file, key) = (path(certificate.certificate()), path(certificate.key()));
    let arguments = ["--tls-port", port, "--tls-cert-file", &file, "--tls-key-file", &key];
    let more = ["--tls-ca-cert-file", &file, "--tls-auth-clients", "no"];
    arguments.into_iter().chain(more).map(str::to_owned).collect()
}

#[test]
fn the_nodes_of_a_cluster_are_trusted_by_the_same_certificates() {
    let certificate = Certificate::new();
    let port = crate::servers::free_port().to_string();
    let directory = tempfile::tempdir().unwrap();
    let mut arguments = arguments(&certificate, &port);
    let bus = crate::servers::free_port().to_string();
    let cluster = [
        "--cluster-enabled",
        "yes",
        "--tls-cluster",
        "yes",
        "--cluster-port",
        &bus,
        "--dir",
        directory.path().to_str().unwrap(),
    ];
    arguments.extend(cluster.map(str::to_owned));
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let Some(stage) = Stage::new(&arguments) else { return };

    stage.server.ask(&["CLUSTER", "ADDSLOTSRANGE", "0", "16383"]);
    for scheme in ["rediss", "rediss-cluster"] {
        let certificates = Some(std::fs::read(certificate.certificate()).unwrap());
        let store = stage.copies.open_with(scheme, format!("{scheme}://localhost:{port}"), certificates);
        crate::insist(&store, &crate::batch(&[("analytics:a", scheme), ("analytics:b", scheme)], crate::T));
        assert_eq!(stage.server.ask(&["GET", "analytics:a"]), scheme);
        assert_eq!(crate::scanned(&store).len(), 3);
    }
}

#[test]
fn tls_is_spoken_with_those_that_are_trusted() {
    let certificate = Certificate::new();
    let port = crate::servers::free_port().to_string();
    let arguments = arguments(&certificate, &port);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let Some(stage) = Stage::new(&arguments) else { return };
    let url = format!("rediss://localhost:{port}");
    let row = || Upsert {
        key: "analytics:a".into(),
        value: b"1"[..].into(),
        ttl: std::time::Duration::from_secs(60),
    };
    let batch = WriteBatch { upserts: vec![row()], ..WriteBatch::default() };
    let stranger = stage.open_with(url.clone(), None);
    assert!(stranger.write(&batch).is_err(), "a certificate that nobody trusts");
    drop(stranger);
    let store = stage.open_with(url, Some(std::fs::read(certificate.certificate()).unwrap()));
    store.write(&batch).unwrap();
    assert_eq!(stage.server.ask(&["GET", "analytics:a"]), "1");
}
