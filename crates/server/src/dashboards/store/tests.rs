//! Sources that hide each other, changes by tag, restarts, and files that are damaged.

use std::fs;
use std::sync::Barrier;

use super::*;
use crate::documents::Tags;

fn document(title: &str) -> Vec<u8> {
    format!(r#"{{"version": 1, "title": "{title}", "panels": []}}"#).into_bytes()
}

fn open(directory: &Path) -> Dashboards {
    let places =
        DocumentPlaces { saved: Some(directory.join("saved")), files: vec![directory.join("files")] };
    Dashboards::open(&places)
}

/// Returns the condition of a change of the document that is shown.
fn present(dashboards: &Dashboards, name: &str) -> Condition {
    let tag = dashboards.get(name).expect("a dashboard").document.tag.clone();
    Condition::Has(Tags::Listed(vec![tag]))
}

fn create(dashboards: &Dashboards, name: &str, title: &str) {
    let (put, _) = dashboards.put(name, &document(title), Some(&Condition::IsNew)).expect("created");
    assert_eq!(put, Put::Created);
}

/// Returns title, source and hidden source.
fn shown(dashboards: &Dashboards, name: &str) -> Option<(String, Source, Option<Source>)> {
    let shown = dashboards.get(name)?;
    Some((shown.document.title.clone(), shown.document.source, shown.replaces))
}

fn names(dashboards: &Dashboards) -> Vec<String> {
    dashboards.all().into_iter().map(|(name, _)| name).collect()
}

#[test]
fn a_saved_dashboard_survives_a_restart_byte_by_byte() {
    let directory = tempfile::tempdir().expect("a directory");
    let dashboards = open(directory.path());
    create(&dashboards, "mine", "One");
    let text = b"{ \"version\": 1,\n  \"title\": \"Tw\xc3\xb2\",\t\"panels\": [] }\n";
    let (put, saved) = dashboards.put("mine", text, Some(&present(&dashboards, "mine"))).expect("replaced");
    assert_eq!(put, Put::Replaced);

    let again = open(directory.path());
    let found = again.get("mine").expect("a dashboard").document;
    assert_eq!(found.text.as_ref(), text);
    assert_eq!((&found.tag, found.updated), (&saved.document.tag, saved.document.updated));
    assert!(found.updated.is_some());
    let left: Vec<_> = fs::read_dir(directory.path().join("saved")).expect("a directory").collect();
    assert_eq!(left.len(), 1, "no part is left: {left:?}");
}

#[test]
fn a_saved_dashboard_hides_a_file_and_a_file_a_built_in_one() {
    let directory = tempfile::tempdir().expect("a directory");
    fs::create_dir(directory.path().join("files")).expect("a directory");
    let file =
        |name: &str| fs::write(directory.path().join("files").join(name), document("File")).expect("a file");
    file("analytics.json");
    file("own.json");

    let dashboards = open(directory.path());
    assert_eq!(names(&dashboards), ["analytics", "own"]);
    let as_file = Some(("File".to_owned(), Source::File, Some(Source::BuiltIn)));
    assert_eq!(shown(&dashboards, "analytics"), as_file);
    assert_eq!(shown(&dashboards, "own"), Some(("File".to_owned(), Source::File, None)));

    // The client knows the tag of the file.
    let is_file = present(&dashboards, "analytics");
    let (put, saved) = dashboards.put("analytics", &document("Saved"), Some(&is_file)).expect("saved");
    assert_eq!((put, saved.replaces), (Put::Replaced, Some(Source::File)));
    let as_saved = Some(("Saved".to_owned(), Source::Saved, Some(Source::File)));
    assert_eq!(shown(&dashboards, "analytics"), as_saved);
    assert_eq!(shown(&open(directory.path()), "analytics"), as_saved);

    dashboards.delete("analytics", Some(&present(&dashboards, "analytics"))).expect("deleted");
    assert_eq!(shown(&dashboards, "analytics"), as_file);
    assert_eq!(shown(&open(directory.path()), "analytics"), as_file);
}

#[test]
fn only_saved_dashboards_are_deleted_and_only_as_they_are_known() {
    let directory = tempfile::tempdir().expect("a directory");
    let dashboards = open(directory.path());
    let any = Some(&Condition::Has(Tags::Any));
    assert!(matches!(dashboards.delete("none", None), Err(Refusal::Unknown { .. })));
    assert!(matches!(dashboards.delete("analytics", any), Err(Refusal::ReadOnly { .. })));

    create(&dashboards, "mine", "One");
    let old = present(&dashboards, "mine");
    dashboards.put("mine", &document("Two"), Some(&old)).expect("replaced");
    assert!(matches!(dashboards.delete("mine", None), Err(Refusal::NoCondition { .. })));
    assert!(matches!(dashboards.delete("mine", Some(&Condition::IsNew)), Err(Refusal::NoCondition { .. })));
    assert!(matches!(dashboards.delete("mine", Some(&old)), Err(Refusal::Changed { .. })));
    dashboards.delete("mine", any).expect("deleted");
    assert_eq!(names(&open(directory.path())), ["analytics"]);
}

#[test]
fn a_change_needs_the_right_condition() {
    let dashboards = Dashboards::open(&DocumentPlaces::default());
    let new = Some(&Condition::IsNew);
    let put = |name: &str, condition: Option<&Condition>| {
        dashboards.put(name, &document("T"), condition).map(|(put, _)| put)
    };
    assert!(matches!(put("../up", new), Err(Refusal::Name { .. })));
    assert!(matches!(put("mine", None), Err(Refusal::NoCondition { .. })));
    assert!(matches!(put("mine", Some(&Condition::Has(Tags::Any))), Err(Refusal::Gone { .. })));
    assert!(matches!(put("analytics", new), Err(Refusal::Exists { origin: Source::BuiltIn, .. })));
    assert!(matches!(put("mine", new), Ok(Put::Created)));
    assert!(matches!(put("mine", new), Err(Refusal::Exists { origin: Source::Saved, .. })));
    let wrong = Condition::Has(Tags::Listed(vec!["\"0\"".to_owned()]));
    assert!(matches!(put("mine", Some(&wrong)), Err(Refusal::Changed { .. })));
    assert!(matches!(dashboards.put("mine", b"{", new), Err(Refusal::Document(_))));
}

#[test]
fn of_two_changes_at_once_with_the_same_tag_one_succeeds() {
    let directory = tempfile::tempdir().expect("a directory");
    let dashboards = open(directory.path());
    create(&dashboards, "mine", "0");

    for round in 1..=20 {
        let tag = present(&dashboards, "mine");
        let start = Barrier::new(4);
        let put = |writer: u32| {
            start.wait();
            dashboards.put("mine", &document(&format!("{round} {writer}")), Some(&tag)).map(|_| writer)
        };
        let results: Vec<Result<u32, Refusal>> = std::thread::scope(|scope| {
            let writers: Vec<_> = (0..4).map(|writer| scope.spawn(move || put(writer))).collect();
            writers.into_iter().map(|writer| writer.join().expect("no panic")).collect()
        });

        let won: Vec<u32> = results.iter().filter_map(|result| result.as_ref().ok().copied()).collect();
        let lost = results.iter().filter(|result| matches!(result, Err(Refusal::Changed { .. }))).count();
        assert_eq!((won.len(), lost), (1, 3), "round {round}: {results:?}");
        let title = format!("{round} {}", won[0]);
        assert_eq!(open(directory.path()).get("mine").expect("a dashboard").document.title, title);
    }
}

#[test]
fn a_damaged_file_is_left_out_and_not_overwritten() {
    let directory = tempfile::tempdir().expect("a directory");
    let saved = directory.path().join("saved");
    fs::create_dir(&saved).expect("a directory");
    let write = |name: &str, text: &[u8]| fs::write(saved.join(name), text).expect("a file");
    write("good.json", &[b"\xef\xbb\xbf".as_slice(), &document("Good")].concat());
    write("half.json", &document("Half")[..20]);
    write("empty.json", b"");
    write("Bad Name.json", &document("Name"));
    write("written.part", &document("Part"));
    fs::create_dir(saved.join("directory.json")).expect("a directory");

    let dashboards = open(directory.path());
    assert_eq!(names(&dashboards), ["analytics", "good"]);

    create(&dashboards, "half", "New");
    assert_eq!(fs::read(saved.join("half.json.damaged")).expect("a file"), document("Half")[..20]);
    assert_eq!(shown(&open(directory.path()), "half"), Some(("New".to_owned(), Source::Saved, None)));
}

#[test]
fn a_file_that_cannot_be_written_leaves_the_old_document() {
    let directory = tempfile::tempdir().expect("a directory");
    let dashboards = open(directory.path());
    create(&dashboards, "mine", "Old");
    // A directory has the name of the temporary file, so every write fails, also for root.
    fs::create_dir(directory.path().join("saved/mine.part")).expect("a directory");
    let refused = dashboards.put("mine", &document("New"), Some(&present(&dashboards, "mine"))).map(|_| ());
    assert!(matches!(refused, Err(Refusal::Disk { .. })), "{refused:?}");
    assert_eq!(dashboards.get("mine").expect("a dashboard").document.title, "Old");
    assert_eq!(open(directory.path()).get("mine").expect("a dashboard").document.title, "Old");
}

#[test]
fn there_are_500_saved_dashboards_at_most() {
    let dashboards = Dashboards::open(&DocumentPlaces::default());
    (0..500).for_each(|n| create(&dashboards, &format!("d{n}"), "T"));
    let put =
        |name: &str, condition| dashboards.put(name, &document("T"), Some(condition)).map(|(put, _)| put);
    assert!(matches!(put("one-more", &Condition::IsNew), Err(Refusal::Full)));
    assert!(matches!(put("d7", &Condition::Has(Tags::Any)), Ok(Put::Replaced)));
    dashboards.delete("d7", Some(&Condition::Has(Tags::Any))).expect("deleted");
    assert!(matches!(put("one-more", &Condition::IsNew), Ok(Put::Created)));
}

/// The built-in dashboard shows every built-in analytic, and only columns that they have.
#[test]
fn the_built_in_dashboard_fits_the_built_in_analytics() {
    let script = include_str!("../../../../../jobs/analytics.sql");
    let plan = sql::compile(script, &|_| None).expect("the script compiles");
    let tables: BTreeMap<&str, Vec<&str>> = plan
        .sinks
        .iter()
        .map(|sink| (sink.name.as_str(), sink.columns.iter().map(|column| column.name.as_str()).collect()))
        .collect();

    let dashboards = Dashboards::open(&DocumentPlaces::default());
    let built_in = dashboards.get("analytics").expect("a dashboard").document;
    let parsed = super::super::document::Dashboard::parse(&built_in.text).expect("a document");
    let mut shown = BTreeSet::new();
    for panel in &parsed.panels {
        let columns = tables.get(panel.table.as_str()).unwrap_or_else(|| panic!("{}: no table", panel.id));
        for column in panel.number.iter().chain(&panel.by) {
            assert!(columns.contains(&column.as_str()), "{}: no column {column}", panel.id);
        }
        assert!(panel.title_vi.is_some(), "{}", panel.id);
        shown.insert(panel.table.as_str());
    }
    assert_eq!(shown, tables.keys().copied().collect());
}
