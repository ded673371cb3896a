//! One run of a page: what there is to say of it, its numbers, whose its time was, then what was said.

use std::{fmt::Write as _, sync::Arc, time::Duration};

use super::{
    Writing,
    html::{Html, escaped},
    messages,
};
use crate::{
    app::{
        document::{stack, timeline},
        format, step,
        verdict::{Verdict, VerdictLine},
        wrap,
    },
    model::{AssembledTrace, Detail, Failure, RunState, Timestamp, TokenUsage, ToolStatus, TraceFailure, Usd},
};

/// So many failures are told one by one.
const FAILURES: usize = 20;
/// So many steps have a bar of their own.
const STEPS: usize = 500;
/// What there is to say of a run is said in lines of this many letters, and so many of them.
const WIDTH: usize = 400;
const LINES: usize = 10;

/// Writes it; `number`: which of several runs it is.
pub fn write(html: &mut Html, writing: &mut Writing, trace: &Arc<AssembledTrace>, number: Option<usize>) {
    let (word, mark, class) = match trace.run_state(writing.now) {
        RunState::Done => ("went well", "✓", "ok"),
        RunState::Recovered => ("went well, though a step failed", "!", "recovered"),
        RunState::Failed => ("failed", "✗", "failed"),
        RunState::NeverEnded => ("never ended", "◌", "unfinished"),
        RunState::Running => ("was running when this was written", "●", "running"),
    };
    // Of several the reader opens those that matter; one that failed does.
    let open = if number.is_none() || class == "failed" { " open" } else { "" };
    let run = number.map_or_else(String::new, |number| format!("run {number}: "));
    html.markup(&format!("<details class=\"run\"{open}><summary><span class=\"state-{class}\">{mark}</span> <h2>"));
    html.text(&format!("{run}{}", name(trace)));
    html.markup("</h2></summary>\n");
    facts(html, writing, trace, word);
    verdict(html, trace, writing.now);
    failures(html, trace);
    time(html, trace);
    money(html, trace);
    messages::write(html, writing, trace);
    html.markup("</details>\n");
}

/// What the run is called: what was asked in it, else its own name.
pub fn name(trace: &AssembledTrace) -> String {
    let name = trace.question.as_ref().or(trace.name.as_ref());
    name.map_or_else(|| trace.trace.to_string(), |name| wrap::clean_line(name))
}

fn facts(html: &mut Html, writing: &Writing, trace: &AssembledTrace, state: &str) {
    let totals = &trace.totals;
    let began = trace.started.known().map(|at| writing.zone.date(at));
    let tools = match totals.failed_tools {
        0 => format::exact(totals.tool_calls),
        failed => format!("{} ({} failed)", format::exact(totals.tool_calls), format::exact(failed)),
    };
    let named = trace.name.clone().filter(|name| trace.question.is_some() && !name.is_empty());
    let facts = [
        ("it", Some(state.to_owned())),
        ("began", began),
        ("took", trace.ended.map(|ended| format::duration(ended.since(trace.started)))),
        ("model calls", (totals.model_calls > 0).then(|| format::exact(totals.model_calls))),
        ("tool calls", (totals.tool_calls > 0).then_some(tools)),
        ("tokens", totals.usage.total().map(format::exact)),
        ("cost", cost_of(totals.cost, totals.priced, totals.unpriced)),
        ("name", named),
        ("framework", trace.context.framework.clone()),
        ("service", trace.service.clone()),
        ("user", trace.context.user.clone()),
        ("session", trace.context.session.clone()),
        ("trace", Some(trace.trace.to_string())),
    ];
    html.markup("<ul class=\"facts\">\n");
    for (what, value) in facts {
        let Some(value) = value.filter(|value| !value.is_empty()) else { continue };
        html.markup(&format!("<li>{what} <b>"));
        html.text(&wrap::clean_line(&value));
        html.markup("</b></li>\n");
    }
    html.markup("</ul>\n");
}

/// `$.012`, `$.012+` where not all is known; `None` where nothing has a price.
fn cost_of(cost: Usd, priced: u64, unpriced: u64) -> Option<String> {
    match (priced, unpriced) {
        (0, 0) => None,
        (0, _) => Some("not known".to_owned()),
        (_, 0) => Some(format::money(cost)),
        _ if cost.0 == 0 => Some("not known".to_owned()),
        _ => Some(format!("{}+", format::money(cost))),
    }
}

/// What stands above the tabs of the screen.
fn verdict(html: &mut Html, trace: &Arc<AssembledTrace>, now: Timestamp) {
    let verdict = Verdict::of(&Detail::whole(vec![trace.clone()]));
    let lines = verdict.map(|verdict| verdict.lines(WIDTH, LINES, now, None)).unwrap_or_default();
    if lines.is_empty() {
        return;
    }
    html.markup("<div class=\"verdict\">\n");
    for VerdictLine { left, right, .. } in lines {
        let text = |texts: Vec<crate::app::styled::Styled>| texts.into_iter().map(|one| one.text).collect::<String>();
        html.markup("<p class=\"line\">");
        html.text(text(left).trim());
        html.element("span", "note", text(right).trim());
        html.markup("</p>\n");
    }
    html.markup("</div>\n");
}

fn failures(html: &mut Html, trace: &AssembledTrace) {
    if trace.errors.is_empty() {
        return;
    }
    html.markup("<h3>What failed</h3>\n");
    for TraceFailure { span, failure, .. } in trace.errors.iter().take(FAILURES) {
        let node = trace.tree.nodes.iter().find(|node| node.id == *span);
        let step = node.map_or_else(|| "a step".to_owned(), step::called);
        let kind = failure.kind.as_deref().map(wrap::clean_line).unwrap_or_default();
        html.fold("failed", true, &format!("✗ {step}"), &kind, |html| {
            html.block("failure", failure.message.as_deref().unwrap_or_default());
            if let Some(stack) = &failure.stack {
                html.fold("stack", false, "stack", "", |html| frames(html, failure, stack));
            }
        });
    }
    let more = trace.errors.len().saturating_sub(FAILURES);
    if more > 0 {
        html.element("p", "note", &format!("{} more failures", format::exact(more as u64)));
    }
}

/// A stack trace: what failed and where in the user's own code, and all of it folded away.
fn frames(html: &mut Html, failure: &Failure, text: &str) {
    let Some(stack) = stack::read(text) else { return html.block("data", text) };
    for raised in &stack.raised {
        if let Some(relation) = raised.relation {
            html.element("p", "note", relation);
        }
        if raised.relation.is_some() || raised.adds_to(failure.kind.as_deref(), failure.message.as_deref()) {
            html.block("failure", &raised.message.join("\n"));
        }
        html.block("data", &raised.own_text());
    }
    html.fold("stack", false, "", &format!("as it came: {}", stack.counted()), |html| html.block("data", text));
}

/// A step with a bar in the timeline.
struct Bar {
    name: String,
    class: &'static str,
    from: Timestamp,
    until: Timestamp,
}

/// Whose the time was, and when each call of a model or a tool was under way.
fn time(html: &mut Html, trace: &AssembledTrace) {
    let shares = timeline::shares_of(trace);
    let total = shares.model.saturating_add(shares.tool).saturating_add(shares.neither);
    if shares.model + shares.tool == 0 {
        return;
    }
    html.markup("<h3>Where the time went</h3>\n");
    for (what, class, time) in
        [("model", "model", shares.model), ("tools", "tool", shares.tool), ("neither", "other", shares.neither)]
    {
        if time > 0 {
            let (took, share) = (escaped(&format::duration(Duration::from_nanos(time))), percent(time, total));
            html.markup(&format!(
                "<div class=\"share\"><span>{what} {share:.0}%</span><span>{took}</span>\
                 <span class=\"bar {class}\" style=\"width:{share:.2}%\"></span></div>\n"
            ));
        }
    }
    let mut bars = bars(trace);
    bars.sort_by_key(|bar| bar.from);
    let from = bars.iter().map(|bar| bar.from).min().unwrap_or_default();
    let whole = bars.iter().map(|bar| bar.until).max().unwrap_or_default().since(from);
    let nanoseconds = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
    let steps =
        if bars.len() == 1 { "1 step".to_owned() } else { format!("{} steps", format::exact(bars.len() as u64)) };
    html.fold("steps", false, "Timeline", &steps, |html| {
        for bar in bars.iter().take(STEPS) {
            let left = percent(nanoseconds(bar.from.since(from)), nanoseconds(whole)).min(99.9);
            let took = bar.until.since(bar.from);
            let width = percent(nanoseconds(took), nanoseconds(whole)).min(100.0 - left);
            html.markup("<div class=\"step\"><span>");
            html.text(&bar.name);
            html.markup(&format!(
                "</span><span>{}</span><span class=\"lane\"><span class=\"bar {}\" \
                 style=\"left:{left:.2}%;width:{width:.2}%\"></span></span></div>\n",
                escaped(&format::duration(took)),
                bar.class
            ));
        }
        let more = bars.len().saturating_sub(STEPS);
        if more > 0 {
            html.element("p", "note", &format!("{} more steps", format::exact(more as u64)));
        }
    });
}

fn bars(trace: &AssembledTrace) -> Vec<Bar> {
    let turns = trace.turns();
    let calls = trace.calls.iter().zip(&turns).map(|(call, turn)| Bar {
        name: turn.map_or_else(|| wrap::clean_line(&call.name), |turn| format!("turn {turn}")),
        class: if call.failure.is_some() { "error" } else { "model" },
        from: call.started,
        until: call.ended.unwrap_or(trace.last_seen).max(call.started),
    });
    let tools = trace.tools.iter().filter_map(|run| {
        let from = run.started?;
        Some(Bar {
            name: wrap::clean_line(&run.name),
            class: if run.status == ToolStatus::Error { "error" } else { "tool" },
            from,
            until: run.ended.unwrap_or(trace.last_seen).max(from),
        })
    });
    calls.chain(tools).collect()
}

#[expect(clippy::cast_precision_loss, reason = "a share, for people")]
fn percent(part: u64, whole: u64) -> f64 {
    part as f64 * 100.0 / whole.max(1) as f64
}

/// What the calls of one model took.
#[derive(Default)]
struct OfModel {
    calls: u64,
    usage: TokenUsage,
    cost: Usd,
    priced: u64,
    unpriced: u64,
}

/// Tokens and cost by model.
fn money(html: &mut Html, trace: &AssembledTrace) {
    let mut models: Vec<(String, OfModel)> = Vec::new();
    for call in trace.calls.iter().filter(|call| call.usage.is_some() || call.cost.is_some()) {
        let name = call.response_model.as_deref().or(call.model.as_deref()).unwrap_or("a model without a name");
        let name = wrap::clean_line(name);
        let at = models.iter().position(|(other, _)| *other == name).unwrap_or_else(|| {
            models.push((name, OfModel::default()));
            models.len() - 1
        });
        let of = &mut models[at].1;
        of.calls += 1;
        of.usage = of.usage + call.usage.unwrap_or_default();
        of.cost = of.cost + call.cost.as_ref().map(|cost| cost.total).unwrap_or_default();
        of.priced += u64::from(call.cost.is_some());
        of.unpriced += u64::from(call.cost.is_none() && call.unpriced);
    }
    if models.is_empty() {
        return;
    }
    let totals = &trace.totals;
    let cost = cost_of(totals.cost, totals.priced, totals.unpriced).unwrap_or_default();
    html.markup("<h3>Tokens and cost</h3>\n<table><tr><th>model</th><th>calls</th><th>in</th><th>of it cached</th>");
    html.markup("<th>out</th><th>of it reasoning</th><th>cost</th></tr>\n");
    let several = models.len() > 1;
    for (name, of) in &models {
        let cost = cost_of(of.cost, of.priced, of.unpriced).unwrap_or_default();
        row(html, "model", name, of.calls, &of.usage, &cost);
    }
    if several {
        let calls = models.iter().map(|(_, of)| of.calls).sum();
        row(html, "sum", "all", calls, &totals.usage, &cost);
    }
    html.markup("</table>\n");
}

fn row(html: &mut Html, class: &str, name: &str, calls: u64, usage: &TokenUsage, cost: &str) {
    html.markup(&format!("<tr class=\"{class}\"><td>"));
    html.text(name);
    let known = |number: Option<u64>| number.map_or_else(|| "?".to_owned(), format::exact);
    let maybe = |number: Option<u64>| number.map_or_else(String::new, format::exact);
    let figures = [
        format::exact(calls),
        known(usage.input()),
        maybe(usage.cache_read),
        known(usage.output),
        maybe(usage.reasoning),
        cost.to_owned(),
    ];
    let mut markup = String::from("</td>");
    for figure in figures {
        let _ = write!(markup, "<td>{}</td>", escaped(&figure));
    }
    markup.push_str("</tr>\n");
    html.markup(&markup);
}
