//! What of a prompt is not known: what its sender did not record is said, and not made up.

use super::super::cost::unaccounted;
use super::super::tokens;
use super::side::{self, Side};
use crate::app::format;
use crate::model::{Content, Dropped, Part};

/// Fewer tokens may be what stands between the messages.
const MISSING: u64 = 500;

/// What is missing from what is known of a call's prompt, each as a sentence for people. Empty where nothing points to
/// anything that is missing.
#[must_use]
pub fn of(side: &Side) -> Vec<String> {
    let facts = side.facts();
    let dropped = format::dropped(facts.dropped).map(|dropped| {
        let limits = limits(facts.dropped);
        format!(
            "Its sender dropped {dropped}: what they held is missing here. Its SDK keeps more where {limits} is raised."
        )
    });
    if side.messages.is_empty() {
        let mut gaps =
            vec!["What this call was sent did not come with it: no message of its prompt is known.".to_owned()];
        gaps.extend(dropped);
        gaps.extend(facts.recording_hint.as_ref().map(|how| format!("To have it recorded, {how}")));
        return gaps;
    }
    let mut gaps: Vec<String> = dropped.into_iter().collect();
    let unanswered = results_without_calls(side);
    if unanswered > 0 {
        let results = counted(unanswered, "result");
        gaps.push(format!(
            "It holds {results} of tools whose calls are not in it: what stood before is missing here (kept by the \
             provider, or not recorded)."
        ));
    }
    if facts.request.tools.is_empty() && calls_tools(side) {
        gaps.push(
            "Its tools are not listed with it, and it called one: their definitions are missing here.".to_owned(),
        );
    }
    let (hidden, truncated) = side.messages.iter().flat_map(|message| &message.parts).fold((0, 0), count_marks);
    if hidden > 0 {
        gaps.push(format!("{} hidden by the instrumentation.", are(hidden, "part")));
    }
    if truncated > 0 {
        gaps.push(format!("{} cut by the sender.", are(truncated, "part")));
    }
    if let Some((missing, of)) =
        unaccounted(side.trace(), side.call).filter(|(missing, of)| *missing >= MISSING && *missing >= of / 10)
    {
        let (missing, of) = (tokens::about(missing), format::count(of));
        gaps.push(format!("{missing} of its {of} tokens are in none of these texts (estimated)."));
    }
    gaps
}

/// The variables that bound how much an SDK keeps of what was dropped. Attributes may be those of a span, of its events or
/// of its log records: which of them is not known.
fn limits(dropped: Dropped) -> String {
    const ATTRIBUTES: &str = "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT (for events OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT, for log \
                              records OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT)";
    let of_attributes = (dropped.attributes > 0).then_some(ATTRIBUTES);
    let of_events = (dropped.events > 0).then_some("OTEL_SPAN_EVENT_COUNT_LIMIT");
    of_attributes.into_iter().chain(of_events).collect::<Vec<_>>().join(" or ")
}

/// How many results name a call that the prompt does not hold.
fn results_without_calls(side: &Side) -> usize {
    let called = side::called(&side.messages);
    let parts = side.messages.iter().flat_map(|message| &message.parts);
    let results =
        parts.filter_map(|part| if let Content::Result(result) = &part.content { Some(result) } else { None });
    results.filter_map(|result| result.call_id.as_deref()).filter(|id| !called.contains(id)).count()
}

/// Whether the call's answer calls a tool that the program runs.
fn calls_tools(side: &Side) -> bool {
    let mut parts = side.answers().into_iter().flat_map(|message| &message.parts);
    parts.any(|part| matches!(&part.content, Content::Call(call) if !call.server_side))
}

fn count_marks((hidden, truncated): (usize, usize), part: &Part) -> (usize, usize) {
    let within = if let Content::Result(result) = &part.content { &result.content[..] } else { &[] };
    let own = (hidden + usize::from(part.hidden), truncated + usize::from(part.truncated));
    within.iter().fold(own, |(hidden, truncated), part| {
        (hidden + usize::from(part.hidden), truncated + usize::from(part.truncated))
    })
}

fn counted(number: usize, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}

fn are(number: usize, what: &str) -> String {
    format!("{} {}", counted(number, what), if number == 1 { "is" } else { "are" })
}
