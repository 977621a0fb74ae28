//! Runs in: outer, init. Text of bounded length, in memory that is there from the start.

use std::fmt;

/// Takes what has room in it, and never grows.
pub(super) struct Buffer {
    bytes: Vec<u8>,
    capacity: usize,
    is_cut: bool,
}

impl Buffer {
    pub(super) fn new(capacity: usize) -> Self {
        Buffer { bytes: Vec::with_capacity(capacity), capacity, is_cut: false }
    }

    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.is_cut = false;
    }

    /// Whether there was no room for something.
    pub(super) fn is_cut(&self) -> bool {
        self.is_cut
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Adds what has room.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        let room = self.capacity.saturating_sub(self.bytes.len());
        self.is_cut |= bytes.len() > room;
        self.bytes.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
    }

    pub(super) fn drop_first(&mut self, length: usize) {
        self.bytes.drain(..length.min(self.bytes.len()));
    }
}

impl fmt::Write for Buffer {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.push(text.as_bytes());
        Ok(())
    }
}

/// A short text on the stack, which takes what has room and lets the rest go.
pub(super) struct Piece {
    bytes: [u8; 512],
    length: usize,
}

impl Piece {
    pub(super) fn new() -> Self {
        Piece { bytes: [0; 512], length: 0 }
    }

    #[inline(never)]
    pub(super) fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

impl fmt::Write for Piece {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = self.bytes.iter_mut().skip(self.length);
        let taken = room.zip(text.bytes()).map(|(place, byte)| *place = byte).count();
        self.length = self.length.saturating_add(taken);
        Ok(())
    }
}

/// As much of `text` as takes no more than `limit` bytes as a JSON string, between the quotes.
pub(super) fn clip(text: &[u8], limit: usize) -> &[u8] {
    let mut total = 0;
    let fits = |byte: &&u8| {
        total = cost_of(**byte).saturating_add(total);
        total <= limit
    };
    let length = text.iter().take_while(fits).count();
    text.get(..length).unwrap_or(text)
}

/// How many bytes `text` takes at most as a JSON string, between the quotes.
pub(super) fn cost(text: &[u8]) -> usize {
    text.iter().copied().map(cost_of).sum()
}

fn cost_of(byte: u8) -> usize {
    match byte {
        b'"' | b'\\' => 2,
        0..0x20 | 0x7f => 6,
        // Alone it may be no UTF-8, and is then written as U+FFFD.
        0x80.. => 3,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Json;

    #[test]
    fn what_has_no_room_is_cut_and_that_is_remembered() {
        let mut buffer = Buffer::new(4);
        buffer.push(b"abc");
        assert!(!buffer.is_cut());
        buffer.push(b"de");
        assert_eq!((buffer.bytes(), buffer.is_cut()), (&b"abcd"[..], true));
        buffer.clear();
        assert!(!buffer.is_cut());
    }

    #[test]
    fn what_is_clipped_fits_as_json_whatever_it_is() {
        for text in
            [&b"plain text"[..], b"\x01\x02\x7f\"\\", "\u{e9}\u{20ac}\u{1f600}".as_bytes(), b"\xff\xfe\x80a"]
        {
            for limit in 0..20 {
                let mut json = String::new();
                Json::new(&mut json).text(clip(text, limit));
                assert!(json.len() <= limit + 2, "{json} in {limit}");
            }
            assert_eq!(clip(text, 100), text);
        }
    }
}
