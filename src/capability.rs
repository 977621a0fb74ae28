//! Runs in: any thread-free process. Capability numbers and their names, capabilities(7).

use crate::sys;
use std::fmt;

/// CAP_SETGID
pub(crate) const SETGID: u32 = 6;
/// CAP_SETUID
pub(crate) const SETUID: u32 = 7;
/// CAP_SYS_ADMIN
pub(crate) const SYS_ADMIN: u32 = 21;
/// CAP_SETFCAP
pub(crate) const SETFCAP: u32 = 31;

/// Whether this process may use capability `number` now.
pub(crate) fn is_effective(number: u32) -> bool {
    sys::capability_sets().is_ok_and(|sets| sets.effective.0 & (1 << number) != 0)
}

/// A set of capabilities: bit `n` stands for number `n`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Capabilities(pub(crate) u64);

/// Their names without `cap_`, by number.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    NAMES.split_ascii_whitespace()
}

const NAMES: &str = "\
    chown dac_override dac_read_search fowner fsetid kill setgid setuid setpcap linux_immutable net_bind_service \
    net_broadcast net_admin net_raw ipc_lock ipc_owner sys_module sys_rawio sys_chroot sys_ptrace sys_pacct \
    sys_admin sys_boot sys_nice sys_resource sys_time sys_tty_config mknod lease audit_write audit_control \
    setfcap mac_override mac_admin syslog wake_alarm block_suspend audit_read perfmon bpf checkpoint_restore";

impl Capabilities {
    /// Those that the kernel knows, whichever they are.
    pub(crate) const ALL: Self = Capabilities(u64::MAX);

    /// The set that a list names: `net_raw,CAP_KILL`; no word but names.
    pub(crate) fn parse(list: &str) -> Option<Self> {
        let list = list.to_ascii_lowercase();
        let mut set = 0;
        for word in list.split(',') {
            let name = word.strip_prefix("cap_").unwrap_or(word);
            set |= 1 << names().position(|known| known == name)?;
        }
        Some(Capabilities(set))
    }

    /// What is in this one only.
    pub(crate) fn without(self, other: Self) -> Self {
        Capabilities(self.0 & !other.0)
    }

    pub(crate) fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The numbers in it, from the lowest.
    pub(crate) fn numbers(self) -> impl Iterator<Item = u32> {
        (0..u64::BITS).filter(move |number| self.0 & (1 << number) != 0)
    }
}

/// `cap_kill,cap_net_raw`; one without a name as its number.
impl fmt::Display for Capabilities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut comma = "";
        for number in self.numbers() {
            match usize::try_from(number).ok().and_then(|number| names().nth(number)) {
                Some(name) => write!(f, "{comma}cap_{name}")?,
                None => write!(f, "{comma}{number}")?,
            }
            comma = ",";
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_understood_as_people_write_them() {
        assert_eq!(Capabilities::parse("chown"), Some(Capabilities(1)));
        assert_eq!(Capabilities::parse("CAP_NET_RAW,kill"), Some(Capabilities(1 << 13 | 1 << 5)));
        assert_eq!(Capabilities::parse("checkpoint_restore"), Some(Capabilities(1 << 40)));
        for list in ["", ",", "chown,", "cap_", "all", "nope", "chown kill", "5"] {
            assert_eq!(Capabilities::parse(list), None, "{list}");
        }
    }

    #[test]
    fn names_come_back() {
        let list = "cap_kill,cap_net_raw";
        assert_eq!(Capabilities::parse(list).unwrap().to_string(), list);
        assert_eq!(Capabilities(1 << 63).to_string(), "63");
    }
}
