//! Tool runs with their arguments and results, and the results that conversations still lack.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use super::{
    fill_missing,
    fingerprint::asked,
    join_tools::{JoinedRun, tool_name},
    loaded_trace::LoadedTrace,
    open_conversation::OpenConversation,
    span_failure,
    text_hash::{hash, without_white_space},
};
use crate::model::{Content, ConversationMessage, Message, Part, Role, SpanId, ToolResult, ToolRun, ToolStatus, Value};

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
    called.or_else(executed).or_else(|| run.input.and_then(call)).or_else(span).unwrap_or_default()
}

/// Reads name, arguments, result and times of one joined run from the messages and spans that it points to.
fn shown(trace: &LoadedTrace, run: &JoinedRun) -> ToolRun {
    let call = |source| match &trace.part(source)?.content {
        Content::Call(call) => Some(call),
        _ => None,
    };
    let result = |source| match &trace.part(source)?.content {
        Content::Result(result) => Some(result),
        _ => None,
    };
    let asked = run.called.map(|(_, source)| source).or(run.reported).and_then(call);
    let given = run.input.and_then(call);
    let returned = run.output.and_then(result);
    let seen = run.seen.and_then(result);
    let node = run.node.map(|at| &trace.nodes()[at]);
    let tool = |value: fn(&crate::model::ToolName) -> Option<String>| {
        trace.first(run.node, |translation| value(translation.genai.tool.as_ref()?))
    };
    let item = asked.and_then(|call| call.item_id.clone());
    let id = match (asked.and_then(|call| call.id.clone()), item) {
        (None, Some(item)) => seen.and_then(|result| result.call_id.clone()).or(Some(item)),
        (id, _) => id.or_else(|| tool(|tool| tool.call_id.clone())),
    };
    let input = asked.or(given).map(|call| call.input.clone()).unwrap_or_default();
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
        },
        output: output_of(returned, seen).map(|result| result.content.clone()),
        status: run.status,
        error: (run.status == ToolStatus::Error).then(|| why(trace, run, returned.or(seen))).flatten(),
        span: node.filter(|node| node.span.is_some()).map(|node| node.id),
        called_by: run.called.map(|(turn, _)| trace.nodes()[trace.work.counted.calls[turn].node].id),
        started: node.map(|node| node.started),
        ended: node.and_then(|node| node.ended),
    }
}

/// The result to show: what the tool returned, else what the model saw. If the tool returned a list of which the model
/// saw one item, that item.
fn output_of<'r>(returned: Option<&'r ToolResult>, seen: Option<&'r ToolResult>) -> Option<&'r ToolResult> {
    let is_one_of = |items: &[Value], seen: &ToolResult| match seen.content.as_slice() {
        [Part { content: Content::Text(text), .. }] => items.iter().any(|item| item.as_str() == Some(text)),
        [Part { content: Content::Json(value), .. }] => items.contains(value),
        _ => false,
    };
    let (Some(result), Some(seen)) = (returned, seen) else { return returned.or(seen) };
    match result.content.as_slice() {
        [Part { content: Content::Json(Value::Array(items)), .. }] if is_one_of(items, seen) => Some(seen),
        _ => Some(result),
    }
}

/// Why a run failed: the failure of the execution or of the part of it that failed, else the text of the result.
fn why(trace: &LoadedTrace, run: &JoinedRun, result: Option<&ToolResult>) -> Option<String> {
    let failure = run.node.into_iter().chain(run.broke).find_map(|at| {
        let own = trace.row(at).and_then(span_failure::of_span);
        own.or_else(|| trace.first([at], |translation| translation.error.clone()))
    });
    let told = failure.and_then(|failure| failure.message.or(failure.kind));
    told.or_else(|| text(&result?.content))
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

/// Sets `called_by` of runs for which no model call's own record has the tool call, by call id: a later prompt brought
/// the assistant message with it.
pub fn trace_callers(runs: &mut [ToolRun], conversations: &[OpenConversation]) {
    if runs.iter().all(|run| run.called_by.is_some() || run.call_id.is_none()) {
        return;
    }
    let said = conversations.iter().flat_map(|conversation| &conversation.messages);
    let answers = said.filter(|said| !said.history && said.message.role == Role::Assistant);
    let calls = answers.flat_map(|said| {
        said.message.parts.iter().filter_map(|part| match &part.content {
            Content::Call(call) => Some((call.known_id()?, said.span)),
            _ => None,
        })
    });
    let callers: HashMap<&str, SpanId> = calls.collect();
    for run in runs.iter_mut().filter(|run| run.called_by.is_none()) {
        run.called_by = run.call_id.as_deref().and_then(|id| callers.get(id)).copied();
    }
}

/// Adds to conversations the results that no later request carries, as the tools returned them, after the messages that
/// asked for them.
pub fn add_unseen_results(trace: &LoadedTrace, runs: &[ToolRun], conversations: &mut [OpenConversation]) {
    // Runs whose result no request carries, or carries without an id or a name, by model call and call id, else by
    // model call and name with arguments.
    let mut unseen: HashMap<(usize, u64), Vec<usize>> = HashMap::new();
    for (at, run) in trace.work.runs.runs.iter().enumerate().rev() {
        if let (Some((turn, source)), Some(_)) = (run.called, run.output)
            && run.seen.is_none_or(|seen| trace.part(seen).is_some_and(fill_missing::is_nameless))
            && let Some(Content::Call(call)) = trace.part(source).map(|part| &part.content)
        {
            let key = call.known_id().map_or_else(|| asked(call), hash);
            unseen.entry((turn, key)).or_default().push(at);
        }
    }
    if unseen.is_empty() {
        return;
    }
    for conversation in conversations {
        let answered: HashSet<u64> = conversation.messages.iter().flat_map(|said| answers(&said.message)).collect();
        for at in (0..conversation.messages.len()).rev() {
            let said = &conversation.messages[at];
            if said.history || said.message.role != Role::Assistant {
                continue;
            }
            let mut returned = Vec::new();
            for part in &said.message.parts {
                let Content::Call(call) = &part.content else { continue };
                let id = call.known_id().map(hash);
                let told = id.is_some_and(|id| answered.contains(&id));
                let key = (said.turn, id.unwrap_or_else(|| asked(call)));
                if let Some(run) = unseen.get_mut(&key).and_then(Vec::pop).filter(|_| !told) {
                    returned.push((&runs[run], trace.work.runs.runs[run].seen.is_some()));
                }
            }
            insert(conversation, at, &returned);
        }
    }
}

/// Hashes of the call ids that the results in a message answer.
fn answers(message: &Message) -> impl Iterator<Item = u64> + '_ {
    message.parts.iter().filter_map(|part| match &part.content {
        Content::Result(result) => result.call_id.as_ref().map(hash),
        _ => None,
    })
}

/// Matches results that tools returned with the results without ids that a request carries: those with equal text get
/// the ids. Returns the results that no request carries. `returned` holds for each whether a request carries it.
fn recognised(returned: Vec<(Part, bool)>, brought: &mut Arc<Message>) -> Vec<Part> {
    // JSON may have been sent as text, so texts are compared.
    let plain = |content: &[Part]| text(content).map(|text| without_white_space(&text));
    let nameless = |part: &Part| match &part.content {
        Content::Result(result) if result.call_id.is_none() => plain(&result.content),
        _ => None,
    };
    let mut open: HashMap<String, Vec<usize>> = HashMap::new();
    for (at, part) in brought.parts.iter().enumerate().rev() {
        if let Some(words) = nameless(part) {
            open.entry(words).or_default().push(at);
        }
    }
    let mut rest = Vec::new();
    for (part, seen) in returned {
        let Content::Result(result) = &part.content else { continue };
        match plain(&result.content).and_then(|words| open.get_mut(&words)?.pop()) {
            Some(at) => Arc::make_mut(brought).parts[at] = part,
            None if seen => {}
            None => rest.push(part),
        }
    }
    rest
}

/// Puts results after the answer with index `asked`, into the message of results that stands there already, if there is
/// one. `returned` holds for each run whether a request carries its result, so that it is there already.
fn insert(conversation: &mut OpenConversation, asked: usize, returned: &[(&ToolRun, bool)]) {
    let (turn, span) = (conversation.messages[asked].turn, conversation.messages[asked].span);
    let is_answer =
        |said: &&ConversationMessage| said.turn == turn && !said.history && said.message.role == Role::Assistant;
    let after = asked + conversation.messages[asked..].iter().take_while(is_answer).count();
    let told: Vec<(Part, bool)> = returned.iter().filter_map(|(run, seen)| Some((result(run)?, *seen))).collect();
    let brought =
        conversation.messages[after..].iter().take_while(|said| said.message.role != Role::User || said.history);
    let mut brought = brought.take_while(|said| said.history || said.message.role == Role::Tool);
    let mut parts = match brought.position(|said| said.message.role == Role::Tool && !said.history) {
        Some(brought) => recognised(told, &mut conversation.messages[after + brought].message),
        None => told.into_iter().filter(|(_, seen)| !seen).map(|(part, _)| part).collect(),
    };
    if parts.is_empty() {
        return;
    }
    let at = returned.iter().filter_map(|(run, _)| run.ended.or(run.started)).min();
    if let Some(there) =
        conversation.messages.get(after).filter(|said| said.message.role == Role::Tool && !said.history)
    {
        let there: Vec<Part> = there.message.parts.clone();
        parts.splice(0..0, there);
        let number = |part: &Part| match &part.content {
            Content::Result(result) => result.call_id.as_ref().and_then(|id| conversation.number(hash(id))),
            _ => None,
        };
        // Results of calls without an id come last.
        parts.sort_by_key(|part| number(part).map_or((true, 0), |number| (false, number)));
        conversation.messages[after].message = Arc::new(Message::new(Role::Tool, parts));
        return;
    }
    let message = Arc::new(Message::new(Role::Tool, parts));
    conversation.messages.insert(after, ConversationMessage::new(message, at.unwrap_or_default(), span, turn));
}
