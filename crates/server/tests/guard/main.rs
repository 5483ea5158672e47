//! Authentication and roles on both listeners, over real sockets.

#[path = "../support/mod.rs"]
mod support;
#[path = "../flink/world.rs"]
#[allow(dead_code, reason = "each test uses a part of it")]
mod world;

mod audited;
mod browsers;
mod encrypted;
mod measured;
mod roles;
mod strangers;
mod tokens;

use std::sync::Arc;
use std::time::Duration;

use server::guard::{Guard, Options, Role, TokenFile};
use support::{Answer, NOW, Weir, request};
use types::{Clock, Interval, ManualClock, SystemClock};
use world::World;

/// A Weir that requires tokens, a job manager behind the same guard, and one token per role, named like the
/// role.
pub struct Guarded {
    pub weir: Weir,
    pub world: World,
    pub guard: Arc<Guard>,
    pub file: TokenFile,
    secrets: Vec<(Role, String)>,
    _directory: tempfile::TempDir,
}

impl Guarded {
    pub async fn start() -> Guarded {
        Guarded::start_with(Options::default(), server::Options::default()).await
    }

    pub async fn start_with(options: Options, http: server::Options) -> Guarded {
        let directory = tempfile::tempdir().expect("a directory");
        let file = TokenFile::below(directory.path());
        let secret =
            |role: Role| (role, file.create(role.name(), &[role], NOW, None).expect("a token").1.to_string());
        let secrets = Role::ALL.map(secret).to_vec();
        let clock = Arc::new(ManualClock::at(NOW));
        let guard = Guard::new(Options { tokens: Some(file.clone()), ..options }, Arc::clone(&clock) as _)
            .expect("a guard");
        tokio::spawn(Arc::clone(&guard).keep());
        let world = world::start_guarded(server::flink::Options::default(), Arc::clone(&guard)).await;
        let mount = Some(world.mount.clone());
        let weir = support::start_mounted(http, clock, Arc::clone(&guard), mount, |_| {}).await;
        Guarded { weir, world, guard, file, secrets, _directory: directory }
    }

    pub fn secret(&self, role: Role) -> &str {
        &self.secrets.iter().find(|(of, _)| *of == role).expect("one a role").1
    }

    pub fn bearer(&self, role: Role) -> String {
        format!("Bearer {}", self.secret(role))
    }

    /// Sends a request to the HTTP listener.
    pub async fn http(&self, method: &str, target: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        request(self.weir.address, method, target, headers, body.as_bytes()).await
    }

    /// Sends a request to the job manager.
    pub async fn jobs(&self, method: &str, target: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        request(self.world.address, method, target, headers, body.as_bytes()).await
    }

    /// Reads the files again, then asserts the status of an answer.
    pub async fn expect(&self, status: u16, target: &str, authorization: &str) {
        self.guard.look_now();
        let answer = self.http("GET", target, &[("Authorization", authorization)], "").await;
        assert_eq!(answer.status, status, "{target}: {}", answer.text());
    }
}

/// Returns the code with which the server closes a socket.
pub async fn closed(socket: &mut support::Socket) -> u16 {
    let closing = tokio::time::timeout(Duration::from_secs(60), support::close_code(socket));
    closing.await.expect("the server closes it")
}

/// Returns the error of an answer, in the format of either listener.
pub fn error(answer: &Answer) -> String {
    let body = answer.json();
    let told = body["detail"].as_str().or_else(|| body["errors"][0].as_str());
    told.unwrap_or_else(|| panic!("no error in {body}")).to_owned()
}
