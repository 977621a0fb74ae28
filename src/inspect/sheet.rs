//! Runs in: any thread-free process. Text in cells and lines, with colours where they are wanted.

use std::fmt::{Display, Write as _};

/// Widest line, in columns.
const WIDTH: usize = 100;

/// A colour of the terminal, or another way to stand out, by its number (console_codes(4)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    Plain = 0,
    Bold = 1,
    Red = 31,
    Green = 32,
    Yellow = 33,
}

/// A text that grows by cells and lines. Writing to it cannot fail.
pub(super) struct Sheet {
    pub(super) text: String,
    is_coloured: bool,
}

impl Sheet {
    pub(super) fn new(is_coloured: bool) -> Self {
        Sheet { text: String::new(), is_coloured }
    }

    /// Appends `text`, filled up with blanks to `width` columns.
    pub(super) fn cell(&mut self, text: &dyn Display, width: usize, style: Style) {
        let is_styled = self.is_coloured && style != Style::Plain;
        if is_styled {
            let _ = write!(self.text, "\x1b[{}m", style as u8);
        }
        let start = self.text.len();
        let _ = write!(self.text, "{text}");
        let columns = self.text.get(start..).unwrap_or_default().chars().count();
        if is_styled {
            self.text.push_str("\x1b[0m");
        }
        for _ in columns..width {
            self.text.push(' ');
        }
    }

    /// Appends `text` as it is.
    pub(super) fn plain(&mut self, text: &dyn Display) {
        self.cell(text, 0, Style::Plain);
    }

    /// Ends the line, without the blanks before its end.
    pub(super) fn end(&mut self) {
        let blanks = self.text.bytes().rev().take_while(|byte| *byte == b' ').count();
        self.text.truncate(self.text.len() - blanks);
        self.text.push('\n');
    }

    pub(super) fn heading(&mut self, text: &str) {
        self.text.push('\n');
        self.cell(&text, 0, Style::Bold);
        self.end();
    }

    /// Text that may take several lines, each of which begins at column `indent`; the first one is there already.
    pub(super) fn wrapped(&mut self, text: &str, indent: usize) {
        let mut column = indent;
        for word in text.split(' ') {
            let length = word.chars().count();
            if column > indent && column + 1 + length > WIDTH {
                self.end();
                self.cell(&"", indent, Style::Plain);
                column = indent;
            } else if column > indent {
                self.text.push(' ');
                column += 1;
            }
            // A word that is longer than a line is cut, so that none is wider.
            self.plain(&format_args!("{word:.*}", WIDTH - indent));
            column += length.min(WIDTH - indent);
        }
        self.end();
    }
}
