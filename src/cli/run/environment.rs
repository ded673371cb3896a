//! What the program finds in its environment.

use std::{env, net::SocketAddr};

use tokio::process::Command;

/// Set whatever they were: they say where to send, and there is one place.
const WHERE: [&str; 2] = ["SIDESEAT_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"];

/// Taken away: each would send one signal elsewhere, or in another way.
const ELSEWHERE: [&str; 6] = [
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT",
    "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
    "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
    "OTEL_EXPORTER_OTLP_LOGS_PROTOCOL",
    "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL",
];

/// Set where they are not: often and in full.
const WISHES: [(&str, &str); 4] = [
    ("OTEL_BSP_SCHEDULE_DELAY", "200"),
    ("OTEL_BLRP_SCHEDULE_DELAY", "200"),
    ("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "true"),
    ("TRACELOOP_TRACE_CONTENT", "true"),
];

/// Points the program's SDKs here. Which form of the conventions they speak is left to them: all are read.
pub fn set(command: &mut Command, address: SocketAddr) {
    for name in WHERE {
        command.env(name, format!("http://{address}"));
    }
    command.env("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf");
    for name in ELSEWHERE {
        command.env_remove(name);
    }
    for (name, value) in WISHES {
        if env::var_os(name).is_none() {
            command.env(name, value);
        }
    }
}
