//! Reads a request's body whole, and decompresses it, within limits that hold whatever is sent.
//!
//! The limits are in `budget`: a body takes its [`Share`] of the bytes of all bodies as it grows, and gives it back once its
//! export is answered.

use std::{
    io::{ErrorKind, Read},
    time::Duration,
};

use axum::body::{Body, HttpBody as _};
use bytes::{Bytes, BytesMut};
use flate2::bufread::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use http_body_util::BodyExt as _;
use tokio::{task, time};

use super::{
    Refusal,
    budget::{BODY, Share},
};

/// How long a body may take to arrive: a slow sender holds memory meanwhile.
const TIMEOUT: Duration = Duration::from_mins(1);
/// How long it may take before others have its turn.
const PROMPT: Duration = Duration::from_millis(300);

/// How a body is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compression {
    None,
    Gzip,
    Deflate,
    Zstd,
}

impl Compression {
    /// Reads `content-encoding` or `grpc-encoding`; a body without one is not compressed.
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
pub(super) async fn read(body: &mut Body, limit: usize, share: &mut Share) -> Result<Bytes, Refusal> {
    let announced = body.size_hint();
    // A length that was announced is refused before a byte of it is read.
    if announced.lower() > limit as u64 {
        return Err(Refusal::TooLarge);
    }
    share.turn(announced.lower()).await?;
    match time::timeout(TIMEOUT, collect(body, limit, share)).await {
        Ok(read) => read,
        Err(_) => Err(Refusal::Unfinished(format!("not within {} s", TIMEOUT.as_secs()))),
    }
}

async fn collect(body: &mut Body, limit: usize, share: &mut Share) -> Result<Bytes, Refusal> {
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(0).min(limit);
    // Most bodies are one frame, which is then taken as it is.
    let mut first = Bytes::new();
    let mut whole = BytesMut::new();
    let prompt = time::Instant::now() + PROMPT;
    loop {
        let next = if let Ok(next) = time::timeout_at(prompt, body.frame()).await {
            next
        } else {
            share.lose_turn();
            body.frame().await
        };
        let Some(frame) = next else { break };
        let frame = frame.map_err(|error| Refusal::Unfinished(error.to_string()))?;
        let Ok(data) = frame.into_data() else { continue };
        let size = first.len() + whole.len() + data.len();
        if size > limit {
            return Err(Refusal::TooLarge);
        }
        share.grow_to(size)?;
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

/// Decompresses a body on the blocking pool. `share` grows as the decompressed body does.
pub(super) async fn decompress(body: Bytes, how: Compression, mut share: Share) -> Result<(Bytes, Share), Refusal> {
    if how == Compression::None || body.is_empty() {
        return Ok((body, share));
    }
    let core = share.core().await?;
    let inflated = task::spawn_blocking(move || {
        let _core = core;
        let whole = match how {
            Compression::None => return Ok((body, share)),
            Compression::Gzip => inflate(MultiGzDecoder::new(&*body), body.len(), &mut share),
            // HTTP's "deflate" is zlib; some senders send raw deflate.
            Compression::Deflate if is_zlib(&body) => inflate(ZlibDecoder::new(&*body), body.len(), &mut share),
            Compression::Deflate => inflate(DeflateDecoder::new(&*body), body.len(), &mut share),
            Compression::Zstd => inflate(zstd_decoder(&body)?, body.len(), &mut share),
        };
        Ok((Bytes::from(whole?), share))
    });
    inflated.await.unwrap_or(Err(Refusal::Panicked))
}

/// A frame may ask its reader for a window of gigabytes. 16 MiB are allowed: no level below "ultra" asks for more.
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

fn inflate(mut from: impl Read, compressed: usize, share: &mut Share) -> Result<Vec<u8>, Refusal> {
    let mut whole = Vec::new();
    let mut chunk = vec![0; 64 << 10];
    loop {
        let read = match from.read(&mut chunk) {
            Ok(0) => return Ok(whole),
            Ok(read) => chunk.get(..read).unwrap_or_default(),
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(Refusal::Compressed(error.to_string())),
        };
        if whole.len() + read.len() > BODY {
            return Err(Refusal::TooLarge);
        }
        share.grow_to(compressed + whole.len() + read.len())?;
        whole.extend_from_slice(read);
    }
}

/// Reads what is left of a refused body and drops it, on a task of its own.
///
/// An HTTP/1 client writes its whole body before it reads the answer. If the connection were closed meanwhile, the client
/// would see a reset instead of the answer, and exporters send the same again after a reset.
pub(super) fn drain(mut body: Body) {
    const MOST: usize = 1 << 30;
    const TIMEOUT: Duration = Duration::from_secs(10);
    if body.is_end_stream() {
        return;
    }
    task::spawn(time::timeout(TIMEOUT, async move {
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
    use crate::receive::budget::{Budget, PAGE};

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
        decompress(body.into(), how, Budget::default().share()).await.map(|(body, _)| body)
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
        let nothing = vec![0; BODY + 1];
        for (how, bomb) in [(Compression::Gzip, gzip(&nothing)), (Compression::Zstd, zstd(&nothing))] {
            assert!(bomb.len() < BODY / 100);
            let budget = Budget::of(BODY + bomb.len() + PAGE);
            let refused = decompress(bomb.into(), how, budget.share()).await.map(|(body, _)| body.len());
            assert_eq!(refused, Err(Refusal::TooLarge), "{how:?}");
        }
        assert_eq!(inflated(gzip(&nothing[1..]), Compression::Gzip).await.unwrap().len(), BODY);
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
    async fn no_more_bodies_are_decompressed_at_once_than_there_are_cores() {
        let budget = Budget::default();
        let mut cores = Vec::new();
        for _ in 0..std::thread::available_parallelism().map_or(1, std::num::NonZero::get) {
            cores.push(budget.share().core().await.unwrap());
        }
        let body = zstd::encode_all(&b"hello"[..], 1).unwrap();
        let waits = task::spawn(decompress(body.into(), Compression::Zstd, budget.share()));
        for _ in 0..10 {
            task::yield_now().await;
        }
        assert!(!waits.is_finished());
        cores.clear();
        assert_eq!(waits.await.unwrap().unwrap().0, "hello");
    }

    #[tokio::test]
    async fn bodies_share_one_budget_and_give_it_back() {
        let budget = Budget::of(8 * PAGE);
        let mut first = budget.share();
        read(&mut Body::from(vec![1; 6 * PAGE]), BODY, &mut first).await.unwrap();
        let refused = read(&mut Body::from(vec![1; 6 * PAGE]), BODY, &mut budget.share()).await;
        assert!(matches!(refused, Err(Refusal::Busy { .. })));
        drop(first);
        assert!(read(&mut Body::from(vec![1; 6 * PAGE]), BODY, &mut budget.share()).await.is_ok());
    }

    #[tokio::test]
    async fn a_body_that_is_sent_slowly_is_read_whole_and_leaves_its_turn_to_others() {
        let budget = Budget::default();
        let mut shares: Vec<_> = (0..64).map(|_| budget.share()).collect();
        let slow = shares.iter_mut().map(|share| async {
            let frames = futures_util::stream::unfold(0, |nth| async move {
                if nth > 0 {
                    time::sleep(2 * PROMPT).await;
                }
                (nth < 2).then(|| (Ok::<_, std::io::Error>(vec![nth; 3]), nth + 1))
            });
            read(&mut Body::from_stream(frames), BODY, share).await
        });
        let slow = futures_util::future::join_all(slow).await;
        assert!(slow.iter().all(|read| read.as_deref() == Ok(&[0, 0, 0, 1, 1, 1])), "{slow:?}");
        // Those that were read are not answered yet.
        assert!(budget.share().turn(u64::MAX).await.is_ok());
    }

    #[tokio::test]
    async fn a_body_over_the_limit_is_refused_whether_announced_or_not() {
        let refused = read(&mut Body::from(vec![0; 11]), 10, &mut Budget::default().share()).await;
        assert_eq!(refused, Err(Refusal::TooLarge));
        let frames = (0..3).map(|_| Ok::<_, std::io::Error>(vec![0; 4]));
        let mut unannounced = Body::from_stream(futures_util::stream::iter(frames));
        assert_eq!(read(&mut unannounced, 10, &mut Budget::default().share()).await, Err(Refusal::TooLarge));
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
