//! A filter → the condition on a row of `listed` that it passes. This is the one place that says what a term means.

use duckdb::types::Value as Sql;

use super::stats::outcome_condition;
use crate::{
    filter::{Comparison, Expression, Match, Measure, Side, State, Term},
    model::{Facet, Outcomes, Timestamp, nanoseconds},
};

/// A condition with its parameters.
#[derive(Default)]
pub struct Condition {
    pub sql: String,
    pub parameters: Vec<(String, Sql)>,
    /// The words that the relation `hit` must look for, in lower case, each once.
    pub words: Vec<String>,
    now: Timestamp,
}

impl Condition {
    /// The condition of a filter at a moment.
    pub fn of(expression: &Expression, now: Timestamp) -> Self {
        let mut condition = Self { now, ..Self::default() };
        let sql = condition.expression(expression);
        Self { sql, ..condition }
    }

    fn expression(&mut self, expression: &Expression) -> String {
        match expression {
            Expression::All(parts) if parts.is_empty() => "true".to_owned(),
            Expression::All(parts) => self.joined(parts, " and "),
            Expression::Any(parts) => self.joined(parts, " or "),
            Expression::Not(part) => format!("not {}", self.expression(part)),
            // What is not known of a run is neither more nor less than anything.
            Expression::Term(term) => format!("coalesce({}, false)", self.term(term)),
        }
    }

    fn joined(&mut self, parts: &[Expression], by: &str) -> String {
        let parts: Vec<String> = parts.iter().map(|part| self.expression(part)).collect();
        format!("({})", parts.join(by))
    }

    /// A new parameter.
    fn bind(&mut self, value: Sql) -> String {
        let name = format!("filter_{}", self.parameters.len());
        let placeholder = format!("${name}");
        self.parameters.push((name, value));
        placeholder
    }

    fn term(&mut self, term: &Term) -> String {
        match term {
            Term::Text(text) => self.text(text),
            Term::Is(state) => is(*state).to_owned(),
            Term::Named(facet, value) => self.named(*facet, value),
            Term::Number(measure, comparison, value) => self.number(*measure, *comparison, *value),
            Term::Run(id) => self.run(id).unwrap_or_else(|| "false".to_owned()),
            Term::Began(side, time) => {
                let moment = self.bind(Sql::UBigInt(self.now.0.saturating_sub(nanoseconds(*time))));
                match side {
                    Side::Since => format!("started >= {moment}"),
                    Side::Before => format!("started < {moment}"),
                }
            }
            Term::Attribute(key, value) => self.attribute(key, value),
        }
    }

    /// The text occurs in the trace, or it is the beginning of the id of the trace or of one of its spans.
    fn text(&mut self, text: &str) -> String {
        let text = text.to_lowercase();
        let word = self.bind(Sql::Text(text.clone()));
        let mut ways = vec![format!("trace in (select trace from hit where word = {word})")];
        // Shorter ones begin the ids of anything.
        if text.len() >= SHORTEST_ID {
            ways.extend(self.run(&text));
            if let Some((first, last)) = range(&text, 16) {
                let ids = [first, last].map(|id| u64::try_from(id).unwrap_or(u64::MAX));
                let [first, last] = ids.map(|id| self.bind(Sql::UBigInt(id)));
                ways.push(format!("trace in (select trace from spans where id between {first} and {last})"));
            }
        }
        if !self.words.contains(&text) {
            self.words.push(text);
        }
        format!("({})", ways.join(" or "))
    }

    /// The id of the trace begins so; `None` where no id does.
    fn run(&mut self, id: &str) -> Option<String> {
        let (first, last) = range(id, 32)?;
        let [first, last] = [first, last].map(|id| self.bind(Sql::UHugeInt(id)));
        Some(format!("trace between {first} and {last}"))
    }

    fn named(&mut self, facet: Facet, value: &Match) -> String {
        let is_any = matches!(value, Match::Is(value) if value.is_empty());
        match source(facet) {
            Source::Steps { column, of } if is_any => {
                format!("trace not in (select trace from steps where {of} and {column} <> '')")
            }
            Source::Steps { column, of } => {
                let matches = self.matches(column, value);
                format!("trace in (select trace from steps where {of} and {matches})")
            }
            Source::Columns(columns) if is_any => {
                let empty: Vec<String> = columns.iter().map(|column| format!("coalesce({column}, '') = ''")).collect();
                format!("({})", empty.join(" and "))
            }
            Source::Columns(columns) => {
                let ways: Vec<String> = columns.iter().map(|column| self.matches(column, value)).collect();
                format!("({})", ways.join(" or "))
            }
            Source::Kinds if is_any => "failure_kinds is null".to_owned(),
            Source::Kinds => match value {
                Match::Is(kind) => {
                    let kind = self.bind(Sql::Text(format!("\n{}\n", kind.to_lowercase())));
                    format!("contains(chr(10) || lower(failure_kinds) || chr(10), {kind})")
                }
                Match::Has(part) => {
                    let part = self.bind(Sql::Text(part.to_lowercase()));
                    format!("contains(lower(concat_ws(chr(10), failure_kinds, failure_texts)), {part})")
                }
            },
        }
    }

    fn matches(&mut self, column: &str, value: &Match) -> String {
        match value {
            Match::Is(value) => format!("lower({column}) = {}", self.bind(Sql::Text(value.to_lowercase()))),
            Match::Has(part) => format!("contains(lower({column}), {})", self.bind(Sql::Text(part.to_lowercase()))),
        }
    }

    fn number(&mut self, measure: Measure, comparison: Comparison, value: u64) -> String {
        let sign = comparison.sign();
        // As what columns of 64 bits add up to, so that nothing overflows.
        let number = self.bind(Sql::HugeInt(i128::from(value)));
        match measure {
            // What is known of a cost is at least what it is.
            Measure::Cost => match comparison {
                Comparison::More | Comparison::AtLeast => format!("(priced > 0 and cost {sign} {number})"),
                _ => format!("(priced > 0 and unpriced = 0 and cost {sign} {number})"),
            },
            Measure::Duration => {
                let now = self.bind(Sql::UBigInt(self.now.0));
                let until = format!("if(running, {now}, coalesce(ended, last_seen))");
                format!("(started > 0 and greatest({until}, started) - started {sign} {number})")
            }
            Measure::Tokens => format!(
                "(coalesce(uncached_input, cache_read, cache_write, output) is not null and coalesce(uncached_input, 0)::hugeint
                    + coalesce(cache_read, 0) + coalesce(cache_write, 0) + coalesce(output, 0) {sign} {number})"
            ),
            Measure::Cache => format!(
                "(coalesce(uncached_input, 0)::hugeint + cache_read + coalesce(cache_write, 0) > 0
                    and cache_read::hugeint * 1000 {sign}
                    {number}::hugeint * (coalesce(uncached_input, 0)::hugeint + cache_read + coalesce(cache_write, 0)))"
            ),
            Measure::Context => format!("filled {sign} {number}"),
            Measure::FirstToken => format!(
                "trace in (select trace from steps where first_token is not null group by trace
                    having max(first_token) {sign} {number})"
            ),
            Measure::Calls => format!("model_calls {sign} {number}"),
            Measure::ToolRuns => format!("tool_calls {sign} {number}"),
            Measure::Errors => format!("errors {sign} {number}"),
            Measure::Spans => format!("spans {sign} {number}"),
            // The quotient is the number that was sent, to its last bit.
            Measure::Score => format!("score {sign} {number}::double / 1000::double"),
        }
    }

    fn attribute(&mut self, key: &str, value: &Match) -> String {
        let key = key.to_lowercase();
        match value {
            Match::Is(value) => {
                let line = self.bind(Sql::Text(format!("\n{key}={}\n", value.to_lowercase())));
                format!("trace in (select trace from trace_attributes where contains(text, {line}))")
            }
            // Within the line of the key: what stands between is no line end.
            Match::Has(part) => {
                let escaped = format!("\n{}=[^\n]*{}", regex_literal(&key), regex_literal(&part.to_lowercase()));
                let pattern = self.bind(Sql::Text(escaped));
                format!("trace in (select trace from trace_attributes where regexp_matches(text, {pattern}))")
            }
        }
    }
}

/// Fewer digits are no beginning of an id for text search.
const SHORTEST_ID: usize = 6;

/// The first and the last id of so many hexadecimal digits that begins so; `None` where the text is none.
fn range(text: &str, digits: u32) -> Option<(u128, u128)> {
    let length = u32::try_from(text.len()).ok().filter(|length| (1..=digits).contains(length))?;
    let is_id = text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let first = u128::from_str_radix(text, 16).ok().filter(|_| is_id)?;
    let free = 4 * (digits - length);
    // `length` is at least 1, so fewer than 128 bits are free.
    Some((first << free, first << free | ((1 << free) - 1)))
}

/// A text as a pattern that finds it.
fn regex_literal(text: &str) -> String {
    let mut pattern = String::new();
    for c in text.chars() {
        // No pattern may escape anything else.
        if c.is_ascii_punctuation() && c != '_' {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern
}

/// Where the values of a facet stand.
pub enum Source {
    /// In a column of `steps`, of those rows for which the condition `of` holds.
    Steps { column: &'static str, of: &'static str },
    /// In columns of `traces`.
    Columns(&'static [&'static str]),
    /// One a line, in `traces.failure_kinds`.
    Kinds,
}

pub fn source(facet: Facet) -> Source {
    match facet {
        Facet::Agent => Source::Steps { column: "agent", of: "true" },
        Facet::Model => Source::Steps { column: "model", of: "kind <> 'tool'" },
        Facet::Tool => Source::Steps { column: "tool", of: "kind = 'tool'" },
        Facet::Finish => Source::Steps { column: "finish", of: "kind <> 'tool'" },
        Facet::User => Source::Columns(&["user_id"]),
        Facet::Session => Source::Columns(&["session"]),
        Facet::Name => Source::Columns(&["label", "name"]),
        Facet::Service => Source::Columns(&["service"]),
        Facet::Framework => Source::Columns(&["framework"]),
        Facet::Project => Source::Columns(&["project"]),
        Facet::Error => Source::Kinds,
    }
}

fn is(state: State) -> &'static str {
    match state {
        State::Error => "(failed or errors > 0 or failed_tools > 0)",
        State::Failed => outcome_condition(Outcomes::Failed),
        State::Recovered => outcome_condition(Outcomes::Recovered),
        State::Ok => outcome_condition(Outcomes::Done),
        State::Running => outcome_condition(Outcomes::Running),
        State::NeverEnded => outcome_condition(Outcomes::NeverEnded),
        State::Loop => outcome_condition(Outcomes::Loop),
        State::CutOff => outcome_condition(Outcomes::CutOff),
        State::Full => outcome_condition(Outcomes::Full),
        State::Dear => outcome_condition(Outcomes::Dear),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_beginning_of_an_id_is_a_range() {
        assert_eq!(
            range("0af7", 32).map(|(first, last)| (format!("{first:032x}"), format!("{last:032x}"))),
            Some(("0af70000000000000000000000000000".to_owned(), "0af7ffffffffffffffffffffffffffff".to_owned(),))
        );
        assert_eq!(range(&"f".repeat(32), 32), Some((u128::MAX, u128::MAX)));
        assert_eq!(range(&"f".repeat(16), 16), Some((u64::MAX.into(), u64::MAX.into())));
        assert_eq!(
            (range("", 32), range("xyz", 32), range(&"f".repeat(33), 32), range("+1", 32)),
            (None, None, None, None)
        );
    }
}
