//! Opens a store, and before that puts right or rescues it, if something about it is damaged.

use std::{path::Path, sync::Arc};

use tracing::warn;

use super::rescuing::{rescue, why};
use crate::{
    model::Rescue,
    pricing::Prices,
    store::{
        OpenError, Place,
        file_blocks::wrong_blocks,
        log_file::with_suffix,
        open::{is_corrupt, put_right},
        pool::Database,
        salvage::read_all,
    },
};

/// Bytes of a file whose checksums are read before it is opened, which takes some ten milliseconds. Those of a larger file are
/// read once it is open.
pub const FIRST: u64 = if cfg!(test) { 1 << 20 } else { 32 << 20 };

/// A store that was opened.
pub struct Ready {
    pub database: Arc<Database>,
    /// In words, what was damaged about it, and what was done; `None` if nothing was.
    pub told: Option<String>,
    /// Why what is damaged about it is as it was; `None` if nothing is.
    pub left: Option<String>,
}

/// Opens a store. `says` is handed what takes long, in words.
///
/// # Errors
/// It cannot be opened, and nothing could be done about that.
pub fn open(place: &Place, prices: &Arc<Prices>, says: &dyn Fn(&str)) -> Result<Ready, OpenError> {
    let place = place.clone().whole()?;
    let Place::File(path) = &place else {
        return Ok(Ready { database: Database::open(&place)?, told: None, left: None });
    };
    let (mut told, mut left) = (Vec::new(), None);
    if path.exists() && with_suffix(path, ".salvaged").exists() {
        // An earlier process was ended while it put the new file in the place of the old one.
        told.extend(rescue(path, prices, says)?.map(|rescued| rescued.says(path)));
    }
    let mut is_damaged = is_wrong(path);
    if is_damaged && let Some(righted) = put_right(path) {
        told.push(righted.says(path));
        is_damaged = is_wrong(path);
    }
    let opened = Database::open(&place);
    let is_damaged = match &opened {
        // A block that holds nothing may be wrong: a checkpoint may have been ended while it was written.
        Ok(database) => is_damaged && !can_be_read(database),
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
                // Another process rescues it, or has it open.
                Err(error @ OpenError::Held { .. }) => return Err(error),
                // Much of it can be read all the same.
                Err(error) if is_readable => {
                    warn!(%error, "the damaged store is opened as it is");
                    let why = why(path, &error);
                    told.push(Rescue::Failed(why.clone()).says());
                    left = Some(why);
                }
                Err(error) => return Err(error),
            }
            let database = Database::open(&place)?;
            told.extend(database.told());
            database
        }
    };
    Ok(Ready { database, told: (!told.is_empty()).then(|| told.join("; ")), left })
}

/// Whether all that is stored can be read. What else fails than that says nothing about it.
fn can_be_read(database: &Arc<Database>) -> bool {
    let connection = database.pooled();
    let read = read_all(&connection, &|| Ok(()));
    connection.close();
    !read.is_err_and(|error| is_corrupt(&error.to_string()))
}

/// Whether a block among the first of a file is wrong. What cannot be read the engine says.
fn is_wrong(path: &Path) -> bool {
    wrong_blocks(path, FIRST).is_ok_and(|wrong| !wrong.is_empty())
}
