//! Results as rows: kept in a JSON file row by row, drawn as one Markdown table.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

/// One line of the table.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Row {
    /// What was measured.
    pub(crate) case: String,
    /// What it is held against.
    pub(crate) against: String,
    /// What was wanted, in words.
    pub(crate) wanted: String,
    /// The numbers, in words.
    pub(crate) measured: String,
    /// The ratio of each interleaved round; empty where there is none.
    pub(crate) ratios: Vec<f64>,
    /// Whether what was wanted was reached; `None`: it was only to be stated.
    pub(crate) reached: Option<bool>,
    /// What a reader must know besides.
    pub(crate) note: String,
    /// When, in UTC; set when it is kept.
    #[serde(default)]
    pub(crate) measured_at: String,
}

impl Row {
    /// The median ratio with the range over rounds.
    fn ratio(&self) -> String {
        let mut sorted = self.ratios.clone();
        sorted.sort_by(f64::total_cmp);
        match sorted.as_slice() {
            [] => String::new(),
            [only] => format!("{only:.2}"),
            all => format!("{:.2} ({:.2} to {:.2}, {} rounds)", median(all), all[0], all[all.len() - 1], all.len()),
        }
    }
}

/// The middle one, of any order.
pub(crate) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    match sorted.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => sorted[n / 2],
        n => f64::midpoint(sorted[n / 2 - 1], sorted[n / 2]),
    }
}

#[derive(Default, Serialize, Deserialize)]
struct Kept {
    machine: String,
    versions: String,
    rows: BTreeMap<String, Row>,
}

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs")
}

/// Draws the table of what is kept.
pub(crate) fn draw(order: &[&str]) {
    let text = fs::read_to_string(docs().join("benchmarks.json")).unwrap();
    fs::write(docs().join("benchmarks.md"), markdown(order, &serde_json::from_str(&text).unwrap())).unwrap();
}

/// Keeps the rows that were measured now, and draws the table of all.
pub(crate) fn keep(order: &[&str], measured: &[(&str, Row)], versions: &str) {
    let (json, page) = (docs().join("benchmarks.json"), docs().join("benchmarks.md"));
    let mut kept: Kept =
        fs::read_to_string(&json).ok().and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
    let host = pollcost::io::host::host();
    let known = |text: Option<String>| text.unwrap_or_else(|| "not known".to_owned());
    kept.machine = format!(
        "{}, {} cores allowed, {}, clock source {}, idle driver {}, virtual machine: {}",
        known(host.cpu_model),
        host.cores.map_or(0, |n| n),
        known(host.kernel),
        known(host.clock_source),
        known(host.idle_driver),
        host.hypervisor.map_or("not known", |is| if is { "yes" } else { "no" }),
    );
    versions.clone_into(&mut kept.versions);
    let now = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
    for (id, row) in measured {
        kept.rows.insert((*id).to_owned(), Row { measured_at: now.clone(), ..row.clone() });
    }
    fs::create_dir_all(docs()).unwrap();
    fs::write(&json, serde_json::to_string_pretty(&kept).unwrap() + "\n").unwrap();
    fs::write(&page, markdown(order, &kept)).unwrap();
}

fn markdown(order: &[&str], kept: &Kept) -> String {
    let mut text = format!(
        "# How fast the instrument is\n\n\
         Made by `cargo bench --bench instrument`, which sets up everything it needs; `cargo bench --bench instrument -- ROW ...` measures\n\
         single rows anew: {}. What is compared runs in turn within one run;\n\
         a ratio is the median over such rounds, with its range. A ratio that was wanted and is not reached is shown as it is.\n\n\
         Machine: {}.\nVersions: {}.\n\n\
         | row | case | against | wanted | measured | ratio | reached |\n|---|---|---|---|---|---|---|\n",
        order.iter().map(|id| format!("`{id}`")).collect::<Vec<_>>().join(", "),
        kept.machine,
        kept.versions,
    );
    let rows = || order.iter().filter_map(|id| Some((id, kept.rows.get(*id)?)));
    for (id, row) in rows() {
        let reached = row.reached.map_or("stated", |is| if is { "yes" } else { "**no**" });
        let _ = writeln!(
            text,
            "| `{id}` | {} | {} | {} | {} | {} | {reached} |",
            row.case,
            row.against,
            row.wanted,
            row.measured,
            row.ratio()
        );
    }
    text.push('\n');
    let missing: Vec<&str> = order.iter().copied().filter(|id| !kept.rows.contains_key(*id)).collect();
    if !missing.is_empty() {
        let _ = writeln!(text, "Not measured yet: {}.\n", missing.join(", "));
    }
    for (id, row) in rows() {
        let _ = writeln!(text, "- `{id}` ({}): {}", row.measured_at, row.note);
    }
    text
}
