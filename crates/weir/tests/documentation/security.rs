//! Runs the examples of `docs/security.md`.

use super::text::Block;
use super::world::World;

pub fn tokens_in_five_lines(world: &World, block: &Block) {
    let directory = world.path().join("guarded");
    std::fs::create_dir(&directory).expect("a directory");
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    std::fs::write(directory.join("cert.pem"), made.cert.pem()).expect("a file");
    std::fs::write(directory.join("key.pem"), made.signing_key.serialize_pem()).expect("a file");
    let [app, board, ops, up, curl] = block.lines.as_slice() else { panic!("{}: five lines", block.place) };

    let up = up.replace("/etc/weir/", "").replace("0.0.0.0:8000", "127.0.0.1:0");
    let up = format!("{up} --jobs-http 127.0.0.1:0 --gateway-http 127.0.0.1:0 > up.out 2> up.err & up=$!");
    let wait = "for _ in $(seq 600); do grep -q 'weir is up' up.out && break; sleep 0.1; done";
    let address = "address=$(sed -nE 's|.*up: https://([^/]*)/ .*|\\1|p' up.out)";
    let now = "$(date -u +%FT%TZ)";
    let curl = curl
        .replace("curl ", "curl -s -k --fail ")
        .replace("weir.example:8000", "$address")
        .replace("\"Authorization: Bearer weir_…\"", "\"Authorization: Bearer $app\"")
        .replace(
            "'{\"query_id\": \"1\", \"ts\": \"…\"}'",
            &format!("'{{\"query_id\": \"1\", \"ts\": \"'{now}'\"}}'"),
        );
    let script = format!(
        "cd guarded\nunset WEIR_JOBS_URL\nexport WEIR_DATA_DIR=$PWD/data\napp=$({app})\n{board}\n{ops}\n{up}\n{wait}\n{address}\n{curl}\nkill $up"
    );
    let out = world.succeeds(&block.place, &script);
    assert!(out.contains("\"accepted\":1"), "{}: {out}", block.place);
}

pub fn a_certificate_of_ones_own(world: &World, block: &Block) {
    let directory = world.path().join("encrypted");
    std::fs::create_dir(&directory).expect("a directory");
    let [openssl, names, up, list] = block.lines.as_slice() else { panic!("{}: four lines", block.place) };
    let ports = "--http 127.0.0.1:0 --jobs-http 127.0.0.1:0 --gateway-http 127.0.0.1:0";
    let up = format!("{up} {ports} > up.out 2> up.err & up=$!");
    let wait = "for _ in $(seq 600); do grep -q 'weir is up' up.out && break; sleep 0.1; done";
    let port = "port=$(sed -nE 's|.*jobs: https://[^/]*:([0-9]+)/.*|\\1|p' up.out)";
    let list = list.replace("localhost:8081", "localhost:$port");
    let script = format!(
        "cd encrypted\nunset WEIR_JOBS_URL\nexport WEIR_DATA_DIR=$PWD/data\n{openssl}\n{names}\n{up}\n{wait}\n{port}\n{list}\nkill $up"
    );
    let out = world.succeeds(&block.place, &script);
    assert!(out.contains("Query Analytics Streaming"), "{}: {out}", block.place);
}
