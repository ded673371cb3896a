//! How much is compared: every limit of this folder in one place, each with what is lost where it is reached.
//!
//! They bound the work on a trace that repeats one prompt, one id or one failure thousands of times. Equal messages, ids
//! and prompts are looked up by their hashes without any limit.

/// Where several calls or entries fit equally, so many of the newest are considered; older ones are not found.
pub const NEWEST: usize = 64;

/// So many neighbouring messages of one role are also compared as one message. In a longer run only pieces of this
/// length are.
pub const PIECES: usize = 8;

/// A cut message is compared with so many of the newest entries, and so many entries after the anchor are compared with
/// what follows it in a prompt. Beyond that a message that was repeated counts as new.
pub const ENTRIES_FOR_CUT_MESSAGES: usize = 64;

/// A call is compared in time with so many of the newest earlier calls that have the same prompt; with older ones it
/// makes no fork.
pub const CALLS_OF_ONE_PROMPT: usize = 64;

/// An agent is compared with so many of the agents beneath it, and a tool run with so many of the calls that began
/// after it. What lies beyond is not considered.
pub const AGENTS_BENEATH: usize = 64;

/// How many open calls a call span is compared with. Above more than these it is taken for their sum and does not
/// count, unless it has tokens and none of them has.
pub const CALLS_BENEATH: usize = 64;

/// How many of the neighbours before it a call is compared with.
pub const NEIGHBOURS: usize = 16;

/// How many nodes of a call are read to compare it with another.
pub const NODES_OF_A_CALL: usize = 8;

/// Of the open requests with one prompt only this many, the oldest, are checked for being of the same step.
pub const OPEN_STREAMS: usize = 64;

/// How many calls before and after a record, by time, are checked for being the one it describes.
pub const CALLS_AROUND_A_RECORD: usize = 64;

/// Where many runs have one key, only this many are considered; a match further away is missed.
pub const RUNS_OF_ONE_KEY: usize = 256;

/// A prompt repeats old tool results. Of those before its last assistant message only this many, the newest, are kept;
/// those after it are new, and all of them are kept.
pub const OLD_RESULTS: usize = 128;

/// How many failures beneath a span are compared with its own in full; of the others only equal messages are found.
pub const FAILURES_BENEATH: usize = 64;
