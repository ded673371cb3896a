//! Why there are no messages where there should be some, and which switch turns them on.

use std::{collections::BTreeSet, sync::Arc};

use crate::model::{Assembled, Category, Missing, StatusCode, TraceRows};

/// How each instrumentation is told to record what was said, by the beginning of its scope's name; the
/// longest that fits counts.
const SWITCHES: &[(&str, &str)] = &[
    ("opentelemetry.instrumentation.", "set OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT=true"),
    ("opentelemetry.util.genai", "set OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT=true"),
    (
        "opentelemetry.instrumentation.google_genai",
        "set OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT=true and \
         OTEL_SEMCONV_STABILITY_OPT_IN=gen_ai_latest_experimental",
    ),
    ("traceloop.", "set TRACELOOP_TRACE_CONTENT=true"),
    ("openinference.instrumentation.", "unset OPENINFERENCE_HIDE_INPUTS and OPENINFERENCE_HIDE_OUTPUTS"),
    ("@arizeai/openinference-", "unset OPENINFERENCE_HIDE_INPUTS and OPENINFERENCE_HIDE_OUTPUTS"),
    ("ai", "leave recordInputs and recordOutputs of the AI SDK's telemetry settings on"),
    ("gen_ai", "leave recordInputs and recordOutputs of the AI SDK's telemetry settings on"),
    ("gcp.vertex.agent", "set ADK_CAPTURE_MESSAGE_CONTENT_IN_SPANS=true, or export the logs as well"),
    ("pydantic-ai", "use InstrumentationSettings(include_content=True)"),
    ("pydantic_ai", "use InstrumentationSettings(include_content=True)"),
    ("agent_framework", "set ENABLE_SENSITIVE_DATA=true"),
    ("Microsoft.Agents.AI", "turn EnableSensitiveData on"),
    ("Microsoft.SemanticKernel", "turn Microsoft.SemanticKernel.Experimental.GenAI.EnableOTelDiagnosticsSensitive on"),
    ("semantic_kernel", "set SEMANTICKERNEL_EXPERIMENTAL_GENAI_ENABLE_OTEL_DIAGNOSTICS_SENSITIVE=true"),
    ("azure.ai", "set AZURE_TRACING_GEN_AI_CONTENT_RECORDING_ENABLED=true"),
    ("Azure.AI", "set AZURE_TRACING_GEN_AI_CONTENT_RECORDING_ENABLED=true"),
    ("langsmith", "set LANGSMITH_HIDE_INPUTS=false and LANGSMITH_HIDE_OUTPUTS=false"),
    ("mlflow", "leave log_traces of mlflow's autologging on"),
    ("com.anthropic.claude_code", "set OTEL_LOG_USER_PROMPTS=1 and export the logs as well"),
    ("openlit", "call openlit.init(capture_message_content=True)"),
    ("com.anthropic.sdk", "these spans never hold messages: add an instrumentation that does"),
];

/// What to do where the instrumentation is not one of those.
const ANY: &str =
    "set OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT=true, or whatever turns content on in your instrumentation";

/// The instrumentation scopes whose model calls came without any message.
///
/// Asked of the rows before they are assembled, since what is shown of a call does not name its scope.
pub fn wordless(traces: &[TraceRows]) -> BTreeSet<String> {
    let mut scopes = BTreeSet::new();
    for trace in traces {
        let heard: BTreeSet<_> =
            trace.logs.iter().filter(|log| !log.translation.readings.is_empty()).filter_map(|log| log.span).collect();
        for row in &trace.spans {
            let is_call = row.translation.genai.category == Category::Llm && row.status.code != StatusCode::Error;
            if is_call && row.translation.readings.is_empty() && !heard.contains(&row.id) {
                scopes.insert(row.scope_name.clone());
            }
        }
    }
    scopes
}

/// Why some traces show no messages, if that needs explaining: `scopes` are those of [`wordless`] calls.
pub fn missing(assembled: &[Arc<Assembled>], scopes: &BTreeSet<String>) -> Option<Missing> {
    if assembled.is_empty() || assembled.iter().any(|trace| !trace.threads.is_empty()) {
        return None;
    }
    if assembled.iter().all(|trace| trace.only_sideseat_roots) {
        return Some(Missing::OnlySideseatRoots);
    }
    let mut calls = assembled.iter().flat_map(|trace| &trace.calls);
    // A call that failed may have had nothing to tell.
    calls.any(|call| call.category == Category::Llm && call.failure.is_none() && call.ended.is_some()).then(|| {
        let switches: BTreeSet<&str> = scopes.iter().map(|scope| switch(scope)).collect();
        let all: Vec<&str> = if switches.is_empty() { vec![ANY] } else { switches.into_iter().collect() };
        Missing::NoContent(all.join("; "))
    })
}

fn switch(scope: &str) -> &'static str {
    let fits = SWITCHES.iter().filter(|(begins, _)| match scope.strip_prefix(begins) {
        // A whole word: `ai` is not the beginning of `airflow`.
        Some(rest) => {
            rest.is_empty() || !begins.ends_with(char::is_alphanumeric) || !rest.starts_with(char::is_alphanumeric)
        }
        None => false,
    });
    fits.max_by_key(|(begins, _)| begins.len()).map_or(ANY, |(_, switch)| switch)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_instrumentation_has_its_own_switch() {
        assert!(switch("opentelemetry.instrumentation.openai_v2").contains("CAPTURE_MESSAGE_CONTENT"));
        assert!(switch("opentelemetry.instrumentation.google_genai").contains("STABILITY_OPT_IN"));
        assert!(switch("openinference.instrumentation.langchain").contains("OPENINFERENCE_HIDE_INPUTS"));
        assert!(switch("ai").contains("recordInputs"));
        assert_eq!(switch("airflow"), ANY);
        assert_eq!(switch("my.own.tracer"), ANY);
    }
}
