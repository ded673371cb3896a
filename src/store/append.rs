//! Writes a group: deletes and appends the rows that a [`GroupPlan`] decided on.

use std::collections::{HashMap, HashSet};

use duckdb::{Connection, ToSql, named_params, params, types::Value as Sql};

use super::{
    DatabaseError, blobs,
    group::{Content, GroupPlan},
    log_contents,
    pack::pack,
    pieces::PIECE,
    rows::{span_number, trace_number, uhugeints},
    stored_translation::{FetchedContents, search_text, stored_form},
    summaries::Row,
};
use crate::{
    model::{SessionId, Waits, nanoseconds},
    understand,
};

impl GroupPlan<'_> {
    /// Deletes and appends the rows of the plan. Does not begin or commit a transaction: the caller must.
    pub fn write(&self, connection: &Connection) -> Result<(), DatabaseError> {
        self.delete(connection)?;
        self.append_spans(connection)?;
        self.append_logs(connection)?;
        self.append_contents(connection)?;
        self.append_traces(connection)?;
        self.append_program_ends(connection)?;
        self.write_steps(connection)
    }

    /// Deletes the rows that others replace.
    fn delete(&self, connection: &Connection) -> Result<(), DatabaseError> {
        if !self.gone_spans.is_empty() {
            let traces = uhugeints(self.gone_spans.iter().map(|(trace, _)| trace_number(trace)));
            let ids = Sql::List(self.gone_spans.iter().map(|(_, id)| Sql::UBigInt(span_number(*id))).collect());
            let sql = include_str!("queries/delete_spans.sql");
            connection.prepare_cached(sql)?.execute(named_params! { "traces": traces, "ids": ids })?;
        }
        if !self.gone_traces.is_empty() {
            let traces = uhugeints(self.gone_traces.iter().map(trace_number));
            let sql = include_str!("queries/delete_traces.sql");
            connection.prepare_cached(sql)?.execute(named_params! { "traces": traces })?;
        }
        Ok(())
    }

    /// Appends the rows of `spans`. The order of the values is that of the table's columns.
    fn append_spans(&self, connection: &Connection) -> Result<(), DatabaseError> {
        if self.spans.is_empty() {
            return Ok(());
        }
        let version = understand::version();
        let mut table = connection.appender("spans")?;
        for span in &self.spans {
            let (row, columns, stored) = (&span.row, &span.columns, &span.stored);
            table.append_row(params![
                trace_number(&row.trace),
                span_number(row.id),
                row.parent.map(span_number),
                row.project.as_str(),
                row.name,
                row.kind.as_str(),
                row.status.code.as_str(),
                row.status.message,
                row.started.0,
                row.ended.map(|ended| ended.0),
                row.service,
                row.scope_name,
                row.scope_version,
                row.synthetic,
                span.rank.weight(),
                self.resources.id(&stored.resource),
                self.scopes.id(&stored.scope),
                columns.category.as_str(),
                columns.session,
                columns.user,
                columns.framework,
                columns.provider,
                columns.model,
                columns.agent,
                columns.tool,
                columns.usage.uncached_input,
                columns.usage.cache_read,
                columns.usage.cache_write,
                columns.usage.output,
                columns.usage.reasoning,
                columns.cost.map(|cost| cost.0),
                version,
                stored.understood,
                stored.raw.row,
                row.remote_parent,
                stored.raw.ids,
            ])?;
        }
        Ok(table.flush()?)
    }

    /// Appends the rows of `logs`, values in the order of the columns.
    fn append_logs(&self, connection: &Connection) -> Result<(), DatabaseError> {
        if self.logs.is_empty() {
            return Ok(());
        }
        let version = understand::version();
        let mut table = connection.appender("logs")?;
        for (id, log) in &self.logs {
            let (row, stored) = (&log.row, &log.stored);
            table.append_row(params![
                id,
                row.trace.as_ref().map(trace_number),
                row.span.map(span_number),
                log.project.as_str(),
                row.at.0,
                row.name,
                row.severity,
                row.severity_text,
                row.text,
                log.session,
                self.resources.id(&stored.resource),
                self.scopes.id(&stored.scope),
                version,
                stored.understood,
                stored.raw.row,
                row.position,
                log.half.map(|half| half.of),
                log.half.map(|half| half.sent),
                log.half.map(|half| half.is_response),
                stored.raw.ids,
            ])?;
        }
        Ok(table.flush()?)
    }

    /// Appends contents, their traces, media, resources and scopes.
    fn append_contents(&self, connection: &Connection) -> Result<(), DatabaseError> {
        if !self.contents.is_empty() {
            let mut table = connection.appender("contents")?;
            for (id, content) in &self.contents {
                let (kind, body, text) = match content {
                    Content::Message(message) => {
                        (FetchedContents::MESSAGE, stored_form(*message), Some(search_text(message)))
                    }
                    Content::Tools(tools) => (FetchedContents::TOOLS, stored_form(*tools), None),
                    Content::Piece(bytes) => {
                        table.append_row(params![id, PIECE, pack(bytes), None::<String>])?;
                        continue;
                    }
                };
                table.append_row(params![id, kind, pack(&body), text])?;
            }
            table.flush()?;
            self.append_content_blobs(connection)?;
        }
        if !self.trace_contents.is_empty() {
            let mut table = connection.appender("trace_contents")?;
            for (trace, content) in &self.trace_contents {
                table.append_row(params![trace_number(trace), content])?;
            }
            table.flush()?;
        }
        log_contents::append(connection, &self.log_contents)?;
        if !self.blobs.is_empty() {
            let mut table = connection.appender("blobs")?;
            for (id, bytes) in &self.blobs {
                table.append_row(params![id, bytes])?;
            }
            table.flush()?;
        }
        if !self.attributes.is_empty() {
            let mut table = connection.appender("trace_attributes")?;
            for (trace, lines) in &self.attributes {
                table.append_row(params![trace_number(trace), lines])?;
            }
            table.flush()?;
        }
        append_encoded(connection, "resources", &self.resources.new)?;
        append_encoded(connection, "scopes", &self.scopes.new)
    }

    /// Appends which media the new messages name.
    fn append_content_blobs(&self, connection: &Connection) -> Result<(), DatabaseError> {
        let named: HashSet<_> = self
            .contents
            .iter()
            .flat_map(|(id, content)| {
                let message = if let Content::Message(message) = content { Some(*message) } else { None };
                message.into_iter().flat_map(blobs::named_in).map(move |blob| (*id, blob))
            })
            .collect();
        if named.is_empty() {
            return Ok(());
        }
        let mut table = connection.appender("content_blobs")?;
        for (content, blob) in named {
            table.append_row(params![content, blob])?;
        }
        Ok(table.flush()?)
    }

    /// Appends the rows of `traces`, values in the order of the columns.
    fn append_traces(&self, connection: &Connection) -> Result<(), DatabaseError> {
        if self.summarized.rows.is_empty() {
            return Ok(());
        }
        let mut table = connection.appender("traces")?;
        for Row { trace, listing, records, filled, program_ended, .. } in &self.summarized.rows {
            let totals = &listing.totals;
            let waits = listing.waits.map(|waits| waits.after(listing.last_seen, *program_ended));
            table.append_row(params![
                trace_number(trace),
                listing.project.as_str(),
                listing.name,
                listing.session.as_ref().map(SessionId::as_str),
                listing.user,
                listing.service,
                listing.framework,
                listing.question,
                listing.started.0,
                listing.ended.map(|ended| ended.0),
                listing.last_seen.0,
                listing.state.as_str(),
                listing.spans,
                listing.models.iter().map(|model| model.replace('\n', " ")).collect::<Vec<_>>().join("\n"),
                totals.usage.uncached_input,
                totals.usage.cache_read,
                totals.usage.cache_write,
                totals.usage.output,
                totals.usage.reasoning,
                totals.cost.0,
                totals.priced,
                totals.unpriced,
                totals.model_calls,
                totals.tool_calls,
                totals.failed_tools,
                totals.errors,
                listing.has_ai,
                *records as u64,
                waits.map(Waits::as_str),
                waits.map(|waits| waits.until(listing.last_seen, *program_ended).0),
                totals.pending_tools,
                listing.label,
                listing.repeat.as_ref().map_or(0, |repeat| repeat.times),
                listing.repeat.as_ref().is_some_and(|repeat| repeat.is_loop),
                listing.repeat.as_ref().map(|repeat| repeat.tool.as_str()),
                listing.repeat.as_ref().and_then(|repeat| repeat.spent).map(|spent| spent.0),
                listing.failure,
                listing.cut_off,
                filled,
                lines(&listing.failure_kinds),
                lines(&listing.failure_texts),
                program_ended.map(|ended| ended.0),
                listing.cache_break.map(|broke| broke.before),
                listing.cache_break.map(|broke| broke.after),
                listing.cache_break.map(|broke| broke.turn),
                listing.unanswered,
                listing.score.as_ref().and_then(|score| score.number),
                listing.score.as_ref().and_then(|score| score.label.as_deref()),
                listing.score.as_ref().map(|score| lines(&score.names)),
                lines(&listing.called_tools),
            ])?;
        }
        Ok(table.flush()?)
    }

    /// Appends the rows of `program_ends`.
    fn append_program_ends(&self, connection: &Connection) -> Result<(), DatabaseError> {
        if self.program_ends.is_empty() {
            return Ok(());
        }
        let mut table = connection.appender("program_ends")?;
        for (trace, ended) in &self.program_ends {
            table.append_row(params![trace_number(trace), ended.0])?;
        }
        Ok(table.flush()?)
    }

    /// Deletes the steps that changed, and appends those that are new, values in the order of the columns.
    fn write_steps(&self, connection: &Connection) -> Result<(), DatabaseError> {
        let replaced = self.summarized.rows.iter().filter(|row| row.steps.gone).map(|row| (row.trace, row.steps.kept));
        let gone: Vec<_> = replaced.chain(self.summarized.emptied.iter().map(|trace| (*trace, 0))).collect();
        if !gone.is_empty() {
            let traces = uhugeints(gone.iter().map(|(trace, _)| trace_number(trace)));
            let places = Sql::List(gone.iter().map(|(_, kept)| Sql::UInt(place(*kept))).collect());
            let sql = include_str!("queries/delete_steps.sql");
            connection.prepare_cached(sql)?.execute(named_params! { "traces": traces, "places": places })?;
        }
        if self.summarized.rows.iter().all(|row| row.steps.kept >= row.listing.steps.len()) {
            return Ok(());
        }
        let mut table = connection.appender("steps")?;
        for Row { trace, listing, steps, .. } in &self.summarized.rows {
            for (nth, step) in listing.steps.iter().enumerate().skip(steps.kept) {
                table.append_row(params![
                    trace_number(trace),
                    place(nth),
                    step.kind.as_str(),
                    step.started.0,
                    step.lasted.map(nanoseconds),
                    step.first_token.map(nanoseconds),
                    step.model.as_deref(),
                    step.agent.as_deref(),
                    step.tool.as_deref(),
                    step.usage.uncached_input,
                    step.usage.cache_read,
                    step.usage.cache_write,
                    step.usage.output,
                    step.usage.reasoning,
                    step.cost.map(|cost| cost.0),
                    step.unpriced,
                    step.failed,
                    step.finish.as_deref(),
                ])?;
            }
        }
        Ok(table.flush()?)
    }
}

/// Texts as a column has them, one a line; null where there is none.
fn lines(texts: &[String]) -> Option<String> {
    (!texts.is_empty()).then(|| texts.join("\n"))
}

/// A place among steps as its column has it.
fn place(nth: usize) -> u32 {
    u32::try_from(nth).unwrap_or(u32::MAX)
}

/// Appends resources or scopes: their ids and encoded forms.
fn append_encoded<Id: ToSql>(
    connection: &Connection,
    table: &str,
    encoded: &HashMap<Id, Vec<u8>>,
) -> Result<(), DatabaseError> {
    if encoded.is_empty() {
        return Ok(());
    }
    let mut table = connection.appender(table)?;
    for (id, bytes) in encoded {
        table.append_row(params![id, bytes])?;
    }
    Ok(table.flush()?)
}
