//! Logins: PLAIN (RFC 4616), SCRAM-SHA-256 and SCRAM-SHA-512 (RFC 5802, RFC 7677), and OAUTHBEARER (RFC 7628)
//! with unsecured tokens.
//!
//! A [`Login`] holds the settings. An [`Exchange`] is one login over one connection: it computes the messages
//! to send from the messages received, and does no I/O.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD as BASE64, BASE64_URL_SAFE_NO_PAD};
use ring::rand::{SecureRandom as _, SystemRandom};
use ring::{digest, hmac, pbkdf2};
use serde_json::json;
use types::Timestamp;

use super::options::Properties;
use crate::log::LogError;
use crate::log::kafka::settings::setting;

/// Minimum of rounds that RFC 7677 requires, so that a man in the middle cannot learn a password cheaply.
const ROUNDS_MIN: u32 = 4096;
/// Maximum of rounds. A server that asks for more would keep this client busy.
const ROUNDS_MAX: u32 = 10_000_000;
/// Lifetime of an unsecured token, in seconds.
const TOKEN_SECONDS: u64 = 3600;

/// Credentials and mechanism of a login.
#[derive(Clone)]
pub(super) enum Login {
    Plain {
        user: String,
        password: String,
    },
    Scram {
        user: String,
        password: String,
        hash: Hash,
    },
    /// An unsigned token, for brokers that trust their network.
    UnsecuredToken {
        claims: BTreeMap<String, String>,
    },
}

/// The hash function of a SCRAM login.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hash {
    Sha256,
    Sha512,
}

impl Login {
    /// Decodes `sasl.*`. Fails with [`LogError::Setting`] where a property is missing or not supported.
    pub fn new(properties: &BTreeMap<String, String>) -> Result<Login, LogError> {
        let of = Properties(properties);
        let mechanism = of.get("sasl.mechanism").or(of.get("sasl.mechanisms")).unwrap_or("GSSAPI");
        let needed = |name: &str| {
            let value = of.get(name).map(str::to_owned);
            value.ok_or_else(|| {
                setting(&format!("`sasl.mechanism` = {mechanism} needs `{name}`, which is not set"))
            })
        };

        match mechanism {
            "PLAIN" => {
                Ok(Login::Plain { user: needed("sasl.username")?, password: needed("sasl.password")? })
            }
            "SCRAM-SHA-256" | "SCRAM-SHA-512" => Ok(Login::Scram {
                user: needed("sasl.username")?,
                password: needed("sasl.password")?,
                hash: if mechanism == "SCRAM-SHA-256" { Hash::Sha256 } else { Hash::Sha512 },
            }),
            "OAUTHBEARER" if of.boolean("enable.sasl.oauthbearer.unsecure.jwt", false)? => {
                let config = of.text("sasl.oauthbearer.config", "");
                let pairs = config.split_whitespace().filter_map(|pair| pair.split_once('='));
                let claims: BTreeMap<_, _> =
                    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
                if !claims.contains_key("principal") {
                    return Err(setting("`sasl.oauthbearer.config` has no `principal=…`"));
                }
                Ok(Login::UnsecuredToken { claims })
            }
            _ => Err(setting(&format!(
                "`sasl.mechanism` = {mechanism} is not supported: PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, or OAUTHBEARER with \
                 `enable.sasl.oauthbearer.unsecure.jwt` = true"
            ))),
        }
    }

    /// Returns the name of the mechanism on the wire.
    pub fn mechanism(&self) -> &'static str {
        match self {
            Login::Plain { .. } => "PLAIN",
            Login::Scram { hash: Hash::Sha256, .. } => "SCRAM-SHA-256",
            Login::Scram { hash: Hash::Sha512, .. } => "SCRAM-SHA-512",
            Login::UnsecuredToken { .. } => "OAUTHBEARER",
        }
    }

    /// Begins a login. Returns the exchange and the first message. A token is valid from `now` on.
    pub fn begin(&self, now: Timestamp) -> Result<(Exchange, Vec<u8>), String> {
        match self {
            Login::Plain { user, password } => {
                Ok((Exchange::LastAnswer, format!("\0{user}\0{password}").into_bytes()))
            }
            Login::Scram { user, password, hash } => {
                let mut nonce = [0; 24];
                SystemRandom::new().fill(&mut nonce).map_err(|_| "the system provides no random numbers")?;
                let scram = Scram::new(*hash, user, password, &BASE64.encode(nonce));
                let first = format!("n,,{}", scram.client_first).into_bytes();
                Ok((Exchange::Scram(scram), first))
            }
            Login::UnsecuredToken { claims } => {
                let now = u64::try_from(now.0 / 1_000).unwrap_or(0);
                let first = format!("n,,\u{1}auth=Bearer {}\u{1}\u{1}", unsecured_token(claims, now));
                Ok((Exchange::LastAnswer, first.into_bytes()))
            }
        }
    }
}

/// One login over one connection.
pub(super) enum Exchange {
    /// The broker's next answer ends the login.
    LastAnswer,
    Scram(Scram),
    /// The proof is sent. The broker must prove in turn that it knows the password.
    ScramFinal {
        server_signature: Vec<u8>,
    },
}

impl Exchange {
    /// Consumes an answer and returns the next message, or `None` at the end of the login.
    ///
    /// Fails with a reason where the answer is wrong.
    pub fn step(self, answer: &[u8]) -> Result<Option<(Exchange, Vec<u8>)>, String> {
        match self {
            // A broker answers a refused token with the reason.
            Exchange::LastAnswer if answer.is_empty() => Ok(None),
            Exchange::LastAnswer => Err(String::from_utf8_lossy(answer).into_owned()),
            Exchange::Scram(scram) => {
                let (proof, server_signature) = scram.prove(answer)?;
                Ok(Some((Exchange::ScramFinal { server_signature }, proof)))
            }
            Exchange::ScramFinal { server_signature } => {
                let told = std::str::from_utf8(answer).ok().and_then(|text| attribute(text, "v"));
                let told = told.and_then(|signature| BASE64.decode(signature).ok());
                if told.as_deref() == Some(&server_signature) {
                    Ok(None)
                } else {
                    Err("the broker has not proved that it knows the password".to_owned())
                }
            }
        }
    }
}

/// The client's side of SCRAM.
pub(super) struct Scram {
    hash: Hash,
    password: String,
    nonce: String,
    /// `client-first-message-bare` of RFC 5802.
    client_first: String,
}

impl Scram {
    fn new(hash: Hash, user: &str, password: &str, nonce: &str) -> Scram {
        // Names escape the two characters that separate attributes.
        let user = user.replace('=', "=3D").replace(',', "=2C");
        let client_first = format!("n={user},r={nonce}");
        Scram { hash, password: password.to_owned(), nonce: nonce.to_owned(), client_first }
    }

    /// Returns the final message, and the signature by which the server must prove itself.
    fn prove(&self, server_first: &[u8]) -> Result<(Vec<u8>, Vec<u8>), String> {
        let server_first = std::str::from_utf8(server_first).map_err(|_| "the challenge is not text")?;
        let part = |name| attribute(server_first, name).ok_or(format!("the challenge has no `{name}`"));
        let nonce = part("r")?;
        if !nonce.starts_with(&self.nonce) || nonce.len() == self.nonce.len() {
            return Err("the challenge does not match the client's nonce".to_owned());
        }
        let salt = BASE64.decode(part("s")?).map_err(|_| "the salt is not base64")?;
        let rounds: u32 = part("i")?.parse().map_err(|_| "the number of rounds is not a number")?;
        let rounds = Some(rounds).filter(|rounds| (ROUNDS_MIN..=ROUNDS_MAX).contains(rounds));
        let rounds = rounds.and_then(NonZeroU32::new).ok_or("the number of rounds is out of range")?;

        let (mac, pbkdf2, digest) = match self.hash {
            Hash::Sha256 => (hmac::HMAC_SHA256, pbkdf2::PBKDF2_HMAC_SHA256, &digest::SHA256),
            Hash::Sha512 => (hmac::HMAC_SHA512, pbkdf2::PBKDF2_HMAC_SHA512, &digest::SHA512),
        };
        let sign = |key: &[u8], text: &[u8]| hmac::sign(&hmac::Key::new(mac, key), text);
        let mut salted = vec![0; digest.output_len()];
        pbkdf2::derive(pbkdf2, rounds, &salt, self.password.as_bytes(), &mut salted);

        // `biws` is `n,,` in base64: no channel binding.
        let without_proof = format!("c=biws,r={nonce}");
        let signed = format!("{},{server_first},{without_proof}", self.client_first);
        let client_key = sign(&salted, b"Client Key");
        let stored_key = digest::digest(digest, client_key.as_ref());
        let signature = sign(stored_key.as_ref(), signed.as_bytes());
        let proof: Vec<u8> =
            client_key.as_ref().iter().zip(signature.as_ref()).map(|(key, sign)| key ^ sign).collect();

        let server_key = sign(&salted, b"Server Key");
        let server_signature = sign(server_key.as_ref(), signed.as_bytes());
        let last = format!("{without_proof},p={}", BASE64.encode(proof));
        Ok((last.into_bytes(), server_signature.as_ref().to_vec()))
    }
}

/// Returns the value of `name=value` among attributes separated by commas.
fn attribute<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.split(',').find_map(|part| part.strip_prefix(name)?.strip_prefix('='))
}

/// Returns a JWT without a signature (RFC 7515, `alg` = `none`), as librdkafka builds it from
/// `sasl.oauthbearer.config`: `principal`, `scope`, `lifeSeconds`; `extension_…` becomes no claim.
fn unsecured_token(claims: &BTreeMap<String, String>, now: u64) -> String {
    let seconds = claims.get("lifeSeconds").and_then(|seconds| seconds.parse().ok()).unwrap_or(TOKEN_SECONDS);
    let name = claims.get("principalClaimName").map_or("sub", String::as_str);
    let mut body = json!({ "iat": now, "exp": now.saturating_add(seconds) });
    if let Some(principal) = claims.get("principal") {
        body[name] = principal.as_str().into();
    }
    if let Some(scope) = claims.get("scope") {
        let name = claims.get("scopeClaimName").map_or("scope", String::as_str);
        body[name] = scope.split(',').collect::<Vec<_>>().into();
    }
    let encode = |text: String| BASE64_URL_SAFE_NO_PAD.encode(text);
    format!("{}.{}.", encode(r#"{"alg":"none"}"#.to_owned()), encode(body.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 7677, section 3.
    #[test]
    fn the_example_of_the_rfc_is_reproduced() {
        let scram = Scram::new(Hash::Sha256, "user", "pencil", "rOprNGfwEbeRWgbNEkqO");
        assert_eq!(scram.client_first, "n=user,r=rOprNGfwEbeRWgbNEkqO");
        let challenge =
            b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
        let (proof, signature) = scram.prove(challenge).unwrap();
        assert_eq!(
            String::from_utf8(proof).unwrap(),
            "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
        );

        let last = Exchange::ScramFinal { server_signature: signature };
        assert!(last.step(b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=").unwrap().is_none());
    }

    #[test]
    fn challenges_that_are_wrong_are_refused() {
        let scram = Scram::new(Hash::Sha512, "a=b,c", "x", "abc");
        assert_eq!(scram.client_first, "n=a=3Db=2Cc,r=abc");
        for challenge in [
            "r=abc,s=eA==,i=4096",
            "r=other,s=eA==,i=4096",
            "r=abcd,s=?,i=4096",
            "r=abcd,s=eA==,i=1",
            "r=abcd,s=eA==",
            "",
        ] {
            assert!(scram.prove(challenge.as_bytes()).is_err(), "{challenge}");
        }
        let last = Exchange::ScramFinal { server_signature: vec![1] };
        assert!(last.step(b"v=AA==").is_err(), "another server");
    }

    #[test]
    fn an_unsecured_token_says_who_it_is_of() {
        let claims = [("principal", "weir"), ("scope", "a,b"), ("lifeSeconds", "60")];
        let claims = claims.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let token = unsecured_token(&claims, 1_000);
        let parts: Vec<&str> = token.split('.').collect();
        let body = BASE64_URL_SAFE_NO_PAD.decode(parts[1]).unwrap();
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(body, json!({ "sub": "weir", "iat": 1_000, "exp": 1_060, "scope": ["a", "b"] }));
        assert_eq!((parts.len(), parts[2]), (3, ""));
    }

    #[test]
    fn what_a_login_needs_is_named() {
        let login = |of: &[(&str, &str)]| {
            let of = of.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            Login::new(&of).map(|login| login.mechanism()).map_err(|error| error.to_string())
        };
        let user = [("sasl.username", "u"), ("sasl.password", "p")];
        assert_eq!(login(&[&[("sasl.mechanism", "PLAIN")], &user[..]].concat()), Ok("PLAIN"));
        assert_eq!(
            login(&[&[("sasl.mechanisms", "SCRAM-SHA-512")], &user[..]].concat()),
            Ok("SCRAM-SHA-512")
        );
        assert!(login(&[("sasl.mechanism", "PLAIN")]).unwrap_err().contains("sasl.username"));
        assert!(login(&[]).unwrap_err().contains("GSSAPI"));
        assert!(login(&[("sasl.mechanism", "OAUTHBEARER")]).unwrap_err().contains("unsecure"));
    }
}
