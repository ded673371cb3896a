//! OTLP as JSON, in the form of its specification: camel case, ids in hex, enums and 32-bit numbers as numbers, 64-bit
//! integers as texts, bytes in base64, `NaN` and the infinities by name. Fields at their default are left out.
//!
//! Parsers of JSON stop at 128 levels. Lists that are nested up to 38 deep in an attribute stay within them, and maps up to
//! 28 deep; protobuf is decoded a few levels further.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Serialize;

use super::nest::{self, Nested};
use crate::model::{Attributes, Link, LogRecord, Span, SpanEvent, Timestamp, Value};

/// One `ExportTraceServiceRequest` on one line.
#[must_use]
pub fn traces_json(spans: &[Span]) -> String {
    request(spans, ["resourceSpans", "scopeSpans", "spans"], span)
}

/// One `ExportLogsServiceRequest` on one line.
#[must_use]
pub fn logs_json(records: &[LogRecord]) -> String {
    request(records, ["resourceLogs", "scopeLogs", "logRecords"], record)
}

fn request<T: Nested>(items: &[T], names: [&str; 3], item: fn(&mut Fields, &T)) -> String {
    let [by_resource, by_scope, leaves] = names;
    let mut out = Vec::new();
    object(&mut out, |request| {
        request.list(by_resource, nest::nested(items), |fields, under_resource| {
            let resource = under_resource.resource;
            fields.object("resource", |fields| {
                fields.attributes(&resource.attributes, resource.dropped_attributes);
            });
            fields.list(by_scope, under_resource.scopes, |fields, under_scope| {
                let scope = under_scope.scope;
                fields.object("scope", |fields| {
                    fields.text("name", &scope.name);
                    fields.text("version", &scope.version);
                    fields.attributes(&scope.attributes, scope.dropped_attributes);
                });
                fields.list(leaves, under_scope.items, item);
                fields.text("schemaUrl", &scope.schema_url);
            });
            fields.text("schemaUrl", &resource.schema_url);
        });
    });
    String::from_utf8(out).expect("what serde_json writes is UTF-8")
}

fn span(fields: &mut Fields, span: &Span) {
    fields.json("traceId", &span.trace.to_string());
    fields.json("spanId", &span.id.to_string());
    fields.text("traceState", &span.trace_state);
    if let Some(parent) = span.parent {
        fields.json("parentSpanId", &parent.to_string());
    }
    fields.number("flags", span.flags);
    fields.text("name", &span.name);
    fields.json("kind", &super::kind(span.kind));
    fields.time("startTimeUnixNano", span.started);
    fields.time("endTimeUnixNano", span.ended.unwrap_or_default());
    fields.attributes(&span.attributes, span.dropped.attributes);
    if !span.events.is_empty() {
        fields.list("events", &span.events, event);
    }
    fields.number("droppedEventsCount", span.dropped.events);
    if !span.links.is_empty() {
        fields.list("links", &span.links, link);
    }
    fields.number("droppedLinksCount", span.dropped.links);
    fields.object("status", |fields| {
        fields.text("message", &span.status.message);
        fields.number("code", super::status_code(span.status.code).unsigned_abs());
    });
}

fn event(fields: &mut Fields, event: &SpanEvent) {
    fields.time("timeUnixNano", event.at);
    fields.text("name", &event.name);
    fields.attributes(&event.attributes, event.dropped_attributes);
}

fn link(fields: &mut Fields, link: &Link) {
    fields.text("traceId", &hex::encode(&link.trace));
    fields.text("spanId", &hex::encode(&link.span));
    fields.text("traceState", &link.trace_state);
    fields.attributes(&link.attributes, link.dropped_attributes);
    fields.number("flags", link.flags);
}

fn record(fields: &mut Fields, record: &LogRecord) {
    fields.time("timeUnixNano", record.at);
    fields.time("observedTimeUnixNano", record.observed);
    fields.number("severityNumber", record.severity.unsigned_abs());
    fields.text("severityText", &record.severity_text);
    fields.object("body", |fields| any(fields, &record.body));
    fields.attributes(&record.attributes, record.dropped_attributes);
    fields.number("flags", record.flags);
    if let Some(trace) = record.trace {
        fields.json("traceId", &trace.to_string());
    }
    if let Some(span) = record.span {
        fields.json("spanId", &span.to_string());
    }
    fields.text("eventName", super::event_name(record));
}

fn any(fields: &mut Fields, value: &Value) {
    match value {
        Value::Null => {}
        Value::Bool(yes) => fields.json("boolValue", yes),
        Value::Int(number) => fields.json("intValue", &number.to_string()),
        // OTLP has no unsigned integers, so no value that was decoded from OTLP is one.
        Value::UInt(number) => fields.json("stringValue", &number.to_string()),
        Value::Double(number) if number.is_finite() => fields.json("doubleValue", number),
        Value::Double(number) if number.is_nan() => fields.json("doubleValue", "NaN"),
        Value::Double(number) => {
            fields.json("doubleValue", if *number > 0.0 { "Infinity" } else { "-Infinity" });
        }
        Value::String(text) => fields.json("stringValue", text),
        Value::Bytes(bytes) => fields.json("bytesValue", &STANDARD.encode(bytes)),
        Value::Array(items) => {
            fields.object("arrayValue", |fields| fields.list("values", items, any));
        }
        Value::Map(entries) => fields.object("kvlistValue", |fields| {
            fields.list("values", entries, |fields, (key, value)| entry(fields, key, value));
        }),
    }
}

fn entry(fields: &mut Fields, key: &str, value: &Value) {
    fields.json("key", key);
    fields.object("value", |fields| any(fields, value));
}

fn object(out: &mut Vec<u8>, write: impl FnOnce(&mut Fields)) {
    out.push(b'{');
    write(&mut Fields { out, any: false });
    out.push(b'}');
}

/// A JSON object that is being written.
struct Fields<'a> {
    out: &'a mut Vec<u8>,
    /// Whether it has a field yet.
    any: bool,
}

impl Fields<'_> {
    fn key(&mut self, name: &str) {
        if self.any {
            self.out.push(b',');
        }
        self.any = true;
        self.value(name);
        self.out.push(b':');
    }

    fn value(&mut self, value: &(impl Serialize + ?Sized)) {
        serde_json::to_writer(&mut *self.out, value).expect("texts and numbers always have a JSON form");
    }

    /// Writes a field, also if it has its default.
    fn json(&mut self, name: &str, value: &(impl Serialize + ?Sized)) {
        self.key(name);
        self.value(value);
    }

    fn text(&mut self, name: &str, text: &str) {
        if !text.is_empty() {
            self.json(name, text);
        }
    }

    fn number(&mut self, name: &str, number: u32) {
        if number != 0 {
            self.json(name, &number);
        }
    }

    fn time(&mut self, name: &str, time: Timestamp) {
        if let Some(time) = time.known() {
            self.json(name, &time.0.to_string());
        }
    }

    fn attributes(&mut self, attributes: &Attributes, dropped: u32) {
        if !attributes.is_empty() {
            self.list("attributes", attributes.iter(), |fields, (name, value)| entry(fields, name, value));
        }
        self.number("droppedAttributesCount", dropped);
    }

    fn object(&mut self, name: &str, write: impl FnOnce(&mut Fields)) {
        self.key(name);
        object(self.out, write);
    }

    fn list<T>(&mut self, name: &str, items: impl IntoIterator<Item = T>, write: impl Fn(&mut Fields, T)) {
        self.key(name);
        self.out.push(b'[');
        for (place, item) in items.into_iter().enumerate() {
            if place > 0 {
                self.out.push(b',');
            }
            object(self.out, |fields| write(fields, item));
        }
        self.out.push(b']');
    }
}
