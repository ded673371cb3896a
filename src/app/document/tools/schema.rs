//! Arguments of a call against the JSON Schema that its tool was offered with.
//!
//! What is not understood of a schema is no failure: keywords that are not here, patterns that this program cannot
//! read, references to other documents.

use regex::RegexBuilder;

use super::super::json;
use crate::app::wrap;
use crate::model::Value;

/// Whether a number keeps a limit.
type Keeps = fn(f64, f64) -> bool;

/// More failures of one call are not listed.
const MOST: usize = 12;

/// Deeper values are not looked at.
const DEEPEST: usize = 24;

/// More items of one array are not looked at.
const ITEMS: usize = 1000;

/// Columns of a value that failed.
const SHOWN: usize = 32;

/// One place where arguments are not as the schema wants them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// `guests`, `rooms[1].beds`; empty for the arguments as a whole.
    pub path: String,
    /// What is there, on one line; `None` where nothing is.
    pub got: Option<String>,
    /// What the schema wants: `minimum 1`.
    pub wants: String,
}

/// Where arguments are not as a schema wants them, in the order of the schema.
pub fn violations(schema: &Value, arguments: &Value) -> Vec<Violation> {
    // Bedrock wraps a schema.
    let schema = schema.get("json").filter(|_| schema.get("type").is_none()).unwrap_or(schema);
    let mut check = Check { root: schema, found: Vec::new() };
    check.value(schema, arguments, "", 0);
    check.found
}

struct Check<'s> {
    root: &'s Value,
    found: Vec<Violation>,
}

impl<'s> Check<'s> {
    fn value(&mut self, schema: &'s Value, value: &Value, path: &str, depth: usize) {
        if self.found.len() >= MOST || depth > DEEPEST {
            return;
        }
        if let Some(reference) = schema.str("$ref") {
            if let Some(schema) = self.referred(reference) {
                self.value(schema, value, path, depth + 1);
            }
            return;
        }
        if !self.is_of_type(schema, value, path) {
            return;
        }
        self.is_one_of(schema, value, path);
        self.any_of(schema, value, path, depth);
        for schema in schema.get("allOf").and_then(Value::as_array).unwrap_or_default() {
            self.value(schema, value, path, depth + 1);
        }
        match value {
            Value::Int(_) | Value::UInt(_) | Value::Double(_) => self.number(schema, value, path),
            Value::String(text) => self.text(schema, text, value, path),
            Value::Array(items) => self.array(schema, items, value, path, depth),
            Value::Map(entries) => self.object(schema, entries, path, depth),
            Value::Null | Value::Bool(_) | Value::Bytes(_) => {}
        }
    }

    /// What a reference within the schema names; `None` for one to another document.
    fn referred(&self, reference: &str) -> Option<&'s Value> {
        let path = reference.strip_prefix('#')?;
        let names = path.split('/').filter(|name| !name.is_empty());
        names.map(|name| name.replace("~1", "/").replace("~0", "~")).try_fold(self.root, |at, name| at.get(&name))
    }

    fn is_of_type(&mut self, schema: &Value, value: &Value, path: &str) -> bool {
        let wanted = match schema.get("type") {
            Some(Value::String(name)) => vec![name.as_str()],
            Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
            _ => return true,
        };
        let known = |name: &str| {
            // Gemini writes types in capitals.
            match name.to_ascii_lowercase().as_str() {
                "string" => Some(matches!(value, Value::String(_) | Value::Bytes(_))),
                "integer" => Some(is_whole(value)),
                "number" => Some(matches!(value, Value::Int(_) | Value::UInt(_) | Value::Double(_))),
                "boolean" => Some(matches!(value, Value::Bool(_))),
                "array" => Some(matches!(value, Value::Array(_))),
                "object" => Some(matches!(value, Value::Map(_))),
                "null" => Some(matches!(value, Value::Null)),
                _ => None,
            }
        };
        let nullable = matches!(value, Value::Null) && schema.get("nullable").and_then(Value::as_bool) == Some(true);
        if nullable || wanted.is_empty() || wanted.iter().any(|name| known(name) != Some(false)) {
            return true;
        }
        self.fails(path, value, &format!("type {}", wanted.join(" or ")));
        false
    }

    fn is_one_of(&mut self, schema: &Value, value: &Value, path: &str) {
        if let Some(wanted) = schema.get("enum").and_then(Value::as_array)
            && !wanted.iter().any(|wanted| equal(wanted, value))
        {
            let names: Vec<String> = wanted.iter().take(8).map(brief).collect();
            let more = if wanted.len() > 8 { ", …" } else { "" };
            self.fails(path, value, &format!("one of {}{more}", names.join(", ")));
        }
        if let Some(wanted) = schema.get("const").filter(|wanted| !equal(wanted, value)) {
            self.fails(path, value, &format!("only {}", brief(wanted)));
        }
    }

    fn any_of(&mut self, schema: &'s Value, value: &Value, path: &str, depth: usize) {
        for keyword in ["anyOf", "oneOf"] {
            let Some(schemas) = schema.get(keyword).and_then(Value::as_array).filter(|schemas| !schemas.is_empty())
            else {
                continue;
            };
            let mut nearest: Option<Vec<Violation>> = None;
            for schema in schemas {
                let mut check = Check { root: self.root, found: Vec::new() };
                check.value(schema, value, path, depth + 1);
                // One that fails within is nearer than one that fails as a whole.
                let is_nearer = |before: &Vec<Violation>| {
                    !check.found.is_empty()
                        && check.found.iter().all(|found| found.path != path)
                        && before.iter().any(|found| found.path == path)
                };
                if nearest.as_ref().is_none_or(|before| check.found.is_empty() || is_nearer(before)) {
                    let fits = check.found.is_empty();
                    nearest = Some(check.found);
                    if fits {
                        break;
                    }
                }
            }
            self.found.extend(nearest.unwrap_or_default());
        }
    }

    fn number(&mut self, schema: &Value, value: &Value, path: &str) {
        let Some(number) = value.as_number() else { return };
        let limits: [(&str, Keeps); 4] = [
            ("minimum", |number, limit| number >= limit),
            ("maximum", |number, limit| number <= limit),
            ("exclusiveMinimum", |number, limit| number > limit),
            ("exclusiveMaximum", |number, limit| number < limit),
        ];
        for (keyword, keeps) in limits {
            if let Some(limit) = limit(schema, keyword).filter(|(limit, _)| !keeps(number, *limit)) {
                self.fails(path, value, &format!("{keyword} {}", limit.1));
            }
        }
    }

    fn text(&mut self, schema: &Value, text: &str, value: &Value, path: &str) {
        self.count(schema, ["minLength", "maxLength"], text.chars().count(), value, path);
        if let Some(pattern) = schema.str("pattern")
            && let Ok(regex) = RegexBuilder::new(pattern).size_limit(1 << 20).build()
            && !regex.is_match(text)
        {
            self.fails(path, value, &format!("pattern {}", wrap::cut(&wrap::clean_line(pattern), SHOWN)));
        }
    }

    fn array(&mut self, schema: &'s Value, items: &[Value], value: &Value, path: &str, depth: usize) {
        self.count(schema, ["minItems", "maxItems"], items.len(), value, path);
        if let Some(schema) = schema.get("items").filter(|schema| schema.as_map().is_some()) {
            for (at, item) in items.iter().enumerate().take(ITEMS) {
                self.value(schema, item, &format!("{path}[{at}]"), depth + 1);
            }
        }
    }

    fn object(&mut self, schema: &'s Value, entries: &[(String, Value)], path: &str, depth: usize) {
        let of = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
        let present = |name: &str| entries.iter().any(|(present, _)| present == name);
        let required = schema.get("required").and_then(Value::as_array).unwrap_or_default();
        for name in required.iter().filter_map(Value::as_str).filter(|name| !present(name)) {
            self.found.push(Violation { path: wrap::clean_line(&of(name)), got: None, wants: "required".to_owned() });
        }
        let properties = schema.get("properties").and_then(Value::as_map).unwrap_or_default();
        for (name, schema) in properties {
            if let Some((_, value)) = entries.iter().find(|(present, _)| present == name) {
                self.value(schema, value, &of(name), depth + 1);
            }
        }
        match schema.get("additionalProperties") {
            Some(Value::Bool(false)) => {
                for (name, value) in entries {
                    if !properties.iter().any(|(known, _)| known == name) && schema.get("patternProperties").is_none() {
                        self.fails(&of(name), value, "no such property");
                    }
                }
            }
            Some(other) if other.as_map().is_some() => {
                for (name, value) in entries {
                    if !properties.iter().any(|(known, _)| known == name) {
                        self.value(other, value, &of(name), depth + 1);
                    }
                }
            }
            _ => {}
        }
    }

    /// Whether there are as many characters or items as the schema wants.
    fn count(&mut self, schema: &Value, keywords: [&str; 2], count: usize, value: &Value, path: &str) {
        let limits = keywords.map(|keyword| schema.get(keyword).and_then(Value::as_count));
        let [least, most] = limits.map(|limit| limit.and_then(|limit| usize::try_from(limit).ok()));
        for (keyword, limit) in
            [(keywords[0], least.filter(|least| count < *least)), (keywords[1], most.filter(|most| count > *most))]
        {
            if let Some(limit) = limit {
                self.fails(path, value, &format!("{keyword} {limit}"));
            }
        }
    }

    fn fails(&mut self, path: &str, value: &Value, wants: &str) {
        let got = Some(brief(value));
        self.found.push(Violation { path: wrap::clean_line(path), got, wants: wrap::clean_line(wants) });
    }
}

/// A limit of numbers, and as the schema writes it.
fn limit(schema: &Value, keyword: &str) -> Option<(f64, String)> {
    let limit =
        schema.get(keyword).filter(|limit| matches!(limit, Value::Int(_) | Value::UInt(_) | Value::Double(_)))?;
    Some((limit.as_number()?, limit.to_text()))
}

#[expect(clippy::float_cmp, reason = "a whole number is one exactly")]
fn is_whole(value: &Value) -> bool {
    match value {
        Value::Int(_) | Value::UInt(_) => true,
        Value::Double(number) => number.is_finite() && number.trunc() == *number,
        _ => false,
    }
}

/// Whether two values are equal; numbers by what they are worth.
fn equal(left: &Value, right: &Value) -> bool {
    let number =
        |value: &Value| Some(value).filter(|value| !matches!(value, Value::String(_))).and_then(Value::as_number);
    left == right || number(left).is_some_and(|left| number(right) == Some(left))
}

fn brief(value: &Value) -> String {
    let text = match value {
        Value::String(text) => {
            let end = text.floor_char_boundary(4 * SHOWN);
            json::quoted(&text[..end])
        }
        other => json::brief(other),
    };
    wrap::cut(&text, SHOWN)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::json::parse;

    fn found(schema: &str, arguments: &str) -> Vec<String> {
        let violations = violations(&parse(schema).unwrap(), &parse(arguments).unwrap());
        let text = |violation: Violation| {
            [Some(violation.path), violation.got, Some(violation.wants)]
                .into_iter()
                .flatten()
                .collect::<Vec<_>>()
                .join(" ")
        };
        violations.into_iter().map(text).collect()
    }

    #[test]
    fn each_keyword_points_at_what_broke_it() {
        let schema = r##"{
            "type": "object",
            "required": ["guests", "check_in"],
            "additionalProperties": false,
            "properties": {
                "guests": {"type": "integer", "minimum": 1, "maximum": 8},
                "check_in": {"type": "string", "pattern": "^\\d{4}-\\d\\d-\\d\\d$"},
                "unit": {"enum": ["C", "F"]},
                "name": {"type": "string", "minLength": 2, "maxLength": 4},
                "rooms": {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/room"}},
                "note": {"anyOf": [{"type": "string"}, {"type": "null"}]}
            },
            "$defs": {"room": {"type": "object", "properties": {"beds": {"type": "number", "exclusiveMinimum": 0}}}}
        }"##;
        let ok = r#"{"guests": 2.0, "check_in": "2026-10-03", "unit": "C", "name": "ab", "rooms": [{"beds": 1}], "note": null}"#;
        assert_eq!(found(schema, ok), Vec::<String>::new());
        let bad =
            r#"{"guests": 0, "unit": "K", "name": "abcde", "rooms": [{"beds": 1}, {"beds": 0}], "note": 3, "x": 1}"#;
        assert_eq!(
            found(schema, bad),
            [
                "check_in required",
                "guests 0 minimum 1",
                r#"unit "K" one of "C", "F""#,
                r#"name "abcde" maxLength 4"#,
                "rooms[1].beds 0 exclusiveMinimum 0",
                "note 3 type string",
                "x 1 no such property",
            ]
        );
        assert_eq!(
            found(schema, r#"{"guests": "two", "check_in": "soon", "rooms": []}"#),
            [r#"guests "two" type integer"#, r#"check_in "soon" pattern ^\d{4}-\d\d-\d\d$"#, "rooms [] minItems 1",]
        );
    }

    #[test]
    fn what_is_not_understood_of_a_schema_is_no_failure() {
        for schema in [
            "{}",
            r#"{"type": "file"}"#,
            r#"{"type": ["object", "null"], "properties": {"a": {"$ref": "https://example.com/a.json"}}}"#,
            r##"{"properties": {"a": {"$ref": "#/nowhere"}}}"##,
            r#"{"properties": {"a": {"type": "string", "pattern": "(?=x)"}}}"#,
            r##"{"$ref": "#"}"##,
        ] {
            assert_eq!(found(schema, r#"{"a": "b"}"#), Vec::<String>::new(), "{schema}");
        }
        assert_eq!(found(r#"{"json": {"type": "object", "required": ["a"]}}"#, "{}"), ["a required"]);
        assert_eq!(found(r#"{"type": "object"}"#, r#""{not json""#), [r#" "{not json" type object"#]);
    }
}
