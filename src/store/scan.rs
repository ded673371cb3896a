//! Reads the checksums of the file once after it was opened, so that damage is found before somebody needs what it hit.
//!
//! It takes no more of the disk than [`PAUSE`] lets it. The first blocks were read before the file was opened. A block that is
//! being written just now looks wrong for a moment, and one that holds nothing may be wrong: so all that is stored is read
//! before the writer is told.

use std::{fs, sync::Arc, time::Duration};

use tracing::{debug, warn};

use super::{
    DatabaseError,
    file_blocks::{is_whole, length_at},
    open::is_corrupt,
    pool::{Database, PooledConnection},
    queue::WriteQueue,
    reprocess::Ends,
    rescue::FIRST,
    salvage::read_all,
};

/// How long it waits after each block of 256 KiB, so that it reads at most 32 MiB a second.
const PAUSE: Duration = Duration::from_millis(8);
/// How long after a block looked wrong it is read again.
const AGAIN: Duration = Duration::from_millis(if cfg!(test) { 10 } else { 1000 });

/// Looks for wrong blocks.
pub struct Scan {
    database: Arc<Database>,
    connection: Arc<PooledConnection>,
    /// Where the writer is told.
    queue: Arc<WriteQueue>,
    /// Ends it when the store closes.
    ends: Arc<Ends>,
}

impl Scan {
    pub fn of(database: &Arc<Database>, queue: &Arc<WriteQueue>, ends: &Arc<Ends>) -> Self {
        let connection = database.pooled();
        Self { database: database.clone(), connection, queue: queue.clone(), ends: ends.clone() }
    }

    /// Reads all blocks after the first, until the end of the file or until the store closes.
    pub fn run(&self) {
        let mut at = 0;
        while at < FIRST {
            at += length_at(at) as u64;
        }
        // Where one block is wrong that nothing needs, all is known of others as well.
        let mut knows_all = false;
        while let Some(block) = self.block_at(at) {
            if !knows_all && !is_whole(&block) && self.is_still_wrong(at, &block) {
                match self.reads_all() {
                    Ok(()) => {
                        debug!(at, "a block of the store is wrong in which nothing is");
                        knows_all = true;
                    }
                    Err(error) if is_corrupt(&error.to_string()) => {
                        warn!(at, %error, "a part of the store cannot be read");
                        self.queue.damaged();
                        return;
                    }
                    // The store closes, or is being opened again.
                    Err(_) => {}
                }
            }
            if self.ends.come_within(PAUSE) {
                break;
            }
            at += block.len() as u64;
        }
        self.connection.close();
    }

    /// Reads a block. While the file is being opened again that is waited for.
    fn block_at(&self, at: u64) -> Option<Vec<u8>> {
        loop {
            let block = self.database.block_at(at);
            if block.is_some() || self.file_bytes().is_none_or(|bytes| at + length_at(at) as u64 > bytes) {
                return block;
            }
            if self.ends.come_within(AGAIN) {
                return None;
            }
        }
    }

    /// Bytes of the file, without its log.
    fn file_bytes(&self) -> Option<u64> {
        Some(fs::metadata(self.database.path()?).ok()?.len())
    }

    fn is_still_wrong(&self, at: u64, block: &[u8]) -> bool {
        !self.ends.come_within(AGAIN) && self.database.block_at(at).is_some_and(|again| again == block)
    }

    /// Reads all that is stored, with a pause after each part.
    fn reads_all(&self) -> Result<(), DatabaseError> {
        read_all(&self.connection, &|| {
            let closes = self.ends.come_within(PAUSE);
            if closes { Err(DatabaseError::Away("the store closes".to_owned())) } else { Ok(()) }
        })
    }
}
