//! sideseat-tui
