//! Runs the examples of `docs/dashboards.md`.

use super::text::Block;
use super::world::World;

pub fn a_copy_is_saved_and_deleted(world: &World, block: &Block) {
    let out = world.succeeds(&block.place, &block.text());
    assert!(
        out.contains("built-in") && out.ends_with("created mine\nreplaced mine\ndeleted mine\n"),
        "{out}"
    );
}

pub fn the_document_is_accepted(world: &World, block: &Block) {
    std::fs::write(world.path().join("document.json"), block.text()).expect("a file");
    let out = world.succeeds(&block.place, "weir dashboards put document document.json");
    assert_eq!(out, "created document\n", "{}", block.place);
    let printed = world.succeeds(&block.place, "weir dashboards get document");
    assert_eq!(printed.trim_end(), block.text(), "{}", block.place);
}

pub fn a_change_by_tag(world: &World, block: &Block) {
    let out = world.succeeds(&block.place, &block.text());
    assert!(out.contains("\"source\":\"saved\"") && out.contains("\"replaces\":\"built-in\""), "{out}");
    let list = world.up.get("/dashboards");
    let source = list["dashboards"].as_array().expect("a list").iter().find(|of| of["name"] == "analytics");
    assert_eq!(source.map(|of| &of["source"]), Some(&"built-in".into()), "{}: {list}", block.place);
}
