//! What to copy from the screen of an empty store, so that what is drawn and what is copied are one text.

use std::fmt::Write as _;

use crate::app::{event::Listening, sdk::Sdk};

/// Where the SideSeat SDK sends by itself.
const SIDESEAT: (&str, u16) = ("127.0.0.1", 5388);

/// What runs someone's program so that its spans come here.
#[must_use]
pub fn command() -> &'static str {
    "sideseat-tui run -- python my_agent.py"
}

/// What makes an SDK send the token. The token itself is not shown.
const TOKEN: &str = "export OTEL_EXPORTER_OTLP_HEADERS=authorization=Bearer%20$SIDESEAT_TUI_TOKEN";

/// What stands in place of an address where no port takes OTLP over HTTP.
const NO_HTTP: &str = "# no port takes OTLP over HTTP here: start sideseat-tui with --http-port 4318";

/// The lines that make an SDK send here, with the ports that are really bound.
#[must_use]
pub fn snippet(sdk: Sdk, listening: &[Listening], needs_token: bool) -> Vec<String> {
    let mut lines = lines(sdk, listening);
    if needs_token {
        let exports = lines.iter().rposition(|line| line.starts_with("export ")).map_or(0, |last| last + 1);
        lines.insert(exports, TOKEN.to_owned());
    }
    lines
}

fn lines(sdk: Sdk, listening: &[Listening]) -> Vec<String> {
    // The port for SideSeat takes OTLP over HTTP as well.
    let http = address(listening, "http", 4318).or_else(|| address(listening, "sideseat", SIDESEAT.1));
    let endpoint = match &http {
        Some(http) => format!("export OTEL_EXPORTER_OTLP_ENDPOINT=http://{http}"),
        None => NO_HTTP.to_owned(),
    };
    let delay = "export OTEL_BSP_SCHEDULE_DELAY=200   # spans after 0.2 s instead of 5 s".to_owned();
    let Some(framework) = sdk.framework() else {
        let grpc = address(listening, "grpc", 4317);
        let protocol = |name: &str| format!("export OTEL_EXPORTER_OTLP_PROTOCOL={name}");
        let ways = match (http, grpc) {
            (None, Some(grpc)) => {
                vec![format!("export OTEL_EXPORTER_OTLP_ENDPOINT=http://{grpc}"), protocol("grpc")]
            }
            (Some(_), Some(grpc)) => vec![
                endpoint,
                protocol("http/protobuf"),
                format!("# or gRPC: http://{grpc} and OTEL_EXPORTER_OTLP_PROTOCOL=grpc"),
            ],
            (_, None) => vec![endpoint, protocol("http/protobuf")],
        };
        let content = "export OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT=true   # else spans come without text";
        let more = [
            delay,
            content.to_owned(),
            "# the base URL only: SDKs add /v1/traces themselves".to_owned(),
            "# what else your project needs: sideseat-tui setup".to_owned(),
        ];
        return ways.into_iter().chain(more).collect();
    };
    let mut lines = framework.installs(|_| false);
    lines.push(delay);
    let mut code: Vec<String> = framework.lines().into_iter().map(str::to_owned).collect();
    if sdk == Sdk::Sideseat {
        if let Some(install) = lines.first_mut() {
            install.push_str("   # plain 'sideseat' sends only client.trace() roots, no model calls");
        }
        // The port for OTLP over HTTP takes what the SDK sends as well.
        match address(listening, "sideseat", SIDESEAT.1).or(http) {
            Some(to) => {
                if to != format!("{}:{}", SIDESEAT.0, SIDESEAT.1) {
                    lines.push(format!("export SIDESEAT_ENDPOINT=http://{to}"));
                }
                if let Some(last) = code.last_mut() {
                    let _ = write!(last, "   # sends to {to}");
                }
            }
            None => lines.push(NO_HTTP.to_owned()),
        }
        code.push("# your boto3 calls follow, unchanged".to_owned());
    } else {
        lines.push(endpoint);
    }
    lines.push(String::new());
    lines.extend(code);
    lines
}

/// Where one of the listeners is: `127.0.0.1:4318`, `[::1]:4318`; until any is open, where it usually is. `None`: it is
/// turned off.
fn address(listening: &[Listening], what: &str, usual: u16) -> Option<String> {
    let bound = listening.iter().find(|listening| listening.what.eq_ignore_ascii_case(what));
    if bound.is_none() && !listening.is_empty() {
        return None;
    }
    let (host, port) = bound.map_or((SIDESEAT.0, usual), |bound| (bound.address.as_str(), bound.port));
    // What listens on all addresses is reached at that of this machine.
    let host = if matches!(host, "0.0.0.0" | "::") { SIDESEAT.0 } else { host };
    Some(if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_trap_of_the_sideseat_sdk_is_said() {
        let lines = snippet(Sdk::Sideseat, &[], false).join("\n");
        let with_token = snippet(Sdk::Sideseat, &[], true);
        let at = with_token.iter().position(|line| line == TOKEN).unwrap();
        assert!(
            with_token[at - 1].starts_with("export ")
                && with_token.len() == snippet(Sdk::Sideseat, &[], false).len() + 1
        );
        assert!(lines.contains("sideseat[aws]") && lines.contains(":5388"), "{lines}");
        assert!(!lines.contains("SIDESEAT_ENDPOINT"), "the default port needs no variable");
    }

    #[test]
    fn a_port_that_was_taken_is_not_in_what_is_copied() {
        let bound = |what: &str, port| Listening { what: what.into(), address: "127.0.0.1".into(), port, note: None };
        let listening = [bound("SideSeat", 5389), bound("HTTP", 4320), bound("gRPC", 4317)];
        assert!(
            snippet(Sdk::Sideseat, &listening, false).join("\n").contains("SIDESEAT_ENDPOINT=http://127.0.0.1:5389")
        );
        for sdk in [Sdk::Strands, Sdk::Langgraph, Sdk::Openai, Sdk::Other] {
            assert!(snippet(sdk, &listening, false).join("\n").contains("http://127.0.0.1:4320"), "{sdk:?}");
        }
    }

    #[test]
    fn a_port_that_is_turned_off_is_named_nowhere() {
        let bound = |what: &str, port| Listening { what: what.into(), address: "127.0.0.1".into(), port, note: None };
        let of = |sdk, listening: &[Listening]| snippet(sdk, listening, false).join("\n");
        let without_sideseat = of(Sdk::Sideseat, &[bound("HTTP", 4318), bound("gRPC", 4317)]);
        assert!(!without_sideseat.contains("5388"), "{without_sideseat}");
        assert!(without_sideseat.contains("SIDESEAT_ENDPOINT=http://127.0.0.1:4318"), "{without_sideseat}");
        assert!(without_sideseat.contains("# sends to 127.0.0.1:4318"), "{without_sideseat}");
        let only_grpc = [bound("gRPC", 4317)];
        for sdk in Sdk::ALL {
            let lines = of(sdk, &only_grpc);
            assert!(!lines.contains("=http://127.0.0.1:4318") && !lines.contains("5388"), "{lines}");
            assert_eq!(lines.contains(NO_HTTP), sdk != Sdk::Other, "{lines}");
        }
        assert!(
            of(Sdk::Other, &only_grpc)
                .contains("ENDPOINT=http://127.0.0.1:4317\nexport OTEL_EXPORTER_OTLP_PROTOCOL=grpc")
        );
        let only_http = of(Sdk::Other, &[bound("HTTP", 4318)]);
        assert!(only_http.contains("http/protobuf") && !only_http.contains("gRPC"), "{only_http}");
        for sdk in [Sdk::Strands, Sdk::Other] {
            let lines = of(sdk, &[bound("SideSeat", 5388)]);
            assert!(lines.contains("OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:5388"), "{lines}");
        }
    }

    #[test]
    fn another_loopback_is_in_what_is_copied() {
        let bound = |what: &str, port| Listening { what: what.into(), address: "::1".into(), port, note: None };
        let listening = [bound("SideSeat", 5388), bound("HTTP", 4318)];
        assert!(snippet(Sdk::Sideseat, &listening, false).join("\n").contains("SIDESEAT_ENDPOINT=http://[::1]:5388"));
        assert!(snippet(Sdk::Other, &listening, false).join("\n").contains("ENDPOINT=http://[::1]:4318"));
    }
}
