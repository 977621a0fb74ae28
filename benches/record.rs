//! Runs in: the benchmark. All figures as one JSON text, with what one has to know of the machine to read them.

use crate::bounds::Verdict;
use crate::figures::{Row, Table};
use crate::lab::{compiler, field};
use serde_json::{Map, Value, json};

pub fn json(tables: &[Table], verdicts: &[Verdict], quick: bool) -> Value {
    json!({
        "machine": machine(),
        "quick": quick,
        "tables": tables.iter().map(table).collect::<Vec<_>>(),
        "bounds": verdicts.iter().map(|verdict| json!({
            "what": verdict.what,
            "measured": verdict.measured,
            "at_most": verdict.at_most,
            "unit": verdict.unit.trim(),
            "holds": verdict.measured <= verdict.at_most,
        })).collect::<Vec<_>>(),
    })
}

/// What the figures were taken on; the load is that of the moment.
pub fn machine() -> Value {
    let processor = field("/proc/cpuinfo", "model name\t").unwrap_or_default();
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    json!({
        "processor": processor,
        "processors": std::thread::available_parallelism().map_or(0, usize::from),
        "kernel": kernel.trim(),
        "load": load.split(' ').next(),
        "floors_compiled_with": compiler(),
    })
}

fn table(table: &Table) -> Value {
    json!({
        "key": table.key,
        "title": table.title,
        "unit": table.unit,
        "runs": table.runs,
        "ratios_of": table.columns[table.basis],
        "rows": table.rows.iter().map(|one| row(table, one)).collect::<Vec<_>>(),
    })
}

fn row(table: &Table, row: &Row) -> Value {
    match &row.cells {
        Err(why) => json!({ "who": row.who, "absent": why }),
        Ok(cells) => {
            // What could not be measured is null: JSON has no NaN.
            let values: Map<String, Value> =
                table.columns.iter().cloned().zip(cells.iter().map(|cell| Value::from(*cell))).collect();
            json!({
                "who": row.who,
                "values": values,
                "over_floor": table.over_floor(row),
                "pidone_over_this": table.pidone_over(row),
            })
        }
    }
}
