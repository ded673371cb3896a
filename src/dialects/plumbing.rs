//! Which spans are plumbing ([`Translation::plumbing`](crate::model::Translation::plumbing)): what dialects know of their
//! own senders, and what holds for the instrumentations of libraries.

use super::DIALECTS;
use crate::model::{Category, GenAi, Source};

/// Beginnings of the scopes of `OpenTelemetry`'s instrumentations of libraries, in Python, JavaScript and Java.
const INSTRUMENTATIONS: &[&str] =
    &["opentelemetry.instrumentation.", "@opentelemetry/instrumentation-", "io.opentelemetry."];

/// Whether a span is plumbing. `genai` holds all of its facts.
pub fn is_plumbing(source: &Source, genai: &GenAi) -> bool {
    // A delivery may stand for the model call that made its message.
    if genai.delivery.is_some() {
        return false;
    }
    let by_dialect =
        || DIALECTS.iter().any(|dialect| dialect.is_plumbing.is_some_and(|is_plumbing| is_plumbing(source)));
    match genai.category {
        Category::Span => is_of_library(source) || by_dialect(),
        Category::Chain => by_dialect(),
        Category::Llm
        | Category::Embedding
        | Category::Reranker
        | Category::Retriever
        | Category::Tool
        | Category::Agent
        | Category::Guardrail
        | Category::Evaluator
        | Category::Http
        | Category::Db
        | Category::Messaging => false,
    }
}

/// Whether an instrumentation made a span of no kind beside those of requests and queries (`GET / http send`,
/// `middleware - jsonParser`), or it is a message of MCP that is no call.
fn is_of_library(source: &Source) -> bool {
    INSTRUMENTATIONS.iter().any(|scope| source.scope.name.starts_with(scope))
        || source.attributes.has("mcp.method.name")
}

#[cfg(test)]
mod tests {
    use super::super::sample::Sample;

    #[test]
    fn what_people_named_is_no_plumbing() {
        for name in ["RunnableSequence", "invocation", "step 1", "turn", "Step 1", "call_llm", "message.send"] {
            assert!(!Sample::span(name).scope("my.tracer").translate().plumbing, "{name}");
        }
        let stated = Sample::span("turn").scope("my.tracer").with(&[("openinference.span.kind", "CHAIN")]);
        assert!(!stated.translate().plumbing);
    }

    #[test]
    fn what_a_library_does_beside_its_requests_is_plumbing() {
        let send = Sample::span("GET /x http send").scope("opentelemetry.instrumentation.asgi");
        assert!(send.with(&[("asgi.event.type", "http.response.body")]).translate().plumbing);
        let request = Sample::span("GET /x").scope("opentelemetry.instrumentation.asgi");
        assert!(!request.with(&[("http.request.method", "GET")]).translate().plumbing, "it is one of HTTP");
        let of_mcp =
            |method: &str| Sample::span("x").scope("mcp").with(&[("mcp.method.name", method)]).translate().plumbing;
        assert!(of_mcp("initialize"));
        assert!(!of_mcp("tools/call"));
    }

    #[test]
    fn machinery_of_each_framework_is_plumbing() {
        for (scope, name, key, value) in [
            ("strands.telemetry.tracer", "execute_event_loop_cycle", "event_loop.cycle_id", "c"),
            ("strands-agents", "execute_agent_loop_cycle", "agent_loop.cycle_id", "c"),
            ("gcp.vertex.agent", "invocation", "a", "b"),
            ("gen_ai", "step 2", "gen_ai.operation.name", "agent_step"),
            ("openinference.instrumentation.openai_agents", "turn", "openinference.span.kind", "CHAIN"),
            ("logfire.openai_agents", "Turn {turn} for agent x", "sdk_span_type", "turn"),
            ("openinference.instrumentation.smolagents", "Step 1", "openinference.span.kind", "CHAIN"),
            (
                "openinference.instrumentation.llama_index",
                "BaseWorkflowAgent.call_tool",
                "openinference.span.kind",
                "CHAIN",
            ),
            ("pydantic-ai", "running tools", "tools", "[]"),
            ("autogen SingleThreadedAgentRuntime", "autogen ack", "messaging.operation", "receive"),
            ("agent_framework", "message.send", "message.type", "standard"),
            ("agent_framework", "executor.process a", "executor.type", "AgentExecutor"),
            ("crewai.telemetry", "Crew Created", "crew_key", "k"),
            ("semantic_kernel.connectors", "AutoFunctionInvocationLoop", "sk.available_functions", "f"),
            ("livekit-agents", "agent_speaking", "lk.x", "y"),
            ("gemini-cli", "schedule_tool_calls", "gen_ai.operation.name", "schedule_tool_calls"),
            ("codex_exec", "append_items", "thread.id", "1"),
            (
                "com.anthropic.claude_code.tracing",
                "claude_code.tool.blocked_on_user",
                "span.type",
                "tool.blocked_on_user",
            ),
        ] {
            let read = Sample::span(name).scope(scope).with(&[(key, value)]).translate();
            assert!(read.plumbing, "{scope} {name} {:?}", read.genai.category);
        }
    }

    #[test]
    fn steps_that_people_wrote_with_a_framework_are_no_plumbing() {
        for (scope, name, key, value) in [
            ("openinference.instrumentation.llama_index", "MyFlow.ask", "openinference.span.kind", "CHAIN"),
            ("agent_framework", "executor.process a", "executor.type", "Uppercase"),
            ("logfire.openai_agents", "OpenAI Agents trace: {name}", "name", "Support"),
            ("traceloop.tracer", "ask.task", "traceloop.span.kind", "task"),
        ] {
            assert!(!Sample::span(name).scope(scope).with(&[(key, value)]).translate().plumbing, "{scope} {name}");
        }
    }
}
