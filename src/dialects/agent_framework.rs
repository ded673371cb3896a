//! Microsoft's Agent Framework, for Python and .NET: it writes `genai-3` (`sdks.md` 10).

use super::{Dialect, Framework, RecordingHints};

pub const DIALECT: Dialect = Dialect {
    name: "agent-framework",
    frameworks: &[Framework {
        label: "agent-framework",
        rank: 190,
        scopes: &["agent_framework", "Microsoft.Agents.AI"],
        keys: &["agent_framework."],
        providers: &["microsoft.agent_framework", "agent_framework"],
        is_service: Some(|name| name.contains("agent-framework-core")),
        ..Framework::PLAIN
    }],
    recording_hints: &[
        RecordingHints {
            scopes: &["agent_framework"],
            framework: "agent-framework",
            messages: "set ENABLE_SENSITIVE_DATA=true",
            ..RecordingHints::ANY
        },
        RecordingHints {
            scopes: &["Microsoft.Agents.AI", "Experimental.Microsoft."],
            messages: ".UseOpenTelemetry(configure: options => options.EnableSensitiveData = true)",
            ..RecordingHints::ANY
        },
    ],
    ..Dialect::PLAIN
};
