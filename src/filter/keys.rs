//! The table of the filter language: parser, completion, help and README are made from it.

use crate::model::Facet;

/// What a key asks of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// `is:STATE`
    Is,
    /// A name that the run has: `key:value`, or `key:~part`.
    Named(Facet),
    /// A number of the run: `key>value`.
    Number(Measure),
    /// The beginning of the id of its trace.
    Run,
    /// It began within so long.
    Since,
    /// It began longer ago.
    Before,
}

/// A number that a run has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Measure {
    /// In pico-dollars.
    Cost,
    /// How long it took, in nanoseconds.
    Duration,
    /// Tokens in and out.
    Tokens,
    /// The share of the input that was read from a cache, in thousandths.
    Cache,
    /// The share of its model's window that the largest prompt filled, in thousandths.
    Context,
    /// The longest wait for a first token, in nanoseconds.
    FirstToken,
    Calls,
    ToolRuns,
    Errors,
    Spans,
    /// The lowest score that anybody gave it or a step of it, in thousandths.
    Score,
}

/// How a number is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    More,
    AtLeast,
    Less,
    AtMost,
    Equal,
}

/// On which side of a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Since,
    Before,
}

impl Comparison {
    /// As it is written, also in SQL.
    #[must_use]
    pub fn sign(self) -> &'static str {
        match self {
            Self::More => ">",
            Self::AtLeast => ">=",
            Self::Less => "<",
            Self::AtMost => "<=",
            Self::Equal => "=",
        }
    }

    /// Whether two numbers compare so.
    #[must_use]
    pub fn holds<T: PartialOrd + Copy>(self, left: T, right: T) -> bool {
        match self {
            Self::More => left > right,
            Self::AtLeast => left >= right,
            Self::Less => left < right,
            Self::AtMost => left <= right,
            Self::Equal => left == right,
        }
    }
}

/// How a run went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// Something in it failed, whether it went on or not.
    Error,
    Failed,
    Recovered,
    Ok,
    Running,
    NeverEnded,
    Loop,
    CutOff,
    Full,
    Dear,
}

impl State {
    pub const ALL: [Self; 10] = [
        Self::Error,
        Self::Failed,
        Self::Recovered,
        Self::Ok,
        Self::Running,
        Self::NeverEnded,
        Self::Loop,
        Self::CutOff,
        Self::Full,
        Self::Dear,
    ];

    /// Its word after `is:`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Failed => "failed",
            Self::Recovered => "recovered",
            Self::Ok => "ok",
            Self::Running => "running",
            Self::NeverEnded => "never-ended",
            Self::Loop => "loop",
            Self::CutOff => "cut-off",
            Self::Full => "full",
            Self::Dear => "dear",
        }
    }

    /// What it means, for completion and help.
    #[must_use]
    pub fn help(self) -> &'static str {
        match self {
            Self::Error => "something in it failed, whether it went on or not",
            Self::Failed => "it failed itself",
            Self::Recovered => "something in it failed, and it went well in the end",
            Self::Ok => "it went well, and nothing in it failed",
            Self::Running => "it goes on",
            Self::NeverEnded => "its end never came",
            Self::Loop => "a tool was called in a loop",
            Self::CutOff => "its last answer was cut at a limit of tokens",
            Self::Full => "a prompt filled at least 90% of its model's window",
            Self::Dear => "it cost at least 3 times what runs of its name usually do",
        }
    }

    /// The state of a word.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word().eq_ignore_ascii_case(word))
    }
}

/// Words that stand for a state without `is:`.
pub struct Bare;

impl Bare {
    pub const ALL: [State; 3] = [State::Error, State::Loop, State::Running];

    /// The state that a word alone stands for.
    #[must_use]
    pub fn of(word: &str) -> Option<State> {
        Self::ALL.into_iter().find(|state| state.word().eq_ignore_ascii_case(word))
    }
}

/// What an attribute's key begins with.
pub const ATTRIBUTE: &str = "attr.";

/// One key of the language.
#[derive(Debug, Clone, Copy)]
pub struct KeyRow {
    pub name: &'static str,
    pub key: Key,
    pub example: &'static str,
    pub help: &'static str,
}

macro_rules! keys {
    ($($name:literal $key:expr, $example:literal $help:literal)*) => {
        /// Every key, in the order in which people should read them.
        pub const KEYS: &[KeyRow] = &[$(KeyRow { name: $name, key: $key, example: $example, help: $help }),*];
    };
}

keys! {
    // key       asks                              example                  help
    "is"         Key::Is,                          "is:failed"              "How it went"
    "agent"      Key::Named(Facet::Agent),         "agent:planner"          "An agent called a model or a tool"
    "tool"       Key::Named(Facet::Tool),          "tool:book_room"         "A tool ran"
    "model"      Key::Named(Facet::Model),         "model:~sonnet"          "A model was called"
    "session"    Key::Named(Facet::Session),       "session:trip-42"        "Its session"
    "user"       Key::Named(Facet::User),          "user:ana"               "Its user"
    "name"       Key::Named(Facet::Name),          "name:~nightly"          "The name of the run, or of its root"
    "error"      Key::Named(Facet::Error),         "error:~Timeout"         "The kind of something that failed; after ~ also a part of its message"
    "finish"     Key::Named(Facet::Finish),        "finish:max_tokens"      "Why a model ended an answer"
    "cost"       Key::Number(Measure::Cost),       "cost>.10"               "What it cost, in dollars, as far as that is known"
    "dur"        Key::Number(Measure::Duration),   "dur>5s"                 "How long it took: ms, s, m, h"
    "tokens"     Key::Number(Measure::Tokens),     "tokens>20k"             "Tokens, in and out"
    "cache"      Key::Number(Measure::Cache),      "cache<50%"              "The share of its input that was read from a cache"
    "ctx"        Key::Number(Measure::Context),    "ctx>80%"                "The share of its model's window that its largest prompt filled"
    "ttft"       Key::Number(Measure::FirstToken), "ttft>2s"                "The longest wait for a first token"
    "calls"      Key::Number(Measure::Calls),      "calls>=10"              "Calls of models"
    "tools"      Key::Number(Measure::ToolRuns),   "tools=0"                "Runs of tools"
    "errors"     Key::Number(Measure::Errors),     "errors>2"               "Failures"
    "spans"      Key::Number(Measure::Spans),      "spans>1k"               "Spans"
    "score"      Key::Number(Measure::Score),      "score<.5"               "The lowest score that it or a step of it was given by an evaluation, whatever was judged"
    "since"      Key::Since,                       "since:2h"               "It began within this time: 90s, 30m, 2h, 7d, 2w"
    "before"     Key::Before,                      "before:1d"              "It began longer ago"
    "run"        Key::Run,                         "run:0af76519"           "The beginning of its trace id"
    "service"    Key::Named(Facet::Service),       "service:shop"           "The service.name of what sent it"
    "framework"  Key::Named(Facet::Framework),     "framework:strands"      "The framework or SDK"
    "project"    Key::Named(Facet::Project),       "project:default"        "The project that it was sent to"
}

impl KeyRow {
    /// The row of a name, in any case.
    #[must_use]
    pub fn of(name: &str) -> Option<&'static Self> {
        KEYS.iter().find(|row| row.name.eq_ignore_ascii_case(name))
    }

    /// What stands between it and its value first.
    #[must_use]
    pub fn sign(&self) -> &'static str {
        if matches!(self.key, Key::Number(_)) { ">" } else { ":" }
    }
}

impl Facet {
    /// Its row.
    #[must_use]
    pub fn row(self) -> Option<&'static KeyRow> {
        KEYS.iter().find(|row| row.key == Key::Named(self))
    }
}

/// The language in rows: an example and what it lets through. Help of commands and README are made of it.
#[must_use]
pub fn help_lines() -> Vec<(String, String)> {
    let mut lines = vec![
        (
            "lisbon hotel".to_owned(),
            "Both words occur: in names, prompts, answers, reasoning, arguments, results, errors or ids".to_owned(),
        ),
        (
            "\"exact text\"".to_owned(),
            "This text occurs as it is, in any case; also where a word would mean something else".to_owned(),
        ),
        (
            "error  loop  running".to_owned(),
            "Something in it failed; a tool was called in a loop; it goes on".to_owned(),
        ),
    ];
    for row in KEYS {
        let help = match row.key {
            Key::Is => format!("{}: {}", row.help, State::ALL.map(State::word).join(", ")),
            _ => row.help.to_owned(),
        };
        lines.push((row.example.to_owned(), help));
    }
    lines.push((format!("{ATTRIBUTE}user.id=42"), "An attribute of a span or its resource".to_owned()));
    lines.push(("user:\"\"".to_owned(), "It has none".to_owned()));
    lines.push(("-tool:web_fetch".to_owned(), "The opposite".to_owned()));
    lines.push(("(error or loop) cost>1".to_owned(), "One of these, and what follows".to_owned()));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::parse;

    #[test]
    fn every_example_of_the_table_is_a_filter() {
        for (example, _) in help_lines() {
            assert!(parse(&example).is_ok(), "{example}: {:?}", parse(&example));
        }
        for row in KEYS {
            assert!(row.example.starts_with(row.name), "{}", row.example);
        }
    }

    #[test]
    fn names_are_used_once_and_every_facet_has_a_key() {
        for (at, row) in KEYS.iter().enumerate() {
            assert!(KEYS[at + 1..].iter().all(|other| other.name != row.name), "{}", row.name);
        }
        for facet in Facet::BROWSED {
            assert_eq!(facet.row().map(|row| row.name), Some(facet.key()));
        }
    }
}
