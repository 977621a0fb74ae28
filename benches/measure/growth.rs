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

/// How often it grows anew: what disturbs the machine for a while is not to disturb one size alone.
const CYCLES: usize = 5;

pub fn measure(lab: &Lab) -> io::Result<Vec<Table>> {
    let (fit, unfit) = lab.entrants(Place::Isolated);
    let mut mounts = Growth::of(&fit);
    let mut namespaces = Growth::of(&fit);
    for _ in 0..lab.runs(CYCLES, 1) {
        calm_down();
        let before = File::open("/proc/self/ns/mnt")?;
        let directory = std::env::current_dir()?;
        unshare(CloneFlags::CLONE_NEWNS)?;
        let measured = with_mounts(lab, &fit, &mut mounts);
        setns(&before, CloneFlags::CLONE_NEWNS)?;
        // It has gone to the root directory there (setns(2)).
        std::env::set_current_dir(directory)?;
        measured?;
        calm_down();
        with_namespaces(lab, &fit, &mut namespaces)?;
    }
    Ok(vec![
        mounts.table("growth.mounts", "Isolated start to exit, by mounts in the caller's namespace", &unfit),
        namespaces.table("growth.namespaces", "Isolated start to exit, by PID and mount namespaces alive", &unfit),
    ])
}

/// The kernel takes away dead namespaces and their mounts after their end, in its own time.
fn calm_down() {
    std::thread::sleep(std::time::Duration::from_secs(1));
}

/// First with as few mounts as can be, then with more.
fn with_mounts(lab: &Lab, fit: &[Contestant], growth: &mut Growth) -> io::Result<()> {
    mount(NOTHING, "/", NOTHING, MsFlags::MS_REC | MsFlags::MS_PRIVATE, NOTHING)?;
    let few = keep_few_mounts(lab, fit)?;
    // Where there is no /dev, not everybody starts.
    let lowest = lab.entrants(Place::Isolated).0;
    let place = lab.directory().join("mounts");
    std::fs::create_dir_all(&place)?;
    let mut there = few;
    for wanted in [few, 100, 1000] {
        for number in there..wanted {
            let point = place.join(number.to_string());
            std::fs::create_dir_all(&point)?;
            mount(Some("none"), &point, Some("tmpfs"), MsFlags::empty(), Some("size=4k"))?;
        }
        there = wanted.max(there);
        growth.measure(lab, if there == few { &lowest } else { fit }, &format!("{there} mounts"))?;
    }
    Ok(())
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
fn with_namespaces(lab: &Lab, fit: &[Contestant], growth: &mut Growth) -> io::Result<()> {
    let host = fit.iter().find(|one| one.name == contestants::PIDONE).ok_or(io::ErrorKind::NotFound)?;
    let mut alive: Vec<Playing> = Vec::new();
    for wanted in [1, 100, lab.runs(500, 200)] {
        while alive.len() < wanted {
            alive.push(lab.play(host, Place::Isolated, "hold", 0)?);
        }
        growth.measure(lab, fit, &format!("{wanted} alive"))?;
    }
    Ok(())
}

/// What everybody took at each size.
struct Growth {
    columns: Vec<String>,
    /// For each contestant and column.
    samples: Vec<(&'static str, Vec<Vec<f64>>)>,
}

impl Growth {
    fn of(fit: &[Contestant]) -> Self {
        Growth { columns: Vec::new(), samples: fit.iter().map(|one| (one.name, Vec::new())).collect() }
    }

    fn measure(&mut self, lab: &Lab, fit: &[Contestant], column: &str) -> io::Result<()> {
        lab.stay_on_one_processor(true)?;
        let measured = interleaved(lab, fit, Place::Isolated, lab.runs(200 / CYCLES, 10));
        lab.stay_on_one_processor(false)?;
        let number = self.columns.iter().position(|there| there == column).unwrap_or_else(|| {
            self.columns.push(column.to_owned());
            self.samples.iter_mut().for_each(|(_, columns)| columns.push(Vec::new()));
            self.columns.len() - 1
        });
        for (who, samples) in measured? {
            if let Some((_, columns)) = self.samples.iter_mut().find(|(name, _)| *name == who) {
                columns[number].extend(samples);
            }
        }
        Ok(())
    }

    fn table(self, key: &str, title: &str, unfit: &[(&'static str, String)]) -> Table {
        let runs = self.samples.first().and_then(|(_, columns)| columns.last()).map_or(0, Vec::len);
        let rows = self
            .samples
            .into_iter()
            .map(|(who, columns)| Row { who, cells: Ok(columns.into_iter().map(median).collect()) });
        Table {
            key: key.to_owned(),
            title: format!("{title} (median)"),
            unit: "µs",
            basis: self.columns.len() - 1,
            columns: self.columns,
            runs,
            rows: rows.chain(absent(unfit.to_vec())).collect(),
        }
    }
}
