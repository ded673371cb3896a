//! A stack trace, taken apart into frames: those of the user's own code, and those of libraries and of the language, which
//! are folded away between them.

/// Where the code of a frame is from, by marks in its path or its name.
const LIBRARIES: &[&str] = &[
    "/site-packages/",
    "\\site-packages\\",
    "/dist-packages/",
    "/lib/python3",
    "\\lib\\asyncio",
    "<frozen ",
    "/node_modules/",
    "\\node_modules\\",
    "(node:",
    " node:",
    "(internal/",
    "/usr/local/go/src/",
    "/pkg/mod/",
    "/rustc/",
    "/.cargo/registry/",
    " java.",
    "at java.base/",
    " javax.",
    " jdk.",
    " sun.",
    " kotlin.",
    " scala.",
    " System.",
    " Microsoft.",
    "/gems/",
];

/// Some lines of a stack trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece<'a> {
    /// A frame of the user's own code, or a line that is no frame.
    Own(&'a str),
    /// So many frames of others, one after another.
    Others(usize, &'a str),
}

/// Takes a stack trace apart. Where all of it is of others, or nothing in it is a frame, it is one piece.
#[must_use]
pub fn pieces(stack: &str) -> Vec<Piece<'_>> {
    let stack = stack.trim_end_matches('\n');
    let mut pieces: Vec<Piece> = Vec::new();
    let (mut owns, mut at) = (false, 0);
    while at < stack.len() {
        let (length, frame) = next(&stack[at..]);
        let end = at + length;
        match frame {
            Some(Whose::Others) => match pieces.last_mut() {
                Some(Piece::Others(frames, text)) => {
                    let begin = at - text.len();
                    (*frames, *text) = (*frames + 1, &stack[begin..end]);
                }
                _ => pieces.push(Piece::Others(1, &stack[at..end])),
            },
            whose => {
                owns |= whose.is_some();
                match pieces.last_mut() {
                    Some(Piece::Own(text)) => {
                        let begin = at - text.len();
                        *text = &stack[begin..end];
                    }
                    _ => pieces.push(Piece::Own(&stack[at..end])),
                }
            }
        }
        at = end;
    }
    if owns { pieces } else { vec![Piece::Own(stack)] }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Whose {
    Own,
    Others,
}

/// How many bytes the next frame or line takes, and whose the frame is; `None` for a line that is none.
fn next(text: &str) -> (usize, Option<Whose>) {
    let line = first_line(text);
    let words = line.trim_start();
    let indent = line.len() - words.len();
    // Python writes where, and beneath it the code, further in; marks below it point at a part of that.
    if indent > 0 && words.starts_with("File \"") && words.contains(", line ") {
        let mut length = line.len();
        while let Some(code) = Some(first_line(&text[length..])).filter(|code| !code.is_empty()) {
            let deeper = code.len() - code.trim_start().len() > indent;
            if !deeper || code.trim().is_empty() {
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
    // Go: what was called, and in the line beneath it where that is.
    let place = first_line(&text[line.len()..]);
    let is_go = indent == 0 && place.starts_with('\t') && place.contains(".go:") && words.contains('(');
    if is_go { (line.len() + place.len(), Some(whose(place))) } else { (line.len(), None) }
}

fn whose(place: &str) -> Whose {
    if LIBRARIES.iter().any(|library| place.contains(library)) { Whose::Others } else { Whose::Own }
}

/// A line with its end.
fn first_line(text: &str) -> &str {
    text.find('\n').map_or(text, |end| &text[..=end])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(stack: &str) -> Vec<String> {
        let told = |piece: &Piece| match piece {
            Piece::Own(text) => text.trim_end().to_owned(),
            Piece::Others(frames, text) => format!("{frames} of others, {} lines", text.lines().count()),
        };
        let pieces = pieces(stack);
        let whole: String = pieces
            .iter()
            .map(|piece| match piece {
                Piece::Own(text) | Piece::Others(_, text) => *text,
            })
            .collect();
        assert_eq!(whole, stack.trim_end_matches('\n'), "nothing is lost");
        pieces.iter().map(told).collect()
    }

    #[test]
    fn the_users_frames_of_python_stand_between_those_of_libraries() {
        let stack = "Traceback (most recent call last):\n  File \"/usr/lib/python3.12/asyncio/runners.py\", line 118, in run\n    return x\n           ^^^\n  File \"/srv/.venv/lib/python3.12/site-packages/kit/loop.py\", line 2, in step\n  File \"/srv/booking.py\", line 41, in book\n    request = Request()\n  File \"/x/site-packages/pydantic/main.py\", line 253, in __init__\n    validate()\nValidationError: no\n";
        assert_eq!(
            told(stack),
            [
                "Traceback (most recent call last):",
                "2 of others, 4 lines",
                "  File \"/srv/booking.py\", line 41, in book\n    request = Request()",
                "1 of others, 2 lines",
                "ValidationError: no",
            ]
        );
    }

    #[test]
    fn other_languages_are_told_apart_by_their_paths() {
        let js = "Error: no\n    at book (/srv/app.js:4:2)\n    at run (/srv/node_modules/kit/index.js:9:1)\n    at node:internal/process:95:5";
        assert_eq!(told(js), ["Error: no\n    at book (/srv/app.js:4:2)", "2 of others, 2 lines"]);
        let java = "Oops\n\tat com.shop.Book.run(Book.java:4)\n\tat java.base/java.lang.Thread.run(Thread.java:1583)";
        assert_eq!(told(java).len(), 2, "{:?}", told(java));
        let go = "goroutine 1 [running]:\nmain.book(0x1)\n\t/srv/main.go:4 +0x1d\nnet/http.serve(0x2)\n\t/usr/local/go/src/net/http/server.go:9 +0x2";
        assert_eq!(
            told(go),
            ["goroutine 1 [running]:\nmain.book(0x1)\n\t/srv/main.go:4 +0x1d", "1 of others, 2 lines"]
        );
    }

    #[test]
    fn what_has_no_frame_of_the_user_stays_as_it_is() {
        for stack in ["", "no stack at all", "Error\n    at x (/a/node_modules/b.js:1:1)", "\n\n", "  File \"a"] {
            assert_eq!(pieces(stack), [Piece::Own(stack.trim_end_matches('\n'))], "{stack}");
        }
    }
}
