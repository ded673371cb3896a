//! The SDKs that the first-run screen explains.

use crate::keymap::Action;

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
