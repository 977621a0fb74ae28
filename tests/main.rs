//! The behaviour of the real binary, on the real kernel. One test program; its parts:
//!
//! - [`exit_status`]: every code, every fatal signal, 125/126/127, no core file
//! - [`signals`]: each one exactly once, with its value, from any instant on; groups; what must not be fatal
//! - [`reaping`]: orphans, coalesced deaths, inherited children, ignored SIGCHLD
//! - [`transparency`]: what the workload finds is what pidone was started with
//! - [`footprint`]: what pidone itself holds on to while it runs: descriptors, directories, wake-ups
//! - [`isolation`]: namespaces, mounts, nesting, id maps
//! - [`namespaces`]: the other six kinds, names, clocks, id maps
//! - [`enter`]: into namespaces that are there
//! - [`keep`]: --persist and release
//! - [`experiments`]: the textbook ones, by README's numbers
//! - [`furnish`]: --rootfs, --bind and the like: what is found inside, and that nothing of it is outside
//! - [`furnish_failures`]: their messages, links that would lead out, and nothing left mounted
//! - [`death`]: nothing survives outer
//! - [`failures`]: one message, one hint, the right status, nothing left behind
//! - [`terminal`]: foreground, Ctrl-C, and the terminal given back; on a real pseudo-terminal
//! - [`job_control`]: Ctrl-Z, fg, bg, jobs of a real interactive bash
//! - [`stopping`]: --stop-timeout, --stop-delay, --stop-all, --pdeathsig, --pause
//! - [`on_exit`]: kill, term and wait; who is found and who is spared
//! - [`identity`]: --uid and all else that the workload can be given to be
//! - [`drop_in`]: tini, docker-init, dumb-init, catatonit; install-names
//! - [`sessions`]: --new-session; on a real pseudo-terminal
//! - [`probe`]: signals tried out on commands
//! - [`trace`]: --trace: each event, by its schema; what is lost, and that nobody waits; Chrome's format
//! - [`library`]: programs that use the crate as a library: as PID 1, on a terminal, and with signals of their own
//! - [`inspect`]: what it says of processes of every kind
//! - [`inspect_signals`]: what it says of signals, and what they then really do
//! - [`security`]: what reaches nobody, what a hostile command, root directory or caller cannot do
//! - [`completions`]: what bash and fish offer, zsh's syntax, the man page's
//! - [`interface`]: help, version, logs, PIDONE_OPTIONS; the lists in README and help agree
//!
//! [`support`] has the runner, /proc readers, `eventually`, privilege, and the workloads that this program plays
//! itself. `PIDONE_BIN` names another binary to test, and `PIDONE_OUTER` one that makes the namespace for it, if it runs in an
//! emulator that can make none (docker/release.sh); `PIDONE_TEST_ROUNDS=N` makes races N times longer;
//! `PIDONE_REQUIRE_PRIVILEGE=1` turns skips into failures.

mod completions;
mod death;
mod drop_in;
mod enter;
mod exit_status;
mod experiments;
mod failures;
mod footprint;
mod furnish;
mod furnish_failures;
mod identity;
mod inspect;
mod inspect_signals;
mod interface;
mod isolation;
mod job_control;
mod keep;
mod library;
mod namespaces;
mod on_exit;
mod probe;
mod reaping;
mod security;
mod sessions;
mod signals;
mod stopping;
mod support;
mod terminal;
mod trace;
mod transparency;
