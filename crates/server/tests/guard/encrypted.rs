//! TLS: clients that trust the certificate connect, and a new certificate is used as soon as it exists.

use std::path::Path;

use rustls::pki_types::{CertificateDer, ServerName};
use server::guard::{Guard, Options};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::*;

/// Returns a certificate for `localhost` and its key as PEM, and the root that a client trusts.
fn certificate() -> (String, String, CertificateDer<'static>) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    (made.cert.pem(), made.signing_key.serialize_pem(), made.cert.der().clone())
}

fn write(directory: &Path, certificate: &str, key: &str) {
    for (name, text) in [("certificate.pem", certificate), ("key.pem", key)] {
        let new = directory.join("new");
        std::fs::write(&new, text).expect("written");
        std::fs::rename(&new, directory.join(name)).expect("in place");
    }
}

/// Returns an answer over TLS from a server with this certificate; `None` where it has another.
async fn ask(address: std::net::SocketAddr, trusted: &CertificateDer<'static>) -> Option<String> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(trusted.clone()).expect("a certificate");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let mut config = config.expect("versions").with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
    let stream = TcpStream::connect(address).await.expect("a connection");
    let name = ServerName::try_from("localhost").expect("a name");
    let mut stream = connector.connect(name, stream).await.ok()?;
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
    stream
        .write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        .await
        .expect("sent");
    let mut answer = Vec::new();
    // Some connections end without a closing message.
    let _ = stream.read_to_end(&mut answer).await;
    Some(String::from_utf8(answer).expect("text"))
}

async fn until(address: std::net::SocketAddr, trusted: &CertificateDer<'static>) -> String {
    for _ in 0..3_000 {
        if let Some(answer) = ask(address, trusted).await {
            return answer;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the certificate is never in use");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_certificate_is_taken_over_and_a_broken_one_is_not() {
    let directory = tempfile::tempdir().expect("a directory");
    let (old, key, old_root) = certificate();
    write(directory.path(), &old, &key);
    let clock = Arc::new(ManualClock::at(NOW));
    let files = (directory.path().join("certificate.pem"), directory.path().join("key.pem"));
    let options = Options { tls: Some(files.clone()), ..Options::default() };
    let guard = Guard::new(options, Arc::clone(&clock) as _).expect("a guard");
    tokio::spawn(Arc::clone(&guard).keep());
    let weir = support::start_guarded(
        server::Options { header_timeout: Duration::from_secs(1), ..server::Options::default() },
        clock,
        Arc::clone(&guard),
        |_| {},
    )
    .await;
    let answer = ask(weir.address, &old_root).await.expect("trust");
    assert!(
        answer.starts_with("HTTP/1.1 200 ") && answer.contains("strict-transport-security: max-age="),
        "{answer}"
    );

    // A client that does not start TLS is disconnected, and gets no answer in plain text.
    let mut silent = TcpStream::connect(weir.address).await.expect("a connection");
    let mut clear = TcpStream::connect(weir.address).await.expect("a connection");
    clear.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").await.expect("sent");
    for stream in [&mut silent, &mut clear] {
        let mut told = Vec::new();
        let _ = tokio::time::timeout(Duration::from_secs(60), stream.read_to_end(&mut told))
            .await
            .expect("it is closed");
        assert!(!String::from_utf8_lossy(&told).contains("HTTP"));
    }

    let (new, new_key, new_root) = certificate();
    write(directory.path(), &new, &key);
    // Another key's certificate, which is unusable.
    write(directory.path(), "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", &key);
    let (third, third_key, third_root) = certificate();
    write(directory.path(), &third, &third_key);
    until(weir.address, &third_root).await;
    assert!(ask(weir.address, &old_root).await.is_none());
    // A token created after the broken files is known only once they were read.
    write(directory.path(), &new, "nonsense");
    guard.look_now();
    assert!(ask(weir.address, &third_root).await.is_some(), "the one before stays");
    write(directory.path(), &new, &new_key);
    guard.look_now();
    assert!(ask(weir.address, &new_root).await.is_some());
    std::fs::remove_file(&files.1).expect("removed");
    guard.look_now();
    assert!(ask(weir.address, &new_root).await.is_some());
}

#[test]
fn a_pair_that_cannot_be_used_is_told_at_the_start() {
    let directory = tempfile::tempdir().expect("a directory");
    let (one, key, _) = certificate();
    let (_, other, _) = certificate();
    let files = (directory.path().join("certificate.pem"), directory.path().join("key.pem"));
    let refusal = |certificate: &str, key: &str| {
        write(directory.path(), certificate, key);
        let options = Options { tls: Some(files.clone()), ..Options::default() };
        match Guard::new(options, Arc::new(SystemClock::new())) {
            Ok(_) => "none".to_owned(),
            Err(error) => error.to_string(),
        }
    };
    assert_eq!(refusal(&one, &key), "none");
    assert!(refusal(&one, &other).contains("cannot be used"));
    assert!(refusal("", &key).contains("contains no certificate"));
    assert!(refusal(&one, "").contains("key.pem"));
}
