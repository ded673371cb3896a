//! Which switch of an instrumentation is off where something is missing: messages, tokens, a session.
//!
//! One table for the screen and for `doctor`. What a row says is documented by the instrumentation itself or was seen
//! in its telemetry; where neither is known, [`ANY`] stands.

/// What an instrumentation has to be told before it records all that can be shown. Each text is an instruction.
#[derive(Debug)]
pub struct RecordingHints {
    /// Beginnings of the names of its scopes.
    scopes: &'static [&'static str],
    /// The framework it is known by where a program gives its scope another name.
    framework: &'static str,
    /// What brings its model calls, where there may be none though all is well with it.
    pub calls: Option<&'static str>,
    /// What turns messages on.
    pub messages: &'static str,
    /// What makes streams report their tokens.
    pub usage: &'static str,
    /// What names the session.
    pub session: &'static str,
}

/// What holds for an instrumentation that is not in the table.
const ANY: RecordingHints = RecordingHints {
    scopes: &[],
    framework: "",
    calls: None,
    messages: "turn content on in your instrumentation; many take OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT=true",
    usage: "if these are streams of an OpenAI API, ask for it with stream_options={\"include_usage\": true}",
    session: "set the attribute session.id on a span of the trace",
};

const SIDESEAT: &str = "client.trace(\"NAME\", session_id=\"ID\")";
const EVENTS: &str = "set OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT=true and export the logs as well: the \
    messages are in them";
const LATEST: &str = "set OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT=span_and_event and \
    OTEL_SEMCONV_STABILITY_OPT_IN=gen_ai_latest_experimental";
const HIDDEN: &str = "unset OPENINFERENCE_HIDE_INPUTS, OPENINFERENCE_HIDE_OUTPUTS, OPENINFERENCE_HIDE_INPUT_MESSAGES \
    and OPENINFERENCE_HIDE_OUTPUT_MESSAGES, and the hide_… of a TraceConfig";
const USING: &str = "run it within `with using_session(\"ID\"):` from openinference.instrumentation";
const BAGGAGE: &str = "run it within `with logfire.set_baggage(**{\"session.id\": \"ID\"}):`, and let it through with \
    logfire.configure(scrubbing=False)";

/// The longest beginning that fits counts, then the first framework.
const HINTS: &[RecordingHints] = &[
    RecordingHints {
        scopes: &["sideseat"],
        framework: "sideseat",
        calls: Some("pip install 'sideseat[aws]': plain `sideseat` does not instrument Amazon Bedrock"),
        messages: "leave capture_content=True, the default of SideSeat(…)",
        session: SIDESEAT,
        ..ANY
    },
    RecordingHints {
        scopes: &["sideseat.aws"],
        messages: "leave capture_content=True, the default of SideSeat(…)",
        session: SIDESEAT,
        ..ANY
    },
    RecordingHints {
        scopes: &["strands.telemetry.tracer", "strands-agents"],
        framework: "strands",
        messages: "keep the span events, which hold the messages: raise OTEL_SPAN_EVENT_COUNT_LIMIT, look at collectors",
        session: "Agent(…, trace_attributes={\"session.id\": \"ID\"}); in TypeScript traceAttributes",
        ..ANY
    },
    RecordingHints {
        scopes: &["openinference.instrumentation.", "@arizeai/openinference-"],
        framework: "openinference",
        messages: HIDDEN,
        session: USING,
        ..ANY
    },
    RecordingHints {
        scopes: &["openinference.instrumentation.crewai"],
        framework: "crewai",
        calls: Some("instrument the model's library as well, with openinference-instrumentation-openai or -litellm"),
        messages: HIDDEN,
        session: USING,
        ..ANY
    },
    RecordingHints {
        scopes: &["openinference.instrumentation.openai_agents"],
        messages: "leave RunConfig(trace_include_sensitive_data=True), and unset OPENINFERENCE_HIDE_INPUTS and \
            OPENINFERENCE_HIDE_OUTPUTS",
        usage: "ModelSettings(include_usage=True)",
        session: USING,
        ..ANY
    },
    RecordingHints {
        scopes: &["openinference.instrumentation.langchain"],
        messages: HIDDEN,
        usage: "ChatOpenAI(…, stream_usage=True)",
        session: USING,
        ..ANY
    },
    RecordingHints {
        scopes: &["openinference.instrumentation.llama_index"],
        messages: HIDDEN,
        usage: "OpenAI(…, additional_kwargs={\"stream_options\": {\"include_usage\": True}})",
        session: USING,
        ..ANY
    },
    RecordingHints {
        scopes: &["opentelemetry.instrumentation.", "opentelemetry.instrumentation.openai_v2"],
        messages: EVENTS,
        ..ANY
    },
    RecordingHints {
        scopes: &[
            "opentelemetry.util.genai",
            "opentelemetry.instrumentation.genai",
            "opentelemetry.instrumentation.google_genai",
        ],
        messages: LATEST,
        ..ANY
    },
    RecordingHints {
        scopes: &[
            "traceloop.",
            "opentelemetry.instrumentation.openai",
            "opentelemetry.instrumentation.openai_agents",
            "opentelemetry.instrumentation.anthropic",
            "opentelemetry.instrumentation.bedrock",
            "opentelemetry.instrumentation.cohere",
            "opentelemetry.instrumentation.crewai",
            "opentelemetry.instrumentation.google_generativeai",
            "opentelemetry.instrumentation.groq",
            "opentelemetry.instrumentation.langchain",
            "opentelemetry.instrumentation.llamaindex",
            "opentelemetry.instrumentation.mistralai",
            "opentelemetry.instrumentation.ollama",
            "opentelemetry.instrumentation.together",
            "opentelemetry.instrumentation.watsonx",
        ],
        framework: "openllmetry",
        messages: "set TRACELOOP_TRACE_CONTENT=true, which is its default",
        usage: "if these are streams of an OpenAI API, ask for it with stream_options={\"include_usage\": true}; of \
            OpenLLMetry, 0.40 leaves it out all the same, and 0.62 does not",
        session: "Traceloop.set_association_properties({\"session_id\": \"ID\"})",
        ..ANY
    },
    // OpenLLMetry and OpenTelemetry give it one name.
    RecordingHints {
        scopes: &["opentelemetry.instrumentation.vertexai"],
        messages: "set TRACELOOP_TRACE_CONTENT=true if it is OpenLLMetry's; if it is OpenTelemetry's own, set \
            OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT=true and export the logs as well",
        ..ANY
    },
    RecordingHints {
        scopes: &["ai"],
        framework: "vercel-ai",
        messages: "experimental_telemetry: { isEnabled: true, recordInputs: true, recordOutputs: true }",
        usage: "createOpenAICompatible({ …, includeUsage: true })",
        session: "experimental_telemetry: { isEnabled: true, metadata: { sessionId: \"ID\" } }",
        ..ANY
    },
    RecordingHints {
        scopes: &["gen_ai"],
        messages: "leave recordInputs and recordOutputs of the AI SDK's telemetry settings on",
        usage: "createOpenAICompatible({ …, includeUsage: true })",
        session: "registerTelemetry(new OpenTelemetry({ runtimeContext: true })), and with each call telemetry: { \
            includeRuntimeContext: { sessionId: true } }, runtimeContext: { sessionId: \"ID\" }",
        ..ANY
    },
    RecordingHints {
        scopes: &["gcp.vertex.agent"],
        framework: "google-adk",
        messages: "set ADK_CAPTURE_MESSAGE_CONTENT_IN_SPANS=true; ADK 2 has the messages in logs only: set \
            OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT=true and export them as well, or set \
            ADK_TELEMETRY_SCHEMA_VERSION_OPT_IN=1",
        ..ANY
    },
    RecordingHints {
        scopes: &["pydantic-ai", "pydantic_ai"],
        framework: "pydantic-ai",
        messages: "Agent(…, instrument=InstrumentationSettings(include_content=True)); with event_mode='logs' export \
            the logs as well",
        session: "agent.run(…, conversation_id=\"ID\"); before there was one, metadata={\"session_id\": \"ID\"}",
        ..ANY
    },
    RecordingHints {
        scopes: &["logfire"],
        framework: "logfire",
        messages: "logfire.configure(scrubbing=False), if they were scrubbed",
        session: BAGGAGE,
        ..ANY
    },
    RecordingHints {
        scopes: &["logfire.openai_agents"],
        messages: "leave RunConfig(trace_include_sensitive_data=True)",
        usage: "ModelSettings(include_usage=True)",
        session: "run it within `with trace(\"NAME\", group_id=\"ID\"):` from agents",
        ..ANY
    },
    RecordingHints {
        scopes: &["agent_framework"],
        framework: "agent-framework",
        messages: "set ENABLE_SENSITIVE_DATA=true",
        ..ANY
    },
    RecordingHints {
        scopes: &["Microsoft.Agents.AI", "Experimental.Microsoft."],
        messages: ".UseOpenTelemetry(configure: options => options.EnableSensitiveData = true)",
        ..ANY
    },
    RecordingHints {
        scopes: &["Microsoft.SemanticKernel"],
        messages: "AppContext.SetSwitch(\"Microsoft.SemanticKernel.Experimental.GenAI.EnableOTelDiagnosticsSensitive\", true)",
        ..ANY
    },
    RecordingHints {
        scopes: &["semantic_kernel"],
        framework: "semantic-kernel",
        messages: "set SEMANTICKERNEL_EXPERIMENTAL_GENAI_ENABLE_OTEL_DIAGNOSTICS_SENSITIVE=true before it is imported",
        ..ANY
    },
    RecordingHints {
        scopes: &["azure.ai", "Azure.AI"],
        framework: "azure-ai",
        messages: "set AZURE_TRACING_GEN_AI_CONTENT_RECORDING_ENABLED=true; newer ones take \
            OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT=true",
        ..ANY
    },
    RecordingHints {
        scopes: &["autogen-core", "autogen "],
        framework: "autogen",
        calls: Some("add openinference-instrumentation-autogen-agentchat: AutoGen's own spans hold no model calls"),
        messages: "add openinference-instrumentation-autogen-agentchat: AutoGen's own spans hold no messages",
        ..ANY
    },
    RecordingHints {
        scopes: &["langsmith"],
        framework: "langchain",
        messages: "set LANGSMITH_HIDE_INPUTS=false and LANGSMITH_HIDE_OUTPUTS=false",
        usage: "ChatOpenAI(…, stream_usage=True)",
        session: "config={\"metadata\": {\"session_id\": \"ID\"}}",
        ..ANY
    },
    RecordingHints {
        scopes: &["langfuse-sdk"],
        framework: "langfuse",
        messages: "set LANGFUSE_OBSERVE_DECORATOR_IO_CAPTURE_ENABLED=true, and leave capture_input and capture_output of \
            @observe on",
        session: "run it within `with propagate_attributes(session_id=\"ID\"):` from langfuse",
        ..ANY
    },
    RecordingHints {
        scopes: &["openlit"],
        framework: "openlit",
        messages: "openlit.init(capture_message_content=True)",
        ..ANY
    },
    RecordingHints {
        scopes: &["com.anthropic.sdk"],
        messages: "add openinference-instrumentation-anthropic or opentelemetry-instrumentation-anthropic: the SDK's own \
            spans never hold messages",
        ..ANY
    },
    RecordingHints {
        scopes: &["com.anthropic.claude_code"],
        framework: "claude-code",
        messages: "set OTEL_LOG_USER_PROMPTS=1, OTEL_LOG_ASSISTANT_RESPONSES=1, OTEL_LOG_TOOL_DETAILS=1, \
            OTEL_LOG_TOOL_CONTENT=1 and OTEL_LOGS_EXPORTER=otlp: the messages are in the logs",
        ..ANY
    },
    RecordingHints {
        scopes: &["codex"],
        framework: "codex",
        messages: "in config.toml, under [otel], log_user_prompt = true and an exporter for the logs",
        ..ANY
    },
    RecordingHints {
        scopes: &["gemini-cli"],
        framework: "gemini-cli",
        messages: "in settings.json, under \"telemetry\", \"logPrompts\": true; or GEMINI_TELEMETRY_LOG_PROMPTS=true",
        ..ANY
    },
];

/// The row for an instrumentation, by its scope's name, else by its framework.
#[must_use]
pub fn recording_hints(scope: &str, framework: Option<&str>) -> &'static RecordingHints {
    let by_scope = HINTS.iter().flat_map(|row| row.scopes.iter().map(move |begins| (begins, row)));
    let fitting = by_scope.filter(|(begins, _)| begins_with(scope, begins));
    let by_framework = || HINTS.iter().find(|row| !row.framework.is_empty() && framework == Some(row.framework));
    let longest = fitting.max_by_key(|(begins, _)| begins.len()).map(|(_, row)| row);
    longest.or_else(by_framework).unwrap_or(&ANY)
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
            assert_eq!(recording_hints(scope, None).messages, ANY.messages, "{scope}");
        }
    }

    #[test]
    fn where_the_scope_has_a_name_of_its_own_the_framework_tells() {
        assert!(recording_hints("my-app", Some("vercel-ai")).messages.contains("recordInputs"));
        assert!(recording_hints("ai", Some("langfuse")).messages.contains("recordInputs"), "the scope knows better");
    }

    #[test]
    fn no_scope_is_in_two_rows() {
        let mut scopes: Vec<_> = HINTS.iter().flat_map(|row| row.scopes).collect();
        let all = scopes.len();
        scopes.sort_unstable();
        scopes.dedup();
        assert_eq!(scopes.len(), all);
    }
}
