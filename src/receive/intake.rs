//! Takes exports into the store: decodes, understands and submits them, and waits for the commit.
//!
//! Decoding and understanding are work for the processor, so they are done on tokio's blocking pool, one body a core; the
//! threads that serve connections only wait. A panic in that work is answered to the sender of the body and ends nothing
//! else.
//!
//! An understood body takes several times its size until it is committed. So only some bodies are understood ahead of the
//! writer; the others wait as they were sent (`budget`).

use std::{pin::pin, sync::Arc, thread, time::Duration};

use bytes::Bytes;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    task, time,
};
use tracing::warn;

use super::{
    Accepted, Counts, Export, ExportSink, Reason, Refusal,
    budget::{Ahead, Deadline},
    counts::ItemCounts,
};
use crate::{
    decode::{self, Decoded, Encoding, Malformed, Signal},
    model::{Project, Rescue, Timestamp, TraceId},
    pricing::Prices,
    store::{PreparedLog, PreparedSpan, Submission, Writer},
    understand,
};

/// Bytes of a body from which on it is walked on the blocking pool.
const LONG: usize = 64 << 10;

/// How often who waits for a commit looks whether the store is being rescued, which may take minutes.
const LOOKS: Duration = Duration::from_millis(if cfg!(test) { 1 } else { 500 });

/// Stores exports. Cheap to clone.
#[derive(Clone)]
pub struct Intake {
    writer: Writer,
    prices: Arc<Prices>,
    counts: Arc<Counts>,
    /// A permit for each core: more bodies at once than cores would only hold more memory.
    cores: Arc<Semaphore>,
    ahead: Ahead,
}

impl Intake {
    #[must_use]
    pub fn new(writer: Writer, prices: Arc<Prices>, counts: Arc<Counts>) -> Self {
        let cores = thread::available_parallelism().map_or(2, usize::from).max(2);
        Self { writer, prices, counts, cores: Arc::new(Semaphore::new(cores)), ahead: Ahead::default() }
    }

    /// Stores the spans of an `ExportTraceServiceRequest`, with the log records that they stand for; returns once they are
    /// synced.
    pub async fn traces(&self, project: Project, body: Bytes, encoding: Encoding) -> Result<Accepted, Refusal> {
        self.traces_by(Deadline::from_now(), project, body, encoding).await
    }

    async fn traces_by(
        &self,
        deadline: Deadline,
        project: Project,
        body: Bytes,
        encoding: Encoding,
    ) -> Result<Accepted, Refusal> {
        let _room = self.room_for(&body, Signal::Traces, encoding, deadline).await?;
        let prices = Arc::clone(&self.prices);
        let bytes = body.len();
        let prepare = move || {
            let decoded = decode::traces(&project, &body, encoding)?;
            let rejected = rejection(&decoded, "span");
            let mut submission = Submission { bytes, ..Submission::default() };
            for received in decoded.items {
                let (span, made) = understand::span(received.item, received.raw, &prices);
                submission.spans.push(PreparedSpan::new(span));
                submission
                    .logs
                    .extend(made.into_iter().zip(0..).map(|(log, position)| PreparedLog::new(log, position)));
            }
            Ok((submission, rejected))
        };
        let (submission, accepted) = on_the_pool(&self.cores, deadline, prepare).await?;
        let items = ItemCounts { spans: submission.spans.len() as u64, ..ItemCounts::default() };
        self.submit(submission, items).await?;
        Ok(accepted)
    }

    /// Stores the log records of an `ExportLogsServiceRequest`, with the spans that they stand for; returns once they are
    /// synced.
    pub async fn logs(&self, project: Project, body: Bytes, encoding: Encoding) -> Result<Accepted, Refusal> {
        self.logs_by(Deadline::from_now(), project, body, encoding).await
    }

    async fn logs_by(
        &self,
        deadline: Deadline,
        project: Project,
        body: Bytes,
        encoding: Encoding,
    ) -> Result<Accepted, Refusal> {
        let _room = self.room_for(&body, Signal::Logs, encoding, deadline).await?;
        let prices = Arc::clone(&self.prices);
        let bytes = body.len();
        let prepare = move || {
            let decoded = decode::logs(&project, &body, encoding)?;
            let rejected = rejection(&decoded, "log record");
            let mut submission = Submission { bytes, ..Submission::default() };
            for (received, position) in decoded.items.into_iter().zip(0..) {
                let (log, made) = understand::log(received.item, received.raw, &prices, None);
                submission.logs.push(PreparedLog::new(log, position));
                submission.spans.extend(made.map(PreparedSpan::new));
            }
            Ok((submission, rejected))
        };
        let (submission, accepted) = on_the_pool(&self.cores, deadline, prepare).await?;
        let items = ItemCounts { logs: submission.logs.len() as u64, ..ItemCounts::default() };
        self.submit(submission, items).await?;
        Ok(accepted)
    }

    /// Counts the data points of an `ExportMetricsServiceRequest`; they are not stored.
    pub async fn metrics(&self, body: Bytes, encoding: Encoding) -> Result<Accepted, Refusal> {
        let points = on_the_pool(&self.cores, Deadline::from_now(), move || decode::metrics(&body, encoding)).await?;
        self.counts.accepted(ItemCounts { points, ..ItemCounts::default() });
        Ok(Accepted::default())
    }

    /// Waits until there is room for what a body becomes.
    async fn room_for(
        &self,
        body: &Bytes,
        signal: Signal,
        encoding: Encoding,
        deadline: Deadline,
    ) -> Result<OwnedSemaphorePermit, Refusal> {
        self.refuse_while_rescued()?;
        let memory = if body.len() < LONG {
            decode::memory(body, signal, encoding)
        } else {
            let body = body.clone();
            on_the_pool(&self.cores, deadline, move || Ok(decode::memory(&body, signal, encoding))).await?
        };
        let room = self.ahead.room_for(memory, deadline).await?;
        self.refuse_while_rescued()?;
        Ok(room)
    }

    /// Tells a sender to come again while what can be read of the store is put into a new file: nothing is stored meanwhile, and
    /// what would wait for that would have no bound.
    fn refuse_while_rescued(&self) -> Result<(), Refusal> {
        match self.writer.rescue() {
            Some(running @ Rescue::Running) => Err(Refusal::Failing(running.advice().to_owned())),
            _ => Ok(()),
        }
    }

    /// Waits for a commit, but not while the store is being rescued. What is committed after that is sent again, and stored once.
    async fn unless_rescued<E: Into<Refusal>>(
        &self,
        commit: impl Future<Output = Result<(), E>>,
    ) -> Result<(), Refusal> {
        let mut commit = pin!(commit);
        loop {
            match time::timeout(LOOKS, &mut commit).await {
                Ok(done) => return done.map_err(Into::into),
                Err(_) => self.refuse_while_rescued()?,
            }
        }
    }

    async fn submit(&self, submission: Submission, items: ItemCounts) -> Result<(), Refusal> {
        if !submission.spans.is_empty() || !submission.logs.is_empty() {
            self.refuse_while_rescued()?;
            self.unless_rescued(self.writer.submit(submission)).await?;
        }
        self.counts.accepted(items);
        Ok(())
    }
}

impl ExportSink for Intake {
    async fn accept(&self, export: Export) -> Result<Accepted, Refusal> {
        let Export { signal, project, body, encoding, peer, waited } = export;
        let deadline = Deadline::after(waited);
        let (accepted, path) = match signal {
            Signal::Traces => (self.traces_by(deadline, project, body, encoding).await?, "traces"),
            Signal::Logs => (self.logs_by(deadline, project, body, encoding).await?, "logs"),
            Signal::Metrics => (self.metrics(body, encoding).await?, "metrics"),
        };
        if accepted.rejected > 0 {
            self.counts.refused(Reason::BadItem, accepted.rejected, peer, path, &accepted.why);
        }
        Ok(accepted)
    }

    async fn program_ended(&self, unfinished: Vec<TraceId>, at: Timestamp) {
        let program_ends = unfinished.into_iter().map(|trace| (trace, at)).collect();
        if let Err(error) = self.writer.submit(Submission { program_ends, ..Submission::default() }).await {
            warn!(%error, "the end of a program is not stored");
        }
    }

    fn counts(&self) -> &Arc<Counts> {
        &self.counts
    }

    fn is_failing(&self) -> bool {
        self.writer.is_failing()
    }

    fn rescue(&self) -> Option<Rescue> {
        self.writer.rescue()
    }
}

/// Does the work of one body on the blocking pool, once a core is free. A panic is a refusal.
async fn on_the_pool<R: Send + 'static>(
    cores: &Arc<Semaphore>,
    deadline: Deadline,
    work: impl FnOnce() -> Result<R, Malformed> + Send + 'static,
) -> Result<R, Refusal> {
    let core = deadline.permits(cores, 1).await?;
    let done = task::spawn_blocking(move || {
        let done = work();
        drop(core);
        done
    });
    match done.await {
        Ok(done) => done.map_err(|malformed| Refusal::Malformed(malformed.to_string())),
        // The panic is logged. The refusal is not one that is retried: the same body would panic again.
        Err(_) => Err(Refusal::Panicked),
    }
}

/// How many items of an export could not be decoded, and the first few different reasons.
fn rejection<T>(decoded: &Decoded<T>, what: &str) -> Accepted {
    const REASONS: usize = 3;
    let rejected = decoded.rejected;
    if rejected == 0 {
        return Accepted::default();
    }
    let mut reasons: Vec<&str> = Vec::new();
    for reason in &decoded.reasons {
        if reasons.len() < REASONS && !reasons.contains(&reason.as_str()) {
            reasons.push(reason);
        }
    }
    let plural = if rejected == 1 { "" } else { "s" };
    let why = format!("{rejected} {what}{plural} rejected: {}", reasons.join("; "));
    Accepted { rejected, why }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Place, Store, StoreError};

    #[tokio::test]
    async fn while_a_store_is_rescued_senders_are_told_to_come_again() {
        let store = Store::open(&Place::Memory, Arc::default()).unwrap();
        let writer = store.writer();
        let intake = Intake::new(writer.clone(), Arc::default(), Arc::default());
        let sent = || intake.traces(Project::default(), Bytes::from_static(b"["), Encoding::Json);
        let logged = || intake.logs(Project::default(), Bytes::from_static(b"["), Encoding::Json);
        let is_malformed = |refused: &Refusal| matches!(refused, Refusal::Malformed(_));
        assert!(is_malformed(&sent().await.unwrap_err()));
        writer.stands(Some(Rescue::Running));
        // Before it is looked at what came, and also what waits since before.
        let waits = std::future::pending::<Result<(), StoreError>>();
        for refused in [sent().await.map(drop), logged().await.map(drop), intake.unless_rescued(waits).await] {
            let refused = refused.unwrap_err();
            assert!(matches!(refused, Refusal::Failing(_)) && refused.retry_after().is_some(), "{refused:?}");
        }
        for rescue in [Some(Rescue::Failed("no room".to_owned())), Some(Rescue::GivenUp(String::new())), None] {
            writer.stands(rescue);
            assert!(is_malformed(&sent().await.unwrap_err()));
            assert!(is_malformed(&logged().await.unwrap_err()));
        }
        store.close();
    }

    #[tokio::test]
    async fn a_body_that_makes_us_panic_costs_only_its_own_sender() {
        let cores = Arc::new(Semaphore::new(1));
        let in_time = Deadline::from_now;
        let panicked = on_the_pool(&cores, in_time(), || -> Result<(), Malformed> { panic!("on purpose") }).await;
        assert_eq!(panicked, Err(Refusal::Panicked));
        assert_eq!(on_the_pool(&cores, in_time(), || Ok(5)).await, Ok(5));
        let malformed =
            on_the_pool(&cores, in_time(), || decode::metrics(&Bytes::from_static(b"["), Encoding::Json)).await;
        assert!(matches!(malformed, Err(Refusal::Malformed(_))));
    }

    #[test]
    fn the_answer_says_how_many_were_rejected_and_a_few_reasons() {
        let decoded = |rejected: &[&str]| Decoded::<crate::model::Span> {
            items: Vec::new(),
            reasons: rejected.iter().map(|reason| (*reason).to_owned()).collect(),
            rejected: rejected.len() as u64,
        };
        assert_eq!(rejection(&decoded(&[]), "span"), Accepted::default());
        let one = rejection(&decoded(&["trace_id: an id of zeroes"]), "span");
        assert_eq!(one.why, "1 span rejected: trace_id: an id of zeroes");
        let many = rejection(&decoded(&["a", "a", "b", "a", "c", "d", "a"]), "span");
        assert_eq!((many.rejected, many.why.as_str()), (7, "7 spans rejected: a; b; c"));
    }
}
