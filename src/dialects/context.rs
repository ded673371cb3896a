//! The session, user, environment, tags and metadata of a span, from metadata and the resource (`facts.md` 2).

use std::sync::LazyLock;

use super::{
    DIALECTS, calls, framework,
    maybe_json::{MaybeJson, unquoted},
};
use crate::model::{Attributes, Context, Source, Value};

/// Where the rows of all dialects look for tags and metadata, after what all senders share.
struct Tables {
    tags: Vec<&'static str>,
    tag_prefixes: Vec<&'static str>,
    metadata: Vec<&'static str>,
    session_metadata: Vec<&'static str>,
    /// Each with what is taken off the names beneath it.
    metadata_prefixes: Vec<(&'static str, &'static str)>,
}

static TABLES: LazyLock<Tables> = LazyLock::new(|| Tables {
    tags: ["tags", "tag.tags"].iter().chain(DIALECTS.iter().flat_map(|dialect| dialect.tags)).copied().collect(),
    tag_prefixes: DIALECTS.iter().filter_map(|dialect| dialect.tag_prefix).collect(),
    metadata: ["metadata"].iter().chain(DIALECTS.iter().flat_map(|dialect| dialect.metadata)).copied().collect(),
    session_metadata: ["session_id", "conversation_id", "thread_id"]
        .iter()
        .chain(DIALECTS.iter().flat_map(|dialect| dialect.session_metadata))
        .copied()
        .collect(),
    metadata_prefixes: [("metadata.", "")]
        .iter()
        .chain(DIALECTS.iter().flat_map(|dialect| dialect.metadata_prefixes))
        .copied()
        .collect(),
});

/// Completes what single attributes state with the metadata, the resource and the scope.
pub fn completed(source: &Source, stated: Context) -> Context {
    const ENVIRONMENT: [&str; 2] = ["deployment.environment", "deployment.environment.name"];
    let (attributes, resource) = (source.attributes, &source.resource.attributes);
    let metadata = metadata(attributes);
    let within = |keys: &[&str]| {
        keys.iter().find_map(|key| metadata.iter().find(|(name, _)| name == key).and_then(|(_, value)| id(value)))
    };
    let session = stated
        .session
        .or_else(|| within(&TABLES.session_metadata))
        .or_else(|| attributes.get("mcp.session.id").and_then(id))
        .or_else(|| resource.get("session.id").and_then(id));
    let user = stated.user.or_else(|| within(&["user_id"])).or_else(|| resource.get("user.id").and_then(id));
    let named = |attributes: &Attributes| ENVIRONMENT.iter().find_map(|key| attributes.str(key)).map(str::to_owned);
    let environment = stated.environment.or_else(|| named(resource)).or_else(|| named(attributes));
    Context {
        session,
        user,
        framework: framework::of(source).map(str::to_owned),
        environment,
        tags: tags(attributes),
        metadata,
        display_name: None,
    }
}

/// A text or a number that names something; `None` for stand-ins and markers.
pub fn id(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => unquoted(text).unwrap_or_else(|| text.clone()),
        Value::Int(number) => number.to_string(),
        _ => return None,
    };
    // The id of a response, which is a new one on every call, is sent as that of a conversation.
    let is_call = text.starts_with("resp_");
    (calls::usable_id(&text).is_some() && !is_call).then_some(text)
}

/// How many tags are kept. People use a few, so that looking through them all costs less than a set.
const MOST_TAGS: usize = 256;

fn tags(attributes: &Attributes) -> Vec<String> {
    let mut tags: Vec<String> = Vec::new();
    let mut add = |tag: &str| {
        let tag = tag.trim();
        if !tag.is_empty() && tags.len() < MOST_TAGS && !tags.iter().any(|other| other == tag) {
            tags.push(tag.to_owned());
        }
    };
    for value in TABLES.tags.iter().filter_map(|key| attributes.get(key)) {
        match MaybeJson::of(value) {
            MaybeJson::Data(list) => {
                list.as_array().unwrap_or_default().iter().filter_map(Value::as_str).for_each(&mut add);
            }
            MaybeJson::Text(text) => text.split(',').for_each(&mut add),
            _ => {}
        }
    }
    for (_, value) in TABLES.tag_prefixes.iter().flat_map(|prefix| attributes.under(prefix)) {
        if let Some(text) = value.as_str() {
            add(unquoted(text).as_deref().unwrap_or(text));
        }
    }
    tags
}

fn metadata(attributes: &Attributes) -> Vec<(String, Value)> {
    let mut entries = Vec::new();
    for key in &TABLES.metadata {
        match attributes.get(key).map(MaybeJson::of) {
            Some(MaybeJson::Data(data)) => entries.extend(data.as_map().unwrap_or_default().iter().cloned()),
            Some(MaybeJson::Text(text)) => entries.push(((*key).to_owned(), text.into())),
            _ => {}
        }
    }
    for (prefix, within) in &TABLES.metadata_prefixes {
        let name = |name: &str| name.strip_prefix(within).unwrap_or(name).to_owned();
        entries.extend(attributes.under(prefix).map(|(key, value)| (name(key), value.clone())));
    }
    entries
}
