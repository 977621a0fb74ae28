//! Runs in: probe. Extended regular expressions, regex(7), for `--ready-regex`: whether one is found in a line; pure.
//!
//! Of our own because of what others weigh: the crate regex-lite adds 57 KB to the binary, the C library's regcomp(3) 53 KB, this
//! 3 KB. It keeps track of all ways to match at once, so a line takes time in proportion to its length, whatever the expression.
//!
//! Not known: back references, collating symbols, letters beyond ASCII in brackets.

/// One step of a way to match; the way is at its end behind the last one.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// Takes a byte of this set.
    Take(Bytes),
    /// Goes on only at the beginning of the line, or only at its end.
    AtStart,
    AtEnd,
    /// Goes on with the next step, and with the one so far ahead or, if negative, behind.
    Fork(isize),
    /// Goes on with the one so far ahead.
    Jump(isize),
}

/// A set of bytes: bit `n` stands for byte `n`.
#[derive(Clone, Copy, Debug)]
struct Bytes([u64; 4]);

impl Bytes {
    const NONE: Self = Bytes([0; 4]);
    /// Those that are not the first of a character, in UTF-8.
    const CONTINUATION: Self = Bytes([0, 0, u64::MAX, 0]);

    fn add(&mut self, first: u8, last: u8) {
        for byte in first..=last {
            if let Some(word) = self.0.get_mut(usize::from(byte / 64)) {
                *word |= 1 << (byte % 64);
            }
        }
    }

    fn has(&self, byte: u8) -> bool {
        self.0.get(usize::from(byte / 64)).is_some_and(|word| word >> (byte % 64) & 1 == 1)
    }

    /// All that a character can begin with, but for these.
    fn others(self) -> Self {
        let Bytes([one, other, _, last]) = self;
        Bytes([!one, !other, 0, !last])
    }
}

/// The classes of characters that brackets know by name, each with the first and last bytes of what is in it.
const CLASSES: &[&[u8]] = &[
    b"alpha=AZaz",
    b"digit=09",
    b"alnum=09AZaz",
    b"upper=AZ",
    b"lower=az",
    b"space=\t\r  ",
    b"blank=\t\t  ",
    b"punct=!/:@[`{~",
    b"print= ~",
    b"graph=!~",
    b"cntrl=\0\x1f\x7f\x7f",
    b"xdigit=09AFaf",
];

/// A compiled expression.
#[derive(Debug)]
pub(super) struct Pattern(Vec<Step>);

impl Pattern {
    /// # Errors
    /// What is wrong with it.
    pub(super) fn new(expression: &[u8]) -> Result<Self, String> {
        let mut parser = Parser { rest: expression, depth: 0, steps: Vec::new(), wrong: String::new() };
        match parser.alternatives() {
            Some(()) if parser.rest.is_empty() => Ok(Pattern(parser.steps)),
            Some(()) => Err("a ) without a (".into()),
            None => Err(parser.wrong),
        }
    }

    /// Whether it is found in this line.
    // For the sake of size: a frame of its own is a small one.
    #[inline(never)]
    pub(super) fn is_in(&self, line: &[u8]) -> bool {
        let mut taken = Vec::new();
        for position in 0..=line.len() {
            let byte = line.get(position);
            let mut reached = vec![false; self.0.len()];
            let mut open = std::mem::take(&mut taken);
            // It may begin here, too.
            open.push(0);
            // Goes on until a byte is to be taken.
            while let Some(index) = open.pop() {
                // Behind the last step there is none.
                let (Some(step), Some(reached)) = (self.0.get(index), reached.get_mut(index)) else { return true };
                if std::mem::replace(reached, true) {
                    continue;
                }
                let goes_on = match step {
                    Step::Take(bytes) => {
                        if byte.is_some_and(|byte| bytes.has(*byte)) {
                            taken.push(index + 1);
                        }
                        false
                    }
                    Step::AtStart => position == 0,
                    Step::AtEnd => byte.is_none(),
                    Step::Fork(_) => true,
                    Step::Jump(_) => false,
                };
                if goes_on {
                    open.push(index + 1);
                }
                if let Step::Fork(far) | Step::Jump(far) = step {
                    open.push(index.wrapping_add_signed(*far));
                }
            }
        }
        false
    }
}

/// From an expression to steps. Where they lead to are distances, so that a part can be moved and repeated.
struct Parser<'a> {
    rest: &'a [u8],
    depth: u8,
    steps: Vec<Step>,
    /// Why there is nothing to return.
    wrong: String,
}

impl Parser<'_> {
    fn fail(&mut self, why: &str) -> Option<()> {
        self.wrong = why.into();
        None
    }

    fn next_is(&mut self, byte: u8) -> bool {
        let is = self.rest.first() == Some(&byte);
        if is {
            self.take();
        }
        is
    }

    fn take(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    fn push(&mut self, step: Step) -> Option<()> {
        const MOST: usize = 10_000;
        if self.steps.len() >= MOST {
            return self.fail("it is too large");
        }
        self.steps.push(step);
        Some(())
    }

    fn append(&mut self, part: &[Step]) -> Option<()> {
        for step in part {
            self.push(*step)?;
        }
        Some(())
    }

    /// How many steps there are from this one on.
    fn since(&self, start: usize) -> isize {
        (self.steps.len() - start).cast_signed()
    }

    /// `a|b|c`
    fn alternatives(&mut self) -> Option<()> {
        let start = self.steps.len();
        self.sequence()?;
        while self.next_is(b'|') {
            self.steps.insert(start, Step::Fork(self.since(start) + 2));
            let other = self.steps.len();
            self.push(Step::Jump(0))?;
            self.sequence()?;
            let far = self.since(other);
            if let Some(jump) = self.steps.get_mut(other) {
                *jump = Step::Jump(far);
            }
        }
        Some(())
    }

    fn sequence(&mut self) -> Option<()> {
        while !matches!(self.rest.first(), None | Some(b'|' | b')')) {
            let start = self.steps.len();
            self.atom()?;
            while self.repetition(start)? {}
        }
        Some(())
    }

    /// What follows the part that begins at `start`, if it is how often that is to be there.
    fn repetition(&mut self, start: usize) -> Option<bool> {
        let (least, most) = match self.rest.first() {
            Some(b'*') => (0, None),
            Some(b'+') => (1, None),
            Some(b'?') => (0, Some(1)),
            Some(b'{') => return self.bounds(start),
            _ => return Some(false),
        };
        self.take();
        self.repeat(start, least, most)
    }

    /// `{2}`, `{2,}`, `{2,3}`
    fn bounds(&mut self, start: usize) -> Option<bool> {
        self.take();
        let least = self.number();
        let most = if self.next_is(b',') { self.number() } else { least };
        match least {
            Some(least) if self.next_is(b'}') && most.is_none_or(|most| most >= least) => {
                self.repeat(start, least, most)
            }
            _ => self.fail("a { is to be followed by LEAST}, LEAST,} or LEAST,MOST}").map(|()| false),
        }
    }

    fn number(&mut self) -> Option<usize> {
        let mut number = None;
        while let Some(digit @ b'0'..=b'9') = self.rest.first() {
            number = Some(number.unwrap_or(0_usize).checked_mul(10)?.checked_add(usize::from(digit - b'0'))?);
            self.take();
        }
        number
    }

    fn repeat(&mut self, start: usize, least: usize, most: Option<usize>) -> Option<bool> {
        let part = self.steps.split_off(start);
        // Nothing, however often: no size would ever end the count.
        if part.is_empty() {
            return Some(true);
        }
        for _ in 0..least {
            self.append(&part)?;
        }
        let length = part.len().cast_signed();
        match most {
            None => {
                self.push(Step::Fork(length + 2))?;
                self.append(&part)?;
                self.push(Step::Jump(-length - 1))?;
            }
            Some(most) => {
                for _ in least..most {
                    self.push(Step::Fork(length + 1))?;
                    self.append(&part)?;
                }
            }
        }
        Some(true)
    }

    fn atom(&mut self) -> Option<()> {
        let byte = self.take()?;
        match byte {
            b'(' => self.group(),
            b'[' => self.brackets(),
            b'.' => self.character(Bytes::NONE.others()),
            b'^' => self.push(Step::AtStart),
            b'$' => self.push(Step::AtEnd),
            b'*' | b'+' | b'?' | b'{' => self.fail("nothing is there to be repeated"),
            b'\\' => match self.take() {
                None => self.fail("it ends with a \\"),
                Some(byte) if byte.is_ascii_alphanumeric() => {
                    let name = char::from(byte);
                    self.fail(&format!("\\{name} is not known: write [0-9], [[:space:]] or the like"))
                }
                Some(byte) => self.literal(byte),
            },
            byte => self.literal(byte),
        }
    }

    /// What follows a `(`, to the `)`.
    fn group(&mut self) -> Option<()> {
        const DEEPEST: u8 = 50;
        self.depth += 1;
        if self.depth > DEEPEST {
            return self.fail("too many ( within each other");
        }
        self.alternatives()?;
        self.depth -= 1;
        if self.next_is(b')') { Some(()) } else { self.fail("a ( without a )") }
    }

    /// A character, of as many bytes as it has.
    fn literal(&mut self, first: u8) -> Option<()> {
        let mut byte = first;
        loop {
            let mut only = Bytes::NONE;
            only.add(byte, byte);
            self.push(Step::Take(only))?;
            match self.rest.first() {
                Some(next) if Bytes::CONTINUATION.has(*next) => byte = *next,
                _ => return Some(()),
            }
            self.take();
        }
    }

    /// A byte of this set, and the rest of the character that begins with it.
    fn character(&mut self, first: Bytes) -> Option<()> {
        self.push(Step::Take(first))?;
        if first.has(u8::MAX) {
            self.append(&[Step::Fork(3), Step::Take(Bytes::CONTINUATION), Step::Jump(-2)])?;
        }
        Some(())
    }

    /// What follows a `[`, to the `]`.
    fn brackets(&mut self) -> Option<()> {
        let is_negated = self.next_is(b'^');
        let mut set = Bytes::NONE;
        let mut is_first = true;
        loop {
            let Some(byte) = self.take() else { return self.fail("a [ without a ]") };
            match (byte, self.rest) {
                (b']', _) if !is_first => break,
                (b'[', [b':', ..]) => self.class(&mut set)?,
                (b'[', [b'.' | b'=', ..]) => return self.fail("[. and [= are not known"),
                (128.., _) => return self.fail("only letters of ASCII may stand in [ ]"),
                // A `-` that is the last one is itself.
                (first, [b'-', last, rest @ ..]) if *last != b']' => {
                    if *last < first {
                        return self.fail("a range in [ ] ends before it begins");
                    }
                    self.rest = rest;
                    set.add(first, *last);
                }
                _ => set.add(byte, byte),
            }
            is_first = false;
        }
        self.character(if is_negated { set.others() } else { set })
    }

    /// `:alpha:]`
    fn class(&mut self, set: &mut Bytes) -> Option<()> {
        self.take();
        let Some(end) = self.rest.windows(2).position(|two| two == b":]") else {
            return self.fail("a [: without a :]");
        };
        let (name, rest) = self.rest.split_at(end);
        self.rest = rest.get(2..)?;
        let Some(ranges) = CLASSES.iter().find_map(|class| match class.split_at_checked(end) {
            Some((this, [b'=', ranges @ ..])) if this == name => Some(ranges),
            _ => None,
        }) else {
            return self.fail(&format!("[:{}:] is not known", String::from_utf8_lossy(name)));
        };
        for range in ranges.chunks(2) {
            if let [first, last] = range {
                set.add(*first, *last);
            }
        }
        Some(())
    }
}

#[cfg(test)]
#[path = "../fuzz/pattern.rs"]
mod properties;

#[cfg(test)]
#[path = "pattern_tests.rs"]
mod tests;
