//! `stats`: the statistics that the screen shows, as tables for people and as JSON for programs.

use std::{io, str::FromStr, time::Duration};

use serde_json::{Value as Json, json};

use super::{
    GOOD, filtering,
    json::print_value,
    reading::{Output, Reads},
    table::{self, Align, Column},
    tables::{time, totals_json, usage_json},
};
use crate::{
    app::{
        format::{self, Zone},
        stats::Panel,
    },
    model::{
        Answer, Attention, Filter, Group, Groups, Outcomes, Project, Query, SessionId, Spread, Stats, Timed, Timestamp,
        Usd, nanoseconds,
    },
    store::Store,
};

pub const EXAMPLES: &str = "\
Examples:
  sideseat-tui stats                                # of all that is stored
  sideseat-tui stats --since 24h
  sideseat-tui stats --since-mark a                 # since the run that was marked a on the screen
  sideseat-tui stats --filter \"agent:planner -tool:web_fetch\"
  sideseat-tui stats --json | jq '.models[] | {name, cost_usd}'";

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Only runs that began within this time: 90m, 24h, 7d
    #[arg(long, value_name = "TIME")]
    since: Option<Ago>,

    /// Only runs that began with the run that this letter marks on the screen (m), or after it
    #[arg(long, value_name = "LETTER", conflicts_with = "since")]
    since_mark: Option<char>,

    /// Only runs that this lets through: words, agent:, tool:, cost> and more; see below
    #[arg(long, value_name = "FILTER", default_value = "", hide_default_value = true, allow_hyphen_values = true, value_parser = filtering::read)]
    filter: String,

    /// Only what was sent to this project
    #[arg(long, value_name = "NAME")]
    project: Option<Project>,

    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// How long ago, as people write it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Ago(Duration);

impl FromStr for Ago {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no time; write a number and m, h or d: 90m, 24h, 7d");
        let unit = text.chars().last().ok_or_else(wrong)?;
        let seconds = match unit {
            'm' => 60,
            'h' => 60 * 60,
            'd' => 24 * 60 * 60,
            _ => return Err(wrong()),
        };
        let number: u64 = text[..text.len() - 1].parse().map_err(|_| wrong())?;
        Ok(Self(Duration::from_secs(number.checked_mul(seconds).ok_or_else(wrong)?)))
    }
}

impl Reads for Arguments {
    fn run(&self, store: &Store, output: &mut Output) -> anyhow::Result<u8> {
        let now = Timestamp::now();
        let ago = |Ago(ago): Ago| Timestamp(now.0.saturating_sub(nanoseconds(ago)));
        let filter = Filter {
            text: self.filter.clone(),
            project: self.project.as_ref().map(ToString::to_string),
            since: match self.since_mark {
                Some(letter) => Some(since_mark(store, letter)?),
                None => self.since.map(ago),
            },
            ..Filter::default()
        };
        let since = filter.since;
        let Answer::Stats(stats) = store.answer(&Query::Stats { filter, stretch: None })? else {
            anyhow::bail!("the store answered another query")
        };
        if self.json {
            print_value(&as_json(&stats, since), output.out)?;
        } else {
            let zone = output.printer.zone();
            write_tables(output.out, &stats, (now, &zone), output.printer.columns)?;
        }
        Ok(GOOD)
    }
}

/// From when on a run began since a mark.
fn since_mark(store: &Store, letter: char) -> anyhow::Result<Timestamp> {
    let Answer::Marks(marks) = store.answer(&Query::Marks)? else { anyhow::bail!("the store answered another query") };
    if let Some(mark) = marks.iter().find(|mark| mark.letter == letter) {
        return Ok(mark.since());
    }
    let letters: Vec<String> = marks.iter().map(|mark| mark.letter.to_string()).collect();
    match letters.as_slice() {
        [] => anyhow::bail!("nothing is marked `{letter}`: on the screen, m and a letter marks a run"),
        _ => anyhow::bail!("nothing is marked `{letter}`; there are the marks {}", letters.join(", ")),
    }
}

/// The sums in a line, then each panel of the screen that has rows, under its title.
fn write_tables(
    out: &mut dyn io::Write,
    stats: &Stats,
    (now, zone): (Timestamp, &Zone),
    width: Option<usize>,
) -> io::Result<()> {
    let totals = &stats.totals;
    let cost = match totals.cost_if_known() {
        Some(cost) => format::money(cost),
        None if totals.cost.0 > 0 => format!(">{}", format::money(totals.cost)),
        None => "cost unknown".to_owned(),
    };
    let runs = stats.states.all();
    let facts = [
        format!("{} run{}", format::exact(runs), if runs == 1 { "" } else { "s" }),
        format!("{} model calls", format::exact(totals.model_calls)),
        format!("{} tool runs", format::exact(totals.tool_calls)),
        format!("{} tokens", format::known(totals.usage.total())),
        cost,
    ];
    writeln!(out, "{}", facts.join(" · "))?;
    for panel in Panel::ALL.into_iter().filter(|panel| panel.length(stats) > 0) {
        // Bars are for the screen.
        let kept = || panel.columns().iter().enumerate().filter(|(at, column)| *at == 0 || !column.head.is_empty());
        let columns: Vec<Column> = kept()
            .map(|(at, column)| match (at, column.width) {
                (0, _) => Column::new(panel.title(), Align::LeftShrinking, 0),
                (_, 0) => Column::new(column.head, Align::LeftShrinking, 0),
                _ => Column::new(panel.head(column, stats), Align::Right, column.left_out),
            })
            .collect();
        let row = |at: usize| {
            let cells = panel.cells(stats, at, now, zone);
            kept().filter_map(|(at, _)| cells.get(at).map(|cell| cell.text.clone())).collect()
        };
        let rows: Vec<Vec<String>> = (0..panel.length(stats)).map(row).collect();
        writeln!(out)?;
        table::write(out, &columns, &rows, width)?;
    }
    Ok(())
}

fn as_json(stats: &Stats, since: Option<Timestamp>) -> Json {
    let outcomes: serde_json::Map<String, Json> = Outcomes::ALL
        .into_iter()
        .map(|outcome| (outcome.as_str().replace(' ', "_"), json!(stats.runs(outcome))))
        .collect();
    let durations: serde_json::Map<String, Json> = Timed::ALL
        .into_iter()
        .map(|timed| (timed.as_str().replace(' ', "_"), json!(stats.took(timed).map(seconds))))
        .collect();
    json!({
        "since": since.and_then(time),
        "runs": stats.states.all(),
        "sessions": stats.sessions,
        "spans": stats.spans,
        "totals": totals_json(&stats.totals),
        "outcomes": outcomes,
        "percentiles_are_rounded": stats.rounded,
        "seconds": durations,
        "run_cost_usd": stats.cost_of_run.map(|cost| spread(cost, Usd::dollars)),
        "spend": {
            "from": time(stats.spend.from),
            "stretch_seconds": stats.spend.stretch.as_secs_f64(),
            "cost_usd": stats.spend.costs.iter().map(|cost| cost.dollars()).collect::<Vec<_>>(),
        },
        "models": groups(&stats.models, "calls"),
        "tools": stats.tools.rows.iter().map(tool_json).collect::<Vec<_>>(),
        "agents": groups(&stats.agents, "calls"),
        "by_session": groups(&stats.by_session, "runs"),
        "by_user": groups(&stats.users, "runs"),
        "needs_attention": stats.attention.iter().map(attention).collect::<Vec<_>>(),
    })
}

fn spread<T, J: Into<Json>>(spread: Spread<T>, value: impl Fn(T) -> J) -> Json {
    let Spread { p50, p95, max } = spread;
    json!({ "p50": value(p50).into(), "p95": value(p95).into(), "max": value(max).into() })
}

fn seconds(took: Spread<Duration>) -> Json {
    spread(took, |time| time.as_secs_f64())
}

/// `counts`: what of a group is counted, `runs` or `calls`.
fn groups(groups: &Groups, counts: &str) -> Json {
    groups.rows.iter().map(|group| group_json(group, counts)).collect()
}

/// A tool that ran, or that was offered and never called.
fn tool_json(group: &Group) -> Json {
    let mut tool = group_json(group, "calls");
    tool["definition_tokens_estimate"] = json!(group.offered.as_ref().and_then(|offered| offered.tokens));
    tool
}

fn group_json(group: &Group, counts: &str) -> Json {
    json!({
        "name": group.name,
        counts: if counts == "runs" { group.runs } else { group.calls },
        "failed": group.failed,
        "runs_with_a_loop": group.loops,
        "usage": usage_json(&group.usage),
        "cost_usd": (group.unpriced == 0 && group.priced > 0).then(|| group.cost.dollars()),
        "seconds": group.took.map(seconds),
        "first_token_seconds": group.first_token.map(seconds),
    })
}

fn attention(run: &Attention) -> Json {
    json!({
        "trace_id": run.trace.to_string(),
        "session_id": run.session.as_ref().map(SessionId::as_str),
        "label": run.label,
        "question": run.question,
        "started_at": time(run.started),
        "why": run.why.as_str(),
        "failure": run.failure,
        "repeat": run.repeat.as_ref().map(|repeat| json!({
            "tool": repeat.tool,
            "times": repeat.times,
            "is_loop": repeat.is_loop,
            "cost_after_it_began_usd": repeat.spent.map(Usd::dollars),
        })),
        "context_filled_thousandths": run.filled,
        "tool_without_a_result": run.unanswered,
        "cache_break": run.cache_break.map(|broke| json!({
            "cached_before_thousandths": broke.before,
            "cached_after_thousandths": broke.after,
            "turn": broke.turn,
        })),
        "cost_usd": run.cost.map(Usd::dollars),
        "usual_cost_usd": run.usual.map(Usd::dollars),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_a_number_and_a_unit() {
        let hours = |text: &str| text.parse::<Ago>().map(|Ago(ago)| ago.as_secs() / 60 / 60);
        assert_eq!((hours("90m"), hours("24h"), hours("7d")), (Ok(1), Ok(24), Ok(168)));
        for wrong in ["", "h", "24", "-1h", "1.5h", "9999999999999999999d", "24 h", "2é"] {
            assert!(hours(wrong).is_err(), "{wrong}");
        }
    }
}
