//! A running Weir with events, and a shell in which the commands of the documents find it.

use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use crate::support::{Up, pause_for, run, weir};

/// Seconds that no correct command needs.
const PATIENCE: &str = "120";
pub const EVENTS: u64 = 2_000;

pub struct World {
    pub up: Up,
    directory: tempfile::TempDir,
}

impl World {
    pub fn start() -> World {
        let directory = tempfile::tempdir().expect("a directory");
        let root = root();
        for name in ["examples", "jobs", "config"] {
            symlink(root.join(name), directory.path().join(name)).expect("a link");
        }
        let data = directory.path().join("data");
        std::fs::create_dir(&data).expect("a directory");
        let up = Up::start_in(&data, &[], &[("WEIR_LOG", "warn")]);
        let world = World { up, directory };
        world.write_commands();
        world.generate();
        world
    }

    /// Generates events of the last minutes, so that windows of them are closed.
    pub fn generate(&self) {
        let start = jiff::Timestamp::now() - jiff::SignedDuration::from_secs(400);
        let arguments = ["--rate", "10", "--start", &start.to_string(), "--count", &EVENTS.to_string()];
        let output = run(weir().args(["generate", "--url", &self.events()]).args(arguments));
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    fn events(&self) -> String {
        format!("{}/events", self.up.http)
    }

    /// Writes `weir` as the documents use it, which finds this Weir on its other ports. And `jq`, as far as
    /// they use it.
    fn write_commands(&self) {
        let bin = self.bin();
        std::fs::create_dir(&bin).expect("a directory");
        let real = env!("CARGO_BIN_EXE_weir");
        let (http, events) = (&self.up.http, self.events());
        let weir = format!(
            "#!/bin/sh\ncase \"$1\" in\n  tail) shift; exec {real} tail --url {http} \"$@\" ;;\n  \
             results) shift; exec {real} results --url {http} \"$@\" ;;\n  \
             alerts) shift; exec {real} alerts --url {http} \"$@\" ;;\n  \
             dashboards) shift; exec {real} dashboards --url {http} \"$@\" ;;\n  \
             health) shift; exec {real} health --url {http} \"$@\" ;;\n  \
             generate) shift; exec {real} generate --url {events} \"$@\" ;;\n  *) exec {real} \"$@\" ;;\nesac\n"
        );
        let jq =
            "#!/bin/sh\n[ \"$1\" = -r ] || exit 2\nsed -E \"s/.*\\\"${2#.}\\\":\\\"([^\\\"]*)\\\".*/\\1/\"\n";
        for (name, text) in [("weir", weir.as_str()), ("jq", jq)] {
            let path = bin.join(name);
            std::fs::write(&path, text).expect("a file");
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("a mode");
        }
    }

    fn bin(&self) -> PathBuf {
        self.directory.path().join("bin")
    }

    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Runs a text of the documents in a shell, with its addresses replaced by those of this Weir.
    pub fn shell(&self, script: &str) -> Output {
        let address = |url: &str| url.split_once("://").expect("a URL").1.to_owned();
        let script = script
            .replace("127.0.0.1:8000", &address(&self.up.http))
            .replace("127.0.0.1:8081", &address(&self.up.jobs_http))
            .replace("127.0.0.1:8083", &address(&self.up.gateway_http));
        let path = format!("{}:{}", self.bin().display(), std::env::var("PATH").unwrap_or_default());
        let mut command = Command::new("timeout");
        command.args(["--kill-after", "5", PATIENCE, "bash", "-euo", "pipefail", "-c", &script]);
        command.env("PATH", path).env("WEIR_JOBS_URL", &self.up.jobs_http);
        command.env("WEIR_GATEWAY_URL", &self.up.gateway_http);
        command.current_dir(self.path()).stdin(Stdio::null());
        run(&mut command)
    }

    /// Runs a script that must succeed, and returns its output.
    pub fn succeeds(&self, place: &str, script: &str) -> String {
        let output = self.shell(script);
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{place}: {}\n{script}\n{out}\n{err}", output.status);
        out.into_owned()
    }

    /// Runs a script of an example until it has counted all events, without any dead letter.
    pub fn counts(&self, place: &str, script: &Path) -> serde_json::Value {
        // An example starts at the latest offset, so it counts events that come while it runs.
        let job = self.succeeds(place, &format!("weir run {}", script.display()));
        self.generate();
        let job = job.trim();
        for _ in 0..1_200 {
            let figures = self.up.figures(job);
            if figures["ledger"]["accepted"].as_u64() >= Some(EVENTS) {
                assert_eq!(figures["ledger"]["dead_lettered"], 0, "{place}: {figures}");
                assert_eq!(figures["mostly_dead"], serde_json::Value::Null, "{place}");
                self.succeeds(place, &format!("weir jobs cancel {job}"));
                return figures;
            }
            pause_for(Duration::from_millis(50));
        }
        panic!("{place}: the job does not read the events: {}", self.up.figures(job));
    }
}

/// Returns the root of the repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("a repository").to_owned()
}
