//! File handles: the share of each part.
//!
//! A database that cannot open its files refuses writes for good, while a waiting connection is served later.
//! So the databases come first. The limit is raised as far as the machine permits, the databases and what
//! runs beside them get their part, and jobs and connections share the rest. A job that cannot open its files
//! writes no checkpoints, so no more jobs are accepted than there are handles for.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Handles besides those of databases, jobs and connections: listeners, threads that wait for events, files
/// that the databases always have open, scripts.
const OTHERS: u64 = 24;
/// Handles of a job: its log of lateness, and the checkpoint that it writes.
const OF_A_JOB: u64 = 2;
/// Minimum of handles of all jobs.
const JOBS_MIN: u64 = 4 * OF_A_JOB;
/// Maximum of handles of all jobs.
const JOBS_MAX: u64 = 512 * OF_A_JOB;
/// Additional handles of Kafka: a connection per broker for each reader and writer, and the store of notes.
const KAFKA: u64 = 96;
/// Number of handles, besides those of connections, with which nothing is scarce.
const PLENTY: u64 = 2_048;
/// Minimum of connections: fewer would not serve a dashboard beside producers.
const CONNECTIONS_MIN: u64 = 8;
/// Files that a database keeps open where there are enough handles.
const OPEN_FILES: u64 = 128;
/// Connections to the job manager, and to the SQL gateway, where there are enough handles.
const OTHER_CONNECTIONS: u64 = 256;

/// The handles of each part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Handles {
    /// Connections to the dashboard's listener.
    pub(crate) http: usize,
    /// Connections to the job manager, and as many to the SQL gateway.
    pub(crate) others: usize,
    /// Files that each of the two databases keeps open.
    pub(crate) open_files: usize,
    /// Jobs that may run at one time; further ones are refused.
    pub(crate) jobs: usize,
}

/// The machine permits too few handles.
#[derive(Debug, thiserror::Error)]
#[error(
    "this process may only open {allowed} files, and Weir needs {needed}: raise the limit (`ulimit -n`, LimitNOFILE=)"
)]
pub(crate) struct TooFew {
    allowed: u64,
    needed: u64,
}

/// Raises the limit of this process as far as useful and permitted, and shares it out.
pub(crate) fn share(connections: usize, has_kafka: bool) -> Result<Handles, TooFew> {
    let wanted = u64::try_from(connections).unwrap_or(u64::MAX).saturating_add(PLENTY);
    let allowed = raise(wanted);
    let handles = shared(allowed, connections, has_kafka)?;
    if handles.http < connections {
        tracing::warn!(
            allowed,
            connections = handles.http,
            "this process may open only {allowed} files, so it serves {} connections at a time instead of {connections} \
             (http.connections); raise the limit (`ulimit -n`, LimitNOFILE=)",
            handles.http
        );
    }
    Ok(handles)
}

/// Raises the limit and returns the new one. The default of a shell, often 1,024, is meant for programs that
/// cannot cope with more.
fn raise(wanted: u64) -> u64 {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let now = current.unwrap_or(u64::MAX);
    let most = maximum.map_or(wanted, |maximum| maximum.min(wanted));
    if most > now && setrlimit(Resource::Nofile, Rlimit { current: Some(most), maximum }).is_ok() {
        return most;
    }
    now
}

fn shared(allowed: u64, connections: usize, has_kafka: bool) -> Result<Handles, TooFew> {
    let others = OTHERS + JOBS_MIN + if has_kafka { KAFKA } else { 0 };
    let rest = allowed.saturating_sub(others);
    // Besides the files that stay open, compactions open some for a short time.
    let for_a_moment = (rest / 16).clamp(4, 64);
    let open_files = (rest / 8).clamp(8, OPEN_FILES);
    let left = rest.saturating_sub(2 * (open_files + for_a_moment));
    if left < CONNECTIONS_MIN {
        let needed = others + 2 * (8 + 4) + CONNECTIONS_MIN;
        return Err(TooFew { allowed, needed });
    }

    let for_jobs = ((left - CONNECTIONS_MIN) / 4).min(JOBS_MAX - JOBS_MIN);
    let left = left - for_jobs;
    let jobs = (JOBS_MIN + for_jobs) / OF_A_JOB;

    let other = (left / 8).clamp(2, OTHER_CONNECTIONS);
    let http = usize::try_from(left - 2 * other).unwrap_or(usize::MAX).min(connections);
    Ok(Handles { http, others: other as usize, open_files: open_files as usize, jobs: jobs as usize })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn total(handles: Handles) -> usize {
        handles.http + 2 * (handles.others + handles.open_files) + handles.jobs * OF_A_JOB as usize
    }

    #[test]
    fn with_plenty_nobody_has_to_save() {
        let handles = shared(16_384 + PLENTY, 16_384, true).unwrap();
        assert_eq!(handles, Handles { http: 16_384, others: 256, open_files: 128, jobs: 512 });
    }

    #[test]
    fn there_are_never_more_than_allowed_and_some_for_each() {
        for allowed in 64..4_096 {
            let handles = shared(allowed, 16_384, false).unwrap();
            assert!(total(handles) + OTHERS as usize + 8 <= allowed as usize, "{allowed}: {handles:?}");
            assert!(handles.http >= 4 && handles.others >= 2 && handles.open_files >= 8, "{handles:?}");
            assert!(handles.jobs >= 4, "{handles:?}");
        }
    }

    #[test]
    fn too_few_are_refused_with_what_is_needed() {
        let error = shared(40, 16_384, false).unwrap_err();
        assert!(error.to_string().contains("40 files, and Weir needs 64"), "{error}");
        assert!(shared(100, 16_384, true).is_err());
        let needed = |has_kafka| shared(1, 16_384, has_kafka).unwrap_err().needed;
        for has_kafka in [false, true] {
            assert!(shared(needed(has_kafka), 16_384, has_kafka).is_ok(), "the figure suffices");
            assert!(shared(needed(has_kafka) - 1, 16_384, has_kafka).is_err(), "and no smaller one does");
        }
    }
}
