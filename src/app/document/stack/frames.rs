//! The frames of a stack trace in the text, and whose code each is: the user's own, or that of a library or the language.

/// Whose code a frame is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    Own,
    Others,
}

/// A frame, or a line that is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Item<'a> {
    /// With its line ends.
    pub text: &'a str,
    /// `None` for a line that is no frame.
    pub frame: Option<Whose>,
}

/// A stack trace, frame by frame; together they are its text.
pub fn items(stack: &str) -> impl Iterator<Item = Item<'_>> {
    let (mut rest, mut numbered) = (stack, false);
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (length, frame) = next(rest, numbered);
        let (text, after) = rest.split_at(length);
        // Rust numbers its frames only beneath such a line; elsewhere a number is a message's.
        numbered |= text.trim_end().to_ascii_lowercase().ends_with("stack backtrace:");
        rest = after;
        Some(Item { text, frame })
    })
}

/// Whether a frame is written as Python does, which writes what was called last at the end.
pub fn is_python(frame: &str) -> bool {
    let words = ungrouped(frame).trim_start();
    words.len() < frame.len() && words.starts_with("File \"") && first_line(words).contains(", line ")
}

/// A line of Python's without the bar that stands before those of a group of exceptions.
pub fn ungrouped(line: &str) -> &str {
    line.trim_start().strip_prefix("| ").unwrap_or(line)
}

/// Whether a line has such a bar.
pub fn is_grouped(line: &str) -> bool {
    line.trim_start().starts_with("| ")
}

/// A line of a frame that may be one of a group.
pub fn inside(line: &str, grouped: bool) -> &str {
    if grouped { ungrouped(line) } else { line }
}

/// How many bytes the next frame or line takes, and whose the frame is; `None` for a line that is none.
fn next(text: &str, numbered: bool) -> (usize, Option<Whose>) {
    let line = first_line(text);
    let words = line.trim_start();
    let indent = line.len() - words.len();
    // Python writes where, and beneath it the code, further in; marks below it point at a part of that.
    if is_python(line) {
        let mut length = line.len();
        let grouped = is_grouped(line);
        let indent = indent_of(inside(line, grouped));
        loop {
            let code = first_line(&text[length..]);
            let of_frame = inside(code, grouped);
            if of_frame.trim().is_empty() || indent_of(of_frame) <= indent {
                break;
            }
            length += code.len();
        }
        return (length, Some(whose(line)));
    }
    // JavaScript, Java, .NET: a line each.
    if indent > 0 && words.starts_with("at ") {
        return (line.len(), Some(whose(line)));
    }
    let place = first_line(&text[line.len()..]);
    // Rust: its number and what was called, and in the line beneath it where that is, where that is known.
    if numbered && let Some(name) = numbered_name(words) {
        if place.trim_start().starts_with("at ") {
            return (line.len() + place.len(), Some(whose(place)));
        }
        return (line.len(), Some(if is_of_rust(name) { Whose::Others } else { Whose::Own }));
    }
    // Go: what was called, and in the line beneath it where that is.
    let is_go = indent == 0 && place.starts_with('\t') && place.contains(".go:") && words.contains(['(', '.']);
    if is_go { (line.len() + place.len(), Some(whose(place))) } else { (line.len(), None) }
}

/// Columns before the words of a line, behind such a bar.
fn indent_of(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

/// `shop::book` of `   2: shop::book`.
fn numbered_name(words: &str) -> Option<&str> {
    let (number, name) = words.split_once(": ")?;
    (!number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())).then_some(name.trim())
}

fn is_of_rust(name: &str) -> bool {
    let root = name.trim_start_matches(['<', '&']).split("::").next().unwrap_or_default();
    RUST.contains(&root) || SYMBOLS.iter().any(|start| root.starts_with(start))
}

fn whose(place: &str) -> Whose {
    // Go's own code, wherever it was installed.
    let is_of_go = place.contains("/src/runtime/") && place.contains(".go:");
    let in_path = is_of_go || LIBRARIES.iter().any(|library| place.contains(library));
    let called = place.trim_start().strip_prefix("at ").unwrap_or_default();
    // `java.base/java.lang.Thread.run(…)`: the module stands before a slash.
    let path = called.split('(').next().unwrap_or_default();
    let path = path.rsplit('/').next().unwrap_or(path).trim_start_matches("async ");
    if in_path || PACKAGES.iter().any(|package| path.starts_with(package)) { Whose::Others } else { Whose::Own }
}

/// A line with its end.
fn first_line(text: &str) -> &str {
    text.find('\n').map_or(text, |end| &text[..=end])
}

/// What stands in the path of a file that is not the user's own.
const LIBRARIES: &[&str] = &[
    "/site-packages/",
    "\\site-packages\\",
    "/dist-packages/",
    "/lib/python3",
    "\\lib\\asyncio",
    "\\Lib\\asyncio",
    "<frozen ",
    "/node_modules/",
    "\\node_modules\\",
    "(node:",
    " node:",
    "(internal/",
    "(bun:",
    "(ext:",
    " ext:",
    "(<anonymous>)",
    "(native)",
    "(index ",
    "/usr/local/go/src/",
    "/usr/lib/go",
    "/libexec/src/",
    "/pkg/mod/",
    "/vendor/",
    "/rustc/",
    "/.cargo/registry/",
    "/.cargo/git/",
    "/library/std/src/",
    "/library/core/src/",
    "/library/alloc/src/",
    "/gems/",
];

/// How the names of what is called in other people's code begin: packages of Java and Kotlin, namespaces of .NET.
const PACKAGES: &[&str] = &[
    "java.",
    "javax.",
    "jakarta.",
    "jdk.",
    "sun.",
    "com.sun.",
    "kotlin.",
    "kotlinx.",
    "scala.",
    "groovy.",
    "clojure.",
    "android.",
    "androidx.",
    "org.springframework.",
    "org.apache.",
    "org.eclipse.",
    "org.hibernate.",
    "org.junit.",
    "org.gradle.",
    "io.netty.",
    "io.grpc.",
    "io.ktor.",
    "io.micrometer.",
    "io.opentelemetry.",
    "io.projectreactor.",
    "reactor.",
    "okhttp3.",
    "okio.",
    "retrofit2.",
    "com.fasterxml.",
    "com.google.",
    "com.amazonaws.",
    "com.azure.",
    "com.openai.",
    "com.anthropic.",
    "com.zaxxer.",
    "software.amazon.",
    "dev.langchain4j.",
    "ai.koog.",
    "System.",
    "Microsoft.",
    "Azure.",
    "OpenAI.",
    "Anthropic.",
    "Amazon.",
    "Google.",
    "Grpc.",
    "Polly.",
    "Newtonsoft.",
    "Npgsql.",
    "Xunit.",
    "NUnit.",
];

/// The crates of Rust's own code, and of what is beneath most programs.
const RUST: &[&str] =
    &["std", "core", "alloc", "tokio", "futures_util", "futures_core", "anyhow", "eyre", "color_eyre", "main"];

/// How the names of what is called before a program's own code begin.
const SYMBOLS: &[&str] =
    &["rust_begin_unwind", "rust_panic", "__rust", "___rust", "__libc_", "_start", "start_thread", "clone3"];
