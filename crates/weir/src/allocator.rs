//! The allocator: jemalloc, which gives memory back.
//!
//! A burst of requests or a catch-up takes memory for a moment. glibc keeps what was freed in the arena of each thread that
//! freed it, and a process that once took 2 GB stays at 2 GB. jemalloc has a thread of its own that gives pages back to the
//! system a second after they were freed: `docs/decisions/0020-allocator.md` has the figures.

use tikv_jemalloc_ctl::{epoch, stats};
use tikv_jemallocator::Jemalloc;

#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

/// What jemalloc reads when the process starts. `dirty_decay_ms`: freed pages go back within a second; `muzzy_decay_ms`:
/// without a stage between, in which they still count as resident.
// SAFETY: jemalloc looks for a symbol of this name, a pointer to a text that ends with a zero byte, and nobody else does.
#[unsafe(export_name = "_rjem_malloc_conf")]
pub static CONFIGURATION: &[u8; 60] = b"background_thread:true,dirty_decay_ms:1000,muzzy_decay_ms:0\0";

/// Bytes that the allocator holds for nobody: pages that it has not given back yet, gaps, and its own books.
pub(crate) fn spare_bytes() -> usize {
    // Figures are those of the last epoch.
    if epoch::advance().is_err() {
        return 0;
    }
    match (stats::resident::read(), stats::allocated::read()) {
        (Ok(resident), Ok(allocated)) => resident.saturating_sub(allocated),
        _ => 0,
    }
}
