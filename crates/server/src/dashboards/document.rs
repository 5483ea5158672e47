//! The document of a dashboard: its format, version 1.
//!
//! Fields that the format does not have are refused, except in the `options` of a panel. An error names its place,
//! such as `panels[3].at.w`. The server keeps the text of a document as it was sent, so the page gets every
//! number and every field of `options` as its author wrote them.

use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::documents::{Mistake, parse, version};

/// Maximum length of a document in bytes.
pub(super) const BYTES_MAX: usize = 256 << 10;

/// A dashboard: panels on a grid of 12 columns.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "the page reads all fields from the text")]
pub(crate) struct Dashboard {
    /// Version of the format.
    #[serde(deserialize_with = "version")]
    #[schema(minimum = 1, maximum = 1, example = 1)]
    version: u32,
    #[schema(min_length = 1, max_length = 120, example = "Usage of the assistant")]
    pub(super) title: String,
    /// Title in Vietnamese.
    #[schema(min_length = 1, max_length = 120)]
    pub(super) title_vi: Option<String>,
    #[schema(max_length = 2_000)]
    pub(super) description: Option<String>,
    /// Description in Vietnamese.
    #[schema(max_length = 2_000)]
    pub(super) description_vi: Option<String>,
    /// The period that the page shows at first.
    period: Option<Period>,
    #[schema(max_items = 100)]
    pub(super) panels: Vec<Panel>,
}

#[derive(Debug, Deserialize, ToSchema)]
enum Period {
    #[serde(rename = "15m")]
    Minutes15,
    #[serde(rename = "1h")]
    Hours1,
    #[serde(rename = "6h")]
    Hours6,
    #[serde(rename = "24h")]
    Hours24,
    #[serde(rename = "7d")]
    Days7,
    #[serde(rename = "30d")]
    Days30,
    #[serde(rename = "all")]
    All,
}

/// A panel: a chart over the rows of a result table.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "the page reads all fields from the text")]
pub(crate) struct Panel {
    /// Name of the panel, unique in the document.
    #[schema(pattern = "^[a-z0-9-]{1,40}$", example = "traffic")]
    pub(super) id: String,
    #[schema(min_length = 1, max_length = 120, example = "Questions per minute")]
    pub(super) title: String,
    /// Title in Vietnamese.
    #[schema(min_length = 1, max_length = 120)]
    pub(super) title_vi: Option<String>,
    /// Name of a result table, which need not exist yet.
    #[schema(min_length = 1, max_length = 255, example = "timeseries_minute")]
    pub(super) table: String,
    /// Kind of the chart. The page knows the kinds: `line`, `bars`, `number`, `table`, `heat-map`, `share` and others.
    #[schema(pattern = "^[a-z0-9-]{1,40}$", example = "line")]
    pub(super) chart: String,
    /// Column with the number to show.
    #[schema(min_length = 1, max_length = 255, example = "query_count")]
    pub(super) number: Option<String>,
    /// Column with the weights of the number, where it is an average and averages are combined.
    #[schema(min_length = 1, max_length = 255, example = "total_queries")]
    pub(super) weight: Option<String>,
    /// How several values of the number become one.
    combination: Option<Combination>,
    /// Columns by which rows are grouped: lines, ranks, or the axes of a heat map.
    #[serde(default)]
    #[schema(max_items = 2)]
    pub(super) by: Vec<String>,
    /// Conditions on the rows, as in `GET /results/{table}`.
    #[serde(rename = "where")]
    #[schema(max_length = 2_000, example = "faculty = 'CNTT'")]
    pub(super) conditions: Option<String>,
    /// Maximum number of lines, ranks or rows.
    #[schema(minimum = 1, maximum = 1_000)]
    pub(super) limit: Option<u32>,
    /// Values from which on, or up to which, a number has a meaning.
    #[serde(default)]
    #[schema(max_items = 8)]
    pub(super) thresholds: Vec<Threshold>,
    /// Options of the kind of chart: an object of 4 KiB at most.
    pub(super) options: Option<Map<String, Value>>,
    pub(super) at: Place,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Combination {
    Sum,
    Avg,
    Min,
    Max,
    Count,
}

/// A limit with a meaning: it has either `above` or `below`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "the page reads all fields from the text")]
pub(crate) struct Threshold {
    pub(super) above: Option<f64>,
    pub(super) below: Option<f64>,
    #[schema(min_length = 1, max_length = 120, example = "good")]
    pub(super) label: Option<String>,
    /// The label in Vietnamese.
    #[schema(min_length = 1, max_length = 120, example = "tốt")]
    pub(super) label_vi: Option<String>,
    /// How the page colours a number beyond the limit.
    color: Option<ThresholdColor>,
}

/// A meaning that the page shows as a colour, which fits the light and the dark scheme.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum ThresholdColor {
    Good,
    Warn,
    Bad,
}

/// Where a panel is on the grid: columns from the left, rows from the top, width and height.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PanelPlace)]
pub(crate) struct Place {
    #[schema(maximum = 11)]
    pub(super) x: u32,
    #[schema(maximum = 1_000)]
    pub(super) y: u32,
    #[schema(minimum = 1, maximum = 12)]
    pub(super) w: u32,
    #[schema(minimum = 1, maximum = 40)]
    pub(super) h: u32,
}

impl Dashboard {
    /// Parses and checks a document, whose text has no byte order mark.
    pub(super) fn parse(text: &[u8]) -> Result<Dashboard, Mistake> {
        let dashboard: Dashboard = parse(text, BYTES_MAX)?;
        dashboard.check()?;
        Ok(dashboard)
    }
}
