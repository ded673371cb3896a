//! Opens a store, and before that puts right or rescues it, if something about it is damaged.

use std::{path::Path, sync::Arc};

use tracing::warn;

use super::rescuing::{can_be_read, gave_up, rescue, why};
use crate::{
    model::Rescue,
    pricing::Prices,
    store::{
        OpenError, Place,
        file_blocks::wrong_blocks,
        log_file::with_suffix,
        open::{is_corrupt, put_right},
        pool::Database,
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
    /// How it stands with what is damaged about it and is as it was; `None` if nothing is.
    pub left: Option<Rescue>,
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
    let given_up = gave_up(path).filter(|_| is_damaged).map(Rescue::GivenUp);
    // What was given up is not read whole at each start.
    is_damaged &= given_up.is_none();
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
        told.extend(given_up.as_ref().map(Rescue::says));
        left = given_up;
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
                    let failed = Rescue::Failed(why(path, &error));
                    told.push(failed.says());
                    left = Some(failed);
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

/// Whether a block among the first of a file is wrong. What cannot be read the engine says.
fn is_wrong(path: &Path) -> bool {
    wrong_blocks(path, FIRST).is_ok_and(|wrong| !wrong.is_empty())
}
