//! Runs in: outer, init. An event in the trace event format of Chrome, which Perfetto opens; pure.
//!
//! A PID namespace is what the format calls a process, and a process is what it calls a thread: so each has a line of its
//! own, and the same number outside and inside does not mix two of them up. A process becomes a slice when it is reaped,
//! for only then is all of it known: a complete event (`X`), or of the main child begin and end (`B`, `E`) in one write,
//! so that neither is ever there without the other. A signal is a mark with its sender, one with its recipient, and an
//! arrow (`s`, `f`) between them.
//!
//! Each event brings the comma before it along: the array is well-formed as soon as it is closed.

use super::Stamp;
use super::buffer::{Buffer, Piece};
use super::event::{Done, Event, Role, Sender};
use super::json::fields;
use crate::json::Json;
use crate::signal::Signal;
use std::fmt::Write as _;
use std::time::Duration;

/// The event, as one or more of the array's, which is opened first where it `begins`. `signals` tells one signal from another.
pub(super) fn event(out: &mut Buffer, stamp: &Stamp, event: &Event<'_>, signals: u64, begins: bool) {
    let mut chart = Chart { out, stamp, event, separator: if begins { "[\n" } else { ",\n" } };
    if begins {
        chart.name_group();
    }
    let own = stamp.speaker.pid.as_raw();
    let track = match event {
        Event::Start { .. } => {
            chart.name_own_track();
            own
        }
        Event::Spawn { pid, role } => {
            // Init's first word.
            if !stamp.speaker.is_first {
                chart.name_group();
                chart.name_own_track();
            }
            chart.name_track(pid.as_raw(), role.name().as_bytes());
            pid.as_raw()
        }
        Event::Signal { info, sender, done, recipient } => {
            // To all the others it is drawn as one to pidone.
            let recipient = recipient.filter(|recipient| *recipient != -1).map_or(own, i32::abs);
            return chart.signal(info.signal(), *sender, *done, recipient, signals);
        }
        Event::Reap { pid, name, role, lifetime, .. } => {
            let name = name.bytes().unwrap_or(role.name().as_bytes());
            chart.name_track(pid.as_raw(), name);
            return chart.slice(*role, name, pid.as_raw(), lifetime.unwrap_or_default());
        }
        Event::Exit { .. } => {
            chart.slice(Role::Workload, b"pidone", own, stamp.since);
            own
        }
        Event::Stop { pid, .. } | Event::Continue { pid } => pid.as_raw(),
        Event::StopTimeout { .. } | Event::Kill { .. } | Event::Lost { .. } => own,
    };
    chart.put(Shape::Instant, event.name().as_bytes(), track);
    if matches!(event, Event::Exit { .. }) {
        out.push(b"\n]\n");
    }
}

/// What is being drawn.
struct Chart<'a> {
    out: &'a mut Buffer,
    stamp: &'a Stamp,
    event: &'a Event<'a>,
    /// From what is there.
    separator: &'static str,
}

/// How something is drawn.
#[derive(Clone, Copy)]
enum Shape<'a> {
    /// Not at all: this is what a track is called.
    Name(&'a [u8]),
    Instant,
    /// A process that has ended now, and lived so long; as far as the trace goes back.
    Life(u64),
    Begin(u64),
    End,
    /// A slice of the least length, for an arrow to begin at, and one for it to end at.
    Sent,
    Received,
    /// The arrow with this number.
    From(u64),
    To(u64),
}

/// The unit of the format.
fn microseconds(time: Duration) -> u64 {
    time.as_secs().saturating_mul(1_000_000).saturating_add(time.subsec_micros().into())
}

impl Chart<'_> {
    /// One event of the array.
    fn put(&mut self, shape: Shape<'_>, name: &[u8], track: i32) {
        let now = microseconds(self.stamp.since);
        let (kind, at) = match shape {
            Shape::Name(_) => ("M", 0),
            Shape::Instant => ("i", now),
            Shape::Life(life) => ("X", now.saturating_sub(life)),
            Shape::Begin(life) => ("B", now.saturating_sub(life)),
            Shape::End => ("E", now),
            Shape::Sent | Shape::Received => ("X", now),
            Shape::From(_) => ("s", now),
            Shape::To(_) => ("f", now),
        };
        // The numbers that stand for the two PID namespaces.
        let group = if self.stamp.speaker.is_init { 1 } else { 2 };
        let event = self.event;
        self.out.push(self.separator.as_bytes());
        self.separator = ",\n";
        Json::new(self.out).object(|json| {
            let common = [name.into(), kind.into(), at.into(), group.into(), track.into()];
            json.members("name ph ts pid tid", &common);
            match shape {
                Shape::Name(_) | Shape::Begin(_) => {}
                Shape::End => return,
                Shape::Instant => json.members("s", &["t".into()]),
                Shape::Life(_) => json.members("dur", &[now.saturating_sub(at).into()]),
                Shape::Sent | Shape::Received => json.members("dur", &[1.into()]),
                Shape::From(arrow) => return json.members("cat id", &["signal".into(), arrow.into()]),
                Shape::To(arrow) => return json.members("cat bp id", &["signal".into(), "e".into(), arrow.into()]),
            }
            json.key("args");
            json.object(|json| match shape {
                Shape::Sent => {}
                Shape::Name(name) => json.members("name", &[name.into()]),
                _ => fields(json, event),
            })
        })
    }

    /// The name of the speaker's PID namespace.
    fn name_group(&mut self) {
        let speaker = self.stamp.speaker;
        let name: &[u8] = match (speaker.is_init, speaker.is_first) {
            (true, true) => b"in place",
            (true, false) => b"inside",
            (false, _) => b"outside",
        };
        self.put(Shape::Name(name), b"process_name", 0)
    }

    fn name_own_track(&mut self) {
        let speaker = self.stamp.speaker;
        self.name_track(speaker.pid.as_raw(), if speaker.is_init { b"pidone (init)" } else { b"pidone (outer)" })
    }

    fn name_track(&mut self, track: i32, name: &[u8]) {
        self.put(Shape::Name(name), b"thread_name", track)
    }

    fn slice(&mut self, role: Role, name: &[u8], track: i32, life: Duration) {
        let life = microseconds(life);
        if role == Role::Orphan {
            return self.put(Shape::Life(life), name, track);
        }
        self.put(Shape::Begin(life), name, track);
        self.put(Shape::End, name, track)
    }

    fn signal(&mut self, signal: Option<Signal>, sender: Option<&Sender>, done: Done, recipient: i32, count: u64) {
        let mut name = Piece::new();
        if let Some(signal) = signal {
            // It never fails: it takes what has room.
            let _ = write!(name, "{signal}");
        }
        // 0 is the kernel, and everybody outside.
        let from = sender.map_or(0, |sender| sender.pid.as_raw());
        let known = sender.and_then(|sender| sender.comm.bytes());
        if let Some(name) = known.or((from == 0).then_some(b"kernel or outside")) {
            self.name_track(from, name);
        }
        self.put(Shape::Sent, name.bytes(), from);
        self.put(Shape::Received, name.bytes(), recipient);
        // Each half counts for itself.
        let id = count.saturating_mul(2).saturating_add(self.stamp.speaker.is_init.into());
        let arrow = if matches!(done, Done::Forwarded(_)) { "signal" } else { done.name(None) }.as_bytes();
        self.put(Shape::From(id), arrow, from);
        self.put(Shape::To(id), arrow, recipient)
    }
}
