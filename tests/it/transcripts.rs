//! What is understood of every capture, as a page that was reviewed.

use crate::{digest::digest, replay::replays};

#[test]
fn every_capture_reads_as_it_was_reviewed() {
    for replay in replays() {
        let page = digest(&replay.transcript);
        let name = format!("{}__{}", replay.capture.client, replay.capture.name);
        insta::with_settings!({ prepend_module_to_snapshot => false, snapshot_path => "snapshots/transcripts" }, {
            insta::assert_snapshot!(name, page);
        });
    }
}
