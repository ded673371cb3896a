//! Puts right single bytes of the file that have changed since they were written, as memory and disks change some.
//!
//! The file is three headers and then blocks, each with a checksum before its content. The engine refuses to read a block
//! whose checksum is wrong, and where that is one with the descriptions of tables, the whole file. But the checksum says
//! more: it is the exclusive or of the words of the content, each times a number. So from what it is and what it should be,
//! it follows for every word what that would have been if it alone had changed. Where this differs in one byte for just
//! one word, that is the byte.
//!
//! Where it does for several, what else is in the block tells more: words that are alike, zero above all, are very many. A
//! word that is like no other, and would be one of those if it had not changed, is the one that did, unless there are others
//! of which that may be said as well. In all other cases, as where the last byte of one of many different words changed,
//! which all of them could have, the block is left. Of 1,500 changed bytes of a small store 83 in 100 were found, of 5,000 of
//! two larger ones 63 in 100, and none was taken for another.
//!
//! Before a block is changed it is kept as it was, beside the file.

mod form;
mod wrong;

use std::{
    collections::HashMap,
    fs::File,
    io::{self, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use rustix::fs::{FlockOperation, fcntl_lock};

use super::log_file::{FACTOR, with_suffix};
use form::{WORD, difference, word, words};
pub use form::{is_whole, length_at};
use wrong::Blocks;
pub use wrong::{WrongBlock, accept, refuse, wrong_blocks};

/// What was put right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RightedBytes {
    /// How many bytes.
    pub bytes: u64,
    /// Where the blocks are kept as they were.
    pub kept: PathBuf,
}

impl RightedBytes {
    /// In words; `path` is the store.
    pub fn says(&self, path: &Path) -> String {
        let (path, kept) = (path.display(), self.kept.display());
        let what = match self.bytes {
            1 => format!("a byte of {path} had changed since it was written, and was put right"),
            bytes => format!("{bytes} bytes of {path} had changed since they were written, and were put right"),
        };
        format!(
            "{what}: nothing is lost. A disk or memory that changes bytes will do so again. What was there is kept in {kept}"
        )
    }
}

/// Puts right the changed bytes of a file that no process has open. Returns what was wrong, if anything was.
///
/// # Errors
/// Those of reading and writing it, and where another process has it open.
pub fn put_right(path: &Path) -> io::Result<Option<RightedBytes>> {
    let file = File::options().read(true).write(true).open(path)?;
    if fcntl_lock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
        return Err(io::Error::other("another process has it open"));
    }
    let (wrong, mut file) = changed_blocks(file)?;
    if wrong.is_empty() {
        return Ok(None);
    }
    let (mut copy, kept) = new_file(path)?;
    for Wrong { block, .. } in &wrong {
        copy.write_all(block)?;
    }
    copy.sync_all()?;
    for Wrong { at, changed, .. } in &wrong {
        file.seek(SeekFrom::Start(at + (changed.nth * WORD) as u64))?;
        file.write_all(&changed.right.to_le_bytes())?;
    }
    file.sync_all()?;
    Ok(Some(RightedBytes { bytes: wrong.len() as u64, kept }))
}

/// A new file beside a store, for what was in it; for its owner only.
fn new_file(path: &Path) -> io::Result<(File, PathBuf)> {
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    for nth in now.. {
        let kept = with_suffix(path, &format!(".damaged-blocks-{nth}"));
        match options.open(&kept) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            made => return Ok((made?, kept)),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

/// A block or header with a changed byte.
struct Wrong {
    /// Where it begins in the file.
    at: u64,
    /// What is there.
    block: Vec<u8>,
    changed: Changed,
}

/// The blocks of a file in which a byte has changed, and the file. In a file of which most blocks have other checksums than
/// these nothing is wrong: it is written in another form.
fn changed_blocks(file: File) -> io::Result<(Vec<Wrong>, File)> {
    let (mut all, mut blocks, mut others, mut wrong) = (Blocks::of(file)?, 0_u64, 0_u64, Vec::new());
    while let Some((at, block)) = all.next()? {
        blocks += 1;
        if !is_whole(block) {
            others += 1;
            wrong.extend(changed_word(block).map(|changed| Wrong { at, block: block.to_vec(), changed }));
        }
    }
    // Of many wrong blocks that cannot be put right there is nothing to be made.
    Ok((if others > blocks / 2 { Vec::new() } else { wrong }, all.into_file()))
}

/// A word that may have changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Changed {
    /// Which word of its block, the checksum being the first.
    nth: usize,
    found: u64,
    right: u64,
}

/// The word in which a byte has changed; `None` if more has changed, or if it cannot be told.
fn changed_word(block: &[u8]) -> Option<Changed> {
    let difference = difference(block);
    let checksum = word(block);
    let of_content = words(block).zip(1..).map(|(found, nth)| {
        let right = (found.wrapping_mul(FACTOR) ^ difference).wrapping_mul(INVERSE);
        Changed { nth, found, right }
    });
    let changed: Vec<Changed> = std::iter::once(Changed { nth: 0, found: checksum, right: checksum ^ difference })
        .chain(of_content)
        .filter(|changed| is_of_one_byte(changed.found ^ changed.right))
        .collect();
    match &changed[..] {
        [] => None,
        [only] => Some(*only),
        several => one_of_many(block, several),
    }
}

/// Of several words that may have changed the one that was one of very many and is like no other; `None` if it is not alone
/// in that.
fn one_of_many(block: &[u8], several: &[Changed]) -> Option<Changed> {
    /// So many words that are alike are very many.
    const MANY: u32 = 256;
    let mut counts: HashMap<u64, u32> = HashMap::new();
    words(block).for_each(|word| *counts.entry(word).or_insert(0) += 1);
    let count = |word: u64| counts.get(&word).copied().unwrap_or(0);
    let is_alone = |changed: &Changed| changed.nth == 0 || count(changed.found) == 1;
    let is_of_many = |changed: &Changed| changed.nth > 0 && is_alone(changed) && count(changed.right) >= MANY;
    let (found, others): (Vec<Changed>, Vec<Changed>) = several.iter().partition(|changed| is_of_many(changed));
    let [found] = found[..] else { return None };
    // Another one that is like no other may have been one of a few.
    let doubt: u32 = others.iter().filter(|other| is_alone(other)).map(|other| count(other.right)).sum();
    if doubt.saturating_mul(MANY) > count(found.right) {
        return None;
    }
    // Of the last byte the checksum has only eight bits. Where others that are as they were written differ in it from the
    // many, this may be one of them.
    let in_last_byte = |word: u64| word != found.right && (word ^ found.right) << 8 == 0;
    let is_as_written = |(word, count): (&u64, &u32)| *word != found.found && *count == 1 && in_last_byte(*word);
    (!in_last_byte(found.found) || !counts.iter().any(is_as_written)).then_some(found)
}

/// Whether the bits that differ are all in one byte.
fn is_of_one_byte(change: u64) -> bool {
    change.to_le_bytes().iter().filter(|byte| **byte != 0).count() == 1
}

/// What undoes a multiplication by [`FACTOR`].
const INVERSE: u64 = {
    let (mut inverse, mut round) = (FACTOR, 0);
    // Each round doubles the number of right bits; the first three are.
    while round < 5 {
        inverse = inverse.wrapping_mul(2_u64.wrapping_sub(FACTOR.wrapping_mul(inverse)));
        round += 1;
    }
    inverse
};

#[cfg(test)]
mod tests {
    use std::{fs, sync::Arc};

    use super::{
        form::{BLOCK, HEADER},
        *,
    };
    use crate::store::{
        Place, Store,
        log_file::START,
        tests::{send, span},
    };

    #[test]
    fn a_multiplication_is_undone() {
        for number in [0, 1, 255, u64::MAX, 0x0123_4567_89ab_cdef] {
            assert_eq!(number.wrapping_mul(FACTOR).wrapping_mul(INVERSE), number);
        }
    }

    #[test]
    fn a_byte_that_changed_is_put_right_wherever_it_is_and_the_block_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.duckdb");
        let store = Store::open(&Place::File(path.clone()), Arc::default()).unwrap();
        send(&store, (1..100).map(|id| span("a", id).with_prompt(&format!("Hello {id}"))));
        store.close();
        let whole = fs::read(&path).unwrap();
        assert_eq!(put_right(&path).unwrap(), None);
        let blocks = (whole.len() - 3 * HEADER) / BLOCK;
        let in_blocks =
            (0..blocks).flat_map(|nth| [2, 8, 1_001, 5_000, 100_003].map(|at| 3 * HEADER + nth * BLOCK + at));
        let places: Vec<usize> = [3, 8, 100, HEADER + 9, 2 * HEADER + 4000].into_iter().chain(in_blocks).collect();
        let mut righted = 0;
        for (nth, at) in places.iter().enumerate() {
            let mut damaged = whole.clone();
            damaged[*at] ^= [0x01, 0x55, 0xff][nth % 3];
            fs::write(&path, &damaged).unwrap();
            let Some(RightedBytes { bytes, kept }) = put_right(&path).unwrap() else {
                assert!(fs::read(&path).unwrap() == damaged, "{at}");
                continue;
            };
            assert_eq!(bytes, 1);
            assert!(fs::read(&path).unwrap() == whole, "{at}");
            let was = fs::read(&kept).unwrap();
            assert!(was.contains(&damaged[*at]) && damaged.chunks(HEADER).any(|part| was.starts_with(part)), "{at}");
            fs::remove_file(kept).unwrap();
            righted += 1;
        }
        assert!(righted > places.len() / 2, "{righted} of {}", places.len());
        // Two bytes far apart are more than a checksum tells of.
        let mut damaged = whole.clone();
        for at in [3 * HEADER + 100, 3 * HEADER + 5_000] {
            damaged[at] ^= 0x55;
        }
        fs::write(&path, &damaged).unwrap();
        assert_eq!(put_right(&path).unwrap(), None);
        assert!(fs::read(&path).unwrap() == damaged);
    }

    /// A block of these words with its checksum, in which then one word is another.
    fn changed(mut words: Vec<u64>, nth: usize, to: u64) -> Vec<u8> {
        let checksum = words.iter().fold(START, |sum, word| sum ^ word.wrapping_mul(FACTOR));
        words.insert(0, checksum);
        words[nth] = to;
        words.iter().flat_map(|word| word.to_le_bytes()).collect()
    }

    #[test]
    fn what_cannot_be_told_is_left() {
        let found = |block: &[u8]| changed_word(block).map(|changed| (changed.nth, changed.right));
        // Words that are all different.
        let words: Vec<u64> = (1..400).map(|nth: u64| nth.wrapping_mul(0x9e37_79b9_7f4a_7c15)).collect();
        assert_eq!(found(&changed(words.clone(), 7, words[6] ^ 0x5500)), Some((7, words[6])));
        assert_eq!(
            found(&changed(words.clone(), 7, words[6] ^ (0x55 << 56))),
            None,
            "all of them could have changed so"
        );
        assert_eq!(found(&changed(words.clone(), 7, words[6] ^ 0x1_0001)), None, "two bytes");
        // One of very many that are alike, and one of a few.
        assert_eq!(found(&changed(vec![0; 400], 7, 0x5500)), Some((7, 0)));
        assert_eq!(found(&changed(vec![0; 40], 7, 0x5500)), None);
        // The last byte of one of very many, where no other differs from them in that, and where one does.
        assert_eq!(found(&changed(vec![0; 400], 7, 0x55 << 56)), Some((7, 0)));
        let mut words = vec![0; 400];
        words[100] = 3 << 56;
        assert_eq!(found(&changed(words, 7, 0x55 << 56)), None);
        // Another has what it was changed to.
        let mut words = vec![0; 400];
        words[100] = 0x5500;
        assert_eq!(found(&changed(words, 7, 0x5500)), None);
        // One that looks as if it had been zero, and was written so.
        let mut words: Vec<u64> = vec![0; 400];
        words[100] = 0x5500;
        assert_eq!(found(&changed(words.clone(), 7, 0x1234)), None, "two bytes");
        words.extend((1..400).map(|nth: u64| nth.wrapping_mul(0x9e37_79b9_7f4a_7c15)));
        assert_eq!(found(&changed(words.clone(), 500, words[499] ^ 0x5500)), Some((500, words[499])));
    }

    #[test]
    fn a_file_of_another_form_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        for length in [0, 10, HEADER, 4 * HEADER, 3 * HEADER + 2 * BLOCK] {
            let noise: Vec<u8> = (0..length).map(|at| u8::try_from(at * at % 251).unwrap()).collect();
            fs::write(&path, &noise).unwrap();
            assert_eq!(put_right(&path).unwrap(), None);
            assert!(fs::read(&path).unwrap() == noise);
        }
    }
}
