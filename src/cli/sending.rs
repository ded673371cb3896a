//! What the screen sends through the sockets that take exports, as any program would: one test span, or the files that were
//! dropped on it. What came of it is a notice.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs as _},
    path::PathBuf,
    thread,
    time::{Duration, Instant},
};

use bytes::Bytes;
use serde_json::json;

use super::{demo::Stage, import, instance::Instance};
use crate::{
    app::{Sends, format, wrap},
    config::{Secret, Settings, instances},
    decode::{Encoding, Signal},
    model::{Project, Timestamp},
    receive::{Accepted, Export, Refusal},
    start,
};

/// What the span and its run are called.
const NAME: &str = "test span";

/// Sends what the screen wants to be sent. Cheap to clone.
#[derive(Clone)]
pub struct Sending {
    stage: Stage,
    /// Where instances are registered: with each the token that it asks of senders.
    instances: Option<PathBuf>,
    /// What an instance on another machine asks of senders.
    token: Option<Secret>,
}

impl Sending {
    pub fn new(settings: &Settings, stage: &Stage, token: Option<Secret>) -> Self {
        Self { stage: stage.clone(), instances: settings.paths.instances(), token }
    }

    /// Sends it to whoever listens there; nobody waits for it.
    pub fn start(&self, what: Sends, host: String, port: u16) {
        let sending = self.clone();
        let sent = thread::Builder::new().name("sending".to_owned()).spawn(move || {
            let notice = sending.send(what, &host, port).unwrap_or_else(|error| format!("not all was sent: {error:#}"));
            sending.stage.notice(notice);
        });
        if let Err(error) = sent {
            self.stage.notice(format!("nothing is sent: {error}"));
        }
    }

    fn send(&self, what: Sends, host: &str, port: u16) -> anyhow::Result<String> {
        let addresses = (host, port).to_socket_addrs()?;
        let to = addresses.map(reached).next().ok_or_else(|| anyhow::anyhow!("{host} has no address"))?;
        let instance = Instance::at(to, self.token_for(to));
        let runtime = start::runtime()?;
        match what {
            Sends::TestSpan => Ok(runtime.block_on(test_span(&instance, to))),
            Sends::Files(files) => import::through(instance, &files, runtime.handle()),
        }
    }

    fn token_for(&self, to: SocketAddr) -> Option<Secret> {
        let registered = || {
            let own = std::process::id();
            let mut alive = instances::alive(self.instances.as_deref()?).into_iter();
            alive.find(|entry| entry.http() == Some(to) || entry.pid == own)?.token
        };
        self.token.clone().or_else(registered)
    }
}

/// The address at which a listener is reached that listens at all of them.
fn reached(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

/// Sends one span, and says what came of it.
async fn test_span(instance: &Instance, to: SocketAddr) -> String {
    let began = Instant::now();
    let export = Export {
        signal: Signal::Traces,
        project: Project::default(),
        body: Bytes::from(body(Timestamp::now(), to)),
        encoding: Encoding::Json,
        peer: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        waited: Duration::ZERO,
    };
    let answer = instance.export(export).await;
    let took = format::duration(began.elapsed());
    match answer {
        Ok(Ok(Accepted { rejected: 0, .. })) => {
            format!("the test span was stored: over HTTP to {to}, in {took}")
        }
        Ok(Ok(Accepted { why, .. })) => {
            format!("{to} took the request and not the test span: {}", wrap::clean_line(&why))
        }
        Ok(Err(refusal @ (Refusal::NoToken | Refusal::WrongToken))) => {
            format!("{to} refused the test span: {refusal}; what senders need is said where it was started")
        }
        Ok(Err(refusal)) => format!("{to} refused the test span: {refusal}"),
        Err(unreachable) => format!("the test span did not get to {to}: {unreachable}"),
    }
}

/// A request of one span: an agent that was asked and answered.
fn body(now: Timestamp, to: SocketAddr) -> String {
    let text = |key: &str, value: &str| json!({"key": key, "value": {"stringValue": value}});
    let said = |role: &str, content: &str| {
        json!([{"role": role, "parts": [{"type": "text", "content": content}]}]).to_string()
    };
    // Of two that are sent each is a run of its own.
    let number = u128::from(now.0);
    let began = now.0.saturating_sub(1_000_000);
    let answer = format!("Yes. This span came as OTLP over HTTP to {to}, as those of any program do. `D` deletes it.");
    json!({"resourceSpans": [{
        "resource": {"attributes": [text("service.name", env!("CARGO_PKG_NAME"))]},
        "scopeSpans": [{
            "scope": {"name": env!("CARGO_PKG_NAME"), "version": env!("CARGO_PKG_VERSION")},
            "spans": [{
                "traceId": format!("{:032x}", (number << 64) | number),
                "spanId": format!("{:016x}", now.0),
                "name": NAME,
                "kind": 1,
                "startTimeUnixNano": began.to_string(),
                "endTimeUnixNano": now.0.to_string(),
                "attributes": [
                    text("gen_ai.operation.name", "invoke_agent"),
                    text("gen_ai.agent.name", NAME),
                    text("gen_ai.input.messages", &said("user", "Is anybody listening?")),
                    text("gen_ai.output.messages", &said("assistant", &answer)),
                ],
            }],
        }],
    }]})
    .to_string()
}
