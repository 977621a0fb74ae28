//! Runs in: any thread-free process. The report as JSON; README has the members, which scripts rely on.

use super::dispositions::{Disposition, Outcome};
use super::report::Report;
use super::who::{Above, Role, Who};
use super::zombies::Forlorn;
use crate::json::{Json, Value};
use crate::procfs::Process;

impl<'a> From<&'a Process> for Value<'a> {
    fn from(process: &'a Process) -> Self {
        Value::Process(process.pid.as_raw(), &process.name)
    }
}

/// An object, as its members are written one by one.
pub(super) struct Object<'j, 't, 'v> {
    json: &'j mut Json<'t>,
    /// Of the list that is being made: those of its first object, of its second, and so on.
    values: Vec<Value<'v>>,
}

/// One object, on one line.
pub(super) fn line<'v>(write: impl FnOnce(&mut Object<'_, '_, 'v>)) -> String {
    let mut text = String::new();
    Json::new(&mut text).object(|json| write(&mut Object { json, values: Vec::new() }));
    text.push('\n');
    text
}

impl<'v> Object<'_, '_, 'v> {
    /// Members of these names, with blanks between them.
    #[inline(never)]
    pub(super) fn members(&mut self, names: &str, values: &[Value<'_>]) {
        self.json.members(names, values);
    }

    /// Values of an object in the list that comes next.
    #[inline(never)]
    pub(super) fn item(&mut self, values: &[Value<'v>]) {
        self.values.extend_from_slice(values);
    }

    /// A member that is a list of objects, after whose name stand those of their members.
    #[inline(never)]
    pub(super) fn list(&mut self, names: &str) {
        let (name, names) = names.split_once(' ').unwrap_or_default();
        let objects = self.values.chunks(names.split(' ').count());
        self.json.key(name);
        self.json.array(|json| objects.for_each(|values| json.object(|json| json.members(names, values))));
        self.values.clear();
    }

    /// A member that is a list of values.
    #[inline(never)]
    fn plain_list(&mut self, name: &str) {
        self.json.key(name);
        self.json.array(|json| self.values.iter().for_each(|one| json.value(one)));
        self.values.clear();
    }
}

#[inline(never)]
pub(super) fn text(report: &Report<'_>) -> String {
    line(|object| {
        who(object, &report.who);
        for row in &report.namespaces {
            object.item(&[
                row.name.into(),
                row.inode.into(),
                row.same_as_caller.into(),
                row.relations.parent.into(),
                row.relations.owner_userns.into(),
                row.relations.owner_uid.into(),
                row.processes.into(),
            ]);
        }
        object.list("namespaces type inode same_as_caller parent owner_userns owner_uid processes");
        for row in &report.signals {
            object.item(&[
                row.signal.number().into(),
                Value::Shown(&row.signal),
                row.disposition.map(Disposition::name).into(),
                row.blocked.into(),
                row.pending.into(),
                row.from_inside.map(Outcome::name).into(),
                row.from_outside.map(Outcome::name).into(),
            ]);
        }
        object.list("signals number name disposition blocked pending from_inside from_outside");
        for zombie in &report.zombies {
            object.item(&forlorn(zombie));
            object.item(&[zombie.fault.name().into()]);
        }
        object.list("zombies pid comm ppid age_seconds fault");
        for orphan in &report.orphans {
            object.item(&forlorn(orphan));
        }
        object.list("orphans pid comm ppid age_seconds");
        for finding in &report.findings {
            object.item(&[finding.code.into(), (&finding.message).into(), (&finding.advice).into()]);
        }
        object.list("findings code message advice");
        for gap in &report.unreadable {
            object.item(&[gap.what.into(), (&gap.reason).into()]);
        }
        object.list("unreadable what reason");
    })
}

#[inline(never)]
fn who<'v>(object: &mut Object<'_, '_, 'v>, who: &'v Who<'_>) {
    let process = &who.seen.process;
    object.members(
        "pid comm is_init state wchan threads uid ppid tracer age_seconds is_dying adopted",
        &[
            process.pid.as_raw().into(),
            (&process.name).into(),
            who.seen.is_init().into(),
            Value::Shown(&process.state),
            who.wchan.as_ref().into(),
            who.threads.into(),
            who.uid.into(),
            process.parent.as_raw().into(),
            who.tracer.into(),
            who.seen.age.into(),
            who.seen.is_dying().into(),
            who.is_adopted.into(),
        ],
    );
    for word in who.seen.words() {
        object.item(&[word.into()]);
    }
    object.plain_list("command");
    for pid in &who.seen.nspids {
        object.item(&[(*pid).into()]);
    }
    object.plain_list("nspids");
    for Above { seen, role } in &who.above {
        object.item(&[seen.pid().into(), (&seen.process.name).into(), role.map(Role::name).into()]);
    }
    object.list("above pid comm role");
}

#[inline(never)]
fn forlorn<'a>(forlorn: &Forlorn<'a>) -> [Value<'a>; 4] {
    let (process, age) = (&forlorn.seen.process, forlorn.seen.age);
    [process.pid.as_raw().into(), (&process.name).into(), process.parent.as_raw().into(), age.into()]
}
