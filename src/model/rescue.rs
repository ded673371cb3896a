//! How it stands with a store whose file is damaged.

use serde::{Deserialize, Serialize};

/// The rescue of a store of which a part of the file cannot be read, from its beginning until it has succeeded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Rescue {
    /// What can be read is being put into a new file. Until that is done nothing is stored, senders are told to come again, and
    /// what is asked waits.
    Running,
    /// It failed, for this reason. What does not need the damaged part goes on, and it is tried again.
    Failed(String),
    /// It was given up, for this reason: each time it was tried it came to no end. What does not need the damaged part goes on.
    GivenUp(String),
}

impl Rescue {
    /// As programs read it.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Failed(_) => "failed",
            Self::GivenUp(_) => "given-up",
        }
    }

    /// What is so and what can be done, without anything that only its user may know.
    #[must_use]
    pub fn advice(&self) -> &'static str {
        match self {
            Self::Running => "a part of the store's file cannot be read; the rest is being put into a new file",
            Self::Failed(_) => {
                "a part of the store's file cannot be read, and the rest could not be put into a new file; `sideseat-tui doctor` \
                 says why"
            }
            Self::GivenUp(_) => {
                "a part of the store's file cannot be read, and it is not tried any more to put the rest into a new file; \
                 `sideseat-tui doctor` says why"
            }
        }
    }

    /// The same for its user.
    #[must_use]
    pub fn says(&self) -> String {
        match self {
            Self::Running => format!("{}; until that is done nothing is stored", self.advice()),
            Self::Failed(why) => format!(
                "a part of the store's file cannot be read, and the rest could not be put into a new file: {why}. That is tried \
                 again by itself, and at the next start; once the store is closed, `sideseat-tui check --salvage NEW.duckdb` \
                 does it on another disk"
            ),
            Self::GivenUp(why) => format!(
                "a part of the store's file cannot be read, and it is not tried any more to put the rest into a new file: {why}; \
                 once the store is closed, `sideseat-tui check --salvage NEW.duckdb` tries it once"
            ),
        }
    }
}
