//! Runs in: any thread-free process. Writes JSON (RFC 8259), as it comes, into whatever takes text: no tree of values is built.

use std::fmt::{Display, Result, Write};

/// A writer of one JSON text on one line. What it is given is well-formed if every container that is begun is ended, and members
/// of objects have keys.
pub(crate) struct Json<W> {
    out: W,
    /// Whether the next value follows another.
    follows: bool,
}

impl<W: Write> Json<W> {
    pub(crate) fn new(out: W) -> Self {
        Json { out, follows: false }
    }

    /// An object, with the members that `members` writes.
    ///
    /// # Errors
    /// Here and below: the writer's own.
    pub(crate) fn object(&mut self, members: impl FnOnce(&mut Self) -> Result) -> Result {
        self.container('{', members, '}')
    }

    /// An array, with the elements that `elements` writes.
    pub(crate) fn array(&mut self, elements: impl FnOnce(&mut Self) -> Result) -> Result {
        self.container('[', elements, ']')
    }

    /// The name of the member whose value comes next.
    pub(crate) fn key(&mut self, name: &str) -> Result {
        self.separate()?;
        self.quote(name.as_bytes())?;
        self.out.write_char(':')?;
        self.follows = false;
        Ok(())
    }

    /// A string, of bytes from the kernel or the user: what is not UTF-8 becomes U+FFFD.
    pub(crate) fn text(&mut self, text: impl AsRef<[u8]>) -> Result {
        self.separate()?;
        self.quote(text.as_ref())
    }

    /// What is the same in JSON and in Rust: an integer, a finite number, true or false.
    pub(crate) fn plain(&mut self, value: impl Display) -> Result {
        self.separate()?;
        write!(self.out, "{value}")
    }

    /// What is not known, or not there.
    pub(crate) fn null(&mut self) -> Result {
        self.plain("null")
    }

    fn container(&mut self, begin: char, content: impl FnOnce(&mut Self) -> Result, end: char) -> Result {
        self.begin(begin)?;
        content(self)?;
        self.end(end)
    }

    fn begin(&mut self, bracket: char) -> Result {
        self.separate()?;
        self.follows = false;
        self.out.write_char(bracket)
    }

    fn end(&mut self, bracket: char) -> Result {
        self.follows = true;
        self.out.write_char(bracket)
    }

    fn separate(&mut self) -> Result {
        if std::mem::replace(&mut self.follows, true) { self.out.write_char(',') } else { Ok(()) }
    }

    fn quote(&mut self, text: &[u8]) -> Result {
        self.out.write_char('"')?;
        for chunk in text.utf8_chunks() {
            for character in chunk.valid().chars() {
                match character {
                    '"' | '\\' => write!(self.out, "\\{character}")?,
                    '\0'..=' ' | '\x7f' if character != ' ' => write!(self.out, "\\u{:04x}", u32::from(character))?,
                    _ => self.out.write_char(character)?,
                }
            }
            if !chunk.invalid().is_empty() {
                self.out.write_char(char::REPLACEMENT_CHARACTER)?;
            }
        }
        self.out.write_char('"')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_separated_and_strings_escaped() {
        let mut text = String::new();
        let mut json = Json::new(&mut text);
        json.object(|json| {
            json.key("a")?;
            json.array(|json| {
                json.plain(1)?;
                json.array(|_| Ok(()))?;
                json.text(b"q\" b\\ \n\x1b\xff\xc3\xa9")?;
                json.null()
            })?;
            json.key("b")?;
            json.object(|_| Ok(()))?;
            json.key("c")?;
            json.plain(true)
        })
        .unwrap();
        let expected = "{\"a\":[1,[],\"q\\\" b\\\\ \\u000a\\u001b\u{fffd}\u{e9}\",null],\"b\":{},\"c\":true}";
        assert_eq!(text, expected);
    }
}
