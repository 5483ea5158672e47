//! The allocator: jemalloc, which returns memory to the system.
//!
//! A burst of requests or a catch-up takes memory for a moment. glibc keeps freed memory in the arena of each
//! thread that freed it, so a process that once took 2 GB stays at 2 GB. jemalloc has a thread of its own
//! that returns pages to the system a second after they were freed: `docs/decisions/0020-allocator.md` has
//! the figures.

use tikv_jemalloc_ctl::{epoch, stats};
use tikv_jemallocator::Jemalloc;

#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

/// Configuration that jemalloc reads when the process starts. `dirty_decay_ms`: freed pages are returned
/// within a second. `muzzy_decay_ms`: without an intermediate stage in which they still count as resident.
// SAFETY: jemalloc looks for a symbol of this name, a pointer to a zero-terminated text, and nothing else
// does.
#[unsafe(export_name = "_rjem_malloc_conf")]
pub static CONFIGURATION: &[u8; 60] = b"background_thread:true,dirty_decay_ms:1000,muzzy_decay_ms:0\0";

/// Returns the bytes that the allocator holds beyond live allocations: pages not returned yet, gaps, and its
/// own metadata.
pub(crate) fn spare_bytes() -> usize {
    // The figures are those of the last epoch.
    if epoch::advance().is_err() {
        return 0;
    }
    match (stats::resident::read(), stats::allocated::read()) {
        (Ok(resident), Ok(allocated)) => resident.saturating_sub(allocated),
        _ => 0,
    }
}
