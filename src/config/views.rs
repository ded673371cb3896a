//! Saved filters: `views.toml` beside the settings file, a name and a filter a line. People may edit it.

use std::{collections::BTreeMap, fs, io, path::Path};

/// The views of a file, by name; none where there is no file.
///
/// # Errors
/// What is wrong with the file, in a line.
pub fn read(file: &Path) -> Result<BTreeMap<String, String>, String> {
    match fs::read_to_string(file) {
        Ok(text) => toml::from_str(&text).map_err(|error| format!("{}: {}", file.display(), error.message())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(BTreeMap::new()),
        Err(error) => Err(format!("cannot read {}: {error}", file.display())),
    }
}

/// Puts a view into the file, in the place of one of its name. Whatever else is in the file stays, but for comments.
///
/// # Errors
/// The file cannot be read, so that nothing in it is lost, or cannot be written.
pub fn save(file: &Path, name: &str, filter: &str) -> Result<(), String> {
    change(file, |views| _ = views.insert(name.to_owned(), filter.to_owned()))
}

/// Takes a view out of the file.
///
/// # Errors
/// As for [`save`].
pub fn drop(file: &Path, name: &str) -> Result<(), String> {
    change(file, |views| _ = views.remove(name))
}

/// Gives a view of the file another name.
///
/// # Errors
/// As for [`save`].
pub fn rename(file: &Path, from: &str, to: &str) -> Result<(), String> {
    if from != to && read(file)?.contains_key(to) {
        return Err(format!("there is a saved filter {to} already"));
    }
    change(file, |views| {
        if let Some(filter) = views.remove(from) {
            views.insert(to.to_owned(), filter);
        }
    })
}

/// Changes the file's views; whatever is not changed stays, but for comments.
fn change(file: &Path, change: impl FnOnce(&mut BTreeMap<String, String>)) -> Result<(), String> {
    let mut views = read(file)?;
    change(&mut views);
    let text = toml::to_string(&views).map_err(|error| error.to_string())?;
    let failed = |error: io::Error| format!("cannot write {}: {error}", file.display());
    let folder = file.parent().ok_or_else(|| format!("{} lies in no folder", file.display()))?;
    fs::create_dir_all(folder).map_err(failed)?;
    // The old file stays whole until the new one is.
    let beside = file.with_extension("toml.new");
    fs::write(&beside, text).and_then(|()| fs::rename(&beside, file)).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_view_is_saved_beside_the_others_and_a_file_that_is_none_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("new/views.toml");
        assert_eq!(read(&file), Ok(BTreeMap::new()));
        save(&file, "slow ones", "dur>30s -tool:\"web fetch\"").unwrap();
        save(&file, "dear", "cost>1").unwrap();
        save(&file, "dear", "cost>2").unwrap();
        let views = read(&file).unwrap();
        assert_eq!(views.get("slow ones").map(String::as_str), Some("dur>30s -tool:\"web fetch\""));
        assert_eq!((views.len(), views.get("dear").map(String::as_str)), (2, Some("cost>2")));
        rename(&file, "dear", "very dear").unwrap();
        rename(&file, "nobody", "x").unwrap();
        drop(&file, "slow ones").unwrap();
        assert_eq!(read(&file).unwrap().into_iter().collect::<Vec<_>>(), [("very dear".into(), "cost>2".into())]);
        fs::write(&file, "dear = [").unwrap();
        assert!(save(&file, "x", "y").is_err() && fs::read_to_string(&file).unwrap() == "dear = [");
    }
}
