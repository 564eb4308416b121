//! The figures as a table, each beside its bound.

use std::fmt::Write as _;

/// One figure.
pub struct Row {
    /// What was measured.
    pub what: String,
    /// What it is.
    pub measured: String,
    /// What the machine gives at best, in the same run.
    pub bound: String,
    /// What is to be reached.
    pub goal: String,
    /// How much of the goal it takes: above 1 it is missed. None where nothing is to be reached.
    pub used: Option<f64>,
}

impl Row {
    fn verdict(&self) -> String {
        match self.used {
            None => String::new(),
            Some(used) if used <= 1.0 => "reached".to_owned(),
            Some(used) => format!("**missed by {:.0} %**", (used - 1.0) * 100.0),
        }
    }
}

/// A Markdown table.
pub fn print(rows: &[Row]) -> String {
    let mut text =
        String::from("| What | Measured | Bound, same run | To reach | |\n|---|---|---|---|---|\n");
    for row in rows {
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} |",
            row.what,
            row.measured,
            row.bound,
            row.goal,
            row.verdict()
        );
    }
    text
}

/// What the figures were taken on, in one line.
pub fn machine(cores: usize) -> String {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let cpu = read("/proc/cpuinfo");
    let cpu = cpu
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .map_or("", |rest| rest.trim_start_matches([' ', '\t', ':']));
    let memory = read("/proc/meminfo");
    let memory: u64 = memory
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))
        .and_then(|rest| rest.split_whitespace().next()?.parse().ok())
        .unwrap_or(0);
    format!(
        "{cores} cores, {cpu}, {} GiB, Linux {}",
        memory.div_ceil(1024 * 1024),
        read("/proc/sys/kernel/osrelease").trim()
    )
}
