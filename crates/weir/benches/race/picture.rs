//! The picture of the race: one panel for each of six figures, with a bar for each engine.
//!
//! Bars begin at zero and are as long as their figures, within a panel. Text is text, in greys that can be
//! read on light and on dark backgrounds: GitHub's pages do not tell a picture which of both they have.

use std::fmt::Write as _;

use super::engine::Kind;
use super::report::{FIGURES, Figure, Run};

const WIDTH: u32 = 820;
const COLUMNS: u32 = 2;
const MARGIN: u32 = 20;
const HEAD: u32 = 62;
const PANEL_WIDTH: u32 = 380;
const PANEL_HEIGHT: u32 = 92;
const NAME_WIDTH: u32 = 92;
const BAR_WIDTH: u32 = 190;
const BAR_HEIGHT: u32 = 20;

/// Returns the picture as SVG.
pub fn draw(runs: &[Run], about: &str) -> String {
    let panels: Vec<(&Figure, &str)> =
        FIGURES.iter().filter_map(|figure| Some((figure, figure.panel?))).collect();
    let rows = (panels.len() as u32).div_ceil(COLUMNS);
    let height = HEAD + rows * PANEL_HEIGHT + MARGIN;

    let mut svg = format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" role="img" aria-labelledby="title what">
<title id="title">Weir and Apache Flink 2.3.0 with the same SQL script and the same Kafka topic</title>
<desc id="what">{}</desc>
<style>
  text {{ font-family: system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; font-size: 13px; fill: #757b83 }}
  .title {{ font-size: 17px; font-weight: 600 }}
  .panel {{ font-weight: 600 }}
  .weir {{ fill: #1a9c74 }}
  .flink {{ fill: #d9663a }}
</style>
<text class="title" x="{MARGIN}" y="26">The same SQL script and Kafka topic, in turns</text>
<text x="{MARGIN}" y="46">{}</text>
"##,
        escape(&describe(&panels, runs)),
        escape(about),
    );

    for (place, (figure, title)) in panels.iter().enumerate() {
        let (column, row) = (place as u32 % COLUMNS, place as u32 / COLUMNS);
        let (x, y) = (MARGIN + column * (PANEL_WIDTH + MARGIN), HEAD + row * PANEL_HEIGHT);
        panel(&mut svg, figure, title, runs, x, y);
    }
    svg + "</svg>\n"
}

/// Draws a panel with its upper left corner at a place.
fn panel(svg: &mut String, figure: &Figure, title: &str, runs: &[Run], x: u32, y: u32) {
    let better = if figure.is_gain() { "more is better" } else { "less is better" };
    let _ = writeln!(
        svg,
        r#"<text x="{x}" y="{}"><tspan class="panel">{}</tspan> ({better})</text>"#,
        y + 16,
        escape(title)
    );
    let most = Kind::ALL.map(|kind| figure.median(runs, kind)).into_iter().fold(f64::MIN_POSITIVE, f64::max);

    for (place, kind) in Kind::ALL.into_iter().enumerate() {
        let value = figure.median(runs, kind);
        let width = (value / most * f64::from(BAR_WIDTH)).max(2.0);
        let top = y + 26 + place as u32 * (BAR_HEIGHT + 6);
        let middle = top + 15;
        let class = match kind {
            Kind::Weir => "weir",
            Kind::Flink => "flink",
        };
        let bar = x + NAME_WIDTH;
        let _ = writeln!(
            svg,
            r#"<text x="{x}" y="{middle}">{}</text><rect class="{class}" x="{bar}" y="{top}" width="{width:.1}" height="{BAR_HEIGHT}" rx="2"/><text x="{:.1}" y="{middle}">{}</text>"#,
            kind.name(),
            f64::from(bar) + width + 6.0,
            figure.text(value)
        );
    }
}

/// Returns all figures of the picture as a sentence each.
fn describe(panels: &[(&Figure, &str)], runs: &[Run]) -> String {
    let sentence = |(figure, title): &(&Figure, &str)| {
        let [weir, flink] = Kind::ALL.map(|kind| figure.text(figure.median(runs, kind)));
        format!("{title}: Weir {weir}, Flink {flink}.")
    };
    panels.iter().map(sentence).collect::<Vec<_>>().join(" ")
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
