//! The traces that another one adopted, as they were sent (`assemble/calls.md` 2).

use std::collections::{BTreeMap, HashMap};

use super::{Shown, TotalsForm, TraceForm, span_forms, time};
use crate::{
    export::transcript::Trace,
    model::{SpanRow, StatusCode, Timestamp, Totals, TraceId, TraceState},
};

impl<'a> TraceForm<'a> {
    /// The traces that a trace adopted, by start: what was sent of each. All that was understood of them is in the other.
    pub fn adopted(trace: &Trace<'a>) -> Vec<(Timestamp, TraceId, Self)> {
        let Trace { assembled, rows, spans } = *trace;
        let received: HashMap<_, _> = spans.iter().map(|span| (span.id, span)).collect();
        let mut adopted: BTreeMap<TraceId, Vec<&SpanRow>> = BTreeMap::new();
        for row in &rows.spans {
            let sent_in = received.get(&row.id).map(|span| span.trace);
            if let Some(sent_in) = sent_in.filter(|sent_in| *sent_in != assembled.trace) {
                adopted.entry(sent_in).or_default().push(row);
            }
        }
        let forms = adopted.into_iter().filter_map(|(id, rows)| {
            let is_root = |row: &&&SpanRow| received.get(&row.id).is_some_and(|span| span.parent.is_none());
            let root = *rows.iter().find(is_root).or(rows.first())?;
            let started = rows.iter().map(|row| row.started).min()?;
            let is_running = rows.iter().any(|row| row.ended.is_none());
            let ended = rows.iter().filter_map(|row| row.ended).max().filter(|_| !is_running);
            let status = match root.status.code {
                _ if is_running => TraceState::Running,
                StatusCode::Error => TraceState::Error,
                _ => TraceState::Ok,
            };
            let form = Self {
                trace_id: Shown(id),
                name: Some(&root.name),
                session_id: assembled.context.session.as_deref(),
                user_id: assembled.context.user.as_deref(),
                project: &assembled.project,
                service: root.service.as_deref(),
                environment: root.translation.context.environment.as_deref(),
                tags: &[],
                framework: root.translation.context.framework.as_deref(),
                started_at: time(started),
                ended_at: ended.and_then(time),
                status: status.as_str(),
                waits_for: None,
                program_ended_at: None,
                adopted_by: Some(Shown(assembled.trace)),
                spans: span_forms(assembled, &received, rows.into_iter()),
                threads: Vec::new(),
                tools: Vec::new(),
                tool_definitions: Vec::new(),
                errors: Vec::new(),
                limits: Vec::new(),
                totals: TotalsForm::of(&Totals::default()),
            };
            Some((started, id, form))
        });
        let mut forms: Vec<_> = forms.collect();
        forms.sort_by_key(|(started, id, _)| (*started, *id));
        forms
    }
}
