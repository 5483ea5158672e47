//! Prepares the directory `ui/dist`, from which the dashboard is embedded. Where the dashboard was not built
//! yet, a page with a notice takes its place, so that cargo alone builds the binary from a fresh checkout.

use std::path::Path;
use std::{fs, io};

const NOTICE: &str = "<!doctype html>
<html lang=\"en\">
<meta charset=\"utf-8\">
<title>Weir</title>
<h1>Weir is running</h1>
<p>This binary was built without its dashboard: build <code>ui</code> first, then the binary again.</p>
<p>The <a href=\"/docs\">HTTP API</a> is here.</p>
</html>
";

fn main() -> io::Result<()> {
    let dist = Path::new("../../ui/dist");
    let page = dist.join("index.html");
    if !page.exists() {
        fs::create_dir_all(dist)?;
        fs::write(&page, NOTICE)?;
    }
    println!("cargo::rerun-if-changed=../../ui/dist");
    Ok(())
}
