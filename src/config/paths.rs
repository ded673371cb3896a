//! The folders of the user's files: those of XDG, also on macOS, as other command-line programs have them.

use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;

const FOLDER: &str = "sideseat-tui";

/// The user's folders; `None` if no home folder is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Paths {
    pub home: Option<PathBuf>,
    /// `~/.config/sideseat-tui`: `config.toml` and `themes/`.
    pub config: Option<PathBuf>,
    /// `~/.local/share/sideseat-tui`: the store.
    pub data: Option<PathBuf>,
    /// `~/.local/state/sideseat-tui`: the log, and the registry of running instances.
    pub state: Option<PathBuf>,
}

impl Paths {
    /// Those of the user who runs the program, by the environment.
    #[must_use]
    pub fn of_user() -> Self {
        let Ok(user) = etcetera::choose_base_strategy() else { return Self::default() };
        Self {
            home: Some(user.home_dir().to_owned()),
            config: Some(user.config_dir().join(FOLDER)),
            data: Some(user.data_dir().join(FOLDER)),
            state: user.state_dir().map(|state| state.join(FOLDER)),
        }
    }

    #[must_use]
    pub fn config_file(&self) -> Option<PathBuf> {
        Some(self.config.as_ref()?.join("config.toml"))
    }

    #[must_use]
    pub fn themes(&self) -> Option<PathBuf> {
        Some(self.config.as_ref()?.join("themes"))
    }

    /// Saved filters.
    #[must_use]
    pub fn views(&self) -> Option<PathBuf> {
        Some(self.config.as_ref()?.join("views.toml"))
    }

    /// The lines that were taken before.
    #[must_use]
    pub fn history(&self) -> Option<PathBuf> {
        Some(self.state.as_ref()?.join("history.toml"))
    }

    #[must_use]
    pub fn store(&self) -> Option<PathBuf> {
        Some(self.data.as_ref()?.join("traces.duckdb"))
    }

    #[must_use]
    pub fn log(&self) -> Option<PathBuf> {
        Some(self.state.as_ref()?.join("sideseat-tui.log"))
    }

    /// The folder of the registry: one small file for each running instance.
    ///
    /// It is not in `XDG_RUNTIME_DIR`, which is not set over ssh, in cron and in containers: all processes of a user must use
    /// the same folder.
    #[must_use]
    pub fn instances(&self) -> Option<PathBuf> {
        Some(self.state.as_ref()?.join("instances"))
    }

    /// A path as people read it, with `~` for the home folder.
    #[must_use]
    pub fn shown(&self, path: &Path) -> String {
        match self.home.as_ref().and_then(|home| path.strip_prefix(home).ok()) {
            Some(rest) => format!("~/{}", rest.display()),
            None => path.display().to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_under_home_is_shown_short() {
        let paths = Paths { home: Some("/home/ada".into()), ..Paths::default() };
        assert_eq!(paths.shown(Path::new("/home/ada/x/y.duckdb")), "~/x/y.duckdb");
        assert_eq!(paths.shown(Path::new("/var/y.duckdb")), "/var/y.duckdb");
    }
}
