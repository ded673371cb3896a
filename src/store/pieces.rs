//! The pieces of long raw forms. Each chat span repeats the whole conversation before it, so that raw forms that are stored
//! whole would take room by the square of its turns.
//!
//! ```text
//!   raw form ─▶ cut into pieces ─┬─ met before ─▶ the row has its id, `contents` has its bytes, once
//!                                └─ new ────────▶ its bytes stay in the row
//! ```
//!
//! Where a raw form is cut, its bytes there decide and not their place (FastCDC): what two raw forms have alike is cut into
//! the same pieces in both. That does not depend on how a span is understood, so other dialects need no other pieces.
//!
//! Most pieces never come again. So a piece is stored apart only when it comes for the second time. Which were met is known
//! to this process alone, and not of all: what is forgotten is stored in one more row.

use std::{
    collections::{BTreeSet, HashMap},
    sync::atomic::{AtomicU64, Ordering},
};

use bytes::Bytes;
use duckdb::{Connection, Row, named_params, types::ValueRef};
use fastcdc::v2020::FastCDC;

use super::{
    DatabaseError,
    pack::{pack, unpack},
    rows::{blob, uhugeints},
};
use crate::model::ContentId;

/// The column `kind` of a piece in `contents`.
pub const PIECE: &str = "piece";

/// The first byte of what a row has of a raw form whose other pieces stand apart; the others are in `pack`.
const PARTED: u8 = 2;

/// Bytes up to which a raw form stays whole.
const SHORT: usize = 4096;
/// Bytes of a piece. Smaller ones find more that is alike, but each takes a row and is named by its id.
const LEAST: usize = 256;
const AVERAGE: usize = 1024;
const MOST: usize = 4096;

/// What an id is hashed with, so that no piece has the id of a message.
const HASHED_FOR: &str = "sideseat-tui 2026 piece of a raw form";
/// Bytes of an id in the column `pieces`.
const ID: usize = 16;

/// The pieces that were met: half of the id of each, at one of some places by the other half, those met last first. With one
/// place for each, two pieces of a long conversation that share it would push each other out in every span.
static MET: [[AtomicU64; 4]; 1 << 15] = [const { [const { AtomicU64::new(0) }; 4] }; 1 << 15];

/// Notes that a piece was met; returns whether it was before.
fn was_met(id: ContentId) -> bool {
    let half = u64::try_from(id.0 >> 64).unwrap_or_default();
    let places = usize::try_from(id.0 % MET.len() as u128).ok().and_then(|nth| MET.get(nth));
    let mut next = half;
    // Those before it move one place on.
    places.into_iter().flatten().any(|place| {
        next = place.swap(next, Ordering::Relaxed);
        next == half
    })
}

fn id_of(piece: &[u8]) -> ContentId {
    let hash = blake3::Hasher::new_derive_key(HASHED_FOR).update(piece).finalize();
    let (first, _) = hash.as_bytes().split_first_chunk::<ID>().expect("BLAKE3 gives 32 bytes");
    ContentId(u128::from_be_bytes(*first))
}

/// A raw form as it is stored.
#[derive(Default)]
pub struct PackedRaw {
    /// The column `raw`: all of it, or what is in no piece that stands apart.
    pub row: Vec<u8>,
    /// The column `pieces`: the ids of the pieces that stand apart, in their order. `None` if there are none.
    pub ids: Option<Vec<u8>>,
    /// Those pieces.
    pub pieces: Vec<(ContentId, Bytes)>,
}

impl PackedRaw {
    /// Packs a raw form. The pieces share its allocation.
    pub fn new(raw: &Bytes) -> Self {
        let mut pieces = Vec::new();
        let mut rest = Rest::default();
        if raw.len() > SHORT {
            for chunk in FastCDC::new(raw, LEAST, AVERAGE, MOST) {
                let piece = raw.slice(chunk.offset..chunk.offset + chunk.length);
                let id = id_of(&piece);
                if was_met(id) {
                    rest.end_run();
                    pieces.push((id, piece));
                } else {
                    rest.add(&piece);
                }
            }
        }
        if pieces.is_empty() {
            return Self { row: pack(raw), ids: None, pieces };
        }
        let ids = pieces.iter().flat_map(|(id, _)| id.0.to_be_bytes()).collect();
        Self { row: rest.packed(), ids: Some(ids), pieces }
    }

    /// The raw form again.
    pub fn unpacked(&self, what: &'static str) -> Result<Bytes, DatabaseError> {
        let pieces = self.pieces.iter().map(|(id, piece)| (*id, piece.clone())).collect();
        StoredRaw::read(what, &self.row, self.ids.as_deref())?.join(&Pieces(pieces))
    }
}

/// What a row has of a raw form whose other pieces stand apart.
#[derive(Default)]
struct Rest {
    /// Its bytes, without the pieces.
    bytes: Vec<u8>,
    /// How many of them stand before each piece.
    runs: Vec<u64>,
    /// How many stand behind the last piece so far.
    run: u64,
}

impl Rest {
    fn add(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        self.run = self.run.saturating_add(bytes.len() as u64);
    }

    fn end_run(&mut self) {
        self.runs.push(std::mem::take(&mut self.run));
    }

    /// The column `raw`.
    fn packed(&self) -> Vec<u8> {
        let mut form = postcard::to_stdvec(&self.runs).expect("numbers have a postcard form");
        form.extend_from_slice(&self.bytes);
        let mut row = vec![PARTED];
        row.append(&mut pack(&form));
        row
    }
}

/// The ids in the column `pieces`.
pub fn ids(column: &[u8]) -> impl Iterator<Item = ContentId> {
    column.as_chunks::<ID>().0.iter().map(|id| ContentId(u128::from_be_bytes(*id)))
}

/// A raw form as it was read from its row. Its pieces have to be loaded before [`Self::join`].
pub struct StoredRaw {
    /// What an error calls it.
    what: &'static str,
    bytes: Vec<u8>,
    /// How many of the bytes stand before each piece.
    runs: Vec<u64>,
    /// The pieces that stand apart.
    pieces: Vec<ContentId>,
}

impl StoredRaw {
    /// Reads the columns `raw` and `pieces` with these indices from a row. `what` is what an error calls it.
    pub fn of_row(what: &'static str, row: &Row, raw: usize, pieces: usize) -> Result<Self, DatabaseError> {
        let is_whole = matches!(row.get_ref(pieces)?, ValueRef::Null);
        let pieces = if is_whole { None } else { Some(blob(row, pieces)?) };
        Self::read(what, blob(row, raw)?, pieces)
    }

    fn read(what: &'static str, raw: &[u8], pieces: Option<&[u8]>) -> Result<Self, DatabaseError> {
        let Some(ids) = pieces else {
            let bytes = unpack(what, raw)?.into_owned();
            return Ok(Self { what, bytes, runs: Vec::new(), pieces: Vec::new() });
        };
        let Some((&PARTED, packed)) = raw.split_first() else {
            return Err(unreadable(what, "it has pieces, and its first byte says that it has none"));
        };
        let form = unpack(what, packed)?;
        let (runs, bytes): (Vec<u64>, _) =
            postcard::take_from_bytes(&form).map_err(|error| unreadable(what, &error.to_string()))?;
        let (ids, odd) = ids.as_chunks::<ID>();
        if ids.len() != runs.len() || !odd.is_empty() {
            return Err(unreadable(what, "its row names another number of pieces"));
        }
        let pieces = ids.iter().map(|id| ContentId(u128::from_be_bytes(*id))).collect();
        Ok(Self { what, bytes: bytes.to_vec(), runs, pieces })
    }

    /// The pieces that are needed to join it.
    pub fn pieces(&self) -> impl Iterator<Item = ContentId> {
        self.pieces.iter().copied()
    }

    /// The raw form.
    ///
    /// # Errors
    /// One of its pieces is lost.
    pub fn join(self, pieces: &Pieces) -> Result<Bytes, DatabaseError> {
        let Self { what, bytes, runs, pieces: ids } = self;
        if ids.is_empty() {
            return Ok(bytes.into());
        }
        let mut raw = Vec::new();
        let mut rest = &bytes[..];
        for (id, run) in ids.iter().zip(runs) {
            let run = usize::try_from(run).ok().and_then(|run| rest.split_at_checked(run));
            let (before, behind) = run.ok_or_else(|| unreadable(what, "it is shorter than its row says"))?;
            let piece = pieces.0.get(id).ok_or_else(|| unreadable(what, "a piece of it is lost"))?;
            raw.extend_from_slice(before);
            raw.extend_from_slice(piece);
            rest = behind;
        }
        raw.extend_from_slice(rest);
        Ok(raw.into())
    }
}

fn unreadable(what: &'static str, why: &str) -> DatabaseError {
    DatabaseError::Unreadable { what, why: why.to_owned() }
}

/// The pieces of some raw forms, each loaded once.
#[derive(Default)]
pub struct Pieces(HashMap<ContentId, Bytes>);

impl Pieces {
    /// Loads some pieces. One that is lost, or cannot be unpacked, costs only the raw forms that have it.
    pub fn load(connection: &Connection, ids: impl Iterator<Item = ContentId>) -> Result<Self, DatabaseError> {
        let ids: BTreeSet<ContentId> = ids.collect();
        let mut pieces = Self::default();
        if !ids.is_empty() {
            let mut statement = connection.prepare_cached(include_str!("queries/load_contents.sql"))?;
            let mut found = statement.query(named_params! { "ids": uhugeints(ids.into_iter()) })?;
            while let Some(row) = found.next()? {
                pieces.add(row.get(0)?, blob(row, 2)?);
            }
        }
        Ok(pieces)
    }

    /// Adds a piece as its row has it, unless it cannot be unpacked.
    pub fn add(&mut self, id: ContentId, body: &[u8]) {
        if let Ok(piece) = unpack("piece", body) {
            self.0.insert(id, piece.into_owned().into());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Text of so many bytes that has nothing twice; another for each `seed`.
    fn text(seed: u32, bytes: usize) -> Vec<u8> {
        let words = (0_u32..).flat_map(|n| {
            let hash = blake3::hash(&[seed.to_le_bytes(), n.to_le_bytes()].concat()).to_hex();
            [hash.as_bytes(), b" "].concat()
        });
        words.take(bytes).collect()
    }

    #[test]
    fn whatever_is_packed_comes_back() {
        let history = text(1, 60_000);
        let forms = [
            Vec::new(),
            text(2, 10),
            text(3, SHORT + 1),
            history.clone(),
            history.clone(),
            [&text(4, 900)[..], &history, &text(5, 3000)].concat(),
            history[..30_000].to_vec(),
            [&history[..], &history, &vec![0; 50_000]].concat(),
            vec![7; 100_000],
        ];
        for form in forms.map(Bytes::from) {
            let packed = PackedRaw::new(&form);
            assert_eq!(packed.unpacked("test").unwrap(), form);
        }
    }

    #[test]
    fn what_was_met_before_is_named_and_what_is_new_stays_in_the_row() {
        let history = text(11, 100_000);
        let first = PackedRaw::new(&history.clone().into());
        assert!(first.ids.is_none() && first.pieces.is_empty());
        let second = [&text(12, 700)[..], &history, &text(13, 700)].concat();
        let packed = PackedRaw::new(&second.into());
        let apart: usize = packed.pieces.iter().map(|(_, piece)| piece.len()).sum();
        assert!(apart > 80_000 && packed.row.len() < 20_000, "{apart} bytes apart, {} in the row", packed.row.len());
    }

    #[test]
    fn all_pieces_of_a_long_conversation_are_met_again() {
        let ids: Vec<_> = (0..5000_u32).map(|n| id_of(&[b"long".as_slice(), &n.to_le_bytes()].concat())).collect();
        assert!(!ids.iter().any(|id| was_met(*id)));
        for _ in 0..3 {
            assert!(ids.iter().all(|id| was_met(*id)));
        }
    }

    #[test]
    fn a_piece_that_is_lost_costs_the_raw_forms_that_have_it() {
        let form = Bytes::from(text(21, 20_000));
        PackedRaw::new(&form);
        let PackedRaw { row, ids, mut pieces } = PackedRaw::new(&form);
        let read = |row: &[u8], ids: &[u8]| StoredRaw::read("test", row, Some(ids));
        let ids = ids.unwrap();
        pieces.pop();
        assert!(read(&row, &ids).unwrap().join(&Pieces(pieces.into_iter().collect())).is_err());
        assert!(read(&row, &ids[ID..]).is_err() && read(&row, &ids[1..]).is_err());
        assert!(read(&pack(&form), &ids).is_err() && read(b"", &ids).is_err());
        assert!(StoredRaw::read("test", &row, None).is_err());
    }
}
