//! Runs in: outer, init. An event as a line of JSON; pure. README has the fields, and each event has all of its own, always.

use super::buffer::{Buffer, Piece, clip, cost};
use super::event::{Done, Event, Sender};
use super::{LONGEST, Stamp};
use crate::error::Voice;
use crate::exit::Outcome;
use crate::json::Json;
use crate::signal::Signal;
use crate::sys::SignalInfo;
use nix::libc;
use std::ffi::OsString;
use std::fmt::{self, Display, Write as _};
use std::os::unix::ffi::OsStrExt;
use std::time::Duration;

/// Of the lines. It grows when a field changes its meaning or goes, not when one comes.
const SCHEMA_VERSION: u32 = 1;

/// The writer of one event.
pub(super) type Out<'b> = Json<&'b mut Buffer>;

/// The event as a whole line.
///
/// # Errors
/// None: what has no bound of its own is clipped to one.
pub(super) fn line(out: &mut Buffer, stamp: &Stamp, event: &Event<'_>) -> fmt::Result {
    Json::new(&mut *out).object(|json| {
        plain(json, "v", &SCHEMA_VERSION)?;
        plain(json, "t", &Seconds(stamp.since))?;
        plain(json, "wall", &Seconds(stamp.wall))?;
        text(json, "event", event.name())?;
        text(json, "speaker", stamp.speaker.name())?;
        plain(json, "speaker_pid", &stamp.speaker.pid)?;
        fields(json, event)
    })?;
    out.write_char('\n')
}

/// The event's own fields, within an object.
pub(super) fn fields(json: &mut Out<'_>, event: &Event<'_>) -> fmt::Result {
    match event {
        Event::Start { command, place, namespaces } => {
            text(json, "version", env!("CARGO_PKG_VERSION"))?;
            text(json, "place", place)?;
            json.key("namespaces")?;
            json.array(|json| namespaces.iter().try_for_each(|kind| json.text(kind.name())))?;
            words(json, command)
        }
        Event::Spawn { pid, role } => {
            plain(json, "pid", pid)?;
            text(json, "role", role.name())
        }
        Event::Signal { info, sender, done, recipient } => {
            signal(json, info, sender.as_ref())?;
            what_was_done(json, info, *done, *recipient)
        }
        Event::Reap { pid, name, role, status, usage, lifetime } => {
            plain(json, "pid", pid)?;
            optional_text(json, "comm", name.bytes())?;
            text(json, "role", role.name())?;
            let outcome = Outcome::from_wait(*status);
            plain(json, "status", &outcome.status())?;
            end(json, Some(outcome))?;
            plain(json, "core", &libc::WCOREDUMP(status.0))?;
            plain(json, "user", &Seconds(usage.user))?;
            plain(json, "system", &Seconds(usage.system))?;
            plain(json, "max_rss", &usage.max_rss)?;
            optional(json, "lifetime", as_shown(&lifetime.map(Seconds)))
        }
        Event::Stop { pid, signal } => {
            plain(json, "pid", pid)?;
            shown(json, "signal", signal)
        }
        Event::Continue { pid } => plain(json, "pid", pid),
        Event::StopTimeout { signal, timeout } => {
            shown(json, "signal", signal)?;
            plain(json, "timeout", &Seconds(*timeout))
        }
        Event::Kill { signal, recipient, why, names } => {
            shown(json, "signal", signal)?;
            plain(json, "recipient", recipient)?;
            text(json, "why", why.name())?;
            shown(json, "names", names)
        }
        Event::Exit { end: Ok(outcome), status } => {
            plain(json, "status", status)?;
            end(json, Some(*outcome))?;
            optional_text(json, "message", None)
        }
        Event::Exit { end: Err(failure), status } => {
            plain(json, "status", status)?;
            end(json, None)?;
            json.key("message")?;
            json.text(clip(&failure.line(Voice::Pidone), 1000))
        }
        Event::Lost { lines } => plain(json, "lines", lines),
    }
}

/// The arguments, as many as fit, and whether these are all.
fn words(json: &mut Out<'_>, command: &[OsString]) -> fmt::Result {
    /// What leaves enough room for everything else.
    const MOST: usize = LONGEST - 600;
    /// Quotes and a comma.
    const FRAME: usize = 3;
    let mut left = MOST;
    let mut is_whole = true;
    json.key("command")?;
    json.array(|json| {
        for word in command {
            if left <= FRAME {
                is_whole = false;
                break;
            }
            let clipped = clip(word.as_bytes(), left.saturating_sub(FRAME));
            is_whole &= clipped.len() == word.len();
            left = left.saturating_sub(FRAME).saturating_sub(cost(clipped));
            json.text(clipped)?;
        }
        Ok(())
    })?;
    plain(json, "command_is_whole", &is_whole)
}

/// Which signal, and from whom.
fn signal(json: &mut Out<'_>, info: &SignalInfo, sender: Option<&Sender>) -> fmt::Result {
    plain(json, "number", &info.signal().map_or(0, Signal::number))?;
    optional_shown(json, "name", info.signal().as_ref())?;
    code(json, info)?;
    json.key("sender")?;
    match sender {
        None => json.null()?,
        Some(sender) => json.object(|json| {
            plain(json, "pid", &sender.pid)?;
            plain(json, "uid", &sender.uid)?;
            optional_text(json, "comm", sender.comm.bytes())
        })?,
    }
    optional(json, "value", as_shown(&info.value()))
}

fn what_was_done(json: &mut Out<'_>, info: &SignalInfo, done: Done, recipient: Option<i32>) -> fmt::Result {
    text(json, "done", done.name(info.signal()))?;
    let (sent, errno) = match done {
        Done::Forwarded(signal) => (Some(signal), None),
        Done::Failed(signal, errno) => (Some(signal), Some(errno)),
        _ => (None, None),
    };
    optional_shown(json, "sent", sent.as_ref())?;
    optional(json, "recipient", as_shown(&recipient))?;
    json.key("errno")?;
    match errno {
        None => json.null(),
        Some(errno) => quoted(json, &crate::errno::name(errno)),
    }
}

/// The name of si_code, sigaction(2); or, of those that mean something else for each signal, the number.
fn code(json: &mut Out<'_>, info: &SignalInfo) -> fmt::Result {
    let name = match info.code() {
        _ if info.is_resume() => "PIDONE_RESUME",
        _ if info.is_parents_death() => "PIDONE_PARENT_DIED",
        libc::SI_USER => "SI_USER",
        libc::SI_KERNEL => "SI_KERNEL",
        libc::SI_QUEUE => "SI_QUEUE",
        libc::SI_TIMER => "SI_TIMER",
        libc::SI_MESGQ => "SI_MESGQ",
        libc::SI_TKILL => "SI_TKILL",
        other => return shown(json, "code", &other),
    };
    text(json, "code", name)
}

/// How something ended, if it did.
fn end(json: &mut Out<'_>, outcome: Option<Outcome>) -> fmt::Result {
    let (word, code, signal) = match outcome {
        Some(Outcome::Exited(code)) => ("exited", Some(code), None),
        Some(Outcome::Killed(signal)) => ("killed", None, Some(signal)),
        None => ("failed", None, None),
    };
    text(json, "outcome", word)?;
    optional(json, "code", as_shown(&code))?;
    optional_shown(json, "signal", signal.as_ref())
}

pub(super) fn plain(json: &mut Out<'_>, key: &str, value: &dyn Display) -> fmt::Result {
    json.key(key)?;
    json.plain(value)
}

pub(super) fn text(json: &mut Out<'_>, key: &str, value: &str) -> fmt::Result {
    json.key(key)?;
    json.text(value)
}

fn as_shown<T: Display>(value: &Option<T>) -> Option<&dyn Display> {
    value.as_ref().map(|value| value as &dyn Display)
}

fn optional(json: &mut Out<'_>, key: &str, value: Option<&dyn Display>) -> fmt::Result {
    plain(json, key, value.unwrap_or(&"null"))
}

fn optional_text(json: &mut Out<'_>, key: &str, value: Option<&[u8]>) -> fmt::Result {
    json.key(key)?;
    match value {
        Some(value) => json.text(value),
        None => json.null(),
    }
}

fn optional_shown(json: &mut Out<'_>, key: &str, value: Option<&Signal>) -> fmt::Result {
    match value {
        Some(value) => shown(json, key, value),
        None => plain(json, key, &"null"),
    }
}

/// As a string, of what can be displayed: clipped, by way of a buffer on the stack.
fn shown(json: &mut Out<'_>, key: &str, value: &dyn Display) -> fmt::Result {
    json.key(key)?;
    quoted(json, value)
}

fn quoted(json: &mut Out<'_>, value: &dyn Display) -> fmt::Result {
    let mut piece = Piece::new();
    // It never fails: it takes what has room.
    let _ = write!(piece, "{value}");
    json.text(clip(piece.bytes(), 1000))
}

/// Seconds to the microsecond, as JSON has numbers.
pub(super) struct Seconds(pub(super) Duration);

impl Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:06}", self.0.as_secs(), self.0.subsec_micros())
    }
}
