//! Reads a request's body whole, and decompresses it, within limits that hold whatever is sent.
//!
//! One body is at most [`LIMIT`] bytes, before and after decompression. All bodies together are at most
//! [`ALL_BODIES`]: a body takes its share of a [`Budget`] as it grows and gives it back when it is answered.

use std::{
    io::{ErrorKind, Read},
    sync::Arc,
    time::Duration,
};

use axum::body::{Body, HttpBody as _};
use bytes::{Bytes, BytesMut};
use flate2::bufread::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use http_body_util::BodyExt as _;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    task, time,
};

use super::Refusal;

/// The most that is read of one body.
pub(super) const LIMIT: usize = 64 << 20;
/// The most that bodies take together.
const ALL_BODIES: usize = 256 << 20;
/// The budget is counted in pages.
const PAGE: usize = 4096;
/// A sender that takes longer holds memory for nothing.
const PATIENCE: Duration = Duration::from_mins(1);

/// The memory that bodies may take.
#[derive(Debug, Clone)]
pub(super) struct Budget(Arc<Semaphore>);

impl Default for Budget {
    fn default() -> Self {
        Self::of(ALL_BODIES)
    }
}

impl Budget {
    fn of(bytes: usize) -> Self {
        Self(Arc::new(Semaphore::new(bytes / PAGE)))
    }

    /// Holds nothing yet.
    pub(super) fn hold(&self) -> Held {
        Held { budget: Arc::clone(&self.0), pages: None }
    }
}

/// What one body has of the budget; dropped, it is given back.
#[derive(Debug)]
pub(super) struct Held {
    budget: Arc<Semaphore>,
    pages: Option<OwnedSemaphorePermit>,
}

impl Held {
    /// Never waits: two bodies that wait for each other's share would wait for ever.
    fn grow_to(&mut self, bytes: usize) -> Result<(), Refusal> {
        let has = self.pages.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let more = bytes.div_ceil(PAGE).saturating_sub(has);
        if more == 0 {
            return Ok(());
        }
        let busy = Refusal::Busy { retry_after: Duration::from_secs(1) };
        let Ok(count) = u32::try_from(more) else { return Err(busy) };
        let more = Arc::clone(&self.budget).try_acquire_many_owned(count).map_err(|_| busy)?;
        match &mut self.pages {
            Some(pages) => pages.merge(more),
            none => *none = Some(more),
        }
        Ok(())
    }
}

/// How a body is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compression {
    None,
    Gzip,
    Deflate,
    Zstd,
}

impl Compression {
    /// Reads `content-encoding` or `grpc-encoding`; without one, a body is as it is.
    pub(super) fn named(name: Option<&str>) -> Result<Self, Refusal> {
        let name = name.unwrap_or_default().trim();
        match name.to_ascii_lowercase().as_str() {
            "" | "identity" => Ok(Self::None),
            "gzip" | "x-gzip" => Ok(Self::Gzip),
            "deflate" => Ok(Self::Deflate),
            "zstd" => Ok(Self::Zstd),
            _ => Err(Refusal::ContentEncoding(name.to_owned())),
        }
    }
}

/// Reads a body as it was sent, at most `limit` bytes of it.
///
/// On refusal, what has not been read is still in `body`.
pub(super) async fn read(body: &mut Body, limit: usize, held: &mut Held) -> Result<Bytes, Refusal> {
    let announced = body.size_hint();
    // A length that was announced is refused before a byte of it is read.
    if announced.lower() > limit as u64 {
        return Err(Refusal::TooLarge);
    }
    match time::timeout(PATIENCE, collect(body, limit, held)).await {
        Ok(read) => read,
        Err(_) => Err(Refusal::Unfinished(format!("not within {} s", PATIENCE.as_secs()))),
    }
}

async fn collect(body: &mut Body, limit: usize, held: &mut Held) -> Result<Bytes, Refusal> {
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(0).min(limit);
    // Most bodies are one frame, which is then taken as it is.
    let mut first = Bytes::new();
    let mut whole = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| Refusal::Unfinished(error.to_string()))?;
        let Ok(data) = frame.into_data() else { continue };
        let size = first.len() + whole.len() + data.len();
        if size > limit {
            return Err(Refusal::TooLarge);
        }
        held.grow_to(size)?;
        if first.is_empty() && whole.is_empty() {
            first = data;
            continue;
        }
        if whole.is_empty() {
            whole.reserve(announced.max(size));
            whole.extend_from_slice(&first);
            first = Bytes::new();
        }
        whole.extend_from_slice(&data);
    }
    Ok(if whole.is_empty() { first } else { whole.freeze() })
}

/// Decompresses a body, off the threads that serve connections.
pub(super) async fn decompress(body: Bytes, how: Compression, mut held: Held) -> Result<(Bytes, Held), Refusal> {
    if how == Compression::None || body.is_empty() {
        return Ok((body, held));
    }
    let inflated = task::spawn_blocking(move || {
        let whole = match how {
            Compression::None => return Ok((body, held)),
            Compression::Gzip => inflate(MultiGzDecoder::new(&*body), body.len(), &mut held),
            // HTTP means zlib by "deflate"; some senders mean it literally.
            Compression::Deflate if is_zlib(&body) => inflate(ZlibDecoder::new(&*body), body.len(), &mut held),
            Compression::Deflate => inflate(DeflateDecoder::new(&*body), body.len(), &mut held),
            Compression::Zstd => inflate(zstd_decoder(&body)?, body.len(), &mut held),
        };
        Ok((Bytes::from(whole?), held))
    });
    inflated.await.unwrap_or(Err(Refusal::Panicked))
}

/// A frame may ask its reader for a window of gigabytes; 16 MiB are more than any level below "ultra" asks for.
fn zstd_decoder(body: &[u8]) -> Result<zstd::Decoder<'static, &[u8]>, Refusal> {
    const WINDOW_LOG: u32 = 24;
    let compressed = |error: std::io::Error| Refusal::Compressed(error.to_string());
    let mut decoder = zstd::Decoder::with_buffer(body).map_err(compressed)?;
    decoder.window_log_max(WINDOW_LOG).map_err(compressed)?;
    Ok(decoder)
}

fn is_zlib(body: &[u8]) -> bool {
    matches!(body, [method, flags, ..] if method & 15 == 8 && (u16::from(*method) * 256 + u16::from(*flags)) % 31 == 0)
}

fn inflate(mut from: impl Read, compressed: usize, held: &mut Held) -> Result<Vec<u8>, Refusal> {
    let mut whole = Vec::new();
    let mut chunk = vec![0; 64 << 10];
    loop {
        let read = match from.read(&mut chunk) {
            Ok(0) => return Ok(whole),
            Ok(read) => chunk.get(..read).unwrap_or_default(),
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(Refusal::Compressed(error.to_string())),
        };
        if whole.len() + read.len() > LIMIT {
            return Err(Refusal::TooLarge);
        }
        held.grow_to(compressed + whole.len() + read.len())?;
        whole.extend_from_slice(read);
    }
}

/// Reads on and throws away, so that a client still busy sending gets to see why it was refused.
///
/// An HTTP/1 client writes its whole body before it reads; closing on it would reset the connection, and
/// exporters take that for an outage and send the same again.
pub(super) fn drain(mut body: Body) {
    const MOST: usize = 1 << 30;
    const PATIENCE: Duration = Duration::from_secs(10);
    if body.is_end_stream() {
        return;
    }
    task::spawn(time::timeout(PATIENCE, async move {
        let mut read = 0;
        while let Some(Ok(frame)) = body.frame().await {
            read += frame.data_ref().map_or(0, Bytes::len);
            if read > MOST {
                return;
            }
        }
    }));
}

#[cfg(test)]
pub(super) mod tests {
    use std::io::Write as _;

    use super::*;

    pub(crate) fn gzip(body: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(body).unwrap();
        encoder.finish().unwrap()
    }

    fn zlib(body: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(body).unwrap();
        encoder.finish().unwrap()
    }

    fn raw_deflate(body: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(body).unwrap();
        encoder.finish().unwrap()
    }

    pub(crate) fn zstd(body: &[u8]) -> Vec<u8> {
        zstd::encode_all(body, 3).unwrap()
    }

    async fn inflated(body: Vec<u8>, how: Compression) -> Result<Bytes, Refusal> {
        decompress(body.into(), how, Budget::default().hold()).await.map(|(body, _)| body)
    }

    #[tokio::test]
    async fn every_compression_gives_back_what_went_in() {
        let body = b"spans and spans ".repeat(10_000);
        for (how, sent) in [
            (Compression::None, body.clone()),
            (Compression::Gzip, gzip(&body)),
            (Compression::Gzip, [gzip(&body[..100]), gzip(&body[100..])].concat()),
            (Compression::Deflate, zlib(&body)),
            (Compression::Deflate, raw_deflate(&body)),
            (Compression::Zstd, zstd(&body)),
        ] {
            assert_eq!(inflated(sent, how).await.unwrap(), body, "{how:?}");
        }
        assert_eq!(inflated(Vec::new(), Compression::Gzip).await.unwrap(), "");
    }

    #[tokio::test]
    async fn a_bomb_is_too_large_and_costs_no_more_than_the_limit() {
        let nothing = vec![0; LIMIT + 1];
        for (how, bomb) in [(Compression::Gzip, gzip(&nothing)), (Compression::Zstd, zstd(&nothing))] {
            assert!(bomb.len() < LIMIT / 100);
            let budget = Budget::of(LIMIT + bomb.len() + PAGE);
            let refused = decompress(bomb.into(), how, budget.hold()).await.map(|(body, _)| body.len());
            assert_eq!(refused, Err(Refusal::TooLarge), "{how:?}");
        }
        assert_eq!(inflated(gzip(&nothing[1..]), Compression::Gzip).await.unwrap().len(), LIMIT);
    }

    #[tokio::test]
    async fn what_is_not_compressed_as_it_says_is_refused() {
        for how in [Compression::Gzip, Compression::Deflate, Compression::Zstd] {
            let refused = inflated(b"\xffnot compressed at all".to_vec(), how).await;
            assert!(matches!(refused, Err(Refusal::Compressed(_))), "{how:?}: {refused:?}");
        }
        let mut cut = gzip(&[7; 1000]);
        cut.truncate(15);
        assert!(matches!(inflated(cut, Compression::Gzip).await, Err(Refusal::Compressed(_))));
    }

    #[tokio::test]
    async fn bodies_share_one_budget_and_give_it_back() {
        let budget = Budget::of(8 * PAGE);
        let mut first = budget.hold();
        read(&mut Body::from(vec![1; 6 * PAGE]), LIMIT, &mut first).await.unwrap();
        let refused = read(&mut Body::from(vec![1; 6 * PAGE]), LIMIT, &mut budget.hold()).await;
        assert!(matches!(refused, Err(Refusal::Busy { .. })));
        drop(first);
        assert!(read(&mut Body::from(vec![1; 6 * PAGE]), LIMIT, &mut budget.hold()).await.is_ok());
    }

    #[tokio::test]
    async fn a_body_over_the_limit_is_refused_whether_announced_or_not() {
        let refused = read(&mut Body::from(vec![0; 11]), 10, &mut Budget::default().hold()).await;
        assert_eq!(refused, Err(Refusal::TooLarge));
        let frames = (0..3).map(|_| Ok::<_, std::io::Error>(vec![0; 4]));
        let mut unannounced = Body::from_stream(futures_util::stream::iter(frames));
        assert_eq!(read(&mut unannounced, 10, &mut Budget::default().hold()).await, Err(Refusal::TooLarge));
    }

    #[test]
    fn only_known_compressions_are_taken() {
        assert_eq!(Compression::named(None), Ok(Compression::None));
        assert_eq!(Compression::named(Some(" GZIP ")), Ok(Compression::Gzip));
        for wrong in ["br", "gzip, gzip", "snappy"] {
            assert_eq!(Compression::named(Some(wrong)), Err(Refusal::ContentEncoding(wrong.to_owned())));
        }
    }
}
