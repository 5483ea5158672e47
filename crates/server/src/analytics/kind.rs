//! The fifteen analytics, under the contract's names.

use prometheus_client::encoding::EncodeLabelValue;

/// An analytic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    Faculty,
    Year,
    Heatmap,
    PopularQueries,
    StudentYear,
    PopularByYear,
    Department,
    UserType,
    SuccessRate,
    ResponseTime,
    Overall,
    TimeseriesMinute,
    TimeseriesHour,
    TimeseriesDay,
    HeatmapHourly,
}

impl Kind {
    pub(crate) const COUNT: usize = 15;

    /// All kinds in the order of their declaration, so that `ALL[kind.index()] == kind`.
    pub(crate) const ALL: [Kind; Kind::COUNT] = [
        Kind::Faculty,
        Kind::Year,
        Kind::Heatmap,
        Kind::PopularQueries,
        Kind::StudentYear,
        Kind::PopularByYear,
        Kind::Department,
        Kind::UserType,
        Kind::SuccessRate,
        Kind::ResponseTime,
        Kind::Overall,
        Kind::TimeseriesMinute,
        Kind::TimeseriesHour,
        Kind::TimeseriesDay,
        Kind::HeatmapHourly,
    ];

    pub(crate) fn index(self) -> usize {
        self as usize
    }

    /// Returns the name in notifications.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Kind::Faculty => "faculty",
            Kind::Year => "year",
            Kind::Heatmap => "heatmap",
            Kind::PopularQueries => "popular_queries",
            Kind::StudentYear => "student_year",
            Kind::PopularByYear => "popular_by_year",
            Kind::Department => "department",
            Kind::UserType => "user_type",
            Kind::SuccessRate => "success_rate",
            Kind::ResponseTime => "response_time",
            Kind::Overall => "overall",
            Kind::TimeseriesMinute => "timeseries_minute",
            Kind::TimeseriesHour => "timeseries_hour",
            Kind::TimeseriesDay => "timeseries_day",
            Kind::HeatmapHourly => "heatmap_hourly",
        }
    }

    pub(crate) fn named(name: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Returns the field in which the feed sends the data.
    pub(crate) fn feed_field(self) -> &'static str {
        match self {
            Kind::Faculty => "faculty",
            Kind::Year => "year",
            Kind::Heatmap => "heatmap",
            Kind::PopularQueries => "popularQuestions",
            Kind::StudentYear => "studentYear",
            Kind::PopularByYear => "popularByYear",
            Kind::Department => "departments",
            Kind::UserType => "userType",
            Kind::SuccessRate => "successRate",
            Kind::ResponseTime => "responseTime",
            Kind::Overall => "overall",
            Kind::TimeseriesMinute => "timeseriesMinute",
            Kind::TimeseriesHour => "timeseriesHour",
            Kind::TimeseriesDay => "timeseriesDay",
            Kind::HeatmapHourly => "hourlyHeatmap",
        }
    }

    /// Returns whether the analytic is a time series; the feed sends only changed points of a series.
    pub(crate) fn is_series(self) -> bool {
        matches!(self, Kind::TimeseriesMinute | Kind::TimeseriesHour | Kind::TimeseriesDay)
    }

    /// Returns whether a new client gets the data at once.
    pub(crate) fn in_initial(self) -> bool {
        !matches!(
            self,
            Kind::TimeseriesMinute | Kind::TimeseriesHour | Kind::TimeseriesDay | Kind::HeatmapHourly
        )
    }
}

impl EncodeLabelValue for Kind {
    fn encode(
        &self,
        encoder: &mut prometheus_client::encoding::LabelValueEncoder<'_>,
    ) -> Result<(), std::fmt::Error> {
        EncodeLabelValue::encode(&self.name(), encoder)
    }
}
