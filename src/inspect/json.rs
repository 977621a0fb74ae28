//! Runs in: any thread-free process. The report as JSON; README has the members, which scripts rely on.

use super::dispositions::{Disposition, Outcome};
use super::report::Report;
use super::who::Role;
use super::zombies::Forlorn;
use crate::json::Json;
use std::fmt::Result;

type Out<'a> = Json<&'a mut String>;

/// The value of a member.
pub(super) enum Value<'a> {
    /// Not known, or not there.
    Null,
    Truth(bool),
    Number(i64),
    Text(&'a [u8]),
}

macro_rules! values {
    ($($from:ty: $value:ident => $variant:expr;)*) => {
        $(impl<'a> From<$from> for Value<'a> {
            fn from($value: $from) -> Self {
                $variant
            }
        })*
    };
}

values! {
    bool: value => Value::Truth(value);
    i32: value => Value::Number(value.into());
    u32: value => Value::Number(value.into());
    // Inodes, seconds and counts are far below the limit.
    u64: value => Value::Number(value.cast_signed());
    usize: value => Value::Number(value.cast_signed() as i64);
    &'a [u8]: value => Value::Text(value);
    &'a Vec<u8>: value => Value::Text(value);
    &'a str: value => Value::Text(value.as_bytes());
    &'a String: value => Value::Text(value.as_bytes());
}

impl<'a, T: Into<Value<'a>>> From<Option<T>> for Value<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Value::Null, Into::into)
    }
}

/// Members of an object. One function for all of them, and no code but their values for each.
#[inline(never)]
pub(super) fn members(json: &mut Out<'_>, members: &[(&str, Value<'_>)]) -> Result {
    members.iter().try_for_each(|(key, value)| {
        json.key(key)?;
        match value {
            Value::Null => json.null(),
            Value::Truth(value) => json.plain(value),
            Value::Number(value) => json.plain(value),
            Value::Text(value) => json.text(value),
        }
    })
}

/// An array of objects, each with the members that `write` gives it.
pub(super) fn list<T>(
    json: &mut Out<'_>,
    key: &str,
    items: &[T],
    write: impl Fn(&mut Out<'_>, &T) -> Result,
) -> Result {
    list_of(json, key, items.len(), &|json, index| items.get(index).map_or(Ok(()), |item| write(json, item)))
}

/// Compiled once, and not for each kind of list.
#[inline(never)]
fn list_of(json: &mut Out<'_>, key: &str, length: usize, write: &dyn Fn(&mut Out<'_>, usize) -> Result) -> Result {
    json.key(key)?;
    json.array(|json| (0..length).try_for_each(|index| json.object(|json| write(json, index))))
}

/// One object, on one line.
pub(super) fn text(report: &Report) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = Json::new(&mut text).object(|json| {
        who(json, report)?;
        kernel_objects(json, report)?;
        list(json, "zombies", &report.zombies, |json, zombie| {
            forlorn(json, zombie)?;
            members(json, &[("fault", zombie.fault.name().into())])
        })?;
        list(json, "orphans", &report.orphans, forlorn)?;
        list(json, "findings", &report.findings, |json, finding| {
            members(
                json,
                &[
                    ("code", finding.code.into()),
                    ("message", (&finding.message).into()),
                    ("advice", (&finding.advice).into()),
                ],
            )
        })?;
        list(json, "unreadable", &report.unreadable, |json, gap| {
            members(json, &[("what", gap.what.into()), ("reason", (&gap.reason()).into())])
        })
    });
    text
}

fn forlorn(json: &mut Out<'_>, process: &Forlorn) -> Result {
    members(
        json,
        &[
            ("pid", process.pid.into()),
            ("comm", (&process.comm).into()),
            ("ppid", process.ppid.into()),
            ("age_seconds", process.age.into()),
        ],
    )
}

fn who(json: &mut Out<'_>, report: &Report) -> Result {
    let who = &report.who;
    members(
        json,
        &[
            ("pid", who.pid.into()),
            ("comm", (&who.comm).into()),
            ("is_init", who.is_init.into()),
            ("state", (&who.state.to_string()).into()),
            ("wchan", who.wchan.as_deref().into()),
            ("threads", who.threads.into()),
            ("uid", who.uid.into()),
            ("ppid", who.ppid.into()),
            ("tracer", who.tracer.into()),
            ("age_seconds", who.age.into()),
            ("is_dying", who.is_dying.into()),
            ("adopted", who.is_adopted.into()),
        ],
    )?;
    json.key("command")?;
    json.array(|json| who.command.iter().try_for_each(|word| json.text(word)))?;
    json.key("nspids")?;
    json.array(|json| who.nspids.iter().try_for_each(|pid| json.plain(pid)))?;
    list(json, "above", &who.above, |json, above| {
        members(
            json,
            &[
                ("pid", above.pid.into()),
                ("comm", (&above.comm).into()),
                ("role", above.role.map(Role::name).into()),
            ],
        )
    })
}

fn kernel_objects(json: &mut Out<'_>, report: &Report) -> Result {
    list(json, "namespaces", &report.namespaces, |json, row| {
        members(
            json,
            &[
                ("type", row.name.into()),
                ("inode", row.inode.into()),
                ("same_as_caller", row.same_as_caller.into()),
                ("parent", row.parent.into()),
                ("owner_userns", row.owner_userns.into()),
                ("owner_uid", row.owner_uid.into()),
                ("processes", row.processes.into()),
            ],
        )
    })?;
    list(json, "signals", &report.signals, |json, row| {
        members(
            json,
            &[
                ("number", row.signal.number().into()),
                ("name", (&row.signal.to_string()).into()),
                ("disposition", row.disposition.map(Disposition::name).into()),
                ("blocked", row.blocked.into()),
                ("pending", row.pending.into()),
                ("from_inside", row.from_inside.map(Outcome::name).into()),
                ("from_outside", row.from_outside.map(Outcome::name).into()),
            ],
        )
    })
}
