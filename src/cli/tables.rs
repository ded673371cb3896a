//! `sessions` and `traces`: what is stored, as tables for people and as JSON for programs.

use std::io::{self, IsTerminal as _};

use rustix::termios::tcgetwinsize;
use serde_json::{Map, Value as Json, json};

use super::{
    GOOD, filtering, json,
    reading::{Output, Reads},
    table::{self, Align, Column},
};
use crate::{
    app::{
        format::{self, Zone},
        wrap,
    },
    model::{
        Answer, Filter, Page, Project, Query, Score, SessionId, SessionSummary, Timestamp, TokenUsage, Totals,
        TraceSummary, Waits,
    },
    store::Store,
};

pub const SESSIONS_EXAMPLES: &str = "\
Examples:
  sideseat-tui sessions
  sideseat-tui sessions --filter \"lisbon hotel\"       # all these words, anywhere in it
  sideseat-tui sessions --json | jq '.[] | select(.failed > 0).session_id'";

pub const TRACES_EXAMPLES: &str = "\
Examples:
  sideseat-tui traces --session trip-42
  sideseat-tui traces --filter \"error since:24h cost>.10\"
  sideseat-tui traces --json | jq 'map(.totals.cost_usd) | add'";

/// What runs were judged by.
const SCORE: Column = Column::new("SCORE", Align::Right, 3);

/// Most rows of a table if no limit is given. JSON has no limit then.
const NEWEST: usize = 100;

#[derive(Debug, clap::Args)]
pub struct Sessions {
    #[command(flatten)]
    list: List,
}

#[derive(Debug, clap::Args)]
pub struct Traces {
    /// Only the traces of this session
    #[arg(long, value_name = "ID")]
    session: Option<String>,

    #[command(flatten)]
    list: List,
}

#[derive(Debug, clap::Args)]
struct List {
    /// Only what this lets through: words, agent:, tool:, cost> and more; see below
    #[arg(long, value_name = "FILTER", default_value = "", hide_default_value = true, allow_hyphen_values = true, value_parser = filtering::read)]
    filter: String,

    /// Only what was sent to this project
    #[arg(long, value_name = "NAME")]
    project: Option<Project>,

    /// Only so many, the newest; 0 for all (a table has 100 if nothing is said, JSON all)
    #[arg(short = 'n', long, value_name = "NUMBER")]
    limit: Option<usize>,

    /// Print one JSON array
    #[arg(long)]
    json: bool,
}

impl List {
    fn filter(&self) -> Filter {
        Filter {
            text: self.filter.clone(),
            project: self.project.as_ref().map(ToString::to_string),
            ..Filter::default()
        }
    }

    fn limit(&self) -> usize {
        match self.limit {
            Some(0) => usize::MAX,
            Some(limit) => limit,
            None if self.json => usize::MAX,
            None => NEWEST,
        }
    }

    /// Prints rows as a table or as JSON. Below a table, how many more rows there are.
    fn print<T>(
        &self,
        page: &Page<T>,
        columns: &[Column],
        cells: fn(&T, &Zone) -> Vec<String>,
        to_json: fn(&T) -> Json,
        output: &mut Output,
    ) -> anyhow::Result<u8> {
        if self.json {
            json::print(page.rows.iter().map(to_json), output.out)?;
            return Ok(GOOD);
        }
        let zone = output.printer.zone();
        let mut rows: Vec<Vec<String>> = page.rows.iter().map(|row| cells(row, &zone)).collect();
        let mut columns = columns.to_vec();
        // Where nobody judged anything there is no column for it.
        if let Some(at) = columns.iter().position(|column| column.head == SCORE.head)
            && rows.iter().all(|cells| cells[at].is_empty())
        {
            columns.remove(at);
            for cells in &mut rows {
                cells.remove(at);
            }
        }
        table::write(output.out, &columns, &rows, output.printer.columns)?;
        let more = page.total.saturating_sub(page.rows.len() as u64);
        if more > 0 && output.printer.is_terminal {
            output.out.flush()?;
            (output.says)(&format!("{} more; --limit 0 shows all", format::exact(more)));
        }
        Ok(GOOD)
    }
}

impl Reads for Sessions {
    fn run(&self, store: &Store, output: &mut Output) -> anyhow::Result<u8> {
        const COLUMNS: [Column; 9] = [
            Column::new("SESSION", Align::LeftShrinking, 0),
            Column::new("USERS", Align::LeftShrinking, 6),
            Column::new("LAST SEEN", Align::Left, 3),
            Column::new("TRACES", Align::Right, 2),
            Column::new("CALLS", Align::Right, 1),
            Column::new("TOKENS", Align::Right, 4),
            Column::new("COST", Align::Right, 0),
            Column::new("ERRORS", Align::Right, 5),
            SCORE,
        ];
        let page = list_sessions(store, self.list.filter(), self.list.limit())?;
        self.list.print(&page, &COLUMNS, session_cells, session_json, output)
    }
}

impl Reads for Traces {
    fn run(&self, store: &Store, output: &mut Output) -> anyhow::Result<u8> {
        const COLUMNS: [Column; 12] = [
            Column::new("TRACE", Align::Left, 0),
            Column::new("STARTED", Align::Left, 4),
            Column::new("NAME", Align::LeftShrinking, 0),
            Column::new("SESSION", Align::LeftShrinking, 7),
            Column::new("STATE", Align::Left, 0),
            Column::new("TIME", Align::Right, 3),
            Column::new("CALLS", Align::Right, 2),
            Column::new("TOKENS", Align::Right, 5),
            Column::new("COST", Align::Right, 1),
            Column::new("ERRORS", Align::Right, 6),
            SCORE,
            Column::new("MODELS", Align::LeftShrinking, 8),
        ];
        let (filter, limit) = (self.list.filter(), self.list.limit());
        let page = match &self.session {
            Some(session) => list_traces(store, Some(SessionId::from(session.as_str())), filter, limit)?,
            None => store.list_traces(&filter, limit)?,
        };
        self.list.print(&page, &COLUMNS, trace_cells, trace_json, output)
    }
}

fn list_sessions(store: &Store, filter: Filter, limit: usize) -> anyhow::Result<Page<SessionSummary>> {
    match store.answer(&Query::Sessions { filter, limit })? {
        Answer::Sessions(page) => Ok(page),
        _ => anyhow::bail!("the store answered another query"),
    }
}

fn list_traces(
    store: &Store,
    session: Option<SessionId>,
    filter: Filter,
    limit: usize,
) -> anyhow::Result<Page<TraceSummary>> {
    match store.answer(&Query::Traces { session, filter, limit })? {
        Answer::Traces(page) => Ok(page),
        _ => anyhow::bail!("the store answered another query"),
    }
}

fn session_cells(session: &SessionSummary, zone: &Zone) -> Vec<String> {
    let name = session.session.as_ref().map_or("(no session)", SessionId::as_str);
    let mut cells = vec![
        name.to_owned(),
        session.users.join(", "),
        zone.date(session.last_seen),
        format::exact(session.states.all()),
    ];
    cells.extend(sums(&session.totals));
    cells.push(score_cell(session.score.as_ref()));
    cells
}

fn trace_cells(trace: &TraceSummary, zone: &Zone) -> Vec<String> {
    let models: Vec<&str> = trace.models.iter().map(|model| format::model(model)).collect();
    let lasted = trace.ended.map(|ended| format::duration(ended.since(trace.started)));
    let mut cells = vec![
        trace.trace.to_string(),
        zone.date(trace.started),
        trace.name.clone().unwrap_or_default(),
        trace.session.as_ref().map_or_else(String::new, ToString::to_string),
        trace.run_state(Timestamp::now()).as_str().to_owned(),
        lasted.unwrap_or_default(),
    ];
    cells.extend(sums(&trace.totals));
    cells.push(score_cell(trace.score.as_ref()));
    cells.push(models.join(", "));
    cells
}

/// Calls, tokens, cost and errors as cells. What is unknown is not shown as zero.
fn sums(totals: &Totals) -> [String; 4] {
    let calls = totals.model_calls > 0;
    let tokens = match totals.usage.total() {
        None if !calls => String::new(),
        tokens => format::known(tokens),
    };
    let cost = match totals.cost_if_known() {
        Some(cost) => format::money(cost),
        None if totals.cost.0 > 0 => format!(">{}", format::money(totals.cost)),
        None if calls => "unpriced".to_owned(),
        None => String::new(),
    };
    [format::exact(totals.model_calls), tokens, cost, format::exact(totals.errors)]
}

fn session_json(session: &SessionSummary) -> Json {
    json!({
        "session_id": session.session.as_ref().map(SessionId::as_str),
        "user_ids": session.users,
        "first_seen": time(session.first_seen),
        "last_seen": time(session.last_seen),
        "traces": session.states.all(),
        "score": score_json(session.score.as_ref()),
        "judged_for": judged_for(session.score.as_ref()),
        "failed": session.states.failed,
        "running": session.states.running,
        "never_ended": session.states.never_ended,
        "totals": totals_json(&session.totals),
    })
}

fn trace_json(trace: &TraceSummary) -> Json {
    json!({
        "trace_id": trace.trace.to_string(),
        "name": trace.name,
        "session_id": trace.session.as_ref().map(SessionId::as_str),
        "user_id": trace.user,
        "project": trace.project.as_str(),
        "service": trace.service,
        "framework": trace.framework,
        "question": trace.question,
        "started_at": time(trace.started),
        "ended_at": trace.ended.and_then(time),
        "status": trace.run_state(Timestamp::now()).as_str(),
        "waits_for": trace.waits.map(Waits::as_str),
        "program_ended_at": trace.program_ended.and_then(time),
        "spans": trace.spans,
        "models": trace.models,
        "score": score_json(trace.score.as_ref()),
        "judged_for": judged_for(trace.score.as_ref()),
        "pending_tools": trace.totals.pending_tools,
        "repeat": trace.repeat.as_ref().map(|repeat| json!({
            "tool": repeat.tool, "times": repeat.times, "is_loop": repeat.is_loop,
        })),
        "totals": totals_json(&trace.totals),
    })
}

/// The lowest score as a number, else the last label as a text.
fn score_json(score: Option<&Score>) -> Json {
    score.map_or(Json::Null, |score| score.number.map_or_else(|| json!(score.label), |number| json!(number)))
}

/// What was judged, each once.
fn judged_for(score: Option<&Score>) -> &[String] {
    score.map_or(&[], |score| &score.names)
}

/// A label that says that something failed, how many things were judged where there are several, else what was judged and
/// how.
fn score_cell(score: Option<&Score>) -> String {
    let Some(score) = score else { return String::new() };
    // One long label or number would leave no room for the other columns.
    let cut = |text: &str| wrap::cut(&wrap::clean_line(text), 16);
    match (score.failed(), score.names.as_slice(), score.number) {
        (Some(failed), ..) => cut(failed),
        (None, [_, _, ..], _) => format!("{} scores", score.names.len()),
        (None, names, number) => {
            let label = || cut(score.label.as_deref().unwrap_or_default());
            let value = number.map_or_else(label, |number| format::score_in(number, 9));
            names.first().filter(|name| !name.is_empty()).map_or(value.clone(), |name| format!("{} {value}", cut(name)))
        }
    }
}

/// Tokens as a transcript has them.
pub fn usage_json(usage: &TokenUsage) -> Json {
    json!({
        "uncached_input": usage.uncached_input,
        "cache_read": usage.cache_read,
        "cache_write": usage.cache_write,
        "output": usage.output,
        "reasoning": usage.reasoning,
    })
}

/// The totals as a transcript has them.
pub fn totals_json(totals: &Totals) -> Json {
    let mut fields = Map::new();
    fields.insert("usage".into(), usage_json(&totals.usage));
    fields.insert("cost_usd".into(), json!(totals.cost_if_known().map(crate::model::Usd::dollars)));
    fields.insert("model_calls".into(), json!(totals.model_calls));
    fields.insert("tool_calls".into(), json!(totals.tool_calls));
    fields.insert("failed_tools".into(), json!(totals.failed_tools));
    fields.insert("errors".into(), json!(totals.errors));
    Json::Object(fields)
}

/// RFC 3339; `None` if the time is unknown.
pub fn time(at: Timestamp) -> Option<String> {
    at.known().map(|at| at.to_string())
}

/// The columns of the terminal that shows the table; `None` if none does, and then nothing is cut.
pub fn terminal_width() -> Option<usize> {
    let out = io::stdout();
    if !out.is_terminal() {
        return None;
    }
    let size = tcgetwinsize(&out).ok()?;
    (size.ws_col > 0).then_some(size.ws_col.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Usd;

    #[test]
    fn sums_say_what_is_unknown() {
        let usage = TokenUsage { uncached_input: Some(900), output: Some(100), ..TokenUsage::default() };
        let priced = Totals { usage, model_calls: 2, priced: 2, cost: Usd(500_000_000_000), ..Totals::default() };
        assert_eq!(sums(&priced), ["2", "1.0k", "$.500", "0"]);
        assert_eq!(sums(&Totals { unpriced: 1, ..priced })[2], ">$.500");
        assert_eq!(sums(&Totals { model_calls: 1, ..Totals::default() }), ["1", "?", "unpriced", "0"]);
        assert_eq!(sums(&Totals::default()), ["0", "", "", "0"]);
    }
}
