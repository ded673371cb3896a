//! `doctor`: what each instrumentation sends of its model calls, and what to set where something is missing.

use std::{
    collections::{BTreeMap, HashMap},
    io::{self, Write},
    iter,
};

use serde_json::{Value as Json, json};

use super::{
    GOOD,
    assembled::{assembled, batches},
    json::print,
    reading::{Output, Reads},
    table::{self, Align, Column},
};
use crate::{
    app::{
        first_run, format,
        wrap::{clean_line, wrap},
    },
    dialects::{self, RecordingHints},
    model::{AssembledTrace, Category, ModelCall, SpanId, SpanRow, TraceRows, Translation},
    store::{Pick, Picked, Store, by_session},
};

pub const EXAMPLES: &str = "\
Examples:
  sideseat-tui doctor
  sideseat-tui doctor --db ./agent.db --all
  sideseat-tui doctor --json | jq '.[].missing[] | select(.what == \"messages\").set'";

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Print one JSON array
    #[arg(long)]
    pub json: bool,

    /// Look at all that is stored, not only at the newest traces with 10,000 spans
    #[arg(long)]
    pub all: bool,
}

/// Spans whose traces are looked at, unless all are asked for: as many as take about a second. How a program is instrumented
/// today shows in its newest traces.
const NEWEST_SPANS: u64 = 10_000;

impl Reads for Arguments {
    /// Prints a row for each instrumentation, and below what is missing.
    fn run(&self, store: &Store, output: &mut Output) -> anyhow::Result<u8> {
        let traces = store.picked(&Pick::default())?;
        let looked_at = if self.all { &traces[..] } else { newest(&traces, NEWEST_SPANS) };
        if looked_at.len() < traces.len() {
            let [newest, all] = [looked_at.len(), traces.len()].map(|count| format::exact(count as u64));
            (output.says)(&format!(
                "only the newest {newest} of {all} traces were looked at; --all looks at every one"
            ));
        }
        let scopes = examine(store, looked_at)?;
        if self.json {
            print(scopes.iter().map(|(scope, seen)| to_json(scope, seen)), output.out)?;
        } else if scopes.is_empty() {
            write_empty(output.out, store.log_ids(&Pick::default())?.len())?;
        } else {
            write_report(output.out, &scopes, output.printer.columns)?;
        }
        Ok(GOOD)
    }
}

/// An instrumentation: the name of its scope, and its version.
type Scope = (String, String);

type Scopes = BTreeMap<Scope, Instrumentation>;

/// What one instrumentation sent.
#[derive(Debug, Default, PartialEq, Eq)]
struct Instrumentation {
    /// Each framework that its spans name, with the number of those spans.
    frameworks: BTreeMap<String, u64>,
    spans: u64,
    errors: u64,
    calls: u64,
    /// How many of its calls its own spans have each of these for.
    with: CallCounts,
    /// Whether a trace with its spans has model calls, its own or those of another instrumentation.
    near_calls: bool,
    /// How many of its calls that ended without failure no span has each of these for.
    without: CallCounts,
    /// Number of its calls that ended without failure.
    ended_well: u64,
}

/// Number of calls for each of these.
#[derive(Debug, Default, PartialEq, Eq)]
struct CallCounts {
    messages: u64,
    usage: u64,
    session: u64,
    finish: u64,
}

impl CallCounts {
    fn add(&mut self, [messages, usage, session, finish]: [bool; 4]) {
        self.messages += u64::from(messages);
        self.usage += u64::from(usage);
        self.session += u64::from(session);
        self.finish += u64::from(finish);
    }
}

/// Something that an instrumentation does not send.
struct Missing {
    what: &'static str,
    /// Number of the calls that ended without failure and have it not; `None` if there are no calls.
    calls: Option<u64>,
    /// The switch that turns it on; `None` if none is known.
    set: Option<&'static str>,
}

impl Instrumentation {
    fn framework(&self) -> Option<&str> {
        let most = self.frameworks.iter().max_by_key(|(_, spans)| **spans);
        most.map(|(label, _)| label.as_str())
    }

    fn missing(&self, scope: &Scope) -> Vec<Missing> {
        let RecordingHints { calls, messages, usage, session, .. } =
            dialects::recording_hints(&scope.0, self.framework());
        if !self.near_calls {
            let calls = calls.map(|set| Missing { what: "model calls", calls: None, set: Some(set) });
            return calls.into_iter().collect();
        }
        let all = [
            ("messages", self.without.messages, Some(*messages)),
            ("usage", self.without.usage, Some(*usage)),
            ("session", self.without.session, Some(*session)),
            ("finish reason", self.without.finish, None),
        ];
        let some = all.into_iter().filter(|(_, calls, _)| *calls > 0);
        some.map(|(what, calls, set)| Missing { what, calls: Some(calls), set }).collect()
    }
}

/// The newest of some traces, which are ordered by start, until they have so many spans.
fn newest(traces: &[Picked], spans: u64) -> &[Picked] {
    let mut held = 0_u64;
    let fits = |picked: &&Picked| {
        let has_room = held < spans;
        // A trace of which only log records came takes time as well.
        held = held.saturating_add(picked.spans.max(1));
        has_room
    };
    let count = traces.iter().rev().take_while(fits).count();
    traces.get(traces.len() - count..).unwrap_or_default()
}

/// Counts what every instrumentation sent in some traces, which are ordered by start. Traces are assembled by session, as
/// everywhere.
fn examine(store: &Store, traces: &[Picked]) -> anyhow::Result<Scopes> {
    let mut scopes = Scopes::new();
    for batch in batches(&by_session(traces.to_vec())) {
        for (assembled, rows) in assembled(store, batch)? {
            add(&mut scopes, &rows, &assembled);
        }
    }
    // A scope without spans and calls is that of synthetic spans which only repeat what other spans have.
    scopes.retain(|_, seen| seen.spans > 0 || seen.calls > 0);
    Ok(scopes)
}

fn add(scopes: &mut Scopes, rows: &TraceRows, assembled: &AssembledTrace) {
    let calls: Vec<&ModelCall> = assembled.calls.iter().filter(|call| call.category == Category::Llm).collect();
    let mut spans: HashMap<SpanId, Vec<&Translation>> = HashMap::new();
    for row in &rows.spans {
        spans.entry(row.id).or_default().push(&row.translation);
        let seen = scopes.entry(scope(row)).or_default();
        seen.spans += u64::from(!row.synthetic);
        seen.errors += u64::from(row.translation.error.is_some());
        seen.near_calls |= !calls.is_empty();
        if let Some(framework) = &row.translation.context.framework {
            *seen.frameworks.entry(framework.clone()).or_default() += 1;
        }
    }
    for log in &rows.logs {
        if let Some(of) = log.span.and_then(|span| spans.get_mut(&span)) {
            of.push(&log.translation);
        }
    }
    let by_id: HashMap<SpanId, &SpanRow> = rows.spans.iter().map(|row| (row.id, row)).collect();
    let in_session = assembled.context.session.is_some();
    for call in calls {
        // Several spans of one instrumentation may describe one call.
        let mut by_scope: BTreeMap<Scope, [bool; 4]> = BTreeMap::new();
        for span in iter::once(call.span).chain(call.also.iter().copied()) {
            let (Some(row), Some(translations)) = (by_id.get(&span), spans.get(&span)) else { continue };
            let [messages, usage, session, finish] = by_scope.entry(scope(row)).or_default();
            *messages |= translations.iter().any(|translation| !translation.readings.is_empty());
            *usage |=
                translations.iter().any(|translation| translation.genai.usage.is_some_and(|usage| usage.has_tokens()));
            *session |= in_session;
            *finish |= translations.iter().any(|translation| translation.genai.stop_reason.is_some());
        }
        let ended_well = call.ended.is_some() && call.failure.is_none();
        for (scope, has) in by_scope {
            let seen = scopes.entry(scope).or_default();
            seen.calls += 1;
            seen.with.add(has);
            if ended_well {
                seen.ended_well += 1;
                let counted = call.usage.is_some_and(|usage| usage.has_tokens());
                seen.without.add([call.unrecorded.is_some(), !counted, !in_session, call.stop_reason.is_none()]);
            }
        }
    }
}

fn scope(row: &SpanRow) -> Scope {
    (row.scope_name.clone(), row.scope_version.clone())
}

fn write_report(out: &mut dyn Write, scopes: &Scopes, terminal: Option<usize>) -> io::Result<()> {
    const COLUMNS: [Column; 10] = [
        Column::new("SCOPE", Align::LeftShrinking, 0),
        Column::new("VERSION", Align::LeftShrinking, 2),
        Column::new("FRAMEWORK", Align::Left, 1),
        Column::new("SPANS", Align::Right, 4),
        Column::new("CALLS", Align::Right, 0),
        Column::new("MESSAGES", Align::Right, 0),
        Column::new("USAGE", Align::Right, 0),
        Column::new("SESSION", Align::Right, 0),
        Column::new("FINISH", Align::Right, 0),
        Column::new("ERRORS", Align::Right, 3),
    ];
    let rows: Vec<Vec<String>> = scopes.iter().map(|(scope, seen)| cells(scope, seen)).collect();
    table::write(out, &COLUMNS, &rows, terminal)?;
    let mut well = true;
    for (scope, seen) in scopes {
        let missing = seen.missing(scope);
        if missing.is_empty() {
            continue;
        }
        well = false;
        writeln!(out, "\n{}", clean_line(format!("{} {}", name(scope), scope.1).trim_end()))?;
        for missing in missing {
            write_missing(out, &missing, seen.ended_well, terminal)?;
        }
    }
    if scopes.values().all(|seen| seen.calls == 0) {
        writeln!(
            out,
            "\nNo model call came in these traces. If one should have, instrument the library that calls the model as well."
        )?;
    } else if well {
        writeln!(out, "\nNothing is missing.")?;
    }
    Ok(())
}

/// `  messages       3 of 5 calls came without: set …`, as far down as it takes.
fn write_missing(out: &mut dyn Write, missing: &Missing, calls: u64, terminal: Option<usize>) -> io::Result<()> {
    const INDENT: usize = 17;
    let found = match missing.calls {
        Some(without) => format!("{} of {} calls came without", format::exact(without), format::exact(calls)),
        None => "none came".to_owned(),
    };
    let text = match missing.set {
        Some(set) => format!("{found}: {set}"),
        None => format!("{found}; no switch is known that brings it"),
    };
    let room = terminal.map_or(usize::MAX, |terminal| terminal.saturating_sub(INDENT).max(20));
    for (index, line) in wrap(&text, room).iter().enumerate() {
        let what = if index == 0 { missing.what } else { "" };
        writeln!(out, "  {what:width$}{}", line.trim_end(), width = INDENT - 2)?;
    }
    Ok(())
}

fn write_empty(out: &mut dyn Write, logs: usize) -> io::Result<()> {
    if logs > 0 {
        return writeln!(
            out,
            "{} log records came, and no span: have the program export its traces as well (OTEL_TRACES_EXPORTER=otlp).",
            format::exact(logs as u64)
        );
    }
    let run = first_run::command();
    writeln!(
        out,
        "Nothing has been received yet. To send a first trace, start the screen, then in another terminal your program:\n\
         \n  sideseat-tui\n  {run}\n\n\
         `sideseat-tui import FILE…` reads what was recorded elsewhere; `sideseat-tui demo` shows recorded runs."
    )
}

fn name(scope: &Scope) -> &str {
    if scope.0.is_empty() { "(no name)" } else { &scope.0 }
}

/// The cells about calls are empty if the scope has no calls.
fn cells(scope: &Scope, seen: &Instrumentation) -> Vec<String> {
    let of_calls = |count| if seen.calls > 0 { format::exact(count) } else { String::new() };
    let CallCounts { messages, usage, session, finish } = seen.with;
    vec![
        name(scope).to_owned(),
        scope.1.clone(),
        seen.framework().unwrap_or_default().to_owned(),
        format::exact(seen.spans),
        format::exact(seen.calls),
        of_calls(messages),
        of_calls(usage),
        of_calls(session),
        of_calls(finish),
        format::exact(seen.errors),
    ]
}

fn to_json(scope: &Scope, seen: &Instrumentation) -> Json {
    let missing = seen.missing(scope);
    let missing =
        missing.iter().map(|missing| json!({ "what": missing.what, "calls": missing.calls, "set": missing.set }));
    json!({
        "scope": scope.0,
        "version": scope.1,
        "framework": seen.framework(),
        "spans": seen.spans,
        "model_calls": seen.calls,
        "with_messages": seen.with.messages,
        "with_usage": seen.with.usage,
        "with_session": seen.with.session,
        "with_finish_reason": seen.with.finish,
        "errors": seen.errors,
        "missing": missing.collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::TraceId;

    fn scope(name: &str) -> Scope {
        (name.to_owned(), "1.0".to_owned())
    }

    fn report(seen: Instrumentation, name: &str, terminal: Option<usize>) -> String {
        let mut out = Vec::new();
        write_report(&mut out, &Scopes::from([(scope(name), seen)]), terminal).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_newest_traces_are_taken_until_they_have_enough_spans() {
        let traces: Vec<Picked> = [5, 1, 4, 3]
            .map(|spans| Picked {
                trace: TraceId::from_bytes(&[u8::try_from(spans).unwrap(); 16]).unwrap(),
                session: None,
                spans,
            })
            .into();
        let taken = |spans| newest(&traces, spans).iter().map(|picked| picked.spans).collect::<Vec<_>>();
        assert_eq!(taken(0), [0; 0]);
        assert_eq!([taken(1), taken(3)], [[3], [3]]);
        assert_eq!([taken(4), taken(7)], [[4, 3], [4, 3]]);
        assert_eq!(taken(100), [5, 1, 4, 3]);
        assert!(newest(&[], 9).is_empty());
    }

    #[test]
    fn below_the_table_stands_what_to_set() {
        let seen = Instrumentation {
            spans: 4,
            calls: 3,
            ended_well: 2,
            near_calls: true,
            with: CallCounts { usage: 2, session: 3, ..CallCounts::default() },
            without: CallCounts { messages: 2, finish: 2, ..CallCounts::default() },
            ..Instrumentation::default()
        };
        let text = report(seen, "agent_framework", None);
        let (table, below) = text.split_once("\n\n").unwrap();
        assert_eq!(
            table.lines().last().unwrap().split_whitespace().collect::<Vec<_>>()[2..],
            ["4", "3", "0", "2", "3", "0", "0"]
        );
        assert_eq!(
            below,
            "agent_framework 1.0\n  \
             messages       2 of 2 calls came without: set ENABLE_SENSITIVE_DATA=true\n  \
             finish reason  2 of 2 calls came without; no switch is known that brings it\n"
        );
    }

    #[test]
    fn on_a_narrow_terminal_no_line_is_wider() {
        let without = CallCounts { messages: 1, usage: 1, session: 1, finish: 1 };
        let seen = Instrumentation {
            spans: 1,
            calls: 1,
            ended_well: 1,
            near_calls: true,
            without,
            ..Instrumentation::default()
        };
        let text = report(seen, "com.anthropic.claude_code.tracing", Some(72));
        assert!(text.lines().all(|line| line.chars().count() <= 72), "{text}");
        let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words.contains("OTEL_LOG_TOOL_CONTENT=1 and OTEL_LOGS_EXPORTER=otlp"), "{text}");
    }

    #[test]
    fn all_well_and_no_calls_are_two_things() {
        let all = || CallCounts { messages: 1, usage: 1, session: 1, finish: 1 };
        let well = Instrumentation {
            spans: 1,
            calls: 1,
            ended_well: 1,
            near_calls: true,
            with: all(),
            ..Instrumentation::default()
        };
        assert!(report(well, "ai", None).ends_with("\nNothing is missing.\n"));
        let text = report(
            Instrumentation { spans: 9, ..Instrumentation::default() },
            "opentelemetry.instrumentation.flask",
            None,
        );
        assert!(text.contains("No model call came") && !text.contains("Nothing is missing"), "{text}");
        // The model calls of its trace are those of another instrumentation.
        let beside = Instrumentation { spans: 9, near_calls: true, ..Instrumentation::default() };
        assert!(beside.missing(&scope("autogen-core")).is_empty());
    }
}
