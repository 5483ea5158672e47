//! Whose turn it is when something fails.

/// Who has to act on an error. `server` turns it into a status, the command line into an exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorDomain {
    /// What was asked for is wrong: the caller must change it.
    User,
    /// Something outside of Weir failed (a disk, a broker, a store): it may work again later.
    External,
    /// Weir itself is wrong.
    Internal,
}
