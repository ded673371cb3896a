//! The nouns: what a span, a message, a token count and a conversation are.
//!
//! No I/O and no async lives here, and nothing here knows OTLP, DuckDB or a terminal. Every other room
//! speaks in these words.
//!
//! ```text
//!   ids, time, value            what everything is made of
//!   span                        what arrived
//!   message, genai, usage, json what it means
//!   translation                 both ends of a dialect: Source in, Translation out
//!   rows                        what the store hands to `assemble`
//!   summary, tree, conversation what the screen and the transcript show
//!   repeats, cache_break, stats calls made again and again; a cache that broke; statistics of many runs
//!   facet                       by what runs are grouped and found
//!   query                       the words between screen and store; shared, deep: how they are encoded
//!   secrets                     what is left out of texts that leave the screen
//!   program                     what `run` tells of the program that it started
//!   removal, rescue             what goes from a store; how it stands with one that is damaged
//! ```

mod arguments;
mod cache_break;
mod conversation;
mod deep;
mod facet;
mod genai;
mod ids;
pub mod json;
mod mark;
mod message;
mod program;
mod query;
mod removal;
mod repeats;
mod request;
mod rescue;
mod rows;
pub mod secrets;
pub mod shared;
mod span;
mod stats;
mod summary;
mod time;
mod translation;
mod tree;
mod usage;
mod value;

pub use arguments::Arguments;
pub use cache_break::CacheBreak;
pub use conversation::{
    AssembledTrace, Conversation, ConversationId, ConversationMessage, Evaluation, Instrumentation, Judged,
    LimitReached, ModelCall, Opener, Retrieval, Score, ToolRun, ToolStatus, TraceFailure,
};
pub use facet::{Facet, FacetValue, FacetValues};
pub use genai::{Category, Delivery, Finish, GenAi, Operation, Parameters, ToolName};
pub use ids::{ContentId, IdError, Project, SessionId, SpanId, TraceId};
pub use mark::PlaceMark;
pub use message::{
    Content, Media, MediaData, MediaKind, Message, Part, Reasoning, ReasoningForm, Role, ToolCall, ToolDefinition,
    ToolResult, about_tokens, extension, is_aside, question_in,
};
pub use program::{Exit, Program, ProgramEnd, ProgramId};
pub use query::{
    Answer, Changes, Detail, Everything, Filter, OfSession, Order, Otlp, Overview, Page, Query, QuerySlot, RawSpan,
    SessionFacts, Subject,
};
pub use removal::{Doomed, Limit, Limits, Pruned, Removal, Removed};
pub use repeats::{EqualRuns, Outcome, RepeatSummary};
pub use request::Request;
pub use rescue::Rescue;
pub use rows::{LogRow, SpanRow, TraceRows};
pub use span::{Dropped, Link, LogRecord, Rank, Resource, Scope, Span, SpanEvent, SpanKind, Status, StatusCode};
pub use stats::{Attention, Group, Groups, Offered, Only, Outcomes, Spend, Spread, Stats, Timed, Within};
pub use summary::{RunState, SessionSummary, StateCounts, TraceState, TraceSummary, Waits};
pub use time::{Timestamp, nanoseconds};
pub use translation::{Carrier, ContentKind, Context, Failure, GivenName, Note, Reading, Source, Translation};
pub use tree::{Node, NodeState, Tree};
pub use usage::{Convention, Cost, CostParts, PriceSource, Reported, TokenKinds, TokenUsage, Totals, Usd};
pub use value::{Attributes, Value};
