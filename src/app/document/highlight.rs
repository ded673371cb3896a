//! Code in the colours of its language: words that mean something to it, texts, numbers, comments. A row a language; no
//! grammar is known, so what is not told apart stays as it is.

use std::ops::Range;

use crate::slots::Slot;

/// How a language is written.
struct Language {
    /// What fences call it.
    names: &'static [&'static str],
    words: &'static [&'static str],
    /// Words are the same in any case.
    any_case: bool,
    /// What begins a comment that ends with its line.
    comments: &'static [&'static str],
    /// What begins and ends a comment or a text of any number of lines.
    blocks: &'static [(&'static str, &'static str, Slot)],
    /// What begins and ends a text within a line.
    quotes: &'static [char],
}

const C_COMMENT: (&str, &str, Slot) = ("/*", "*/", Slot::CodeComment);

const NONE: Language =
    Language { names: &[], words: &[], any_case: false, comments: &[], blocks: &[], quotes: &['"', '\''] };

#[rustfmt::skip]
const LANGUAGES: &[Language] = &[
    Language {
        names: &["python", "py", "python3", "pycon"],
        words: &["False", "None", "True", "and", "as", "assert", "async", "await", "break", "case", "class", "continue", "def",
            "del", "elif", "else", "except", "finally", "for", "from", "global", "if", "import", "in", "is", "lambda", "match",
            "nonlocal", "not", "or", "pass", "raise", "return", "self", "try", "while", "with", "yield"],
        comments: &["#"],
        blocks: &[("\"\"\"", "\"\"\"", Slot::CodeString), ("'''", "'''", Slot::CodeString)],
        ..NONE
    },
    Language {
        names: &["javascript", "js", "jsx", "mjs", "typescript", "ts", "tsx"],
        words: &["abstract", "any", "as", "async", "await", "boolean", "break", "case", "catch", "class", "const", "continue",
            "default", "delete", "do", "else", "enum", "export", "extends", "false", "finally", "for", "from", "function", "if",
            "implements", "import", "in", "instanceof", "interface", "let", "new", "null", "number", "of", "private",
            "protected", "public", "readonly", "return", "static", "string", "super", "switch", "this", "throw", "true", "try",
            "type", "typeof", "undefined", "var", "void", "while", "yield"],
        comments: &["//"],
        blocks: &[C_COMMENT, ("`", "`", Slot::CodeString)],
        ..NONE
    },
    Language {
        names: &["rust", "rs"],
        words: &["Self", "as", "async", "await", "break", "const", "continue", "crate", "dyn", "else", "enum", "extern", "false",
            "fn", "for", "if", "impl", "in", "let", "loop", "match", "mod", "move", "mut", "pub", "ref", "return", "self",
            "static", "struct", "super", "trait", "true", "type", "unsafe", "use", "where", "while"],
        comments: &["//"],
        blocks: &[C_COMMENT],
        // A quotation mark alone begins a lifetime as well.
        quotes: &['"'],
        ..NONE
    },
    Language {
        names: &["go", "golang"],
        words: &["break", "case", "chan", "const", "continue", "default", "defer", "else", "fallthrough", "false", "for", "func",
            "go", "goto", "if", "import", "interface", "map", "nil", "package", "range", "return", "select", "struct", "switch",
            "true", "type", "var"],
        comments: &["//"],
        blocks: &[C_COMMENT, ("`", "`", Slot::CodeString)],
        ..NONE
    },
    Language {
        names: &["java", "kotlin", "kt", "scala", "csharp", "cs", "c#", "swift", "c", "h", "cpp", "c++", "cc", "hpp", "dart",
            "php", "groovy"],
        words: &["abstract", "as", "async", "auto", "await", "base", "bool", "boolean", "break", "case", "catch", "char",
            "class", "companion", "const", "continue", "data", "def", "default", "defer", "delete", "do", "double", "echo",
            "else", "enum", "explicit", "extends", "extension", "false", "final", "finally", "float", "for", "foreach", "fun",
            "func", "function", "guard", "if", "implements", "import", "in", "include", "inline", "instanceof", "int",
            "interface", "internal", "is", "lateinit", "let", "long", "mutable", "namespace", "new", "nil", "null", "nullptr",
            "object", "open", "operator", "override", "package", "private", "protected", "protocol", "public", "readonly",
            "record", "return", "sealed", "self", "short", "signed", "sizeof", "static", "string", "struct", "super", "suspend",
            "switch", "template", "this", "throw", "throws", "trait", "true", "try", "typedef", "typename", "union", "unsigned",
            "use", "using", "val", "var", "virtual", "void", "volatile", "when", "where", "while", "yield"],
        comments: &["//"],
        blocks: &[C_COMMENT],
        ..NONE
    },
    Language {
        names: &["ruby", "rb", "elixir", "ex", "crystal"],
        words: &["alias", "and", "begin", "break", "case", "class", "def", "defmodule", "do", "else", "elsif", "end", "ensure",
            "false", "fn", "for", "if", "in", "module", "next", "nil", "not", "or", "raise", "require", "rescue", "return",
            "self", "super", "then", "true", "unless", "until", "when", "while", "yield"],
        comments: &["#"],
        ..NONE
    },
    Language {
        names: &["lua"],
        words: &["and", "break", "do", "else", "elseif", "end", "false", "for", "function", "goto", "if", "in", "local", "nil",
            "not", "or", "repeat", "return", "then", "true", "until", "while"],
        comments: &["--"],
        ..NONE
    },
    Language {
        names: &["bash", "sh", "shell", "zsh", "fish", "console", "shellscript"],
        words: &["break", "case", "continue", "do", "done", "elif", "else", "esac", "exit", "export", "fi", "for", "function",
            "if", "in", "local", "readonly", "return", "set", "shift", "source", "then", "unset", "until", "while"],
        comments: &["#"],
        ..NONE
    },
    Language {
        names: &["sql", "postgresql", "postgres", "mysql", "sqlite", "duckdb"],
        words: &["ALL", "ALTER", "AND", "AS", "ASC", "BEGIN", "BETWEEN", "BY", "CASE", "COMMIT", "CREATE", "CROSS", "DELETE",
            "DESC", "DISTINCT", "DROP", "ELSE", "END", "EXISTS", "FALSE", "FROM", "FULL", "GROUP", "HAVING", "IN", "INDEX",
            "INNER", "INSERT", "INTO", "IS", "JOIN", "KEY", "LEFT", "LIKE", "LIMIT", "NOT", "NULL", "OFFSET", "ON", "OR",
            "ORDER", "OUTER", "OVER", "PARTITION", "PRIMARY", "REFERENCES", "RETURNING", "RIGHT", "ROLLBACK", "SELECT", "SET",
            "TABLE", "THEN", "TRUE", "UNION", "UNIQUE", "UPDATE", "USING", "VALUES", "VIEW", "WHEN", "WHERE", "WITH"],
        any_case: true,
        comments: &["--"],
        blocks: &[C_COMMENT],
        ..NONE
    },
    Language { names: &["json", "jsonc", "json5"], words: &["false", "null", "true"], comments: &["//"], ..NONE },
    Language { names: &["yaml", "yml"], words: &["false", "no", "null", "true", "yes"], comments: &["#"], ..NONE },
    Language { names: &["toml", "ini", "cfg", "conf", "properties", "env", "dotenv"], words: &["false", "true"],
        comments: &["#", ";"], ..NONE },
    Language { names: &["css", "scss", "less"], blocks: &[C_COMMENT], ..NONE },
    Language { names: &["html", "xml", "svg", "vue"], blocks: &[("<!--", "-->", Slot::CodeComment)], quotes: &['"'], ..NONE },
    Language {
        names: &["dockerfile", "docker", "makefile", "make"],
        words: &["ADD", "ARG", "AS", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK", "LABEL", "RUN",
            "SHELL", "USER", "VOLUME", "WORKDIR"],
        comments: &["#"],
        ..NONE
    },
];

/// Colours code as it comes, a stretch after another.
pub struct Highlighter {
    code: Code,
    /// What ends the comment or the text that the next stretch begins in.
    open: Option<(&'static str, Slot)>,
}

enum Code {
    In(&'static Language),
    /// Lines that were added and removed.
    Diff,
}

impl Highlighter {
    /// For the language that a fence names; `None` where it names none, or one that is not known.
    pub fn of(fence: &str) -> Option<Self> {
        let name = fence.split([' ', ',', '{', ':', '\t']).next().unwrap_or_default().to_ascii_lowercase();
        let code = if matches!(name.as_str(), "diff" | "patch" | "udiff") {
            Code::Diff
        } else {
            Code::In(LANGUAGES.iter().find(|language| language.names.contains(&name.as_str()))?)
        };
        Some(Self { code, open: None })
    }

    /// Hands over what a stretch of code is made of, in order: bytes of it, and their slot. `base`: that of all else.
    pub fn stretches(&mut self, code: &str, base: Slot, mut put: impl FnMut(Range<usize>, Slot)) {
        let mut start = 0;
        for line in code.split_inclusive('\n') {
            let text = line.trim_end_matches(['\n', '\r']);
            match self.code {
                Code::Diff => put(start..start + line.len(), diff_slot(text).unwrap_or(base)),
                Code::In(language) => {
                    self.line(language, text, base, &mut |range, slot| {
                        put(start + range.start..start + range.end, slot);
                    });
                    if text.len() < line.len() {
                        put(start + text.len()..start + line.len(), base);
                    }
                }
            }
            start += line.len();
        }
    }

    fn line(&mut self, language: &Language, text: &str, base: Slot, put: &mut dyn FnMut(Range<usize>, Slot)) {
        // What was not told apart so far begins here.
        let (mut plain, mut at) = (0, 0);
        while at < text.len() {
            let (end, slot) = self.next(language, text, at);
            if let Some(slot) = slot {
                if plain < at {
                    put(plain..at, base);
                }
                put(at..end, slot);
                plain = end;
            }
            at = end;
        }
        if plain < text.len() {
            put(plain..text.len(), base);
        }
    }

    /// Where the piece ends that begins at a place, and its slot; `None` for what is not told apart.
    fn next(&mut self, language: &Language, text: &str, at: usize) -> (usize, Option<Slot>) {
        let rest = &text[at..];
        if let Some((end, slot)) = self.open {
            let length = rest.find(end).map(|found| found + end.len());
            if length.is_some() {
                self.open = None;
            }
            return (length.map_or(text.len(), |length| at + length), Some(slot));
        }
        let first = rest.chars().next().unwrap_or_default();
        let after = at + first.len_utf8();
        if first == ' ' {
            return (after, None);
        }
        if first == '\\' {
            // What is escaped begins nothing.
            return (after + text[after..].chars().next().map_or(0, char::len_utf8), None);
        }
        if let Some((start, end, slot)) = language.blocks.iter().find(|(start, ..)| rest.starts_with(start)) {
            self.open = Some((end, *slot));
            let (length, _) = self.next(language, text, at + start.len());
            return (length.max(at + start.len()), Some(*slot));
        }
        let before = text[..at].chars().next_back();
        let is_apart = before.is_none_or(|c| !(c.is_alphanumeric() || c == '_'));
        let begins_comment =
            |mark: &&str| rest.starts_with(*mark) && (*mark == "//" || before.is_none_or(char::is_whitespace));
        // An address is no comment.
        if language.comments.iter().any(begins_comment) && before != Some(':') {
            return (text.len(), Some(Slot::CodeComment));
        }
        if language.quotes.contains(&first) && is_apart {
            return match quoted(&text[after..], first) {
                Some(length) => (after + length, Some(Slot::CodeString)),
                None => (after, None),
            };
        }
        if !(first.is_alphanumeric() || first == '_') {
            return (after, None);
        }
        let is_number = first.is_ascii_digit();
        let goes_on = |c: char| c.is_alphanumeric() || c == '_' || (is_number && c == '.');
        let end = at + rest.find(|c| !goes_on(c)).unwrap_or(rest.len());
        let word = &text[at..end];
        let is_same = |known: &&str| *known == word || (language.any_case && known.eq_ignore_ascii_case(word));
        let is_word = || language.words.iter().any(is_same);
        let slot = if is_number { Some(Slot::CodeNumber) } else { is_word().then_some(Slot::CodeKeyword) };
        (end, slot)
    }
}

/// How many bytes a text takes up to the mark that ends it; `None` where none does in this line.
fn quoted(rest: &str, mark: char) -> Option<usize> {
    let mut is_escaped = false;
    for (at, c) in rest.char_indices() {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            c if c == mark => return Some(at + c.len_utf8()),
            _ => {}
        }
    }
    None
}

/// The slot of a line of a difference between files; `None` for one that is in both.
pub fn diff_slot(line: &str) -> Option<Slot> {
    Some(match line.as_bytes().first()? {
        _ if ["+++ ", "--- ", "diff ", "index "].iter().any(|start| line.starts_with(start)) => Slot::Dim,
        b'+' => Slot::Ok,
        b'-' => Slot::Error,
        b'@' if line.starts_with("@@") => Slot::Accent,
        _ => return None,
    })
}

/// Whether a text shows what differs between files, as `diff -u` and git write it.
pub fn is_diff(text: &str) -> bool {
    /// So many bytes of a text are looked at.
    const HEAD: usize = 4096;
    let head = &text[..text.floor_char_boundary(HEAD)];
    let mut lines = head.lines().skip_while(|line| !line.starts_with("+++ ")).skip(1);
    lines.next().is_some_and(|line| line.starts_with("@@ -"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const K: Slot = Slot::CodeKeyword;
    const S: Slot = Slot::CodeString;
    const N: Slot = Slot::CodeNumber;
    const C: Slot = Slot::CodeComment;

    /// What is told apart in some code; all of it together is the code.
    fn told(language: &str, code: &str) -> Vec<(String, Slot)> {
        let mut all = Vec::new();
        let mut whole = String::new();
        let mut highlighter = Highlighter::of(language).unwrap();
        // As a parser hands it over: some lines, then others.
        for part in code.split_inclusive('\n') {
            highlighter.stretches(part, Slot::Text, |range, slot| {
                whole.push_str(&part[range.clone()]);
                all.push((part[range].to_owned(), slot));
            });
        }
        assert_eq!(whole, code);
        all.retain(|(_, slot)| *slot != Slot::Text);
        all
    }

    fn expected(pieces: &[(&str, Slot)]) -> Vec<(String, Slot)> {
        pieces.iter().map(|(text, slot)| ((*text).to_owned(), *slot)).collect()
    }

    #[test]
    fn words_texts_numbers_and_comments_are_told_apart() {
        assert_eq!(
            told(
                "python title=x",
                "def f(x2):  # it's\n    \"\"\"One\n    two\"\"\"\n    return x2 + 41.5 if 'a\\'b' else don't"
            ),
            expected(&[
                ("def", K),
                ("# it's", C),
                ("\"\"\"One", S),
                ("    two\"\"\"", S),
                ("return", K),
                ("41.5", N),
                ("if", K),
                ("'a\\'b'", S),
                ("else", K),
            ])
        );
        assert_eq!(
            told("rs", "fn f<'a>(x: &'a str) { /* one\ntwo */ let y = \"//\"; } // end"),
            expected(&[("fn", K), ("/* one", C), ("two */", C), ("let", K), ("\"//\"", S), ("// end", C)])
        );
        assert_eq!(
            told("ts", "const u = `a ${x}`; // http://x\nlet v = http://y"),
            expected(&[("const", K), ("`a ${x}`", S), ("// http://x", C), ("let", K)])
        );
        assert_eq!(told("SQL", "select 'x' -- all"), expected(&[("select", K), ("'x'", S), ("-- all", C)]));
        assert_eq!(told("sh", "echo ${#a} # n"), expected(&[("# n", C)]));
        assert_eq!(told("json", "{\"日本\": [1, null]}"), expected(&[("\"日本\"", S), ("1", N), ("null", K)]));
    }

    #[test]
    fn lines_that_were_added_and_removed_are_told_apart() {
        let diff = "--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n same\n-old\n+new\n";
        assert_eq!(
            told("diff", diff),
            expected(&[
                ("--- a/x\n", Slot::Dim),
                ("+++ b/x\n", Slot::Dim),
                ("@@ -1,2 +1,2 @@\n", Slot::Accent),
                ("-old\n", Slot::Error),
                ("+new\n", Slot::Ok),
            ])
        );
        assert!(is_diff(diff) && is_diff(&format!("edited\n{diff}")));
        assert!(!is_diff("- one\n- two\n+ three") && !is_diff("+++ b\nno hunk") && !is_diff(""));
    }

    #[test]
    fn what_is_no_known_language_is_left_alone() {
        assert!(["", "text", "klingon"].iter().all(|name| Highlighter::of(name).is_none()));
    }

    #[test]
    fn every_name_is_of_one_language() {
        let mut names: Vec<&str> = LANGUAGES.iter().flat_map(|language| language.names).copied().collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}
