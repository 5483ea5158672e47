//! Requests that Weir does not support or whose object does not exist, and their refusals.

use serde_json::json;

use crate::first_error;
use crate::world::start;

#[tokio::test(flavor = "multi_thread")]
async fn programs_in_java_are_refused_and_the_way_with_sql_is_told() {
    let world = start().await;
    let uploads = [
        ("POST", "/jobs"),
        ("POST", "/v1/jobs"),
        ("POST", "/jars/upload"),
        ("POST", "/jars/x.jar/run"),
        ("POST", "/jars/x.jar/plan"),
        ("GET", "/jars/x.jar/plan"),
        ("DELETE", "/jars/x.jar"),
    ];

    for (method, target) in uploads {
        // More than fits into the socket's buffers: the server must read it so that the client sees the
        // answer.
        let program = vec![0; 4 << 20];
        let headers = [("Content-Type", "multipart/form-data; boundary=x")];
        let answer = crate::support::request(world.address, method, target, &headers, &program).await;
        assert_eq!(answer.status, 400, "{method} {target}: {}", answer.text());
        let error = first_error(&answer);
        assert!(error.contains("weir run") && error.contains("/weir/jobs"), "{error}");
    }

    assert_eq!(world.json("/jars").await["files"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_is_told_in_flinks_words() {
    let world = start().await;
    let job = world.submit("clicks").await;
    let vertex = world.json(&format!("/jobs/{job}")).await["vertices"][0]["id"].clone();
    let vertex = format!("/jobs/{job}/vertices/{}", vertex.as_str().expect("an id"));

    let none = "00000000000000000000000000000001";
    let handler = "org.apache.flink.runtime.rest.handler.RestHandlerException: ";
    let unresolved = |name: &str, value: &str| {
        format!(
            "{handler}Bad request, could not parse parameters: Cannot resolve path parameter ({name}) from value \"{value}\"."
        )
    };

    let scenarios = [
        (
            format!("/jobs/{job}/vertices/{none}"),
            404,
            format!("org.apache.flink.runtime.rest.NotFoundException: JobVertex {none} not found"),
        ),
        (format!("/jobs/{job}/vertices/zzz"), 400, unresolved("vertexid", "zzz")),
        (
            format!("/jobs/{none}/vertices/{none}"),
            404,
            format!("org.apache.flink.runtime.rest.NotFoundException: Job {none} not found"),
        ),
        (
            format!("/jobs/{job}/checkpoints/details/99999"),
            404,
            format!("{handler}Could not find checkpointing statistics for checkpoint 99999."),
        ),
        (format!("/jobs/{job}/checkpoints/details/abc"), 400, unresolved("checkpointid", "abc")),
        (format!("{vertex}/subtasks/x"), 400, unresolved("subtaskindex", "x")),
        (
            format!("/jobs/{job}/rescales/config"),
            404,
            format!("{handler}AdaptiveScheduler is not enabled for this job ({job})."),
        ),
        ("/applications/zzz".to_owned(), 400, unresolved("applicationid", "zzz")),
        (format!("/applications/{none}"), 404, format!("{handler}Application {none} not found")),
    ];

    for (target, status, error) in scenarios {
        let answer = world.ask("GET", &target).await;
        assert_eq!((answer.status, first_error(&answer)), (status, error), "{target}");
    }
    assert_eq!(world.ask("GET", &format!("{vertex}/subtasks/7")).await.status, 404);
    // Flink answers 500 here.
    let unknown = "org.apache.flink.runtime.resourcemanager.exceptions.UnknownTaskExecutorException: No TaskExecutor registered under";
    for (target, error) in [
        ("/taskmanagers/nosuch".to_owned(), format!("{unknown} nosuch.")),
        ("/taskmanagers/nosuch/thread-dump".to_owned(), format!("{unknown} nosuch.")),
        (
            format!("/jobs/{job}/resource-requirements"),
            "java.lang.UnsupportedOperationException: The DefaultScheduler".to_owned(),
        ),
    ] {
        let answer = world.ask("GET", &target).await;
        assert_eq!(answer.status, 404, "{target}");
        assert!(first_error(&answer).starts_with(&error), "{target}: {}", answer.text());
    }

    let cancel = world.ask("POST", &format!("/applications/{none}/cancel")).await;
    assert_eq!(
        (cancel.status, first_error(&cancel)),
        (404, format!("{handler}Application could not be found."))
    );
    assert_eq!(world.ask("POST", &format!("/applications/{job}/cancel")).await.status, 202);
    world.until(&job, "CANCELED").await;
}
