//! Pieces that more than one pane is drawn with.

pub mod frame;
pub mod scrollbar;
pub mod sparkline;
pub mod strip;
