//! Secrets in texts that leave the screen: keys, tokens and passwords, by how they look and by the names before them.
//!
//! It is a net and no proof: what looks like any other word is not known as a secret.

/// What stands in a secret's place.
pub const HIDDEN: &str = "REDACTED";

/// How keys of well-known services begin, and from how many characters on a word that begins so is one.
const BEGINNINGS: &[(&str, usize)] = &[
    ("sk-", 20),
    ("sk_live_", 20),
    ("sk_test_", 20),
    ("rk_live_", 20),
    ("gsk_", 24),
    ("hf_", 24),
    ("xai-", 24),
    ("pplx-", 24),
    ("tvly-", 20),
    ("AIza", 35),
    ("ya29.", 20),
    ("ghp_", 24),
    ("gho_", 24),
    ("ghs_", 24),
    ("ghu_", 24),
    ("github_pat_", 24),
    ("glpat-", 20),
    ("xoxb-", 20),
    ("xoxp-", 20),
    ("xoxa-", 20),
    ("xapp-", 20),
    ("npm_", 24),
    ("pypi-", 24),
    ("dop_v1_", 24),
    ("ABSK", 40),
];

/// Names whose value is a secret; also as the end of a longer name (`OPENAI_API_KEY`, `http.request.header.cookie`).
const NAMES: &[&str] = &[
    "authorization",
    "api_key",
    "apikey",
    "secret",
    "secret_key",
    "secret_access_key",
    "client_secret",
    "password",
    "passwd",
    "access_token",
    "auth_token",
    "refresh_token",
    "session_token",
    "security_token",
    "bearer_token",
    "private_key",
    "cookie",
    "credentials",
];

/// A text without its secrets, and how many were in it.
#[must_use]
pub fn hide(text: &str) -> (String, usize) {
    let (mut out, mut count, mut rest) = (String::with_capacity(text.len()), 0, text);
    // The word before is a name whose value is secret, or one behind which a secret follows.
    let mut before = Before::Nothing;
    while !rest.is_empty() {
        let gap = rest.find(is_of_word).unwrap_or(rest.len());
        let (between, after) = rest.split_at(gap);
        out.push_str(between);
        let word = &after[..after.find(|c| !is_of_word(c)).unwrap_or(after.len())];
        let secret = match before {
            Before::Name if is_assigned(between) => value(between, after),
            Before::Scheme if between == " " && word.len() >= 8 && has_digit(word) => Some(word.len()),
            _ => None,
        };
        let secret =
            secret.filter(|length| *length > 0 && !is_scheme(&after[..*length]) && !is_hidden(&after[..*length]));
        if let Some(length) = secret.or_else(|| is_key(word).then_some(word.len())) {
            out.push_str(HIDDEN);
            count += 1;
            rest = &after[length..];
            before = Before::Nothing;
            continue;
        }
        out.push_str(word);
        rest = &after[word.len()..];
        before = match word {
            _ if is_scheme(word) => Before::Scheme,
            // In OTLP/JSON these stand between a name and its value.
            "value" | "arrayValue" | "values" | "stringValue" if before == Before::Name && is_otlp(between) => {
                Before::Name
            }
            _ if is_secret_name(word) => Before::Name,
            _ => Before::Nothing,
        };
    }
    (out, count)
}

/// Whether a name is one whose value is a secret.
#[must_use]
pub fn is_secret_name(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or(name);
    if last.len() > 64 {
        return false;
    }
    let plain = last.to_ascii_lowercase().replace('-', "_");
    NAMES
        .iter()
        .any(|secret| plain.strip_suffix(secret).is_some_and(|before| before.is_empty() || before.ends_with('_')))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Before {
    Nothing,
    Name,
    Scheme,
}

fn is_of_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '+' | '/')
}

/// `Bearer`, `Basic`: what stands before the secret of a header.
fn is_scheme(word: &str) -> bool {
    word.eq_ignore_ascii_case("bearer") || word.eq_ignore_ascii_case("basic")
}

fn is_hidden(value: &str) -> bool {
    value == HIDDEN
}

/// Whether what stands between a name and a word gives the word to the name: `: "`, ` = `, `\": \"`.
fn is_assigned(between: &str) -> bool {
    let mut signs = between.chars().filter(|c| !matches!(c, ' ' | '\t' | '"' | '\'' | '\\'));
    matches!(signs.next(), Some('=' | ':')) && signs.next().is_none()
}

/// `","`, `":{"` or `":[{"`: what stands between a name, `value` and `stringValue`, of a list `arrayValue` and `values` too.
fn is_otlp(between: &str) -> bool {
    let plain: String = between.chars().filter(|c| !c.is_whitespace()).collect();
    matches!(plain.as_str(), r#"",""# | r#"":{""# | r#"":[{""#)
}

/// How long a value is that begins here: up to the quotation mark that ends it, else up to white space.
fn value(between: &str, after: &str) -> Option<usize> {
    let quote = between.chars().next_back().filter(|c| matches!(c, '"' | '\''));
    let end = match quote {
        Some(quote) => {
            let backslashes = between.bytes().rev().skip(1).take_while(|byte| *byte == b'\\').count();
            closing(after, quote, backslashes)
        }
        None => after.find(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | '"' | '\'' | '}' | ']' | ')')),
    };
    let end = end.unwrap_or(after.len());
    // Without quotation marks it may be any word of a sentence, or a number of a setting.
    let bare = &after[..end];
    let is_number = bare.chars().all(|c| c.is_ascii_digit() || c == '.');
    (quote.is_some() || (has_digit(bare) && !is_number) || bare.len() >= 16).then_some(end)
}

/// Where a quoted text ends; `level`: how many backslashes stand before its quotation marks, as in JSON within JSON.
fn closing(text: &str, quote: char, level: usize) -> Option<usize> {
    let mut backslashes = 0_usize;
    for (at, c) in text.char_indices() {
        match c {
            '\\' => {
                backslashes += 1;
                continue;
            }
            '\n' => return Some(at),
            // One that is escaped has more of them: twice as many and one.
            _ if c == quote && (backslashes < level || ((backslashes - level) / (level + 1)).is_multiple_of(2)) => {
                return Some(at - backslashes.min(level));
            }
            _ => {}
        }
        backslashes = 0;
    }
    None
}

fn has_digit(word: &str) -> bool {
    word.bytes().any(|byte| byte.is_ascii_digit())
}

/// Whether a word looks like a key.
fn is_key(word: &str) -> bool {
    let begins = |(beginning, least): &(&str, usize)| word.len() >= *least && word.starts_with(beginning);
    let is_of_aws = || {
        let rest = word.strip_prefix("AKIA").or_else(|| word.strip_prefix("ASIA"));
        rest.is_some_and(|rest| rest.len() == 16 && rest.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit()))
    };
    // A JSON web token: three parts, the first of which is JSON.
    let is_token = || word.len() >= 40 && word.starts_with("eyJ") && word.matches('.').count() == 2;
    BEGINNINGS.iter().any(begins) || is_of_aws() || is_token()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hidden(text: &str) -> String {
        hide(text).0
    }

    #[test]
    fn a_quoted_secret_ends_where_its_quotation_marks_do() {
        let key = r#"{"private_key": "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBg\n", "id": 1}"#;
        let hidden = r#"{"private_key": "REDACTED", "id": 1}"#;
        assert_eq!(hide(key), (hidden.to_owned(), 1));
        assert_eq!(hide(r#"{"password":"pa\"ss12345"}"#), (r#"{"password":"REDACTED"}"#.to_owned(), 1));
        // As it stands in JSON within JSON.
        let within = |text: &str| text.replace('\\', r"\\").replace('"', r#"\""#);
        assert_eq!(hide(&within(key)), (within(hidden), 1));
    }

    #[test]
    fn headers_of_otlp_are_lists() {
        let header = |value: &str| {
            format!(
                r#"{{"key":"http.request.header.cookie","value":{{"arrayValue":{{"values":[{{"stringValue":"{value}"}}]}}}}}}"#
            )
        };
        assert_eq!(hide(&header("sid=abc")), (header(HIDDEN), 1));
    }

    #[test]
    fn keys_are_known_by_how_they_look() {
        assert_eq!(hidden("use sk-proj-abcdefghijklmnop123456, please"), "use REDACTED, please");
        assert_eq!(hidden("AKIAIOSFODNN7EXAMPLE"), "REDACTED");
        assert_eq!(hidden("\"Bearer abc.def-123456\""), "\"Bearer REDACTED\"");
        assert_eq!(hide("ghp_0123456789abcdefghijABCDEFGHIJ and AKIAIOSFODNN7EXAMPLE").1, 2);
    }

    #[test]
    fn values_of_secret_names_are_hidden_whatever_they_look_like() {
        assert_eq!(
            hidden(r#"{"password": "hunter2 and more", "user":"ana"}"#),
            r#"{"password": "REDACTED", "user":"ana"}"#
        );
        assert_eq!(hidden("OPENAI_API_KEY=abc123 python x.py"), "OPENAI_API_KEY=REDACTED python x.py");
        assert_eq!(hidden(r#"{\"api_key\": \"abc\", \"n\": 1}"#), r#"{\"api_key\": \"REDACTED\", \"n\": 1}"#);
        assert_eq!(
            hidden(r#"{"key":"http.request.header.authorization","value":{"stringValue":"abc def"}}"#),
            r#"{"key":"http.request.header.authorization","value":{"stringValue":"REDACTED"}}"#
        );
    }

    #[test]
    fn what_is_no_secret_stays() {
        for text in [
            r#"{"password":{"type":"string"},"required":["password","name"]}"#,
            "max_tokens: 1024, total_tokens=5",
            "a basic understanding of the secret: patience",
            "the basic idea: ask for the password, then go on",
            "sk-short, a bearer of news",
            "password_required: true, api_key: null",
            "Authorization: Bearer $TOKEN",
            "",
            "日本語 — ünïcode",
        ] {
            assert_eq!(hide(text), (text.to_owned(), 0), "{text}");
        }
    }

    #[test]
    fn hiding_twice_hides_no_more() {
        let text = r#"{"password":"x1","authorization":"Bearer abcdefgh12"} AKIAIOSFODNN7EXAMPLE"#;
        let (once, count) = hide(text);
        assert_eq!((count, hide(&once)), (3, (once.clone(), 0)));
    }
}
