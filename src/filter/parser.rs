//! Tokens → an expression, or the first problem.

use super::{
    DEEPEST, LONGEST, MOST_TERMS,
    expression::{Expression, Match, Term},
    keys::{ATTRIBUTE, Bare, Comparison, KEYS, Key, KeyRow, Measure, Side, State},
    lexer::{Keyed, Quotable, Token, TokenKind, tokens},
    quantity,
};
use crate::nearest::nearest;

/// What is wrong with a filter, and where: between two places in bytes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct Problem {
    pub from: usize,
    pub to: usize,
    pub why: String,
    /// More typed at the end may mend it.
    pub unfinished: bool,
}

/// Reads a filter. White space alone lets everything pass.
pub fn parse(text: &str) -> Result<Expression, Problem> {
    if text.len() > LONGEST {
        let why = format!("a filter has at most {LONGEST} bytes");
        return Err(Problem { from: 0, to: text.len(), why, unfinished: false });
    }
    let tokens = tokens(text);
    let mut parser = Parser { tokens: &tokens, length: text.len(), at: 0, terms: 0 };
    let expression = parser.any(0)?;
    match parser.next() {
        Some(token) => Err(wrong(token, "no bracket is open; put it in quotes to search for it")),
        None => Ok(expression),
    }
}

struct Parser<'t> {
    tokens: &'t [Token],
    /// Of the whole text, in bytes.
    length: usize,
    at: usize,
    /// How many there were so far.
    terms: usize,
}

impl<'t> Parser<'t> {
    fn peek(&self) -> Option<&'t Token> {
        self.tokens.get(self.at)
    }

    fn next(&mut self) -> Option<&'t Token> {
        let token = self.peek();
        self.at += 1;
        token
    }

    /// The same where more may follow: if the text ends with it, it is not finished.
    fn unfinished(&self, token: &Token, why: impl Into<String>) -> Problem {
        Problem { unfinished: token.to == self.length, ..wrong(token, why) }
    }

    /// Alternatives, up to a closing bracket or the end.
    fn any(&mut self, depth: usize) -> Result<Expression, Problem> {
        let mut parts = vec![self.all(depth)?];
        while let Some(or @ Token { kind: TokenKind::Or, .. }) = self.peek() {
            self.at += 1;
            if parts.last().is_some_and(Expression::is_empty) {
                return Err(wrong(or, "nothing stands before `or`; put it in quotes to search for it"));
            }
            let next = self.all(depth)?;
            if next.is_empty() {
                let why = "nothing stands after `or`; put it in quotes to search for it";
                return Err(Problem { unfinished: self.peek().is_none(), ..wrong(or, why) });
            }
            parts.push(next);
        }
        Ok(Expression::any(parts))
    }

    /// Terms that must all hold, up to `or`, a closing bracket or the end.
    fn all(&mut self, depth: usize) -> Result<Expression, Problem> {
        let mut parts = Vec::new();
        while let Some(token) = self.peek().filter(|token| !matches!(token.kind, TokenKind::Or | TokenKind::Close)) {
            self.at += 1;
            parts.push(self.one(token, depth)?);
        }
        Ok(Expression::all(parts))
    }

    fn one(&mut self, token: &'t Token, depth: usize) -> Result<Expression, Problem> {
        if depth > DEEPEST {
            return Err(wrong(token, format!("more than {DEEPEST} brackets and signs lie within each other")));
        }
        match &token.kind {
            TokenKind::Open => {
                let within = self.any(depth + 1)?;
                match self.next() {
                    None => Err(Problem { unfinished: true, ..wrong(token, "the bracket is not closed") }),
                    Some(_) if within.is_empty() => {
                        Err(wrong(token, "nothing is in the brackets; put them in quotes to search for them"))
                    }
                    Some(_) => Ok(within),
                }
            }
            TokenKind::Minus => match self.next() {
                None => Err(self.unfinished(token, "what follows `-`? Put it in quotes to search for it")),
                Some(next) if matches!(next.kind, TokenKind::Or | TokenKind::Close) => {
                    Err(wrong(token, "nothing follows `-`; put it in quotes to search for it"))
                }
                Some(next) => Ok(Expression::not(self.one(next, depth + 1)?)),
            },
            TokenKind::Text(value) => {
                self.count(token)?;
                let text = self.closed(token, value)?;
                match Bare::of(text).filter(|_| !value.quoted) {
                    Some(state) => Ok(Expression::Term(Term::Is(state))),
                    None if text.trim().is_empty() => {
                        Err(self.unfinished(token, "nothing is between the quotation marks"))
                    }
                    None => Ok(Expression::Term(Term::Text(text.to_owned()))),
                }
            }
            TokenKind::Keyed(keyed) => {
                self.count(token)?;
                self.keyed(token, keyed).map(Expression::Term)
            }
            // `all` and the sign let none of these come here.
            TokenKind::Or | TokenKind::Close => Err(wrong(token, "nothing stands before this")),
        }
    }

    fn count(&mut self, token: &Token) -> Result<(), Problem> {
        self.terms += 1;
        if self.terms > MOST_TERMS {
            return Err(wrong(token, format!("a filter has at most {MOST_TERMS} terms")));
        }
        Ok(())
    }

    fn closed<'v>(&self, token: &Token, value: &'v Quotable) -> Result<&'v str, Problem> {
        if value.open {
            return Err(self.unfinished(token, "the quotation mark is not closed"));
        }
        Ok(&value.text)
    }

    fn keyed(&self, token: &Token, keyed: &Keyed) -> Result<Term, Problem> {
        let Keyed { key, sign, part, value, .. } = keyed;
        let text = self.closed(token, value)?;
        let start = key.get(..ATTRIBUTE.len()).filter(|start| start.eq_ignore_ascii_case(ATTRIBUTE));
        if let Some(name) = start.and_then(|_| key.get(ATTRIBUTE.len()..)) {
            return self.attribute(token, name, keyed, text);
        }
        let Some(row) = KeyRow::of(key) else { return Err(Self::unknown(token, keyed)) };
        let key = row.name;
        if text.is_empty() && (!value.quoted || *part) {
            let why = format!("what follows `{key}{}`? For example {}", sign_of(*sign), row.example);
            return Err(self.unfinished(token, why));
        }
        if *part && !matches!(row.key, Key::Named(_)) {
            return Err(wrong(token, format!("`~` finds a part of a name, which `{key}` is not: {}", row.example)));
        }
        match (row.key, sign) {
            (Key::Number(measure), None) => self.number(token, row, measure, Comparison::Equal, text),
            (Key::Number(measure), Some(sign)) => self.number(token, row, measure, *sign, text),
            (_, Some(sign)) if *sign != Comparison::Equal => {
                let why = format!("`{key}` is no number; write `{key}:`, as in {}", row.example);
                Err(wrong(token, why))
            }
            (Key::Named(facet), _) => Ok(Term::Named(facet, of(text, *part))),
            (Key::Is, _) => State::of(text).map(Term::Is).ok_or_else(|| {
                let words = State::ALL.map(State::word);
                let is_begun = words.iter().any(|word| word.starts_with(&text.to_lowercase()));
                let hint = match nearest(&text.to_lowercase(), words) {
                    Some(word) if !is_begun => format!("did you mean `is:{word}`?"),
                    _ => format!("there are {}", words.join(", ")),
                };
                let why = format!("no run is `{text}`; {hint}");
                Problem { unfinished: is_begun && token.to == self.length, ..wrong(token, why) }
            }),
            (Key::Run, _) => {
                let id = text.to_lowercase();
                let is_id = id.len() <= 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
                if is_id {
                    Ok(Term::Run(id))
                } else {
                    Err(wrong(
                        token,
                        format!("`{text}` is no beginning of a trace id, which has the digits 0-9 and a-f"),
                    ))
                }
            }
            (Key::Since | Key::Before, _) => {
                let side = if row.key == Key::Since { Side::Since } else { Side::Before };
                let wrong = |example| {
                    let why = format!("`{text}` is no time; write {example}");
                    let is_begun = text.bytes().all(|byte| byte.is_ascii_digit());
                    Problem { unfinished: is_begun && token.to == self.length, ..wrong(token, why) }
                };
                Ok(Term::Began(side, quantity::read_time(text).map_err(wrong)?))
            }
        }
    }

    fn number(
        &self,
        token: &Token,
        row: &KeyRow,
        measure: Measure,
        sign: Comparison,
        text: &str,
    ) -> Result<Term, Problem> {
        let value = measure.read(text).map_err(|example| {
            let why = format!("`{text}` is no value of `{}`; write {example}", row.name);
            let is_begun = matches!(text, "$" | "." | "$.");
            Problem { unfinished: is_begun && token.to == self.length, ..wrong(token, why) }
        })?;
        Ok(Term::Number(measure, sign, value))
    }

    fn attribute(&self, token: &Token, name: &str, keyed: &Keyed, text: &str) -> Result<Term, Problem> {
        if name.is_empty() || (text.is_empty() && (!keyed.value.quoted || keyed.part)) {
            return Err(self.unfinished(token, "write the attribute's name and value: attr.user.id=42"));
        }
        if keyed.sign.is_some_and(|sign| sign != Comparison::Equal) {
            return Err(wrong(token, format!("attributes are compared as texts: attr.{name}=…")));
        }
        Ok(Term::Attribute(name.to_owned(), of(text, keyed.part)))
    }

    fn unknown(token: &Token, keyed: &Keyed) -> Problem {
        let (key, sign) = (&keyed.key, sign_of(keyed.sign));
        let hint = match nearest(&key.to_lowercase(), KEYS.iter().map(|row| row.name)) {
            Some(near) => {
                let sign = KeyRow::of(near).map_or(":", KeyRow::sign);
                format!("did you mean `{near}{sign}`?")
            }
            None if keyed.sign == Some(Comparison::Equal) => {
                format!("quote it to search for it, or write {ATTRIBUTE}{key}= for an attribute")
            }
            None => "put it in quotes to search for it".to_owned(),
        };
        wrong(token, format!("no such filter `{key}{sign}`; {hint}"))
    }
}

fn wrong(token: &Token, why: impl Into<String>) -> Problem {
    Problem { from: token.from, to: token.to, why: why.into(), unfinished: false }
}

fn of(text: &str, part: bool) -> Match {
    if part { Match::Has(text.to_owned()) } else { Match::Is(text.to_owned()) }
}

fn sign_of(sign: Option<Comparison>) -> &'static str {
    sign.map_or(":", Comparison::sign)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn why(text: &str) -> String {
        parse(text).unwrap_err().why
    }

    fn read(text: &str) -> String {
        parse(text).unwrap().to_string()
    }

    #[test]
    fn words_stand_beside_each_other_and_brackets_hold_alternatives() {
        assert_eq!(read("  Lisbon   hotel "), "Lisbon hotel");
        assert_eq!(read("a or b c"), "(a or (b c))");
        assert_eq!(read("-(a or b) \"exact  text\""), "-(a or b) \"exact  text\"");
        assert_eq!(read("((a)) -tool:web_fetch"), "a -tool:web_fetch");
        assert_eq!(read("error IS:Running \"error\""), "error running \"error\"");
        assert_eq!(
            read("cost:>.10 dur>=90s tokens>20000 cache<50 calls:3"),
            "cost>$.1 dur>=90s tokens>20k cache<50% calls=3"
        );
        assert_eq!(
            read("model:us.anthropic.claude-v1:0 model=x user:\"\""),
            "model:us.anthropic.claude-v1:0 model:x user:\"\""
        );
        assert_eq!(read("since:120m before:1d run:0AF7"), "since:2h before:1d run:0af7");
        assert_eq!(read("attr.user.id=42 ATTR.Key:~x"), "attr.user.id=42 attr.Key=~x");
    }

    #[test]
    fn a_problem_says_what_was_meant() {
        assert_eq!(why("modle:x"), "no such filter `modle:`; did you mean `model:`?");
        assert_eq!(why("cots>1"), "no such filter `cots>`; did you mean `cost>`?");
        assert_eq!(
            why("guests=0"),
            "no such filter `guests=`; quote it to search for it, or write attr.guests= for an attribute"
        );
        assert_eq!(why("cost>ten"), "`ten` is no value of `cost`; write $.10 or 2.50");
        assert_eq!(why("is:faild"), "no run is `faild`; did you mean `is:failed`?");
        assert_eq!(why("model>x"), "`model` is no number; write `model:`, as in model:~sonnet");
        assert_eq!(why("since:5"), "`5` is no time; write 90s, 30m, 2h, 7d or 2w");
        assert_eq!(why("a) b"), "no bracket is open; put it in quotes to search for it");
        assert_eq!(why("or b"), "nothing stands before `or`; put it in quotes to search for it");
        let problem = parse("a modle:x b").unwrap_err();
        assert_eq!((problem.from, problem.to, problem.unfinished), (2, 9, false));
    }

    #[test]
    fn what_is_being_typed_is_unfinished_and_not_wrong() {
        for text in [
            "model:",
            "cost>",
            "\"exact",
            "(a",
            "(a or",
            "a or",
            "-",
            "is:fai",
            "since:5",
            "user:\"an",
            "cost>$",
            "attr.x=",
            "\"\"",
        ] {
            assert!(parse(text).unwrap_err().unfinished, "{text}");
        }
        for text in ["model: x", "cost> ", "is:x", "a) ", "modle:", "() b", "- b"] {
            assert!(!parse(text).is_err_and(|problem| problem.unfinished), "{text}");
        }
    }

    #[test]
    fn there_are_bounds() {
        assert!(parse(&"x".repeat(LONGEST + 1)).is_err());
        assert!(parse(&"a ".repeat(MOST_TERMS)).is_ok() && parse(&"a ".repeat(MOST_TERMS + 1)).is_err());
        assert!(parse(&format!("{}a", "-".repeat(1000))).is_err());
        assert!(parse(&format!("{}a{}", "(".repeat(900), ")".repeat(900))).is_err());
    }
}
