//! Runs in: any thread-free process. All PID and user namespaces that /proc leads to, by their parents, with the processes
//! that are their inits.

use super::json::line;
use super::machine::{Machine, Seen, inode_of_link};
use super::namespaces::{Relations, file, inode_of, parent};
use super::phrase::{Count, or};
use super::sheet::{Sheet, Style};
use crate::json::Value;
use crate::namespace::Kind;
use std::os::fd::{AsFd, OwnedFd};

/// A namespace of the tree.
struct Node<'a> {
    inode: u64,
    /// Without a parent it is a root of what can be seen.
    relations: Relations,
    processes: usize,
    /// Of a PID namespace its init, if that can be seen; of a user namespace the oldest process in it.
    first: Option<&'a Seen>,
    /// It is the caller's.
    is_own: bool,
}

/// The two trees.
pub(super) struct Forest<'a> {
    pid: Vec<Node<'a>>,
    user: Vec<Node<'a>>,
    /// How many processes could not be placed.
    unplaced: usize,
}

impl<'a> Forest<'a> {
    pub(super) fn of(machine: &'a Machine) -> Self {
        let is_unplaced = |seen: &&Seen| seen.namespace(Kind::User).is_none();
        Forest {
            pid: nodes(Kind::Pid, machine),
            user: nodes(Kind::User, machine),
            unplaced: machine.all.iter().filter(is_unplaced).count(),
        }
    }

    /// One object, on one line.
    pub(super) fn json(&self) -> String {
        line(|object| {
            for node in &self.pid {
                object.item(&node.values())
            }
            object.list("pid_namespaces inode parent owner_userns owner_uid processes same_as_caller init");
            for node in &self.user {
                object.item(&node.values())
            }
            object.list("user_namespaces inode parent owner_userns owner_uid processes same_as_caller oldest");
            object.members("unplaced", &[self.unplaced.into()]);
        })
    }

    pub(super) fn table(&self, is_coloured: bool) -> String {
        let mut sheet = Sheet::new(is_coloured);
        tree(&mut sheet, "PID NAMESPACES", &self.pid);
        sheet.end();
        tree(&mut sheet, "USER NAMESPACES", &self.user);
        if self.unplaced > 0 {
            sheet.plain(&format_args!(
                "\n{} processes whose namespaces may not be read are not counted: CAP_SYS_PTRACE shows them.\n",
                self.unplaced
            ));
        }
        sheet.text
    }
}

impl Node<'_> {
    #[inline(never)]
    fn values(&self) -> [Value<'_>; 7] {
        [
            self.inode.into(),
            self.relations.parent.into(),
            self.relations.owner_userns.into(),
            self.relations.owner_uid.into(),
            self.processes.into(),
            self.is_own.into(),
            self.first.map(|first| &first.process).into(),
        ]
    }
}

fn find<'n, 'a>(nodes: &'n [Node<'a>], inode: Option<u64>) -> Option<&'n Node<'a>> {
    nodes.iter().find(|node| Some(node.inode) == inode)
}

/// Each namespace that a process is in, and those above it, which need not have any.
#[inline(never)]
fn nodes(kind: Kind, machine: &Machine) -> Vec<Node<'_>> {
    let own = inode_of_link(&"self", kind.name());
    let mut nodes = Vec::new();
    for seen in &machine.all {
        let inode = seen.namespace(kind);
        if inode.is_none() || find(&nodes, inode).is_some() {
            continue;
        }
        let mut next = file(seen, kind.name()).ok();
        while let Some(file) = next {
            next = push(&mut nodes, kind, machine, file, own);
        }
    }
    nodes
}

/// Adds the namespace; its parent, if that is to be looked at next.
fn push<'a>(
    nodes: &mut Vec<Node<'a>>,
    kind: Kind,
    machine: &'a Machine,
    file: OwnedFd,
    own: Option<u64>,
) -> Option<OwnedFd> {
    let inode = inode_of(file.as_fd())?;
    if find(nodes, Some(inode)).is_some() {
        return None;
    }
    let mut node = Node {
        inode,
        relations: Relations::of(kind, file.as_fd()),
        processes: 0,
        first: None,
        is_own: own == Some(inode),
    };
    for seen in machine.in_namespace(kind, inode) {
        node.processes += 1;
        let is_first = match (kind, node.first) {
            (Kind::Pid, first) => first.is_none() && seen.is_init(),
            (_, first) => first.is_none_or(|first| seen.process.started < first.process.started),
        };
        if is_first {
            node.first = Some(seen);
        }
    }
    nodes.push(node);
    parent(kind, file.as_fd())
}

#[inline(never)]
fn tree(sheet: &mut Sheet, heading: &str, nodes: &[Node<'_>]) {
    sheet.cell(&heading, 0, Style::Bold);
    sheet.end();
    // A root is one whose parent is not among them.
    for root in nodes.iter().filter(|node| find(nodes, node.relations.parent).is_none()) {
        branch(sheet, nodes, root, &mut String::new());
    }
}

fn branch(sheet: &mut Sheet, nodes: &[Node<'_>], node: &Node<'_>, indent: &mut String) {
    let style = if node.is_own { Style::Green } else { Style::Plain };
    sheet.cell(&node.inode, 12, style);
    sheet.plain(or(&node.first, &"nobody to be seen"));
    sheet.plain(&format_args!(", {}", Count(node.processes, "process")));
    if let Some(uid) = node.relations.owner_uid {
        sheet.plain(&format_args!(", uid {uid}"));
    }
    sheet.end();
    // Below 32 levels none can be made (pid_namespaces(7)).
    let mut below = nodes.iter().filter(|child| child.relations.parent == Some(node.inode)).peekable();
    while let Some(child) = below.next() {
        let (line, margin) = if below.peek().is_some() { ("├─ ", "│  ") } else { ("└─ ", "   ") };
        sheet.plain(indent);
        sheet.plain(&line);
        let length = indent.len();
        indent.push_str(margin);
        branch(sheet, nodes, child, indent);
        indent.truncate(length);
    }
}
