//! The runs behind a row of the statistics, and behind a figure of it.

use std::time::Duration;

use super::table::{Panel, outcomes, speeds};
use crate::model::{Group, OfSession, Only, Outcomes, SessionId, Spread, Stats, Timed, Within};

/// What the lists are narrowed to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Opens {
    Only(Only),
    Session(OfSession),
    /// Both.
    InSession(OfSession, Only),
}

impl Panel {
    /// The runs behind a row; `None` for a row that is not there.
    #[must_use]
    pub fn opens(self, stats: &Stats, at: usize) -> Option<Opens> {
        let name = || Some(self.groups(stats)?.rows.get(at)?.name.clone());
        Some(match self {
            Self::Attention => Opens::Only(Only::Run(stats.attention.get(at)?.trace)),
            Self::Outcome => Opens::Only(Only::Outcome(outcomes(stats).nth(at)?)),
            Self::Speed => Opens::Only(match speeds(stats).nth(at)? {
                Some((timed, took)) => Only::Took(timed, took.p95),
                None => Only::Cost(stats.cost_of_run?.p95),
            }),
            Self::Models => Opens::Only(Only::Model(name()?)),
            Self::Tools => Opens::Only(match stats.tools.rows.get(at)? {
                Group { calls: 0, name: Some(name), offered: Some(offered), .. } => {
                    Only::Offered(name.clone(), offered.lists.clone())
                }
                tool => Only::Tool(tool.name.clone().unwrap_or_default()),
            }),
            Self::Agents => Opens::Only(Only::Agent(name()?)),
            Self::Sessions => Opens::Session(name()?.as_deref().map(SessionId::from)),
            Self::Users => Opens::Only(Only::User(name()?)),
        })
    }

    /// The runs behind a figure of a row; `None` where it has none of its own, as where nothing failed.
    #[must_use]
    pub fn opens_figure(self, stats: &Stats, at: usize, column: usize) -> Option<Opens> {
        let head = self.columns().get(column).filter(|_| column > 0)?.head;
        if self == Self::Speed {
            let spread = speeds(stats).nth(at)?;
            return Some(Opens::Only(match spread {
                Some((timed, took)) => Only::Took(timed, of_spread(took, head)?),
                None => Only::Cost(of_spread(stats.cost_of_run?, head)?),
            }));
        }
        let within = within(self.groups(stats)?.rows.get(at)?, head)?;
        Some(match self.opens(stats, at)? {
            Opens::Only(only) => Opens::Only(Only::Of(Box::new(only), within)),
            Opens::Session(session) => Opens::InSession(
                session,
                match within {
                    Within::Failed => Only::Outcome(Outcomes::Failed),
                    Within::Loop => Only::Outcome(Outcomes::Loop),
                    Within::Took(time) => Only::Took(Timed::Run, time),
                    Within::FirstToken(time) => Only::Took(Timed::FirstToken, time),
                },
            ),
            opens @ Opens::InSession(..) => opens,
        })
    }
}

/// What the figure of a group beneath a heading counts.
fn within(group: &Group, head: &str) -> Option<Within> {
    match head {
        "err" | "fail" => (group.failed > 0).then_some(Within::Failed),
        "loops" => (group.loops > 0).then_some(Within::Loop),
        "first" => Some(Within::FirstToken(group.first_token?.p50)),
        _ => Some(Within::Took(of_spread(group.took?, head).filter(|time: &Duration| !time.is_zero())?)),
    }
}

fn of_spread<T>(spread: Spread<T>, head: &str) -> Option<T> {
    match head {
        "p50" => Some(spread.p50),
        "p95" => Some(spread.p95),
        "max" => Some(spread.max),
        _ => None,
    }
}
