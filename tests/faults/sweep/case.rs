//! One fault in one scene, and its name: `scene/process/syscall/N/ERRNO`.

use super::calls;
use super::scenes::{self, Scene};
use super::tracer::{Census, Fault};
use nix::errno::Errno;
use std::fmt;

pub struct Case {
    pub scene: &'static Scene,
    /// `None`: any.
    process: Option<usize>,
    pub call: String,
    /// `None`: every one.
    nth: Option<u32>,
    pub errno: Errno,
}

impl Case {
    /// The case of this name.
    pub fn named(name: &str) -> Option<Self> {
        let mut parts = name.split('/');
        let mut next = || parts.next();
        let scene = scenes::named(next()?)?;
        let process = match next()? {
            "any" => None,
            name => Some(scene.index_of(name)?),
        };
        let call = next()?.to_owned();
        calls::number(&call)?;
        let nth = match next()? {
            "every" => None,
            number => Some(number.parse().ok()?),
        };
        let errno = calls::errno(next()?)?;
        next().is_none().then_some(Case { scene, process, call, nth, errno })
    }

    pub fn fault(&self) -> Fault {
        let call = calls::number(&self.call).expect("a call that has a name");
        Fault { process: self.process, call, nth: self.nth, errno: self.errno, with: |_| true }
    }

    /// All that can fail in a scene in which these calls were made: each call for once, and each as if the kernel did not
    /// have it, or a filter forbade it.
    pub fn all(scene: &'static Scene, census: &Census) -> Vec<Self> {
        let mut cases = Vec::new();
        for (&(process, call), &count) in census {
            let name = calls::name(call);
            let can_fail = calls::can_fail(&name);
            for nth in (1..=count).filter(|_| can_fail) {
                cases.extend(calls::errnos(&name).map(|errno| Case {
                    scene,
                    process: Some(process),
                    call: name.clone(),
                    nth: Some(nth),
                    errno,
                }));
            }
        }
        let mut names: Vec<_> = census.keys().map(|(_, call)| calls::name(*call)).collect();
        names.sort();
        names.dedup();
        for call in names.into_iter().filter(|name| calls::can_be_forbidden(name) && name != "close") {
            for errno in [Errno::ENOSYS, Errno::EPERM] {
                cases.push(Case { scene, process: None, call: call.clone(), nth: None, errno });
            }
        }
        cases
    }
}

impl fmt::Display for Case {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let process = self.process.map_or_else(|| "any".to_owned(), |index| self.scene.process(index));
        let nth = self.nth.map_or_else(|| "every".to_owned(), |nth| nth.to_string());
        write!(out, "{}/{process}/{}/{nth}/{:?}", self.scene.name, self.call, self.errno)
    }
}
