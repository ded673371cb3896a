//! The lines that were taken before: `history.toml` in the folder of the log, which only the user may read.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::Path,
};

/// The lines of each kind, the newest first.
type Lines = BTreeMap<String, Vec<String>>;

/// A longer file is none of ours.
const LONGEST: u64 = 4 << 20;

/// The lines of a file; none where there is no file, or where it cannot be read: nothing depends on them.
#[must_use]
pub fn read(file: &Path) -> Lines {
    let is_ours = fs::metadata(file).is_ok_and(|metadata| metadata.len() <= LONGEST);
    let text = if is_ours { fs::read_to_string(file).unwrap_or_default() } else { String::new() };
    toml::from_str(&text).unwrap_or_default()
}

/// Puts new lines in front of those of the file, which others may have written meanwhile. At most `most` of a kind stay.
///
/// # Errors
/// The file cannot be written.
pub fn add(file: &Path, new: &Lines, most: usize) -> io::Result<()> {
    if new.values().all(Vec::is_empty) {
        return Ok(());
    }
    let mut lines = read(file);
    for (name, new) in new {
        let before = lines.entry(name.clone()).or_default();
        before.retain(|line| !new.contains(line));
        before.splice(0..0, new.iter().cloned());
        before.truncate(most);
    }
    let text = toml::to_string(&lines).map_err(io::Error::other)?;
    let folder = file.parent().ok_or_else(|| io::Error::other("it lies in no folder"))?;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    // The old file stays whole until the new one is.
    let beside = file.with_extension("toml.new");
    let mut writing = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
    writing.write_all(text.as_bytes())?;
    fs::rename(&beside, file)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn lines(texts: &[&str]) -> Lines {
        BTreeMap::from([("filter".to_owned(), texts.iter().map(|text| (*text).to_owned()).collect())])
    }

    #[test]
    fn new_lines_come_before_those_of_the_file_and_nobody_else_may_read_them() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("state/history.toml");
        assert_eq!(read(&file), Lines::default());
        add(&file, &lines(&[]), 3).unwrap();
        assert!(!file.exists(), "nothing is written where nothing was taken");
        add(&file, &lines(&["b", "a"]), 3).unwrap();
        add(&file, &lines(&["c", "a \"x\"", "b"]), 3).unwrap();
        assert_eq!(read(&file), lines(&["c", "a \"x\"", "b"]));
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        fs::write(&file, "filter = 3").unwrap();
        assert_eq!(read(&file), Lines::default(), "a file that is none is as good as no file");
    }
}
