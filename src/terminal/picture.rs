//! Pictures in the terminal's own pixels, or in half blocks of colour.
//!
//! ```text
//!   what the terminal answered ─▶ Canvas ── bytes, room ─▶ decode, shrink, encode (a thread) ─▶ Painted ─▶ cells
//! ```
//!
//! kitty takes the pixels once and places them by characters; sixel and iTerm2 send them with the cell they start in;
//! half blocks are characters, two pixels each, for terminals of 24-bit colour that know none of these.

use std::{
    io::Cursor,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    thread,
};

use image::{DynamicImage, ImageError, ImageReader, Limits, imageops::FilterType};
use ratatui::{
    Frame,
    layout::{Rect, Size},
};
use ratatui_image::{
    Image,
    protocol::{Protocol, halfblocks::Halfblocks, iterm2::Iterm2, kitty::Kitty, sixel::Sixel},
};

use crate::{
    app::document::Opens,
    store::{Source, StoreError},
    theme::Depth,
};

/// How a terminal shows pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Graphics {
    Kitty,
    Sixel,
    Iterm2,
    Blocks,
}

/// What pictures are painted on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Canvas {
    pub graphics: Graphics,
    /// A cell's width and height in pixels.
    pub cell: (u16, u16),
}

/// A picture as the terminal takes it.
pub struct Painted {
    protocol: Protocol,
    /// kitty keeps it under this number until it is asked to forget it.
    kept: Option<u32>,
}

/// Which picture, and how many cells there are for it.
pub type Wanted = (Opens, Size);

/// Why a picture cannot be shown.
#[derive(Debug, thiserror::Error)]
enum PictureError {
    #[error("it is not in the store")]
    Gone,
    #[error("there is no room for it")]
    NoRoom,
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("{0}")]
    Image(#[from] ImageError),
    #[error("{0}")]
    Painting(#[from] ratatui_image::errors::Errors),
    #[error("its bytes broke the reader")]
    Panic,
}

/// No side of a picture may be longer, nor all of it take more memory while it is read.
const LONGEST: u32 = 20_000;
const LARGEST: u64 = 256 << 20;
/// More pixels than this are not sent to a terminal.
const MOST_PIXELS: u64 = 4_000_000;

/// The number under which kitty keeps the next picture; 0 is no number.
static NEXT: AtomicU32 = AtomicU32::new(1);

impl Canvas {
    /// How this terminal shows pixels; `None`: not at all. `support` is what it answered, `variable` looks one up in the
    /// environment.
    pub fn of(support: Support, depth: Depth, variable: impl Fn(&str) -> Option<String>) -> Option<Self> {
        let has = |name: &str| variable(name).is_some_and(|value| !value.is_empty());
        let program = variable("TERM_PROGRAM").unwrap_or_default() + &variable("LC_TERMINAL").unwrap_or_default();
        let in_tmux = has("TMUX");
        let takes_files = ["iTerm", "WezTerm", "mintty", "vscode", "Tabby", "Hyper", "rio", "WarpTerminal"];
        let takes_files = !in_tmux && takes_files.iter().any(|name| program.contains(name));
        // WezTerm and Konsole answer that they know kitty's protocol, but not its characters that say where a picture goes.
        let no_places = has("WEZTERM_EXECUTABLE") || has("KONSOLE_VERSION");
        // tmux may answer that it takes sixels. Other forms it passes on only where it is told to, so they are not used.
        let graphics = if takes_files {
            Graphics::Iterm2
        } else if support.kitty && !no_places {
            Graphics::Kitty
        } else if support.sixel {
            Graphics::Sixel
        } else if depth == Depth::True {
            Graphics::Blocks
        } else {
            return None;
        };
        match (graphics, support.cell) {
            // Two pixels, one above the other.
            (Graphics::Blocks, _) => Some(Self { graphics, cell: (1, 2) }),
            (_, Some(cell)) => Some(Self { graphics, cell }),
            // Without knowing how large a cell is, a picture would cover what it should not.
            (_, None) if depth == Depth::True => Some(Self { graphics: Graphics::Blocks, cell: (1, 2) }),
            (_, None) => None,
        }
    }

    /// Paints it on a thread of its own, and hands it over, or why not.
    pub fn start(
        self,
        (what, room): Wanted,
        store: &Arc<dyn Source>,
        done: impl FnOnce(Wanted, Result<Painted, String>) + Send + 'static,
    ) {
        let store = Arc::clone(store);
        // By its name the panic hook (`guard`) knows that panics are caught here: broken pictures may break a decoder.
        let painting = move || {
            let painted = catch_unwind(AssertUnwindSafe(|| self.stored(&what, room, &*store)));
            done((what, room), painted.unwrap_or(Err(PictureError::Panic)).map_err(|why| why.to_string()));
        };
        if let Err(error) = thread::Builder::new().name("store-picture".into()).spawn(painting) {
            tracing::warn!(%error, "no thread for a picture");
        }
    }

    fn stored(self, what: &Opens, room: Size, store: &dyn Source) -> Result<Painted, PictureError> {
        let Opens::Blob { sha256, .. } = what else { return Err(PictureError::Gone) };
        self.paint(&store.blob(sha256)?.ok_or(PictureError::Gone)?, room)
    }

    /// A picture as large as it is, or as there is room for.
    fn paint(self, bytes: &[u8], room: Size) -> Result<Painted, PictureError> {
        if room.width == 0 || room.height == 0 {
            return Err(PictureError::NoRoom);
        }
        let mut reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format().map_err(ImageError::from)?;
        let mut limits = Limits::default();
        (limits.max_image_width, limits.max_image_height) = (Some(LONGEST), Some(LONGEST));
        limits.max_alloc = Some(LARGEST);
        reader.limits(limits);
        let picture = self.fitted(reader.decode()?, room);
        let (width, height) = self.cell;
        let cells = |pixels: u32, cell: u16| u16::try_from(pixels.div_ceil(cell.max(1).into())).unwrap_or(u16::MAX);
        let size = Size {
            width: cells(picture.width(), width).min(room.width),
            height: cells(picture.height(), height).min(room.height),
        };
        let mut kept = None;
        let protocol = match self.graphics {
            Graphics::Kitty => {
                let number = NEXT.fetch_add(1, Ordering::Relaxed);
                kept = Some(number);
                Protocol::Kitty(Kitty::new(picture, size, number, false, false)?)
            }
            Graphics::Sixel => Protocol::Sixel(Sixel::new(picture, size, false)?),
            Graphics::Iterm2 => Protocol::ITerm2(Iterm2::new(picture, size, false)?),
            Graphics::Blocks => Protocol::Halfblocks(Halfblocks::new(picture, size)?),
        };
        Ok(Painted { protocol, kept })
    }

    /// Shrunk to the room, never stretched: small pictures are small.
    fn fitted(self, picture: DynamicImage, room: Size) -> DynamicImage {
        let (width, height) =
            (u32::from(room.width) * u32::from(self.cell.0), u32::from(room.height) * u32::from(self.cell.1));
        // Of a large window the sides are halved until what is sent is no more than can be.
        let mut shrunk = (width, height);
        while u64::from(shrunk.0) * u64::from(shrunk.1) > MOST_PIXELS {
            shrunk = (shrunk.0 / 2, shrunk.1 / 2);
        }
        if picture.width() <= shrunk.0 && picture.height() <= shrunk.1 {
            picture
        } else {
            picture.resize(shrunk.0.max(1), shrunk.1.max(1), FilterType::Triangle)
        }
    }
}

impl Painted {
    /// Puts it into the middle of the room.
    pub fn draw(&self, frame: &mut Frame, room: Rect) {
        let Size { width, height } = self.protocol.size();
        let area = Rect {
            x: room.x + room.width.saturating_sub(width) / 2,
            y: room.y + room.height.saturating_sub(height) / 2,
            width: width.min(room.width),
            height: height.min(room.height),
        };
        frame.render_widget(Image::new(&self.protocol), area);
    }

    /// What makes the terminal forget it.
    pub fn forget(&self) -> Vec<u8> {
        self.kept.map(|number| format!("\x1b_Ga=d,d=I,i={number},q=2\x1b\\").into_bytes()).unwrap_or_default()
    }
}

/// What a terminal answered about pictures.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Support {
    pub kitty: bool,
    pub sixel: bool,
    /// A cell's width and height in pixels.
    pub cell: Option<(u16, u16)>,
}

#[cfg(test)]
mod tests {
    use super::*;

    const CELL: (u16, u16) = (10, 20);

    fn canvas(graphics: Graphics) -> Canvas {
        Canvas { graphics, cell: if graphics == Graphics::Blocks { (1, 2) } else { CELL } }
    }

    fn png(width: u32, height: u32) -> Vec<u8> {
        let mut bytes = Vec::new();
        DynamicImage::new_rgb8(width, height).write_to(&mut Cursor::new(&mut bytes), image::ImageFormat::Png).unwrap();
        bytes
    }

    fn size(graphics: Graphics, bytes: &[u8], room: (u16, u16)) -> (u16, u16) {
        let painted = canvas(graphics).paint(bytes, room.into()).unwrap();
        let size = painted.protocol.size();
        (size.width, size.height)
    }

    #[test]
    fn a_picture_is_shrunk_to_its_room_and_never_stretched() {
        for graphics in [Graphics::Kitty, Graphics::Sixel, Graphics::Iterm2] {
            assert_eq!(size(graphics, &png(100, 100), (40, 20)), (10, 5), "{graphics:?}");
            assert_eq!(size(graphics, &png(1600, 400), (40, 20)), (40, 5), "{graphics:?}");
            assert_eq!(size(graphics, &png(1, 1), (40, 20)), (1, 1), "{graphics:?}");
        }
        assert_eq!(size(Graphics::Blocks, &png(100, 100), (40, 10)), (20, 10));
    }

    #[test]
    fn what_is_no_picture_or_too_large_a_one_is_an_error() {
        let whole = png(64, 64);
        let mut vast = png(1, 1);
        // The width in the header of a PNG.
        vast[16..20].copy_from_slice(&u32::MAX.to_be_bytes());
        for bytes in [&b""[..], b"no picture", &whole[..whole.len() / 2], &vast] {
            assert!(canvas(Graphics::Blocks).paint(bytes, (40, 20).into()).is_err());
        }
        assert!(matches!(canvas(Graphics::Kitty).paint(&whole, (0, 5).into()), Err(PictureError::NoRoom)));
    }

    #[test]
    fn a_terminal_gets_the_best_that_it_knows() {
        let of = |support: Support, depth, variables: &[(&str, &str)]| {
            let variable =
                |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
            Canvas::of(support, depth, variable).map(|canvas| canvas.graphics)
        };
        let all = Support { kitty: true, sixel: true, cell: Some(CELL) };
        let sixel = Support { kitty: false, ..all };
        assert_eq!(of(all, Depth::True, &[]), Some(Graphics::Kitty));
        assert_eq!(of(sixel, Depth::Ansi256, &[]), Some(Graphics::Sixel));
        assert_eq!(of(all, Depth::True, &[("KONSOLE_VERSION", "230800")]), Some(Graphics::Sixel));
        assert_eq!(of(all, Depth::True, &[("TERM_PROGRAM", "WezTerm")]), Some(Graphics::Iterm2));
        assert_eq!(of(all, Depth::True, &[("LC_TERMINAL", "iTerm2")]), Some(Graphics::Iterm2));
        let in_tmux = [("TMUX", "/tmp/tmux-0/default,1,0"), ("LC_TERMINAL", "iTerm2")];
        assert_eq!(of(sixel, Depth::True, &in_tmux), Some(Graphics::Sixel));
        assert_eq!(of(Support::default(), Depth::True, &in_tmux), Some(Graphics::Blocks));
        assert_eq!(of(Support { cell: None, ..all }, Depth::True, &[]), Some(Graphics::Blocks));
        assert_eq!(of(Support { cell: None, ..all }, Depth::Ansi256, &[]), None);
        assert_eq!(of(Support::default(), Depth::Ansi256, &[]), None);
    }
}
