//! Runs in: outer or init, before any clone. Users and groups by name, from /etc/passwd and /etc/group alone: a static
//! binary has no NSS, and an image's own files are what its `USER` means.

use crate::errno::reason;
use crate::error::UsageError;
use crate::files;
use crate::order::sort_by_number;
use crate::packed::packed;
use crate::sys::retry_interrupted;
use nix::errno::Errno;
use nix::fcntl::{OFlag, OpenHow, ResolveFlag, openat2};
use nix::sys::stat::{SFlag, fstat};
use std::ffi::{OsStr, OsString};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt;

const PASSWD: &str = "/etc/passwd";
const GROUP: &str = "/etc/group";
/// subuid(5)
pub(crate) const SUBUID: &str = "/etc/subuid";
/// subgid(5)
pub(crate) const SUBGID: &str = "/etc/subgid";

/// A user, as far as it is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct User {
    pub(crate) uid: u32,
    /// Only of a user that stands in /etc/passwd.
    pub(crate) entry: Option<Box<Entry>>,
}

/// What else a line of passwd(5) says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) name: Vec<u8>,
    pub(crate) gid: u32,
    pub(crate) home: OsString,
    /// May be empty.
    pub(crate) shell: OsString,
}

/// Where users and groups are looked up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Accounts<'a> {
    /// The root directory that the workload will have, if it is another one.
    pub(crate) root: Option<&'a OsStr>,
}

impl Accounts<'_> {
    /// The user of this name or number. A name wins over a number that looks the same.
    ///
    /// # Errors
    /// There is none by that name, or the file cannot be read.
    pub(crate) fn user(self, word: &str) -> Result<User, UsageError> {
        let text = self.read_if_there(PASSWD)?;
        let number = id(word.as_bytes());
        let mut of_number = None;
        for line in lines(&text) {
            let Some((uid, entry)) = passwd_entry(line) else { continue };
            if entry.name == word.as_bytes() {
                return Ok(User { uid, entry: Some(entry) });
            }
            if Some(uid) == number && of_number.is_none() {
                of_number = Some(entry);
            }
        }
        match number {
            Some(uid) => Ok(User { uid, entry: of_number }),
            None => Err(self.unknown("user", word, PASSWD)),
        }
    }

    /// The id of the group of this name or number.
    ///
    /// # Errors
    /// As `user`.
    pub(crate) fn group(self, word: &str) -> Result<u32, UsageError> {
        for line in lines(&self.read_if_there(GROUP)?) {
            if let Some(entry) = group_entry(line)
                && entry.name == word.as_bytes()
            {
                return Ok(entry.gid);
            }
        }
        id(word.as_bytes()).ok_or_else(|| self.unknown("group", word, GROUP))
    }

    /// The groups of a user as a login gives them: its own, and those that /etc/group lists it in.
    ///
    /// # Errors
    /// The file is there, and cannot be read.
    pub(crate) fn groups_of(self, name: &[u8], own: u32) -> Result<Vec<u32>, UsageError> {
        let mut groups = vec![own];
        // Without the file nobody is listed.
        for line in lines(&self.read_if_there(GROUP)?) {
            if let Some(entry) = group_entry(line)
                && entry.members.split(|byte| *byte == b',').any(|one| one == name)
            {
                groups.push(entry.gid);
            }
        }
        sort_by_number(&mut groups, |group| u64::from(*group));
        groups.dedup();
        Ok(groups)
    }

    /// An image need not have the file; but one that cannot be read might have said something else.
    fn read_if_there(self, path: &str) -> Result<Vec<u8>, UsageError> {
        let read = match self.root {
            None => read(path),
            Some(root) => read_inside(root, path),
        };
        match read {
            Err(Errno::ENOENT | Errno::ENOTDIR) => Ok(Vec::new()),
            Err(errno) => {
                let hint = packed!("who a user is, and in which groups, is not guessed: the command does not run");
                let root = self.root.unwrap_or_default().display();
                Err(UsageError::with_hint(format!("cannot read {root}{path}: {}", reason(errno)), hint))
            }
            Ok(text) => Ok(text),
        }
    }

    fn unknown(self, kind: &str, word: &str, path: &str) -> UsageError {
        let root = self.root.unwrap_or_default().display();
        UsageError::with_hint(
            format!("{root}{path} has no {kind} {word}"),
            packed!("names are those of this file; a number (up to 4294967294) needs no entry in it"),
        )
    }
}

/// The ranges, as first id and count, that a file like /etc/subuid gives to a user, by name or number.
pub(crate) fn subordinate(path: &str, uid: u32) -> Vec<(u32, u32)> {
    let passwd = read(PASSWD).unwrap_or_default();
    let entry = lines(&passwd).filter_map(passwd_entry).find(|(of, _)| *of == uid);
    let name = entry.as_ref().map(|(_, entry)| entry.name.as_slice());
    subordinate_entries(&read(path).unwrap_or_default(), name, uid)
}

fn subordinate_entries(text: &[u8], name: Option<&[u8]>, uid: u32) -> Vec<(u32, u32)> {
    let mut ranges = Vec::new();
    for line in lines(text) {
        if let Some([owner, first, count, ..]) = fields(line, 3)
            && (Some(owner) == name || id(owner) == Some(uid))
            && let (Some(first), Some(count @ 1..)) = (id(first), id(count))
        {
            ranges.push((first, count));
        }
    }
    ranges
}

/// In an entered namespace this is a file of somebody else's, too.
fn read(path: &str) -> Result<Vec<u8>, Errno> {
    read_whole(&files::open(OsStr::new(path), READ)?)
}

/// Never waits, as opening a FIFO would.
const READ: OFlag = OFlag::O_RDONLY.union(OFlag::O_CLOEXEC).union(OFlag::O_NONBLOCK).union(OFlag::O_NOCTTY);

/// Reads a file, but nothing that has no end.
fn read_whole(file: &OwnedFd) -> Result<Vec<u8>, Errno> {
    match files::kind(&fstat(file)?) {
        // A directory is refused by read(2), with a better reason.
        SFlag::S_IFREG | SFlag::S_IFDIR => files::read_from(file),
        _ => Err(Errno::EINVAL),
    }
}

/// Whoever made that root may have put a link there that leads out of it.
fn read_inside(root: &OsStr, path: &str) -> Result<Vec<u8>, Errno> {
    let directory = files::open(root, OFlag::O_PATH | OFlag::O_DIRECTORY)?;
    let resolve = ResolveFlag::RESOLVE_IN_ROOT | ResolveFlag::RESOLVE_NO_MAGICLINKS;
    let how = OpenHow::new().flags(READ).resolve(resolve);
    let path = files::c_path(OsStr::new(path))?;
    read_whole(&retry_interrupted(|| openat2(&directory, path.as_c_str(), how))?)
}

/// A number that can be an id: −1 means "leave it" to the system calls.
fn id(word: &[u8]) -> Option<u32> {
    let is_plain = word.iter().all(u8::is_ascii_digit);
    str::from_utf8(word).ok().filter(|_| is_plain)?.parse().ok().filter(|id| *id != u32::MAX)
}

fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|byte| *byte == b'\n')
}

/// The first seven fields of a line, empty where there is none; `None` if there are fewer than `least`.
#[inline(never)]
fn fields(line: &[u8], least: usize) -> Option<[&[u8]; 7]> {
    let mut fields: [&[u8]; 7] = [b""; 7];
    let mut found = 0;
    for (number, (place, field)) in (1..).zip(fields.iter_mut().zip(line.split(|byte| *byte == b':'))) {
        (*place, found) = (field, number);
    }
    (found >= least).then_some(fields)
}

/// A line of passwd(5) that has a name, ids and a home.
#[inline(never)]
fn passwd_entry(line: &[u8]) -> Option<(u32, Box<Entry>)> {
    let [name, _password, uid, gid, _gecos, home, shell] = fields(line, 6).filter(|[name, ..]| !name.is_empty())?;
    let word = |field: &[u8]| OsString::from_vec(field.to_vec());
    Some((id(uid)?, Box::new(Entry { name: name.to_vec(), gid: id(gid)?, home: word(home), shell: word(shell) })))
}

/// A line of group(5).
struct GroupEntry<'a> {
    name: &'a [u8],
    gid: u32,
    members: &'a [u8],
}

fn group_entry(line: &[u8]) -> Option<GroupEntry<'_>> {
    let [name, _password, gid, members, ..] = fields(line, 3).filter(|[name, ..]| !name.is_empty())?;
    Some(GroupEntry { name, gid: id(gid)?, members })
}

#[cfg(test)]
#[path = "fuzz/account.rs"]
mod properties;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_are_none_are_passed_over() {
        let text = b"# comment\n\n+::::::\nroot:x:0:0:root:/root:/bin/sh\nbad:x:y:0::/:\nshort:x:1\nwww:x:33:34::/var/www\n";
        let found: Vec<_> =
            lines(text).filter_map(passwd_entry).map(|(uid, entry)| (uid, entry.gid, entry.home)).collect();
        assert_eq!(found, [(0, 0, "/root".into()), (33, 34, "/var/www".into())]);
        let text = b"root:x:0:\nadm:x:4:www,backup\nnobody\n:x:5:\nmax:x:4294967295:\n";
        let found: Vec<_> =
            lines(text).filter_map(group_entry).map(|entry| (entry.gid, entry.members.to_vec())).collect();
        assert_eq!(found, [(0, b"".to_vec()), (4, b"www,backup".to_vec())]);
    }

    #[test]
    fn subordinate_ranges_are_found_by_name_and_by_number() {
        let text = b"max:100000:65536\n1000:300000:10\nother:400000:5\nmax:x:1\nmax:7:0\n# max:1:1\nmax:9";
        assert_eq!(subordinate_entries(text, Some(b"max"), 1000), [(100_000, 65_536), (300_000, 10)]);
        assert_eq!(subordinate_entries(text, None, 1000), [(300_000, 10)]);
        assert_eq!(subordinate_entries(text, None, 1), []);
    }

    #[test]
    fn ids_are_plain_numbers() {
        assert_eq!(id(b"0"), Some(0));
        assert_eq!(id(b"4294967294"), Some(4_294_967_294));
        for word in [&b""[..], b"-1", b"+1", b"4294967295", b"1 ", b"0x1", b"\xff"] {
            assert_eq!(id(word), None, "{word:?}");
        }
    }
}
