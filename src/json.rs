//! Runs in: any thread-free process. Writes JSON (RFC 8259), as it comes, into whatever takes text: no tree of values is built.

use crate::signal::Signal;
use std::fmt::{Display, Result, Write};
use std::time::Duration;

/// The value of a member.
#[derive(Clone, Copy)]
pub(crate) enum Value<'a> {
    /// Not known, or not there.
    Null,
    Truth(bool),
    Number(i64),
    /// A number: to the microsecond.
    Seconds(Duration),
    /// A string, of bytes from the kernel or the user.
    Text(&'a [u8]),
    /// A string, of what can be displayed.
    Shown(&'a dyn Display),
    /// An object of its pid and its name.
    Process(i32, &'a [u8]),
}

macro_rules! values {
    ($($from:ty: $value:ident => $variant:expr;)*) => {
        $(impl<'a> From<$from> for Value<'a> {
            fn from($value: $from) -> Self {
                $variant
            }
        })*
    };
}

values! {
    bool: value => Value::Truth(value);
    u8: value => Value::Number(value.into());
    i32: value => Value::Number(value.into());
    u32: value => Value::Number(value.into());
    // Counts and sizes are far below the limit.
    u64: value => Value::Number(value.cast_signed());
    usize: value => Value::Number(value.cast_signed() as i64);
    Duration: value => Value::Seconds(value);
    &'a [u8]: value => Value::Text(value);
    &'a str: value => Value::Text(value.as_bytes());
    &'a Vec<u8>: value => Value::Text(value);
    &'a String: value => Value::Text(value.as_bytes());
    &'a Signal: value => Value::Shown(value);
}

impl<'a, T: Into<Value<'a>>> From<Option<T>> for Value<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Value::Null, Into::into)
    }
}

/// A writer of one JSON text on one line. What it is given is well-formed if every container that is begun is ended, and members
/// of objects have keys. Compiled once, whatever it writes into and whatever it is given.
pub(crate) struct Json<'w> {
    out: &'w mut dyn Write,
    /// Whether the next value follows another.
    follows: bool,
}

impl<'w> Json<'w> {
    pub(crate) fn new(out: &'w mut dyn Write) -> Self {
        Json { out, follows: false }
    }

    /// An object, with the members that `members` writes.
    pub(crate) fn object(&mut self, members: impl FnOnce(&mut Self)) {
        self.begin('{');
        members(self);
        self.end('}');
    }

    /// An array, with the elements that `elements` writes.
    pub(crate) fn array(&mut self, elements: impl FnOnce(&mut Self)) {
        self.begin('[');
        elements(self);
        self.end(']');
    }

    /// Members: their names, with blanks between them, and their values. All that each of them adds to the code is its value.
    #[inline(never)]
    pub(crate) fn members(&mut self, names: &str, values: &[Value<'_>]) {
        debug_assert_eq!(names.split(' ').count(), values.len(), "{names}");
        // By bytes: what splits at characters can panic, as far as the compiler knows.
        for (name, value) in names.as_bytes().split(|byte| *byte == b' ').zip(values) {
            self.name(name);
            self.value(value);
        }
    }

    /// A value by itself.
    #[inline(never)]
    pub(crate) fn value(&mut self, value: &Value<'_>) {
        match *value {
            Value::Null => self.null(),
            Value::Truth(value) => self.plain(value),
            Value::Number(value) => self.plain(value),
            Value::Seconds(time) => self.plain(format_args!("{}.{:06}", time.as_secs(), time.subsec_micros())),
            Value::Text(text) => self.text(text),
            Value::Shown(value) => self.string(&mut |inside| write!(inside, "{value}")),
            Value::Process(pid, name) => {
                self.object(|json| json.members("pid comm", &[pid.into(), name.into()]));
            }
        }
    }

    /// The name of the member whose value comes next.
    pub(crate) fn key(&mut self, name: &str) {
        self.name(name.as_bytes());
    }

    #[inline(never)]
    fn name(&mut self, name: &[u8]) {
        self.bytes(name);
        self.follows = false;
        self.write(':');
    }

    /// A string, of bytes from the kernel or the user: what is not UTF-8 becomes U+FFFD.
    pub(crate) fn text(&mut self, text: impl AsRef<[u8]>) {
        self.bytes(text.as_ref());
    }

    /// What is the same in JSON and in Rust: an integer, a finite number, true or false.
    pub(crate) fn plain(&mut self, value: impl Display) {
        self.shown(&value);
    }

    /// What is not known, or not there.
    pub(crate) fn null(&mut self) {
        self.plain("null");
    }

    #[inline(never)]
    fn begin(&mut self, bracket: char) {
        self.separate();
        self.follows = false;
        self.write(bracket);
    }

    #[inline(never)]
    fn end(&mut self, bracket: char) {
        self.follows = true;
        self.write(bracket);
    }

    fn separate(&mut self) {
        if std::mem::replace(&mut self.follows, true) {
            self.write(',');
        }
    }

    /// Ignoring the error: a `String` has none, and others remember it.
    fn write(&mut self, character: char) {
        let _ = self.out.write_char(character);
    }

    #[inline(never)]
    fn shown(&mut self, value: &dyn Display) {
        self.separate();
        let _ = write!(self.out, "{value}");
    }

    fn bytes(&mut self, text: &[u8]) {
        self.string(&mut |inside| {
            for chunk in text.utf8_chunks() {
                inside.write_str(chunk.valid())?;
                if !chunk.invalid().is_empty() {
                    inside.write_char(char::REPLACEMENT_CHARACTER)?;
                }
            }
            Ok(())
        });
    }

    /// A string, of what `content` writes.
    fn string(&mut self, content: &mut dyn FnMut(&mut dyn Write) -> Result) {
        self.separate();
        self.write('"');
        let _ = content(&mut Inside(self.out));
        self.write('"');
    }
}

/// Between the quotes of a string.
struct Inside<'w>(&'w mut dyn Write);

impl Write for Inside<'_> {
    fn write_str(&mut self, text: &str) -> Result {
        for character in text.chars() {
            match character {
                '"' | '\\' => write!(self.0, "\\{character}")?,
                _ if character.is_ascii_control() => {
                    write!(self.0, "\\u00{:02x}", u8::try_from(character).unwrap_or_default())?;
                }
                _ => self.0.write_char(character)?,
            }
        }
        Ok(())
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
            json.key("a");
            json.array(|json| {
                json.plain(1);
                json.array(|_| ());
                json.text(b"q\" b\\ \n\x1b\xff\xc3\xa9");
                json.null();
            });
            json.key("b");
            json.object(|_| ());
            json.key("c");
            json.plain(true);
        });
        let expected = "{\"a\":[1,[],\"q\\\" b\\\\ \\u000a\\u001b\u{fffd}\u{e9}\",null],\"b\":{},\"c\":true}";
        assert_eq!(text, expected);
    }
}
