//! The words between the screen and the store.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{
    AssembledTrace, Facet, FacetValues, LogRow, Note, Only, PlaceMark, SessionId, SessionSummary, Span, SpanId,
    StateCounts, Stats, Timestamp, Totals, TraceId, TraceSummary, Tree, Usd,
};

/// What narrows every list, and in which order it is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Filter {
    /// In the filter language (`crate::filter`); the store answers nothing for a text that is none.
    pub text: String,
    pub session: Option<OfSession>,
    pub project: Option<String>,
    /// Only traces that began then or later.
    pub since: Option<Timestamp>,
    /// Only what a statistic counts.
    pub only: Option<Only>,
    pub order: Order,
}

/// The order of sessions, and of the runs in one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub enum Order {
    /// The newest first.
    #[default]
    Newest,
    /// What cost most first, as far as that is known.
    Cost,
    /// What took longest first.
    Duration,
    /// What took most tokens first.
    Tokens,
    /// What failed most often first.
    Errors,
    /// What was judged worst first.
    Score,
}

impl Order {
    pub const ALL: [Self; 6] = [Self::Newest, Self::Cost, Self::Duration, Self::Tokens, Self::Errors, Self::Score];

    /// How people call it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Newest => "newest first",
            Self::Cost => "dearest first",
            Self::Duration => "longest first",
            Self::Tokens => "most tokens first",
            Self::Errors => "most failures first",
            Self::Score => "lowest score first",
        }
    }
}

/// The session whose traces a filter lets through; `None` for the traces without one.
pub type OfSession = Option<SessionId>;

impl Filter {
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let Self { text, session, project, since, only, order: _ } = self;
        text.trim().is_empty() && session.is_none() && project.is_none() && since.is_none() && only.is_none()
    }
}

/// A question the screen asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Query {
    /// Sessions in the order of the filter, at most `limit`; traces without a session gathered in one row.
    Sessions {
        filter: Filter,
        limit: usize,
    },
    /// The traces of one session (`None`: of no session), oldest first; the newest `limit` of them. In another order
    /// those that stand first in it, the first of all last.
    Traces {
        session: Option<SessionId>,
        filter: Filter,
        limit: usize,
    },
    Tree {
        trace: TraceId,
    },
    Detail {
        subject: Subject,
    },
    Raw {
        trace: TraceId,
        span: SpanId,
    },
    /// Everything the store holds, in sums.
    /// `today`: when the day began whose costs are summed for themselves.
    Overview {
        filter: Filter,
        today: Option<Timestamp>,
    },
    /// The statistics of what a filter lets through. `stretch`: for how long each the cost is summed; `None`: as long as
    /// it takes that all the time is in [`Stats::STRETCHES`] of them.
    Stats {
        filter: Filter,
        stretch: Option<Duration>,
    },
    /// The values that runs have which a filter lets through, those of most runs first: at most `limit` of each facet, and
    /// only those with `part` in them, in any case.
    Facets {
        of: Vec<Facet>,
        part: String,
        filter: Filter,
        limit: usize,
    },
    /// What the newest runs before this one cost that have its label.
    Usual {
        trace: TraceId,
    },
    /// Some traces as they were received, as OTLP JSON.
    Otlp {
        traces: Vec<TraceId>,
    },
    /// The places that are marked.
    Marks,
    /// The newest runs of all sessions, oldest first, at most `limit`.
    Runs {
        limit: usize,
    },
}

/// What the detail panes are about.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Subject {
    Session(SessionId),
    Trace(TraceId),
}

/// A place that shows one answer: a newer question of a slot replaces the older one.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum QuerySlot {
    Sessions,
    /// What the session picker lists.
    Picker,
    Traces(Option<SessionId>),
    Tree(TraceId),
    Detail,
    /// The run that another is compared with.
    Marked,
    Raw,
    Overview,
    Stats,
    Usual,
    /// What is to be copied.
    Yank,
    Marks,
    /// The runs that the palette lists.
    Runs,
    /// What the filter's line offers.
    Completion,
    /// The list of facets.
    Facets,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Answer {
    Sessions(Page<SessionSummary>),
    Traces(Page<TraceSummary>),
    Tree(Tree),
    /// `None`: the store holds no such thing (any more).
    Detail(Option<Arc<Detail>>),
    Raw(Option<Arc<RawSpan>>),
    Overview(Box<Overview>),
    Stats(Arc<Stats>),
    /// In the order in which they were asked for.
    Facets(Vec<FacetValues>),
    /// The newest first; none where the run has no label. Those that run, or whose whole cost is not known, are left out.
    Usual(Vec<Usd>),
    Otlp(Otlp),
    /// By letter.
    Marks(Vec<PlaceMark>),
}

/// Traces as OTLP JSON: a line of traces, and a line of logs where there are any.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Otlp {
    pub text: String,
    /// How many secrets were left out of it.
    pub secrets: usize,
}

/// A part of a list, and how long the whole list is.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Page<T> {
    pub rows: Vec<T>,
    pub total: u64,
}

impl<T> Default for Page<T> {
    fn default() -> Self {
        Self { rows: Vec::new(), total: 0 }
    }
}

/// What the panes Messages, Tools, Reasoning and Cost draw from.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Detail {
    /// In order of start. One for a trace; of a long session the newest only.
    pub traces: Vec<Arc<AssembledTrace>>,
    /// Earlier traces of the session that are not in `traces`.
    pub left_out: u64,
    /// The sums of all traces of the subject, of those that are left out as well.
    pub sums: Totals,
    /// What all traces of a session have; `None` where the subject is one trace.
    pub session: Option<SessionFacts>,
}

/// What the traces of a session have together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionFacts {
    pub session: SessionId,
    pub states: StateCounts,
    /// Each once, in order of name.
    pub users: Vec<String>,
    pub models: Vec<String>,
}

impl Detail {
    /// An answer from which no trace is left out.
    #[must_use]
    pub fn whole(traces: Vec<Arc<AssembledTrace>>) -> Self {
        let sums = traces.iter().map(|trace| trace.totals).sum();
        Self { traces, left_out: 0, sums, session: None }
    }
}

/// One span as it arrived.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RawSpan {
    pub span: Span,
    pub notes: Vec<Note>,
    pub dialects: Vec<String>,
    /// Log records of this span, by time.
    pub logs: Vec<LogRow>,
}

/// The sums of what a filter lets through, and of everything.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Overview {
    pub sessions: u64,
    /// How many traces are in each state.
    pub states: StateCounts,
    pub spans: u64,
    pub totals: Totals,
    /// How many traces somebody judged, with the scores of their sessions that name none.
    pub scored: u64,
    /// For how many different things, as far as that matters: none, one or several.
    pub judged_for: u64,
    pub all: Everything,
    /// Bytes of the store's file; `None` where it keeps none.
    pub size: Option<u64>,
}

/// What the header says, whatever the filter.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Everything {
    pub states: StateCounts,
    pub totals: Totals,
    /// The model calls of the runs that began today, and what they cost; nothing else of them.
    pub today: Totals,
}

/// What commits touched, merged until someone looks.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Changes {
    pub traces: BTreeSet<TraceId>,
    pub sessions: BTreeSet<SessionId>,
    /// Too much to list: take everything as changed.
    pub all: bool,
    /// Spans and log records stored.
    pub spans: u64,
    pub logs: u64,
}

impl Changes {
    /// More traces than this are not listed one by one.
    const MANY: usize = 4096;

    #[must_use]
    pub fn is_empty(&self) -> bool {
        !self.all && self.traces.is_empty() && self.spans == 0 && self.logs == 0
    }

    pub fn merge(&mut self, other: Self) {
        self.all |= other.all;
        self.spans += other.spans;
        self.logs += other.logs;
        if !self.all {
            self.traces.extend(other.traces);
            self.sessions.extend(other.sessions);
            self.all = self.traces.len().max(self.sessions.len()) > Self::MANY;
        }
        if self.all {
            self.traces.clear();
            self.sessions.clear();
        }
    }

    #[must_use]
    pub fn touches(&self, trace: &TraceId) -> bool {
        self.all || self.traces.contains(trace)
    }
}
