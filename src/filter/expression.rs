//! What a filter is: terms, all of which or one of which must hold. Printed, it is the same filter again.

use std::{fmt, time::Duration};

use super::{
    keys::{ATTRIBUTE, Bare, Comparison, Measure, Side, State},
    lexer, quantity,
};
use crate::model::Facet;

/// A filter, or a part of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expression {
    /// All of them hold; without any, everything passes.
    All(Vec<Self>),
    /// One of them holds.
    Any(Vec<Self>),
    Not(Box<Self>),
    Term(Term),
}

/// One thing that is asked of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Term {
    /// The text occurs somewhere in it, in any case.
    Text(String),
    Is(State),
    Named(Facet, Match),
    Number(Measure, Comparison, u64),
    /// Its trace id begins so: hexadecimal digits, in lower case.
    Run(String),
    /// It began within this time, or before it.
    Began(Side, Duration),
    /// An attribute of one of its spans, by its key.
    Attribute(String, Match),
}

/// What a name is compared with, in any case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Match {
    /// It is this; empty: there is none.
    Is(String),
    /// This is a part of it.
    Has(String),
}

impl Expression {
    /// All of some parts, without a list within a list.
    #[must_use]
    pub fn all(parts: impl IntoIterator<Item = Self>) -> Self {
        let flat = parts.into_iter().flat_map(|part| if let Self::All(parts) = part { parts } else { vec![part] });
        let mut parts: Vec<Self> = flat.collect();
        if parts.len() == 1 { parts.remove(0) } else { Self::All(parts) }
    }

    /// One of some parts, in the same way.
    #[must_use]
    pub fn any(parts: impl IntoIterator<Item = Self>) -> Self {
        let flat = parts.into_iter().flat_map(|part| if let Self::Any(parts) = part { parts } else { vec![part] });
        let mut parts: Vec<Self> = flat.collect();
        if parts.len() == 1 { parts.remove(0) } else { Self::Any(parts) }
    }

    /// The opposite.
    #[must_use]
    #[expect(clippy::should_implement_trait, reason = "it takes a value and needs no trait")]
    pub fn not(part: Self) -> Self {
        Self::Not(Box::new(part))
    }

    /// Everything passes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        matches!(self, Self::All(parts) if parts.is_empty())
    }

    /// The texts that it asks for: what a run that passes may hold and what can be shown in it.
    #[must_use]
    pub fn texts(&self) -> Vec<&str> {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().flat_map(Self::texts).collect(),
            Self::Term(Term::Text(text)) => vec![text],
            Self::Not(_) | Self::Term(_) => Vec::new(),
        }
    }

    /// Every term of it, in order.
    pub fn terms(&self) -> Vec<&Term> {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().flat_map(Self::terms).collect(),
            Self::Not(part) => part.terms(),
            Self::Term(term) => vec![term],
        }
    }

    fn write(&self, f: &mut fmt::Formatter<'_>, within: bool) -> fmt::Result {
        match self {
            Self::Term(term) => write!(f, "{term}"),
            Self::Not(part) => {
                f.write_str("-")?;
                part.write(f, true)
            }
            Self::All(parts) => bracketed(f, parts, " ", within),
            Self::Any(parts) => bracketed(f, parts, " or ", true),
        }
    }
}

fn bracketed(f: &mut fmt::Formatter<'_>, parts: &[Expression], between: &str, within: bool) -> fmt::Result {
    if within {
        f.write_str("(")?;
    }
    for (at, part) in parts.iter().enumerate() {
        if at > 0 {
            f.write_str(between)?;
        }
        part.write(f, true)?;
    }
    if within { f.write_str(")") } else { Ok(()) }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, false)
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(&lexer::word(text)),
            Self::Is(state) if Bare::of(state.word()).is_some() => f.write_str(state.word()),
            Self::Is(state) => write!(f, "is:{}", state.word()),
            Self::Named(facet, value) => write!(f, "{}:{value}", facet.key()),
            Self::Number(measure, comparison, value) => {
                write!(f, "{}{}{}", measure.key(), comparison.sign(), measure.write(*value))
            }
            Self::Run(id) => write!(f, "run:{id}"),
            Self::Began(Side::Since, time) => write!(f, "since:{}", quantity::write_time(*time)),
            Self::Began(Side::Before, time) => write!(f, "before:{}", quantity::write_time(*time)),
            Self::Attribute(key, value) => write!(f, "{ATTRIBUTE}{key}={value}"),
        }
    }
}

impl fmt::Display for Match {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Is(value) => f.write_str(&lexer::value(value)),
            Self::Has(value) => write!(f, "~{}", lexer::value(value)),
        }
    }
}

impl Measure {
    /// Its key.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Cost => "cost",
            Self::Duration => "dur",
            Self::Tokens => "tokens",
            Self::Cache => "cache",
            Self::Context => "ctx",
            Self::FirstToken => "ttft",
            Self::Calls => "calls",
            Self::ToolRuns => "tools",
            Self::Errors => "errors",
            Self::Spans => "spans",
            Self::Score => "score",
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::filter::parse;

    fn texts() -> impl Strategy<Value = String> {
        prop_oneof!["[a-z]{1,8}", "[ -~]{1,12}", "\\PC{1,8}", Just("or".to_owned()), Just("error".to_owned())]
            .prop_filter("a text of spaces alone is none", |text| !text.trim().is_empty())
            .prop_map(|text| text.to_lowercase())
    }

    fn matches() -> impl Strategy<Value = Match> {
        prop_oneof![texts().prop_map(Match::Is), Just(Match::Is(String::new())), texts().prop_map(Match::Has)]
    }

    fn facets() -> impl Strategy<Value = Facet> {
        let facets = super::super::KEYS.iter().filter_map(|row| match row.key {
            super::super::Key::Named(facet) => Some(facet),
            _ => None,
        });
        prop::sample::select(facets.collect::<Vec<_>>())
    }

    fn terms() -> impl Strategy<Value = Term> {
        use Comparison::{AtLeast, AtMost, Equal, Less, More};
        use Measure::{Cache, Calls, Context, Cost, Duration, Errors, FirstToken, Spans, Tokens, ToolRuns};
        let measures = prop::sample::select(vec![
            Cost, Duration, Tokens, Cache, Context, FirstToken, Calls, ToolRuns, Errors, Spans,
        ]);
        let signs = prop::sample::select(vec![More, AtLeast, Less, AtMost, Equal]);
        prop_oneof![
            texts().prop_map(Term::Text),
            prop::sample::select(State::ALL.to_vec()).prop_map(Term::Is),
            (facets(), matches()).prop_map(|(facet, value)| Term::Named(facet, value)),
            (measures, signs, any::<u64>()).prop_map(|(measure, sign, value)| Term::Number(measure, sign, value)),
            "[0-9a-f]{1,32}".prop_map(Term::Run),
            any::<u64>().prop_map(|time| Term::Began(Side::Since, std::time::Duration::from_nanos(time))),
            any::<u64>().prop_map(|time| Term::Began(Side::Before, std::time::Duration::from_nanos(time))),
            ("[a-z][a-z0-9._/-]{0,8}", matches()).prop_map(|(key, value)| Term::Attribute(key, value)),
        ]
    }

    fn expressions() -> impl Strategy<Value = Expression> {
        terms().prop_map(Expression::Term).prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 1..4).prop_map(Expression::all),
                prop::collection::vec(inner.clone(), 1..4).prop_map(Expression::any),
                inner.prop_map(Expression::not),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_as_the_same(expression in expressions()) {
            let text = expression.to_string();
            prop_assume!(text.len() <= super::super::LONGEST && expression.terms().len() <= super::super::MOST_TERMS);
            prop_assert_eq!(parse(&text), Ok(expression), "{}", text);
        }

        #[test]
        fn no_text_makes_it_panic_and_every_problem_has_a_place(text in "\\PC{0,60}|[-()\":~<>=. a-z0-9]{0,60}") {
            match parse(&text) {
                Ok(expression) => prop_assert_eq!(parse(&expression.to_string()), Ok(expression)),
                Err(problem) => {
                    prop_assert!(problem.from <= problem.to && problem.to <= text.len(), "{:?}", problem);
                    prop_assert!(text.is_char_boundary(problem.from) && text.is_char_boundary(problem.to));
                    prop_assert!(!problem.why.is_empty());
                }
            }
            let _ = super::super::pieces(&text);
            for at in (0..=text.len()).filter(|at| text.is_char_boundary(*at)) {
                let _ = super::super::at(&text, at);
            }
        }
    }
}
