//! Runs in: outer or init, before anything else. From the words that options take as values to what they mean; pure.
//!
//! Past 300 lines with the tables of its tests.

use crate::capability::Capabilities;
use crate::error::UsageError;
use crate::idmap::Range;
use crate::packed::packed;
use crate::request::{ClockOffset, Groups, Limit, TraceTo};
use crate::signal::{Signal, digits};
use nix::libc::rlim_t;
use nix::sys::resource::{RLIM_INFINITY, Resource};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::time::Duration;

/// The number of a process, also with a `+`.
pub(super) fn pid(value: &str) -> Meaning<i32> {
    digits(value.strip_prefix('+').unwrap_or(value)).filter(|pid| *pid > 0)
}

/// What an option's value is understood by. `None`: it is not.
pub(super) type Meaning<T> = Option<T>;

/// That a signal cannot be rewritten, as pidone does not forward it at all.
pub(super) fn never_forwarded(option: &str, signal: Signal) -> UsageError {
    let message = format!("--{option}: pidone never forwards this signal: {signal}");
    UsageError::with_hint(message, packed!("KILL and STOP act on pidone itself, CHLD is about its own children"))
}

/// Signals with commas between them, each once; or `all` that are forwarded.
pub(super) fn signals(value: &str) -> Meaning<Vec<Signal>> {
    let mut signals = Vec::new();
    if value == "all" {
        for number in 1..=64 {
            signals.extend(Signal::new(number).filter(|signal| signal.is_forwarded() && !signal.is_libcs()));
        }
        return Some(signals);
    }
    for word in parts(value, ',') {
        let signal = Signal::parse(word).filter(|signal| signal.is_forwarded())?;
        if !signals.contains(&signal) {
            signals.push(signal);
        }
    }
    Some(signals)
}

/// What stands between separators.
#[inline(never)]
pub(super) fn parts(list: &str, separator: char) -> Vec<&str> {
    list.split(separator).collect()
}

/// `FROM:TO` of signals; TO 0 stands for nothing.
pub(super) fn rewrite(value: &str) -> Meaning<(Signal, Option<Signal>)> {
    let (from, to) = value.split_once(':')?;
    let to = if to == "0" { None } else { Some(Signal::parse(to)?) };
    Some((Signal::parse(from)?, to))
}

/// Where the trace goes by default.
pub(super) const STDERR: &str = "fd:2";

/// `fd:N`, or a path. One that only names a descriptor is taken for that: opened as a file it would be emptied, and a
/// socket cannot be opened.
pub(super) fn trace_target(value: &OsStr) -> Meaning<TraceTo> {
    let name = value.to_str().unwrap_or_default();
    let number = match name {
        "/dev/stdout" => Some("1"),
        "/dev/stderr" => Some("2"),
        _ => name.strip_prefix("fd:").or_else(|| name.strip_prefix("/dev/fd/")),
    };
    match number {
        Some(number) => digits(number).map(TraceTo::Descriptor),
        None => word(value).map(|path| TraceTo::File(path.to_owned())),
    }
}

/// `FROM:TO` of exit statuses.
pub(super) fn exit_mapping(value: &str) -> Meaning<(u8, u8)> {
    let (from, to) = value.split_once(':')?;
    Some((digits(from)?, digits(to)?))
}

/// `10s`, `500ms`, `2m`, `1h`, or bare seconds; with a fraction or without. At most a century.
pub(super) fn duration(value: &str) -> Meaning<Duration> {
    const CENTURY: u64 = 36525 * 86400;
    const BILLION: u64 = 1_000_000_000;
    let end = value.bytes().position(|byte| !byte.is_ascii_digit() && byte != b'.').unwrap_or(value.len());
    let (number, unit) = value.split_at_checked(end)?;
    let milliseconds = match unit {
        "ms" => 1,
        "s" | "" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return None,
    };
    let (whole, fraction) = decimal(number).filter(|(whole, _)| *whole <= CENTURY)?;
    let whole = whole * milliseconds;
    let nanoseconds = whole % 1000 * 1_000_000 + u64::from(fraction) * milliseconds / 1000;
    let seconds = whole / 1000 + nanoseconds / BILLION;
    let nanoseconds = u32::try_from(nanoseconds % BILLION).ok()?;
    (seconds <= CENTURY).then(|| Duration::new(seconds, nanoseconds))
}

/// The name or number of a user or group.
pub(super) fn name(value: &str) -> Meaning<&str> {
    Some(value).filter(|name| !name.is_empty())
}

/// `none`, `init`, or names and numbers with commas between them.
pub(super) fn groups(value: &str) -> Meaning<Groups> {
    match value {
        "none" => Some(Groups::None),
        "init" => Some(Groups::Init),
        list => {
            let mut names = Vec::new();
            for part in parts(list, ',') {
                names.push(name(part)?.to_owned());
            }
            Some(Groups::List(names))
        }
    }
}

/// `USER`, or `USER:GROUP` as gosu(1) has it.
pub(super) fn user_and_group(value: &str) -> Meaning<(&str, Option<&str>)> {
    match value.split_once(':') {
        Some((user, group)) => Some((name(user)?, Some(name(group)?))),
        None => Some((name(value)?, None)),
    }
}

/// A list of capabilities, or `all`.
pub(super) fn capabilities_or_all(value: &str) -> Meaning<Capabilities> {
    if value == "all" { Some(Capabilities::ALL) } else { Capabilities::parse(value) }
}

/// An octal number, 0 to 777.
pub(super) fn umask(value: &str) -> Meaning<u32> {
    const ALL: u32 = 0o777;
    let mut mask = None;
    for byte in value.bytes() {
        let digit = Some(byte).filter(|byte| (b'0'..=b'7').contains(byte))? - b'0';
        mask = Some(mask.unwrap_or(0) << 3 | u32::from(digit)).filter(|mask| *mask <= ALL);
        mask?;
    }
    mask
}

/// `IN:OUT:COUNT`, of ids.
pub(super) fn id_range(value: &str) -> Meaning<Range> {
    let [inside, outside, count] = parts(value, ':')[..] else { return None };
    let range = Range { inside: digits(inside)?, outside: digits(outside)?, count: digits(count)? };
    (range.count > 0).then_some(range)
}

/// Seconds, negative ones too, with a fraction or without; within what the kernel takes.
pub(super) fn clock_offset(value: &str) -> Meaning<ClockOffset> {
    /// About 292 years, in which a clock's nanoseconds fit into 63 bits.
    const MOST: u64 = i64::MAX as u64 / 1_000_000_000;
    let (is_negative, number) = match value.strip_prefix('-') {
        Some(number) => (true, number),
        None => (false, value.strip_prefix('+').unwrap_or(value)),
    };
    let (seconds, nanoseconds) = decimal(number)?;
    let seconds = i64::try_from(seconds).ok().filter(|_| seconds <= MOST)?;
    Some(match (is_negative, nanoseconds) {
        (false, _) => ClockOffset { seconds, nanoseconds },
        (true, 0) => ClockOffset { seconds: -seconds, nanoseconds: 0 },
        (true, _) => ClockOffset { seconds: -seconds - 1, nanoseconds: 1_000_000_000 - nanoseconds },
    })
}

/// Digits with a point among them or without: the whole, and the fraction in thousand millionths.
fn decimal(number: &str) -> Meaning<(u64, u32)> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let whole = if whole.is_empty() { 0 } else { digits(whole)? };
    let (mut billionths, mut place) = (0, 1_000_000_000);
    for byte in fraction.bytes() {
        let digit = u32::from(Some(byte).filter(u8::is_ascii_digit)? - b'0');
        place /= 10;
        // There are nine digits in a nanosecond, and no clock of the kernel's takes more.
        if place == 0 && digit > 0 {
            return None;
        }
        billionths += digit * place;
    }
    Some((whole, billionths))
}

/// A host or domain name: what uname(2) has room for.
pub(super) fn system_name(value: &OsStr) -> Meaning<&OsStr> {
    const MOST: usize = 64;
    word(value).filter(|name| name.len() <= MOST)
}

/// A number from `least` to `most`.
pub(super) fn between(value: &str, least: i32, most: i32) -> Meaning<i32> {
    let number = match value.strip_prefix('-') {
        Some(number) => -digits::<i32>(number)?,
        None => digits(value)?,
    };
    (least..=most).contains(&number).then_some(number)
}

/// `NAME=VALUE`, with a name.
pub(super) fn variable(value: &OsStr) -> Meaning<&OsStr> {
    let has_name = value.as_bytes().iter().position(|byte| *byte == b'=').is_some_and(|at| at > 0);
    has_name.then_some(value)
}

/// The name of a variable.
pub(super) fn variable_name(value: &OsStr) -> Meaning<&OsStr> {
    word(value).filter(|name| !name.as_bytes().contains(&b'='))
}

/// A path from the root on.
pub(super) fn absolute(value: &OsStr) -> Meaning<&OsStr> {
    Some(value).filter(|value| value.as_bytes().starts_with(b"/"))
}

/// Any word but an empty one.
pub(super) fn word(value: &OsStr) -> Meaning<&OsStr> {
    Some(value).filter(|value| !value.is_empty())
}

/// The resources of getrlimit(2), by their names in prlimit(1).
pub(super) const RESOURCES: &[(&str, Resource)] = &[
    ("as", Resource::RLIMIT_AS),
    ("core", Resource::RLIMIT_CORE),
    ("cpu", Resource::RLIMIT_CPU),
    ("data", Resource::RLIMIT_DATA),
    ("fsize", Resource::RLIMIT_FSIZE),
    ("locks", Resource::RLIMIT_LOCKS),
    ("memlock", Resource::RLIMIT_MEMLOCK),
    ("msgqueue", Resource::RLIMIT_MSGQUEUE),
    ("nice", Resource::RLIMIT_NICE),
    ("nofile", Resource::RLIMIT_NOFILE),
    ("nproc", Resource::RLIMIT_NPROC),
    ("rss", Resource::RLIMIT_RSS),
    ("rtprio", Resource::RLIMIT_RTPRIO),
    ("rttime", Resource::RLIMIT_RTTIME),
    ("sigpending", Resource::RLIMIT_SIGPENDING),
    ("stack", Resource::RLIMIT_STACK),
];

/// `NAME=SOFT[:HARD]`. One number is both; `SOFT:` and `:HARD` leave the other as it is.
pub(super) fn limit(value: &str) -> Meaning<Limit> {
    let (name, values) = value.split_once('=')?;
    let name = name.to_ascii_lowercase();
    let name = name.strip_prefix("rlimit_").unwrap_or(&name);
    let (name, resource) = *RESOURCES.iter().find(|(known, _)| *known == name)?;
    let (soft, hard) = values.split_once(':').unwrap_or((values, values));
    let limit = Limit { resource, name, soft: limit_value(soft)?, hard: limit_value(hard)? };
    let is_empty = limit.soft.is_none() && limit.hard.is_none();
    let is_upside_down = limit.soft.zip(limit.hard).is_some_and(|(soft, hard)| soft > hard);
    (!is_empty && !is_upside_down).then_some(limit)
}

fn limit_value(value: &str) -> Meaning<Option<rlim_t>> {
    match value {
        "" => Some(None),
        "unlimited" | "infinity" => Some(Some(RLIM_INFINITY)),
        number => digits(number).map(Some),
    }
}

#[cfg(test)]
#[path = "../fuzz/values.rs"]
mod properties;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        let table = [
            ("10s", 10_000),
            ("500ms", 500),
            ("10", 10_000),
            ("0", 0),
            ("1.5s", 1500),
            (".5", 500),
            ("2m", 120_000),
            ("1h", 3_600_000),
            ("0ms", 0),
        ];
        for (word, milliseconds) in table {
            assert_eq!(duration(word), Some(Duration::from_millis(milliseconds)), "{word}");
        }
        for word in
            ["", "s", "-1", "1x", "1 s", "1e3", "inf", "nan", "1.2.3", ".", "10S", "99999999999", "99999999h", "+1"]
        {
            assert_eq!(duration(word), None, "{word}");
        }
    }

    #[test]
    fn clock_offsets() {
        let parsed = |word| clock_offset(word).map(|offset| (offset.seconds, offset.nanoseconds));
        let table = [
            ("300000000", (300_000_000, 0)),
            ("-7", (-7, 0)),
            ("+1.5", (1, 500_000_000)),
            ("-1.5", (-2, 500_000_000)),
            ("-.000000001", (-1, 999_999_999)),
            ("0", (0, 0)),
            ("-0", (0, 0)),
            ("1.50000000000", (1, 500_000_000)),
        ];
        for (word, offset) in table {
            assert_eq!(parsed(word), Some(offset), "{word}");
        }
        for word in ["", "-", ".", "1s", "--1", "1e3", "9223372037", "-9223372037", "1.2.3", "1.+2", ".0000000001"]
        {
            assert_eq!(parsed(word), None, "{word}");
        }
    }

    #[test]
    fn id_ranges() {
        assert_eq!(id_range("0:100000:65536"), Some(Range { inside: 0, outside: 100_000, count: 65_536 }));
        for word in ["", "0", "0:1", "0:1:0", "0:1:2:3", "a:1:1", "0:-1:1", "0:4294967296:1"] {
            assert_eq!(id_range(word), None, "{word}");
        }
    }

    #[test]
    fn limits() {
        let parsed = |word| limit(word).map(|limit| (limit.name, limit.soft, limit.hard));
        assert_eq!(parsed("nofile=10"), Some(("nofile", Some(10), Some(10))));
        assert_eq!(parsed("NOFILE=10:20"), Some(("nofile", Some(10), Some(20))));
        assert_eq!(parsed("rlimit_core=0:unlimited"), Some(("core", Some(0), Some(RLIM_INFINITY))));
        assert_eq!(parsed("cpu=5:"), Some(("cpu", Some(5), None)));
        assert_eq!(parsed("cpu=:5"), Some(("cpu", None, Some(5))));
        for word in
            ["", "nofile", "nofile=", "nofile=:", "nofile=2:1", "nofile=-1", "files=1", "nofile=1:2:3", "=1"]
        {
            assert_eq!(parsed(word), None, "{word}");
        }
    }

    #[test]
    fn masks_and_groups() {
        assert_eq!(umask("022"), Some(0o22));
        assert_eq!(umask("0"), Some(0));
        assert_eq!(umask("0777"), Some(0o777));
        for word in ["", "8", "1000", "-1", "+7", "0o22", "u=rwx"] {
            assert_eq!(umask(word), None, "{word}");
        }
        assert_eq!(groups("a,7"), Some(Groups::List(vec!["a".into(), "7".into()])));
        assert_eq!(groups("none"), Some(Groups::None));
        assert_eq!(groups("a,,b"), None);
        assert_eq!(groups(""), None);
    }
}
