//! Following the newest run.

use super::*;
use crate::model::{Program, ProgramId};

#[test]
fn following_goes_to_the_newest_span_and_ends_with_the_first_move_by_hand() {
    let mut scene = Scene::with([fake(1, Some("a"))]);
    assert!(scene.state.follows());
    scene.arrives(fake(2, Some("b")));
    assert_eq!(scene.cursor(), RowId::Span(trace(2), span(5)));
    let mut longer = fake(2, Some("b"));
    longer.spans.push((1, Category::Tool, NodeState::Running));
    scene.arrives(longer);
    assert_eq!(scene.cursor(), RowId::Span(trace(2), span(6)));
    scene.press("k");
    let held = scene.cursor();
    assert!(!scene.state.follows());
    scene.arrives(fake(3, Some("a")));
    assert_eq!(scene.cursor(), held);
    scene.press("F");
    assert!(scene.state.follows());
    assert_eq!(scene.cursor(), RowId::Span(trace(3), span(5)));
}

#[test]
fn whoever_reads_is_not_taken_elsewhere() {
    let mut scene = Scene::with([fake(1, Some("a"))]);
    scene.press("tab");
    assert!(scene.state.follows(), "going to the other pane moves nothing");
    scene.press("k");
    let (held, read) = (scene.cursor(), scene.reads());
    scene.arrives(fake(2, Some("b")));
    assert_eq!((scene.cursor(), scene.reads()), (held, read));
}

#[test]
fn following_never_goes_back_to_a_run_that_started_earlier() {
    let mut scene = Scene::with([fake(1, Some("a")), fake(2, Some("b"))]);
    scene.arrives(fake(3, Some("b")));
    scene.arrives(Fake { last_seen: 50, ..fake(1, Some("a")) });
    assert!(matches!(scene.cursor(), RowId::Span(followed, _) if followed == trace(3)));
}

#[test]
fn a_program_that_has_sent_nothing_is_followed_until_it_sends() {
    let mut scene = Scene::with([fake(1, Some("a"))]);
    let id = ProgramId { pid: 812, started: Timestamp(u64::MAX / 2) };
    let program = |records| {
        let command = "python agent.py".to_owned();
        let program = Program { id, command, traces: records, newest: Vec::new(), records, ended: None };
        let seen = Seen { programs: vec![program], ..Seen::default() };
        Event::Tick(Tick { now: Timestamp(1_000_000_000), seen, failing: None })
    };
    scene.event(program(0));
    assert_eq!(scene.cursor(), RowId::Program(id));
    scene.arrives(fake(2, Some("b")));
    assert_eq!(scene.cursor(), RowId::Program(id), "that is another program's run");
    scene.event(program(1));
    assert!(matches!(scene.cursor(), RowId::Span(followed, _) if followed == trace(2)));
    scene.press("F");
    scene.press("j");
    let held = scene.cursor();
    scene.event(Event::Tick(Tick { now: Timestamp(1_000_000_000), seen: Seen::default(), failing: None }));
    assert_eq!(scene.cursor(), held, "rows that go away above move nothing");
}
