//! Tool runs as they are shown, with their arguments and results.

use super::{fill_missing::is_garbled, joined_runs::JoinedRun, loaded_trace::LoadedTrace, tool_executions::tool_name};
use crate::model::{Content, Part, ToolResult, ToolRun, ToolStatus, Value, json};

/// The tool runs of a trace as they are shown, in the order of their calls.
pub fn runs(trace: &LoadedTrace) -> Vec<ToolRun> {
    trace.work.runs.runs.iter().map(|run| shown(trace, run)).collect()
}

/// The name of the tool that ran: as the model called it, else as its execution records it, else that of its span; empty
/// if none is known.
///
/// A call may be recorded without its name, when a sender records no content: only its id is known then.
pub fn name(trace: &LoadedTrace, run: &JoinedRun) -> String {
    let call = |source| match &trace.part(source)?.content {
        Content::Call(call) => Some(call.name.clone()),
        _ => None,
    };
    let called = run.called.map(|(_, source)| source).or(run.reported).and_then(call).filter(|name| !name.is_empty());
    let executed = || trace.first(run.node, |translation| translation.genai.tool.as_ref()?.name.clone());
    let span = || trace.nodes()[run.node?].span.map(|(_, digest)| tool_name(&digest.name).to_owned());
    let repeated = || run.repeated.and_then(call);
    called.or_else(repeated).or_else(executed).or_else(|| run.input.and_then(call)).or_else(span).unwrap_or_default()
}

/// Reads name, arguments, result and times of one joined run from the messages and spans that it points to.
pub fn shown(trace: &LoadedTrace, run: &JoinedRun) -> ToolRun {
    let call = |source| match &trace.part(source)?.content {
        Content::Call(call) => Some(call),
        _ => None,
    };
    let result = |source| match &trace.part(source)?.content {
        Content::Result(result) => Some(result),
        _ => None,
    };
    let call_of_model = run.called.map(|(_, source)| source).or(run.reported).and_then(|source| trace.part(source));
    let repeated = run.repeated.and_then(|source| trace.part(source));
    let is_unnamed = |part: &Part| matches!(&part.content, Content::Call(call) if call.name.is_empty());
    let is_better = |part: &&Part| call_of_model.is_some_and(|own| is_unnamed(own) || is_garbled(own, part));
    let call_of_model = repeated.filter(is_better).or(call_of_model).and_then(|part| match &part.content {
        Content::Call(call) => Some(call),
        _ => None,
    });
    let given = run.input.and_then(call);
    let returned = run.output.and_then(result);
    let seen = run.seen.and_then(result);
    let node = run.node.map(|at| &trace.nodes()[at]);
    let tool = |value: fn(&crate::model::ToolName) -> Option<String>| {
        trace.first(run.node, |translation| value(translation.genai.tool.as_ref()?))
    };
    let item = call_of_model.and_then(|call| call.item_id.clone());
    let id = match (call_of_model.and_then(|call| call.id.clone()), item) {
        (None, Some(item)) => seen.and_then(|result| result.call_id.clone()).or(Some(item)),
        (id, _) => id.or_else(|| tool(|tool| tool.call_id.clone())),
    };
    let input = call_of_model.or(given).map(|call| call.input.clone()).unwrap_or_default();
    ToolRun {
        call_id: id
            .or_else(|| given?.known_id().map(str::to_owned))
            .or_else(|| returned?.call_id.clone())
            .or_else(|| seen?.call_id.clone()),
        name: name(trace, run),
        // Arguments of a model that are no JSON have no value of their own; the tool may have been given a repaired
        // form.
        input: match (&input, given) {
            (Value::Null, Some(given)) => given.input.clone(),
            _ => input,
        }
        .into(),
        output: output_of(returned, seen).map(|result| result.content.clone()),
        status: run.status,
        error: (run.status == ToolStatus::Error).then(|| why(trace, run, returned.or(seen))).flatten(),
        span: node.filter(|node| node.span.is_some()).map(|node| node.id),
        called_by: run.called.map(|(turn, _)| trace.nodes()[trace.work.counted.calls[turn].node].id),
        started: node.map(|node| node.started),
        ended: node.and_then(|node| node.ended),
        earlier: run.earlier,
    }
}

/// The result to show: what the tool returned, else what the model saw. If the tool returned a list of which the model
/// saw one item, that item; if its text is what the model saw as a string of JSON, what the model saw.
fn output_of<'r>(returned: Option<&'r ToolResult>, seen: Option<&'r ToolResult>) -> Option<&'r ToolResult> {
    let recorded = |result: Option<&'r ToolResult>| result.filter(|result| !result.is_unrecorded());
    let (returned, seen) = (recorded(returned), recorded(seen));
    let is_one_of = |items: &[Value], seen: &ToolResult| match seen.content.as_slice() {
        [Part { content: Content::Text(text), .. }] => items.iter().any(|item| item.as_str() == Some(text)),
        [Part { content: Content::Json(value), .. }] => items.contains(value),
        _ => false,
    };
    let (Some(result), Some(seen)) = (returned, seen) else { return returned.or(seen) };
    let is_quoted = |quoted: &str| {
        let inner = || match json::parse(quoted).ok()? {
            Value::String(inner) => Some(inner),
            _ => None,
        };
        quoted.starts_with('"') && quoted.ends_with('"') && inner().is_some_and(|it| text(&seen.content) == Some(it))
    };
    match result.content.as_slice() {
        [Part { content: Content::Text(text), .. }] if is_quoted(text) => Some(seen),
        [Part { content: Content::Json(Value::Array(items)), .. }] if is_one_of(items, seen) => Some(seen),
        _ => Some(result),
    }
}

/// Why a run failed, as [`ToolRun::error`] has it.
pub fn reason(trace: &LoadedTrace, run: &JoinedRun) -> Option<String> {
    let result = run.output.or(run.seen).and_then(|source| match &trace.part(source)?.content {
        Content::Result(result) => Some(result),
        _ => None,
    });
    why(trace, run, result)
}

/// Why a run failed: the failure of the execution or of the part of it that failed, else the text of the result.
fn why(trace: &LoadedTrace, run: &JoinedRun, result: Option<&ToolResult>) -> Option<String> {
    let failure = run.node.into_iter().chain(run.failed_part).find_map(|at| trace.failure(at));
    let message = failure.and_then(|failure| failure.message.or(failure.kind));
    message.or_else(|| text(&result?.content))
}

/// The texts of a result, one a line, JSON written out; `None` if there is none.
pub fn text(content: &[Part]) -> Option<String> {
    let texts = content.iter().filter_map(|part| match &part.content {
        Content::Text(text) | Content::Refusal(text) => Some(text.clone()),
        Content::Json(value) => Some(value.to_text()),
        _ => None,
    });
    Some(texts.collect::<Vec<_>>().join("\n")).filter(|text| !text.is_empty())
}

/// The result of a run as a message part; `None` if no output is known.
pub fn result(run: &ToolRun) -> Option<Part> {
    let is_error = (run.status == ToolStatus::Error).then_some(true);
    let (call_id, name) = (run.call_id.clone(), Some(run.name.clone()));
    Some(Part::new(Content::Result(ToolResult { call_id, name, is_error, content: run.output.clone()? })))
}
