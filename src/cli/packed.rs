//! How this program was packed, for `--version`: bug reports should say it.
//!
//! One binary is built for a platform, and goes into several packages. Each packer writes its name into the binary, over
//! the one that it was built with: `packaging/pack.py` looks for [`MARK`].

use std::hint;

const BEFORE: &[u8] = b"sideseat-tui was packed as: ";
/// Bytes that there are for the name; the rest are spaces.
const ROOM: usize = 16;
const LENGTH: usize = BEFORE.len() + ROOM;

/// Who packed it. `SIDESEAT_TUI_PACKED` at build time is what stands in it first.
#[used]
static MARK: [u8; LENGTH] = mark(match option_env!("SIDESEAT_TUI_PACKED") {
    Some(name) => name,
    None => "source",
});

const fn mark(name: &str) -> [u8; LENGTH] {
    assert!(name.len() <= ROOM, "SIDESEAT_TUI_PACKED is too long");
    let mut bytes = [b' '; LENGTH];
    let mut at = 0;
    while at < BEFORE.len() {
        bytes[at] = BEFORE[at];
        at += 1;
    }
    let mut of_name = 0;
    while of_name < name.len() {
        bytes[at + of_name] = name.as_bytes()[of_name];
        of_name += 1;
    }
    bytes
}

/// The version and who packed it: `0.1.0 (pypi)`; `source` if nobody did.
pub fn version() -> String {
    // Without this the compiler would read the bytes now, and not those that a packer wrote.
    let mark = hint::black_box(&MARK);
    let name = mark.iter().skip(BEFORE.len()).filter(|byte| byte.is_ascii_graphic());
    let name: String = name.map(|byte| char::from(*byte)).collect();
    format!("{} ({name})", env!("CARGO_PKG_VERSION"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_says_who_packed_it() {
        assert!(version().starts_with(env!("CARGO_PKG_VERSION")) && version().ends_with(')'), "{}", version());
        assert!(mark("npm").starts_with(b"sideseat-tui was packed as: npm   "));
    }
}
