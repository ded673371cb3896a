//! Whose work a span is, where no single attribute says it: metadata, tags, the resource (`facts.md` 2).

use super::{
    calls, framework,
    maybe_json::{MaybeJson, unquoted},
};
use crate::model::{Attributes, Context, Source, Value};

/// Completes what the attributes state with what their metadata, the resource and the scope say.
pub fn completed(source: &Source, stated: Context) -> Context {
    const ENVIRONMENT: [&str; 2] = ["deployment.environment", "deployment.environment.name"];
    let (attributes, resource) = (source.attributes, &source.resource.attributes);
    let metadata = metadata(attributes);
    let within = |keys: &[&str]| {
        keys.iter().find_map(|key| metadata.iter().find(|(name, _)| name == key).and_then(|(_, value)| id(value)))
    };
    let session = stated
        .session
        .or_else(|| within(&["session_id", "conversation_id", "thread_id", "langgraph_thread_id"]))
        .or_else(|| attributes.get("mcp.session.id").and_then(id))
        .or_else(|| resource.get("session.id").and_then(id));
    let user = stated.user.or_else(|| within(&["user_id"])).or_else(|| resource.get("user.id").and_then(id));
    let named = |attributes: &Attributes| ENVIRONMENT.iter().find_map(|key| attributes.str(key)).map(str::to_owned);
    let environment = stated.environment.or_else(|| named(resource)).or_else(|| named(attributes));
    // Without a template the message is a log line, not a name.
    let rendered = attributes.str("logfire.msg").filter(|_| attributes.has("logfire.msg_template"));
    Context {
        session,
        user,
        framework: framework::of(source).map(str::to_owned),
        environment,
        tags: tags(attributes),
        metadata,
        display_name: rendered.map(str::to_owned),
    }
}

/// A text or a number that names something; `None` for stand-ins and markers.
pub fn id(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => unquoted(text).unwrap_or_else(|| text.clone()),
        Value::Int(number) => number.to_string(),
        _ => return None,
    };
    // agent-framework sends the Responses API's id as the conversation's, a new one on every call.
    let is_call = text.starts_with("resp_");
    (calls::usable_id(&text).is_some() && !is_call).then_some(text)
}

fn tags(attributes: &Attributes) -> Vec<String> {
    const KEYS: &[&str] = &[
        "tags",
        "tag.tags",
        "langsmith.tags",
        "langsmith.span.tags",
        "langfuse.trace.tags",
        "lmnr.association.properties.tags",
        "ai.telemetry.metadata.tags",
        "logfire.tags",
    ];
    let mut tags: Vec<String> = Vec::new();
    let mut add = |tag: &str| {
        let tag = tag.trim();
        // A few tags: looking through them all costs less than a set.
        if !tag.is_empty() && tags.len() < 256 && !tags.iter().any(|other| other == tag) {
            tags.push(tag.to_owned());
        }
    };
    for value in KEYS.iter().filter_map(|key| attributes.get(key)) {
        match MaybeJson::of(value) {
            MaybeJson::Data(list) => {
                list.as_array().unwrap_or_default().iter().filter_map(Value::as_str).for_each(&mut add);
            }
            MaybeJson::Text(text) => text.split(',').for_each(&mut add),
            _ => {}
        }
    }
    for (_, value) in attributes.under("mlflow.traceTag.") {
        if let Some(text) = value.as_str() {
            add(unquoted(text).as_deref().unwrap_or(text));
        }
    }
    tags
}

const LAMINAR: &str = "lmnr.association.properties.";

fn metadata(attributes: &Attributes) -> Vec<(String, Value)> {
    const PREFIXES: &[&str] = &[
        "metadata.",
        "langsmith.metadata.",
        "langfuse.trace.metadata.",
        "langfuse.observation.metadata.",
        "ai.telemetry.metadata.",
        "ai.settings.context.",
        "traceloop.association.properties.",
        LAMINAR,
    ];
    let mut entries = Vec::new();
    for key in ["metadata", "langfuse.trace.metadata", "langfuse.observation.metadata"] {
        match attributes.get(key).map(MaybeJson::of) {
            Some(MaybeJson::Data(data)) => entries.extend(data.as_map().unwrap_or_default().iter().cloned()),
            Some(MaybeJson::Text(text)) => entries.push((key.to_owned(), text.into())),
            _ => {}
        }
    }
    for prefix in PREFIXES {
        // Laminar's own words and those of the program are under one prefix.
        let name =
            |name: &str| name.strip_prefix("metadata.").filter(|_| *prefix == LAMINAR).unwrap_or(name).to_owned();
        entries.extend(attributes.under(prefix).map(|(key, value)| (name(key), value.clone())));
    }
    entries
}
