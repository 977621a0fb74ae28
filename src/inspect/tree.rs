//! Runs in: any thread-free process. All PID and user namespaces that /proc leads to, by their parents, with the processes
//! that are their inits.

use super::json::{list, members};
use super::machine::{Machine, Seen};
use super::namespaces::{inode_of, parent, related};
use super::sheet::{Sheet, Style};
use crate::json::Json;
use crate::namespace::{self, Kind};
use nix::fcntl::OFlag;
use std::fmt::Write as _;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

/// A namespace of the tree.
struct Node {
    inode: u64,
    /// `None`: a root of what can be seen.
    parent: Option<u64>,
    owner_userns: Option<u64>,
    owner_uid: Option<u32>,
    processes: usize,
    /// Of a PID namespace its init, if that can be seen; of a user namespace the oldest process in it.
    first: Option<(i32, Vec<u8>)>,
    /// It is the caller's.
    is_own: bool,
}

/// The two trees.
pub(super) struct Forest {
    pid: Vec<Node>,
    user: Vec<Node>,
    /// How many processes could not be placed.
    unplaced: usize,
}

impl Forest {
    pub(super) fn of(machine: &Machine) -> Self {
        let is_unplaced = |seen: &&Seen| seen.namespace(Kind::User).is_none();
        Forest {
            pid: nodes(Kind::Pid, machine),
            user: nodes(Kind::User, machine),
            unplaced: machine.all.iter().filter(is_unplaced).count(),
        }
    }

    /// One object, on one line.
    pub(super) fn json(&self) -> String {
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _ = Json::new(&mut text).object(|json| {
            for (key, first, nodes) in
                [("pid_namespaces", "init", &self.pid), ("user_namespaces", "oldest", &self.user)]
            {
                list(json, key, nodes, |json, node| {
                    members(
                        json,
                        &[
                            ("inode", node.inode.into()),
                            ("parent", node.parent.into()),
                            ("owner_userns", node.owner_userns.into()),
                            ("owner_uid", node.owner_uid.into()),
                            ("processes", node.processes.into()),
                            ("same_as_caller", node.is_own.into()),
                        ],
                    )?;
                    json.key(first)?;
                    match &node.first {
                        None => json.null(),
                        Some((pid, comm)) => {
                            json.object(|json| members(json, &[("pid", (*pid).into()), ("comm", comm.into())]))
                        }
                    }
                })?;
            }
            members(json, &[("unplaced", self.unplaced.into())])
        });
        text
    }

    pub(super) fn table(&self, is_coloured: bool) -> String {
        let mut sheet = Sheet::new(is_coloured);
        for (heading, nodes) in [("PID NAMESPACES", &self.pid), ("USER NAMESPACES", &self.user)] {
            if !sheet.text.is_empty() {
                sheet.text.push('\n');
            }
            sheet.cell(heading, 0, Style::Bold);
            sheet.end();
            // A root is one whose parent is not among them.
            let roots: Vec<&Node> = nodes.iter().filter(|node| find(nodes, node.parent).is_none()).collect();
            roots.into_iter().for_each(|root| branch(&mut sheet, nodes, root, ""));
        }
        if self.unplaced > 0 {
            let _ = writeln!(
                sheet.text,
                "\n{} processes whose namespaces may not be read are not counted: CAP_SYS_PTRACE shows them.",
                self.unplaced
            );
        }
        sheet.text
    }
}

fn find(nodes: &[Node], inode: Option<u64>) -> Option<&Node> {
    nodes.iter().find(|node| Some(node.inode) == inode)
}

/// Each namespace that a process is in, and those above it, which need not have any.
fn nodes(kind: Kind, machine: &Machine) -> Vec<Node> {
    let mut nodes: Vec<Node> = Vec::new();
    for seen in &machine.all {
        let is_new = seen.namespace(kind).is_some_and(|inode| find(&nodes, Some(inode)).is_none());
        let path = format!("/proc/{}/ns/{}", seen.pid(), kind.name());
        let mut file = if is_new {
            namespace::open(Path::new(&path), OFlag::empty()).ok().map(|(_, file)| file)
        } else {
            None
        };
        while let Some(opened) = file {
            file = push(&mut nodes, kind, machine, opened);
        }
    }
    nodes
}

/// Adds the namespace; its parent, if that is to be looked at next.
fn push(nodes: &mut Vec<Node>, kind: Kind, machine: &Machine, file: OwnedFd) -> Option<OwnedFd> {
    let inode = inode_of(file.as_fd())?;
    if find(nodes, Some(inode)).is_some() {
        return None;
    }
    let (parent_inode, owner_userns, owner_uid) = related(kind, file.as_fd());
    let mut members = machine.all.iter().filter(|seen| seen.namespace(kind) == Some(inode));
    let first = match kind {
        Kind::Pid => members.find(|seen| seen.is_init()),
        _ => members.min_by_key(|seen| seen.process.started),
    };
    nodes.push(Node {
        inode,
        parent: parent_inode,
        owner_userns,
        owner_uid,
        processes: machine.count(kind, inode),
        first: first.map(|seen| (seen.pid(), seen.process.name.clone())),
        is_own: super::machine::inode_of_link("/proc/self", kind.name()) == Some(inode),
    });
    parent(kind, file.as_fd())
}

fn branch(sheet: &mut Sheet, nodes: &[Node], node: &Node, indent: &str) {
    let is_own = if node.is_own { Style::Green } else { Style::Plain };
    sheet.cell(&node.inode.to_string(), 12, is_own);
    let _ = match &node.first {
        Some((pid, comm)) => write!(sheet.text, "{pid} ({})", crate::procfs::printable(comm)),
        None => write!(sheet.text, "nobody to be seen"),
    };
    let _ =
        write!(sheet.text, ", {} {}", node.processes, if node.processes == 1 { "process" } else { "processes" });
    if let Some(uid) = node.owner_uid {
        let _ = write!(sheet.text, ", uid {uid}");
    }
    sheet.end();
    // Below 32 levels none can be made (pid_namespaces(7)).
    let below: Vec<&Node> = nodes.iter().filter(|child| child.parent == Some(node.inode)).collect();
    for (index, child) in below.iter().enumerate() {
        let is_last = index + 1 == below.len();
        let _ = write!(sheet.text, "{indent}{}", if is_last { "└─ " } else { "├─ " });
        branch(sheet, nodes, child, &format!("{indent}{}", if is_last { "   " } else { "│  " }));
    }
}
