//! Runs in: outer or init, before anything else. The words of a command line, one after the other, as getopt_long(3) takes
//! them; pure. By hand, and not by a crate: nothing here owns a word, and each error is worded once, for pidone's own command
//! lines and for those that getopt(3) reads elsewhere.

use crate::error::UsageError;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

/// A word, or a letter of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Word<'a> {
    /// `-x`, also as one of several behind a dash. A byte beyond ASCII only begins one, which no option has.
    Letter(u8),
    /// `--name`, without the dashes and what stands behind a `=`.
    Name(&'a OsStr),
    /// No option.
    Plain(&'a OsStr),
}

/// How far a command line is read.
pub(super) struct Words<'a> {
    /// The words that nobody has looked at.
    rest: &'a [&'a OsStr],
    /// What is left of the present one: more letters, or `=` and a value.
    pending: &'a [u8],
    /// The present option, for messages: `--name`, or a letter and all that follows it.
    option: &'a [u8],
    is_letter: bool,
    /// After `--`.
    has_ended: bool,
    manner: Manner,
}

/// How it is told what is wrong with an option.
#[derive(Clone, Copy)]
pub(super) enum Manner {
    Pidone,
    /// As getopt(3) does, with this hint.
    Getopt(&'static str),
}

/// What may be wrong with an option.
#[derive(Clone, Copy)]
pub(super) enum Wrong {
    /// Nobody knows it.
    Unknown,
    /// It needs a value, and has none.
    NoValue,
    /// It has a value, and takes none.
    Value,
}

impl<'a> Words<'a> {
    #[inline(never)]
    pub(super) fn new(words: &'a [&'a OsStr], manner: Manner) -> Self {
        Words { rest: words, pending: b"", option: b"", is_letter: false, has_ended: false, manner }
    }

    /// The next one.
    ///
    /// # Errors
    /// The option before it has a value, which nobody has asked for.
    pub(super) fn next(&mut self) -> Result<Option<Word<'a>>, UsageError> {
        if self.pending.starts_with(b"=") {
            return Err(self.wrong(Wrong::Value));
        }
        if !self.pending.is_empty() {
            return Ok(Some(self.letter(self.pending)));
        }
        let mut next = self.following();
        if !self.has_ended && next.is_some_and(|word| word == "--") {
            self.has_ended = true;
            next = self.following();
        }
        let Some(word) = next else { return Ok(None) };
        Ok(Some(match word.as_bytes() {
            [b'-', rest @ ..] if !self.has_ended && !rest.is_empty() => match rest.strip_prefix(b"-") {
                Some(_) => self.name(word.as_bytes()),
                None => self.letter(rest),
            },
            _ => Word::Plain(word),
        }))
    }

    fn letter(&mut self, letters: &'a [u8]) -> Word<'a> {
        let (first, more) = letters.split_first().unwrap_or((&0, b""));
        (self.option, self.is_letter, self.pending) = (letters, true, more);
        Word::Letter(*first)
    }

    fn name(&mut self, word: &'a [u8]) -> Word<'a> {
        let end = word.iter().position(|byte| *byte == b'=').unwrap_or(word.len());
        let (option, value) = word.split_at_checked(end).unwrap_or((word, b""));
        (self.option, self.is_letter, self.pending) = (option, false, value);
        Word::Name(OsStr::from_bytes(option.get(2..).unwrap_or_default()))
    }

    /// The value that stands in the option's own word: `--name=value`, `-xvalue`, `-x=value`.
    pub(super) fn attached(&mut self) -> Option<&'a OsStr> {
        let pending = std::mem::take(&mut self.pending);
        (!pending.is_empty()).then(|| OsStr::from_bytes(pending.strip_prefix(b"=").unwrap_or(pending)))
    }

    /// Whether the present option has such a value; or, a letter, others behind it.
    pub(super) fn has_value(&self) -> bool {
        !self.pending.is_empty()
    }

    /// The next word, whatever it is.
    pub(super) fn following(&mut self) -> Option<&'a OsStr> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(first)
    }

    /// All words that follow.
    pub(super) fn rest(&self) -> &'a [&'a OsStr] {
        self.rest
    }

    /// The same for the command, of which `first` was the first word.
    pub(super) fn command(&self, first: &OsStr) -> Vec<OsString> {
        let mut command = Vec::with_capacity(self.rest.len() + 1);
        command.push(first.to_owned());
        for word in self.rest {
            command.push((*word).to_owned());
        }
        command
    }

    /// Says what is wrong with the present option.
    #[inline(never)]
    pub(super) fn wrong(&self, what: Wrong) -> UsageError {
        let mut option = String::from_utf8_lossy(self.option).into_owned();
        if self.is_letter {
            option.truncate(option.chars().next().map_or(0, char::len_utf8));
        }
        if let Manner::Getopt(hint) = self.manner {
            let (before, after) = match (what, self.is_letter) {
                (Wrong::Unknown, true) => ("invalid option -- '", "'"),
                (Wrong::Unknown, false) => ("unrecognized option '", "'"),
                (Wrong::NoValue, true) => ("option requires an argument -- '", "'"),
                (Wrong::NoValue, false) => ("option '", "' requires an argument"),
                (Wrong::Value, true) => ("option '-", "' doesn't allow an argument"),
                (Wrong::Value, false) => ("option '", "' doesn't allow an argument"),
            };
            return UsageError::with_hint([before, &option, after].concat(), hint);
        }
        if self.is_letter {
            option.insert(0, '-');
        }
        match what {
            Wrong::Unknown => UsageError::new("unknown option: ".to_owned() + &option),
            Wrong::NoValue => UsageError::new("this option needs a value: ".to_owned() + &option),
            Wrong::Value => {
                let value = String::from_utf8_lossy(self.pending);
                let message = ["this option takes no value: ", &option, &value].concat();
                UsageError::with_hint(message, "write just ".to_owned() + &option)
            }
        }
    }
}
