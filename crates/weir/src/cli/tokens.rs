//! `weir tokens`: creates, lists and revokes tokens. A running Weir sees a change within a second.

use clap::{Args, Subcommand};
use jiff::Timestamp as Moment;
use serde_json::json;
use server::guard::{Role, Token, TokenError, TokenFile};
use types::{Clock, Interval, Timestamp};

use super::config::DataArgs;
use super::terminal::{complain, print};
use super::{Failure, Outcome};
use crate::config::Length;
use crate::private;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    data: DataArgs,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Create a token and print its secret, which cannot be shown again
    Create {
        /// Name of the token: its owner or purpose
        #[arg(long)]
        name: String,
        /// Roles, separated by commas or repeated: view (read jobs and metrics), operate (jobs; includes
        /// view), submit (SQL; includes operate), ingest (send events), analytics (results, dashboard)
        #[arg(long = "role", value_name = "ROLE", required = true, value_delimiter = ',')]
        roles: Vec<Role>,
        /// Lifetime of the token, as in `90 d`, `12 h` [default: until it is revoked]
        #[arg(long, value_name = "TIME", value_parser = length)]
        expires: Option<Length>,
    },
    /// List the tokens, oldest first: id, name, roles, creation, expiry, last use
    List {
        /// Print one JSON object per token
        #[arg(long)]
        json: bool,
    },
    /// Revoke a token and close its connections
    Revoke {
        /// Name or id of the token
        #[arg(value_name = "NAME|ID")]
        token: String,
    },
}

pub(super) fn run(arguments: &Arguments, clock: &dyn Clock) -> Result<Outcome, Failure> {
    private::create_private_files();
    let file = TokenFile::below(&arguments.data.directory()?);
    let failed = |error: TokenError| Failure::of(error.domain(), error);

    match &arguments.action {
        Action::Create { name, roles, expires } => {
            let now = clock.now();
            let expires =
                expires.map(|length| now + Interval(i64::try_from(length.0.as_millis()).unwrap_or(i64::MAX)));
            let (token, secret) = file.create(name, roles, now, expires).map_err(failed)?;
            print(&secret.to_string())?;
            complain(&format!(
                "token {} ({}) for {}; it is not shown again",
                token.name,
                token.id,
                roles_of(&token)
            ));
        }
        Action::List { json } => {
            let uses = file.last_uses();
            let tokens = file.read().map_err(failed)?;
            match tokens.as_deref() {
                None => complain(
                    "there are no tokens: users of this machine have full access, all others have none; create one with \
                     `weir tokens create`",
                ),
                Some([]) => {
                    complain("no token is left: nobody has access; create one with `weir tokens create`")
                }
                Some(_) => {}
            }
            for token in tokens.unwrap_or_default() {
                let used = uses.get(&token.id).copied();
                print(&if *json { object(&token, used) } else { line(&token, used, clock.now()) })?;
            }
        }
        Action::Revoke { token } => {
            let (token, left) = file.revoke(token).map_err(failed)?;
            complain(&format!("token {} ({}) is revoked", token.name, token.id));
            if left == 0 {
                let path = file.path().display();
                complain(&format!(
                    "no token is left: nobody has access until a token is created, or {path} is removed, which gives users of \
                     this machine full access"
                ));
            }
        }
    }

    Ok(Outcome::Done)
}

fn line(token: &Token, used: Option<Timestamp>, now: Timestamp) -> String {
    let used = used.map_or_else(|| "never used".to_owned(), |used| format!("used {}", moment(used)));
    let until = match token.expires() {
        None => "until revoked".to_owned(),
        Some(expires) if token.is_over(now) => format!("expired {}", moment(expires)),
        Some(expires) => format!("until {}", moment(expires)),
    };
    let (roles, made) = (roles_of(token), moment(token.created()));
    format!("{}  {:<20}  {roles:<24}  created {made}  {until}  {used}", token.id, token.name)
}

fn object(token: &Token, used: Option<Timestamp>) -> String {
    let roles: Vec<&str> = token.roles.iter().map(|role| role.name()).collect();
    let (created, expires) = (moment(token.created()), token.expires().map(moment));
    let used = used.map(moment);
    json!({"id": token.id, "name": token.name, "roles": roles, "created": created, "expires": expires, "last_used": used})
        .to_string()
}

fn roles_of(token: &Token) -> String {
    token.roles.iter().map(|role| role.name()).collect::<Vec<_>>().join(",")
}

/// Formats a time to the second.
fn moment(at: Timestamp) -> String {
    Moment::from_second(at.0.div_euclid(1000))
        .map_or_else(|_| format!("{} ms", at.0), |moment| moment.to_string())
}

fn length(text: &str) -> Result<Length, String> {
    Length::try_from(text.to_owned())
}
