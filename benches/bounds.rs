//! Runs in: the benchmark. What pidone is held to. All are ratios within one run, or figures that do not depend on the machine.

use crate::contestants::{FLOOR, PEERS_IN_PLACE, PIDONE, UNSHARE_TINI};
use crate::figures::Table;

pub struct Verdict {
    pub what: String,
    pub measured: f64,
    pub at_most: f64,
    pub unit: &'static str,
}

/// Those whose figures are there.
pub fn judge(tables: &[Table]) -> Vec<Verdict> {
    let mut verdicts = Vec::new();
    for table in tables {
        let key = table.key.as_str();
        match key {
            "start.pid-1" | "start.subreaper" => {
                verdicts.extend(against(table, FLOOR, 1.25));
                verdicts.extend(PEERS_IN_PLACE.iter().filter_map(|peer| against(table, peer, 1.0)));
            }
            "start.isolated" => {
                verdicts.extend(against(table, FLOOR, 1.30));
                verdicts.extend(against(table, UNSHARE_TINI, 0.35));
            }
            "orphans.cpu" | "signals.init" | "signals.outer-init" => verdicts.extend(against(table, FLOOR, 1.10)),
            _ if key.starts_with("memory.") && key.ends_with(".1") => {
                let title = &table.title;
                verdicts.extend(absolute(table, 0, &format!("{title}: private dirty"), 48.0, " kB"));
                verdicts.extend(absolute(table, 2, &format!("{title}: RSS"), 300.0, " kB"));
            }
            _ if key.starts_with("idle.") => verdicts.extend(absolute(table, 0, &table.title, 0.0, "/s")),
            "size.in-place" => verdicts.extend(absolute(table, 0, &table.title, 512.0, " KiB")),
            _ => {}
        }
    }
    verdicts
}

fn against(table: &Table, whom: &str, at_most: f64) -> Option<Verdict> {
    let (measured, theirs) = (table.value(PIDONE)?, table.value(whom)?);
    let what = format!("{}: against {whom}", table.title);
    Some(Verdict { what, measured: measured / theirs, at_most, unit: " ×" })
}

fn absolute(table: &Table, column: usize, what: &str, at_most: f64, unit: &'static str) -> Option<Verdict> {
    Some(Verdict { what: what.to_owned(), measured: table.cell(PIDONE, column)?, at_most, unit })
}
