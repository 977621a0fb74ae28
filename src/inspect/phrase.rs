//! Runs in: any thread-free process. Parts of sentences, which are written where they stand: no text is made of them first.

use std::fmt::{Display, Formatter, Result, Write as _};

/// `1 zombie`, `2 processes`.
pub(super) struct Count(pub(super) usize, pub(super) &'static str);

impl Display for Count {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let Count(count, noun) = self;
        let plural = match count {
            1 => "",
            _ if noun.ends_with('s') => "es",
            _ => "s",
        };
        write!(f, "{count} {noun}{plural}")
    }
}

/// `12 s`, `5 min`, `3 h`, `2 d`: a time in seconds.
pub(super) struct Ago(pub(super) u64);

impl Display for Ago {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let (unit, name) = match self.0 {
            0..120 => (1, "s"),
            120..7200 => (60, "min"),
            7200..172_800 => (3600, "h"),
            _ => (86400, "d"),
        };
        write!(f, "{} {name}", self.0 / unit)
    }
}

/// What is known, or else a word for that.
pub(super) fn or<'a, T: Display>(known: &'a Option<T>, unknown: &'a &str) -> &'a dyn Display {
    match known {
        Some(known) => known,
        None => unknown,
    }
}

/// A text that is put together from what there is to say. Writing to it cannot fail.
#[derive(Default)]
pub(super) struct Phrase(pub(super) String);

impl Phrase {
    pub(super) fn of(what: &dyn Display) -> Self {
        let mut phrase = Phrase::default();
        phrase.add(what);
        phrase
    }

    #[inline(never)]
    pub(super) fn add(&mut self, what: &dyn Display) {
        let _ = write!(self.0, "{what}");
    }

    /// Appends words and what they are about, such as ` in WHAT`, if there is anything.
    pub(super) fn clause<T: Display>(&mut self, words: &str, what: &Option<T>) {
        self.append(words, what.as_ref().map(|what| what as &dyn Display));
    }

    #[inline(never)]
    fn append(&mut self, words: &str, what: Option<&dyn Display>) {
        if let Some(what) = what {
            self.0.push_str(words);
            self.add(what);
        }
    }

    /// Appends one of several, between each two of which something stands.
    #[inline(never)]
    pub(super) fn join(&mut self, between: &str, what: &dyn Display) {
        if !self.0.is_empty() {
            self.0.push_str(between);
        }
        self.add(what);
    }
}
