//! Dashboards over HTTP: documents with entity tags, changes under conditions, and requests from other sites.

mod support;

use std::path::Path;

use serde_json::json;
use server::{DocumentPlaces, Options};
use support::{Answer, Weir, request, start, start_with};

const DOCUMENT: &str = r#"{"version": 1, "title": "Mine", "title_vi": "Của tôi", "panels": [
    {"id": "a", "title": "A", "table": "t", "chart": "line", "options": {"n": 12345678901234567890123},
     "at": {"x": 0, "y": 0, "w": 12, "h": 4}}]}"#;
const NEW: (&str, &str) = ("If-None-Match", "*");

async fn start_in(directory: &Path) -> Weir {
    let dashboards = DocumentPlaces { saved: Some(directory.join("dashboards")), files: Vec::new() };
    start_with(Options { dashboards, ..Options::default() }, |_| {}).await
}

async fn put(weir: &Weir, name: &str, headers: &[(&str, &str)], document: &str) -> Answer {
    request(weir.address, "PUT", &format!("/dashboards/{name}"), headers, document.as_bytes()).await
}

async fn delete(weir: &Weir, name: &str, headers: &[(&str, &str)]) -> Answer {
    request(weir.address, "DELETE", &format!("/dashboards/{name}"), headers, b"").await
}

fn tag(answer: &Answer) -> String {
    answer.header("etag").unwrap_or_else(|| panic!("no tag: {}", answer.text())).to_owned()
}

/// Asserts the status of a refusal, and that its message has a part.
fn refused(answer: &Answer, status: u16, part: &str) {
    assert_eq!(answer.status, status, "{}", answer.text());
    let body = answer.json();
    let detail = body["detail"].as_str().expect("a detail");
    assert!(detail.contains(part), "{detail}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_is_served_as_it_was_sent_with_a_strong_tag() {
    let directory = tempfile::tempdir().expect("a directory");
    let weir = start_in(directory.path()).await;
    let created = put(&weir, "mine", &[NEW], DOCUMENT).await;
    assert_eq!(created.status, 201, "{}", created.text());

    let mut info = created.json();
    let updated = info["updated"].take();
    assert!(updated.as_str().is_some_and(|at| at.ends_with('Z')), "{updated}");
    assert_eq!(
        info,
        json!({"name": "mine", "title": "Mine", "title_vi": "Của tôi", "source": "saved", "replaces": null,
               "panels": 1, "updated": null})
    );

    let answer = weir.get("/dashboards/mine").await;
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
    assert_eq!(answer.text(), DOCUMENT);
    assert_eq!((tag(&answer), answer.header("cache-control")), (tag(&created), Some("no-cache")));
    assert!(tag(&answer).starts_with('"'), "the tag is strong");

    let target = "/dashboards/mine";
    for (sent, status) in
        [(tag(&answer), 304), (format!("\"x\", W/{}", tag(&answer)), 304), ("\"x\"".to_owned(), 200)]
    {
        let again = request(weir.address, "GET", target, &[("If-None-Match", &sent)], b"").await;
        assert_eq!((again.status, again.body.is_empty()), (status, status == 304), "{sent}");
        assert_eq!(tag(&again), tag(&answer));
    }
    refused(&weir.get("/dashboards/other").await, 404, "no dashboard `other`");
    refused(&weir.get("/dashboards/%FF").await, 404, "no dashboard");
    let redirected = weir.get("/dashboards/").await;
    assert_eq!((redirected.status, redirected.header("location")), (307, Some("/dashboards")));

    let again = start_in(directory.path()).await;
    assert_eq!(again.get(target).await.text(), DOCUMENT);
    let list = again.json("/dashboards").await;
    let names: Vec<_> = list["dashboards"].as_array().expect("a list").iter().map(|of| &of["name"]).collect();
    assert_eq!(names, ["analytics", "mine"]);
    assert_eq!(list["dashboards"][1]["updated"], updated);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_says_what_it_changes() {
    let weir = start().await;
    refused(&put(&weir, "mine", &[], DOCUMENT).await, 428, "If-None-Match: *");
    refused(&put(&weir, "mine", &[("If-None-Match", "\"a\"")], DOCUMENT).await, 428, "If-Match");
    refused(
        &put(&weir, "mine", &[("If-Match", "\"a\"")], DOCUMENT).await,
        412,
        "`If-None-Match: *` to create",
    );

    let first = tag(&put(&weir, "mine", &[NEW], DOCUMENT).await);
    refused(&put(&weir, "mine", &[NEW], DOCUMENT).await, 412, "choose another name");
    let other = DOCUMENT.replace("Mine", "Ours");
    let changed = put(&weir, "mine", &[("If-Match", &first)], &other).await;
    assert_eq!(changed.status, 200, "{}", changed.text());
    assert_ne!(tag(&changed), first);
    refused(&put(&weir, "mine", &[("If-Match", &first)], DOCUMENT).await, 412, "read it again");
    assert_eq!(weir.get("/dashboards/mine").await.text(), other);

    refused(&delete(&weir, "mine", &[]).await, 428, "which version of `mine` to delete");
    refused(&delete(&weir, "mine", &[("If-Match", &first)]).await, 412, "read it again");
    let deleted = delete(&weir, "mine", &[("If-Match", &tag(&changed))]).await;
    assert_eq!((deleted.status, deleted.body.len()), (204, 0));
    refused(&delete(&weir, "mine", &[("If-Match", "*")]).await, 404, "no dashboard");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_built_in_dashboard_is_hidden_and_shown_again() {
    let weir = start().await;
    let built_in = weir.get("/dashboards/analytics").await;
    refused(&delete(&weir, "analytics", &[("If-Match", "*")]).await, 409, "part of Weir");
    refused(&put(&weir, "analytics", &[NEW], DOCUMENT).await, 412, "built-in");

    let saved = put(&weir, "analytics", &[("If-Match", &tag(&built_in))], DOCUMENT).await;
    assert_eq!((saved.status, &saved.json()["replaces"]), (200, &json!("built-in")));
    assert_eq!(weir.json("/dashboards").await["dashboards"][0]["source"], "saved");
    assert_eq!(delete(&weir, "analytics", &[("If-Match", &tag(&saved))]).await.status, 204);
    assert_eq!(weir.get("/dashboards/analytics").await.body, built_in.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_document_is_refused_with_the_place() {
    let weir = start().await;
    let wide = DOCUMENT.replace("\"w\": 12", "\"w\": 13");
    refused(&put(&weir, "mine", &[NEW], &wide).await, 400, "panels[0].at.w: must be 1 to 12, not 13");
    refused(&put(&weir, "mine", &[NEW], "").await, 400, "EOF");
    for name in ["Mine", "a.b", "%2e%2e", "a%2Fb", "%C3%A9", "%FF", &"a".repeat(65)] {
        refused(&put(&weir, name, &[NEW], DOCUMENT).await, 400, "cannot be the name");
    }
    let long = format!("{DOCUMENT}{}", " ".repeat(256 << 10));
    refused(&put(&weir, "mine", &[NEW], &long).await, 413, "larger than 262144 bytes");
    assert_eq!(request(weir.address, "POST", "/dashboards/mine", &[], b"{}").await.status, 405);
    assert_eq!(weir.json("/dashboards").await["dashboards"].as_array().map(Vec::len), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_changes_at_once_one_succeeds() {
    let directory = tempfile::tempdir().expect("a directory");
    let weir = start_in(directory.path()).await;
    let mut present = tag(&put(&weir, "mine", &[NEW], DOCUMENT).await);
    for round in 0..10 {
        let [one, two] = ["one", "two"].map(|title| DOCUMENT.replace("Mine", &format!("{title} {round}")));
        let condition = [("If-Match", present.as_str())];
        let (one, two) =
            tokio::join!(put(&weir, "mine", &condition, &one), put(&weir, "mine", &condition, &two));
        let mut statuses = [one.status, two.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 412], "round {round}");
        present = tag(if one.status == 200 { &one } else { &two });
        assert_eq!(tag(&weir.get("/dashboards/mine").await), present);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_another_site_changes_nothing() {
    let weir = start().await;
    for foreign in [("Origin", "https://evil.example"), ("Sec-Fetch-Site", "cross-site"), ("Origin", "null")]
    {
        assert_eq!(put(&weir, "mine", &[NEW, foreign], DOCUMENT).await.status, 403, "{foreign:?}");
    }
    let own = format!("http://{}", weir.address);
    let created = put(&weir, "mine", &[NEW, ("Origin", &own)], DOCUMENT).await;
    assert_eq!(created.status, 201);
    let foreign = [("If-Match", "*"), ("Origin", "https://evil.example")];
    assert_eq!(delete(&weir, "mine", &foreign).await.status, 403);

    // A page of an accepted origin may read the tag.
    let page =
        request(weir.address, "GET", "/dashboards/mine", &[("Origin", "http://localhost:5173")], b"").await;
    let exposed = page.header("access-control-expose-headers").expect("a list of headers");
    assert!(exposed.split(',').any(|name| name == "etag"), "{exposed}");
}
