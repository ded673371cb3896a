//! Spans and log records of which nothing is known but their shape.

use proptest::{collection::vec, option, prelude::*, sample::select};
use sideseat_tui::model::{
    Attributes, Dropped, Link, LogRecord, Project, Resource, Scope, Span, SpanEvent, SpanId, SpanKind, Status,
    StatusCode, Timestamp, TraceId, Value,
};

pub fn text() -> impl Strategy<Value = String> {
    vec(any::<char>(), 0..12).prop_map(String::from_iter)
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        // That it is not equal to itself is no loss.
        any::<f64>().prop_filter("a number", |number| !number.is_nan()).prop_map(Value::Double),
        Just(Value::Double(f64::NEG_INFINITY)),
        text().prop_map(Value::String),
        vec(any::<u8>(), 0..12).prop_map(Value::Bytes),
    ];
    leaf.prop_recursive(6, 40, 5, |inner| {
        prop_oneof![vec(inner.clone(), 0..5).prop_map(Value::Array), vec((text(), inner), 0..5).prop_map(Value::Map)]
    })
}

fn attributes() -> impl Strategy<Value = Attributes> {
    vec((text(), value()), 0..5).prop_map(Attributes::new)
}

fn scope() -> impl Strategy<Value = Scope> {
    (text(), text(), attributes(), any::<u32>(), text()).prop_map(
        |(name, version, attributes, dropped_attributes, schema_url)| Scope {
            name,
            version,
            attributes,
            dropped_attributes,
            schema_url,
        },
    )
}

fn resource() -> impl Strategy<Value = Resource> {
    (attributes(), any::<u32>(), text()).prop_map(|(attributes, dropped_attributes, schema_url)| Resource {
        attributes,
        dropped_attributes,
        schema_url,
    })
}

pub fn trace_id() -> impl Strategy<Value = TraceId> {
    any::<[u8; 16]>().prop_filter_map("an id", |bytes| TraceId::from_bytes(&bytes).ok())
}

fn span_id() -> impl Strategy<Value = SpanId> {
    any::<[u8; 8]>().prop_filter_map("an id", |bytes| SpanId::from_bytes(&bytes).ok())
}

fn status() -> impl Strategy<Value = Status> {
    let code = select(&[StatusCode::Unset, StatusCode::Ok, StatusCode::Error][..]);
    (code, text()).prop_map(|(code, message)| Status { code, message })
}

fn kind() -> impl Strategy<Value = SpanKind> {
    use SpanKind::{Client, Consumer, Internal, Producer, Server};
    select(&[Internal, Server, Client, Producer, Consumer][..])
}

fn event() -> impl Strategy<Value = SpanEvent> {
    (text(), any::<u64>(), attributes(), any::<u32>()).prop_map(|(name, at, attributes, dropped_attributes)| {
        SpanEvent { name, at: Timestamp(at), attributes, dropped_attributes }
    })
}

/// Its ids may be of any length.
fn link() -> impl Strategy<Value = Link> {
    let id = || vec(any::<u8>(), 0..20);
    (id(), id(), text(), any::<u32>(), attributes(), any::<u32>()).prop_map(
        |(trace, span, trace_state, flags, attributes, dropped_attributes)| Link {
            trace,
            span,
            trace_state,
            flags,
            attributes,
            dropped_attributes,
        },
    )
}

prop_compose! {
    pub fn span()(
        (trace, id, parent) in (trace_id(), span_id(), option::of(span_id())),
        (flags, trace_state, name) in (any::<u32>(), text(), text()),
        (kind, status) in (kind(), status()),
        (started, ended) in (any::<u64>(), option::of(1..=u64::MAX)),
        (attributes, events, links) in (attributes(), vec(event(), 0..3), vec(link(), 0..3)),
        dropped in any::<[u32; 3]>(),
        (scope, resource) in (scope(), resource()),
    ) -> Span {
        let [attributes_dropped, events_dropped, links_dropped] = dropped;
        Span {
            project: Project::default(),
            trace, id, parent, flags, trace_state, name, kind, status,
            started: Timestamp(started),
            ended: ended.map(Timestamp),
            attributes, events, links,
            dropped: Dropped { attributes: attributes_dropped, events: events_dropped, links: links_dropped },
            scope: scope.into(),
            resource: resource.into(),
            synthetic: false,
        }
    }
}

prop_compose! {
    pub fn record()(
        (trace, span, flags) in (option::of(trace_id()), option::of(span_id()), any::<u32>()),
        (at, observed) in any::<(u64, u64)>(),
        (severity, severity_text) in (0..=24_i32, text()),
        (name, body, attributes, dropped_attributes) in (text(), value(), attributes(), any::<u32>()),
        (scope, resource) in (scope(), resource()),
    ) -> LogRecord {
        LogRecord {
            project: Project::default(),
            trace, span, flags,
            at: Timestamp(at),
            observed: Timestamp(observed),
            severity, severity_text, name, body, attributes, dropped_attributes,
            scope: scope.into(),
            resource: resource.into(),
        }
    }
}
