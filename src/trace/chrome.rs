//! Runs in: outer, init. An event in the trace event format of Chrome, which Perfetto opens; pure.
//!
//! A PID namespace is what the format calls a process, and a process is what it calls a thread: so each has a line of its
//! own, and the same number outside and inside does not mix two of them up. A process becomes a slice when it is reaped,
//! for only then is all of it known: a complete event (`X`), or of the main child begin and end (`B`, `E`) in one write,
//! so that neither is ever there without the other. A signal is a mark with its sender, one with its recipient, and an
//! arrow (`s`, `f`) between them.
//!
//! Each event brings the comma before it along: the array is well-formed as soon as it is closed.

use super::buffer::{Buffer, Piece};
use super::event::{Done, Event, Role, Sender};
use super::json::{Out, fields, plain, text};
use super::{Speaker, Stamp};
use crate::json::Json;
use std::fmt::{self, Write as _};
use std::time::Duration;

/// The opening of the array, and of the namespace of whoever speaks first.
pub(super) fn begin(out: &mut Buffer, speaker: Speaker) -> fmt::Result {
    out.write_str("[\n")?;
    name_group(out, speaker)
}

/// The event, as one or more of the array's. `signals` tells one signal from another.
pub(super) fn event(out: &mut Buffer, stamp: &Stamp, event: &Event<'_>, signals: u64) -> fmt::Result {
    let own = stamp.speaker.pid.as_raw();
    let mut chart = Chart { out, stamp, event };
    let track = match event {
        Event::Start { .. } => {
            chart.name_own_track()?;
            own
        }
        Event::Spawn { pid, role } => {
            // Init's first word.
            if !stamp.speaker.is_first {
                chart.out.write_str(",\n")?;
                name_group(chart.out, stamp.speaker)?;
                chart.name_own_track()?;
            }
            chart.name_track(pid.as_raw(), role.name().as_bytes())?;
            pid.as_raw()
        }
        Event::Signal { sender, done, recipient, .. } => {
            // To all the others it is drawn as one to pidone.
            let recipient = recipient.filter(|recipient| *recipient != -1).map_or(own, i32::abs);
            return chart.signal(sender.as_ref(), *done, recipient, signals);
        }
        Event::Reap { pid, name, role, lifetime, .. } => {
            let name = name.bytes().unwrap_or(role.name().as_bytes());
            chart.name_track(pid.as_raw(), name)?;
            return chart.slice(*role, name, pid.as_raw(), lifetime.unwrap_or_default());
        }
        Event::Exit { .. } => {
            chart.slice(Role::Workload, b"pidone", own, stamp.since)?;
            own
        }
        Event::Stop { pid, .. } | Event::Continue { pid } => pid.as_raw(),
        Event::StopTimeout { .. } | Event::Kill { .. } | Event::Lost { .. } => own,
    };
    chart.instant(track)?;
    if matches!(event, Event::Exit { .. }) { out.write_str("\n]\n") } else { Ok(()) }
}

/// The number that stands for the speaker's PID namespace, as two of them meet.
fn group(speaker: Speaker) -> u32 {
    if speaker.is_init { 1 } else { 2 }
}

fn name_group(out: &mut Buffer, speaker: Speaker) -> fmt::Result {
    let name = match (speaker.is_init, speaker.is_first) {
        (true, true) => "in place",
        (true, false) => "inside",
        (false, _) => "outside",
    };
    put(out, speaker, b"process_name", "M", Duration::ZERO, 0, &mut |json| named(json, name.as_bytes()))
}

/// The arguments of an event that only gives a name.
fn named(json: &mut Out<'_>, name: &[u8]) -> fmt::Result {
    json.key("args")?;
    json.object(|json| {
        json.key("name")?;
        json.text(name)
    })
}

/// One event of the array: its name, kind, time, place, and what `more` adds.
fn put(
    out: &mut Buffer,
    speaker: Speaker,
    name: &[u8],
    kind: &str,
    at: Duration,
    track: i32,
    more: &mut dyn FnMut(&mut Out<'_>) -> fmt::Result,
) -> fmt::Result {
    Json::new(out).object(|json| {
        json.key("name")?;
        json.text(name)?;
        text(json, "ph", kind)?;
        plain(json, "ts", &microseconds(at))?;
        plain(json, "pid", &group(speaker))?;
        plain(json, "tid", &track)?;
        more(json)
    })
}

/// The unit of the format.
fn microseconds(time: Duration) -> u64 {
    time.as_secs().saturating_mul(1_000_000).saturating_add(time.subsec_micros().into())
}

/// What is being drawn.
struct Chart<'a> {
    out: &'a mut Buffer,
    stamp: &'a Stamp,
    event: &'a Event<'a>,
}

impl Chart<'_> {
    fn name_own_track(&mut self) -> fmt::Result {
        let speaker = self.stamp.speaker;
        self.name_track(speaker.pid.as_raw(), if speaker.is_init { b"pidone (init)" } else { b"pidone (outer)" })
    }

    fn put(
        &mut self,
        name: &[u8],
        kind: &str,
        at: Duration,
        track: i32,
        more: &mut dyn FnMut(&mut Out<'_>) -> fmt::Result,
    ) -> fmt::Result {
        self.out.write_str(",\n")?;
        put(self.out, self.stamp.speaker, name, kind, at, track, more)
    }

    fn name_track(&mut self, track: i32, name: &[u8]) -> fmt::Result {
        self.put(b"thread_name", "M", Duration::ZERO, track, &mut |json| named(json, name))
    }

    fn instant(&mut self, track: i32) -> fmt::Result {
        let (event, at) = (self.event, self.stamp.since);
        self.put(event.name().as_bytes(), "i", at, track, &mut |json| {
            text(json, "s", "t")?;
            json.key("args")?;
            json.object(|json| fields(json, event))
        })
    }

    /// A process that has ended now, and lived so long; as far as the trace goes back.
    fn slice(&mut self, role: Role, name: &[u8], track: i32, life: Duration) -> fmt::Result {
        let (event, end) = (self.event, self.stamp.since);
        let begin = end.saturating_sub(life);
        let is_orphan = role == Role::Orphan;
        self.put(name, if is_orphan { "X" } else { "B" }, begin, track, &mut |json| {
            if is_orphan {
                plain(json, "dur", &microseconds(end).saturating_sub(microseconds(begin)))?;
            }
            json.key("args")?;
            json.object(|json| fields(json, event))
        })?;
        if is_orphan { Ok(()) } else { self.put(name, "E", end, track, &mut |_| Ok(())) }
    }

    fn signal(&mut self, sender: Option<&Sender>, done: Done, recipient: i32, count: u64) -> fmt::Result {
        let (event, at) = (self.event, self.stamp.since);
        let Event::Signal { info, .. } = event else { return Ok(()) };
        let mut name = Piece::new();
        if let Some(signal) = info.signal() {
            write!(name, "{signal}")?;
        }
        // 0 is the kernel, and everybody outside.
        let from = sender.map_or(0, |sender| sender.pid.as_raw());
        let known = sender.and_then(|sender| sender.comm.bytes());
        if let Some(name) = known.or((from == 0).then_some(b"kernel or outside")) {
            self.name_track(from, name)?;
        }
        self.mark(name.bytes(), at, from, false)?;
        self.mark(name.bytes(), at, recipient, true)?;
        // Each half counts for itself.
        let id = count.saturating_mul(2).saturating_add(self.stamp.speaker.is_init.into());
        let arrow = if matches!(done, Done::Forwarded(_)) { "signal" } else { done.name(None) };
        self.put(arrow.as_bytes(), "s", at, from, &mut |json| {
            text(json, "cat", "signal")?;
            plain(json, "id", &id)
        })?;
        self.put(arrow.as_bytes(), "f", at, recipient, &mut |json| {
            text(json, "cat", "signal")?;
            text(json, "bp", "e")?;
            plain(json, "id", &id)
        })
    }

    /// A slice of the least length, for an arrow to begin or end at.
    fn mark(&mut self, name: &[u8], at: Duration, track: i32, with_args: bool) -> fmt::Result {
        let event = self.event;
        self.put(name, "X", at, track, &mut |json| {
            plain(json, "dur", &1)?;
            json.key("args")?;
            json.object(|json| if with_args { fields(json, event) } else { Ok(()) })
        })
    }
}
