//! LangGraph, whose spans the instrumentations of LangChain make, nodes of its graphs among them.

use super::{Dialect, FactRow, Failures, Field, Framework, How, Refinement};
use crate::model::Attributes;

pub const DIALECT: Dialect = Dialect {
    name: "langgraph",
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
