//! Runs in: probe. Extended regular expressions, regex(7), for `--ready-regex`: whether one is found in a line; pure.
//!
//! Of our own because of what others weigh: the crate regex-lite adds 57 KB to the binary, the C library's regcomp(3) 53 KB, this
//! 8 KB. It keeps track of all ways to match at once, so a line takes time in proportion to its length, whatever the expression.
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
#[derive(Clone, Copy, Debug, Default)]
struct Bytes([u64; 4]);

impl Bytes {
    fn of(mut is_in: impl FnMut(u8) -> bool) -> Self {
        let mut set = Bytes::default();
        (0..=u8::MAX).filter(|byte| is_in(*byte)).for_each(|byte| set.add(byte));
        set
    }

    fn add(&mut self, byte: u8) {
        if let Some(word) = self.0.get_mut(usize::from(byte / 64)) {
            *word |= 1 << (byte % 64);
        }
    }

    fn has(&self, byte: u8) -> bool {
        self.0.get(usize::from(byte / 64)).is_some_and(|word| word >> (byte % 64) & 1 == 1)
    }
}

/// A compiled expression.
#[derive(Debug)]
pub(super) struct Pattern(Vec<Step>);

impl Pattern {
    /// # Errors
    /// What is wrong with it.
    pub(super) fn new(expression: &[u8]) -> Result<Self, String> {
        let mut parser = Parser { rest: expression, depth: 0 };
        let steps = parser.alternatives()?;
        if parser.rest.is_empty() { Ok(Pattern(steps)) } else { Err("a ) without a (".into()) }
    }

    /// Whether it is found in this line.
    pub(super) fn is_in(&self, line: &[u8]) -> bool {
        let mut ways = Ways { reached: vec![false; self.0.len() + 1], list: Vec::new() };
        let mut taken = Vec::new();
        for position in 0..=line.len() {
            let is_at = |step: &Step| match step {
                Step::AtStart => position == 0,
                _ => position == line.len(),
            };
            // It may begin here, too.
            taken.push(0);
            taken.drain(..).for_each(|step| ways.follow(&self.0, step, is_at));
            if ways.reached.last() == Some(&true) {
                return true;
            }
            let Some(byte) = line.get(position) else { break };
            let takes = |index: &usize| matches!(self.0.get(*index), Some(Step::Take(bytes)) if bytes.has(*byte));
            taken.extend(ways.list.drain(..).filter(takes).map(|index| index + 1));
            ways.reached.fill(false);
        }
        false
    }
}

/// Where all ways stand at one position of the line.
struct Ways {
    /// By step, and at last for the end.
    reached: Vec<bool>,
    /// Those that are to take a byte.
    list: Vec<usize>,
}

impl Ways {
    /// Goes on from `step` until a byte is to be taken.
    fn follow(&mut self, steps: &[Step], step: usize, is_at: impl Fn(&Step) -> bool) {
        let mut next = vec![step];
        while let Some(index) = next.pop() {
            match self.reached.get_mut(index) {
                Some(reached) if !*reached => *reached = true,
                _ => continue,
            }
            match steps.get(index) {
                Some(Step::Take(_)) => self.list.push(index),
                Some(Step::Jump(far)) => next.extend(index.checked_add_signed(*far)),
                Some(Step::Fork(far)) => {
                    next.extend([Some(index + 1), index.checked_add_signed(*far)].iter().flatten())
                }
                Some(place) if is_at(place) => next.push(index + 1),
                Some(_) | None => {}
            }
        }
    }
}

/// From an expression to steps. Each part is compiled apart, with distances for targets, so that parts can be put together.
struct Parser<'a> {
    rest: &'a [u8],
    depth: u8,
}

type Part = Result<Vec<Step>, String>;

impl Parser<'_> {
    fn next_is(&mut self, byte: u8) -> bool {
        let is = self.rest.first() == Some(&byte);
        if is {
            self.rest = self.rest.get(1..).unwrap_or_default();
        }
        is
    }

    fn take(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    /// `a|b|c`
    fn alternatives(&mut self) -> Part {
        let mut steps = self.sequence()?;
        while self.next_is(b'|') {
            let other = self.sequence()?;
            steps.insert(0, Step::Fork(distance(steps.len() + 2)));
            steps.push(Step::Jump(distance(other.len() + 1)));
            steps.extend(other);
            steps = check_size(steps)?;
        }
        Ok(steps)
    }

    fn sequence(&mut self) -> Part {
        let mut steps = Vec::new();
        while !matches!(self.rest.first(), None | Some(b'|' | b')')) {
            let mut part = self.atom()?;
            while let Some((least, most)) = self.repetition()? {
                part = repeated(&part, least, most)?;
            }
            steps.extend(part);
            steps = check_size(steps)?;
        }
        Ok(steps)
    }

    /// How often at least, and at most.
    fn repetition(&mut self) -> Result<Option<(usize, Option<usize>)>, String> {
        if self.next_is(b'*') {
            return Ok(Some((0, None)));
        }
        if self.next_is(b'+') {
            return Ok(Some((1, None)));
        }
        if self.next_is(b'?') {
            return Ok(Some((0, Some(1))));
        }
        if !self.next_is(b'{') {
            return Ok(None);
        }
        let least = self.number();
        let most = if self.next_is(b',') { self.number() } else { least };
        match (least, most) {
            (Some(least), most) if self.next_is(b'}') && most.is_none_or(|most| most >= least) => {
                Ok(Some((least, most)))
            }
            _ => Err("a { is to be followed by LEAST}, LEAST,} or LEAST,MOST}".into()),
        }
    }

    fn number(&mut self) -> Option<usize> {
        let digits = self.rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (number, rest) = self.rest.split_at_checked(digits)?;
        let number = str::from_utf8(number).ok()?.parse().ok()?;
        self.rest = rest;
        Some(number)
    }

    fn atom(&mut self) -> Part {
        match self.take() {
            Some(b'(') => {
                const DEEPEST: u8 = 50;
                self.depth += 1;
                if self.depth > DEEPEST {
                    return Err("too many ( within each other".into());
                }
                let inner = self.alternatives()?;
                self.depth -= 1;
                if self.next_is(b')') { Ok(inner) } else { Err("a ( without a )".into()) }
            }
            Some(b'[') => self.brackets(),
            Some(b'.') => character(Bytes::of(|byte| !is_continuation(byte))),
            Some(b'^') => Ok(vec![Step::AtStart]),
            Some(b'$') => Ok(vec![Step::AtEnd]),
            Some(b'*' | b'+' | b'?' | b'{') => Err("nothing is there to be repeated".into()),
            Some(b'\\') => match self.take() {
                Some(byte) if !byte.is_ascii_alphanumeric() => Ok(self.literal(byte)),
                Some(byte) => {
                    let name = char::from(byte);
                    Err(format!("\\{name} is not known: write [0-9], [[:space:]] or the like"))
                }
                None => Err("it ends with a \\".into()),
            },
            Some(byte) => Ok(self.literal(byte)),
            None => Ok(Vec::new()),
        }
    }

    /// A character, of as many bytes as it has.
    fn literal(&mut self, first: u8) -> Vec<Step> {
        let only = |byte: u8| Step::Take(Bytes::of(|other| other == byte));
        let mut steps = vec![only(first)];
        while let Some(byte) = self.rest.first().copied().filter(|byte| is_continuation(*byte)) {
            self.take();
            steps.push(only(byte));
        }
        steps
    }

    /// What follows a `[`, to the `]`.
    fn brackets(&mut self) -> Part {
        const OPEN: &str = "a [ without a ]";
        let is_negated = self.next_is(b'^');
        let mut set = Bytes::default();
        let mut is_first = true;
        loop {
            let byte = self.take().ok_or(OPEN)?;
            match (byte, self.rest.first()) {
                (b']', _) if !is_first => break,
                (b'[', Some(b':')) => self.class(&mut set)?,
                (b'[', Some(b'.' | b'=')) => return Err("[. and [= are not known".into()),
                _ if !byte.is_ascii() => return Err("only letters of ASCII may stand in [ ]".into()),
                _ => {
                    let last = self.range_end().unwrap_or(byte);
                    if last < byte {
                        return Err("a range in [ ] ends before it begins".into());
                    }
                    (byte..=last).for_each(|byte| set.add(byte));
                }
            }
            is_first = false;
        }
        if is_negated {
            character(Bytes::of(|byte| !set.has(byte) && !is_continuation(byte)))
        } else {
            character(set)
        }
    }

    /// `-z`, unless the `-` is the last one.
    fn range_end(&mut self) -> Option<u8> {
        let (last, rest) = match self.rest {
            [b'-', last, rest @ ..] if *last != b']' => (*last, rest),
            _ => return None,
        };
        self.rest = rest;
        Some(last)
    }

    /// `:alpha:]`
    fn class(&mut self, set: &mut Bytes) -> Result<(), String> {
        let end = self.rest.windows(2).skip(1).position(|two| two == b":]").ok_or("a [: without a :]")? + 1;
        let name = self.rest.get(1..end).unwrap_or_default();
        let is_in: fn(&u8) -> bool = match name {
            b"alpha" => u8::is_ascii_alphabetic,
            b"digit" => u8::is_ascii_digit,
            b"alnum" => u8::is_ascii_alphanumeric,
            b"upper" => u8::is_ascii_uppercase,
            b"lower" => u8::is_ascii_lowercase,
            b"space" => |byte| matches!(byte, b' ' | 9..=13),
            b"blank" => |byte| matches!(byte, b' ' | b'\t'),
            b"punct" => u8::is_ascii_punctuation,
            b"print" => |byte| matches!(byte, b' '..=b'~'),
            b"graph" => u8::is_ascii_graphic,
            b"cntrl" => u8::is_ascii_control,
            b"xdigit" => u8::is_ascii_hexdigit,
            _ => return Err(format!("[:{}:] is not known", String::from_utf8_lossy(name))),
        };
        (0..=u8::MAX).filter(is_in).for_each(|byte| set.add(byte));
        self.rest = self.rest.get(end + 2..).unwrap_or_default();
        Ok(())
    }
}

/// A byte that is not the first of a character, in UTF-8.
fn is_continuation(byte: u8) -> bool {
    byte & 0xc0 == 0x80
}

/// A byte of this set, and the rest of the character that begins with it.
fn character(first: Bytes) -> Part {
    let rest = [Step::Fork(3), Step::Take(Bytes::of(is_continuation)), Step::Jump(-2)];
    let is_ascii = !(128..=u8::MAX).any(|byte| first.has(byte));
    Ok(std::iter::once(Step::Take(first)).chain(rest.into_iter().filter(|_| !is_ascii)).collect())
}

fn repeated(part: &[Step], least: usize, most: Option<usize>) -> Part {
    let mut steps = Vec::new();
    // Nothing, however often: no size would ever end the count.
    if part.is_empty() {
        return Ok(steps);
    }
    for _ in 0..least {
        steps.extend_from_slice(part);
        steps = check_size(steps)?;
    }
    match most {
        None => {
            steps.push(Step::Fork(distance(part.len() + 2)));
            steps.extend_from_slice(part);
            steps.push(Step::Jump(-distance(part.len() + 1)));
        }
        Some(most) => {
            for _ in least..most {
                steps.push(Step::Fork(distance(part.len() + 1)));
                steps.extend_from_slice(part);
                steps = check_size(steps)?;
            }
        }
    }
    check_size(steps)
}

fn check_size(steps: Vec<Step>) -> Part {
    const MOST: usize = 10_000;
    if steps.len() <= MOST { Ok(steps) } else { Err("it is too large".into()) }
}

fn distance(steps: usize) -> isize {
    isize::try_from(steps).unwrap_or(isize::MAX)
}

#[cfg(test)]
#[path = "../fuzz/pattern.rs"]
mod properties;

#[cfg(test)]
#[path = "pattern_tests.rs"]
mod tests;
