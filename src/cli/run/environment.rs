//! The environment variables that `run` sets for the program.

use std::{env, net::SocketAddr};

use tokio::process::Command;

/// Set to the address of `run`'s own port, whatever they were.
const ENDPOINTS: [&str; 2] = ["SIDESEAT_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"];

/// Removed: each would send one signal to another endpoint, or by another protocol.
const REMOVED: [&str; 6] = [
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT",
    "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
    "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
    "OTEL_EXPORTER_OTLP_LOGS_PROTOCOL",
    "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL",
];

/// Set unless the user has set them: to send often (in milliseconds), and to record messages.
const DEFAULTS: [(&str, &str); 4] = [
    ("OTEL_BSP_SCHEDULE_DELAY", "200"),
    ("OTEL_BLRP_SCHEDULE_DELAY", "200"),
    ("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "true"),
    ("TRACELOOP_TRACE_CONTENT", "true"),
];

/// Makes the program's SDKs send to `address`. Which version of the conventions they write is left to them: all are
/// read.
pub fn set(command: &mut Command, address: SocketAddr) {
    for name in ENDPOINTS {
        command.env(name, format!("http://{address}"));
    }
    command.env("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf");
    for name in REMOVED {
        command.env_remove(name);
    }
    for (name, value) in DEFAULTS {
        if env::var_os(name).is_none() {
            command.env(name, value);
        }
    }
}
