//! Why a store could not be opened, and what the engine's messages say of that.

use std::{
    io,
    path::{Path, PathBuf},
};

use crate::store::engine_errors::with_advice;

/// Why the store could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it open; `pid` is `None` if the engine cannot say which.
    #[error("{} is held by {}; stop that one, or choose another file with --db", .path.display(), holder(*.pid))]
    Held { path: PathBuf, pid: Option<u32> },
    #[error(
        "{} was made by a newer version (its tables are version {found}, this program knows {known}); \
         use that version, or choose another file with --db",
        .path.display()
    )]
    Newer { path: PathBuf, found: u64, known: u64 },
    #[error("{} is not a store of sideseat-tui; choose another file with --db", .path.display())]
    NotAStore { path: PathBuf },
    #[error("the folder {} cannot be made: {error}", .path.display())]
    Folder { path: PathBuf, error: io::Error },
    #[error("{} cannot be opened: {why}", .path.display())]
    Unusable { path: PathBuf, why: String },
}

impl OpenError {
    /// The same about another file: the one that `copy` is a copy of.
    pub(in crate::store) fn about(self, path: &Path, copy: &Path) -> Self {
        let path = path.to_owned();
        match self {
            Self::Held { pid, .. } => Self::Held { path, pid },
            Self::Newer { found, known, .. } => Self::Newer { path, found, known },
            Self::NotAStore { .. } => Self::NotAStore { path },
            Self::Folder { error, .. } => Self::Folder { path, error },
            Self::Unusable { why, .. } => {
                let why = why.replace(&*copy.to_string_lossy(), &path.to_string_lossy());
                Self::Unusable { path, why }
            }
        }
    }
}

/// The process that holds a file, in words.
fn holder(pid: Option<u32>) -> String {
    pid.map_or_else(|| "another process".to_owned(), |pid| format!("another process (pid {pid})"))
}

/// The error for the engine's message `why`. If another process holds the file and the engine knows which, the message
/// contains `… held in /usr/bin/x (PID 123)`.
pub fn refused(path: &Path, why: &str) -> OpenError {
    let path = path.to_owned();
    if why.contains("Could not set lock") || why.contains("Conflicting lock") {
        let pid = why.split_once("(PID ").and_then(|(_, rest)| rest.split(')').next()?.trim().parse().ok());
        return OpenError::Held { path, pid };
    }
    if why.contains("not a valid DuckDB database") {
        return OpenError::NotAStore { path };
    }
    OpenError::Unusable { path, why: with_advice(why.to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_holder_is_read_from_the_engines_message() {
        let why = "IO Error: Could not set lock on file \"/a\": Conflicting lock is held in /bin/x (PID 123). See also";
        assert!(matches!(refused(Path::new("/a"), why), OpenError::Held { pid: Some(123), .. }));
        let why = "IO Error: Could not set lock on file \"/a\": Resource temporarily unavailable";
        assert!(matches!(refused(Path::new("/a"), why), OpenError::Held { pid: None, .. }));
    }

    #[test]
    fn what_can_be_done_with_a_damaged_file_is_said() {
        let why = "Data Corruption Error: Corrupt database file: computed checksum 1 does not match stored checksum 2";
        assert!(refused(Path::new("/a"), why).to_string().contains("sideseat-tui check"));
    }
}
