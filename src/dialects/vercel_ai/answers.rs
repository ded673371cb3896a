//! What came back: texts, calls, files, objects, and the lists of embeddings and rankings.

use crate::{
    dialects::{
        calls,
        maybe_json::{MaybeJson, unquoted},
        parts,
    },
    model::{Attributes, Content, Part, Value},
};

/// Values to embed, documents to rank and their ranks: texts, or JSON.
pub(super) fn items(value: &Value) -> Vec<Part> {
    let list = value.as_array().unwrap_or(std::slice::from_ref(value));
    let part = |item: &Value| match (item.as_str().and_then(unquoted), MaybeJson::of(item)) {
        (Some(text), _) => parts::text(&text),
        (None, MaybeJson::Data(data)) => Some(Part::new(Content::Json(data.into_owned()))),
        (None, MaybeJson::Cut(data)) => Some(Part { truncated: true, ..Part::new(Content::Json(data)) }),
        (None, MaybeJson::Text(text)) => parts::text(text),
        (None, MaybeJson::Scalar(scalar)) => Some(Part::new(Content::Json(scalar.clone()))),
        (None, MaybeJson::Nothing) => None,
    };
    list.iter().filter_map(part).collect()
}

/// What came back: thoughts, text, calls, files, an object.
pub(super) fn answered(attributes: &Attributes) -> Vec<Part> {
    let get = |keys: [&str; 2]| keys.into_iter().find_map(|key| attributes.get(key).filter(|value| !value.is_empty()));
    let mut found = Vec::new();
    match get(["ai.response.reasoning", "ai.result.reasoning"]) {
        Some(Value::String(words)) => found.push(parts::thought(words)),
        Some(listed) => parts::content(listed, &mut found),
        None => {}
    }
    if let Some(text) = get(["ai.response.text", "ai.result.text"]) {
        parts::content(text, &mut found);
    }
    if let Some(calls) = get(["ai.response.toolCalls", "ai.result.toolCalls"]) {
        listed(calls, &mut found, |item, found| match calls::call(item) {
            Some(_) if is_provider_run(item) => found.extend(calls::server_call(item)),
            Some(call) => found.push(call),
            None => parts::content(item, found),
        });
    }
    if let Some(files) = get(["ai.response.files", "ai.result.files"]) {
        listed(files, &mut found, parts::content);
    }
    if let Some(object) = get(["ai.response.object", "ai.result.object"]) {
        match MaybeJson::of(object) {
            MaybeJson::Data(data) => found.push(Part::new(Content::Json(data.into_owned()))),
            MaybeJson::Cut(data) => found.push(Part { truncated: true, ..Part::new(Content::Json(data)) }),
            _ => parts::content(object, &mut found),
        }
    }
    if let Some(ranking) = attributes.get("ai.ranking") {
        found.extend(items(ranking));
    }
    found
}

fn is_provider_run(item: &Value) -> bool {
    item.get("providerExecuted").and_then(Value::as_bool) == Some(true)
}

/// Reads each item of a list in JSON; what is none is kept as it is.
fn listed(value: &Value, into: &mut Vec<Part>, one: impl Fn(&Value, &mut Vec<Part>)) {
    let Some((data, cut)) = MaybeJson::of(value).data() else {
        return into.push(Part::new(Content::Unknown(value.clone())));
    };
    let before = into.len();
    data.as_array().unwrap_or(std::slice::from_ref(&*data)).iter().for_each(|item| one(item, into));
    if let (true, Some(last)) = (cut, into[before..].last_mut()) {
        last.truncated = true;
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{CALLS, read, span};
    use crate::{dialects::sample::sides, model::Category};

    #[test]
    fn an_answer_is_thoughts_then_text_then_calls_then_files() {
        let answer = [
            ("ai.response.files", r#"[{"type":"file","mediaType":"image/png","data":"aGk="}]"#),
            ("ai.response.reasoning", "hm"),
            ("ai.response.text", "4"),
            ("ai.response.toolCalls", CALLS),
        ];
        let expected = r#"assistant: (thought) hm · 4 · w#c1{"city":"Paris"} · <image image/png 2 bytes>"#;
        assert_eq!(read("ai.streamText.doStream", &answer).1, [expected]);
        // Version 3.
        let answer = [
            ("ai.result.text", ""),
            ("ai.result.toolCalls", r#"[{"toolCallType":"function","toolCallId":"c1","toolName":"w","args":"{}"}]"#),
            ("ai.finishReason", "tool-calls"),
        ];
        let third = span("ai.generateText.doGenerate").with(&answer).translate();
        assert_eq!(sides(&third).1, ["assistant: w#c1{}"]);
        assert_eq!(third.genai.stop_reason.as_deref(), Some("tool-calls"));
        let provider =
            r#"[{"type":"tool-call","toolCallId":"s1","toolName":"web_search","input":"{}","providerExecuted":true}]"#;
        assert_eq!(
            read("ai.streamText.doStream", &[("ai.response.toolCalls", provider)]).1,
            ["assistant: @server web_search#s1{}"]
        );
        assert_eq!(
            read("ai.streamText.doStream", &[("ai.response.toolCalls", "what?")]).1,
            [r#"assistant: unknown "what?""#]
        );
    }

    #[test]
    fn an_object_is_structured_and_a_text_that_looks_so_is_not() {
        let object = r#"{"a":1}"#;
        assert_eq!(
            read("ai.generateObject.doGenerate", &[("ai.response.object", object)]).1,
            [r#"assistant: json {"a":1}"#]
        );
        assert_eq!(read("ai.generateObject", &[("ai.result.object", r#""word""#)]).1, [r#"assistant: "word""#]);
        assert_eq!(read("ai.generateText.doGenerate", &[("ai.response.text", object)]).1, [r#"assistant: {"a":1}"#]);
    }

    #[test]
    fn texts_to_embed_and_documents_to_rank_are_shown() {
        let embedded =
            span("ai.embedMany.doEmbed").typed("ai.values", r#"["\"one\"","\"{\\\"two\\\":2}\""]"#).translate();
        assert_eq!(sides(&embedded).0, [r#"user: one · {"two":2}"#]);
        assert_eq!(embedded.genai.category, Category::Embedding);
        assert!(read("ai.embed", &[("ai.value", r#""one""#)]).0.is_empty());
        let ranked = span("ai.rerank.doRerank")
            .typed("ai.documents", r#"["\"one\"","{\"t\":\"two\"}"]"#)
            .typed("ai.ranking", r#"["{\"index\":1,\"relevanceScore\":0.9}"]"#)
            .translate();
        assert_eq!(sides(&ranked).0, [r#"user: one · json {"t":"two"}"#]);
        assert_eq!(sides(&ranked).1, [r#"assistant: json {"index":1,"relevanceScore":0.9}"#]);
        assert_eq!(ranked.genai.category, Category::Reranker);
    }
}
