//! What the screen of an empty store says to do, so that what is drawn and what is copied are one text.

use super::event::Listening;
use crate::keymap::Action;

/// Which way of sending spans the first-run screen explains.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sdk {
    #[default]
    Sideseat,
    Strands,
    Langgraph,
    Openai,
    Other,
}

impl Sdk {
    pub const ALL: [Self; 5] = [Self::Sideseat, Self::Strands, Self::Langgraph, Self::Openai, Self::Other];

    /// As the row of choices names it.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Sideseat => "SideSeat, Bedrock",
            Self::Strands => "Strands",
            Self::Langgraph => "LangGraph",
            Self::Openai => "OpenAI Agents",
            Self::Other => "any other",
        }
    }

    /// The same where there is little room.
    #[must_use]
    pub fn short(self) -> &'static str {
        match self {
            Self::Sideseat => "SideSeat",
            Self::Openai => "OpenAI",
            Self::Other => "other",
            sdk => sdk.title(),
        }
    }

    #[must_use]
    pub fn of(action: Action) -> Option<Self> {
        match action {
            Action::SdkSideseat => Some(Self::Sideseat),
            Action::SdkStrands => Some(Self::Strands),
            Action::SdkLanggraph => Some(Self::Langgraph),
            Action::SdkOpenai => Some(Self::Openai),
            Action::SdkOther => Some(Self::Other),
            _ => None,
        }
    }
}

/// What runs someone's program so that its spans come here.
#[must_use]
pub fn command() -> &'static str {
    "sideseat-tui run -- python my_agent.py"
}

/// The lines that make an SDK send here, with the ports that are really bound.
#[must_use]
pub fn snippet(sdk: Sdk, listening: &[Listening]) -> Vec<String> {
    let port = |what: &str, usual: u16| {
        let bound = listening.iter().find(|listening| listening.what.eq_ignore_ascii_case(what));
        bound.map_or(usual, |listening| listening.port)
    };
    let (http, sideseat) = (port("http", 4318), port("sideseat", 5388));
    let delay = "export OTEL_BSP_SCHEDULE_DELAY=200   # show spans after 0.2 s; the SDK's default waits 5 s".to_owned();
    let endpoint = format!("export OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:{http}");
    let content = "export OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT=true   # else spans come without text";
    match sdk {
        Sdk::Sideseat => {
            let mut lines = vec![
                "pip install 'sideseat[aws]'   # plain 'sideseat' sends only client.trace() roots, no model calls"
                    .to_owned(),
                delay,
            ];
            if sideseat != 5388 {
                lines.push(format!("export SIDESEAT_ENDPOINT=http://127.0.0.1:{sideseat}"));
            }
            lines.extend([
                String::new(),
                "from sideseat import SideSeat, Frameworks".to_owned(),
                format!(
                    "SideSeat(framework=Frameworks.Bedrock)   # sends to http://127.0.0.1:{sideseat}, which is here"
                ),
                "# your boto3 calls follow, unchanged".to_owned(),
            ]);
            lines
        }
        Sdk::Strands => vec![
            "pip install 'strands-agents[otel]'".to_owned(),
            delay,
            endpoint,
            String::new(),
            "from strands.telemetry import StrandsTelemetry".to_owned(),
            "StrandsTelemetry().setup_otlp_exporter()   # before the first Agent(…)".to_owned(),
        ],
        Sdk::Langgraph => vec![
            "pip install openinference-instrumentation-langchain opentelemetry-sdk \\".to_owned(),
            "    opentelemetry-exporter-otlp-proto-http".to_owned(),
            delay,
            endpoint,
            String::new(),
            "from openinference.instrumentation.langchain import LangChainInstrumentor".to_owned(),
            "from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter".to_owned(),
            "from opentelemetry.sdk.trace import TracerProvider".to_owned(),
            "from opentelemetry.sdk.trace.export import BatchSpanProcessor".to_owned(),
            "provider = TracerProvider()".to_owned(),
            "provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))".to_owned(),
            "LangChainInstrumentor().instrument(tracer_provider=provider)".to_owned(),
        ],
        Sdk::Openai => vec![
            "pip install openinference-instrumentation-openai-agents opentelemetry-sdk \\".to_owned(),
            "    opentelemetry-exporter-otlp-proto-http".to_owned(),
            delay,
            endpoint,
            String::new(),
            "from openinference.instrumentation.openai_agents import OpenAIAgentsInstrumentor".to_owned(),
            "from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter".to_owned(),
            "from opentelemetry.sdk.trace import TracerProvider".to_owned(),
            "from opentelemetry.sdk.trace.export import BatchSpanProcessor".to_owned(),
            "provider = TracerProvider()".to_owned(),
            "provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))".to_owned(),
            "OpenAIAgentsInstrumentor().instrument(tracer_provider=provider)".to_owned(),
        ],
        Sdk::Other => {
            let grpc = port("grpc", 4317);
            vec![
                endpoint,
                "export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf".to_owned(),
                format!("# or gRPC: http://127.0.0.1:{grpc} and OTEL_EXPORTER_OTLP_PROTOCOL=grpc"),
                delay,
                content.to_owned(),
                "# the base URL only: SDKs add /v1/traces themselves".to_owned(),
            ]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_trap_of_the_sideseat_sdk_is_said() {
        let lines = snippet(Sdk::Sideseat, &[]).join("\n");
        assert!(lines.contains("sideseat[aws]") && lines.contains(":5388"), "{lines}");
        assert!(!lines.contains("SIDESEAT_ENDPOINT"), "the default port needs no variable");
    }

    #[test]
    fn a_port_that_was_taken_is_not_in_what_is_copied() {
        let bound = |what: &str, port| Listening { what: what.into(), address: "127.0.0.1".into(), port, note: None };
        let listening = [bound("SideSeat", 5389), bound("HTTP", 4320), bound("gRPC", 4317)];
        assert!(snippet(Sdk::Sideseat, &listening).join("\n").contains("SIDESEAT_ENDPOINT=http://127.0.0.1:5389"));
        for sdk in [Sdk::Strands, Sdk::Langgraph, Sdk::Openai, Sdk::Other] {
            assert!(snippet(sdk, &listening).join("\n").contains("http://127.0.0.1:4320"), "{sdk:?}");
        }
    }
}
