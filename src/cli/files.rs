//! Runs in: outer or init, before anything else. The options about what the command finds in the file system; pure.

use super::args::{Value, forgotten};
use super::values::word;
use crate::error::UsageError;
use crate::request::{FurnishStep, Furnishing};
use std::ffi::{CString, OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

/// Adds what one option asks for.
///
/// # Errors
/// A value that is not of its form, or a place inside that is none.
pub(super) fn set(furnishing: &mut Furnishing, value: Value) -> Result<(), UsageError> {
    let option = value.option.long;
    let whole = |value: Value| target(option, value.value.as_bytes());
    let step = match option {
        "rootfs" => {
            furnishing.rootfs = Some(value.bytes(word)?);
            return Ok(());
        }
        "read-only" => {
            furnishing.read_only = true;
            return Ok(());
        }
        "bind" | "ro-bind" => {
            let (source, inside) = split(&value.value)
                .filter(|(source, _)| !source.is_empty())
                .ok_or_else(|| value.not_understood())?;
            let source = CString::new(source).map_err(|_| value.not_understood())?;
            FurnishStep::Bind { source, target: target(option, inside)?, read_only: option == "ro-bind" }
        }
        "tmpfs" => {
            let (inside, size) = match split(&value.value) {
                None => (value.value.as_bytes(), None),
                Some((inside, word)) => (inside, Some(size(word).ok_or_else(|| value.not_understood())?)),
            };
            FurnishStep::Tmpfs { target: target(option, inside)?, size }
        }
        "dev" => FurnishStep::Dev { target: whole(value)? },
        "proc-at" => FurnishStep::Proc { target: whole(value)? },
        "mask" => FurnishStep::Mask { target: whole(value)? },
        other => return Err(forgotten(other)),
    };
    furnishing.steps.push(step);
    Ok(())
}

/// What stands before and after the last colon: a path outside may well have others.
fn split(value: &OsStr) -> Option<(&[u8], &[u8])> {
    let bytes = value.as_bytes();
    let at = bytes.iter().rposition(|byte| *byte == b':')?;
    Some((bytes.get(..at)?, bytes.get(at + 1..)?))
}

/// A path inside: absolute, and not the root, under which nobody would find what was mounted on it.
fn target(option: &str, path: &[u8]) -> Result<OsString, UsageError> {
    let path = OsStr::from_bytes(path);
    if !path.as_bytes().starts_with(b"/") {
        let message = format!("--{option}: the path inside must be absolute: {}", path.display());
        return Err(UsageError::with_hint(message, "begin it with a /"));
    }
    let leads_nowhere = |name: &[u8]| matches!(name, b"" | b"." | b"..");
    if path.as_bytes().split(|byte| *byte == b'/').all(leads_nowhere) {
        let message = format!("--{option}: this is the root directory itself: {}", path.display());
        return Err(UsageError::with_hint(message, "--rootfs DIR gives the command another root"));
    }
    Ok(path.to_owned())
}

/// A size as in tmpfs(5): bytes, with k, m or g for their powers of 1024, or a percentage of the memory.
fn size(word: &[u8]) -> Option<CString> {
    let (number, shift) = match word.split_last()? {
        (b'k' | b'K', number) => (number, 10),
        (b'm' | b'M', number) => (number, 20),
        (b'g' | b'G', number) => (number, 30),
        (b'%', number) => (number, 0),
        _ => (word, 0),
    };
    let is_plain = number.iter().all(u8::is_ascii_digit);
    let number: u64 = str::from_utf8(number).ok().filter(|_| is_plain)?.parse().ok()?;
    let most = if word.ends_with(b"%") { 100 } else { i64::MAX.cast_unsigned() >> shift };
    // The kernel takes 0 for "no limit".
    CString::new(word).ok().filter(|_| (1..=most).contains(&number))
}

#[cfg(test)]
#[path = "../fuzz/files.rs"]
mod properties;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        for word in ["1", "4096", "64k", "1M", "2g", "50%", "100%"] {
            assert_eq!(size(word.as_bytes()), CString::new(word).ok(), "{word}");
        }
        for word in [
            "",
            "0",
            "0%",
            "k",
            "%",
            "-1",
            "+1",
            "1.5m",
            "1t",
            "1mb",
            "101%",
            "9999999999g",
            "99999999999999999999",
            "1 m",
        ] {
            assert_eq!(size(word.as_bytes()), None, "{word}");
        }
    }

    #[test]
    fn the_last_colon_divides() {
        assert_eq!(split(OsStr::new("/a:b:/c")), Some((&b"/a:b"[..], &b"/c"[..])));
        assert_eq!(split(OsStr::new("/a")), None);
    }

    #[test]
    fn places_inside_are_absolute_and_not_the_root() {
        assert_eq!(target("bind", b"/a/../b"), Ok("/a/../b".into()));
        for path in [&b""[..], b"a", b"./a"] {
            assert!(target("bind", path).unwrap_err().message.contains("must be absolute"), "{path:?}");
        }
        for path in [&b"/"[..], b"//", b"/.", b"/../."] {
            assert!(target("bind", path).unwrap_err().message.contains("the root directory itself"), "{path:?}");
        }
    }
}
