//! What a client is told when its rows cannot be read.

use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use jiff::tz::TimeZone;
use jobs::ColumnKind;
use storage::store::{EmbeddedStore, Options};
use types::{Clock, ManualClock, Timestamp};

use super::super::table::RowTable;
use super::super::template::Template;
use super::super::tests::table;
use super::*;

#[tokio::test]
async fn a_panic_while_rows_are_read_is_an_error_and_no_table_without_rows() {
    let directory = tempfile::tempdir().expect("a directory");
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::at(Timestamp(0)));
    let store =
        EmbeddedStore::open(directory.path(), Options::default(), Arc::clone(&clock)).expect("a store");
    let results =
        Results::new(Arc::default(), Arc::new(store), clock, TimeZone::UTC, 1 << 20, Metrics::new());

    // A row that lacks a column of its table is a bug, on which the reader panics.
    let (page, n) = (("page", ColumnKind::Text), ("n", ColumnKind::Integer));
    let declared = Arc::new(table("t", "k:{page}", &[page]));
    let mut broken = RowTable::new(Arc::clone(&declared), Arc::new(Template::of(&declared)), TimeZone::UTC);
    broken.write("k:/a", br#"{"page":"/a"}"#, Timestamp(i64::MAX), 0);
    broken.declared = Arc::new(table("t", "k:{page}", &[page, n]));

    let wanted = Wanted { table: "t".to_owned(), filter: "n = 1".to_owned(), ..Wanted::default() };
    let opened = Subscription::open(Arc::new(results), Slot::new(broken), wanted).await;
    let failure = opened.err().expect("no snapshot");
    assert!(failure.detail().contains("Weir's log"), "{}", failure.detail());
    assert_eq!(failure.into_response().status(), StatusCode::INTERNAL_SERVER_ERROR);
}
