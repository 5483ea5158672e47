//! A token: a secret that its holder keeps, and the data that Weir stores about it.
//!
//! Weir stores only the SHA-256 of the secret. The secret is 160 random bits, which nobody finds by trying; a
//! slow hash, as for passwords, would only add time to every request
//! (docs/decisions/0015-who-may-do-what.md). The time of a lookup by hash does not tell how near a guess was.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use types::Timestamp;

use super::role::Role;

/// Prefix by which scanners and people recognise a secret.
pub const PREFIX: &str = "weir_";
const SECRET_BYTES: usize = 20;
/// Length of an id in hexadecimal digits.
const ID_DIGITS: usize = 12;
/// Maximum length of a name in characters.
pub(super) const NAME_MAX: usize = 64;

/// The SHA-256 of a secret.
pub(crate) type Hash = [u8; 32];

/// The secret that a token's holder gets once.
pub struct Secret(String);

impl Secret {
    /// Returns `None` where the operating system provides no random numbers.
    pub(crate) fn random() -> Option<Secret> {
        Some(Secret(format!("{PREFIX}{}", hex(&random::<SECRET_BYTES>()?))))
    }

    pub(super) fn hash(&self) -> Hash {
        hash_of(&self.0)
    }
}

/// Formats the secret itself, to be printed once and never logged.
impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The stored data of a token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Token {
    /// The first digits of the secret's hash.
    pub id: String,
    pub name: String,
    pub roles: Vec<Role>,
    /// 64 hexadecimal digits.
    sha256: String,
    /// Milliseconds since 1970.
    created_ms: i64,
    /// `None` when the token does not expire.
    expires_ms: Option<i64>,
}

impl Token {
    pub(super) fn new(
        name: &str,
        roles: &[Role],
        created: Timestamp,
        expires: Option<Timestamp>,
        secret: &Secret,
    ) -> Token {
        let sha256 = hex(&secret.hash());
        let mut roles = roles.to_vec();
        roles.sort_unstable();
        roles.dedup();
        Token {
            id: sha256[..ID_DIGITS].to_owned(),
            name: name.to_owned(),
            roles,
            sha256,
            created_ms: created.0,
            expires_ms: expires.map(|expires| expires.0),
        }
    }

    pub fn created(&self) -> Timestamp {
        Timestamp(self.created_ms)
    }

    pub fn expires(&self) -> Option<Timestamp> {
        self.expires_ms.map(Timestamp)
    }

    pub fn is_over(&self, now: Timestamp) -> bool {
        self.expires_ms.is_some_and(|expires| expires <= now.0)
    }

    /// Returns whether one of the token's roles includes `role`.
    pub fn may(&self, role: Role) -> bool {
        self.roles.iter().any(|own| own.includes(role))
    }

    /// Returns the hash; `None` where the file does not hold a valid one.
    pub(super) fn hash(&self) -> Option<Hash> {
        let digits = self.sha256.as_bytes();
        if digits.len() != 64 {
            return None;
        }
        let mut hash = [0; 32];
        for (byte, pair) in hash.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
        }
        Some(hash)
    }
}

pub(super) fn hash_of(secret: &str) -> Hash {
    Sha256::digest(secret.as_bytes()).into()
}

/// Returns random bytes of the operating system.
pub(super) fn random<const N: usize>() -> Option<[u8; N]> {
    let mut bytes = [0; N];
    rustls::crypto::ring::default_provider().secure_random.fill(&mut bytes).ok()?;
    Some(bytes)
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_long_and_known_by_its_prefix_and_only_its_hash_is_kept() {
        let (one, other) = (Secret::random().expect("random bits"), Secret::random().expect("random bits"));
        assert!(one.0.starts_with("weir_") && one.0.len() == PREFIX.len() + 2 * SECRET_BYTES);
        assert_ne!(one.0, other.0);
        let token = Token::new("ci", &[Role::Submit, Role::View, Role::Submit], Timestamp(1), None, &one);
        assert_eq!(
            (token.roles.as_slice(), token.hash()),
            ([Role::View, Role::Submit].as_slice(), Some(one.hash()))
        );
        let kept = serde_json::to_string(&token).expect("JSON");
        assert!(!kept.contains(&one.0[PREFIX.len()..]) && kept.contains(&token.id), "{kept}");
    }

    #[test]
    fn a_token_is_over_from_its_expiry_on() {
        let secret = Secret::random().expect("random bits");
        let token = Token::new("ci", &[Role::View], Timestamp(1), Some(Timestamp(10)), &secret);
        assert!(!token.is_over(Timestamp(9)) && token.is_over(Timestamp(10)));
    }
}
