//! Microsoft's Agent Framework, for Python and .NET: it writes `genai-3` (`sdks.md` 10).

use super::{Dialect, Framework, RecordingHints};
use crate::model::Source;

pub const DIALECT: Dialect = Dialect {
    name: "agent-framework",
    is_plumbing: Some(is_plumbing),
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

/// Whether a span is of a workflow's making and of what is passed along its edges, or wraps an agent, which has a span of
/// its own. Executors that people wrote have types of their own.
fn is_plumbing(source: &Source) -> bool {
    let is_built_in = |kind: &str| kind == "AgentExecutor" || kind.starts_with('_') || kind.starts_with("Internal");
    source.scope.name == "agent_framework"
        && (["message.send", "workflow.build"].contains(&source.name)
            || source.name.starts_with("edge_group.process")
            || source.attributes.str("executor.type").is_some_and(is_built_in))
}
