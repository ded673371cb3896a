//! Reads `config.toml`. Its errors have the line, and what was probably meant.

use std::{collections::BTreeMap, fs, io, path::Path};

use serde::Deserialize;
use toml::Spanned;

use super::{ConfigError, layer::Layer, value::Chords};
use crate::nearest::hint;

/// Reads a settings file; `None` if there is none, which is an error if the user named it (`asked_for`).
pub(super) fn read(file: &Path, asked_for: bool, home: Option<&Path>) -> Result<Option<Layer>, ConfigError> {
    let text = match fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound && !asked_for => return Ok(None),
        Err(error) => return Err(ConfigError::Unreadable { file: file.to_owned(), error }),
    };
    let layer: Layer = toml::from_str(&text).map_err(|error| bad(file, &text, &error))?;
    Ok(Some(layer.beside(file.parent().unwrap_or(Path::new("")), home)))
}

/// The line of the keys of an action in a settings file: of the first of `names` that it has; `None` if it has none of them.
pub(super) fn line_of_key(file: &Path, names: &[&str]) -> Option<usize> {
    #[derive(Deserialize)]
    struct Keys {
        keys: BTreeMap<Spanned<String>, Chords>,
    }
    let text = fs::read_to_string(file).ok()?;
    let Keys { keys } = toml::from_str(&text).ok()?;
    let key = names.iter().find_map(|name| keys.keys().find(|key| key.get_ref() == name))?;
    Some(line_at(&text, key.span().start))
}

/// The line of an offset, from 1.
fn line_at(text: &str, offset: usize) -> usize {
    text.get(..offset).unwrap_or("").matches('\n').count() + 1
}

fn bad(file: &Path, text: &str, error: &toml::de::Error) -> ConfigError {
    let line = line_at(text, error.span().map_or(0, |span| span.start));
    let message = error.message().lines().collect::<Vec<_>>().join(", ");
    let message = with_hint(&message).unwrap_or(message);
    ConfigError::Bad { file: file.to_owned(), line, message }
}

/// For serde's message "unknown field `a`, expected one of `b`, `c`": one that names the most similar of them; `None` for any
/// other message.
fn with_hint(message: &str) -> Option<String> {
    let names: Vec<&str> = message.strip_prefix("unknown field ")?.split('`').skip(1).step_by(2).collect();
    let (wrong, known) = names.split_first()?;
    Some(format!("no setting is called `{wrong}`; {}", hint(wrong, known.iter().copied())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error_of(text: &str) -> String {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config.toml");
        fs::write(&file, text).unwrap();
        let error = read(&file, true, None).unwrap_err().to_string();
        error.replace(&folder.path().display().to_string(), "DIR")
    }

    #[test]
    fn a_misspelt_setting_is_named_with_its_line_and_the_right_name() {
        assert_eq!(
            error_of("theme = \"dark\"\n\ngrpc-prot = 1\n"),
            "DIR/config.toml:3: no setting is called `grpc-prot`; did you mean `grpc_port`?"
        );
    }

    #[test]
    fn a_bad_value_is_named_with_its_line() {
        assert_eq!(
            error_of("# mine\nbind = \"everywhere\""),
            "DIR/config.toml:2: `everywhere` is no IP address; give 127.0.0.1, ::1 or 0.0.0.0"
        );
        assert_eq!(error_of("log_level = \"wran\""), "DIR/config.toml:1: `wran` is no log level; did you mean `warn`?");
        assert!(error_of("grpc_port = 99999").starts_with("DIR/config.toml:1: `99999` is no port"));
        assert!(error_of("[keys]\nquit = 3").starts_with("DIR/config.toml:2: a key such as"));
        assert!(error_of("theme = [").starts_with("DIR/config.toml:1: "));
    }

    #[test]
    fn the_line_of_an_actions_keys_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config.toml");
        fs::write(&file, "theme = \"dark\"\n\n[keys]\nquit = \"x\"\n# ours\n\"down\" = [\"n\"]\n").unwrap();
        assert_eq!(line_of_key(&file, &["down", "quit"]), Some(6));
        assert_eq!(line_of_key(&file, &["up", "quit"]), Some(4), "the table's own keys are in no line");
        assert_eq!(line_of_key(&file, &["up"]), None);
    }

    #[test]
    fn a_missing_file_matters_only_if_it_was_asked_for() {
        let nowhere = Path::new("/nonexistent/config.toml");
        assert!(read(nowhere, false, None).unwrap().is_none());
        assert!(read(nowhere, true, None).unwrap_err().to_string().starts_with("cannot read /nonexistent"));
    }
}
