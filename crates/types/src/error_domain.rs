//! The party that must act on an error.

/// Who has to act on an error. `server` turns it into a status, the command line into an exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorDomain {
    /// The request is wrong: the caller must change it.
    User,
    /// Something outside Weir failed (a disk, a broker, a store): it may work again later.
    External,
    /// Weir itself has a bug.
    Internal,
}
