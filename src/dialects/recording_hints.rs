//! Which switch of an instrumentation is off where something is missing: messages, tokens, a session.
//!
//! For the screen and for `doctor`. What is in a dialect's row is documented by the instrumentation itself or was seen in
//! its telemetry; where neither is known, [`RecordingHints::ANY`] stands.

use super::DIALECTS;

/// What has to be done so that an instrumentation records all that can be shown. Each text is an instruction.
#[derive(Debug)]
pub struct RecordingHints {
    /// Beginnings of the names of its scopes, by whole words. No two rows have the same.
    pub(super) scopes: &'static [&'static str],
    /// The label of the framework by which it is known where a program gives its scope another name, else empty.
    pub(super) framework: &'static str,
    /// What brings its model calls, where there may be none though all is well with it.
    pub calls: Option<&'static str>,
    /// What turns messages on.
    pub messages: &'static str,
    /// What makes streams report their tokens.
    pub usage: &'static str,
    /// What names the session.
    pub session: &'static str,
}

impl RecordingHints {
    /// What holds for any instrumentation.
    pub(super) const ANY: Self = Self {
        scopes: &[],
        framework: "",
        calls: None,
        messages: "turn content on in your instrumentation; many take \
            OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT=true",
        usage: "if these are streams of an OpenAI API, ask for it with stream_options={\"include_usage\": true}",
        session: "set the attribute session.id on a span of the trace",
    };
}

/// The row for an instrumentation: that with the longest fitting beginning of its scope's name, else that of its
/// framework, else what holds for any.
#[must_use]
pub fn recording_hints(scope: &str, framework: Option<&str>) -> &'static RecordingHints {
    const ANY: &RecordingHints = &RecordingHints::ANY;
    let rows = || DIALECTS.iter().flat_map(|dialect| dialect.recording_hints);
    let by_scope = rows().flat_map(|row| row.scopes.iter().map(move |begins| (begins, row)));
    let fitting = by_scope.filter(|(begins, _)| begins_with(scope, begins));
    let by_framework = || rows().find(|row| !row.framework.is_empty() && framework == Some(row.framework));
    let longest = fitting.max_by_key(|(begins, _)| begins.len()).map(|(_, row)| row);
    longest.or_else(by_framework).unwrap_or(ANY)
}

/// By whole words: `ai` is not the beginning of `airflow`.
fn begins_with(scope: &str, begins: &str) -> bool {
    let Some(rest) = scope.strip_prefix(begins) else { return false };
    !begins.ends_with(char::is_alphanumeric) || !rest.starts_with(char::is_alphanumeric)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_instrumentation_has_its_own_switch() {
        for (scope, says) in [
            ("opentelemetry.instrumentation.openai_v2", "CAPTURE_MESSAGE_CONTENT=true"),
            ("opentelemetry.instrumentation.botocore.bedrock-runtime", "CAPTURE_MESSAGE_CONTENT=true"),
            ("opentelemetry.instrumentation.genai.openai", "gen_ai_latest_experimental"),
            ("opentelemetry.util.genai.handler", "gen_ai_latest_experimental"),
            ("opentelemetry.instrumentation.google_genai", "gen_ai_latest_experimental"),
            ("opentelemetry.instrumentation.google_generativeai", "TRACELOOP_TRACE_CONTENT"),
            ("opentelemetry.instrumentation.openai.v1", "TRACELOOP_TRACE_CONTENT"),
            ("openinference.instrumentation.langchain", "OPENINFERENCE_HIDE_INPUTS"),
            ("com.anthropic.claude_code.tracing", "OTEL_LOG_USER_PROMPTS=1"),
            ("com.anthropic.sdk.python", "never hold messages"),
            ("autogen SingleThreadedAgentRuntime", "autogen-agentchat"),
            ("Microsoft.Agents.AI.Workflows", "EnableSensitiveData"),
            ("codex_exec", "log_user_prompt"),
            ("ai", "recordInputs"),
        ] {
            assert!(
                recording_hints(scope, None).messages.contains(says),
                "{scope}: {}",
                recording_hints(scope, None).messages
            );
        }
        for scope in ["airflow", "my.own.tracer", ""] {
            assert_eq!(recording_hints(scope, None).messages, RecordingHints::ANY.messages, "{scope}");
        }
    }

    #[test]
    fn where_the_scope_has_a_name_of_its_own_the_framework_tells() {
        assert!(recording_hints("my-app", Some("vercel-ai")).messages.contains("recordInputs"));
        assert!(recording_hints("ai", Some("langfuse")).messages.contains("recordInputs"), "the scope knows better");
    }

    #[test]
    fn no_scope_is_in_two_rows() {
        let mut scopes: Vec<_> =
            DIALECTS.iter().flat_map(|dialect| dialect.recording_hints).flat_map(|row| row.scopes).collect();
        let all = scopes.len();
        scopes.sort_unstable();
        scopes.dedup();
        assert_eq!(scopes.len(), all);
    }
}
