//! Result tables over HTTP: rows of any job, however odd.

mod support;

use jobs::{ColumnKind, ResultColumn, ResultTable};
use serde_json::{Value, json};
use support::{DAY, Weir, eventually, request, start, start_with};

fn clicks(name: &str, key: &str) -> ResultTable {
    let column = |(name, sql_type, kind): (&str, &str, ColumnKind)| ResultColumn {
        name: name.to_owned(),
        sql_type: sql_type.to_owned(),
        kind,
    };
    let columns = [
        ("page", "STRING", ColumnKind::Text),
        ("n", "BIGINT", ColumnKind::Integer),
        ("ms", "DOUBLE", ColumnKind::Number),
        ("price", "DECIMAL(10, 2)", ColumnKind::Number),
        ("window_start", "TIMESTAMP(3)", ColumnKind::Time),
        ("window_end", "TIMESTAMP(3)", ColumnKind::Time),
    ];
    ResultTable {
        name: name.to_owned(),
        key: key.to_owned(),
        columns: columns.map(column).into(),
        window: vec!["window_start".to_owned(), "window_end".to_owned()],
        queries: vec![name.to_owned()],
        ttl_seconds: 86_400,
        channel: String::new(),
        job: "pages".to_owned(),
        job_id: "0123456789abcdef0123456789abcdef".to_owned(),
        declared: 1,
        started: 1,
    }
}

/// Writes a row of the minute that ends at 11:`minute`.
fn write(weir: &Weir, page: &str, minute: u32, n: i64, is_final: bool) -> String {
    let end = format!("2025-12-09 11:{minute:02}:00");
    let key = format!("clicks:{}:{end}", page.replace('%', "%25").replace(':', "%3A"));
    let value = json!({"page": page, "n": n, "ms": n as f64 / 4.0, "price": 1.5, "window_end": end,
        "window_start": format!("2025-12-09 11:{:02}:00", minute - 1), "is_final": is_final});
    weir.store.put_for(&key, value, DAY);
    key
}

async fn with_clicks() -> Weir {
    let weir = start().await;
    weir.result_tables.declare(vec![clicks("clicks", "clicks:{page}:{window_end}")]);
    for minute in 1..=4 {
        write(&weir, "/a", minute, i64::from(minute), minute < 4);
        write(&weir, "/b:\"x\"", minute, 10 * i64::from(minute), true);
    }
    weir.until("/results/clicks", |found| found["count"] == 8).await;
    weir
}

fn column(answer: &Value, name: &str) -> Vec<Value> {
    answer["rows"].as_array().expect("rows").iter().map(|row| row[name].clone()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_declared_table_is_listed_with_its_columns_and_freshness() {
    let weir = with_clicks().await;
    let tables = weir.json("/results").await;
    let table = &tables["tables"][0];
    assert_eq!(table["name"], "clicks");
    assert_eq!(table["columns"][1], json!({"name": "n", "type": "BIGINT", "kind": "integer"}));
    assert_eq!(table["key"], "clicks:{page}:{window_end}");
    assert_eq!(table["key_columns"], json!(["page", "window_end"]));
    assert_eq!(table["window"], json!(["window_start", "window_end"]));
    assert_eq!((&table["job"], &table["rows"]), (&json!("pages"), &json!(8)));
    assert_eq!(table["oldest"], "2025-12-09T11:01:00");
    assert_eq!(table["newest"], "2025-12-09T11:04:00");
    assert_eq!(table["updated"], "2025-12-09T12:00:00Z");
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_come_newest_first_as_they_were_written_and_say_whether_they_are_final() {
    let weir = with_clicks().await;
    let answer = weir.json("/results/clicks?where=page%3D'/a'&limit=2").await;
    assert_eq!(answer["is_complete"], false);
    assert_eq!(
        answer["rows"][0],
        json!({"page": "/a", "n": 4, "ms": 1.0, "price": 1.5, "window_start": "2025-12-09 11:03:00",
            "window_end": "2025-12-09 11:04:00", "_key": "clicks:/a:2025-12-09 11:04:00",
            "_time": "2025-12-09T11:04:00", "_is_final": false, "_revision": 0})
    );
    assert_eq!(answer["rows"][1]["_is_final"], true);

    // The final row replaces the early one.
    write(&weir, "/a", 4, 44, true);
    let row = "/results/clicks/clicks:/a:2025-12-09%2011:04:00";
    let row = weir.until(row, |row| row["n"] == 44).await;
    assert_eq!(row["_is_final"], true);
    assert_eq!(weir.json("/results/clicks?limit=0").await["rows"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn periods_filters_and_orders_choose_rows() {
    let weir = with_clicks().await;
    for (query, n) in [
        ("from=2025-12-09T11:03:00&order=n", json!([3, 4, 30, 40])),
        ("from=-58m&order=n", json!([2, 3, 4, 20, 30, 40])),
        ("from=2025-12-09T11:02&to=2025-12-09T11:03&order=-n", json!([20, 2])),
        ("where=n%20%3E%202%20AND%20n%20%3C%2020&order=-n", json!([10, 4, 3])),
        ("where=_is_final%3Dfalse", json!([4])),
        ("where=window_end%20%3E%3D%20'2025-12-09T11:04:00'%20AND%20page%20LIKE%20'/b%25'", json!([40])),
        ("order=-page,_time&limit=3", json!([10, 20, 30])),
        ("order=-ms&limit=1", json!([40])),
        ("from=now", json!([])),
    ] {
        let answer = weir.json(&format!("/results/clicks?{query}")).await;
        assert_eq!(json!(column(&answer, "n")), n, "{query}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_are_summed_counted_ordered_and_filled() {
    let weir = with_clicks().await;
    let answer = weir.json("/results/clicks?group_by=page&order=-sum(n)").await;
    assert_eq!(
        answer["rows"],
        json!([
            {"page": "/b:\"x\"", "count(*)": 4, "sum(n)": 100, "sum(ms)": 25.0, "sum(price)": 6.0, "_is_final": true},
            {"page": "/a", "count(*)": 4, "sum(n)": 10, "sum(ms)": 2.5, "sum(price)": 6.0, "_is_final": false},
        ])
    );
    let answer = weir.json("/results/clicks?aggregate=min(n),max(n),avg(n),count(page)").await;
    let expected =
        json!([{"min(n)": 1, "max(n)": 40, "avg(n)": 13.75, "count(page)": 8, "_is_final": false}]);
    assert_eq!(answer["rows"], expected);

    // The average of averages, each with the weight of its rows; by its name it can be ordered by.
    let weighted = "avg(ms%20weighted%20by%20n)";
    let query = format!("group_by=page&aggregate={weighted},avg(ms)&order=-{weighted}");
    let answer = weir.json(&format!("/results/clicks?{query}")).await;
    assert_eq!(json!(column(&answer, "avg(ms weighted by n)")), json!([7.5, 0.75]));
    assert_eq!(json!(column(&answer, "avg(ms)")), json!([6.25, 0.625]));

    weir.store.delete(&["clicks:/a:2025-12-09 11:02:00"]);
    weir.until("/results/clicks", |found| found["count"] == 7).await;
    for (fill, sums) in
        [("null", json!([1, null, 3, 4])), ("zero", json!([1, 0, 3, 4])), ("previous", json!([1, 1, 3, 4]))]
    {
        let query = format!("where=page%3D'/a'&group_by=minute(window_end)&aggregate=sum(n)&fill={fill}");
        let answer = weir.json(&format!("/results/clicks?{query}")).await;
        assert_eq!(json!(column(&answer, "sum(n)")), sums, "{fill}");
        assert_eq!(answer["rows"][1]["minute(window_end)"], "2025-12-09T11:02:00");
    }
    let query = "group_by=hour(window_end),page&aggregate=count(*)&from=2025-12-09T10:00:00&to=2025-12-09T12:00:00&fill=zero";
    let answer = weir.json(&format!("/results/clicks?{query}")).await;
    assert_eq!(json!(column(&answer, "count(*)")), json!([0, 0, 3, 4]));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_json_csv_or_ndjson() {
    let weir = with_clicks().await;
    let target = "/results/clicks?order=n&where=n%20IN%20(1,10)";
    let csv = request(weir.address, "GET", target, &[("Accept", "text/csv;q=0.9, text/html")], b"").await;
    assert_eq!(csv.header("content-type"), Some("text/csv; charset=utf-8"));
    assert_eq!(
        csv.text(),
        "page,n,ms,price,window_start,window_end,_key,_time,_is_final,_revision\r\n\
         /a,1,0.25,1.5,2025-12-09 11:00:00,2025-12-09 11:01:00,clicks:/a:2025-12-09 11:01:00,2025-12-09T11:01:00,true,0\r\n\
         \"/b:\"\"x\"\"\",10,2.5,1.5,2025-12-09 11:00:00,2025-12-09 11:01:00,\"clicks:/b%3A\"\"x\"\":2025-12-09 11:01:00\",2025-12-09T11:01:00,true,0\r\n"
    );
    let lines = weir.get(&format!("{target}&format=ndjson")).await;
    assert_eq!(lines.header("content-type"), Some("application/x-ndjson"));
    let lines: Vec<Value> =
        lines.text().lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!((lines.len(), &lines[1]["n"]), (2, &json!(10)));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_form_says_whether_rows_were_cut_off() {
    let weir = with_clicks().await;
    for format in ["json", "csv", "ndjson"] {
        for (query, is_complete) in [
            ("limit=8", "true"),
            ("limit=7", "false"),
            ("limit=7&order=n", "false"),
            ("group_by=page", "true"),
            ("group_by=page&limit=1", "false"),
        ] {
            let answer = weir.get(&format!("/results/clicks?{query}&format={format}")).await;
            assert_eq!(answer.header("x-weir-complete"), Some(is_complete), "{query} as {format}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn mistakes_are_answered_with_a_reason() {
    let weir = with_clicks().await;
    for (target, status, part) in [
        ("/results/click", 404, "did you mean `clicks`?"),
        ("/results/clicks/nosuch", 404, "no row with the key"),
        ("/results/clicks?where=m%20%3D%201", 400, "where, character 1"),
        ("/results/clicks?where=n%20%3D%20'1'", 400, "character 5"),
        ("/results/clicks?wher=n%20%3D%201", 400, "did you mean `where`?"),
        ("/results/clicks?from=yesterday", 400, "from must be a time"),
        ("/results/clicks?to=-5x", 400, "to must be a time"),
        ("/results/clicks?limit=-1", 400, "from 0 to 100000"),
        ("/results/clicks?limit=1e3", 400, "whole number"),
        ("/results/clicks?limit=100001", 400, "from 0 to 100000"),
        ("/results/clicks?group_by=pages", 400, "did you mean `page`?"),
        ("/results/clicks?group_by=year(window_end)", 400, "no period `year`"),
        ("/results/clicks?group_by=page&aggregate=sum(page)", 400, "takes numbers"),
        ("/results/clicks?aggregate=median(n)", 400, "no function `median`"),
        ("/results/clicks?aggregate=n", 400, "no call"),
        ("/results/clicks?aggregate=avg(ms%20weighted%20by%20page)", 400, "takes numbers"),
        ("/results/clicks?aggregate=sum(ms%20weighted%20by%20n)", 400, "only avg takes weights"),
        ("/results/clicks?group_by=page&order=n", 400, "the answer has no `n`"),
        ("/results/clicks?order=,", 400, "empty part"),
        ("/results/clicks?fill=zero", 400, "needs one period"),
        ("/results/clicks?group_by=day(window_end)&fill=0", 400, "null, zero or previous"),
        ("/results/clicks?format=xml", 400, "json, csv or ndjson"),
        ("/results/clicks?from=2025-12-09T11:30:00Z", 400, "without `Z`"),
        ("/results/clicks?group_by=second(window_end)&from=0001-01-01&fill=zero", 400, "groups"),
    ] {
        let answer = weir.get(target).await;
        let detail = answer.json()["detail"].as_str().unwrap_or_default().to_owned();
        assert!(answer.status == status && detail.contains(part), "{target}: {} {detail}", answer.status);
    }
    assert_eq!(weir.post("/results/clicks", "{}").await.status, 405);
    assert_eq!(weir.get("/results/").await.status, 307);
    assert_eq!(request(weir.address, "HEAD", "/results/clicks", &[], b"").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_others_wrote_are_read_as_they_are() {
    let odd = [
        ("clicks:/x:2025-12-09T11:00:00.123456", r#"{"page": "/x", "n": "many", "ms": 1e400, "extra": 1}"#),
        ("clicks:None:2025-12-09 11:05:00", r#"{"window_end": null, "price": [1, {"a": "b"}], "page": 7}"#),
        (
            "clicks:/y:2025-12-09 11:06:00",
            r#"{"n": 2.0, "n": 3, "window_end": "2025-12-09 11:06:00", "revision": 2}"#,
        ),
    ];
    let no_rows = [
        ("clicks:/x:2025-12-09 11:00:00", "[1]"),
        ("clicks:/x:2025-12-09 11:01:00", "not json"),
        ("clicks:/x:2025-12-09 11:02:00", ""),
        ("clicks:/x:never", "{}"),
        ("clicks:a:b:2025-12-09 11:02:00", "{}"),
        ("other:/x:2025-12-09 11:02:00", "{}"),
        ("weir:stores", "{}"),
    ];
    let weir = start_with(server::Options::default(), |store| {
        odd.iter().chain(&no_rows).for_each(|(key, value)| store.put_text(key, value));
    })
    .await;
    weir.result_tables
        .declare(vec![clicks("clicks", "clicks:{page}:{window_end}"), clicks("all", "{page}:{n}")]);

    let answer = weir.json("/results/clicks?order=_time").await;
    assert_eq!(answer["count"], 3, "{answer}");
    let row =
        |key: &str| answer["rows"].as_array().expect("rows").iter().find(|row| row["_key"] == key).cloned();
    let first = row(odd[0].0).expect("a row");
    assert_eq!(
        (&first["n"], &first["page"], &first["window_end"]),
        (&json!("many"), &json!("/x"), &Value::Null)
    );
    assert_eq!(row(odd[1].0).expect("a row")["price"], json!([1, {"a": "b"}]));
    let last = row(odd[2].0).expect("a row");
    assert_eq!((&last["n"], &last["_revision"], &last["_is_final"]), (&json!(3), &json!(2), &json!(true)));
    for (key, _) in odd {
        let target = format!("/results/clicks/{}", key.replace(' ', "%20"));
        assert_eq!(weir.json(&target).await["_key"], key);
    }
    assert_eq!(weir.json("/results/all").await["count"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_belongs_to_the_template_with_the_most_text_and_to_the_newest_declaration() {
    let weir = start().await;
    weir.result_tables.declare(vec![clicks("pages", "a:{page}:{n}"), clicks("totals", "a:total:{n}")]);
    weir.store.put_for("a:total:3", json!({"n": 3}), DAY);
    weir.store.put_for("a:/x:4", json!({"page": "/x", "n": 4}), DAY);
    weir.until("/results/pages", |found| found["count"] == 1).await;
    assert_eq!(json!(column(&weir.json("/results/totals").await, "n")), json!([3]));

    // The same name with another key: the new table has the name, the old one stays readable.
    weir.result_tables.declare(vec![ResultTable { declared: 2, ..clicks("pages", "b:{page}:{n}") }]);
    assert_eq!(weir.json("/results/pages").await["count"], 0);
    assert_eq!(weir.json("/results/pages@01234567").await["count"], 1);

    // Other columns under the same key: the rows are read again.
    let mut narrow = clicks("totals", "a:total:{n}");
    narrow.columns.retain(|column| column.name == "n");
    weir.result_tables.declare(vec![narrow]);
    let row = weir.json("/results/totals").await["rows"][0].clone();
    assert_eq!((row["n"].as_i64(), row.get("page")), (Some(3), None));
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_without_a_time_have_the_time_of_their_writing_and_are_replaced_by_key() {
    let weir = start().await;
    let mut users = clicks("users", "users:{page}");
    users.columns.truncate(2);
    weir.result_tables.declare(vec![users]);
    weir.store.put_for("users:a", json!({"page": "a", "n": 1}), DAY);
    weir.store.put_for("users:b", json!({"page": "b", "n": 1}), DAY);
    let before = weir.until("/results/users", |found| found["count"] == 2).await;
    assert_eq!(column(&before, "_time"), [json!("2025-12-09T12:00:00"), json!("2025-12-09T12:00:00")]);

    weir.clock.advance(types::Interval(60_000));
    weir.store.put_for("users:a", json!({"page": "a", "n": 2}), DAY);
    let after = weir.until("/results/users/users:a", |row| row["n"] == 2).await;
    assert_eq!(after["_time"], "2025-12-09T12:01:00");
    assert_eq!(json!(column(&weir.json("/results/users").await, "n")), json!([2, 1]));
    assert_eq!(weir.json("/results").await["tables"][0]["time_column"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_expire_and_the_largest_table_leaves_out_its_oldest_rows() {
    let options = server::Options { result_tables_bytes_max: 400_000, ..server::Options::default() };
    let weir = start_with(options, |_| {}).await;
    weir.result_tables.declare(vec![
        clicks("clicks", "clicks:{page}:{window_end}"),
        clicks("small", "small:{page}:{window_end}"),
    ]);
    weir.store.put_for(
        "small:/a:2025-12-09 11:00:00",
        json!({"page": "/a", "window_end": "2025-12-09 11:00:00"}),
        DAY,
    );
    for at in 0..20_000 {
        let end = format!("2025-12-09 {:02}:{:02}:{:02}", at / 3_600, at / 60 % 60, at % 60);
        let value = json!({"page": format!("a page of some length {at}"), "window_end": end, "n": at});
        weir.store.put_for(&format!("clicks:{at}:{end}"), value, DAY);
    }
    let newest = "/results/clicks?limit=1";
    weir.until(newest, |found| found["rows"][0]["n"] == 19_999).await;
    weir.until("/results", |found| found["tables"][0]["left_out_until"].is_string()).await;
    let tables = weir.json("/results").await;
    let rows = tables["tables"][0]["rows"].as_u64().expect("a number");
    assert!((500..20_000).contains(&rows), "{rows}");
    assert_eq!(tables["tables"][1]["rows"], 1);
    assert!(tables["tables"][0]["oldest"].as_str() > tables["tables"][0]["left_out_until"].as_str());

    weir.clock.advance(types::Interval(86_400_000));
    weir.until("/results", |found| found["tables"][0]["rows"] == 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_are_in_memory_while_they_are_used() {
    let weir = start().await;
    weir.result_tables.declare(vec![clicks("clicks", "clicks:{page}:{window_end}")]);
    write(&weir, "/a", 1, 1, true);
    let unused = weir.handle.results_memory_bytes();
    assert_eq!(weir.json("/results/clicks").await["count"], 1, "the first request waits for the rows");
    assert!(weir.handle.results_memory_bytes() > unused);

    weir.clock.advance(types::Interval(14 * 60_000));
    assert_eq!(weir.json("/results/clicks").await["count"], 1);
    weir.clock.advance(types::Interval(14 * 60_000));
    write(&weir, "/b", 1, 1, true);
    weir.until("/results/clicks", |found| found["count"] == 2).await;

    weir.clock.advance(types::Interval(16 * 60_000));
    eventually("the rows are dropped", || weir.handle.results_memory_bytes() <= unused).await;
    write(&weir, "/c", 1, 1, true);
    assert_eq!(weir.json("/results/clicks").await["count"], 3, "they are loaded again");
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_are_in_the_table_whose_template_fits_best_after_every_declaration() {
    let weir = with_clicks().await;
    let vip = write(&weir, "vip", 5, 5, true);
    weir.until("/results/clicks", |found| found["count"] == 9).await;

    let receipt = weir.result_tables.declare(vec![clicks("vips", "clicks:vip:{window_end}")]);
    let vips = weir.json("/results/vips").await;
    assert_eq!(column(&vips, "_key"), [json!(vip)]);
    assert_eq!(weir.json("/results/clicks").await["count"], 8);

    weir.result_tables.withdraw(receipt);
    let clicks = weir.until("/results/clicks", |found| found["count"] == 9).await;
    assert!(column(&clicks, "_key").contains(&json!(vip)));
    assert_eq!(weir.get("/results/vips").await.status, 404);
}
