//! `google-genai`: functions that Google's SDK calls by itself, as OpenTelemetry's instrumentation of it tells them.
//!
//! Mark: an `execute_tool` span with `code.function.…`. Each argument and the result stand alone, with their types:
//!
//! ```text
//!   execute_tool w     code.function.parameters.city.value = "Paris"     code.function.return.value = "18C"
//! ```
//!
//! The requests to the model are in the words of `gen_ai.rs` and `gen_ai_events.rs`.

use super::{Dialect, gen_ai, reading};
use crate::model::{Carrier, Source, Translation, Value};

pub const DIALECT: Dialect = Dialect { name: "google-genai", speaks, translate };

const PARAMETERS: &str = "code.function.parameters.";
const RESULT: &str = "code.function.return.value";

fn speaks(source: &Source) -> bool {
    let attributes = source.attributes;
    attributes.has("gen_ai.tool.name") && (attributes.has_prefix(PARAMETERS) || attributes.has(RESULT))
}

fn translate(source: &Source, into: &mut Translation) {
    let attributes = source.attributes;
    let given = attributes.under(PARAMETERS).filter_map(|(name, value)| Some((name.strip_suffix(".value")?, value)));
    let given: Vec<_> = given.map(|(name, value)| (name.to_owned(), value.clone())).collect();
    let given = (!given.is_empty()).then_some(Value::Map(given));
    let (prompt, completion) = gen_ai::execution(given.as_ref(), attributes.get(RESULT), &into.genai);
    reading::push(into, DIALECT.name, (Carrier::Attributes, None), prompt, completion);
}

#[cfg(test)]
mod tests {
    use super::super::sample::{Sample, said};

    #[test]
    fn a_function_has_its_arguments_one_by_one() {
        let read = Sample::span("execute_tool w")
            .with(&[("gen_ai.operation.name", "execute_tool"), ("gen_ai.tool.name", "w")])
            .with(&[("code.function.name", "w"), ("code.function.parameters.city.type", "str")])
            .with(&[("code.function.parameters.city.value", "Paris"), ("code.function.return.value", "18C")])
            .typed("code.function.parameters.days.value", "2")
            .translate();
        assert_eq!(said(&read).0, [r#"assistant: w#-{"city":"Paris","days":2}"#]);
        assert_eq!(said(&read).1, ["tool: =- 18C"]);
        assert_eq!(read.dialects, ["google-genai"]);
    }

    #[test]
    fn a_function_that_is_no_tool_says_nothing() {
        let plain = Sample::span("f").with(&[("code.function.return.value", "18C")]);
        assert!(plain.translate().readings.is_empty());
    }
}
