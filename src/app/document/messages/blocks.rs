//! What the blocks of the Messages pane are.

use super::failures::Failed;
use super::pairs::PartPlace;
use super::unanswered::NoAnswer;
use crate::model::SpanId;

/// What one block shows; numbers are places in the answer.
#[derive(Debug)]
pub enum Block {
    /// What the runs of the session have together.
    Session,
    /// How many runs of the session are left out.
    LeftOut,
    /// Why there are only roots.
    OnlyRoots,
    /// The heading above a run.
    Run {
        trace: usize,
    },
    /// The heading above one of several conversations.
    Conversation {
        trace: usize,
        conversation: usize,
    },
    /// The rule above a turn.
    Turn {
        trace: usize,
        call: usize,
    },
    /// That a call has no messages; `hint`: and what makes its instrumentation record them.
    Silent {
        trace: usize,
        call: usize,
        hint: bool,
    },
    /// `as_in_run`: the number of the run of the session that began with the same prompt; `None`: there is none.
    System {
        trace: usize,
        at: PartPlace,
        as_in_run: Option<u64>,
    },
    /// So many messages of the history, from this one on.
    Earlier {
        trace: usize,
        at: PartPlace,
        count: usize,
    },
    /// `first`: an empty line stands before it; `role`: the message's role stands above it.
    Part {
        trace: usize,
        at: PartPlace,
        first: bool,
        role: bool,
    },
    /// That a turn shows no answer.
    NoAnswer {
        why: NoAnswer,
    },
    /// How a call was judged; `None`: all else of the run.
    Evaluations {
        trace: usize,
        span: Option<SpanId>,
    },
    /// A search, a reranking or an embedding.
    Retrieval {
        trace: usize,
        at: usize,
    },
    Failure {
        trace: usize,
        failed: Failed,
    },
    End {
        trace: usize,
    },
}
