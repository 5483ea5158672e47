//! Reports that a job waits for memory, and what can be done about it.

use engine::memory::MemoryView;
use types::JobId;

/// The maximum number of queries that are named.
const NAMED: usize = 3;

/// The last reported state.
#[derive(Debug, Default)]
pub(super) struct MemoryReport {
    last: MemoryState,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum MemoryState {
    #[default]
    Free,
    HeldBack,
    Stuck,
}

impl MemoryState {
    fn of(view: &MemoryView) -> MemoryState {
        match (view.is_held_back(), view.is_stuck()) {
            (false, _) => MemoryState::Free,
            (true, false) => MemoryState::HeldBack,
            (true, true) => MemoryState::Stuck,
        }
    }
}

impl MemoryReport {
    /// Logs a changed state.
    pub fn tell(&mut self, job_id: JobId, job: &str, view: &MemoryView) {
        let now = MemoryState::of(view);
        if now == self.last {
            return;
        }
        self.last = now;
        match why_held_back(view) {
            Some(why) => tracing::warn!(%job_id, job, held = view.held, "{why}"),
            None => {
                tracing::info!(%job_id, job, held = view.held, "memory is free again: the sources continue")
            }
        }
    }
}

/// Returns why a job reads no more rows, if the reason is lack of memory.
pub fn why_held_back(view: &MemoryView) -> Option<String> {
    if !view.is_held_back() {
        return None;
    }
    let own_limit = view.limit.filter(|&limit| view.held >= limit / 5 * 2);

    let mut text = match own_limit {
        Some(limit) => format!(
            "memory: the job's state uses {} of the {} that it may use, so its sources wait",
            size(view.held),
            size(limit)
        ),
        None => format!(
            "memory: all jobs together hold {}, {} of it in this job, so its sources wait",
            size(view.held_by_all),
            size(view.held)
        ),
    };

    let most: Vec<String> =
        view.by_query.iter().take(NAMED).map(|(query, bytes)| format!("{query} {}", size(*bytes))).collect();
    if !most.is_empty() {
        text.push_str(&format!("; most hold: {}", most.join(", ")));
    }

    if view.is_stuck() {
        text.push_str(match own_limit {
            Some(_) => {
                "; it cannot continue by itself, because no window closes before more is read: restart it with more memory \
                 (`weir.memory` in its script, `jobs.memory` for all), coarser keys or shorter windows, or let \
                 operators forget unused keys (`table.exec.state.ttl`); nothing is lost"
            }
            None => {
                "; it continues when other jobs need less memory, or after a restart with more memory for all jobs \
                 (`jobs.memory`); nothing is lost"
            }
        });
    }

    Some(text)
}

/// Formats a size in the largest unit that fits.
fn size(bytes: usize) -> String {
    const UNITS: [(&str, usize); 3] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
    match UNITS.iter().find(|(_, unit)| bytes >= *unit) {
        Some((name, unit)) => format!("{:.1} {name}", bytes as f64 / *unit as f64),
        None => format!("{bytes} B"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view() -> MemoryView {
        let by_query = ["a", "b", "c", "d"].map(|name| (name.to_owned(), 3 << 20));
        let held = 12 << 20;
        MemoryView {
            held,
            limit: Some(held),
            held_by_all: held,
            by_query: by_query.into(),
            waiting: 1,
            stuck: 1,
        }
    }

    #[test]
    fn it_is_said_who_holds_how_much_and_what_to_do() {
        let why = why_held_back(&view()).unwrap();
        assert!(why.contains("12.0 MiB of the 12.0 MiB"), "{why}");
        assert!(why.contains("a 3.0 MiB, b 3.0 MiB, c 3.0 MiB;") && why.contains("`weir.memory`"), "{why}");
        let why = why_held_back(&MemoryView { stuck: 0, ..view() }).unwrap();
        assert!(!why.contains("by itself"), "{why}");
        let why = why_held_back(&MemoryView { limit: None, held_by_all: 5 << 30, ..view() }).unwrap();
        assert!(why.contains("hold 5.0 GiB, 12.0 MiB of it") && why.contains("other jobs"), "{why}");
        assert_eq!(why_held_back(&MemoryView { waiting: 0, stuck: 0, ..view() }), None);
    }
}
