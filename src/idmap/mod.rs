//! Runs in: outer, before any clone. Which ids are mapped into a new user namespace, user_namespaces(7): put together from
//! what was asked for, and checked, so that the kernel's plain "no" is the last thing to be heard.
//!
//! - [`mod@write`]: where they are written, once there is somebody to write them for.
//!
//! Past 300 lines because each way in which a map can be wrong has its message.

mod write;

use crate::account;
use crate::capability;
use crate::error::UsageError;
use crate::files;
use crate::order::sort_by_number;
use crate::packed::{Packed, packed};
use nix::unistd::{getegid, geteuid};
use std::cmp::Ordering;
use std::fmt::{self, Write as _};

pub(crate) use write::write;

/// Consecutive ids: `count` of them, from `inside` in the new namespace, from `outside` in ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Range {
    pub(crate) inside: u32,
    pub(crate) outside: u32,
    pub(crate) count: u32,
}

impl Range {
    fn one(inside: u32, outside: u32) -> Self {
        Range { inside, outside, count: 1 }
    }

    fn inside_end(self) -> u64 {
        u64::from(self.inside) + u64::from(self.count)
    }

    fn outside_end(self) -> u64 {
        u64::from(self.outside) + u64::from(self.count)
    }
}

/// As it is asked for.
impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.inside, self.outside, self.count)
    }
}

/// Who the caller is inside, if that is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Caller {
    /// Uid 0 and gid 0.
    Root,
    /// The same ids as outside.
    Current,
}

/// What was asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct MapRequest {
    pub(crate) caller: Option<Caller>,
    pub(crate) users: Vec<Range>,
    pub(crate) groups: Vec<Range>,
    /// Also the caller's ranges of /etc/subuid and /etc/subgid.
    pub(crate) auto: bool,
}

/// The maps of users and groups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct IdMaps {
    pub(crate) users: IdMap,
    pub(crate) groups: IdMap,
}

impl IdMaps {
    /// What was asked for, as far as this caller may have it.
    ///
    /// # Errors
    /// As `IdMap::new`; and who would have to write them cannot.
    pub(crate) fn new(request: &MapRequest) -> Result<Self, UsageError> {
        let map = |kind: Kind, id: u32| {
            // Who is but himself needs neither the kernel's map nor the files of subordinate ids.
            let asks_for_more = request.auto || !kind.asked(request).is_empty();
            let own_map = if asks_for_more { files::text(format_args!("{}", kind.own_map())) } else { None };
            let subordinate =
                if asks_for_more { account::subordinate(kind.file(), geteuid().as_raw()) } else { Vec::new() };
            let authority = Authority {
                id,
                privileged: asks_for_more && capability::is_effective(kind.capability()),
                own_map: &own_map.unwrap_or_default(),
                subordinate: &subordinate,
            };
            IdMap::new(kind, request, &authority)
        };
        let (users, groups) = (map(Kind::Users, geteuid().as_raw())?, map(Kind::Groups, getegid().as_raw())?);
        let helpers = [(&users, write::USER_HELPER), (&groups, write::GROUP_HELPER)];
        helpers.iter().filter(|(map, _)| map.needs_helper).try_for_each(|(_, name)| write::expect_helper(name))?;
        Ok(IdMaps { users, groups })
    }

    /// The uid that the caller has inside: its own as it is mapped, or else root's if there is one; if not, nobody's.
    pub(crate) fn uid_inside(&self) -> u32 {
        /// /proc/sys/kernel/overflowuid, by default.
        const NOBODY: u32 = 65534;
        let own = self.users.inside(geteuid().as_raw());
        own.or_else(|| self.users.has_inside(0).then_some(0)).unwrap_or(NOBODY)
    }

    /// Whether the caller's uid, and its gid, stand for nobody inside, where root could be had instead.
    pub(crate) fn wants_root(&self) -> (bool, bool) {
        let is_lost = |map: &IdMap, id: u32| map.inside(id).is_none() && map.has_inside(0);
        (is_lost(&self.users, geteuid().as_raw()), is_lost(&self.groups, getegid().as_raw()))
    }
}

/// One map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct IdMap {
    ranges: Vec<Range>,
    /// It takes newuidmap(1) or newgidmap(1), which may do what we may not.
    pub(crate) needs_helper: bool,
}

/// Users or groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Users,
    Groups,
}

/// What bears on whether a map is allowed.
pub(crate) struct Authority<'a> {
    /// The effective id.
    pub(crate) id: u32,
    /// CAP_SETUID or CAP_SETGID is there.
    pub(crate) privileged: bool,
    /// Text of our own uid_map or gid_map: what does not stand there is nobody here.
    pub(crate) own_map: &'a str,
    /// Our ranges of subuid(5) or subgid(5).
    pub(crate) subordinate: &'a [(u32, u32)],
}

/// Most lines that the kernel takes, since Linux 4.15.
const MOST_LINES: usize = 340;

/// Of a map's text: less than a page at a time, user_namespaces(7).
const MOST_BYTES: usize = 4095;

impl Kind {
    fn asked(self, request: &MapRequest) -> &[Range] {
        match self {
            Kind::Users => &request.users,
            Kind::Groups => &request.groups,
        }
    }

    fn own_map(self) -> &'static str {
        match self {
            Kind::Users => "/proc/self/uid_map",
            Kind::Groups => "/proc/self/gid_map",
        }
    }

    /// By its number, what makes every range allowed.
    fn capability(self) -> u32 {
        match self {
            Kind::Users => capability::SETUID,
            Kind::Groups => capability::SETGID,
        }
    }

    fn option(self) -> &'static str {
        match self {
            Kind::Users => "--map-users",
            Kind::Groups => "--map-groups",
        }
    }

    fn file(self) -> &'static str {
        match self {
            Kind::Users => account::SUBUID,
            Kind::Groups => account::SUBGID,
        }
    }
}

impl IdMap {
    /// Puts the map of one kind together, and checks it.
    ///
    /// # Errors
    /// Says which ranges overlap, leave a gap, are not ours, or are too many.
    pub(crate) fn new(kind: Kind, request: &MapRequest, authority: &Authority<'_>) -> Result<Self, UsageError> {
        let asked = kind.asked(request);
        let caller = match request.caller {
            Some(Caller::Root) => Some(Range::one(0, authority.id)),
            Some(Caller::Current) => Some(Range::one(authority.id, authority.id)),
            None if request.auto => Some(Range::one(0, authority.id)),
            None if asked.is_empty() => Some(Range::one(authority.id, authority.id)),
            None => None,
        };
        let mut ranges = Vec::from_iter(caller);
        ranges.extend_from_slice(asked);
        if request.auto {
            add_subordinate(kind, &mut ranges, authority)?;
        }
        check(kind, &ranges)?;
        let needs_helper = check_authority(kind, &ranges, authority)?;
        Ok(IdMap { ranges, needs_helper })
    }

    /// The id inside that stands for `outside`.
    pub(crate) fn inside(&self, outside: u32) -> Option<u32> {
        let range = self
            .ranges
            .iter()
            .find(|range| range.outside <= outside && u64::from(outside) < range.outside_end())?;
        Some(range.inside + (outside - range.outside))
    }

    /// Whether `inside` stands for somebody.
    pub(crate) fn has_inside(&self, inside: u32) -> bool {
        self.ranges.iter().any(|range| range.inside <= inside && u64::from(inside) < range.inside_end())
    }

    /// The numbers, as the files below /proc and the helpers' command lines have them, one range a line.
    pub(crate) fn lines(&self) -> String {
        lines(&self.ranges)
    }
}

fn lines(ranges: &[Range]) -> String {
    let mut text = String::new();
    for Range { inside, outside, count } in ranges {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{inside} {outside} {count}");
    }
    text
}

/// Gives ids from 0 up, as far as they are free, to the subordinate ones.
fn add_subordinate(kind: Kind, ranges: &mut Vec<Range>, authority: &Authority<'_>) -> Result<(), UsageError> {
    if authority.subordinate.is_empty() {
        let hint = if authority.privileged {
            packed!("name ids yourself: --map-users 0:100000:65536 --map-groups 0:100000:65536")
        } else {
            packed!(
                "an administrator gives them out: usermod --add-subuids 100000-165535 --add-subgids 100000-165535 NAME"
            )
        };
        let message = format!("--map-auto: {} has no range for you", kind.file());
        return Err(UsageError::with_hint(message, hint));
    }
    let mut next = 0;
    for (outside, count) in authority.subordinate {
        let (mut outside, mut left) = (*outside, *count);
        while left > 0 {
            // A range may go beyond the last id, which is for `check` to refuse.
            while next < u32::MAX
                && let Some(range) =
                    ranges.iter().find(|range| range.inside <= next && u64::from(next) < range.inside_end())
            {
                next = range.inside.saturating_add(range.count);
            }
            let taken = ranges.iter().map(|range| range.inside).filter(|inside| *inside > next).min();
            let count = left.min(taken.map_or(u32::MAX, |taken| taken - next));
            let count = count.min(u32::MAX - next);
            if count == 0 {
                return Ok(());
            }
            ranges.push(Range { inside: next, outside, count });
            (outside, left) = (outside.saturating_add(count), left - count);
        }
    }
    Ok(())
}

/// Ranges must not overlap, on either side, nor leave ids between them that would be nobody.
fn check(kind: Kind, ranges: &[Range]) -> Result<(), UsageError> {
    const TWICE: Packed =
        packed!("an id can be mapped only once; --map-root, --map-current and --map-auto map yours, too");
    if ranges.len() > MOST_LINES {
        let message = format!("{} ranges, and the kernel takes {MOST_LINES} at most", ranges.len());
        return wrong(kind, &message, packed!("join what is consecutive"));
    }
    if lines(ranges).len() > MOST_BYTES {
        let message = format!(
            "{} ranges are more than {MOST_BYTES} bytes of text, and the kernel takes no more",
            ranges.len()
        );
        return wrong(kind, &message, packed!("join what is consecutive"));
    }
    for range in ranges {
        if range.inside_end() > u32::MAX.into() || range.outside_end() > u32::MAX.into() {
            let message = format!("goes beyond the last id, 4294967294: {range}");
            return wrong(kind, &message, packed!("give a smaller COUNT"));
        }
    }
    let mut sorted = ranges.to_vec();
    sort_by_number(&mut sorted, |range| u64::from(range.outside));
    for (a, b) in pairs(&sorted) {
        if a.outside_end() > b.outside.into() {
            return wrong(kind, &format!("these overlap outside: {a} and {b}"), TWICE);
        }
    }
    sort_by_number(&mut sorted, |range| u64::from(range.inside));
    for (a, b) in pairs(&sorted) {
        match a.inside_end().cmp(&b.inside.into()) {
            Ordering::Greater => return wrong(kind, &format!("these overlap inside: {a} and {b}"), TWICE),
            Ordering::Equal => {}
            Ordering::Less => {
                let message = format!("there is a gap inside between {a} and {b}");
                return wrong(
                    kind,
                    &message,
                    packed!("ids in it would be nobody: let the ranges follow upon each other"),
                );
            }
        }
    }
    Ok(())
}

fn wrong<T>(kind: Kind, message: &str, hint: impl Into<String>) -> Result<T, UsageError> {
    Err(UsageError::with_hint([kind.option(), ": ", message].concat(), hint))
}

/// Each with the one after it.
fn pairs(ranges: &[Range]) -> impl Iterator<Item = (&Range, &Range)> {
    ranges.iter().zip(ranges.iter().skip(1))
}

/// Whether the ranges may be mapped; true if only a helper may.
fn check_authority(kind: Kind, ranges: &[Range], authority: &Authority<'_>) -> Result<bool, UsageError> {
    let is_own = |range: &Range| range.outside == authority.id && range.count == 1;
    if authority.privileged {
        let own = parse_map(authority.own_map);
        for range in ranges {
            if !own.iter().any(|own| covers((own.inside, own.count), *range)) {
                let hint = packed!("in this user namespace only those of /proc/self/uid_map and gid_map exist");
                return wrong(kind, &format!("{range}: there are no such ids here"), hint);
            }
        }
        return Ok(false);
    }
    for range in ranges {
        if is_own(range) || authority.subordinate.iter().any(|subordinate| covers(*subordinate, *range)) {
            continue;
        }
        let mut hint = format!("an ordinary user can map itself and what {} gives it (FIRST:COUNT):", kind.file());
        let mut before = " ";
        for (first, count) in authority.subordinate {
            // Writing to a String cannot fail.
            let _ = write!(hint, "{before}{first}:{count}");
            before = ", ";
        }
        if authority.subordinate.is_empty() {
            hint.push_str(" none");
        }
        return wrong(kind, &format!("{range}: these ids are not yours to map"), hint);
    }
    // The kernel lets everybody map just themselves.
    Ok(!matches!(ranges, [range] if is_own(range)))
}

fn covers((first, count): (u32, u32), range: Range) -> bool {
    first <= range.outside && range.outside_end() <= u64::from(first) + u64::from(count)
}

/// The text of a uid_map or gid_map.
fn parse_map(text: &str) -> Vec<Range> {
    let mut ranges = Vec::new();
    let mut numbers = text.split_ascii_whitespace().map_while(|number| number.parse().ok());
    while let (Some(inside), Some(outside), Some(count)) = (numbers.next(), numbers.next(), numbers.next()) {
        ranges.push(Range { inside, outside, count });
    }
    ranges
}

#[cfg(test)]
#[path = "../fuzz/idmap.rs"]
mod properties;

#[cfg(test)]
mod tests;
