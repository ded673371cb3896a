//! A theme file to begin with: what it may say, each line a comment that shows how the theme it inherits from does it.

use std::{collections::BTreeMap, fmt::Write as _};

use super::{EMBEDDED, file};
use crate::slots::Slot;

const HEAD: &str = "\
# A theme of sideseat-tui. What is not painted here is as in the theme that it inherits from. Take the `#` from a line to
# change it; the lines show how that theme paints.
";

const PALETTE: &str = "\
# Names for colours: \"#rrggbb\", an index from \"0\" to \"255\", or one of the terminal's own (\"red\", \"bright-red\", \"default\").
# What writes `text` on the terminal's own ground writes `paper` on `ground` where that is not known to be alike.
[palette]
";

const SLOTS: &str = "\
# What is painted how: a colour, which is a name of the palette or written as there, or a table such as
# { fg = \"sky\", bg = \"night\", bold = true }, which may have bold, dim, italic, underline, reverse and strike. A slot without
# a line looks like its group: \"tree.error\" like \"tree\".
[slots]
";

/// The text of a theme that inherits from another. The values are shown if that is an embedded one.
#[must_use]
pub fn template(parent: &str) -> String {
    let (palette, slots) = lines_of(parent);
    let mut text = format!("{HEAD}inherits = \"{parent}\"\n\n{PALETTE}");
    for (name, value) in palette {
        let _ = writeln!(text, "# {name} = {value}");
    }
    text.push('\n');
    text.push_str(SLOTS);
    for slot in Slot::ALL {
        let value = slot.names().find_map(|name| slots.get(name).copied()).unwrap_or("{}");
        let _ = write!(text, "\n# {}\n# \"{}\" = {value}\n", slot.help(), slot.name());
    }
    text
}

/// The values of the palette and of the slots of an embedded theme, as its file and those that it inherits from write
/// them.
fn lines_of(theme: &str) -> (BTreeMap<&'static str, &'static str>, BTreeMap<&'static str, &'static str>) {
    let (mut palette, mut slots) = (BTreeMap::new(), BTreeMap::new());
    let mut next = Some(theme.to_owned());
    // Embedded themes inherit in no circle.
    while let Some((name, text)) = next.take().and_then(|name| EMBEDDED.into_iter().find(|(other, _)| *other == name)) {
        let mut section = "";
        for line in text.lines().map(str::trim) {
            if line.starts_with('[') {
                section = line;
            } else if let Some((key, value)) = line.split_once('=').filter(|_| !line.starts_with('#')) {
                let (key, value) = (key.trim().trim_matches('"'), value.trim());
                match section {
                    "[palette]" => _ = palette.entry(key).or_insert(value),
                    "[slots]" => _ = slots.entry(key).or_insert(value),
                    _ => {}
                }
            }
        }
        next = file::parse(name, text).ok().and_then(|file| file.inherits).map(|parent| parent.value);
    }
    (palette, slots)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_is_a_theme_and_stays_one_with_every_line_switched_on() {
        for (name, _) in EMBEDDED {
            let text = template(name);
            file::parse("t", &text).unwrap();
            let on = text.lines().map(|line| match line.strip_prefix("# ") {
                Some(set) if set.starts_with('"') || set.split_once(" = \"#").is_some() => set,
                _ => line,
            });
            let on: String = on.flat_map(|line| [line, "\n"]).collect();
            file::parse("t", &on).unwrap_or_else(|error| panic!("{error}:\n{on}"));
            assert_eq!(on.matches("\n\"").count(), Slot::ALL.len(), "{on}");
        }
        assert!(
            template("dark").contains("\"border.focused\" = \"sky\"")
                && template("light").contains("inherits = \"light\"")
        );
    }
}
