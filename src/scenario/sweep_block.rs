//! The `[sweep]` table: which keys take which values, and the file with one combination of them in place.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::duration::parse_duration;
use super::problem::{Findings, listed, nearest, shown};
use super::sweep::{Axis, MAX_CELLS, Setting};

/// The key of the table.
pub(super) const SWEEP: &str = "sweep";
/// Blocks that a key may be in.
const BLOCKS: [&str; 2] = ["pv", "client"];
/// Keys that tell things apart, and blocks that judge them: none can differ from cell to cell.
const FIXED: [&str; 7] = ["name", "title", "about", SWEEP, "claim", "expect", "probe"];
const WRITE: &str = "name a key of the file and the values that it takes: client.period = [\"1ms\", \"10ms\"]";

/// A key that is swept, where it stands, and its values.
pub(super) struct Swept<'t> {
    /// Key and values as the rest of the program has them.
    pub(super) axis: Axis,
    values: Vec<&'t Spanned<DeValue<'t>>>,
    places: Vec<Place<'t>>,
}

/// Where a key stands: in the file itself or in one of its blocks.
#[derive(Clone, Debug, PartialEq)]
struct Place<'t> {
    /// The kind of block, and its number.
    block: Option<(&'static str, usize)>,
    /// The key there, one word for each table on the way.
    path: Vec<&'t str>,
}

/// Reads the table of a file whose base is a scenario. `None` when it has none, or when something is wrong with it.
pub(super) fn axes<'t>(root: &'t DeTable<'t>, findings: &Findings<'_>) -> Option<Vec<Swept<'t>>> {
    let sweep = root.get(SWEEP)?;
    let DeValue::Table(table) = sweep.get_ref() else {
        findings.add(sweep.span(), SWEEP, "is not a table", format!("start it with [{SWEEP}]; {WRITE}"));
        return None;
    };
    let mut written = Vec::new();
    gather(table, &mut Vec::new(), &mut written);
    written.sort_by_key(|(_, at, _)| at.start);
    if written.is_empty() {
        findings.add(sweep.span(), SWEEP, "sweeps nothing", WRITE);
    }
    let mut all: Vec<Swept<'t>> = Vec::new();
    let mut cells = 1usize;
    for (path, at, value) in written {
        let key = path.join(".");
        let fault = |at: Range<usize>, what: String, advice: String| {
            findings.add(at, &format!("{SWEEP}.{}", shown(&key)), what, advice);
        };
        let Some(swept) = swept(root, &path, &at, value, &fault) else { continue };
        if let Some(other) = all.iter().find(|other| other.places.iter().any(|place| swept.places.contains(place))) {
            let what = format!("the same key is swept by `{}`", shown(&other.axis.key));
            fault(at, what, "leave one of them out".to_owned());
            continue;
        }
        let values = swept.axis.values.len();
        let more = cells.saturating_mul(values);
        if more > MAX_CELLS {
            let what = format!("{values} values make {more} cells up to here, more than {MAX_CELLS}");
            fault(at, what, "shorten a list, or make several sweeps of it".to_owned());
            break;
        }
        cells = more;
        all.push(swept);
    }
    findings.is_empty().then_some(all)
}

type Written<'t> = (Vec<&'t str>, Range<usize>, &'t Spanned<DeValue<'t>>);

/// The keys of the table, dotted ones as their words, each with its value.
fn gather<'t>(table: &'t DeTable<'t>, above: &mut Vec<&'t str>, written: &mut Vec<Written<'t>>) {
    for (key, value) in table.iter() {
        above.push(key.get_ref());
        match value.get_ref() {
            DeValue::Table(below) if !below.is_empty() => gather(below, above, written),
            _ => written.push((above.clone(), key.span(), value)),
        }
        above.pop();
    }
}

fn swept<'t>(
    root: &'t DeTable<'t>,
    path: &[&'t str],
    at: &Range<usize>,
    value: &'t Spanned<DeValue<'t>>,
    fault: &dyn Fn(Range<usize>, String, String),
) -> Option<Swept<'t>> {
    let DeValue::Array(items) = value.get_ref() else {
        let what = format!("is {}, should be a list of values", kind(value.get_ref()));
        fault(value.span(), what, "such as [\"1ms\", \"10ms\"] or [1, 10, 100]".to_owned());
        return None;
    };
    let places = places(root, path, at, fault)?;
    if items.is_empty() {
        fault(value.span(), "is an empty list".to_owned(), "give at least one value".to_owned());
        return None;
    }
    let mut axis = Axis { key: path.join("."), values: Vec::new() };
    for item in items.iter() {
        let setting = setting(item.get_ref());
        if axis.values.contains(&setting) {
            fault(
                item.span(),
                format!("{setting} is in the list twice"),
                "every value makes a cell: leave one out".into(),
            );
            return None;
        }
        axis.values.push(setting);
    }
    Some(Swept { axis, values: items.iter().collect(), places })
}

/// Where the key stands in the file.
fn places<'t>(
    root: &'t DeTable<'t>,
    path: &[&'t str],
    at: &Range<usize>,
    fault: &dyn Fn(Range<usize>, String, String),
) -> Option<Vec<Place<'t>>> {
    let (first, rest) = path.split_first()?;
    let last = path.last()?;
    if FIXED.contains(first) || FIXED.contains(last) {
        fault(
            at.clone(),
            "cannot be swept".into(),
            "sweep a key of [[pv]] or [[client]] blocks, or one such as `window`".into(),
        );
        return None;
    }
    let Some(kind) = BLOCKS.into_iter().find(|kind| kind == first) else {
        if root.contains_key(*first) && rest.is_empty() {
            return Some(vec![Place { block: None, path: vec![first] }]);
        }
        let known = root.keys().map(|key| -> &str { key.get_ref() }).chain(BLOCKS);
        let advice = match nearest(first, known.filter(|key| !FIXED.contains(key))) {
            Some(best) if best != *first => format!("did you mean `{best}`?"),
            _ => "only a key that the file has can be swept: write it there, with any value".to_owned(),
        };
        fault(at.clone(), format!("the file has no `{}`", shown(&path.join("."))), advice);
        return None;
    };
    let blocks: Vec<(usize, &'t DeTable<'t>)> = match root.get(kind).map(Spanned::get_ref) {
        Some(DeValue::Array(items)) => items
            .iter()
            .enumerate()
            .filter_map(|(number, item)| match item.get_ref() {
                DeValue::Table(block) => Some((number, block)),
                _ => None,
            })
            .collect(),
        _ => Vec::new(),
    };
    // `client.period` is of every client that has one, `client.NAME.period` of the client of that name.
    let named: Vec<_> =
        blocks.iter().filter(|(_, block)| rest.len() > 1 && name(block) == rest.first().copied()).collect();
    let (among, key): (Vec<_>, &[&'t str]) =
        if named.is_empty() { (blocks.iter().collect(), rest) } else { (named, &rest[1..]) };
    let places: Vec<Place<'t>> = among
        .into_iter()
        .filter(|(_, block)| !key.is_empty() && find(block, key).is_some())
        .map(|(number, _)| Place { block: Some((kind, *number)), path: key.to_vec() })
        .collect();
    if places.is_empty() {
        let (what, advice) = nowhere(kind, key, &blocks.iter().map(|(_, block)| *block).collect::<Vec<_>>());
        fault(at.clone(), what, advice);
        return None;
    }
    Some(places)
}

/// What is wrong with a key that no block has, and what would be right.
fn nowhere(kind: &str, key: &[&str], blocks: &[&DeTable<'_>]) -> (String, String) {
    let Some((last, above)) = key.split_last() else {
        return (format!("names no key of a [[{kind}]] block"), format!("such as {kind}.KEY = [...]"));
    };
    let what = format!("no [[{kind}]] block has `{}`", shown(&key.join(".")));
    let tables = blocks.iter().filter_map(|block| match above {
        [] => Some(*block),
        above => match find(block, above)?.get_ref() {
            DeValue::Table(table) => Some(table),
            _ => None,
        },
    });
    let keys: Vec<&str> = tables.flat_map(|table| table.keys().map(|key| -> &str { key.get_ref() })).collect();
    let names: Vec<&str> = blocks.iter().filter_map(|block| name(block)).collect();
    let best = match above.first() {
        Some(of) if keys.is_empty() => nearest(of, names.iter().copied()),
        _ => nearest(last, keys.iter().copied()),
    };
    let advice = match best {
        Some(best) => format!("did you mean `{best}`?"),
        None if keys.is_empty() => format!("blocks are {}", listed(&names)),
        None => "write it in the blocks that are to be swept, with any value".to_owned(),
    };
    (what, advice)
}

fn name<'t>(block: &'t DeTable<'t>) -> Option<&'t str> {
    match block.get("name")?.get_ref() {
        DeValue::String(name) => Some(name),
        _ => None,
    }
}

fn find<'t>(table: &'t DeTable<'t>, path: &[&str]) -> Option<&'t Spanned<DeValue<'t>>> {
    let (first, rest) = path.split_first()?;
    let value = table.get(*first)?;
    match (rest, value.get_ref()) {
        ([], _) => Some(value),
        (rest, DeValue::Table(below)) => find(below, rest),
        _ => None,
    }
}

/// A value as tables and axes show it.
fn setting(value: &DeValue<'_>) -> Setting {
    let number = |text: &str, radix| i64::from_str_radix(text, radix).ok().map(|n| Setting::Number(n as f64));
    let known = match value {
        DeValue::String(text) => parse_duration(text).ok().map(Setting::TimeNs),
        DeValue::Integer(digits) => number(digits.as_str(), digits.radix()),
        DeValue::Float(digits) => digits.as_str().parse().ok().filter(|f: &f64| f.is_finite()).map(Setting::Number),
        _ => None,
    };
    known.unwrap_or_else(|| Setting::Word(shown(&words(value))))
}

fn words(value: &DeValue<'_>) -> String {
    let list = |parts: Vec<String>| format!("[{}]", parts.join(", "));
    match value {
        DeValue::String(text) => text.to_string(),
        DeValue::Integer(digits) => digits.to_string(),
        DeValue::Float(digits) => digits.to_string(),
        DeValue::Boolean(flag) => flag.to_string(),
        DeValue::Datetime(date) => date.to_string(),
        DeValue::Array(items) => list(items.iter().map(|item| words(item.get_ref())).collect()),
        DeValue::Table(table) => {
            list(table.iter().map(|(key, value)| format!("{} = {}", key.get_ref(), words(value.get_ref()))).collect())
        }
    }
}

fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::Table(_) => "an empty table",
        DeValue::Array(_) => "a list",
        _ => "a single value",
    }
}

/// The file with one value of each key in its places, and without the `[sweep]` table.
pub(super) fn with_values<'t>(root: &DeTable<'t>, axes: &[Swept<'t>], at: &[usize]) -> DeTable<'t> {
    let mut table = root.clone();
    table.remove(SWEEP);
    for (swept, at) in axes.iter().zip(at) {
        let Some(value) = swept.values.get(*at) else { continue };
        for place in &swept.places {
            if let Some(old) = value_at(&mut table, place) {
                *old = (*value).clone();
            }
        }
    }
    table
}

fn value_at<'m, 't>(root: &'m mut DeTable<'t>, place: &Place<'_>) -> Option<&'m mut Spanned<DeValue<'t>>> {
    let mut table = match place.block {
        None => root,
        Some((kind, number)) => match root.get_mut(kind)?.get_mut() {
            DeValue::Array(items) => match items.get_mut(number)?.get_mut() {
                DeValue::Table(block) => block,
                _ => return None,
            },
            _ => return None,
        },
    };
    let (last, above) = place.path.split_last()?;
    for word in above {
        table = match table.get_mut(*word)?.get_mut() {
            DeValue::Table(below) => below,
            _ => return None,
        };
    }
    table.get_mut(*last)
}

#[cfg(test)]
mod tests {
    use super::super::read::{LoadedText, Source, read, read_sweep};
    use super::super::sweep::Sweep;
    use crate::scenario::model::{Change, Fetch};
    use crate::time::Span;

    const FILE: &str = "title = 'T'\nwindow = '1s'\n[[pv]]\nname = 'A{0..9}'\npvs = 4\nchange = { rate_hz = 10 }\n\
                        [[pv]]\nname = 'B'\nchange = { pattern = 'still' }\n\
                        [[client]]\nname = 'm'\nfetch = 'monitor'\n\
                        [[client]]\nname = 'a'\nfetch = 'batch'\nperiod = '5ms'\n\
                        [[client]]\nname = 'b'\nfetch = 'serial'\nperiod = '7ms'\n";

    fn sweep(table: &str) -> Sweep {
        let text = format!("{FILE}[sweep]\n{table}\n");
        let load = |_: &str| Err::<LoadedText, _>(String::new());
        let source = Source { file: "t.toml", name: "t", text: &text };
        // The file by itself is the scenario of its blocks.
        let base = read(source, &load).unwrap();
        assert_eq!((base.pvs.len(), base.window), (5, Span::from_secs(1)));
        read_sweep(source, &load).unwrap_or_else(|e| panic!("{e}")).unwrap()
    }

    #[test]
    fn a_cell_is_the_file_with_other_values() {
        let all = sweep("pv.change.rate_hz = [1, 100]\nclient.period = ['1ms', '10ms', '0.1 s']");
        assert_eq!(
            all.axes.iter().map(|axis| axis.key.as_str()).collect::<Vec<_>>(),
            ["pv.change.rate_hz", "client.period"]
        );
        assert_eq!(all.cells.len(), 6);
        let cell = &all.cells[5];
        assert_eq!((cell.at.as_slice(), cell.folder.as_str()), (&[1, 2][..], "0005-rate_hz-100-period-100ms"));
        assert_eq!(cell.scenario.title, "T (rate_hz 100, period 100 ms)");
        assert_eq!(cell.scenario.groups[0].change, Change::Periodic { interval: Span::from_millis(10) });
        assert_eq!(cell.scenario.groups[1].change, Change::Still);
        let periods: Vec<_> = cell.scenario.clients.iter().map(|client| client.asked_period()).collect();
        assert_eq!(periods, [None, Some(Span::from_millis(100)), Some(Span::from_millis(100))]);
    }

    #[test]
    fn a_block_is_picked_by_its_name_and_the_order_is_that_of_the_file() {
        let all = sweep(
            "client.b.period = ['1ms', '2ms']\nclient.b.fetch = ['batch', 'serial']\npv.pvs = [1, 10]\nwindow = ['3s']",
        );
        let keys: Vec<&str> = all.axes.iter().map(|axis| axis.key.as_str()).collect();
        assert_eq!(keys, ["client.b.period", "client.b.fetch", "pv.pvs", "window"]);
        assert_eq!(all.cells.len(), 8);
        let last = &all.cells[7].scenario;
        assert_eq!((last.pvs.len(), last.window), (11, Span::from_secs(3)));
        assert_eq!(
            (last.clients[1].asked_period(), last.clients[2].asked_period()),
            (Some(Span::from_millis(5)), Some(Span::from_millis(2)))
        );
        assert_eq!((last.clients[2].fetch, all.cells[0].scenario.clients[2].fetch), (Fetch::Serial, Fetch::Batch));
    }

    #[test]
    fn a_file_without_the_table_has_no_cells() {
        let source = Source { file: "t.toml", name: "t", text: FILE };
        assert_eq!(read_sweep(source, &|_: &str| Err::<LoadedText, _>(String::new())).unwrap(), None);
    }
}
