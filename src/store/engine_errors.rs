//! What the engine's messages say went wrong: it has one kind of error for all.

/// Whether the engine's message says that a checksum is wrong.
pub fn is_corrupt(why: &str) -> bool {
    why.contains("Data Corruption")
}

/// Whether the engine's message says that the disk failed: what was written last may be on it or not.
pub fn is_disk_error(why: &str) -> bool {
    ["fsync failed", "Input/output error", "I/O error"].iter().any(|said| why.contains(said))
}

/// Whether the engine's message says that its memory did not suffice.
pub fn is_out_of_memory(why: &str) -> bool {
    why.contains("Out of Memory Error") || why.contains("could not allocate block")
}

/// The engine's message, with what can be done where it says that the file is damaged or the disk failed.
pub fn with_advice(why: String) -> String {
    // It has it where opening the file again failed.
    if why.contains("`sideseat-tui check") || why.contains("(the disk failed") {
        return why;
    }
    if is_corrupt(&why) {
        return format!(
            "{why}; the next start puts right what can be, or puts what can be read into a new file and keeps this one; \
             `sideseat-tui check` says what can be read"
        );
    }
    if is_disk_error(&why) {
        return format!("{why} (the disk failed, not the store: if that stays so, move the store to another disk)");
    }
    why
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_something_can_be_done_about_has_advice() {
        assert_eq!(with_advice("IO Error".to_owned()), "IO Error");
    }

    #[test]
    fn a_disk_that_fails_is_said_to() {
        for why in ["FATAL Error: fsync failed!", "IO Error: Could not write file \"/a.wal\": Input/output error"] {
            assert!(is_disk_error(why) && with_advice(why.to_owned()).contains("the disk failed"), "{why}");
        }
        for why in ["IO Error: Could not write file \"/a\": No space left on device", "Data Corruption Error"] {
            assert!(!is_disk_error(why), "{why}");
        }
    }
}
