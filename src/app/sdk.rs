//! The SDKs that the first-run screen explains: rows of the table of frameworks, and any other.

use crate::{
    frameworks::{Framework, LANGGRAPH, OPENAI_AGENTS, Project, SIDESEAT, STRANDS},
    keymap::Action,
};

/// Which way of sending spans the first-run screen explains.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sdk {
    #[default]
    Sideseat,
    Strands,
    Langgraph,
    Openai,
    Other,
}

impl Sdk {
    pub const ALL: [Self; 5] = [Self::Sideseat, Self::Strands, Self::Langgraph, Self::Openai, Self::Other];

    /// As the row of choices names it.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Sideseat => "SideSeat, Bedrock",
            Self::Strands => "Strands",
            Self::Langgraph => "LangGraph",
            Self::Openai => "OpenAI Agents",
            Self::Other => "any other",
        }
    }

    /// The same where there is little room.
    #[must_use]
    pub fn short(self) -> &'static str {
        match self {
            Self::Sideseat => "SideSeat",
            Self::Openai => "OpenAI",
            Self::Other => "other",
            sdk => sdk.title(),
        }
    }

    /// Its row in the table of frameworks; `None` for any other SDK.
    #[must_use]
    pub fn framework(self) -> Option<&'static Framework> {
        match self {
            Self::Sideseat => Some(&SIDESEAT),
            Self::Strands => Some(&STRANDS),
            Self::Langgraph => Some(&LANGGRAPH),
            Self::Openai => Some(&OPENAI_AGENTS),
            Self::Other => None,
        }
    }

    /// The first that a project uses; `None` if it uses none of them.
    #[must_use]
    pub fn used_by(project: &Project) -> Option<Self> {
        let uses = |sdk: &Self| {
            let row = |framework: &Framework| project.found.iter().any(|found| found.framework.is(framework));
            sdk.framework().is_some_and(row)
        };
        Self::ALL.into_iter().find(uses)
    }

    #[must_use]
    pub fn of(action: Action) -> Option<Self> {
        match action {
            Action::SdkSideseat => Some(Self::Sideseat),
            Action::SdkStrands => Some(Self::Strands),
            Action::SdkLanggraph => Some(Self::Langgraph),
            Action::SdkOpenai => Some(Self::Openai),
            Action::SdkOther => Some(Self::Other),
            _ => None,
        }
    }
}
