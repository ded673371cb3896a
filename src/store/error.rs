//! Why the store did not store or answer, and what failed inside it.

use super::engine_errors::with_advice;

/// Why the store did not store or answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Storing it made this program panic, which the same submission would do again. Nothing of it is stored.
    #[error("storing failed inside sideseat-tui; its log says where")]
    Panicked,
    /// The commit failed, and nothing of the submission is stored. The text is the engine's.
    #[error("the store cannot write: {0}")]
    Failing(String),
    /// The disk does not take what is written, and did not when all was written anew either.
    #[error("the store cannot write: {0}")]
    Disk(String),
    /// The store was closed before the commit.
    #[error("the store is closed")]
    Closed,
    /// A query failed.
    #[error("the store cannot answer: {0}")]
    Query(String),
}

/// Why something inside the store failed.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// A statement failed.
    #[error("{0}")]
    Engine(#[from] duckdb::Error),
    /// A stored form does not decode; `what` is what it should be.
    #[error("a stored {what} cannot be read: {why}")]
    Unreadable { what: &'static str, why: String },
    /// The filter is not one.
    #[error("{0}")]
    Filter(String),
    /// The file is closed, and could not be opened again.
    #[error("the store could not be opened again: {0}")]
    Away(String),
    /// The file is closed for a while, for this reason.
    #[error("{0}")]
    Reopening(String),
}

impl From<DatabaseError> for StoreError {
    fn from(error: DatabaseError) -> Self {
        Self::Query(with_advice(error.to_string()))
    }
}
