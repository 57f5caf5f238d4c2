//! The tables and values of a TOML file, read one key at a time: every fault is kept with its place, and reading goes on.

use std::cell::RefCell;
use std::ops::{Range, RangeInclusive};

use toml::de::{DeTable, DeValue};

use super::duration::{LONGEST, parse_duration};
use super::problem::{Findings, listed, nearest, suggest};
use crate::time::Span;

/// A table of the file. Keys that nobody asked for are unknown: [`Section::finish`] says so.
pub(crate) struct Section<'a> {
    table: &'a DeTable<'a>,
    at: Range<usize>,
    path: String,
    asked: RefCell<Vec<&'static str>>,
    findings: &'a Findings<'a>,
}

/// A value of the file, with its place.
#[derive(Clone)]
pub(crate) struct Entry<'a> {
    value: &'a DeValue<'a>,
    at: Range<usize>,
    path: String,
    findings: &'a Findings<'a>,
}

impl<'a> Section<'a> {
    /// The whole file.
    pub(crate) fn root(table: &'a DeTable<'a>, findings: &'a Findings<'a>) -> Section<'a> {
        Section { table, at: 0..0, path: String::new(), asked: RefCell::default(), findings }
    }

    /// The value of a key, if it is there.
    pub(crate) fn entry(&self, key: &'static str) -> Option<Entry<'a>> {
        self.asked.borrow_mut().push(key);
        let value = self.table.get(key)?;
        Some(Entry { value: value.get_ref(), at: value.span(), path: self.path_of(key), findings: self.findings })
    }

    /// Keys that are known here even if nobody gets to ask for them after a fault.
    pub(crate) fn knows(&self, keys: &[&'static str]) {
        self.asked.borrow_mut().extend_from_slice(keys);
    }

    /// The tables of a `[[key]]`, in their order.
    pub(crate) fn sections(&self, key: &'static str) -> Vec<Section<'a>> {
        let Some(entry) = self.entry(key) else { return Vec::new() };
        let DeValue::Array(items) = entry.value else {
            entry.fault(format!("is {}, not a block", entry.kind()), format!("start each block with [[{key}]]"));
            return Vec::new();
        };
        let blocks = items.iter().filter_map(|item| {
            let block =
                Entry { value: item.get_ref(), at: item.span(), path: entry.path.clone(), findings: self.findings };
            block.section()
        });
        blocks.collect()
    }

    /// A fault of the table itself, such as a key that it lacks.
    pub(crate) fn fault(&self, key: &str, what: impl Into<String>, advice: impl Into<String>) {
        self.findings.add(self.at.clone(), &self.path_of(key), what, advice);
    }

    /// A text, if the key is there and is one.
    pub(crate) fn text(&self, key: &'static str) -> Option<&'a str> {
        self.entry(key)?.text()
    }

    /// A text, or what it is without.
    pub(crate) fn text_or(&self, key: &'static str, otherwise: &str) -> String {
        self.text(key).unwrap_or(otherwise).to_owned()
    }

    /// A whole number within bounds, or what it is without.
    pub(crate) fn whole_or(&self, key: &'static str, bounds: RangeInclusive<u64>, otherwise: u64) -> u64 {
        self.entry(key).and_then(|e| e.whole(bounds)).unwrap_or(otherwise)
    }

    /// A duration within bounds, or what it is without.
    pub(crate) fn time_or(&self, key: &'static str, bounds: RangeInclusive<Span>, otherwise: Span) -> Span {
        self.entry(key).and_then(|e| e.time(bounds)).unwrap_or(otherwise)
    }

    /// `true` or `false`, or what it is without.
    pub(crate) fn flag_or(&self, key: &'static str, otherwise: bool) -> bool {
        self.entry(key).and_then(|e| e.flag()).unwrap_or(otherwise)
    }

    /// A finite number within bounds, or what it is without.
    pub(crate) fn number_or(&self, key: &'static str, bounds: RangeInclusive<f64>, otherwise: f64) -> f64 {
        self.entry(key).and_then(|e| e.number(bounds)).unwrap_or(otherwise)
    }

    /// One of some words, or what it is without.
    pub(crate) fn choice_or<T: Copy>(&self, key: &'static str, known: &[(&str, T)], otherwise: T) -> T {
        self.entry(key).and_then(|e| e.choice(known)).unwrap_or(otherwise)
    }

    /// Ends the reading of this table: keys that were never asked for are unknown. `elsewhere` tells where a key belongs.
    pub(crate) fn finish(self, elsewhere: &[(&str, &str)]) {
        let asked = self.asked.borrow();
        let mut known: Vec<&str> = Vec::new();
        for key in asked.iter() {
            if !known.contains(key) {
                known.push(key);
            }
        }
        for (key, _) in self.table.iter() {
            let name: &str = key.get_ref();
            if known.contains(&name) {
                continue;
            }
            let (what, advice) = match elsewhere.iter().find(|(k, _)| *k == name) {
                Some((_, advice)) => ("does not belong here".to_owned(), (*advice).to_owned()),
                None => match nearest(name, known.iter().copied()) {
                    Some(best) => ("unknown key".to_owned(), format!("did you mean `{best}`?")),
                    None => ("unknown key".to_owned(), format!("known here: {}", listed_all(&known))),
                },
            };
            self.findings.add(key.span(), &self.path_of(&super::problem::shown(name)), what, advice);
        }
    }

    fn path_of(&self, key: &str) -> String {
        match (self.path.is_empty(), key.is_empty()) {
            (true, _) => key.to_owned(),
            (false, true) => self.path.clone(),
            (false, false) => format!("{}.{key}", self.path),
        }
    }
}

fn listed_all(words: &[&str]) -> String {
    words.iter().map(|w| format!("`{w}`")).collect::<Vec<_>>().join(", ")
}

impl<'a> Entry<'a> {
    /// A fault of this value.
    pub(crate) fn fault(&self, what: impl Into<String>, advice: impl Into<String>) {
        self.findings.add(self.at.clone(), &self.path, what, advice);
    }

    /// Where faults of other files go.
    pub(crate) fn findings(&self) -> &'a Findings<'a> {
        self.findings
    }

    /// What kind of value it is, with its article.
    pub(crate) fn kind(&self) -> &'static str {
        match self.value {
            DeValue::String(_) => "a text",
            DeValue::Integer(_) => "a whole number",
            DeValue::Float(_) => "a number",
            DeValue::Boolean(_) => "true or false",
            DeValue::Datetime(_) => "a date",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a table",
        }
    }

    /// Whether it is a table.
    pub(crate) fn is_table(&self) -> bool {
        matches!(self.value, DeValue::Table(_))
    }

    /// Whether it is a text.
    pub(crate) fn is_text(&self) -> bool {
        matches!(self.value, DeValue::String(_))
    }

    fn wrong_kind<T>(&self, right: &str) -> Option<T> {
        self.fault(format!("is {}, should be {right}", self.kind()), "");
        None
    }

    /// As a text.
    pub(crate) fn text(&self) -> Option<&'a str> {
        match self.value {
            DeValue::String(text) => Some(text.as_ref()),
            _ => self.wrong_kind("a text in quotes"),
        }
    }

    /// As true or false.
    pub(crate) fn flag(&self) -> Option<bool> {
        match self.value {
            DeValue::Boolean(flag) => Some(*flag),
            _ => self.wrong_kind("true or false"),
        }
    }

    /// As a whole number within bounds.
    pub(crate) fn whole(&self, bounds: RangeInclusive<u64>) -> Option<u64> {
        let DeValue::Integer(digits) = self.value else { return self.wrong_kind("a whole number") };
        match u64::from_str_radix(digits.as_str(), digits.radix()) {
            Ok(number) if bounds.contains(&number) => Some(number),
            _ => {
                let (least, most) = bounds.into_inner();
                self.fault(
                    format!("is {}, out of range", super::problem::shown(&digits.to_string())),
                    format!("a whole number from {least} to {most}"),
                );
                None
            }
        }
    }

    /// As a finite number within bounds.
    pub(crate) fn number(&self, bounds: RangeInclusive<f64>) -> Option<f64> {
        let number = match self.value {
            DeValue::Integer(digits) => i64::from_str_radix(digits.as_str(), digits.radix()).ok().map(|n| n as f64),
            DeValue::Float(digits) => digits.as_str().parse::<f64>().ok(),
            _ => return self.wrong_kind("a number"),
        };
        let number = number.filter(|n| n.is_finite());
        let Some(number) = number else {
            self.fault("is not a finite number", "");
            return None;
        };
        if bounds.contains(&number) {
            return Some(number);
        }
        let (least, most) = bounds.into_inner();
        let advice = match (least == f64::MIN, most == f64::MAX) {
            (false, true) => format!("at least {least}"),
            (true, false) => format!("at most {most}"),
            _ => format!("from {least} to {most}"),
        };
        self.fault(format!("is {number}, out of range"), advice);
        None
    }

    /// As any finite number.
    pub(crate) fn finite(&self) -> Option<f64> {
        self.number(f64::MIN..=f64::MAX)
    }

    /// As a duration within bounds.
    pub(crate) fn time(&self, bounds: RangeInclusive<Span>) -> Option<Span> {
        const WRITE: &str = "write a text with a unit, such as \"10ms\"";
        let span = match self.value {
            DeValue::String(text) => match parse_duration(text) {
                Ok(span) => span,
                Err(e) => {
                    self.fault(e.to_string(), e.advice());
                    return None;
                }
            },
            DeValue::Integer(digits) if digits.as_str() == "0" => Span::ZERO,
            DeValue::Integer(digits) => {
                let what = if digits.as_str().starts_with('-') {
                    "a duration may not be negative"
                } else {
                    "a duration needs a unit"
                };
                self.fault(what, WRITE);
                return None;
            }
            DeValue::Float(_) => {
                self.fault("a duration needs a unit", WRITE);
                return None;
            }
            _ => {
                self.fault(format!("is {}, should be a duration", self.kind()), WRITE);
                return None;
            }
        };
        if bounds.contains(&span) {
            return Some(span);
        }
        let (least, most) = bounds.into_inner();
        let what = if span == Span::ZERO { "may not be 0".to_owned() } else { format!("is {span}, out of range") };
        let advice = if most == LONGEST { format!("at least {least}") } else { format!("from {least} to {most}") };
        self.fault(what, advice);
        None
    }

    /// As one of some words.
    pub(crate) fn choice<T: Copy>(&self, known: &[(&str, T)]) -> Option<T> {
        let words: Vec<&str> = known.iter().map(|(w, _)| *w).collect();
        let DeValue::String(word) = self.value else {
            self.fault(format!("is {}, should be a word in quotes", self.kind()), format!("one of {}", listed(&words)));
            return None;
        };
        let found = known.iter().find(|(w, _)| w == word).map(|(_, meaning)| *meaning);
        if found.is_none() {
            let hint = match nearest(word, words.iter().copied()) {
                Some(best) => format!("did you mean `{best}`? Known: {}", listed(&words)),
                None => suggest(word, words.iter().copied()),
            };
            self.fault(format!("{:?} is not known", super::problem::shown(word)), hint);
        }
        found
    }

    /// As a list.
    pub(crate) fn list(&self) -> Option<Vec<Entry<'a>>> {
        let DeValue::Array(items) = self.value else { return self.wrong_kind("a list in [ ]") };
        let entry = |item: &'a toml::Spanned<DeValue<'a>>| Entry {
            value: item.get_ref(),
            at: item.span(),
            path: self.path.clone(),
            findings: self.findings,
        };
        Some(items.iter().map(entry).collect())
    }

    /// As a list of texts; a single text counts as a list of one.
    pub(crate) fn texts(&self) -> Option<Vec<(Entry<'a>, &'a str)>> {
        if self.is_text() {
            return Some(vec![(self.clone(), self.text()?)]);
        }
        let items = self.list()?;
        let count = items.len();
        let texts: Vec<_> = items.into_iter().filter_map(|item| item.text().map(|t| (item.clone(), t))).collect();
        (texts.len() == count).then_some(texts)
    }

    /// As a pair of finite numbers, the first below the second.
    pub(crate) fn limits(&self) -> Option<(f64, f64)> {
        let items = self.list()?;
        let [low, high] = items.as_slice() else {
            self.fault(format!("has {} numbers instead of 2", items.len()), "write [low, high]");
            return None;
        };
        let (low, high) = (low.finite()?, high.finite()?);
        if low > high {
            self.fault(format!("the low limit {low} is above the high limit {high}"), "write [low, high]");
            return None;
        }
        Some((low, high))
    }

    /// As a table.
    pub(crate) fn section(&self) -> Option<Section<'a>> {
        let DeValue::Table(table) = self.value else { return self.wrong_kind("a table") };
        let (at, path) = (self.at.clone(), self.path.clone());
        Some(Section { table, at, path, asked: RefCell::default(), findings: self.findings })
    }
}
