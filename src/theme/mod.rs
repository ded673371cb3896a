//! Slot → style: which colours and adornments each themable thing is painted with.
//!
//! ```text
//!   file       a TOML file: palette, slots, what it inherits; mistakes by line, with the nearest right word
//!   depth      true colour → 256 → 16 → none
//!   template   a file to begin with
//! ```
//!
//! The slots themselves are a room of their own, `slots`. Themes are the embedded files of `themes/` and those in the user's folder, which win by name.

#[cfg(test)]
mod contrast;
mod depth;
mod file;
mod template;

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use ratatui::style::{Color, Style};

pub use depth::Depth;
use file::File;
pub use template::template;

use crate::{nearest, slots::Slot};

/// Every file of `themes/`, the default first.
const EMBEDDED: [(&str, &str); 12] = [
    ("dark", include_str!("../../themes/dark.toml")),
    ("light", include_str!("../../themes/light.toml")),
    ("auto", include_str!("../../themes/auto.toml")),
    ("high-contrast", include_str!("../../themes/high-contrast.toml")),
    ("deuteranopia", include_str!("../../themes/deuteranopia.toml")),
    ("protanopia", include_str!("../../themes/protanopia.toml")),
    ("tritanopia", include_str!("../../themes/tritanopia.toml")),
    ("catppuccin", include_str!("../../themes/catppuccin.toml")),
    ("gruvbox", include_str!("../../themes/gruvbox.toml")),
    ("nord", include_str!("../../themes/nord.toml")),
    ("solarized", include_str!("../../themes/solarized.toml")),
    ("plain", include_str!("../../themes/plain.toml")),
];

/// What is drawn where there is no colour.
const PLAIN: &str = "plain";

/// Why a theme cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ThemeError {
    #[error("cannot read the theme {}: {source}", path.display())]
    Unreadable { path: PathBuf, source: io::Error },
    #[error("theme {file}, line {line}: {what}")]
    Broken { file: String, line: usize, what: String },
    #[error("no theme `{wrong}`; {hint}")]
    Unknown { wrong: String, hint: String },
}

/// What the terminal has behind everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Background {
    Dark,
    Light,
}

impl Background {
    /// The theme made for it.
    #[must_use]
    pub fn theme(self) -> &'static str {
        match self {
            Self::Dark => "dark",
            Self::Light => "light",
        }
    }
}

/// The style of every slot, in the order of [`Slot::ALL`]; `None` where a theme paints neither it nor its group.
type Painted = Arc<[Option<Style>]>;

/// The background that a theme was made for which paints none, and the prose and ground that it paints on another.
type Ground = (Background, Style);

/// Every theme there is, ready to be painted with.
#[derive(Debug, Clone)]
pub struct Themes {
    names: Vec<String>,
    painted: BTreeMap<String, Painted>,
    grounds: BTreeMap<String, Ground>,
    plain: Painted,
}

impl Themes {
    /// Reads the embedded themes and those of the user's folder; a folder that is not there holds none.
    ///
    /// Any file that cannot be read or understood is an error, also of a theme that is not used yet.
    pub fn load(user_dir: Option<&Path>) -> Result<Self, ThemeError> {
        let mut embedded = BTreeMap::new();
        for (name, text) in EMBEDDED {
            embedded.insert(name.to_owned(), file::parse(&format!("{name} (built in)"), text)?);
        }
        let users = user_dir.map(read_folder).transpose()?.unwrap_or_default();
        let mut names: Vec<String> = EMBEDDED.iter().map(|(name, _)| (*name).to_owned()).collect();
        names.extend(users.keys().filter(|name| !embedded.contains_key(*name)).cloned());

        let files = Files { embedded, users };
        let mut painted: BTreeMap<String, Painted> = BTreeMap::new();
        let mut grounds = BTreeMap::new();
        for name in &names {
            let line = files.line_of_descent(name)?;
            let styles = file::paint(&line)?;
            let cursor = styles.get(Slot::Cursor.name()).and_then(|style| style.bg);
            grounds.extend(ground(&line, cursor).map(|ground| (name.clone(), ground)));
            let style = |slot: &Slot| slot.names().find_map(|name| styles.get(name).copied());
            painted.insert(name.clone(), Slot::ALL.iter().map(style).collect());
        }
        let plain = painted.get(PLAIN).cloned().unwrap_or_else(|| Arc::new([]));
        Ok(Self { names, painted, grounds, plain })
    }

    /// The names, embedded ones first.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// One theme; for a name that none has, an error with the nearest one that one has.
    pub fn get(&self, name: &str) -> Result<Theme, ThemeError> {
        let Some(painted) = self.painted.get(name) else {
            let hint = nearest::hint(name, self.names.iter().map(String::as_str));
            return Err(ThemeError::Unknown { wrong: name.to_owned(), hint });
        };
        let ground = self.grounds.get(name).copied();
        Ok(Theme { name: name.into(), painted: painted.clone(), ground, plain: self.plain.clone() })
    }
}

/// `paper` and `ground` of the palette. A theme whose cursor is not of the same kind was made for another ground than the one
/// that it inherits.
fn ground(line_of_descent: &[&File], cursor: Option<Color>) -> Option<Ground> {
    let (paper, ground) = (file::color(line_of_descent, "paper")?, file::color(line_of_descent, "ground")?);
    let made_for = kind(ground)?;
    (Some(made_for) == cursor.and_then(kind)).then(|| (made_for, Style::new().fg(paper).bg(ground)))
}

/// Whether a colour is dark or light; `None`: it is the terminal's own.
fn kind(color: Color) -> Option<Background> {
    let Color::Rgb(red, green, blue) = color else { return None };
    let is_light = [red, green, blue].map(u16::from).iter().sum::<u16>() > 3 * 128;
    Some(if is_light { Background::Light } else { Background::Dark })
}

struct Files {
    embedded: BTreeMap<String, File>,
    users: BTreeMap<String, File>,
}

impl Files {
    /// A file and those it inherits from, the eldest first.
    fn line_of_descent(&self, name: &str) -> Result<Vec<&File>, ThemeError> {
        let mut line: Vec<&File> = Vec::new();
        let mut next = self.users.get(name).or_else(|| self.embedded.get(name));
        while let Some(file) = next {
            line.push(file);
            let Some(parent) = &file.inherits else { break };
            // A user's file may have the name of an embedded one and inherit from that: then the name means the
            // embedded one, as the user's file is in the line already.
            let fresh = |file: &&File| !line.iter().any(|earlier| std::ptr::eq(*earlier, *file));
            let candidates = [self.users.get(&parent.value), self.embedded.get(&parent.value)];
            next = candidates.into_iter().flatten().find(fresh);
            if next.is_none() {
                let what = if candidates.iter().any(Option::is_some) {
                    format!("`{}` inherits itself", parent.value)
                } else {
                    let names = self.embedded.keys().chain(self.users.keys()).map(String::as_str);
                    file::unknown("theme", &parent.value, names)
                };
                return Err(ThemeError::Broken { file: file.origin.clone(), line: parent.line, what });
            }
        }
        line.reverse();
        Ok(line)
    }
}

/// The `*.toml` of a folder, by their names without it.
fn read_folder(folder: &Path) -> Result<BTreeMap<String, File>, ThemeError> {
    let unreadable = |path: &Path| {
        let path = path.to_owned();
        move |source| ThemeError::Unreadable { path, source }
    };
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        entries => entries.map_err(unreadable(folder))?,
    };
    let mut files = BTreeMap::new();
    for entry in entries {
        let path = entry.map_err(unreadable(folder))?.path();
        let Some(name) = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()) else { continue };
        if path.extension().is_some_and(|extension| extension == "toml") {
            let text = fs::read_to_string(&path).map_err(unreadable(&path))?;
            files.insert(name, file::parse(&path.display().to_string(), &text)?);
        }
    }
    Ok(files)
}

/// What every slot is painted with.
#[derive(Debug, Clone)]
pub struct Theme {
    name: Arc<str>,
    painted: Painted,
    ground: Option<Ground>,
    plain: Painted,
}

impl Theme {
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How a slot is painted: its own style, else that of its group, else none.
    #[must_use]
    pub fn style(&self, slot: Slot) -> Style {
        self.painted.get(slot as usize).copied().flatten().unwrap_or_default()
    }

    /// `#86b2ff`: in which colour the letters of a slot are, else its ground; `None` where that is the terminal's own.
    #[must_use]
    pub fn hex(&self, slot: Slot) -> Option<String> {
        let style = self.style(slot);
        match style.fg.or(style.bg)? {
            Color::Rgb(red, green, blue) => Some(format!("#{red:02x}{green:02x}{blue:02x}")),
            _ => None,
        }
    }

    /// The same theme for a terminal of fewer colours. Without any it is drawn as `plain`, whose bold and
    /// reversed letters say what colours no longer can.
    #[must_use]
    pub fn degrade(self, depth: Depth) -> Self {
        let from = if depth == Depth::None { &self.plain } else { &self.painted };
        let fitted = from.iter().map(|style| style.map(|style| depth.fit(style))).collect();
        Self { painted: fitted, ..self }
    }

    /// Whether it is painted otherwise on another background.
    #[must_use]
    pub fn depends_on_background(&self) -> bool {
        self.ground.is_some() && self.style(Slot::Text).bg.is_none()
    }

    /// The same theme for a terminal of so many colours, with a ground of its own if it paints none and the terminal does
    /// not say that it has the one that the theme was made for: its colours could not be read on another.
    #[must_use]
    pub fn fit(self, depth: Depth, terminal: Option<Background>) -> Self {
        let own = self.ground.filter(|(made_for, _)| self.depends_on_background() && terminal != Some(*made_for));
        let fitted = self.degrade(depth);
        let Some((made_for, ground)) = own.filter(|_| depth != Depth::None) else { return fitted };
        let ground = match (depth, made_for) {
            (Depth::Ansi16, Background::Dark) => Style::new().fg(Color::Gray).bg(Color::Black),
            (Depth::Ansi16, Background::Light) => Style::new().fg(Color::Black).bg(Color::White),
            _ => depth.fit(ground),
        };
        let mut painted = fitted.painted.to_vec();
        for slot in [Slot::Text, Slot::Overlay] {
            if let Some(style) = painted.get_mut(slot as usize) {
                *style = Some(ground.patch(style.unwrap_or_default()));
            }
        }
        Self { painted: painted.into(), ..fitted }
    }
}

#[cfg(test)]
mod tests {
    use ratatui::style::Modifier;

    use super::*;

    fn user_themes(files: &[(&str, &str)]) -> Result<Themes, ThemeError> {
        static COUNT: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
        let count = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("sideseat-tui-themes-{}-{count}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        for (name, text) in files {
            fs::write(folder.join(name), text).unwrap();
        }
        let themes = Themes::load(Some(&folder));
        fs::remove_dir_all(&folder).unwrap();
        themes
    }

    #[test]
    fn every_embedded_theme_paints_every_slot_but_prose() {
        let themes = Themes::load(None).unwrap();
        assert_eq!(themes.names(), EMBEDDED.map(|(name, _)| name));
        for name in themes.names() {
            let theme = themes.get(name).unwrap();
            for (slot, style) in Slot::ALL.iter().zip(theme.painted.iter()) {
                assert!(style.is_some(), "{name} says nothing of {}", slot.name());
            }
        }
    }

    #[test]
    fn every_file_of_the_folder_is_embedded() {
        let folder = fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/themes")).unwrap();
        let mut files: Vec<_> = folder.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        let mut embedded = EMBEDDED.map(|(name, _)| format!("{name}.toml"));
        files.sort();
        embedded.sort();
        assert_eq!(files, embedded);
    }

    #[test]
    fn no_two_states_look_alike_in_any_theme() {
        let themes = Themes::load(None).unwrap();
        for name in themes.names().iter().filter(|name| *name != PLAIN) {
            for depth in [Depth::True, Depth::Ansi256, Depth::Ansi16] {
                let theme = themes.get(name).unwrap().degrade(depth);
                let states = [Slot::Error, Slot::Warning, Slot::Ok, Slot::Running].map(|slot| theme.style(slot).fg);
                for (at, state) in states.iter().enumerate() {
                    assert!(!states[..at].contains(state), "{name} at {depth:?}: {states:?}");
                }
            }
        }
    }

    #[test]
    fn plain_has_no_colour_and_every_theme_is_plain_without_colours() {
        let themes = Themes::load(None).unwrap();
        for name in themes.names() {
            let theme = themes.get(name).unwrap().degrade(Depth::None);
            for slot in Slot::ALL {
                let style = theme.style(*slot);
                assert_eq!((style.fg, style.bg), (None, None), "{name} {}", slot.name());
                assert_eq!(style, themes.get("plain").unwrap().style(*slot), "{name} {}", slot.name());
            }
            assert!(theme.style(Slot::Cursor).has_modifier(Modifier::REVERSED));
            assert_eq!(theme.name(), name);
        }
    }

    #[test]
    fn a_theme_brings_its_ground_unless_the_terminal_has_one_like_it() {
        let themes = Themes::load(None).unwrap();
        let on = |name: &str, depth, terminal| {
            let theme = themes.get(name).unwrap().fit(depth, terminal);
            assert_eq!(theme.style(Slot::Overlay), theme.style(Slot::Text), "{name}");
            (theme.style(Slot::Text).fg, theme.style(Slot::Text).bg)
        };
        let [dark, light] = [Background::Dark, Background::Light].map(Some);
        for (name, like, other) in [("dark", dark, light), ("light", light, dark), ("tritanopia", dark, light)] {
            assert_eq!(on(name, Depth::True, like), (None, None), "{name}");
            for terminal in [other, None] {
                assert!(
                    matches!(on(name, Depth::True, terminal), (Some(Color::Rgb(..)), Some(Color::Rgb(..)))),
                    "{name}"
                );
                assert_eq!(on(name, Depth::None, terminal), (None, None), "{name}");
            }
        }
        assert_eq!(on("light", Depth::Ansi16, dark), (Some(Color::Black), Some(Color::White)));
        assert_eq!(on("dark", Depth::Ansi16, light), (Some(Color::Gray), Some(Color::Black)));
        // What has the terminal's colours, or none, looks right on any; the others bring their ground anyway.
        for terminal in [dark, light, None] {
            assert_eq!(on("auto", Depth::True, terminal), (None, None));
            assert_eq!(on("plain", Depth::True, terminal), (None, None));
            assert_eq!(on("nord", Depth::True, terminal).1, Some(Color::Rgb(0x2e, 0x34, 0x40)));
        }
        let themes = user_themes(&[("mine.toml", "inherits = 'dark'\n[palette]\nnight = '#e0e0e0'")]).unwrap();
        assert!(
            !themes.get("mine").unwrap().depends_on_background(),
            "it is for another ground than the inherited one"
        );
    }

    #[test]
    fn a_slot_that_is_not_painted_looks_like_its_group() {
        let themes = user_themes(&[("mine.toml", "[slots]\ntree = 'red'\n'tree.ok' = 'green'")]).unwrap();
        let mine = themes.get("mine").unwrap();
        assert_eq!(mine.style(Slot::TreeError).fg, Some(Color::Red));
        assert_eq!(mine.style(Slot::TreeOk).fg, Some(Color::Green));
        assert_eq!(mine.style(Slot::Dim), Style::new());
    }

    #[test]
    fn a_users_theme_wins_by_name_and_may_build_upon_the_one_it_replaces() {
        let text = "inherits = 'dark'\n[palette]\nrose = '#010203'";
        let themes = user_themes(&[("dark.toml", text), ("notes.txt", "not a theme")]).unwrap();
        assert_eq!(themes.names().len(), EMBEDDED.len());
        assert_eq!(themes.get("dark").unwrap().style(Slot::Error).fg, Some(Color::Rgb(1, 2, 3)));
    }

    #[test]
    fn themes_that_inherit_each_other_or_nobody_are_refused_with_the_line() {
        let circle = user_themes(&[("a.toml", "inherits = 'b'"), ("b.toml", "\ninherits = 'a'")]).unwrap_err();
        assert!(circle.to_string().ends_with("b.toml, line 2: `a` inherits itself"), "{circle}");
        let nobody = user_themes(&[("a.toml", "inherits = 'drak'")]).unwrap_err();
        assert!(nobody.to_string().ends_with("a.toml, line 1: no theme `drak`; did you mean `dark`?"), "{nobody}");
    }

    #[test]
    fn a_misspelt_theme_is_answered_with_the_nearest() {
        let themes = Themes::load(None).unwrap();
        assert_eq!(themes.get("ligth").unwrap_err().to_string(), "no theme `ligth`; did you mean `light`?");
        assert_eq!(
            themes.get("osaka").unwrap_err().to_string(),
            format!("no theme `osaka`; there are {}", EMBEDDED.map(|(name, _)| name).join(", "))
        );
    }
}
