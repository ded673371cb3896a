//! Images and documents, shown by the system's own programs.

use std::{
    fs::OpenOptions,
    io::{self, Write as _},
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    thread,
};

use tempfile::TempDir;

use crate::{
    app::document::Opens,
    model::extension,
    store::{Source, StoreError},
};

/// Files for other programs, in a folder for this user alone; gone when the screen is.
#[derive(Debug, Clone, Default)]
pub struct Viewer {
    folder: Arc<Mutex<Option<TempDir>>>,
}

/// Why something cannot be shown.
#[derive(Debug, thiserror::Error)]
enum ViewerError {
    #[error("it is not in the store")]
    Gone,
    #[error("no program here shows {what}; until the screen ends it is the file {}", .file.display())]
    NoProgram { what: String, file: PathBuf },
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    File(#[from] io::Error),
}

impl Viewer {
    /// Shows it, and notifies the user of that, or why not. Nobody waits: the bytes may be many and a program slow to start.
    pub fn show(&self, what: Opens, store: &Arc<dyn Source>, notify: impl FnOnce(String) + Send + 'static) {
        let (viewer, store) = (self.clone(), Arc::clone(store));
        thread::spawn(move || {
            notify(match viewer.open(&what, &*store) {
                Ok(shown) => format!("opened {shown}"),
                Err(error) => format!("cannot be opened: {error}"),
            });
        });
    }

    fn open(&self, what: &Opens, store: &dyn Source) -> Result<String, ViewerError> {
        match what {
            Opens::Address(address) => {
                open::that_detached(address)?;
                Ok(address.clone())
            }
            Opens::Blob { sha256, mime } => {
                let file = self.file(sha256, mime.as_deref(), store)?;
                if open::that_detached(&file).is_err() {
                    let what = mime.clone().unwrap_or_else(|| "it".to_owned());
                    return Err(ViewerError::NoProgram { what, file });
                }
                Ok(file.display().to_string())
            }
        }
    }

    /// The bytes as a file, whose name says what is in it.
    fn file(&self, sha256: &[u8; 32], mime: Option<&str>, store: &dyn Source) -> Result<PathBuf, ViewerError> {
        let (head, _) = sha256.split_at(8);
        let name = head.iter().fold(0_u64, |name, byte| name << 8 | u64::from(*byte));
        let mut folder = self.folder.lock().unwrap_or_else(PoisonError::into_inner);
        let folder = match &mut *folder {
            Some(folder) => folder,
            none => none.insert(tempfile::Builder::new().prefix("sideseat-tui-").tempdir()?),
        };
        let ending = match mime.map_or("bin", extension) {
            // A browser would run what a model wrote.
            "html" | "svg" => "txt",
            ending => ending,
        };
        let path = folder.path().join(format!("{name:016x}.{ending}"));
        match OpenOptions::new().write(true).create_new(true).open(&path) {
            Ok(mut file) => file.write_all(&store.blob(sha256)?.ok_or(ViewerError::Gone)?)?,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error.into()),
        }
        Ok(path)
    }
}
