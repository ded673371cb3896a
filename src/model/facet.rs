//! By what runs are grouped when one looks for some of them, and the values that there are.

use serde::{Deserialize, Serialize};

/// What a run has a name of: each is a key of the filter language.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Facet {
    /// An agent that called a model or a tool.
    Agent,
    /// A model that was called.
    Model,
    /// A tool that ran.
    Tool,
    User,
    Session,
    /// Why a model ended its answer.
    Finish,
    /// The kind of a failure.
    Error,
    /// The name that people gave the run, and that of its root.
    Name,
    Service,
    Framework,
    Project,
}

impl Facet {
    /// Those that are browsed, in the order in which people should read them.
    pub const BROWSED: [Self; 7] =
        [Self::Agent, Self::Model, Self::Tool, Self::User, Self::Session, Self::Finish, Self::Error];

    /// Its key in the filter language.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Model => "model",
            Self::Tool => "tool",
            Self::User => "user",
            Self::Session => "session",
            Self::Finish => "finish",
            Self::Error => "error",
            Self::Name => "name",
            Self::Service => "service",
            Self::Framework => "framework",
            Self::Project => "project",
        }
    }
}

/// The values of one facet, those of most runs first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FacetValues {
    pub facet: Facet,
    pub rows: Vec<FacetValue>,
    /// How many there are, with those that are left out.
    pub total: u64,
}

/// A value, and how many runs have it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FacetValue {
    pub value: String,
    pub runs: u64,
}
