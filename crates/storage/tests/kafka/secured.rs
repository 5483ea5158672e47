//! A broker that uses TLS and authenticates clients.

use std::process::Command;

use storage::log::{EventLog as _, LogError, Start};

use crate::servers::kafka::KafkaServer;
use crate::tls::Certificate;
use crate::{all, append, bodies, open_with, read_all, reader, records};

const SCRAM_MODULE: &str = "org.apache.kafka.common.security.scram.ScramLoginModule required;";
const TOKEN_MODULE: &str = "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub=\"broker\";";

#[test]
fn tls_and_passwords_are_used() {
    let certificate = Certificate::new();
    let both = certificate.both();
    let login = "org.apache.kafka.common.security.plain.PlainLoginModule required user_weir=\"word\";";
    let settings = [
        ("listeners", "SASL_SSL://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}"),
        ("advertised.listeners", "SASL_SSL://127.0.0.1:{port}"),
        ("listener.security.protocol.map", "CONTROLLER:PLAINTEXT,SASL_SSL:SASL_SSL"),
        ("inter.broker.listener.name", "SASL_SSL"),
        ("sasl.enabled.mechanisms", "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER"),
        ("listener.name.sasl_ssl.scram-sha-256.sasl.jaas.config", SCRAM_MODULE),
        ("listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config", SCRAM_MODULE),
        ("listener.name.sasl_ssl.oauthbearer.sasl.jaas.config", TOKEN_MODULE),
        ("sasl.mechanism.inter.broker.protocol", "PLAIN"),
        (
            "listener.name.sasl_ssl.plain.sasl.jaas.config",
            &format!("{} user_broker=\"b\" username=\"broker\" password=\"b\";", login.trim_end_matches(';')),
        ),
        ("ssl.keystore.type", "PEM"),
        ("ssl.keystore.location", both.to_str().unwrap()),
        ("ssl.truststore.type", "PEM"),
        ("ssl.truststore.location", both.to_str().unwrap()),
    ];
    let Some(server) = KafkaServer::start(&settings) else { return };
    let trusted = certificate.certificate();
    let theirs = "org.apache.kafka.common.security.plain.PlainLoginModule required username=\"weir\" password=\"word\";";
    let with = |login: &'static str| {
        open_with(
            &server,
            &[
                ("security.protocol", "SASL_SSL"),
                ("sasl.mechanism", "PLAIN"),
                ("sasl.jaas.config", login),
                ("ssl.truststore.type", "PEM"),
                ("ssl.truststore.location", trusted.to_str().unwrap()),
            ],
        )
    };
    let log = with(theirs);
    log.create_topic("secured", 1).unwrap();
    append(&log, "secured", records(&["secret"])).unwrap();
    let read = bodies(read_all(&mut *reader(&log, "secured", &all(1, Start::Earliest))));
    assert_eq!(read, ["secret"]);
    let stranger = with("x required username=\"weir\" password=\"wrong\";");
    let error = stranger.partitions("secured").unwrap_err();
    assert!(matches!(error, LogError::Unreachable { .. } | LogError::Refused { .. }), "{error}");
    let plain = [("sasl.mechanism", "PLAIN"), ("sasl.username", "weir"), ("sasl.password", "word")];
    let blind = open_with(&server, &[&plain[..], &[("security.protocol", "SASL_SSL")]].concat());
    assert!(blind.partitions("secured").is_err(), "a certificate that nobody trusts");

    add_scram_users(&server, certificate.certificate().to_str().unwrap());
    let trust = [("security.protocol", "SASL_SSL"), ("ssl.ca.location", trusted.to_str().unwrap())];
    let user = [("sasl.username", "weir"), ("sasl.password", "word")];
    let token = [
        ("enable.sasl.oauthbearer.unsecure.jwt", "true"),
        ("sasl.oauthbearer.config", "principal=weir scope=read"),
    ];
    for (mechanism, login) in [("SCRAM-SHA-256", user), ("SCRAM-SHA-512", user), ("OAUTHBEARER", token)] {
        let log = open_with(&server, &[&trust[..], &login, &[("sasl.mechanism", mechanism)]].concat());
        let read = bodies(read_all(&mut *reader(&log, "secured", &all(1, Start::Earliest))));
        assert_eq!(read, ["secret"], "{mechanism}");
    }

    // The name in the certificate and its issuer are checked, unless the settings say otherwise.
    for (name, value) in
        [("ssl.endpoint.identification.algorithm", ""), ("enable.ssl.certificate.verification", "false")]
    {
        let log = open_with(&server, &[&trust[..], &plain, &[(name, value)]].concat());
        assert_eq!(bodies(read_all(&mut *reader(&log, "secured", &all(1, Start::Earliest)))), ["secret"]);
    }
}

/// Gives the user `weir` passwords for both kinds of SCRAM, with Kafka's own tool.
fn add_scram_users(server: &KafkaServer, trusted: &str) {
    let directory = tempfile::tempdir().expect("a directory");
    let settings = directory.path().join("admin.properties");
    let login = "org.apache.kafka.common.security.plain.PlainLoginModule required username=\"weir\" password=\"word\";";
    let text = format!(
        "security.protocol=SASL_SSL\nsasl.mechanism=PLAIN\nsasl.jaas.config={login}\nssl.truststore.type=PEM\n\
         ssl.truststore.location={trusted}\n"
    );
    std::fs::write(&settings, text).expect("it is written");
    let address = server.address();
    let file = settings.to_str().expect("a path");
    // Only one credential of a user may change at a time.
    for credential in ["SCRAM-SHA-256=[password=word]", "SCRAM-SHA-512=[iterations=5000,password=word]"] {
        let user = ["--alter", "--entity-type", "users", "--entity-name", "weir", "--add-config", credential];
        let arguments = [&["--bootstrap-server", &address, "--command-config", file], &user[..]].concat();
        server.tool("kafka.admin.ConfigCommand", &arguments);
    }
}

#[test]
fn a_client_shows_its_certificate_from_pem_and_from_pkcs_12() {
    let certificate = Certificate::new();
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();

    // Java's own tool creates the client's key.
    let keytool = |arguments: &[&str]| {
        let output = Command::new("keytool").args(arguments).output().expect("keytool comes with Java");
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stdout));
    };
    let store = path("client.p12");
    let of = ["-keystore", &store, "-storepass", "secret", "-alias", "weir"];
    let subject = ["-dname", "CN=weir", "-keyalg", "RSA", "-storetype", "PKCS12"];
    keytool(&[&["-genkeypair"], &subject[..], &of].concat());
    keytool(&[&["-exportcert", "-rfc", "-file", &path("client.pem")], &of[..]].concat());
    let both = [std::fs::read(path("client.pem")), std::fs::read(certificate.certificate())];
    let both: Vec<u8> = both.into_iter().flat_map(Result::unwrap).collect();
    std::fs::write(path("trusted.pem"), both).unwrap();

    let (own, trusted) = (certificate.both(), path("trusted.pem"));
    let settings = [
        ("listeners", "SSL://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}"),
        ("advertised.listeners", "SSL://127.0.0.1:{port}"),
        ("listener.security.protocol.map", "CONTROLLER:PLAINTEXT,SSL:SSL"),
        ("inter.broker.listener.name", "SSL"),
        ("ssl.client.auth", "required"),
        ("ssl.keystore.type", "PEM"),
        ("ssl.keystore.location", own.to_str().unwrap()),
        ("ssl.truststore.type", "PEM"),
        ("ssl.truststore.location", &trusted),
    ];
    let Some(server) = KafkaServer::start(&settings) else { return };
    let authority = certificate.certificate();
    let trust = [("security.protocol", "SSL"), ("ssl.ca.location", authority.to_str().unwrap())];
    let with = |identity: &[(&str, &str)]| open_with(&server, &[&trust[..], identity].concat());

    let (certificate_file, key_file) = (certificate.certificate(), certificate.key());
    let pem = [
        ("ssl.certificate.location", certificate_file.to_str().unwrap()),
        ("ssl.key.location", key_file.to_str().unwrap()),
    ];
    let log = with(&pem);
    log.create_topic("mutual", 1).unwrap();
    append(&log, "mutual", records(&["secret"])).unwrap();
    let pkcs12 = [
        ("ssl.keystore.type", "PKCS12"),
        ("ssl.keystore.location", store.as_str()),
        ("ssl.keystore.password", "secret"),
    ];
    for identity in [&pem[..], &pkcs12] {
        let log = with(identity);
        assert_eq!(bodies(read_all(&mut *reader(&log, "mutual", &all(1, Start::Earliest)))), ["secret"]);
    }
    assert!(with(&[]).partitions("mutual").is_err(), "a client without a certificate");
}
