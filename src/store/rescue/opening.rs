//! Opens a store, and before that puts right or rescues it, if something about it is damaged.

use std::{path::Path, sync::Arc};

use tracing::warn;

use super::rescuing::rescue;
use crate::{
    pricing::Prices,
    store::{
        OpenError, Place,
        file_blocks::{RightedBytes, wrong_blocks},
        open::{is_corrupt, put_right},
        pool::Database,
    },
};

/// Bytes of a file whose checksums are read before it is opened, which takes some ten milliseconds. Those of a larger file are
/// read once it is open.
pub const FIRST: u64 = if cfg!(test) { 1 << 20 } else { 32 << 20 };

/// Opens a store. Also says in words what was damaged about it, and what was done; `None` if nothing was. `says` is handed
/// what takes long, in words.
///
/// # Errors
/// It cannot be opened, and nothing could be done about that.
pub fn open(
    place: &Place,
    prices: &Arc<Prices>,
    says: &dyn Fn(&str),
) -> Result<(Arc<Database>, Option<String>), OpenError> {
    let place = place.clone().whole()?;
    let Place::File(path) = &place else { return Ok((Database::open(&place)?, None)) };
    let mut told: Vec<String> = righted(path).map(|righted| righted.says(path)).into_iter().collect();
    let is_wrong = is_wrong(path);
    let opened = Database::open(&place);
    let is_damaged = match &opened {
        Ok(_) => is_wrong,
        Err(OpenError::Unusable { why, .. }) => is_corrupt(why),
        Err(_) => false,
    };
    if let Ok(database) = &opened {
        told.extend(database.told());
    }
    let database = match opened {
        opened if !is_damaged => opened?,
        opened => {
            let is_readable = opened.is_ok();
            if let Ok(database) = opened {
                database.close();
            }
            match rescue(path, prices, says) {
                Ok(rescued) => told.extend(rescued.map(|rescued| rescued.says(path))),
                // Much of it can be read all the same.
                Err(error) if is_readable => {
                    warn!(%error, "the damaged store is opened as it is");
                    told.push(error.to_string());
                }
                Err(error) => return Err(error),
            }
            let database = Database::open(&place)?;
            told.extend(database.told());
            database
        }
    };
    Ok((database, (!told.is_empty()).then(|| told.join("; "))))
}

/// Whether a block among the first of a file is wrong. What cannot be read the engine says.
fn is_wrong(path: &Path) -> bool {
    wrong_blocks(path, FIRST).is_ok_and(|wrong| !wrong.is_empty())
}

/// Puts right what can be in a file of which a block among the first is wrong.
fn righted(path: &Path) -> Option<RightedBytes> {
    if is_wrong(path) { put_right(path) } else { None }
}
