//! Runs in: outer or init, before any clone. Where a command is looked for; pure.

use crate::sys::kept;
use std::ffi::{CStr, OsStr};
use std::os::unix::ffi::OsStrExt;

/// Where a command without PATH is looked for, as musl does.
pub(crate) const DEFAULT_PATH: &str = "/usr/local/bin:/bin:/usr/bin";

/// The paths that execvp(3) would try: PATH is searched only for a name without a slash, and an empty entry of it
/// means the working directory. They are kept for as long as the process lives, like the environment. A name with a NUL, which
/// no command line can hold, has none.
pub(crate) fn candidates(command: &OsStr, path: Option<&OsStr>) -> Vec<&'static CStr> {
    let name = command.as_bytes();
    if name.is_empty() || name.contains(&b'/') {
        return Vec::from_iter(kept(name));
    }
    let mut candidates = Vec::new();
    for directory in path.unwrap_or(OsStr::new(DEFAULT_PATH)).as_bytes().split(|byte| *byte == b':') {
        let separator: &[u8] = if directory.is_empty() { b"./" } else { b"/" };
        candidates.extend(kept(&[directory, separator, name].concat()));
    }
    candidates
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_searched_as_execvp_does() {
        let table: &[(&str, Option<&str>, &[&str])] = &[
            ("ls", Some("/a:/b"), &["/a/ls", "/b/ls"]),
            ("ls", Some(""), &["./ls"]),
            ("ls", Some("/a::"), &["/a/ls", "./ls", "./ls"]),
            ("ls", None, &["/usr/local/bin/ls", "/bin/ls", "/usr/bin/ls"]),
            ("./ls", Some("/a"), &["./ls"]),
            ("d/ls", Some("/a"), &["d/ls"]),
            ("", Some("/a"), &[""]),
        ];
        for (command, path, expected) in table {
            let found = candidates(OsStr::new(command), path.map(OsStr::new));
            let found: Vec<_> = found.iter().map(|path| path.to_str().unwrap()).collect();
            assert_eq!(found, *expected, "{command} {path:?}");
        }
    }
}
