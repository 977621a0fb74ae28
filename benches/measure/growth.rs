//! Runs in: the benchmark. What an isolated start costs where the machine is not empty: new mount namespaces copy all mounts of
//! the old one, and the kernel's tables grow with the number of namespaces.

use super::start::interleaved;
use crate::contestants::{self, Contestant, Place};
use crate::figures::{Row, Table, absent, median};
use crate::lab::{Lab, Playing};
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, setns, unshare};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

const NOTHING: Option<&str> = None;

pub fn measure(lab: &Lab) -> io::Result<Vec<Table>> {
    let before = File::open("/proc/self/ns/mnt")?;
    unshare(CloneFlags::CLONE_NEWNS)?;
    let mounts = with_mounts(lab);
    setns(&before, CloneFlags::CLONE_NEWNS)?;
    Ok(vec![mounts?, with_namespaces(lab)?])
}

/// First with as few mounts as can be, then with more.
fn with_mounts(lab: &Lab) -> io::Result<Table> {
    let (fit, unfit) = lab.entrants(Place::Isolated);
    mount(NOTHING, "/", NOTHING, MsFlags::MS_REC | MsFlags::MS_PRIVATE, NOTHING)?;
    let few = keep_few_mounts(lab, &fit)?;
    // Where there is no /proc, and no /dev, not everybody starts.
    let lowest = lab.entrants(Place::Isolated).0;
    let place = lab.directory().join("mounts");
    std::fs::create_dir(&place)?;
    let mut there = few;
    let mut growth = Growth::new(&fit);
    for wanted in [few, 100, 1000] {
        for number in there..wanted {
            let point = place.join(number.to_string());
            std::fs::create_dir(&point)?;
            mount(Some("none"), &point, Some("tmpfs"), MsFlags::empty(), Some("size=4k"))?;
        }
        there = wanted.max(there);
        growth.measure(lab, if there == few { &lowest } else { &fit }, &format!("{there} mounts"))?;
    }
    Ok(growth.table("growth.mounts", "Isolated start to exit, by mounts in the caller's namespace", unfit))
}

/// Takes away all mounts but those with the programs. Returns how many are left.
fn keep_few_mounts(lab: &Lab, fit: &[Contestant]) -> io::Result<usize> {
    let needed: Vec<PathBuf> =
        fit.iter().flat_map(|one| &one.words).map(PathBuf::from).filter(|word| word.is_file()).collect();
    let is_needed = |point: &Path| {
        point == Path::new("/")
            || point == Path::new("/proc")
            || lab.directory().starts_with(point)
            || needed.iter().any(|file| file.starts_with(point))
    };
    let points = mount_points()?;
    // What is mounted last lies on top.
    for point in points.iter().rev().filter(|point| !is_needed(point)) {
        // Ignoring the error: it went with one above; or user namespaces lock it (mount_namespaces(7)).
        let _ = umount2(point, MntFlags::MNT_DETACH);
    }
    Ok(mount_points()?.len())
}

/// From mountinfo (proc(5)); spaces are written in octal there, and such a mount is left alone.
fn mount_points() -> io::Result<Vec<PathBuf>> {
    let text = std::fs::read_to_string("/proc/self/mountinfo")?;
    Ok(text.lines().filter_map(|line| line.split(' ').nth(4).map(PathBuf::from)).collect())
}

/// With instances of pidone that are alive, each with namespaces of its own.
fn with_namespaces(lab: &Lab) -> io::Result<Table> {
    let (fit, unfit) = lab.entrants(Place::Isolated);
    let host =
        contestants::all(Place::Isolated, &lab.built).0.into_iter().find(|one| one.name == contestants::PIDONE);
    let host = host.ok_or(io::ErrorKind::NotFound)?;
    let mut alive: Vec<Playing> = Vec::new();
    let mut growth = Growth::new(&fit);
    for wanted in [1, 100, lab.runs(500, 100)] {
        while alive.len() < wanted {
            alive.push(lab.play(&host, Place::Isolated, "hold", 0)?);
        }
        growth.measure(lab, &fit, &format!("{wanted} alive"))?;
    }
    Ok(growth.table("growth.namespaces", "Isolated start to exit, by PID and mount namespaces alive", unfit))
}

/// A row for each contestant that grows by a column with each step.
struct Growth {
    columns: Vec<String>,
    rows: Vec<(&'static str, Vec<f64>)>,
    runs: usize,
}

impl Growth {
    fn new(fit: &[Contestant]) -> Self {
        Growth { columns: Vec::new(), rows: fit.iter().map(|one| (one.name, Vec::new())).collect(), runs: 0 }
    }

    fn measure(&mut self, lab: &Lab, fit: &[Contestant], column: &str) -> io::Result<()> {
        if self.columns.iter().any(|there| there == column) {
            return Ok(());
        }
        self.runs = lab.runs(200, 10);
        lab.stay_on_one_processor(true)?;
        let samples = interleaved(lab, fit, Place::Isolated, self.runs);
        lab.stay_on_one_processor(false)?;
        let medians: Vec<_> = samples?.into_iter().map(|(who, samples)| (who, median(samples))).collect();
        for (who, cells) in &mut self.rows {
            cells.push(medians.iter().find(|(name, _)| name == who).map_or(f64::NAN, |(_, median)| *median));
        }
        self.columns.push(column.to_owned());
        Ok(())
    }

    fn table(self, key: &str, title: &str, unfit: Vec<(&'static str, String)>) -> Table {
        let rows = self.rows.into_iter().map(|(who, cells)| Row { who, cells: Ok(cells) });
        Table {
            key: key.to_owned(),
            title: format!("{title} (median)"),
            unit: "µs",
            basis: self.columns.len() - 1,
            columns: self.columns,
            runs: self.runs,
            rows: rows.chain(absent(unfit)).collect(),
        }
    }
}
