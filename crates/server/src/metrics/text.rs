//! The two text formats of Prometheus: OpenMetrics 1.0 on request, and otherwise the classic format 0.0.4,
//! also for `curl`.
//!
//! They differ in details that matter to a strict parser. In the classic format a counter has its help under
//! the name with `_total`, and there are no units, no `info` and no end mark:
//!
//! ```text
//! OpenMetrics                        classic
//! # HELP weir_a Some.                # HELP weir_a_total Some.
//! # TYPE weir_a counter              # TYPE weir_a_total counter
//! # UNIT weir_b_seconds seconds
//! weir_a_total 5                     weir_a_total 5
//! # EOF
//! ```

use axum::http::{HeaderMap, header};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    OpenMetrics,
    Classic,
}

impl Format {
    /// Returns the format that a request prefers.
    pub(super) fn of(headers: &HeaderMap) -> Format {
        let accepted = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
        let (mut open, mut classic) = (0.0, 0.0);
        for range in accepted.flat_map(|value| value.split(',')) {
            let mut parts = range.split(';').map(str::trim);
            let kind = parts.next().unwrap_or_default().to_ascii_lowercase();
            let weight = parts.find_map(|part| part.strip_prefix("q=")?.parse::<f32>().ok()).unwrap_or(1.0);
            match kind.as_str() {
                "application/openmetrics-text" => open = weight.max(open),
                "text/plain" => classic = weight.max(classic),
                _ => {}
            }
        }
        if open > 0.0 && open >= classic { Format::OpenMetrics } else { Format::Classic }
    }

    pub(super) fn content_type(self) -> &'static str {
        match self {
            Format::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Format::Classic => "text/plain; version=0.0.4; charset=utf-8",
        }
    }
}

/// Converts OpenMetrics to the classic format. Expects the `HELP`, `TYPE` and `UNIT` lines of a metric
/// together, as this server writes them.
pub(super) fn classic(open: &str) -> String {
    let types = || open.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
    let kind_of = |name: &str| types().find(|(of, _)| *of == name).map_or("", |(_, kind)| kind);
    let mut text = String::with_capacity(open.len());

    for line in open.lines() {
        let Some(comment) = line.strip_prefix("# ") else {
            text.push_str(line);
            text.push('\n');
            continue;
        };

        let mut parts = comment.splitn(3, ' ');
        let (Some(what @ ("HELP" | "TYPE")), Some(name), Some(rest)) =
            (parts.next(), parts.next(), parts.next())
        else {
            continue;
        };

        let (suffix, kind) = match kind_of(name) {
            "counter" => ("_total", "counter"),
            "info" => ("_info", "gauge"),
            "unknown" => ("", "untyped"),
            kind => ("", kind),
        };

        let rest = if what == "TYPE" { kind } else { rest };
        text.push_str(&format!("# {what} {name}{suffix} {rest}\n"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn preferred(accept: &[&str]) -> Format {
        let mut headers = HeaderMap::new();
        for value in accept {
            headers.append(header::ACCEPT, value.parse().expect("a value"));
        }
        Format::of(&headers)
    }

    #[test]
    fn the_classic_format_is_for_all_who_do_not_ask_for_the_other() {
        let prometheus =
            "application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
        for accept in [
            &[prometheus][..],
            &["application/openmetrics-text"],
            &["text/html", "Application/OpenMetrics-Text; q=1"],
        ] {
            assert_eq!(preferred(accept), Format::OpenMetrics, "{accept:?}");
        }
        let classic = "text/plain;version=0.0.4;q=1,*/*;q=0.1";
        let neither = "application/openmetrics-text;q=0,*/*";
        for accept in
            [&[][..], &["*/*"], &[classic], &[neither], &["text/plain, application/openmetrics-text;q=0.5"]]
        {
            assert_eq!(preferred(accept), Format::Classic, "{accept:?}");
        }
    }

    #[test]
    fn counters_and_information_have_their_help_under_the_names_of_their_samples() {
        let open = "# HELP weir_a Some # of them.\n# TYPE weir_a counter\nweir_a_total{x=\"1\"} 5\n\
                    # HELP weir_build Which.\n# TYPE weir_build info\nweir_build_info{version=\"1\"} 1\n\
                    # HELP weir_b_seconds How long.\n# TYPE weir_b_seconds gauge\n# UNIT weir_b_seconds seconds\n\
                    weir_b_seconds 0.5\n# EOF\n";
        assert_eq!(
            classic(open),
            "# HELP weir_a_total Some # of them.\n# TYPE weir_a_total counter\nweir_a_total{x=\"1\"} 5\n\
             # HELP weir_build_info Which.\n# TYPE weir_build_info gauge\nweir_build_info{version=\"1\"} 1\n\
             # HELP weir_b_seconds How long.\n# TYPE weir_b_seconds gauge\nweir_b_seconds 0.5\n"
        );
    }
}
