//! What a row of [`DIALECTS`](super::DIALECTS) can hold: how a sender's spans and log records are translated, and what
//! is known of the sender besides. Only `name` is needed, everything else has a default in [`Dialect::PLAIN`].

use super::{
    coding_agents::AgentRecord,
    fact_keys::{FactRow, Rank},
    recording_hints::RecordingHints,
};
use crate::model::{Attributes, Category, ContentKind, Failure, GivenName, LogRecord, Source, Translation};

/// Whether something is true of a span or log record.
pub type SourceTest = fn(&Source) -> bool;

/// Adds to what is understood of a span or log record.
pub type Understand = fn(&Source, &mut Translation);

/// Whether input tokens include those of caches, for one sender's sources; `None` for those of others.
pub type CacheInInput = fn(&Source, ByProvider) -> Option<bool>;

/// Whether a name in a resource is that of a framework.
pub type NameTest = fn(&str) -> bool;

/// One way of writing an agent's work into spans and log records, with what is known of its sender.
///
/// A sender that writes nothing of its own (a framework whose spans an instrumentation makes) has a row without
/// `matches` and `translate`.
#[derive(Clone, Copy)]
pub struct Dialect {
    /// Stands in every reading and translation that it makes.
    pub name: &'static str,
    /// What its messages are worth beside those of other dialects.
    pub content: ContentKind,
    /// Whether a source is written in this dialect. Cheap: asked of every span and log record.
    pub matches: SourceTest,
    /// Adds readings, tool definitions and notes, and fills facts that are still blank; facts that are there stay.
    /// `into.genai.category` is decided before.
    pub translate: Understand,

    /// The category of a source, before any key that states one ([`Self::kinds`]) is asked. Asked of every source, so it
    /// checks for its own sender; `None` leaves it to the keys.
    pub category: Option<fn(&Source) -> Option<Category>>,
    /// The category of a source of which no key states one, mostly by its name. It checks for its own sender, too.
    pub unstated_category: Option<fn(&Source) -> Option<Category>>,
    /// Attributes in which its spans state their kind.
    pub kinds: &'static [KindKey],
    /// Beginnings of attribute names that only spans of agents and models have. None may begin with another.
    pub ai_keys: &'static [&'static str],

    /// Whether the span events of a source that matches are in a form of its own: general dialects do not see them.
    pub claims_events: bool,
    /// The name of another dialect that does not translate a source for which the function is true, because this one
    /// keeps other things under its keys.
    pub replaces: Option<(&'static str, SourceTest)>,
    /// Whether it reads what OpenTelemetry's conventions define, whoever writes it.
    pub is_general: bool,
    /// Whether a span only announces that another began, which brings all that it holds: nothing is read of it.
    pub is_pending: Option<SourceTest>,
    /// Whether a span is the one that an SDK puts around a program's work, and no work itself.
    pub is_wrapper: Option<SourceTest>,
    /// Whether its framework made a span around its own machinery ([`Translation::plumbing`]). It checks for its own
    /// sender, and is asked only of spans of no kind and of chains. Never true of what people named or decorated.
    pub is_plumbing: Option<SourceTest>,
    /// What of a span's name people chose; `None` where it is not of its sender, or nothing is known against the whole
    /// name. Asked of every span.
    pub given_name: Option<fn(&Source) -> Option<GivenName>>,
    /// What a log record without a trace stands for, so that a span can be made of it.
    pub record: Option<for<'a> fn(&'a LogRecord) -> Option<AgentRecord<'a>>>,

    /// Attributes of its own that hold scalar facts. They are read from every source.
    pub facts: &'static [FactRow],
    /// Fills scalar facts that no attribute holds as they are: in a name, in metadata, in two attributes together. Called
    /// for every source after the keys were read; what is known stays. `into.genai.tool` is there by then, perhaps with nothing
    /// in it: fill its fields.
    pub complete_facts: Option<Understand>,
    /// Attributes that hold request parameters.
    pub parameters: Option<ParameterKeys>,
    /// Attributes that hold tags: a list, its JSON, or words with commas between them.
    pub tags: &'static [&'static str],
    /// A beginning of attribute names, each of them one tag.
    pub tag_prefix: Option<&'static str>,
    /// Attributes that hold metadata as a map or as JSON of one.
    pub metadata: &'static [&'static str],
    /// Entries of metadata that name the session.
    pub session_metadata: &'static [&'static str],
    /// Beginnings of attribute names that hold an entry of metadata each, and what is taken off the name of the entry.
    pub metadata_prefixes: &'static [(&'static str, &'static str)],
    /// Whether the reported input tokens of a source include those of caches. It checks for its own sender.
    pub cache_in_input: Option<CacheInInput>,
    /// Scopes whose tools' results are JSON whatever they are, so that a text stands in quotes.
    pub quotes_results: &'static [&'static str],

    /// How it writes failures.
    pub failures: Failures,
    /// The labels of frameworks, and by what they are known.
    pub frameworks: &'static [Framework],
    /// Which switches make its instrumentations record what is missing.
    pub recording_hints: &'static [RecordingHints],
}

impl Dialect {
    /// A dialect that matches nothing and knows nothing, for the rest of a row: `..Dialect::PLAIN`.
    pub const PLAIN: Self = Self {
        name: "",
        content: ContentKind::Conversation,
        matches: |_| false,
        translate: |_, _| {},
        category: None,
        unstated_category: None,
        kinds: &[],
        ai_keys: &[],
        claims_events: false,
        replaces: None,
        is_general: false,
        is_pending: None,
        is_wrapper: None,
        is_plumbing: None,
        given_name: None,
        record: None,
        facts: &[],
        complete_facts: None,
        parameters: None,
        tags: &[],
        tag_prefix: None,
        metadata: &[],
        session_metadata: &[],
        metadata_prefixes: &[],
        cache_in_input: None,
        quotes_results: &[],
        failures: Failures::SHARED,
        frameworks: &[],
        recording_hints: &[],
    };
}

/// Whether input tokens would include those of caches if a sender passed the provider's own numbers through.
pub type ByProvider = bool;

/// Attributes that hold one request parameter each.
#[derive(Clone, Copy)]
pub struct ParameterKeys {
    /// The beginning of their names.
    pub prefix: &'static str,
    /// What follows it, with the parameter's name in the GenAI conventions.
    pub names: &'static [(&'static str, &'static str)],
}

/// An attribute in which spans state their kind.
#[derive(Clone, Copy)]
pub struct KindKey {
    pub key: &'static str,
    /// Its place among the keys of all dialects that state a category.
    pub rank: Rank,
    /// The category that a value means, without quotes around it; `None` where it means none.
    pub category: fn(&str) -> Option<Category>,
    /// The operation that a value means, in the terms of the GenAI conventions; `None` where it means none.
    pub operation: fn(&str) -> Option<String>,
    /// Its place among the keys of all dialects that mean an operation.
    pub operation_rank: Rank,
}

/// How a sender writes failures, beside OpenTelemetry's status, `exception` events and attributes.
#[derive(Clone, Copy)]
pub struct Failures {
    /// Fills the kind, message and stack of a source's failure; what is known stays, unless it
    /// says less. It checks for its own sender.
    pub describe: Option<fn(&Source, &mut Failure)>,
    /// Whether the tool of a tool's span failed, whatever the span's status; `None` where the span does not show it.
    pub tool_failed: Option<fn(&Source) -> Option<bool>>,
    /// Whether a source may have failed although its status is OK.
    pub despite_ok: Option<SourceTest>,
    /// Exceptions that are thrown to wait for a person or to go elsewhere, without their module: no failures.
    pub control_exceptions: &'static [&'static str],
}

impl Failures {
    /// Nothing but what all senders share.
    pub const SHARED: Self = Self { describe: None, tool_failed: None, despite_ok: None, control_exceptions: &[] };
}

/// The label of a framework (`facts.md` 1) and its marks. Any one mark is enough.
#[derive(Clone, Copy)]
pub struct Framework {
    pub label: &'static str,
    /// Where a source has the marks of several, the lowest rank labels it: products (a coding agent, an SDK that traces)
    /// up to 99, frameworks of agents up to 299, instrumentations and platforms from 300 on.
    pub rank: u16,
    /// Beginnings of scope names.
    pub scopes: &'static [&'static str],
    /// Beginnings of attribute names. None may begin with another, of whichever framework.
    pub keys: &'static [&'static str],
    /// Beginnings of span names.
    pub names: &'static [&'static str],
    /// Marks of any other form.
    pub is_of: Option<SourceTest>,
    /// Labels that give way to this one, and where.
    pub refines: Option<Refinement>,
    /// Whole names of scopes that are too short a word to go by where there is any other mark.
    pub short_scopes: &'static [&'static str],
    /// Names, in lower case, under which the framework stands where the provider's name belongs.
    pub providers: &'static [&'static str],
    /// Whether it is the SDK that `telemetry.sdk.name` of the resource names.
    pub is_sdk: Option<NameTest>,
    /// Whether it is what the resource's `service.name` names: the least mark, since people choose that name.
    pub is_service: Option<NameTest>,
}

/// Where the label of a general framework gives way to that of one built on it.
#[derive(Clone, Copy)]
pub struct Refinement {
    /// The labels that give way.
    pub labels: &'static [&'static str],
    /// Whether the attributes of a source show that it is of the finer framework.
    pub is_finer: fn(&Attributes) -> bool,
}

impl Framework {
    /// A framework of agents without marks, for the rest of a row.
    pub const PLAIN: Self = Self {
        label: "",
        rank: 250,
        scopes: &[],
        keys: &[],
        names: &[],
        is_of: None,
        refines: None,
        short_scopes: &[],
        providers: &[],
        is_sdk: None,
        is_service: None,
    };
}
