//! Opens the file of the pool, closes it with all connections, and opens it again.

use std::{
    fs::File,
    os::unix::fs::FileExt as _,
    path::Path,
    sync::{
        Arc, Condvar, Mutex, PoisonError, Weak,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use tracing::warn;

use super::{Database, Root, bytes};
use crate::store::{
    DatabaseError, OpenError, Place,
    file_blocks::{self, RightedBytes},
    lock,
    log_file::{Mended, with_suffix},
    open::{self, Opened},
};

impl Database {
    /// Opens the file, or a database in memory.
    pub fn open(place: &Place) -> Result<Arc<Self>, OpenError> {
        let place = place.clone().whole()?;
        let has_log = matches!(&place, Place::File(path) if bytes(&with_suffix(path, ".wal")) > 0);
        let Opened { connection, mended, righted } = open::connect(&place)?;
        let root = Mutex::new(Root::Open(connection));
        let wide = matches!(place, Place::File(_)).then(Mutex::default);
        let file = Mutex::new(opened_file(&place));
        Ok(Arc::new(Self {
            place,
            root,
            opened: Condvar::new(),
            closings: AtomicU64::new(0),
            mended,
            righted,
            file,
            pooled: Mutex::default(),
            wide,
            was_wide: has_log.into(),
            commits: Mutex::default(),
        }))
    }

    /// Opens the file to read it, with whatever tables it has.
    pub fn open_to_read(path: &Path) -> Result<Arc<Self>, OpenError> {
        let root = Mutex::new(Root::Open(open::connect_to_read(path)?));
        let place = Place::File(path.to_owned());
        let (mended, righted, wide) = (None, None, None);
        let (was_wide, commits) = (false.into(), Mutex::default());
        let (file, pooled) = (Mutex::new(opened_file(&place)), Mutex::default());
        let (opened, closings) = (Condvar::new(), AtomicU64::new(0));
        Ok(Arc::new(Self { place, root, opened, closings, mended, righted, file, pooled, wide, was_wide, commits }))
    }

    /// Closes every connection and the file, and opens the file again. What was committed is still there. If that
    /// fails, all work fails with [`DatabaseError::Away`] until a later call succeeds. Returns in words what was wrong with
    /// the file and its log; `None` if nothing was.
    pub fn reopen(&self) -> Result<Option<String>, DatabaseError> {
        self.close_all(Root::Reopening("the store is being opened again".to_owned()));
        match open::connect(&self.place) {
            Ok(Opened { connection, mended, righted }) => {
                *lock(&self.root) = Root::Open(connection);
                self.opened.notify_all();
                *lock(&self.file) = opened_file(&self.place);
                self.was_wide.store(true, Ordering::Relaxed);
                if let Some(needs) = &self.wide {
                    let needs = lock(needs);
                    if needs.memory() != open::NARROW {
                        self.set_memory(needs.memory());
                    }
                }
                Ok(self.in_words(mended.as_ref(), righted.as_ref()))
            }
            Err(error) => {
                warn!(%error, "the store could not be opened again");
                *lock(&self.root) = Root::Away(error.to_string());
                self.opened.notify_all();
                Err(DatabaseError::Away(error.to_string()))
            }
        }
    }

    /// The same, with some work on the file while nobody has it open; `why` is the error that other work gets meanwhile. Also
    /// returns what the work did; `None` in memory.
    pub fn reopen_after<T>(
        &self,
        why: &str,
        work: impl FnOnce(&Path) -> T,
    ) -> (Option<T>, Result<Option<String>, DatabaseError>) {
        self.close_all(Root::Reopening(why.to_owned()));
        let done = self.path().map(work);
        (done, self.reopen())
    }

    /// Waits while the file is being opened again, but not longer than this, and not once that is cancelled. Returns how often
    /// it was closed before.
    ///
    /// # Errors
    /// It is still being opened.
    pub fn wait_until_open(&self, patience: Duration, is_cancelled: &AtomicBool) -> Result<u64, DatabaseError> {
        /// How long until it is looked again whether it was cancelled.
        const PAUSE: Duration = Duration::from_millis(100);
        let began = Instant::now();
        let mut root = lock(&self.root);
        while let Root::Reopening(why) = &*root {
            if began.elapsed() >= patience || is_cancelled.load(Ordering::Relaxed) {
                return Err(DatabaseError::Reopening(why.clone()));
            }
            root = self.opened.wait_timeout(root, PAUSE).unwrap_or_else(PoisonError::into_inner).0;
        }
        Ok(self.closings())
    }

    /// How often the file was closed.
    pub fn closings(&self) -> u64 {
        self.closings.load(Ordering::Relaxed)
    }

    /// Closes every connection and the file.
    pub fn close(&self) {
        self.close_all(Root::Away("it is closed".to_owned()));
        self.opened.notify_all();
    }

    /// Interrupts and closes every connection, waiting for each to end its work. `away`: what there is instead of the root.
    fn close_all(&self, away: Root) {
        // The root goes first, so that no new connection is made meanwhile.
        let root = {
            let mut root = lock(&self.root);
            self.closings.fetch_add(1, Ordering::Relaxed);
            std::mem::replace(&mut *root, away)
        };
        let pooled: Vec<_> = lock(&self.pooled).iter().filter_map(Weak::upgrade).collect();
        for one in pooled {
            one.interrupt();
            one.close();
        }
        drop(root);
        *lock(&self.file) = None;
    }

    /// What was wrong with the log when the file was first opened; `None` if nothing was.
    pub fn mended(&self) -> Option<&Mended> {
        self.mended.as_ref()
    }

    /// In words, what was wrong with the file and its log when the file was first opened; `None` if nothing was.
    pub fn told(&self) -> Option<String> {
        self.in_words(self.mended.as_ref(), self.righted.as_ref())
    }

    fn in_words(&self, mended: Option<&Mended>, righted: Option<&RightedBytes>) -> Option<String> {
        let path = self.path()?;
        let file = righted.map(|righted| righted.says(path));
        let both: Vec<String> = file.into_iter().chain(mended.map(|mended| mended.says(path))).collect();
        (!both.is_empty()).then(|| both.join("; "))
    }

    /// Whether a checksum is wrong among those of the first blocks of the open file, which begin before `end`. In a file of which
    /// most are, none is: it is written in another form.
    pub fn has_wrong_blocks(&self, end: u64) -> bool {
        let (mut at, mut count, mut wrong) = (0, 0_usize, 0_usize);
        while let Some(block) = self.block_at(at).filter(|_| at < end) {
            count += 1;
            wrong += usize::from(!file_blocks::is_whole(&block));
            at += block.len() as u64;
        }
        wrong > 0 && wrong <= count / 2
    }

    /// Reads the header or block of the open file that begins at this place, without the engine, and waits for nobody;
    /// `None` at the end of the file, while it is closed, and where it cannot be read.
    pub fn block_at(&self, at: u64) -> Option<Vec<u8>> {
        let mut block = vec![0; file_blocks::length_at(at)];
        lock(&self.file).as_ref()?.read_exact_at(&mut block, at).ok()?;
        Some(block)
    }
}

/// The file of a place; `None` in memory, or if it cannot be opened.
fn opened_file(place: &Place) -> Option<File> {
    match place {
        Place::File(path) => File::open(path).ok(),
        Place::Memory => None,
    }
}
