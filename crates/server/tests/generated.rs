//! `/generated`, and the address that the page and the list of alerts share.

mod support;

use serde_json::json;
use support::{request, start};

#[tokio::test]
async fn a_server_that_generates_nothing_says_why() {
    let weir = start().await;
    let view = weir.json("/generated").await;
    assert_eq!(view, json!({"state": "off", "events": 0, "refusal": "this server has no generator"}));

    for method in ["POST", "DELETE"] {
        let refused = request(weir.address, method, "/generated", &[], &[]).await;
        assert_eq!(refused.status, 409);
        let detail = "events cannot be generated here: this server has no generator";
        assert_eq!(refused.json(), json!({"detail": detail}));
    }
    assert_eq!(request(weir.address, "PUT", "/generated", &[], &[]).await.status, 405);
}

#[tokio::test]
async fn a_browser_gets_the_page_of_alerts_and_a_program_the_list() {
    let weir = start().await;
    for accepted in [None, Some("*/*"), Some("application/json")] {
        let headers: Vec<_> = accepted.iter().map(|accepted| ("Accept", *accepted)).collect();
        let list = request(weir.address, "GET", "/alerts", &headers, &[]).await;
        assert_eq!(
            (list.json(), list.header("vary").is_some()),
            (json!({"alerts": []}), true),
            "{accepted:?}"
        );
    }

    let headers = [("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")];
    let page = request(weir.address, "GET", "/alerts", &headers, &[]).await;
    assert_eq!((page.status, page.header("content-type")), (200, Some("text/html; charset=utf-8")));
    assert!(
        page.header("content-security-policy").is_some_and(|policy| policy.contains("default-src 'self'"))
    );
}
