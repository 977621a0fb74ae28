//! Runs in: any thread-free process. Text in cells and lines, with colours where they are wanted.

use std::fmt::Write as _;

/// Widest line, in columns.
const WIDTH: usize = 100;

/// A colour of the terminal, or another way to stand out (console_codes(4)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    Plain,
    Bold,
    Red,
    Green,
    Yellow,
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
    pub(super) fn cell(&mut self, text: &str, width: usize, style: Style) {
        let code = match style {
            Style::Plain => 0,
            Style::Bold => 1,
            Style::Red => 31,
            Style::Green => 32,
            Style::Yellow => 33,
        };
        if code == 0 || !self.is_coloured {
            self.text.push_str(text);
        } else {
            let _ = write!(self.text, "\x1b[{code}m{text}\x1b[0m");
        }
        for _ in text.chars().count()..width {
            self.text.push(' ');
        }
    }

    /// Ends the line, without the blanks before its end.
    pub(super) fn end(&mut self) {
        self.text.truncate(self.text.trim_end_matches(' ').len());
        self.text.push('\n');
    }

    pub(super) fn heading(&mut self, text: &str) {
        self.text.push('\n');
        self.cell(text, 0, Style::Bold);
        self.end();
    }

    /// Text that may take several lines, each of which begins at column `indent`; the first one is there already.
    pub(super) fn wrapped(&mut self, text: &str, indent: usize) {
        let mut column = indent;
        for word in text.split(' ') {
            let length = word.chars().count();
            if column > indent && column + 1 + length > WIDTH {
                self.end();
                self.cell("", indent, Style::Plain);
                column = indent;
            } else if column > indent {
                self.text.push(' ');
                column += 1;
            }
            // A word that is longer than a line is cut, so that none is wider.
            column += length.min(WIDTH - indent);
            self.text.extend(word.chars().take(WIDTH - indent));
        }
        self.end();
    }
}
