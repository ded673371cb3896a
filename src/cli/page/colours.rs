//! Two themes as a style sheet: the light one, and the dark one where the reader's system is dark.

use std::fmt::Write as _;

use crate::{
    slots::Slot,
    theme::{Theme, ThemeError, Themes},
};

/// The names by which `page.css` knows the colours of slots.
const NAMES: &[(&str, Slot)] = &[
    ("dim", Slot::Dim),
    ("accent", Slot::Accent),
    ("line", Slot::Border),
    ("ground", Slot::CursorInactive),
    ("system", Slot::MessageSystem),
    ("user", Slot::MessageUser),
    ("assistant", Slot::MessageAssistant),
    ("tool", Slot::MessageTool),
    ("reasoning", Slot::MessageReasoning),
    ("hidden", Slot::MessageHidden),
    ("model", Slot::TreeLlm),
    ("error", Slot::Error),
    ("warning", Slot::Warning),
    ("heading", Slot::MarkdownHeading),
    ("code", Slot::MarkdownCode),
    ("link", Slot::MarkdownLink),
    ("quote", Slot::MarkdownQuote),
    ("ok", Slot::Ok),
    ("running", Slot::Running),
];

/// What themes leave to the terminal: paper and ink, by the name of the theme.
const PAPER: [(&str, &str, &str); 2] = [("light", "#ffffff", "#1b1f24"), ("dark", "#16181d", "#dfe3ea")];

/// The variables of both themes.
pub fn sheet() -> Result<String, ThemeError> {
    let themes = Themes::load(None)?;
    let mut sheet = String::new();
    for (name, paper, ink) in PAPER {
        let variables = variables(&themes.get(name)?);
        let root = format!(":root {{ --paper: {paper}; --ink: {ink};{variables} color-scheme: {name}; }}\n");
        if sheet.is_empty() {
            sheet = root;
        } else {
            // Paper is not dark.
            let _ = writeln!(sheet, "@media screen and (prefers-color-scheme: {name}) {{ {root} }}");
        }
    }
    Ok(sheet)
}

fn variables(theme: &Theme) -> String {
    let mut variables = String::new();
    for (name, slot) in NAMES {
        let colour = theme.hex(*slot).unwrap_or_else(|| "inherit".to_owned());
        let _ = write!(variables, " --{name}: {colour};");
    }
    variables
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_of_the_style_sheet_is_a_colour_of_both_themes() {
        let sheet = sheet().unwrap();
        assert!(!sheet.contains("inherit"), "{sheet}");
        for part in include_str!("page.css").split("var(--").skip(1) {
            let name = part.split(')').next().unwrap_or_default();
            assert_eq!(sheet.matches(&format!("--{name}:")).count(), 2, "{name}");
        }
    }
}
