//! Finds the blocks of a file whose checksum is wrong, without the engine, and makes the engine read some all the same.

use std::{
    fs::File,
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    path::Path,
};

use super::form::{BLOCK, HEADER, HEADERS, WORD, difference, is_whole, length_at, word};

/// A block or header whose checksum is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WrongBlock {
    /// Where it begins in the file.
    pub at: u64,
    /// The checksum that it has.
    checksum: u64,
    /// The checksum that its content has.
    of_content: u64,
}

impl WrongBlock {
    /// The number that the engine has for it; `None` for a header.
    pub fn number(&self) -> Option<u64> {
        Some(self.at.checked_sub(HEADERS * HEADER as u64)? / BLOCK as u64)
    }
}

/// The headers and blocks of a file, one after another.
pub struct Blocks {
    file: File,
    at: u64,
    length: u64,
    block: Vec<u8>,
}

impl Blocks {
    /// From the beginning of the file on.
    pub fn of(mut file: File) -> io::Result<Self> {
        let length = file.metadata()?.len();
        file.rewind()?;
        Ok(Self { file, at: 0, length, block: vec![0; BLOCK] })
    }

    /// Reads the next one, and says where it begins; `None` at the end of the file, where a part of one may be left.
    pub fn next(&mut self) -> io::Result<Option<(u64, &[u8])>> {
        let (at, bytes) = (self.at, length_at(self.at));
        let Some(block) = self.block.get_mut(..bytes) else { return Ok(None) };
        if self.length.saturating_sub(at) < bytes as u64 {
            return Ok(None);
        }
        self.file.read_exact(block)?;
        self.at += bytes as u64;
        Ok(Some((at, block)))
    }

    /// The file again.
    pub fn into_file(self) -> File {
        self.file
    }
}

/// The wrong blocks among those of a file that begin before `end`. Of a file of which most have other checksums than these
/// there are none: it is written in another form.
pub fn wrong_blocks(path: &Path, end: u64) -> io::Result<Vec<WrongBlock>> {
    let (mut all, mut count, mut wrong) = (Blocks::of(File::open(path)?)?, 0_usize, Vec::new());
    while let Some((at, block)) = all.next()? {
        if at >= end {
            break;
        }
        count += 1;
        if !is_whole(block) {
            let checksum = word(block);
            wrong.push(WrongBlock { at, checksum, of_content: checksum ^ difference(block) });
        }
    }
    Ok(if wrong.len() > count / 2 { Vec::new() } else { wrong })
}

/// Gives some wrong blocks the checksum of what is in them, so that the engine reads them.
pub fn accept(path: &Path, wrong: &[WrongBlock]) -> io::Result<()> {
    replace(path, wrong, |block| (block.checksum, block.of_content))
}

/// Gives blocks that were accepted the checksum again that they had, unless they were written meanwhile.
pub fn refuse(path: &Path, wrong: &[WrongBlock]) -> io::Result<()> {
    replace(path, wrong, |block| (block.of_content, block.checksum))
}

/// Replaces the checksums of some blocks, each by that which it is given beside the one that it has.
fn replace(path: &Path, wrong: &[WrongBlock], checksums: impl Fn(&WrongBlock) -> (u64, u64)) -> io::Result<()> {
    let mut file = File::options().read(true).write(true).open(path)?;
    for block in wrong {
        let (from, to) = checksums(block);
        let mut found = [0; WORD];
        file.seek(SeekFrom::Start(block.at))?;
        file.read_exact(&mut found)?;
        if u64::from_le_bytes(found) == from {
            file.seek(SeekFrom::Start(block.at))?;
            file.write_all(&to.to_le_bytes())?;
        }
    }
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// A file of three headers and so many blocks with right checksums.
    fn written(path: &Path, blocks: usize) {
        let lengths = [HEADER; 3].into_iter().chain(std::iter::repeat_n(BLOCK, blocks));
        let block = |(nth, length): (usize, usize)| {
            let mut block = vec![u8::try_from(nth % 250).unwrap(); length];
            let checksum = word(&block) ^ difference(&block);
            block[..WORD].copy_from_slice(&checksum.to_le_bytes());
            block
        };
        fs::write(path, lengths.enumerate().flat_map(block).collect::<Vec<u8>>()).unwrap();
    }

    #[test]
    fn wrong_blocks_are_found_accepted_and_refused_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        written(&path, 5);
        assert_eq!(wrong_blocks(&path, u64::MAX).unwrap(), []);
        let mut damaged = fs::read(&path).unwrap();
        let places = [HEADER + 100, 3 * HEADER + BLOCK + 7, 3 * HEADER + 4 * BLOCK + 5_000];
        for at in places {
            damaged[at] ^= 0x55;
        }
        fs::write(&path, &damaged).unwrap();
        let wrong = wrong_blocks(&path, u64::MAX).unwrap();
        assert_eq!(wrong.iter().map(WrongBlock::number).collect::<Vec<_>>(), [None, Some(1), Some(4)]);
        assert_eq!(wrong_blocks(&path, 2 * BLOCK as u64).unwrap(), wrong[..2]);
        accept(&path, &wrong).unwrap();
        assert_eq!(wrong_blocks(&path, u64::MAX).unwrap(), []);
        // One that was written meanwhile stays as it was written.
        let mut again = fs::read(&path).unwrap();
        let first = usize::try_from(wrong[0].at).unwrap();
        again[first..first + WORD].fill(9);
        fs::write(&path, &again).unwrap();
        refuse(&path, &wrong).unwrap();
        let left = fs::read(&path).unwrap();
        assert!(left[first..first + WORD] == [9; WORD] && left[3 * HEADER..] == damaged[3 * HEADER..]);
    }

    #[test]
    fn a_file_of_another_form_has_no_wrong_blocks() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        written(&path, 1);
        let other = fs::read(&path).unwrap();
        let noise: Vec<u8> = (0..other.len()).map(|at| u8::try_from(at * at % 251).unwrap()).collect();
        fs::write(&path, &noise).unwrap();
        assert_eq!(wrong_blocks(&path, u64::MAX).unwrap(), []);
    }
}
