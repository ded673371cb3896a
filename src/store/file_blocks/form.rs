//! The form of the file: headers and blocks, each with a checksum before its content.

use crate::store::log_file::{FACTOR, START};

/// Bytes of each header, and how many there are.
pub const HEADER: usize = 4096;
pub const HEADERS: u64 = 3;
/// Bytes of a block.
pub const BLOCK: usize = 256 << 10;
/// Bytes of a word, and of the checksum.
pub const WORD: usize = 8;

/// How many bytes the header or block has that begins at this place.
pub fn length_at(at: u64) -> usize {
    if at < HEADERS * HEADER as u64 { HEADER } else { BLOCK }
}

/// The words of a block after its checksum.
pub fn words(block: &[u8]) -> impl Iterator<Item = u64> {
    block.chunks_exact(WORD).skip(1).map(word)
}

pub fn word(bytes: &[u8]) -> u64 {
    let mut word = [0; WORD];
    word.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
    u64::from_le_bytes(word)
}

/// By how much the checksum of a block is wrong; 0 if it is right.
pub fn difference(block: &[u8]) -> u64 {
    words(block).fold(START, |sum, word| sum ^ word.wrapping_mul(FACTOR)) ^ word(block)
}

/// Whether a block is as it was written, or was never written.
pub fn is_whole(block: &[u8]) -> bool {
    difference(block) == 0 || block.iter().all(|byte| *byte == 0)
}
