//! Runs in: any thread-free process. Texts that only people read, packed by the compiler (as busybox does with its
//! usage texts): a byte above 127 stands for a phrase that is often in them. They are ASCII, and a third of them is phrases.

/// What 128 and the bytes after it stand for, in the order of their bytes, which groups them by their first one. They were found
/// by trying, again and again, another piece of these texts in the place of one, and keeping what made them shorter; with other
/// texts they only pack less.
const PHRASES: &str = "  |       | (| --| DIR| SIG| [OPT| a| a | and | as | be| can be | directory| does | for| from \
    | has | in| is | it| lin| must be | namespace| number| of | p| seccomp filter | security module forbids | sh| signal\
    | that | the | the command| to| wh| what| with|'s |, |, or|, which |. |/etc/sub|: |; |CAP_S|COMMAND\
    |IONS] [--] COMMAND [ARG...|ONE_OPTIONS (options|PID|PID 1|TERM|YS_ADMIN|able|all|an|and|ar|at|cannot |capabilities|ch\
    |com|d |default|docker: --|e |ea|ed|el|en|epeatable|er|es|file|file system|first|forward|group|il|in|ing|it|iv|ke|ma\
    |map|mount|name|ne|new |no|not |nvironment|on|one|only|or|ou|ow|pidone|proc|process|rea|ro|root|s |se|security-opt \
    |self|side|so|st|supplementary groups|t |take|ter|th|the|ther|this |time|to |un|user|version|y ";

/// Where a phrase stands among them.
#[derive(Clone, Copy)]
struct Place {
    start: usize,
    end: usize,
}

/// Where all of them stand; and the first one that begins with each byte, if there is one.
#[allow(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "done by the compiler, which checks it"
)]
const fn places() -> ([Place; 128], [Option<usize>; 128]) {
    let phrases = PHRASES.as_bytes();
    let (mut places, mut firsts) = ([Place { start: 0, end: 0 }; 128], [None; 128]);
    let (mut phrase, mut at) = (0, 0);
    while at < phrases.len() {
        if phrases[at] == b'|' {
            phrase += 1;
            places[phrase].start = at + 1;
        } else {
            places[phrase].end = at + 1;
        }
        at += 1;
    }
    while phrase > 0 {
        firsts[phrases[places[phrase].start] as usize] = Some(phrase);
        phrase -= 1;
    }
    firsts[phrases[0] as usize] = Some(0);
    (places, firsts)
}

/// A packed text.
#[derive(Clone, Copy)]
pub(crate) struct Packed(pub(crate) &'static [u8]);

impl Packed {
    /// Appends the text.
    #[inline(never)]
    pub(crate) fn push_to(&self, text: &mut String) {
        // By bytes: what splits at characters can panic, as far as the compiler knows.
        let phrases: Vec<&[u8]> = PHRASES.as_bytes().split(|byte| *byte == b'|').collect();
        for byte in self.0 {
            match byte.checked_sub(FIRST) {
                None => text.push(char::from(*byte)),
                Some(phrase) => {
                    let phrase = phrases.get(usize::from(phrase)).and_then(|phrase| str::from_utf8(phrase).ok());
                    text.push_str(phrase.unwrap_or_default());
                }
            }
        }
    }

    /// One line of it; none if it has not so many.
    pub(crate) fn line(&self, index: usize) -> Option<String> {
        let text = String::from(*self);
        let line = text.as_bytes().split(|byte| *byte == b'\n').nth(index)?;
        String::from_utf8(line.to_vec()).ok()
    }
}

impl From<Packed> for String {
    #[inline(never)]
    fn from(packed: Packed) -> Self {
        let mut text = String::new();
        packed.push_to(&mut text);
        text
    }
}

/// What stands for the first phrase.
const FIRST: u8 = 128;

/// Packs a constant.
macro_rules! packed {
    ($text:expr) => {{
        const PACKED: ([u8; $text.len()], usize) = $crate::packed::pack($text);
        const BYTES: [u8; PACKED.1] = $crate::packed::beginning(&PACKED.0);
        $crate::packed::Packed(&BYTES)
    }};
}
pub(crate) use packed;

/// The text in as few bytes as the phrases allow, and how many these are.
#[allow(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    reason = "done by the compiler, which checks it"
)]
pub(crate) const fn pack<const LENGTH: usize>(text: &str) -> ([u8; LENGTH], usize) {
    assert!(text.is_ascii());
    let (text, phrases, (places, firsts)) = (text.as_bytes(), PHRASES.as_bytes(), places());
    // For each byte, from the last one on: how many the text takes from there, and what stands for the phrase that begins there.
    let (mut costs, mut choices) = ([0_u16; 1 << 14], [0_u8; LENGTH]);
    let mut at = LENGTH;
    while at > 0 {
        at -= 1;
        let mut least = costs[at + 1];
        let mut phrase = match firsts[text[at] as usize] {
            Some(first) => first,
            None => places.len(),
        };
        while phrase < places.len() && phrases[places[phrase].start] == text[at] {
            let Place { start, end } = places[phrase];
            let mut same = 1;
            while start + same < end && at + same < LENGTH && text[at + same] == phrases[start + same] {
                same += 1;
            }
            if start + same == end && costs[at + same] < least {
                (least, choices[at]) = (costs[at + same], FIRST + phrase as u8);
            }
            phrase += 1;
        }
        costs[at] = least + 1;
    }
    let (mut packed, mut end) = ([0; LENGTH], 0);
    while at < LENGTH {
        if choices[at] == 0 {
            packed[end] = text[at];
            at += 1;
        } else {
            packed[end] = choices[at];
            let Place { start, end } = places[(choices[at] - FIRST) as usize];
            at += end - start;
        }
        end += 1;
    }
    (packed, end)
}

pub(crate) const fn beginning<const LENGTH: usize>(bytes: &[u8]) -> [u8; LENGTH] {
    let mut beginning = [0; LENGTH];
    beginning.copy_from_slice(bytes.split_at(LENGTH).0);
    beginning
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_packed_is_unpacked() {
        const TEXT: &str = "what the command is, and what it is not\n|an init|\n";
        let packed = packed!(TEXT);
        assert!(packed.0.len() < TEXT.len() * 2 / 3, "{:?}", packed.0);
        assert_eq!(String::from(packed), TEXT);
    }

    #[test]
    fn phrases_are_as_many_as_bytes_and_in_their_order() {
        let phrases: Vec<&str> = PHRASES.split('|').collect();
        assert_eq!(phrases.len(), 128);
        assert!(phrases.is_sorted());
    }
}
