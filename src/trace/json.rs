//! Runs in: outer, init. An event as a line of JSON; pure. README has the fields, and each event has all of its own, always.

use super::buffer::{Buffer, Piece, clip, cost};
use super::event::{Done, Event, Sender};
use super::{LONGEST, Stamp};
use crate::error::Voice;
use crate::exit::Outcome;
use crate::json::{Json, Value};
use crate::signal::Signal;
use crate::sys::SignalInfo;
use nix::libc;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt;

/// Of the lines. It grows when a field changes its meaning or goes, not when one comes.
const SCHEMA_VERSION: u32 = 1;

/// The event as a whole line.
///
/// What has no bound of its own is clipped to one.
// For the sake of size: a frame of its own is a small one.
#[inline(never)]
pub(super) fn line(out: &mut Buffer, stamp: &Stamp, event: &Event<'_>) {
    Json::new(out).object(|json| {
        json.members(
            "v t wall event speaker speaker_pid",
            &[
                SCHEMA_VERSION.into(),
                stamp.since.into(),
                stamp.wall.into(),
                event.name().into(),
                stamp.speaker.name().into(),
                stamp.speaker.pid.as_raw().into(),
            ],
        );
        fields(json, event)
    });
    out.push(b"\n");
}

/// The event's own fields, within an object.
pub(super) fn fields(json: &mut Json<'_>, event: &Event<'_>) {
    match event {
        Event::Start { command, place, namespaces } => {
            json.members("version place", &[env!("CARGO_PKG_VERSION").into(), (*place).into()]);
            json.key("namespaces");
            json.array(|json| namespaces.iter().for_each(|kind| json.text(kind.name())));
            words(json, command)
        }
        Event::Spawn { pid, role } => json.members("pid role", &[pid.as_raw().into(), role.name().into()]),
        Event::Signal { info, sender, done, recipient } => {
            signal(json, info, *sender);
            what_was_done(json, info, *done, *recipient)
        }
        Event::Reap { pid, name, role, status, usage, lifetime } => {
            let outcome = Outcome::from_wait(*status);
            json.members(
                "pid comm role status",
                &[pid.as_raw().into(), name.bytes().into(), role.name().into(), outcome.status().into()],
            );
            end(json, Some(outcome));
            json.members(
                "core user system max_rss lifetime",
                &[
                    libc::WCOREDUMP(status.0).into(),
                    usage.user.into(),
                    usage.system.into(),
                    usage.max_rss.into(),
                    (*lifetime).into(),
                ],
            )
        }
        Event::Stop { pid, signal } => json.members("pid signal", &[pid.as_raw().into(), signal.into()]),
        Event::Continue { pid } => json.members("pid", &[pid.as_raw().into()]),
        Event::StopTimeout { signal, timeout } => {
            json.members("signal timeout", &[signal.into(), (*timeout).into()])
        }
        Event::Kill { signal, recipient, why, names } => {
            let mut shown = Piece::new();
            // It never fails: it takes what has room.
            let _ = write!(shown, "{names}");
            let names = clip(shown.bytes(), 1000);
            let values = [signal.into(), (*recipient).into(), why.name().into(), names.into()];
            json.members("signal recipient why names", &values)
        }
        Event::Exit { end: how, status } => {
            json.members("status", &[(*status).into()]);
            end(json, how.ok());
            let message = how.err().map(|failure| failure.line(Voice::Pidone));
            json.members("message", &[message.as_deref().map(|line| clip(line, 1000)).into()])
        }
        Event::Lost { lines } => json.members("lines", &[(*lines).into()]),
    }
}

/// The arguments, as many as fit, and whether these are all.
fn words(json: &mut Json<'_>, command: &[OsString]) {
    /// What leaves enough room for everything else.
    const MOST: usize = LONGEST - 600;
    /// Quotes and a comma.
    const FRAME: usize = 3;
    let mut left = MOST;
    let mut is_whole = true;
    json.key("command");
    json.array(|json| {
        for word in command {
            if left <= FRAME {
                is_whole = false;
                break;
            }
            let clipped = clip(word.as_bytes(), left.saturating_sub(FRAME));
            is_whole &= clipped.len() == word.len();
            left = left.saturating_sub(FRAME).saturating_sub(cost(clipped));
            json.text(clipped);
        }
    });
    json.members("command_is_whole", &[is_whole.into()])
}

/// Which signal, and from whom.
fn signal(json: &mut Json<'_>, info: &SignalInfo, sender: Option<&Sender>) {
    let (signal, code) = (info.signal(), info.code());
    let code = code_name(info).map_or(Value::Shown(&code), Value::from);
    json.members("number name code", &[signal.map_or(0, Signal::number).into(), signal.as_ref().into(), code]);
    json.key("sender");
    match sender {
        None => json.null(),
        Some(sender) => json.object(|json| {
            let values = [sender.pid.as_raw().into(), sender.uid.into(), sender.comm.bytes().into()];
            json.members("pid uid comm", &values)
        }),
    }
    json.members("value", &[info.value().into()])
}

fn what_was_done(json: &mut Json<'_>, info: &SignalInfo, done: Done, recipient: Option<i32>) {
    let (sent, errno) = match done {
        Done::Forwarded(signal) => (Some(signal), None),
        Done::Failed(signal, errno) => (Some(signal), Some(errno)),
        _ => (None, None),
    };
    let errno = errno.map(crate::errno::name);
    let values = [done.name(info.signal()).into(), sent.as_ref().into(), recipient.into(), errno.into()];
    json.members("done sent recipient errno", &values);
}

/// The name of si_code, sigaction(2); of those that mean something else for each signal there is the number.
fn code_name(info: &SignalInfo) -> Option<&'static str> {
    Some(match info.code() {
        _ if info.is_resume() => "PIDONE_RESUME",
        _ if info.is_parents_death() => "PIDONE_PARENT_DIED",
        libc::SI_USER => "SI_USER",
        libc::SI_KERNEL => "SI_KERNEL",
        libc::SI_QUEUE => "SI_QUEUE",
        libc::SI_TIMER => "SI_TIMER",
        libc::SI_MESGQ => "SI_MESGQ",
        libc::SI_TKILL => "SI_TKILL",
        _ => return None,
    })
}

/// How something ended, if it did.
fn end(json: &mut Json<'_>, outcome: Option<Outcome>) {
    let (word, code, signal) = match outcome {
        Some(Outcome::Exited(code)) => ("exited", Some(code), None),
        Some(Outcome::Killed(signal)) => ("killed", None, Some(signal)),
        None => ("failed", None, None),
    };
    json.members("outcome code signal", &[word.into(), code.into(), signal.as_ref().into()])
}
