//! A broker that speaks TLS and asks who is there.

use storage::log::{EventLog as _, LogError, Start};

use crate::servers::kafka::KafkaServer;
use crate::tls::Certificate;
use crate::{all, append, bodies, open_with, read_all, reader, records};

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
        ("sasl.enabled.mechanisms", "PLAIN"),
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
    let blind = open_with(&server, &[("security.protocol", "SASL_SSL"), ("sasl.mechanism", "PLAIN")]);
    assert!(blind.partitions("secured").is_err(), "a certificate that nobody trusts");
}
