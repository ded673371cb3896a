//! What `y` copies of what the cursor is on: a text as it was received, or one made for others to read or to run.

use std::{borrow::Cow, sync::Arc};

use super::{
    areas::Focus,
    browse::{Content, RowId},
    document::{Copied, Piece, all_text, prompt},
    event::Effect,
    format,
    state::State,
    wrap,
};
use crate::{
    export::{
        self,
        markdown::{self, Scope},
        replay::{self, Code},
    },
    keymap::Action,
    model::{
        AssembledTrace, Content as Part, Detail, Otlp, Query, QuerySlot, Role, SpanId, ToolRun, TraceId, json, secrets,
    },
};

/// About how many tokens a document for others may have: what any model takes, and what large ones do.
const FEW_TOKENS: usize = 8_000;
const MANY_TOKENS: usize = 100_000;

/// Of more spans no OTLP is copied: it is a file's worth.
const MOST_SPANS: u64 = 5_000;

/// Copies what an action says.
pub fn yank(state: &mut State, action: Action) -> Vec<Effect> {
    match state.yanked(action) {
        Ok(Yanked::Text(copied)) => vec![copy(copied)],
        Ok(Yanked::Otlp { traces, what }) => {
            state.tickets += 1;
            state.yanking = Some((state.tickets, what));
            vec![Effect::Ask { slot: QuerySlot::Yank, query: Query::Otlp { traces }, ticket: state.tickets }]
        }
        Err(why) => {
            state.notify(why);
            Vec::new()
        }
    }
}

/// Shows the text under the cursor in the user's pager, or opens it in the editor: where it is none, all of the tab; of the
/// tree's row what happened, as Markdown.
pub fn page(state: &mut State, edit: bool) -> Vec<Effect> {
    let text = if state.focus == Focus::Detail {
        let whole = || state.detail.whole_text().filter(|text| !text.is_empty());
        let own = state.detail.copied_at_cursor().map(|copied| copied.text).or_else(whole);
        own.map(|text| (text, "txt")).ok_or_else(|| "there is no text here".to_owned())
    } else {
        state.markdown(MANY_TOKENS).map(|copied| (copied.text, "md"))
    };
    match text {
        Ok((text, ending)) => vec![Effect::Page { text: without_controls(&text).into_owned(), ending, edit }],
        Err(why) => {
            state.notify(why);
            Vec::new()
        }
    }
}

/// Copies the panel of the statistics that is chosen.
pub fn table(state: &mut State) -> Vec<Effect> {
    let (panel, shown) = (state.stats.panel(), state.stats.answer().shown().cloned());
    let Some(of_panel) = shown.filter(|stats| panel.length(stats) > 0) else {
        state.notify("there is nothing in this panel to copy");
        return Vec::new();
    };
    let heads = panel.columns().iter().map(|column| panel.head(column, &of_panel));
    let mut lines = vec![heads.collect::<Vec<_>>().join("\t")];
    let rows = panel.sorted(&of_panel, state.stats.order(panel));
    lines.extend(rows.into_iter().map(|row| {
        let cells = panel.cells(&of_panel, row, state.now, &state.zone);
        cells.iter().map(|cell| cell.text.trim().replace('\t', " ")).collect::<Vec<_>>().join("\t")
    }));
    vec![copy(Copied::new(format!("table {}", panel.title()), lines.join("\n") + "\n"))]
}

/// Copies what was asked for.
pub fn take(state: &mut State, ticket: u64, answer: Result<Otlp, String>) -> Vec<Effect> {
    let Some((_, what)) = state.yanking.take_if(|(asked, _)| *asked == ticket) else { return Vec::new() };
    match answer {
        Ok(Otlp { text, secrets }) => vec![copy(Copied::new(with_secrets(what, secrets), text))],
        Err(why) => {
            state.notify(format!("nothing is copied: {why}"));
            Vec::new()
        }
    }
}

/// An effect that copies a text, without what a terminal could take for a command.
pub fn copy(Copied { what, text }: Copied) -> Effect {
    let text = match without_controls(&text) {
        Cow::Borrowed(_) => text,
        Cow::Owned(text) => text,
    };
    Effect::Copy { text, what }
}

/// What is to be copied.
enum Yanked {
    Text(Copied),
    /// What the store has to be asked for.
    Otlp {
        traces: Vec<TraceId>,
        what: String,
    },
}

/// What the cursor is on.
struct Target<'a> {
    detail: &'a Arc<Detail>,
    /// `None`: all of a session.
    trace: Option<&'a AssembledTrace>,
    /// `None`: all of the run.
    span: Option<SpanId>,
}

impl State {
    fn yanked(&self, action: Action) -> Result<Yanked, String> {
        let text = match action {
            Action::YankArguments => self.piece(Piece::Arguments)?,
            Action::YankResult => self.piece(Piece::Result)?,
            Action::YankPath => Copied::new(
                "path",
                self.json_path().ok_or("go to a line of JSON in the detail: there is no path here")?,
            ),
            Action::YankIds => self.ids()?,
            Action::YankMarkdown => self.markdown(FEW_TOKENS)?,
            Action::YankAllMarkdown => self.markdown(MANY_TOKENS)?,
            Action::YankOtlp => return self.otlp(),
            Action::YankPrompt => {
                let (trace, call) = self.call()?;
                let text = export::prompt::json(trace, call).ok_or(NO_CALL)?;
                let (text, hidden) = secrets::hide(&text);
                Copied::new(with_secrets(format!("prompt of {}", name_of_call(trace, call)), hidden), text)
            }
            Action::YankCurl => self.code("curl command", replay::curl)?,
            Action::YankPython => self.code("Python", replay::python)?,
            _ => self.text()?,
        };
        if text.text.is_empty() {
            return Err(format!("the {} is empty: nothing is copied", text.what));
        }
        Ok(Yanked::Text(text))
    }

    /// The run and the step that the cursor is on: in the text, where that has the keys, else in the tree's row.
    fn run_and_step(&self, row: &RowId) -> (Option<TraceId>, Option<SpanId>) {
        let in_text = if self.focus == Focus::Detail { self.detail.step_in_text() } else { None };
        match (in_text, row) {
            (Some((trace, span)), _) => (Some(trace), Some(span)),
            (None, RowId::Span(trace, span)) => (Some(*trace), Some(*span)),
            (None, RowId::Trace(trace)) => (Some(*trace), None),
            (None, _) => (None, None),
        }
    }

    /// What the cursor is on, as far as its answer is there.
    fn target(&self) -> Result<Target<'_>, String> {
        let detail = self.detail.current_answer();
        let row = self.tree.cursor().ok_or("there is no run yet: nothing is copied")?;
        let detail = detail.ok_or_else(|| match self.tree.content(row) {
            Content::Session(session) if session.session.is_none() => {
                "these runs belong to no session: go to one of them".to_owned()
            }
            Content::Program(_) => "go to a run or a step: a program has no text of its own".to_owned(),
            _ => "its messages are on their way: press it again".to_owned(),
        })?;
        let (trace, span) = self.run_and_step(&row.id);
        let found = |id: TraceId| detail.traces.iter().find(|one| one.trace == id).map(AsRef::as_ref);
        let only = if detail.traces.len() == 1 { detail.traces.first().map(AsRef::as_ref) } else { None };
        Ok(Target { detail, trace: trace.and_then(found).or(only), span })
    }

    /// What was said at the cursor.
    fn text(&self) -> Result<Copied, String> {
        if self.focus == Focus::Detail {
            let copied = self.detail.copied_at_cursor().or_else(|| self.detail.copied_line());
            return copied.ok_or_else(|| "there is no text on this line".to_owned());
        }
        let Target { trace, span, detail } = self.target()?;
        let trace = trace.or_else(|| detail.traces.last().map(AsRef::as_ref)).ok_or("nothing was said here")?;
        if let Some(run) = span.and_then(|span| tool_at(trace, span)) {
            return result_of(run)
                .or_else(|| Some(arguments_of(run)))
                .ok_or_else(|| "nothing was said here".to_owned());
        }
        let call =
            span.and_then(|span| trace.calls.iter().position(|call| call.span == span || call.also.contains(&span)));
        answer_of(trace, call).ok_or_else(|| "no text was said here: `y m` copies what happened".to_owned())
    }

    /// Arguments or result of the tool at the cursor.
    fn piece(&self, piece: Piece) -> Result<Copied, String> {
        let in_text = if self.focus == Focus::Detail { self.detail.copied_piece(piece) } else { None };
        if let Some(copied) = in_text {
            return Ok(copied);
        }
        let Target { trace, span, .. } = self.target()?;
        let (Some(trace), Some(span)) = (trace, span) else {
            return Err("go to a tool, or to the call that asked for it".to_owned());
        };
        let own = tool_at(trace, span);
        let mut asked = trace.tools.iter().filter(|run| run.called_by == Some(span));
        let run = match (own, asked.next(), asked.next()) {
            (Some(run), ..) | (None, Some(run), None) => run,
            (None, None, _) => return Err("no tool was called here".to_owned()),
            (None, Some(_), Some(_)) => return Err("this call asked for several tools: go to one of them".to_owned()),
        };
        match piece {
            Piece::Result => {
                result_of(run).ok_or_else(|| format!("no result of {} was recorded", wrap::clean_line(&run.name)))
            }
            _ => Ok(arguments_of(run)),
        }
    }

    fn ids(&self) -> Result<Copied, String> {
        let row = self.tree.cursor().ok_or("there is no run yet: nothing is copied")?;
        let (trace, span) = self.run_and_step(&row.id);
        let session = match &row.id {
            RowId::Session(session) => session.clone(),
            _ => trace.and_then(|trace| self.tree.trace(&trace)).and_then(|summary| summary.session.clone()),
        };
        let lines = [
            trace.map(|trace| ("trace", trace.to_string())),
            span.map(|span| ("span", span.to_string())),
            session.map(|session| ("session", session.as_str().to_owned())),
        ];
        let lines: Vec<(&str, String)> = lines.into_iter().flatten().collect();
        match lines.as_slice() {
            [] => Err("go to a run or a step: there is no id here".to_owned()),
            // Alone it is to be pasted where one id is wanted.
            [(name, id)] => Ok(Copied::new(format!("{name} id"), id.clone())),
            lines => {
                let names = lines.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
                let lines: Vec<String> = lines.iter().map(|(name, id)| format!("{name} {id}\n")).collect();
                let text = lines.concat();
                Ok(Copied::new(format!("ids of {names}"), text))
            }
        }
    }

    fn markdown(&self, tokens: usize) -> Result<Copied, String> {
        Ok(self.markdown_of(self.target()?, tokens))
    }

    /// The run or session of the row with the cursor, whichever step of it that is.
    pub(super) fn markdown_of_row(&self, tokens: usize) -> Result<Copied, String> {
        Ok(self.markdown_of(Target { span: None, ..self.target()? }, tokens))
    }

    fn markdown_of(&self, Target { detail, trace, span }: Target, tokens: usize) -> Copied {
        let of: Vec<&AssembledTrace> = match trace {
            Some(trace) => vec![trace],
            None => detail.traces.iter().map(AsRef::as_ref).collect(),
        };
        let is_step = |trace: &AssembledTrace, span: SpanId| {
            let is_call = trace.calls.iter().any(|call| call.span == span || call.also.contains(&span));
            is_call || tool_at(trace, span).is_some()
        };
        // Of an agent, or of what only holds others, the run is wanted.
        let step = trace.zip(span).filter(|(trace, span)| is_step(trace, *span));
        let call = step.and_then(|(trace, span)| prompt::side::call_at(trace, Some(span)));
        let (what, scope) = match (trace, call) {
            (Some(trace), Some(call)) => (name_of_call(trace, call), Scope::Turn(call)),
            (Some(_), None) => ("the run".to_owned(), Scope::Whole),
            (None, _) if detail.left_out > 0 => (format!("the newest {} runs", of.len()), Scope::Whole),
            (None, _) => ("the session".to_owned(), Scope::Whole),
        };
        let title = match (trace, detail.traces.first()) {
            (Some(trace), _) => trace.question.clone().or_else(|| trace.name.clone()),
            (None, first) => first.and_then(|first| first.context.session.clone()),
        };
        let written = markdown::write(title.as_deref().unwrap_or("a run"), &of, scope, tokens, self.now);
        let (text, hidden) = secrets::hide(&written.text);
        let cut =
            if written.is_cut { format!(", cut to ~{} tokens", format::count(tokens as u64)) } else { String::new() };
        Copied::new(with_secrets(format!("Markdown of {what}{cut}"), hidden), text)
    }

    fn otlp(&self) -> Result<Yanked, String> {
        let Target { detail, trace, .. } = self.target()?;
        let (traces, what, spans) = if let Some(trace) = trace {
            (vec![trace.trace], "OTLP JSON of the run".to_owned(), trace.spans)
        } else {
            let traces: Vec<TraceId> = detail.traces.iter().map(|trace| trace.trace).collect();
            let what = if detail.left_out == 0 {
                "OTLP JSON of the session".to_owned()
            } else {
                format!("OTLP JSON of the newest {} runs", traces.len())
            };
            (traces, what, detail.traces.iter().map(|trace| trace.spans).sum())
        };
        if spans > MOST_SPANS {
            let spans = format::exact(spans);
            return Err(format!("{spans} spans are more than is copied: `sideseat-tui export` writes them to a file"));
        }
        Ok(Yanked::Otlp { traces, what })
    }

    /// The call of a model at the cursor, as a place among those of its run.
    fn call(&self) -> Result<(&AssembledTrace, usize), String> {
        let Target { trace, span, detail } = self.target()?;
        let trace = trace.or_else(|| detail.traces.last().map(AsRef::as_ref)).ok_or(NO_CALL)?;
        Ok((trace, prompt::side::call_at(trace, span).ok_or(NO_CALL)?))
    }

    fn code(&self, what: &str, write: impl Fn(&AssembledTrace, usize) -> Option<Code>) -> Result<Copied, String> {
        let (trace, call) = self.call()?;
        let Code { text, secrets } = write(trace, call).ok_or("what this call was sent is not known")?;
        Ok(Copied::new(with_secrets(format!("{what} for {}", name_of_call(trace, call)), secrets), text))
    }
}

const NO_CALL: &str = "no model call was recorded here";

/// `turn 5`, or what the call is called.
fn name_of_call(trace: &AssembledTrace, call: usize) -> String {
    match trace.turns().get(call).copied().flatten() {
        Some(turn) => format!("turn {turn}"),
        None => trace.calls.get(call).map_or_else(|| "a call".to_owned(), |call| wrap::clean_line(&call.name)),
    }
}

fn with_secrets(what: String, count: usize) -> String {
    match count {
        0 => what,
        1 => format!("{what}, 1 secret left out"),
        count => format!("{what}, {count} secrets left out"),
    }
}

fn tool_at(trace: &AssembledTrace, span: SpanId) -> Option<&ToolRun> {
    trace.tools.iter().find(|run| run.span == Some(span))
}

fn arguments_of(run: &ToolRun) -> Copied {
    let text = match run.input.as_str() {
        Some(text) => text.to_owned(),
        None => json::to_pretty(&run.input),
    };
    Copied::new(format!("arguments of {}", wrap::clean_line(&run.name)), text)
}

fn result_of(run: &ToolRun) -> Option<Copied> {
    let text = run.output.as_deref().map(all_text).filter(|text| !text.is_empty()).or_else(|| run.error.clone())?;
    Some(Copied::new(format!("result of {}", wrap::clean_line(&run.name)), text))
}

/// What the model said in a call; in a run as a whole what it said last.
fn answer_of(trace: &AssembledTrace, call: Option<usize>) -> Option<Copied> {
    let messages = trace.conversations.iter().flat_map(|conversation| &conversation.messages);
    let answers = messages.filter(|said| !said.history && said.message.role == Role::Assistant);
    let said = answers.filter(|said| call.is_none_or(|call| said.turn == call));
    let mut said =
        said.filter(|said| said.message.parts.iter().any(|part| matches!(part.content, Part::Text(_) | Part::Json(_))));
    let last = match call {
        Some(_) => said.next_back(),
        // Of several conversations the outermost comes first.
        None => said.max_by_key(|said| said.at),
    }?;
    Some(Copied::new("text of the assistant", all_text(&last.message.parts)))
}

/// A text without control characters; line ends and tabs stay.
fn without_controls(text: &str) -> Cow<'_, str> {
    let is_control = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
    if text.contains(is_control) { text.replace(is_control, "").into() } else { text.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_is_copied_is_a_command_to_a_terminal() {
        assert_eq!(without_controls("a\u{1b}[31mb\r\n\tc\u{7}\u{9b}\u{7f}"), "a[31mb\n\tc");
        assert!(matches!(without_controls("plain\n日本"), Cow::Borrowed(_)));
    }
}
