//! Azure's AI SDKs: they write `genai-2`, with the message in an attribute (`sdks.md` 10).

use super::{Dialect, FactRow, Field, Framework, How, RecordingHints};

pub const DIALECT: Dialect = Dialect {
    name: "azure-ai",
    facts: &[FactRow::of(Field::Provider, How::Text, &["az.ai.inference.model_provider"])],
    frameworks: &[Framework {
        label: "azure-ai",
        rank: 320,
        scopes: &["azure.ai.agents", "azure.ai.projects", "Azure.AI.Agents", "Azure.AI.Projects"],
        keys: &["az.ai."],
        providers: &["az.ai.agents"],
        ..Framework::PLAIN
    }],
    recording_hints: &[RecordingHints {
        scopes: &["azure.ai", "Azure.AI"],
        framework: "azure-ai",
        messages: "set AZURE_TRACING_GEN_AI_CONTENT_RECORDING_ENABLED=true; newer ones take \
            OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT=true",
        ..RecordingHints::ANY
    }],
    ..Dialect::PLAIN
};
