//! Runs in: outer or init, before anything else. The options about what the command finds in the file system; pure.

use super::options::Name;
use crate::error::UsageError;
use crate::request::FurnishStep;
use crate::signal::digits;
use std::ffi::{CString, OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

/// Adds the step that one option asks for. `None`: its value is not of its form.
///
/// # Errors
/// A place inside that is none.
#[inline(never)]
pub(super) fn push(
    steps: &mut Vec<FurnishStep>,
    name: Name,
    option: &str,
    value: &OsStr,
) -> Option<Result<(), UsageError>> {
    let (inside, of_its_own) = match (name, split(value)) {
        (Name::Bind | Name::RoBind, parts) => {
            let (source, inside) = parts.filter(|(source, _)| !source.is_empty())?;
            (inside, Some(CString::new(source).ok()?))
        }
        (Name::Tmpfs, Some((inside, word))) => (inside, Some(size(word)?)),
        _ => (value.as_bytes(), None),
    };
    let target = match target(option, inside) {
        Ok(target) => target,
        Err(error) => return Some(Err(error)),
    };
    steps.push(match (name, of_its_own) {
        (Name::Bind | Name::RoBind, Some(source)) => {
            FurnishStep::Bind { source, target, read_only: name == Name::RoBind }
        }
        (Name::Tmpfs, size) => FurnishStep::Tmpfs { target, size },
        (Name::Dev, _) => FurnishStep::Dev { target },
        (Name::ProcAt, _) => FurnishStep::Proc { target },
        _ => FurnishStep::Mask { target },
    });
    Some(Ok(()))
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
    let number: u64 = digits(str::from_utf8(number).ok()?)?;
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
