//! Mends the write-ahead log: one that was damaged, or torn by a loss of power, is cut where it stops making sense.
//!
//! The engine refuses to open a file whose log has a wrong checksum, and takes a wrong length for the end of the log
//! without a word. So the log is read before the engine opens it, and if something in it is wrong, it is cut after the last
//! whole transaction before that. The log as it was is kept beside it.
//!
//! ```text
//!   header: fields of the engine's binary form, without a checksum
//!   entry:  length (8 bytes), checksum (8 bytes), content
//!   a transaction ends with an entry whose content is FLUSH; a checkpoint that was begun is an entry of its own
//! ```

use std::{
    fs::{self, File},
    io::{self, BufReader, Read},
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use rustix::fs::{FlockOperation, fcntl_lock};

/// The content of the entry that ends a transaction.
const FLUSH: [u8; 5] = [100, 0, 100, 0xff, 0xff];
/// How the content of the entry begins that says that a checkpoint was begun.
const CHECKPOINT: [u8; 3] = [100, 0, 99];
/// The version of the log's form that is known.
const VERSION: u64 = 2;
/// A version up to this may be that of another engine's log.
const PLAUSIBLE: u64 = 16;
/// Longest header that is read; real ones have about fifty bytes.
const HEADER: u64 = 4096;

/// What was wrong with a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mended {
    /// The byte from which on it could not be used.
    pub at: u64,
    /// The bytes that it had.
    pub length: u64,
    /// Where it is kept as it was.
    pub kept: PathBuf,
}

impl Mended {
    /// In words; `path` is the store.
    pub fn says(&self, path: &Path) -> String {
        format!(
            "the log of {} was damaged: its last {} of {} bytes cannot be read, and with them the newest spans; it is kept \
             as it was in {}",
            path.display(),
            self.length - self.at,
            self.length,
            self.kept.display()
        )
    }
}

/// The path with a suffix after its last character: `a.db` becomes `a.db.wal`.
pub fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// The files that the engine keeps beside a store while it is open: its name and a suffix that begins with `.wal`.
pub fn files_beside(path: &Path) -> io::Result<Vec<PathBuf>> {
    let Some(name) = path.file_name() else { return Ok(Vec::new()) };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut beside = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let other = entry.file_name();
        let suffix = other.as_encoded_bytes().strip_prefix(name.as_encoded_bytes());
        if suffix.is_some_and(|suffix| suffix.starts_with(b".wal")) && entry.metadata()?.len() > 0 {
            beside.push(entry.path());
        }
    }
    Ok(beside)
}

/// Mends the log of a store that no process has open. Returns what was wrong, if anything was.
pub fn mend(path: &Path) -> io::Result<Option<Mended>> {
    let log = with_suffix(path, ".wal");
    let length = match fs::metadata(&log) {
        Ok(file) if file.len() > 0 => file.len(),
        _ => return Ok(None),
    };
    // The engine holds this lock on a file that it has open, and appends to its log meanwhile.
    let Ok(file) = File::options().read(true).write(true).open(path) else { return Ok(None) };
    if fcntl_lock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
        return Ok(None);
    }
    let Some(at) = damaged_at(BufReader::with_capacity(1 << 20, File::open(&log)?), length)? else { return Ok(None) };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let kept = with_suffix(path, &format!(".damaged-log-{now}"));
    fs::copy(&log, &kept)?;
    File::open(&kept)?.sync_all()?;
    let log = File::options().write(true).open(&log)?;
    log.set_len(at)?;
    log.sync_all()?;
    Ok(Some(Mended { at, length, kept }))
}

/// Where a log has to be cut; `None` if nothing is wrong with it, or if it has another form than the one that is known.
pub fn damaged_at(mut log: impl Read, length: u64) -> io::Result<Option<u64>> {
    let mut start = Counted { from: &mut log, read: 0 };
    let header = match header(&mut start) {
        Ok(Some(VERSION)) => start.read,
        Ok(Some(other)) if other <= PLAUSIBLE => return Ok(None),
        Ok(_) => return Ok(Some(0)),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(Some(0)),
        Err(error) => return Err(error),
    };
    let (mut at, mut whole) = (header, header);
    let mut content = Vec::new();
    while at < length {
        let mut head = [0; 16];
        let (size, checksum) = match log.read_exact(&mut head) {
            Ok(()) => (u64::from_le_bytes(eight(&head)), u64::from_le_bytes(eight(&head[8..]))),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(Some(whole)),
            Err(error) => return Err(error),
        };
        let Some(end) = at.checked_add(16).and_then(|at| at.checked_add(size)).filter(|end| *end <= length) else {
            return Ok(Some(whole));
        };
        content.clear();
        (&mut log).take(size).read_to_end(&mut content)?;
        if size == 0 || content.len() as u64 != size || self::checksum(&content) != checksum {
            return Ok(Some(whole));
        }
        at = end;
        if content == FLUSH || content.starts_with(&CHECKPOINT) {
            whole = at;
        }
    }
    Ok(None)
}

/// Counts what is read.
struct Counted<R> {
    from: R,
    read: u64,
}

impl<R: Read> Counted<R> {
    fn byte(&mut self) -> io::Result<u8> {
        let mut byte = [0];
        self.from.read_exact(&mut byte)?;
        self.read += 1;
        Ok(byte[0])
    }

    fn number(&mut self) -> io::Result<u64> {
        let (mut number, mut shift) = (0, 0);
        loop {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f).checked_shl(shift).unwrap_or(0);
            shift += 7;
            if byte < 0x80 || shift > 63 {
                return Ok(number);
            }
        }
    }
}

/// Reads the header: the version of the log; `None` if it is damaged.
fn header(log: &mut Counted<impl Read>) -> io::Result<Option<u64>> {
    const TYPE: u64 = 98;
    const END: u16 = 0xffff;
    let mut version = None;
    if [log.byte()?, log.byte()?] != [100, 0] || log.number()? != TYPE {
        return Ok(None);
    }
    while log.read < HEADER {
        match u16::from_le_bytes([log.byte()?, log.byte()?]) {
            101 => version = Some(log.number()?),
            // The identifier of the file, as a list.
            102 => {
                for _ in 0..log.number()?.min(HEADER) {
                    log.number()?;
                }
            }
            103 => drop(log.number()?),
            END => return Ok(version),
            _ => return Ok(None),
        }
    }
    Ok(None)
}

/// What the engine's checksum begins with, and what it multiplies each word of eight bytes with. Blocks of the file have the
/// same.
pub(super) const START: u64 = 5381;
pub(super) const FACTOR: u64 = 0xbf58_476d_1ce4_e5b9;

/// The engine's checksum.
fn checksum(content: &[u8]) -> u64 {
    let words = content.chunks_exact(8);
    let rest = words.remainder();
    let sum = words.fold(START, |sum, word| sum ^ u64::from_le_bytes(eight(word)).wrapping_mul(FACTOR));
    if rest.is_empty() { sum } else { sum ^ of_rest(rest) }
}

/// The checksum of fewer than eight bytes.
fn of_rest(rest: &[u8]) -> u64 {
    const FACTOR: u64 = 0xc6a4_a793_5bd1_e995;
    const SEED: u64 = 0xe17a_1465;
    let mut word = [0; 8];
    word.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
    let mut hash = SEED ^ (rest.len() as u64).wrapping_mul(FACTOR);
    hash = (hash ^ u64::from_le_bytes(word)).wrapping_mul(FACTOR);
    hash = (hash ^ (hash >> 47)).wrapping_mul(FACTOR);
    hash ^ (hash >> 47)
}

/// The first eight bytes; those that are missing are zero.
fn eight(bytes: &[u8]) -> [u8; 8] {
    let mut eight = [0; 8];
    eight.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
    eight
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::store::{
        Place, Store,
        tests::{rows, send, span},
    };

    /// A store as a kill leaves it, and how long its log was after each of twenty spans.
    fn killed(folder: &Path) -> (PathBuf, Vec<u64>) {
        let (path, left) = (folder.join("a.duckdb"), folder.join("left.duckdb"));
        let store = Store::open(&Place::File(path.clone()), Arc::default()).unwrap();
        let mut lengths = Vec::new();
        for id in 1..=20 {
            send(&store, [span("a", id).with_prompt(&format!("Hello {id}"))]);
            lengths.push(fs::metadata(with_suffix(&path, ".wal")).unwrap().len());
        }
        fs::copy(&path, &left).unwrap();
        fs::copy(with_suffix(&path, ".wal"), with_suffix(&left, ".wal")).unwrap();
        store.close();
        (left, lengths)
    }

    /// Changes a log that ends where another one does; returns how many spans can be read then, and whether the log as it
    /// was is kept.
    fn read(left: &Path, change: impl FnOnce(&mut Vec<u8>)) -> (usize, bool) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("b.duckdb");
        fs::copy(left, &path).unwrap();
        let mut log = fs::read(with_suffix(left, ".wal")).unwrap();
        change(&mut log);
        fs::write(with_suffix(&path, ".wal"), &log).unwrap();
        let store = Store::open(&Place::File(path), Arc::default()).unwrap();
        let kept = store.mended().map(|mended| fs::read(&mended.kept).unwrap());
        assert!(kept.as_ref().is_none_or(|kept| *kept == log));
        send(&store, [span("b", 1)]);
        (rows(&store, "a").spans.len(), kept.is_some())
    }

    #[test]
    fn what_stands_before_the_damage_is_read_and_the_log_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let (left, lengths) = killed(folder.path());
        let at = |n: usize| usize::try_from(lengths[n]).unwrap();
        assert_eq!(read(&left, |_| ()), (20, false));
        // A length, a checksum and a content in the middle.
        for place in [0, 2, 5, 9, 17, 40] {
            assert_eq!(read(&left, |log| log[at(9) + place] ^= 0x55), (10, true), "{place}");
        }
        for place in [at(18) + 1, at(18) + 100, at(19) - 1] {
            assert_eq!(read(&left, |log| log.truncate(place)), (19, true), "{place}");
            assert_eq!(read(&left, |log| log[place..].fill(0)), (19, true), "{place}");
            assert_eq!(read(&left, |log| log[place..].fill(0xa7)), (19, true), "{place}");
        }
        let (spans, kept) = read(&left, |log| log[0] ^= 1);
        assert!(kept && spans == 0);
    }

    #[test]
    fn a_log_of_another_form_is_left_to_the_engine() {
        assert_eq!(damaged_at(&[100, 0, 98, 101, 0, 1, 0xff, 0xff, 1, 2][..], 10).unwrap(), None);
        assert_eq!(damaged_at(&[100, 0, 98, 101, 0, 2, 0xff, 0xff][..], 8).unwrap(), None);
        assert_eq!(damaged_at(&[100, 0, 98, 101, 0, 2, 0xff, 0xff, 0, 0][..], 10).unwrap(), Some(8));
        assert_eq!(damaged_at(&b"hello"[..], 5).unwrap(), Some(0));
    }
}
