//! Runs in: any thread-free process. The report as JSON; README has the members, which scripts rely on.

use super::dispositions::Outcome;
use super::report::Report;
use crate::json::Json;
use std::fmt::{Display, Result};

type Out<'a> = Json<&'a mut String>;

/// One object, on one line.
pub(super) fn text(report: &Report) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = Json::new(&mut text).object(|json| {
        who(json, report)?;
        list(json, "namespaces", &report.namespaces, |json, row| {
            string(json, "type", row.name)?;
            plain(json, "inode", row.inode)?;
            plain(json, "same_as_caller", row.same_as_caller)?;
            plain(json, "parent", row.parent)?;
            plain(json, "owner_userns", row.owner_userns)?;
            plain(json, "owner_uid", row.owner_uid)?;
            plain(json, "processes", row.processes)
        })?;
        list(json, "signals", &report.signals, |json, row| {
            plain(json, "number", Some(row.signal.number()))?;
            string(json, "name", row.signal.to_string())?;
            string(json, "disposition", row.disposition.name())?;
            plain(json, "blocked", Some(row.blocked))?;
            plain(json, "pending", Some(row.pending))?;
            optional(json, "from_inside", row.from_inside.map(Outcome::name))?;
            optional(json, "from_outside", row.from_outside.map(Outcome::name))
        })?;
        list(json, "zombies", &report.zombies, |json, zombie| {
            plain(json, "pid", Some(zombie.pid))?;
            string(json, "comm", &zombie.comm)?;
            plain(json, "ppid", Some(zombie.ppid))?;
            string(json, "fault", zombie.fault.name())?;
            plain(json, "age_seconds", Some(zombie.age))
        })?;
        list(json, "orphans", &report.orphans, |json, orphan| {
            plain(json, "pid", Some(orphan.pid))?;
            string(json, "comm", &orphan.comm)?;
            plain(json, "ppid", Some(orphan.ppid))?;
            plain(json, "age_seconds", Some(orphan.age))
        })?;
        list(json, "findings", &report.findings, |json, finding| {
            string(json, "code", finding.code)?;
            string(json, "message", &finding.message)?;
            string(json, "advice", &finding.advice)
        })?;
        list(json, "unreadable", &report.unreadable, |json, gap| {
            string(json, "what", gap.what)?;
            string(json, "reason", gap.reason())
        })
    });
    text
}

fn who(json: &mut Out<'_>, report: &Report) -> Result {
    let who = &report.who;
    plain(json, "pid", Some(who.pid))?;
    string(json, "comm", &who.comm)?;
    json.key("command")?;
    json.array(|json| who.command.iter().try_for_each(|word| json.text(word)))?;
    string(json, "state", who.state.to_string())?;
    optional(json, "wchan", who.wchan.as_deref())?;
    plain(json, "threads", who.threads)?;
    plain(json, "uid", who.uid)?;
    plain(json, "ppid", Some(who.ppid))?;
    plain(json, "tracer", who.tracer)?;
    plain(json, "age_seconds", Some(who.age))?;
    plain(json, "is_init", Some(who.is_init))?;
    plain(json, "is_dying", Some(who.is_exiting))?;
    plain(json, "adopted", Some(who.is_adopted))?;
    json.key("nspids")?;
    json.array(|json| who.nspids.iter().try_for_each(|pid| json.plain(pid)))?;
    list(json, "above", &who.above, |json, above| {
        plain(json, "pid", Some(above.pid))?;
        string(json, "comm", &above.comm)?;
        optional(json, "role", above.role.map(super::who::Role::name))
    })
}

/// An array of objects, with the members that `members` writes.
pub(super) fn list<T>(
    json: &mut Out<'_>,
    key: &str,
    items: &[T],
    members: impl Fn(&mut Out<'_>, &T) -> Result,
) -> Result {
    json.key(key)?;
    json.array(|json| items.iter().try_for_each(|item| json.object(|json| members(json, item))))
}

pub(super) fn string(json: &mut Out<'_>, key: &str, value: impl AsRef<[u8]>) -> Result {
    json.key(key)?;
    json.text(value)
}

pub(super) fn optional(json: &mut Out<'_>, key: &str, value: Option<&str>) -> Result {
    json.key(key)?;
    match value {
        Some(value) => json.text(value),
        None => json.null(),
    }
}

pub(super) fn plain(json: &mut Out<'_>, key: &str, value: Option<impl Display>) -> Result {
    json.key(key)?;
    match value {
        Some(value) => json.plain(value),
        None => json.null(),
    }
}
