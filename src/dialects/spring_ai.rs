//! `spring-ai`: what Spring AI's observations have beside the conventions (`sdks.md` 15).
//!
//! ```text
//!   chat_client      spring.ai.kind, spring.ai.chat.client.{conversation.id, system.text, user.text, tool.names}
//!   ├ advisor        spring.ai.advisor.name
//!   ├ chat m         the conventions, its messages as `gen_ai_content.rs` reads them; the tools that it may call in
//!   │                spring.ai.model.request.tool.names
//!   ├ vector_store   db.vector.query.content
//!   └ tool_call w    spring.ai.tool.definition.{name, description, schema}, spring.ai.tool.call.{id, arguments, result}
//!
//!   Chat Model Prompt Content:         from 2.0 on, texts are in the program's log, a record for each side of a call:
//!   ["You are terse.", "q"]            texts in quotes with nothing escaped, without their roles
//!   Vector Store Query Response:       so too the documents that a search found
//! ```

use super::{Dialect, FactRow, Field, Framework, How, definitions, gen_ai, parts, reading};
use crate::model::{
    Carrier, Category, Content, ContentKind, Message, Part, Role, Source, ToolDefinition, Translation, Value,
};

pub const DIALECT: Dialect = Dialect {
    name: "spring-ai",
    content: ContentKind::Conversation,
    matches,
    translate,
    category: Some(category),
    ai_keys: &["spring.ai."],
    facts: &[
        FactRow::of(Field::Tool, How::Text, &["spring.ai.tool.definition.name"]),
        FactRow::of(Field::ToolCall, How::Id, &["spring.ai.tool.call.id"]),
    ],
    frameworks: &[Framework {
        label: "spring-ai",
        rank: 410,
        keys: &["spring.ai."],
        providers: &["spring_ai"],
        ..Framework::PLAIN
    }],
    ..Dialect::PLAIN
};

const CONVERSATION: &str = "spring.ai.chat.client.conversation.id";

fn matches(source: &Source) -> bool {
    if source.is_log() {
        logged(source).is_some() || found(source).is_some()
    } else {
        source.attributes.has_prefix("spring.ai.")
    }
}

/// What follows a head in a record of the program's log: texts in quotes.
fn texts_after<'a>(source: &Source<'a>, head: &str) -> Option<&'a str> {
    let body = source.body.filter(|_| source.scope.name.starts_with("org.springframework.ai."))?.as_str()?;
    body.strip_prefix(head)?.strip_prefix(":\n[\"")?.strip_suffix("\"]")
}

/// The documents that a search found, of which a record has the texts.
fn found(source: &Source) -> Option<Vec<Part>> {
    let texts = texts_after(source, "Vector Store Query Response")?.split("\", \"");
    let document = |text: &str| Part::new(Content::Json(Value::Map(vec![("content".to_owned(), text.into())])));
    Some(texts.map(document).collect())
}

/// What a record of the program's log has of a model's call: whether it is the answer, and its texts.
fn logged<'a>(source: &Source<'a>) -> Option<(bool, &'a str)> {
    let prompt = texts_after(source, "Chat Model Prompt Content").map(|texts| (false, texts));
    prompt.or_else(|| Some((true, texts_after(source, "Chat Model Completion")?)))
}

/// What kind of work an observation is of.
fn category(source: &Source) -> Option<Category> {
    if source.is_log() {
        let search = || found(source).map(|_| Category::Retriever);
        return logged(source).map(|_| Category::Llm).or_else(search);
    }
    Some(match source.attributes.str("spring.ai.kind")? {
        "tool_call" => Category::Tool,
        "chat_client" | "advisor" => Category::Chain,
        "vector_store" => Category::Retriever,
        _ => return None,
    })
}

fn translate(source: &Source, into: &mut Translation) {
    let attributes = source.attributes;
    if let Some((is_answer, texts)) = logged(source) {
        // A prompt's roles are not logged: it ends with what is asked, and the user's is the least that can be said.
        let texts: Vec<&str> = if is_answer { vec![texts] } else { texts.split("\", \"").collect() };
        // The round of a tool is in it, of which there is no text: what was asked is in the record of the call before.
        if texts.iter().any(|text| text.is_empty() || *text == "null") {
            return;
        }
        let role = if is_answer { Role::Assistant } else { Role::User };
        let messages = reading::from_parts(role, texts.into_iter().filter_map(parts::text).collect());
        let (prompt, completion) = if is_answer { (Vec::new(), messages) } else { (messages, Vec::new()) };
        return reading::push(into, DIALECT.name, reading::carrier(source), prompt, completion);
    }
    if let Some(documents) = source.is_log().then(|| found(source)).flatten() {
        let documents = reading::from_parts(Role::Assistant, documents);
        return reading::push(into, DIALECT.name, reading::carrier(source), Vec::new(), documents);
    }
    // Spring AI's default conversation id is `default`: no session.
    let conversation = attributes.str(CONVERSATION).filter(|id| !id.is_empty() && *id != "default");
    into.context.session = into.context.session.take().or_else(|| conversation.map(str::to_owned));
    let (prompt, completion) = if into.genai.category == Category::Tool {
        define(source, into);
        let get = |key| attributes.get(key).filter(|value| !value.is_empty());
        gen_ai::execution(get("spring.ai.tool.call.arguments"), get("spring.ai.tool.call.result"), &into.genai)
    } else {
        const OFFERED: &[&str] = &[
            "spring.ai.chat.client.tool.names",
            "spring.ai.chat.client.tool.function.names",
            "spring.ai.model.request.tool.names",
        ];
        for key in OFFERED {
            if let Some(names) = attributes.get(key) {
                definitions::read(names, &mut into.tools);
            }
        }
        let message = |role, key| -> Vec<Message> {
            reading::from_parts(role, attributes.str(key).and_then(parts::text).into_iter().collect())
        };
        let mut prompt = message(Role::System, "spring.ai.chat.client.system.text");
        prompt.extend(message(Role::User, "spring.ai.chat.client.user.text"));
        if into.genai.category == Category::Retriever {
            prompt.extend(message(Role::User, "db.vector.query.content"));
        }
        (prompt, vec![])
    };
    reading::push(into, DIALECT.name, (Carrier::Attributes, None), prompt, completion);
}

fn define(source: &Source, into: &mut Translation) {
    let text = |key| source.attributes.str(key).filter(|text| !text.is_empty()).map(str::to_owned);
    let Some(name) = into.genai.tool.as_ref().and_then(|tool| tool.name.clone()) else { return };
    let description = text("spring.ai.tool.definition.description");
    let schema = source.attributes.str("spring.ai.tool.definition.schema");
    let parameters =
        schema.and_then(|text| crate::model::json::parse(text).ok()).filter(|read: &Value| read.as_map().is_some());
    into.tools.push(ToolDefinition { name, description, parameters });
}

#[cfg(test)]
mod tests {
    use super::super::sample::{Sample, sides};
    use crate::model::Category;

    fn observed(kind: &str) -> Sample {
        let marks = [("gen_ai.operation.name", "framework"), ("gen_ai.system", "spring_ai"), ("spring.ai.kind", kind)];
        Sample::span("spring_ai").scope("org.springframework.boot").with(&marks)
    }

    #[test]
    fn a_tool_call_is_a_run_and_has_its_definition() {
        let read = observed("tool_call")
            .with(&[("spring.ai.tool.definition.name", "w"), ("spring.ai.tool.definition.description", "Weather.")])
            .with(&[("spring.ai.tool.definition.schema", r#"{"type":"object"}"#), ("spring.ai.tool.call.id", "c1")])
            .with(&[("spring.ai.tool.call.arguments", r#"{"city":"P"}"#), ("spring.ai.tool.call.result", "18C")])
            .translate();
        assert_eq!(sides(&read).0, [r#"assistant: w#c1{"city":"P"}"#]);
        assert_eq!(sides(&read).1, ["tool: =c1 18C"]);
        assert_eq!((read.genai.category, read.genai.provider.as_deref()), (Category::Tool, None));
        assert_eq!((read.tools.len(), read.tools[0].description.as_deref()), (1, Some("Weather.")));
        assert_eq!(read.context.framework.as_deref(), Some("spring-ai"));
    }

    #[test]
    fn a_search_has_its_query_and_what_it_found_is_in_the_log() {
        let asked = observed("vector_store").with(&[("db.vector.query.content", "opening hours")]).translate();
        assert_eq!(
            (sides(&asked).0, asked.genai.category),
            (vec!["user: opening hours".to_owned()], Category::Retriever)
        );
        let scope = "org.springframework.ai.vectorstore.observation.VectorStoreQueryResponseObservationHandler";
        let body = crate::model::json::to_string(&"Vector Store Query Response:\n[\"9 to 5\", \"Closed\"]".into());
        let found = Sample::log("", &body).scope(scope).translate();
        assert_eq!(sides(&found).1, [r#"assistant: json {"content":"9 to 5"} · json {"content":"Closed"}"#]);
        assert_eq!(found.genai.category, Category::Retriever);
    }

    #[test]
    fn a_call_has_the_names_of_its_tools() {
        let call = Sample::span("chat m").scope("org.springframework.boot").with(&[
            ("gen_ai.operation.name", "chat"),
            ("gen_ai.system", "openai"),
            ("spring.ai.model.request.tool.names", r#"["clock", "weather"]"#),
        ]);
        let names: Vec<String> = call.translate().tools.into_iter().map(|tool| tool.name).collect();
        assert_eq!(names, ["clock", "weather"]);
    }

    #[test]
    fn a_call_has_its_texts_in_a_list() {
        let read = Sample::span("chat m")
            .scope("org.springframework.boot")
            .with(&[("gen_ai.operation.name", "chat"), ("gen_ai.system", "openai")])
            .event("gen_ai.content.prompt", &[("gen_ai.prompt", r#"["S","q"]"#)])
            .event("gen_ai.content.completion", &[("gen_ai.completion", r#"["4"]"#)])
            .translate();
        assert_eq!(sides(&read), (vec!["user: S · q".to_owned()], vec!["assistant: 4".to_owned()]));
    }

    #[test]
    fn a_call_has_its_texts_in_the_log() {
        let logged = |body: &str| {
            let scope = "org.springframework.ai.chat.observation.ChatModelPromptContentObservationHandler";
            Sample::log("", &crate::model::json::to_string(&body.into())).scope(scope).translate()
        };
        let prompt = logged("Chat Model Prompt Content:\n[\"You are terse.\", \"Say \"hi\"\"]");
        assert_eq!(
            (sides(&prompt).0, prompt.genai.category),
            (vec![r#"user: You are terse. · Say "hi""#.to_owned()], Category::Llm)
        );
        assert_eq!(sides(&logged("Chat Model Completion:\n[\"hi\"]")).1, ["assistant: hi"]);
        assert_eq!(logged("Chat Model Completion:\n[]").readings, []);
        assert_eq!(logged("Chat Model Prompt Content:\n[\"q\", \"null\", \"\"]").readings, []);
    }

    #[test]
    fn a_client_has_its_conversation_and_its_prompt() {
        let read = observed("chat_client")
            .with(&[("spring.ai.chat.client.conversation.id", "s1"), ("spring.ai.chat.client.user.text", "[\"q\"]")])
            .translate();
        assert_eq!((sides(&read).0, read.genai.category), (vec!["user: [\"q\"]".to_owned()], Category::Chain));
        assert_eq!(read.context.session.as_deref(), Some("s1"));
        let unnamed = observed("chat_client").with(&[("spring.ai.chat.client.conversation.id", "default")]);
        assert_eq!(unnamed.translate().context.session, None);
    }
}
