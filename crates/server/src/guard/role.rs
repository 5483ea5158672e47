//! The roles of tokens.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A role of a token. `Submit` includes `Operate`, and `Operate` includes `View`. The other two stand alone,
/// since a producer need not read, nor a dashboard operate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Reads jobs, logs and metrics.
    View,
    /// Cancels and stops jobs, takes savepoints, replays dead letters.
    Operate,
    /// Runs SQL, saves and deletes dashboards and alerts.
    Submit,
    /// Sends events.
    Ingest,
    /// Reads results, dashboards and alerts: over HTTP, the WebSocket, and on the pages.
    Analytics,
}

impl Role {
    pub const ALL: [Role; 5] = [Role::View, Role::Operate, Role::Submit, Role::Ingest, Role::Analytics];

    pub fn name(self) -> &'static str {
        match self {
            Role::View => "view",
            Role::Operate => "operate",
            Role::Submit => "submit",
            Role::Ingest => "ingest",
            Role::Analytics => "analytics",
        }
    }

    /// Returns whether this role includes the other.
    pub fn includes(self, other: Role) -> bool {
        self == other
            || match self {
                Role::Submit => matches!(other, Role::Operate | Role::View),
                Role::Operate => other == Role::View,
                Role::View | Role::Ingest | Role::Analytics => false,
            }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> Result<Role, String> {
        Role::ALL.into_iter().find(|role| role.name() == text).ok_or_else(|| {
            format!("`{text}` is not a role; the roles are {}", Role::ALL.map(Role::name).join(", "))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_submits_may_operate_and_view_and_nobody_else_gets_more() {
        let of = |role: Role| Role::ALL.into_iter().filter(|other| role.includes(*other)).collect::<Vec<_>>();
        assert_eq!(of(Role::Submit), [Role::View, Role::Operate, Role::Submit]);
        assert_eq!(of(Role::Operate), [Role::View, Role::Operate]);
        for alone in [Role::View, Role::Ingest, Role::Analytics] {
            assert_eq!(of(alone), [alone]);
        }
    }

    #[test]
    fn a_role_goes_by_its_name() {
        for role in Role::ALL {
            assert_eq!(role.name().parse(), Ok(role));
        }
        assert!("admin".parse::<Role>().unwrap_err().contains("analytics"));
    }
}
