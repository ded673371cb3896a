//! A model call as code that makes it again: a command for a shell, and a program in Python.
//!
//! ```text
//!   api         who is called, and how
//!   conversation   the request's messages in turns, without what cannot be sent again
//!   converse, messages, chat   the body of a request: Bedrock's, Anthropic's, OpenAI's
//!   python      a value as Python writes it
//! ```
//!
//! Keys are never in it: each is read from where the provider's own tools read it. What was sent and cannot be sent again
//! (bytes of media, a parameter that nobody knows) is named in a comment.

mod api;
mod chat;
mod conversation;
mod converse;
mod messages;
mod python;

use std::fmt::Write as _;

use crate::model::{AssembledTrace, ModelCall, Value, json, secrets};
use api::Api;
use conversation::Conversation;

/// Code, and how many secrets were left out of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Code {
    pub text: String,
    pub secrets: usize,
}

/// A body, and what of the call is not in it.
struct Body {
    value: Value,
    left_out: Vec<String>,
}

/// A command for a shell that makes a call again; `None` where its messages are not known. `call`: its place among the
/// trace's calls.
#[must_use]
pub fn curl(trace: &AssembledTrace, call: usize) -> Option<Code> {
    let (of, api, body) = body_of(trace, call)?;
    let (json, secrets) = secrets::hide(&json::to_pretty(&body.value));
    let mut text = comments(&body.left_out);
    let _ = writeln!(text, "curl {} \\", api.url(of.model.as_deref().unwrap_or_default()));
    for option in api.options() {
        let _ = writeln!(text, "  {option} \\");
    }
    // No line of indented JSON is this word alone.
    let _ = writeln!(text, "  -H 'Content-Type: application/json' \\\n  --data-binary @- <<'REQUEST'\n{json}\nREQUEST");
    Some(Code { text, secrets })
}

/// The same as a program in Python.
#[must_use]
pub fn python(trace: &AssembledTrace, call: usize) -> Option<Code> {
    let (of, api, body) = body_of(trace, call)?;
    let mut value = body.value;
    // Here the model is an argument like the others.
    if let (Api::Converse, Value::Map(entries)) = (&api, &mut value) {
        entries.insert(0, ("modelId".to_owned(), of.model.as_deref().unwrap_or_default().into()));
    }
    let (request, secrets) = secrets::hide(&python::literal(&value));
    let mut text = comments(&body.left_out);
    let (head, tail) = api.program();
    let _ = writeln!(text, "{head}\nrequest = {request}\n{tail}");
    Some(Code { text, secrets })
}

fn body_of(trace: &AssembledTrace, call: usize) -> Option<(&ModelCall, Api, Body)> {
    let of = trace.calls.get(call)?;
    let sent = trace.sent(call);
    if sent.is_empty() {
        return None;
    }
    let api = Api::of(of);
    let conversation = Conversation::of(sent.into_iter().map(AsRef::as_ref), &of.request.tools);
    let body = match api {
        Api::Converse => converse::body(of, &conversation),
        Api::Messages => messages::body(of, &conversation),
        Api::Chat(_) => chat::body(of, &conversation),
    };
    Some((of, api, body))
}

/// A line for each thing that is not in the request.
fn comments(left_out: &[String]) -> String {
    let lines = left_out.iter().map(|what| format!("# not sent again: {}\n", what.replace(char::is_control, " ")));
    lines.collect::<Vec<_>>().concat()
}

/// A map of entries that have a value.
fn map<const N: usize>(entries: [(&str, Option<Value>); N]) -> Value {
    Value::Map(entries.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect())
}

/// Parameters that go into a request under other names: the names that `known` gives, in its order; all others are left
/// out, and named.
fn parameters(of: &ModelCall, known: &[(&str, &str)], left_out: &mut Vec<String>) -> Vec<(String, Value)> {
    let found = known.iter().filter_map(|(name, theirs)| {
        let value = of.parameters.iter().find(|(own, _)| own == name).map(|(_, value)| value)?;
        Some(((*theirs).to_owned(), value.clone()))
    });
    // What says only how it was asked, and changes no answer.
    let silent = ["stream", "is_stream", "streaming", "model", "encoding_formats"];
    let others = of.parameters.iter().map(|(name, _)| name.as_str());
    let others = others.filter(|name| !silent.contains(name) && !known.iter().any(|(own, _)| own == name));
    left_out.extend(others.map(|name| format!("parameter {name}")));
    found.filter(|(_, value)| !value.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::{
        Content, Media, MediaData, MediaKind, Message, Part, Request, Role, SpanId, Timestamp, ToolCall,
        ToolDefinition, ToolResult, TraceId,
    };

    fn trace(provider: &str, model: &str) -> AssembledTrace {
        let call = ToolCall {
            id: Some("c1".into()),
            item_id: None,
            name: "weather".into(),
            input: Value::Map(vec![("city".into(), "Oslo".into()), ("api_key".into(), "hunter2".into())]),
            server_side: false,
        };
        let result =
            ToolResult { call_id: Some("c1".into()), name: None, is_error: None, content: vec![Part::text("4°")] };
        let picture = Media { kind: MediaKind::Image, mime: None, name: None, data: MediaData::Absent };
        let messages = [
            Message::text(Role::System, "Be brief."),
            Message::new(Role::User, vec![Part::text("How is it?"), Part::new(Content::Media(picture))]),
            Message::new(Role::Assistant, vec![Part::text("I look."), Part::new(Content::Call(call))]),
            Message::new(Role::Tool, vec![Part::new(Content::Result(result))]),
        ];
        let tool = ToolDefinition {
            name: "weather".into(),
            description: Some("Says it".into()),
            parameters: Some(json::parse(r#"{"type":"object","properties":{}}"#).unwrap()),
        };
        let request = Request {
            rest: messages.into_iter().map(Arc::new).collect(),
            tools: Arc::from([tool]),
            ..Request::default()
        };
        let parameters = vec![("max_tokens".into(), Value::Int(100)), ("strange".into(), Value::Bool(true))];
        let of = ModelCall {
            provider: Some(provider.into()),
            model: Some(model.into()),
            parameters,
            request,
            ..ModelCall::sample(SpanId::from_bytes(&[2; 8]).unwrap(), Timestamp(1))
        };
        let id = TraceId::from_bytes(&[1; 16]).unwrap();
        AssembledTrace { calls: vec![of], ..AssembledTrace::sample(id, Timestamp(1)) }
    }

    #[test]
    fn bedrock_is_called_by_converse() {
        let code = python(&trace("aws.bedrock", "anthropic.claude-3-haiku"), 0).unwrap();
        for expected in [
            "# not sent again: 1 image\n# not sent again: parameter strange\n",
            "import boto3",
            r#""modelId": "anthropic.claude-3-haiku""#,
            r#""toolUseId": "c1""#,
            r#""inferenceConfig": {"#,
            r#""maxTokens": 100"#,
            r#""api_key": "REDACTED""#,
            "client.converse(**request)",
        ] {
            assert!(code.text.contains(expected), "{expected}\n{}", code.text);
        }
        assert_eq!(code.secrets, 1);
        let shell = curl(&trace("aws.bedrock", "a:b'$(x)"), 0).unwrap().text;
        assert!(shell.contains("/model/a%3Ab%27%24%28x%29/converse"), "{shell}");
        assert!(shell.contains("--aws-sigv4") && !shell.contains("hunter2"));
    }

    #[test]
    fn anthropic_and_openai_are_called_in_their_own_forms() {
        let code = python(&trace("anthropic", "claude-sonnet-4-5"), 0).unwrap().text;
        for expected in
            [r#""system": "Be brief.""#, r#""type": "tool_use""#, r#""tool_use_id": "c1""#, "client.messages.create"]
        {
            assert!(code.contains(expected), "{expected}\n{code}");
        }
        let code = curl(&trace("openai", "gpt-4o"), 0).unwrap().text;
        for expected in [
            "https://api.openai.com/v1/chat/completions",
            "\"Authorization: Bearer $OPENAI_API_KEY\"",
            r#""tool_call_id": "c1""#,
            r#""max_tokens": 100"#,
        ] {
            assert!(code.contains(expected), "{expected}\n{code}");
        }
    }

    #[test]
    fn a_call_whose_messages_are_not_known_is_not_made_again() {
        let mut trace = trace("openai", "gpt-4o");
        trace.calls[0].request = Request::default();
        assert_eq!((curl(&trace, 0), python(&trace, 0), curl(&trace, 7)), (None, None, None));
    }
}
