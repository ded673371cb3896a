use super::*;

/// The errors of a trace: how each is related, its message, and the first line of each own frame.
fn told(stack: &str) -> Vec<(Option<&'static str>, String, Vec<String>)> {
    let read = read(stack).unwrap();
    let first = |frame: &&str| frame.trim().lines().next().unwrap_or_default().to_owned();
    read.raised.iter().map(|one| (one.relation, one.message.join("⏎"), one.own.iter().map(first).collect())).collect()
}

fn one(message: &str, own: &[&str]) -> (Option<&'static str>, String, Vec<String>) {
    (None, message.to_owned(), own.iter().map(|frame| (*frame).to_owned()).collect())
}

const PYTHON: &str = "Traceback (most recent call last):
  File \"/srv/run.py\", line 7, in main
    book()
  File \"/usr/lib/python3.12/asyncio/runners.py\", line 118, in run
    return x
           ^^^
  File \"/srv/booking.py\", line 41, in book
    request = Request(
              ^^^^^^^^
  File \"/x/site-packages/pydantic/main.py\", line 253, in __init__
    validate()
pydantic.ValidationError: 1 error
guests
  must be >= 1
";

#[test]
fn of_python_the_error_stands_first_and_then_the_innermost_frame_of_the_user() {
    let read = read(PYTHON).unwrap();
    assert_eq!((read.frames, read.of_others), (4, 2));
    assert_eq!(read.counted(), "4 frames, 2 of libraries");
    let [raised] = read.raised.as_slice() else { panic!("one error") };
    assert_eq!(raised.message, ["pydantic.ValidationError: 1 error", "guests", "  must be >= 1"]);
    assert_eq!(
        raised.own,
        [
            "  File \"/srv/booking.py\", line 41, in book\n    request = Request(\n              ^^^^^^^^",
            "  File \"/srv/run.py\", line 7, in main\n    book()",
        ]
    );
}

#[test]
fn what_python_says_was_the_cause_comes_after_what_came_of_it() {
    let chain = "Traceback (most recent call last):\n  File \"/srv/a.py\", line 1, in a\nKeyError: 'x'\n\nThe above exception was the direct cause of the following exception:\n\nTraceback (most recent call last):\n  File \"/srv/b.py\", line 2, in b\nToolError: no\n\nDuring handling of the above exception, another exception occurred:\n\nTraceback (most recent call last):\n  File \"/srv/c.py\", line 3, in c\nAgentError: gave up";
    let frame = |file: &str, line: u8, name: &str| format!("File \"/srv/{file}.py\", line {line}, in {name}");
    assert_eq!(
        told(chain),
        [
            (None, "AgentError: gave up".to_owned(), vec![frame("c", 3, "c")]),
            (Some("while handling"), "ToolError: no".to_owned(), vec![frame("b", 2, "b")]),
            (Some("caused by"), "KeyError: 'x'".to_owned(), vec![frame("a", 1, "a")]),
        ]
    );
}

#[test]
fn an_exception_within_a_group_stands_before_its_group() {
    let group = "  + Exception Group Traceback (most recent call last):
  |   File \"/srv/app.py\", line 10, in main
  |     async with TaskGroup():
  | ExceptionGroup: unhandled errors in a TaskGroup (1 sub-exception)
  +-+---------------- 1 ----------------
    | Traceback (most recent call last):
    |   File \"/x/site-packages/anyio/run.py\", line 3, in run
    |     return await work()
    |   File \"/srv/app.py\", line 5, in work
    |     raise ValueError(\"x\")
    | ValueError: x
    +------------------------------------
";
    let read = read(group).unwrap();
    assert_eq!((read.frames, read.of_others), (3, 1));
    let [inner, outer] = read.raised.as_slice() else { panic!("{:?}", read.raised) };
    assert_eq!(inner.message, ["ValueError: x"]);
    assert_eq!(inner.own_text(), "File \"/srv/app.py\", line 5, in work\n  raise ValueError(\"x\")");
    assert_eq!(outer.message, ["ExceptionGroup: unhandled errors in a TaskGroup (1 sub-exception)"]);
}

#[test]
fn other_languages_are_told_apart_by_how_they_write_frames() {
    let js = "Error: no\n    at book (/srv/app.js:4:2)\n    at new Promise (<anonymous>)\n    at async run (/srv/node_modules/kit/index.js:9:1)\n    at file:///srv/start.mjs:1:1\n    at node:internal/process:95:5 {\n  code: 'E_NO',\n  [cause]: TypeError: x is undefined\n      at find (/srv/find.js:2:2)\n}";
    let mut causes = told(js);
    assert_eq!(causes.remove(0), one("Error: no", &["at book (/srv/app.js:4:2)", "at file:///srv/start.mjs:1:1"]));
    assert_eq!(causes[0].0, Some("caused by"));
    assert_eq!(
        (&*causes[0].1, &*causes[0].2),
        ("TypeError: x is undefined", &["at find (/srv/find.js:2:2)".to_owned()][..])
    );

    let java = "com.shop.Oops: no room\n\tat com.shop.Book.run(Book.java:4)\n\tat org.springframework.web.Frame.go(Frame.java:9)\n\tat java.base/java.lang.Thread.run(Thread.java:1583)\nCaused by: java.lang.NullPointerException\n\tat app//com.shop.Find.find(Find.kt:2)\n\t... 12 more";
    assert_eq!(
        told(java),
        [
            one("com.shop.Oops: no room", &["at com.shop.Book.run(Book.java:4)"]),
            (
                Some("caused by"),
                "java.lang.NullPointerException".to_owned(),
                vec!["at app//com.shop.Find.find(Find.kt:2)".to_owned()]
            ),
        ]
    );

    let go = "panic: no room\n\ngoroutine 1 [running]:\npanic({0x1, 0x2})\n\t/opt/go/src/runtime/panic.go:884 +0x1\nmain.book(0x1)\n\t/srv/main.go:4 +0x1d\nnet/http.serve(0x2)\n\t/usr/local/go/src/net/http/server.go:9 +0x2\nexit status 2";
    assert_eq!(told(go), [one("panic: no room⏎goroutine 1 [running]:", &["main.book(0x1)"])]);

    let rust = "thread 'main' panicked at src/main.rs:4:5:\nno room\nstack backtrace:\n   0: rust_begin_unwind\n             at /rustc/ab/library/std/src/panicking.rs:645:5\n   1: shop::book\n             at ./src/main.rs:4:5\n   2: core::ops::function::FnOnce::call_once\nnote: run with `RUST_BACKTRACE=full`";
    assert_eq!(told(rust), [one("thread 'main' panicked at src/main.rs:4:5:⏎no room", &["1: shop::book"])]);

    let anyhow = "Error: no room\n\nCaused by:\n    0: the hotel is full\n    1: in May\n\nStack backtrace:\n   0: anyhow::error::new\n   1: shop::book\n   2: main";
    assert_eq!(
        told(anyhow),
        [one("Error: no room⏎Caused by:⏎    0: the hotel is full⏎    1: in May", &["1: shop::book"])]
    );

    let dotnet = "System.InvalidOperationException: no room\n   at Shop.Booking.Book(Int32 guests) in /srv/Booking.cs:line 41\n   at System.Threading.Tasks.Task.Execute()\n--- End of stack trace from previous location ---\n   at Shop.Program.Main()";
    assert_eq!(
        told(dotnet),
        [one(
            "System.InvalidOperationException: no room",
            &["at Shop.Booking.Book(Int32 guests) in /srv/Booking.cs:line 41", "at Shop.Program.Main()"]
        )]
    );
}

#[test]
fn what_has_no_frame_of_the_user_stays_as_it_is() {
    for stack in ["", "no stack at all", "Error\n    at x (/a/node_modules/b.js:1:1)", "\n\n", "  File \"a"] {
        assert_eq!(read(stack), None, "{stack}");
    }
}

#[test]
fn what_calls_itself_without_an_end_is_cut() {
    let deep = format!("Error: deep\n{}", "    at again (/srv/app.js:1:1)\n".repeat(5000));
    let read = read(&deep).unwrap();
    assert_eq!((read.raised[0].own.len(), read.frames), (OWN, 5000));
}

#[test]
fn a_message_that_stands_above_is_not_said_again() {
    let read = read(PYTHON).unwrap();
    let raised = &read.raised[0];
    assert!(!raised.adds_to(Some("pydantic_core.ValidationError"), Some("1 error\nguests\n  must be >= 1")));
    assert!(raised.adds_to(Some("ValidationError"), None));
    assert!(raised.adds_to(Some("ToolError"), Some("1 error\nguests\n  must be >= 1")));
    assert!(raised.adds_to(Some("ValidationError"), Some("something else")));
}
