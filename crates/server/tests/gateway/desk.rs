//! A SQL gateway on port 0 beside a job manager, and a client that runs statements.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use server::gateway::{Gateway, Options, Services};
use server::guard::Guard;
use tokio::sync::oneshot;
use types::{Clock, SystemClock};

use crate::support::{Answer, request};
use crate::world::{World, start};

/// A table of clicks.
pub const CLICKS: &str =
    "CREATE TABLE clicks (id STRING, spot ROW<page STRING, part INT>, moment TIMESTAMP_LTZ(3),
    WATERMARK FOR moment AS moment - INTERVAL '1' SECOND)
    WITH ('connector' = 'kafka', 'topic' = 'clicks', 'format' = 'json');";

pub const COUNTS: &str = "CREATE TABLE counts (n BIGINT) WITH ('connector' = 'blackhole')";

pub const COUNTING: &str = "INSERT INTO counts SELECT COUNT(*)
    FROM TABLE(TUMBLE(TABLE clicks, DESCRIPTOR(moment), INTERVAL '10' SECOND)) GROUP BY window_start, window_end";

pub struct Desk {
    /// The job manager, and the log that is read.
    pub world: World,
    pub address: SocketAddr,
    /// A session of the newest API version.
    pub session: String,
    _stop: oneshot::Sender<()>,
}

pub async fn open() -> Desk {
    // A fetch waits longer than any test, so that no test depends on the time.
    open_with(Options { hold: Duration::from_secs(30), ..Options::default() }).await
}

pub async fn open_with(options: Options) -> Desk {
    let world = start().await;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let variables = Arc::new(|name: &str| (name == "TOPIC").then(|| "clicks".to_owned()));
    let guard = Guard::open(Arc::clone(&clock));
    let services = Services { clock, dispatcher: world.dispatcher.clone(), variables, guard };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let gateway = Gateway::bind(listener, options, services).expect("a gateway");
    let address = gateway.local_addr();
    let (stop, stopped) = oneshot::channel();
    tokio::spawn(gateway.serve(async {
        let _ = stopped.await;
    }));
    let mut desk = Desk { world, address, session: String::new(), _stop: stop };
    desk.session = desk.open_session(json!({})).await;
    desk
}

impl Desk {
    pub async fn ask(&self, method: &str, target: &str, body: Value) -> Answer {
        // Flink's clients send a body with every request.
        let headers = [("Content-Type", "application/json; charset=UTF-8")];
        request(self.address, method, target, &headers, body.to_string().as_bytes()).await
    }

    /// Returns the JSON of an answer that must be 200.
    pub async fn json(&self, method: &str, target: &str, body: Value) -> Value {
        let answer = self.ask(method, target, body).await;
        assert_eq!(answer.status, 200, "{method} {target}: {}", answer.text());
        answer.json()
    }

    pub async fn open_session(&self, properties: Value) -> String {
        let wanted = json!({"sessionName": "default", "properties": properties});
        let opened = self.json("POST", "/v4/sessions", wanted).await;
        opened["sessionHandle"].as_str().expect("a handle").to_owned()
    }

    /// Begins a statement and returns the path of its operation.
    pub async fn begin(&self, statement: &str) -> String {
        let session = format!("/v4/sessions/{}", self.session);
        let wanted = json!({"statement": statement, "executionTimeout": 0});
        let begun = self.json("POST", &format!("{session}/statements"), wanted).await;
        format!("{session}/operations/{}", begun["operationHandle"].as_str().expect("a handle"))
    }

    /// Waits for a page and returns it as plain text.
    pub async fn page(&self, operation: &str, token: u64) -> Value {
        let page =
            self.json("GET", &format!("{operation}/result/{token}?rowFormat=PLAIN_TEXT"), json!({})).await;
        assert_ne!(page["resultType"], "NOT_READY", "{page}");
        page
    }

    /// Runs a statement and returns its first page.
    pub async fn run(&self, statement: &str) -> Value {
        let operation = self.begin(statement).await;
        self.page(&operation, 0).await
    }

    pub async fn run_all(&self, statements: &[&str]) {
        for statement in statements {
            assert_eq!(self.run(statement).await["resultKind"], "SUCCESS", "{statement}");
        }
    }

    /// Runs a statement that fails, and returns the full answer of the fetch.
    pub async fn failure(&self, statement: &str) -> String {
        let operation = self.begin(statement).await;
        let answer = self.ask("GET", &format!("{operation}/result/0"), json!({})).await;
        assert_eq!(answer.status, 500, "{statement}: {}", answer.text());
        let errors = answer.json();
        assert_eq!(errors["errors"][0], "Internal server error.", "{statement}");
        errors["errors"][1].as_str().expect("a text").to_owned()
    }

    /// Returns the part of the answer that Flink's clients print.
    pub async fn last_cause(&self, statement: &str) -> String {
        last_cause(&self.failure(statement).await)
    }

    /// Fetches pages until `count` rows have come. Returns them with the next token.
    pub async fn rows(&self, operation: &str, mut token: u64, count: usize) -> (Vec<Value>, u64) {
        let mut rows = Vec::new();
        while rows.len() < count {
            let page = self.page(operation, token).await;
            assert_eq!(page["resultType"], "PAYLOAD", "{page} after {rows:?}");
            rows.extend(fields(&page));
            token += 1;
        }
        (rows, token)
    }

    pub async fn status(&self, operation: &str) -> Value {
        self.json("GET", &format!("{operation}/status"), json!({})).await["status"].clone()
    }
}

/// Returns the last of several causes, as Flink's SQL client cuts it out.
pub fn last_cause(text: &str) -> String {
    let last = text.rsplit("Caused by: ").next().expect("a cause");
    last.split("\tat ").next().expect("a text").trim_end().to_owned()
}

/// Returns the values of each row.
pub fn fields(page: &Value) -> Vec<Value> {
    let rows = page["results"]["data"].as_array().expect("rows").iter();
    rows.map(|row| row["fields"].clone()).collect()
}

pub fn columns(page: &Value) -> Vec<String> {
    let columns = page["results"]["columns"].as_array().expect("columns").iter();
    columns.map(|column| column["name"].as_str().expect("a name").to_owned()).collect()
}
