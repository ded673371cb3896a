//! LangGraph, whose spans the instrumentations of LangChain make, nodes of its graphs among them.

use super::{Dialect, FactRow, Failures, Field, Framework, How, Refinement};
use crate::model::{Attributes, Source};

pub const DIALECT: Dialect = Dialect {
    name: "langgraph",
    is_plumbing: Some(is_plumbing),
    facts: &[FactRow::of(Field::Session, How::Id, &["langgraph.thread_id"])],
    session_metadata: &["langgraph_thread_id"],
    failures: Failures {
        // To wait for a person, and to hand over to another graph.
        control_exceptions: &["GraphInterrupt", "NodeInterrupt", "ParentCommand", "GraphBubbleUp"],
        ..Failures::SHARED
    },
    frameworks: &[Framework {
        label: "langgraph",
        rank: 130,
        scopes: &["opentelemetry.instrumentation.langgraph"],
        keys: &["langgraph."],
        names: &["LangGraph"],
        refines: Some(Refinement { labels: &["langchain", "openinference", "openllmetry"], is_finer: is_node }),
        providers: &["langgraph"],
        ..Framework::PLAIN
    }],
    ..Dialect::PLAIN
};

/// Whether the metadata of a span names the node of a graph.
fn is_node(attributes: &Attributes) -> bool {
    attributes.has_prefix("traceloop.association.properties.langgraph_")
        || attributes.has_prefix("langsmith.metadata.langgraph_")
        || attributes.str("metadata").is_some_and(|metadata| metadata.contains("langgraph_"))
}

/// Beginnings of the names that `LangChain` and `LangGraph` give to runnables and channels.
const RUNNABLES: &[&str] =
    &["Runnable", "ChannelWrite", "ChannelRead", "Branch<", "_write", "__start__", "__end__", "Unnamed"];

/// Ends of the names of classes that only prepare a prompt or read an answer.
const FORMATS: &[&str] = &["Prompt", "PromptTemplate", "OutputParser"];

/// Nodes and conditions of the agents that come with both, and whoever copied them. The model calls and tools beneath have
/// spans of their own.
const NODES: &[&str] = &[
    "agent",
    "call_model",
    "call_tool",
    "call_tools",
    "model",
    "model_request",
    "should_continue",
    "tools",
    "tools_condition",
];

/// Methods of middleware, each of which is a node or a chain: `NAME.before_model`.
const HOOKS: &[&str] =
    &[".after_agent", ".after_model", ".before_agent", ".before_model", ".wrap_model_call", ".wrap_tool_call"];

/// Whether a span is of a runnable or a node that nobody named, or of a condition: a function beneath a node whose result
/// is the name of the next one.
fn is_plumbing(source: &Source) -> bool {
    let scope = source.scope.name.as_str();
    if !(scope.ends_with("langchain") || scope.ends_with("langgraph") || scope == "langsmith") {
        return false;
    }
    let name = source.name.strip_prefix("execute_task ").unwrap_or(source.name);
    let name = name.strip_suffix(".task").or_else(|| name.strip_suffix(".workflow")).unwrap_or(name);
    name == "LangGraph"
        || RUNNABLES.iter().any(|start| name.starts_with(start))
        || FORMATS.iter().any(|end| name.ends_with(end))
        || HOOKS.iter().any(|end| name.ends_with(end))
        || (is_node(source.attributes) && (NODES.contains(&name) || is_condition(source)))
}

/// The instrumentation writes the metadata of a run as JSON, and its result as it is.
fn is_condition(source: &Source) -> bool {
    let text = |key| source.attributes.str(key).unwrap_or_default();
    let is_word = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || "_-".contains(c));
    let node =
        text("metadata").split_once("\"langgraph_node\":").map(|(_, rest)| rest.trim_start().trim_start_matches('"'));
    let beneath = node.is_some_and(|node| !node.strip_prefix(source.name).is_some_and(|rest| rest.starts_with('"')));
    beneath && is_word(text("output.value"))
}

#[cfg(test)]
mod tests {
    use super::super::sample::Sample;

    fn is_plumbing(scope: &str, name: &str, output: &str) -> bool {
        let metadata = r#"{"langgraph_step": 1, "langgraph_node": "assistant"}"#;
        let marks = [("openinference.span.kind", "CHAIN"), ("metadata", metadata), ("output.value", output)];
        Sample::span(name).scope(scope).with(&marks).translate().plumbing
    }

    #[test]
    fn runnables_conditions_and_the_nodes_of_prebuilt_agents_are_plumbing() {
        for scope in ["openinference.instrumentation.langchain", "@arizeai/openinference-instrumentation-langchain"] {
            for name in [
                "RunnableSequence",
                "ChatPromptTemplate",
                "StrOutputParser",
                "ChannelWrite<messages>",
                "LangGraph",
                "should_continue",
                "model",
                "audit.before_model",
                "execute_task tools_condition",
                "RunnableSequence.task",
            ] {
                assert!(is_plumbing(scope, name, "{}"), "{scope} {name}");
            }
            assert!(is_plumbing(scope, "route_question", "web_search"));
        }
    }

    #[test]
    fn nodes_and_functions_that_people_named_are_not() {
        let scope = "openinference.instrumentation.langchain";
        for (name, output) in
            [("assistant", "{}"), ("assistant", "done"), ("grade_documents", "{}"), ("format_docs", "Two of them.")]
        {
            assert!(!is_plumbing(scope, name, output), "{name}");
        }
        assert!(!is_plumbing("my.tracer", "RunnableSequence", "{}"));
    }
}
