//! Statistics of many runs: what the screen's Stats and the command `stats` show.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{
    CacheBreak, ContentId, RepeatSummary, SessionId, StateCounts, Timestamp, TokenUsage, Totals, TraceId, Usd, deep,
};

/// What a statistic counts, to list the runs behind it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Only {
    /// Runs with a call of this model; `None`: of one that is not known.
    Model(Option<String>),
    /// Runs in which this agent called a model or a tool; `None`: no agent is known to have.
    Agent(Option<String>),
    /// Runs in which this tool ran.
    Tool(String),
    /// Runs that were offered this tool, in one of these lists of tools.
    Offered(String, Vec<ContentId>),
    /// Runs of this user; `None`: of none that is known.
    User(Option<String>),
    /// This run alone.
    Run(TraceId),
    Outcome(Outcomes),
    /// Runs in which something took at least so long.
    Took(Timed, Duration),
    /// Runs that cost at least so much.
    Cost(Usd),
    /// Of the runs of a model, an agent, a tool or a user those in which it was so.
    Of(#[serde(deserialize_with = "deep::deserialize")] Box<Only>, Within),
}

/// What a figure of a group counts: of calls of the model or agent, runs of the tool, or whole runs of the user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Within {
    Failed,
    /// The tool was called in a loop; of a user: any was.
    Loop,
    /// It took at least so long.
    Took(Duration),
    /// The first token took at least so long.
    FirstToken(Duration),
}

/// A group of runs by how they went. The first five are states, and each run is in one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Outcomes {
    Done,
    Recovered,
    Failed,
    NeverEnded,
    Running,
    /// A tool was called in a loop.
    Loop,
    /// The last answer was cut at a limit of tokens.
    CutOff,
    /// A prompt filled at least nine tenths of its model's window.
    Full,
    /// It went on or ended without the result of a tool that it had called.
    Unanswered,
    /// The share of a prompt that was read from a cache fell sharply.
    CacheBreak,
    /// It cost at least three times the median of the runs with its name.
    Dear,
}

impl Outcomes {
    pub const ALL: [Self; 11] = [
        Self::Done,
        Self::Recovered,
        Self::Failed,
        Self::NeverEnded,
        Self::Running,
        Self::Loop,
        Self::CutOff,
        Self::Full,
        Self::Unanswered,
        Self::CacheBreak,
        Self::Dear,
    ];

    /// The words for it in tables and exports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Done => "ok",
            Self::Recovered => "recovered",
            Self::Failed => "failed",
            Self::NeverEnded => "never ended",
            Self::Running => "running",
            Self::Loop => "loop",
            Self::CutOff => "cut off",
            Self::Full => "context full",
            Self::Unanswered => "no tool result",
            Self::CacheBreak => "cache break",
            Self::Dear => "over 3x usual cost",
        }
    }
}

/// What is timed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Timed {
    Run,
    Call,
    FirstToken,
    Tool,
}

impl Timed {
    pub const ALL: [Self; 4] = [Self::Run, Self::Call, Self::FirstToken, Self::Tool];

    /// The words for it in tables and exports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::Call => "model call",
            Self::FirstToken => "first token",
            Self::Tool => "tool",
        }
    }
}

/// The median, the 95th percentile (each a value that occurs) and the largest of some values. Of many values the
/// percentiles may be up to 2 % too large ([`Stats::rounded`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Spread<T> {
    pub p50: T,
    pub p95: T,
    pub max: T,
}

/// The statistics of the runs that a filter lets through.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Stats {
    pub sessions: u64,
    pub spans: u64,
    /// How many runs are in each state.
    pub states: StateCounts,
    pub totals: Totals,
    /// How many runs have a loop, a last answer that was cut off, a full window, a tool
    /// without a result, a cache that broke, or an unusual cost.
    pub loops: u64,
    pub cut_off: u64,
    pub full: u64,
    pub unanswered: u64,
    pub cache_breaks: u64,
    pub dear: u64,
    /// What a run cost, of those whose whole cost is known.
    pub cost_of_run: Option<Spread<Usd>>,
    /// There are so many runs or steps that their percentiles are not exact: they may be up to 2 % too large.
    pub rounded: bool,
    /// Durations; `None` where nothing of the kind has ended.
    pub run: Option<Spread<Duration>>,
    pub call: Option<Spread<Duration>>,
    pub first_token: Option<Spread<Duration>>,
    pub tool: Option<Spread<Duration>>,
    /// What was spent over time.
    pub spend: Spend,
    /// Each ordered by cost, then by number of calls; the first [`Stats::MOST`]. After the tools that ran come those that
    /// were offered and never called, with no calls.
    pub models: Groups,
    pub agents: Groups,
    pub tools: Groups,
    pub by_session: Groups,
    pub users: Groups,
    /// Runs that somebody should look at, the newest first; the first [`Stats::MOST`].
    pub attention: Vec<Attention>,
}

impl Stats {
    /// Most groups of one kind.
    pub const MOST: usize = 200;
    /// Most stretches of time for which the cost is summed.
    pub const STRETCHES: u64 = 64;

    /// How many runs are in a group.
    #[must_use]
    pub fn runs(&self, outcome: Outcomes) -> u64 {
        match outcome {
            Outcomes::Done => self.states.done,
            Outcomes::Recovered => self.states.recovered,
            Outcomes::Failed => self.states.failed,
            Outcomes::NeverEnded => self.states.never_ended,
            Outcomes::Running => self.states.running,
            Outcomes::Loop => self.loops,
            Outcomes::CutOff => self.cut_off,
            Outcomes::Full => self.full,
            Outcomes::Unanswered => self.unanswered,
            Outcomes::CacheBreak => self.cache_breaks,
            Outcomes::Dear => self.dear,
        }
    }

    /// The durations of a kind.
    #[must_use]
    pub fn took(&self, timed: Timed) -> Option<Spread<Duration>> {
        match timed {
            Timed::Run => self.run,
            Timed::Call => self.call,
            Timed::FirstToken => self.first_token,
            Timed::Tool => self.tool,
        }
    }
}

/// What model calls cost over time, in stretches of equal length.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Spend {
    /// Where the first stretch begins.
    pub from: Timestamp,
    /// How long each is.
    pub stretch: Duration,
    /// From the first stretch on; those after the last with any cost are left out.
    pub costs: Vec<Usd>,
}

/// Groups of one kind.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Groups {
    pub rows: Vec<Group>,
    /// How many there are, with those that are left out.
    pub total: u64,
}

/// The sums of one model, agent, tool, session or user.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Group {
    /// `None` gathers what names none.
    pub name: Option<String>,
    /// Of a session or user the runs; of anything else 0.
    pub runs: u64,
    /// Model calls, or of a tool its runs.
    pub calls: u64,
    /// How many of the runs (of a session or user), else of the calls, failed.
    pub failed: u64,
    /// In how many runs the tool, or anything in the session or of the user, was called in a loop.
    pub loops: u64,
    pub usage: TokenUsage,
    pub cost: Usd,
    pub priced: u64,
    pub unpriced: u64,
    /// How long runs (of a session or user), model calls (of a model or agent) or runs of the tool took.
    pub took: Option<Spread<Duration>>,
    pub first_token: Option<Spread<Duration>>,
    /// Of a tool: how it was offered to models; `None` where that was not sent.
    pub offered: Option<Offered>,
}

/// How a tool was offered to models.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Offered {
    /// About how many tokens its definition takes of each prompt, the most of them; `None` where only its name was sent.
    pub tokens: Option<u64>,
    /// The lists of tools in which it is, as far as that is needed: of a tool that ran there are none.
    pub lists: Vec<ContentId>,
}

/// A run that somebody should look at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attention {
    pub trace: TraceId,
    pub session: Option<SessionId>,
    pub label: Option<String>,
    pub question: Option<String>,
    pub started: Timestamp,
    /// The worst thing about it.
    pub why: Outcomes,
    /// Its last failure, in a line.
    pub failure: Option<String>,
    pub repeat: Option<RepeatSummary>,
    /// The share of its window that its largest prompt filled, in thousandths.
    pub filled: Option<u64>,
    /// The tool of which it had no result when it went on or ended.
    pub unanswered: Option<String>,
    pub cache_break: Option<CacheBreak>,
    /// What it cost, where the whole cost is known, and the median of the runs with its name, where there are enough.
    pub cost: Option<Usd>,
    pub usual: Option<Usd>,
    /// Some of what it cost is not known.
    pub unpriced: bool,
}
