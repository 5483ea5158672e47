//! Tokens are created and revoked while Weir runs.

use futures_util::StreamExt as _;
use server::guard::{Guard, GuardError, Options, Role, TokenFile};
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use types::ManualClock;

use super::*;
use crate::support::{Socket, eventually};

/// Opens the feed, as a program does.
async fn feed(guarded: &Guarded, authorization: Option<&str>) -> Result<Socket, u16> {
    let url = format!("ws://{}/ws/analytics", guarded.weir.address);
    let mut handshake = url.into_client_request().expect("a request");
    if let Some(authorization) = authorization {
        handshake.headers_mut().insert("authorization", authorization.parse().expect("a value"));
    }
    match connect_async(handshake).await {
        Ok((socket, _)) => Ok(socket),
        Err(tokio_tungstenite::tungstenite::Error::Http(answer)) => Err(answer.status().as_u16()),
        Err(error) => panic!("{error}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_token_is_refused_in_the_words_of_the_listener() {
    let guarded = Guarded::start().await;
    let good = guarded.bearer(Role::View);
    let wrong = format!("Bearer weir_{}", "0".repeat(40));
    let cut = &good[..good.len() - 1];
    let basic = good.replace("Bearer", "Basic");
    for authorization in [wrong.as_str(), cut, &basic, "Bearer", "Bearer ", ""] {
        let answer = guarded.http("GET", "/status", &[("Authorization", authorization)], "").await;
        assert_eq!(answer.status, 401, "{authorization}");
        assert_eq!(answer.json()["detail"], "the token is unknown or has expired");
    }
    let answer = guarded.jobs("GET", "/jobs", &[("Authorization", &wrong)], "").await;
    assert_eq!(
        (answer.status, &answer.json()["errors"][0]),
        (401, &"the token is unknown or has expired".into())
    );
    let twice = [("Authorization", good.as_str()), ("Authorization", good.as_str())];
    assert_eq!(guarded.http("GET", "/status", &twice, "").await.status, 401);
    let lower = good.replace("Bearer", "bearer");
    assert_eq!(guarded.http("GET", "/status", &[("Authorization", &lower)], "").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_made_holds_at_once_and_one_that_is_revoked_no_longer() {
    let guarded = Guarded::start().await;
    let (token, secret) = guarded.file.create("ci", &[Role::View], NOW, None).expect("a token");
    let authorization = format!("Bearer {secret}");
    guarded.expect(200, "/status", &authorization).await;
    guarded.file.revoke(&token.id).expect("revoked");
    guarded.expect(401, "/status", &authorization).await;
    assert_eq!(
        guarded.http("GET", "/status", &[("Authorization", &guarded.bearer(Role::View))], "").await.status,
        200
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_over_does_not_hold_and_closes_what_it_opened() {
    let guarded = Guarded::start().await;
    let expires = Some(NOW + Interval(50));
    let (_, secret) = guarded.file.create("brief", &[Role::Analytics], NOW, expires).expect("a token");
    let authorization = format!("Bearer {secret}");
    guarded.expect(200, "/analytics/health", &authorization).await;
    let mut socket = feed(&guarded, Some(&authorization)).await.expect("a handshake");
    guarded.weir.clock.advance(Interval(60));
    assert_eq!(
        guarded.http("GET", "/analytics/health", &[("Authorization", &authorization)], "").await.status,
        401
    );
    assert_eq!(closed(&mut socket).await, 1008);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_feed_takes_a_token_and_ends_with_it() {
    let guarded = Guarded::start().await;
    assert_eq!(feed(&guarded, None).await.err(), Some(401));
    assert_eq!(feed(&guarded, Some("Bearer weir_0")).await.err(), Some(401));
    assert_eq!(feed(&guarded, Some(&guarded.bearer(Role::View))).await.err(), Some(403));
    let mut socket = feed(&guarded, Some(&guarded.bearer(Role::Analytics))).await.expect("a handshake");
    assert_eq!(crate::support::next(&mut socket).await["type"], "initial");
    guarded.file.create("another", &[Role::View], NOW, None).expect("a token");
    guarded.file.revoke("analytics").expect("revoked");
    assert_eq!(closed(&mut socket).await, 1008);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_tokens_all_is_open_until_the_first_and_never_again_by_revoking() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = TokenFile::below(directory.path());
    let clock = Arc::new(ManualClock::at(NOW));
    let options = Options { tokens: Some(file.clone()), ..Options::default() };
    let guard = Guard::new(options, Arc::clone(&clock) as _).expect("a guard");
    tokio::spawn(Arc::clone(&guard).keep());
    let weir = support::start_guarded(server::Options::default(), clock, Arc::clone(&guard), |_| {}).await;

    assert_eq!(weir.get("/status").await.status, 200);
    // A token that is not required does not cause a refusal.
    let unasked = request(weir.address, "GET", "/status", &[("Authorization", "Bearer weir_0")], b"").await;
    assert_eq!(unasked.status, 200);

    let mut socket = weir.connect().await;
    file.create("first", &[Role::View], NOW, None).expect("a token");
    eventually("a token is asked for", || guard.is_required()).await;
    assert_eq!(weir.get("/status").await.status, 401);
    assert_eq!(closed(&mut socket).await, 1008);
    assert!(socket.next().await.is_none_or(|end| end.is_err()));

    file.revoke("first").expect("revoked");
    // Create a second token to be certain that the change was read.
    let (_, secret) = file.create("second", &[Role::View], NOW, None).expect("a token");
    for _ in 0..4_000 {
        let authorization = format!("Bearer {secret}");
        if request(weir.address, "GET", "/status", &[("Authorization", &authorization)], b"").await.status
            == 200
        {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }

    file.revoke("second").expect("revoked");
    tokio::time::timeout(Duration::from_secs(60), async {
        while guard.may_serve(&["192.0.2.1:1".parse().expect("an address")]).is_ok() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await
    .expect("the second is gone too");

    assert_eq!(weir.get("/status").await.status, 401);

    std::fs::remove_file(file.path()).expect("removed");
    eventually("all is open", || !guard.is_required()).await;
    assert_eq!(weir.get("/status").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_file_keeps_the_tokens_known_before_and_no_weir_starts_with_it() {
    let guarded = Guarded::start().await;
    let good = guarded.bearer(Role::View);
    let text = std::fs::read_to_string(guarded.file.path()).expect("a file");
    std::fs::write(guarded.file.path(), &text[..text.len() / 2]).expect("written");
    let options = Options { tokens: Some(guarded.file.clone()), ..Options::default() };
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    assert!(matches!(Guard::new(options, clock), Err(GuardError::Tokens(_))));
    // The damaged file has been read by the time that a later token is valid.
    std::fs::write(guarded.file.path(), &text).expect("written");
    let (_, secret) = guarded.file.create("after", &[Role::View], NOW, None).expect("a token");
    guarded.expect(200, "/status", &format!("Bearer {secret}")).await;
    guarded.expect(200, "/status", &good).await;
}

#[tokio::test]
async fn where_others_can_connect_there_must_be_a_token() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = TokenFile::below(directory.path());
    let clock = Arc::new(ManualClock::at(NOW));
    let guard = || {
        let options = Options { tokens: Some(file.clone()), ..Options::default() };
        Guard::new(options, Arc::clone(&clock) as _).expect("a guard")
    };

    let address = |text: &str| text.parse().expect("an address");
    let here =
        [address("127.0.0.1:1"), address("[::1]:2"), address("127.8.8.8:3"), address("[::ffff:127.0.0.1]:4")];
    assert!(guard().may_serve(&here).is_ok());

    for elsewhere in ["0.0.0.0:1", "[::]:1", "192.0.2.1:1", "[2001:db8::1]:1"] {
        let refused = guard().may_serve(&[here[0], address(elsewhere)]).expect_err("it is exposed");
        assert!(
            refused.to_string().contains(elsewhere) && refused.to_string().contains("weir tokens create"),
            "{refused}"
        );
    }

    file.create("brief", &[Role::View], NOW, Some(NOW + Interval(10))).expect("a token");
    assert!(guard().may_serve(&[address("0.0.0.0:1")]).is_ok());
    clock.advance(Interval(10));
    assert!(guard().may_serve(&[address("0.0.0.0:1")]).is_err(), "one that is over helps nobody in");
}
