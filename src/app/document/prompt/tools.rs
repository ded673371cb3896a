//! The tools and the parameters of a call, with what is other than in another call.

use super::super::build::Builder;
use super::super::{diff, json, parts, tokens};
use super::delta::{self, Change, Entry, Parameter};
use super::side::Side;
use crate::app::styled::Styled;
use crate::app::wrap;
use crate::model::{ToolDefinition, json as values};
use crate::slots::Slot;

/// The tools of a call, those of another call beside them.
#[derive(Debug)]
pub struct Tools {
    entries: Vec<Entry>,
    /// The call lists none: these are known of its run.
    of_run: bool,
    /// Both have the same tools in another order.
    reordered: bool,
}

impl Tools {
    #[must_use]
    pub fn of(before: Option<&Side>, now: &Side) -> Self {
        let listed = |side: &Side| !side.facts().request.tools.is_empty();
        let of_run = !listed(now) && !before.is_some_and(listed) && !now.trace().definitions.is_empty();
        let entries = delta::tools(before.map(|side| Self::listed(side, of_run)), Self::listed(now, of_run));
        let places = entries.iter().filter_map(|entry| entry.before.filter(|_| entry.now.is_some()));
        let reordered = !places.is_sorted();
        Self { entries, of_run, reordered }
    }

    /// The tools that a call lists, or those of its run.
    fn listed(side: &Side, of_run: bool) -> &[ToolDefinition] {
        if of_run { &side.trace().definitions } else { &side.facts().request.tools }
    }

    /// How many there are.
    #[must_use]
    pub fn number(&self) -> usize {
        self.entries.iter().filter(|entry| entry.now.is_some()).count()
    }

    /// `4 tools as before`; `None` where nothing is known of any.
    #[must_use]
    pub fn summary(&self, compared: bool) -> Option<String> {
        if self.of_run || self.entries.is_empty() {
            return None;
        }
        let [same, new, changed, gone] = delta::counts(&self.entries);
        let all = same + new + changed;
        let what = if all == 1 { "tool" } else { "tools" };
        if !compared {
            return Some(format!("{all} {what}"));
        }
        let kinds = [(new, "new"), (changed, "changed"), (gone, "gone"), (same, "as before")];
        let kinds: Vec<String> = kinds
            .into_iter()
            .filter(|(number, _)| *number > 0)
            .map(|(number, kind)| format!("{number} {kind}"))
            .collect();
        Some(format!("{what}: {}", kinds.join(", ")))
    }

    /// Whether both calls have the same tools.
    #[must_use]
    pub fn are_equal(&self) -> bool {
        self.entries.iter().all(|entry| entry.change == Change::Same) && !self.reordered
    }

    /// The tools behind one line, each behind one of its own. `open`: it is open at first; `name`: of the fold.
    pub fn write(&self, to: &mut Builder, before: Option<&Side>, now: &Side, (open, full): (bool, bool), name: &str) {
        let listed = Self::listed(now, self.of_run);
        let earlier = before.map_or(&[][..], |side| Self::listed(side, self.of_run));
        let is_other = before.is_some() && !self.are_equal();
        let mut head = vec![
            Styled::new(if is_other { "~ " } else { "  " }, Slot::Warning),
            Styled::new(format!("tools  {}", listed.len()), Slot::MessageTool),
        ];
        if self.entries.is_empty() {
            to.line(vec![Styled::new("    no tools", Slot::Dim)]);
            return;
        }
        let [_, new, changed, gone] = delta::counts(&self.entries);
        let words = match before {
            _ if self.of_run && !is_other => " of the run; not listed with this call".to_owned(),
            Some(before) if !is_other => format!(" as in {}", before.name),
            Some(_) => {
                let kinds = [(new, "new"), (changed, "changed"), (gone, "gone")];
                let mut kinds: Vec<String> = kinds
                    .into_iter()
                    .filter(|(number, _)| *number > 0)
                    .map(|(number, kind)| format!("{number} {kind}"))
                    .collect();
                kinds.extend(self.reordered.then(|| "in another order".to_owned()));
                format!("  {}", kinds.join(", "))
            }
            None => String::new(),
        };
        head.push(Styled::new(words, if is_other { Slot::Warning } else { Slot::Dim }));
        let bytes = listed.iter().map(ToolDefinition::bytes).sum();
        let right = vec![Styled::new(format!("  {} ", tokens::about(tokens::of_bytes(bytes))), Slot::Dim)];
        if !to.fold(name.to_owned(), open, 0, head, right) {
            return;
        }
        for (at, entry) in self.entries.iter().enumerate() {
            let old = entry.before.and_then(|before| earlier.get(before));
            let new = entry.now.and_then(|now| listed.get(now));
            one(to, &format!("{name} {at}"), (old, new), entry.change.sign(before.is_some()), full);
        }
    }
}

/// One tool: its description and schema behind its name; of one that was changed what is other in it.
fn one(
    to: &mut Builder,
    name: &str,
    (old, new): (Option<&ToolDefinition>, Option<&ToolDefinition>),
    (sign, slot): (&str, Slot),
    full: bool,
) {
    let Some(tool) = new.or(old) else { return };
    let head = vec![
        Styled::new(format!("{sign} "), slot),
        Styled::new(format!("{}  ", wrap::clean_line(&tool.name)), Slot::MessageTool),
        Styled::new(tool.description.as_deref().map_or_else(String::new, parts::first_line), Slot::Dim),
    ];
    let about = tokens::about(tokens::of_bytes(tool.bytes()));
    let changed = old.zip(new).filter(|(old, new)| old != new && !full);
    if !to.fold(name.to_owned(), changed.is_some(), 4, head, vec![Styled::new(format!("  {about} "), Slot::Dim)]) {
        return;
    }
    if let Some((old, new)) = changed {
        diff::write(to, 8, &text_of(old), &text_of(new));
        return;
    }
    if let Some(description) = &tool.description {
        to.text(8, description, Slot::Text);
    }
    if let Some(parameters) = &tool.parameters {
        to.json(8, parameters);
    }
}

/// A definition in lines, so that two can be compared.
fn text_of(tool: &ToolDefinition) -> String {
    let parameters = tool.parameters.as_ref().map(values::to_pretty).unwrap_or_default();
    format!("{}\n{parameters}", tool.description.as_deref().unwrap_or_default())
}

/// `~ temperature  0.2 → 0.7`: a line for the model and for each parameter.
pub fn parameters(to: &mut Builder, before: Option<&Side>, now: &Side) {
    let facts = now.facts();
    let mut lines: Vec<(&'static str, Slot, String, String)> = Vec::new();
    let mut fact = |name: &str, old: Option<Option<&String>>, new: Option<&String>| {
        let shown =
            |value: Option<&String>| value.map_or_else(|| "unknown".to_owned(), |value| wrap::clean_line(value));
        match old {
            Some(old) if old != new => {
                lines.push(("~", Slot::Warning, name.to_owned(), format!("{} → {}", shown(old), shown(new))));
            }
            _ => lines.extend(new.map(|_| (" ", Slot::Text, name.to_owned(), shown(new)))),
        }
    };
    fact("model", before.map(|side| side.facts().model.as_ref()), facts.model.as_ref());
    fact("provider", before.map(|side| side.facts().provider.as_ref()), facts.provider.as_ref());
    for Parameter { name, before: old, now: new, change } in
        delta::parameters(before.map(|side| &side.facts().parameters), &facts.parameters)
    {
        let (sign, slot) = change.sign(true);
        let [old, new] = [old, new].map(|value| value.map(json::brief).unwrap_or_default());
        let value = match change {
            Change::Same | Change::New => new,
            Change::Changed => format!("{old} → {new}"),
            Change::Gone => format!("was {old}, not set"),
        };
        lines.push((sign, slot, wrap::clean_line(name), value));
    }
    let widest = lines.iter().map(|(_, _, name, _)| wrap::width(name)).max().unwrap_or(0).min(to.width / 3).min(24);
    for (sign, slot, name, value) in lines {
        let name = wrap::cut(&name, widest);
        let gap = " ".repeat(widest - wrap::width(&name) + 2);
        let texts = [
            Styled::new(format!("{sign} "), slot),
            Styled::new(name, Slot::JsonKey),
            Styled::new(format!("{gap}{value}"), Slot::Text),
        ];
        to.wrapped(2, widest + 4, &texts);
    }
    if facts.parameters.is_empty() {
        to.line(vec![Styled::new("    no parameters were recorded", Slot::Dim)]);
    }
}

/// `≠ temperature  0.2 → 0.7`: what two calls were sent otherwise.
pub fn differs(to: &mut Builder, name: &str, [before, now]: [String; 2]) {
    let texts = [
        Styled::new("≠ ", Slot::Warning),
        Styled::new(format!("{name}  "), Slot::JsonKey),
        Styled::new(format!("{before} → {now}"), Slot::Text),
    ];
    to.wrapped(2, 4, &texts);
}
