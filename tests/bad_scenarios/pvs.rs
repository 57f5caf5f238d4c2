//! PVs, how they change, and the files that say when.

use super::{CLIENT, PV, told};

fn pv(lines: &str) -> String {
    format!("[[pv]]\nname = \"A{{0..9}}\"\n{lines}\n{CLIENT}")
}

fn change(inner: &str) -> String {
    pv(&format!("change = {{ {inner} }}"))
}

#[test]
fn of_pvs() {
    let long = "x".repeat(600);
    let cases = [
        ("no name", "[[pv]]\ntype = \"long\"\n".to_owned()),
        ("name empty", "[[pv]]\nname = \"\"\n".to_owned()),
        ("name with a blank", "[[pv]]\nname = \"A B\"\n".to_owned()),
        ("name too long", format!("[[pv]]\nname = \"{long}\"\n")),
        ("range not closed", "[[pv]]\nname = \"A{0..9\"\n".to_owned()),
        ("range backwards", "[[pv]]\nname = \"A{9..0}\"\n".to_owned()),
        ("range of letters", "[[pv]]\nname = \"A{a..f}\"\n".to_owned()),
        ("range unevenly padded", "[[pv]]\nname = \"A{08..120}\"\n".to_owned()),
        ("too many names", "[[pv]]\nname = \"A{0..999}:{0..999}:{0..999}\"\n".to_owned()),
        ("too many PVs", "[[pv]]\nname = \"A{1..900000}\"\n[[pv]]\nname = \"B{1..900000}\"\n".to_owned()),
        ("named twice", format!("{PV}[[pv]]\nname = \"A5\"\n")),
        ("type unknown", pv("type = \"dubble\"")),
        ("type of a record", pv("type = \"bo\"")),
        ("count 0", pv("count = 0")),
        ("count too large", pv("count = 100000000")),
        ("all values too large", "[[pv]]\nname = \"A{0..999}\"\ncount = 1000000\n".to_owned()),
        ("units too long", pv("units = \"furlongs\"")),
        ("units of a string", pv("type = \"string\"\nunits = \"mm\"")),
        ("precision of a long", pv("type = \"long\"\nprecision = 2")),
        ("precision too large", pv("precision = 99")),
        ("labels of a double", pv("labels = [\"Off\"]")),
        (
            "too many labels",
            pv(
                "type = \"enum\"\nlabels = [\"0\",\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\",\"a\",\"b\",\"c\",\"d\",\"e\",\"f\",\"g\"]",
            ),
        ),
        ("label too long", pv("type = \"enum\"\nlabels = [\"Off\", \"a label of more than 25 bytes\"]")),
        ("label a number", pv("type = \"enum\"\nlabels = [0, 1]")),
        ("limits backwards", pv("display_limits = [10, 0]")),
        ("limits not a pair", pv("display_limits = [10]")),
        ("limits infinite", pv("control_limits = [0, inf]")),
        ("limits not a number", pv("control_limits = [nan, 1]")),
        ("alarm limit NaN", pv("alarm = { hihi = nan }")),
        ("alarm severity", pv("alarm = { severity = \"major\" }")),
        ("alarm limit without its limit", pv("alarm = { hihi = { severity = \"MAJOR\" } }")),
        ("alarm limits out of order", pv("alarm = { low = 5, high = 1 }")),
        ("alarm fixed and limits", pv("alarm = { severity = \"MINOR\", hihi = 3 }")),
        ("alarm limits of an enum", pv("type = \"enum\"\nalarm = { hihi = 3 }")),
        ("signal unknown", pv("signal = \"ramp\"")),
        ("signal without a kind", pv("signal = { mean = 3 }")),
        ("signal sigma negative", pv("signal = { kind = \"noise\", sigma = -1 }")),
        ("signal period 0", pv("signal = { kind = \"sine\", period = 0 }")),
        ("mdel infinite", pv("mdel = inf")),
        ("phase", pv("phase = \"rand\"")),
        ("writable", pv("writable = 1")),
        ("rate outside of the change", pv("rate_hz = 10")),
    ];
    insta::assert_snapshot!(told(&cases, &[]));
}

#[test]
fn of_changes() {
    let cases = [
        ("not a table", pv("change = \"periodic\"")),
        ("pattern unknown", change("pattern = \"periodical\", rate_hz = 1")),
        ("no rate", change("pattern = \"periodic\"")),
        ("rate and period", change("rate_hz = 10, period = \"100ms\"")),
        ("rate 0", change("rate_hz = 0")),
        ("rate negative", change("rate_hz = -10")),
        ("rate infinite", change("rate_hz = inf")),
        ("rate too high", change("rate_hz = 1e9")),
        ("period 0", change("period = 0")),
        ("period negative", change("period = \"-100ms\"")),
        ("jitter without the pattern", change("rate_hz = 10, jitter = 0.1")),
        ("jitter too large", change("pattern = \"jittered\", rate_hz = 10, jitter = 0.6")),
        ("burst without its changes", change("pattern = \"burst\", rate_hz = 10, spacing = \"1ms\"")),
        ("burst too long", change("pattern = \"burst\", rate_hz = 10, changes = 101, spacing = \"1ms\"")),
        ("ramp without its end", change("pattern = \"ramp\", rate_hz = 1000")),
        ("ramp too short", change("pattern = \"ramp\", rate_hz = 10, to_hz = 20, length = \"50ms\"")),
        ("length of no ramp", change("rate_hz = 10, length = \"1s\", to_hz = 20")),
        ("burst of none", change("pattern = \"burst\", rate_hz = 10, changes = 0, spacing = \"1ms\"")),
        ("pulse too wide", change("pattern = \"pulse\", rate_hz = 10, width = \"100ms\"")),
        ("pulse without a width", change("pattern = \"pulse\", rate_hz = 10")),
        ("motor too quick", change("pattern = \"motor\", rate_hz = 10, moving = \"50ms\", resting = \"1s\"")),
        ("still with a rate", change("pattern = \"still\", rate_hz = 10")),
    ];
    insta::assert_snapshot!(told(&cases, &[]));
}

#[test]
fn of_trace_files() {
    let files = [
        ("good.csv", "time_s,pv,value\n0.5,A0,1\n1.5,A1,2\n"),
        ("once.csv", "time_s,pv,value\n0.5,A0,1\n"),
        ("unsorted.csv", "time_s,pv,value\n0.5,A0,1\n0.7,A1,2\n0.6,A0,3\n"),
        ("stranger.csv", "time_s,pv,value\n0.5,A0,1\n0.6,A00,2\n0.7,A00,2\n"),
        ("text.csv", "time_s,pv,value\n0.5,A0,high\n"),
        ("header.csv", "t;pv;v\n0.5;A0;1\n"),
        ("empty.csv", ""),
    ];
    let trace = |file: &str| change(&format!("pattern = \"trace\", file = \"{file}\""));
    let cases = [
        ("good", trace("good.csv")),
        ("no file", change("pattern = \"trace\"")),
        ("missing", trace("gone.csv")),
        ("unsorted", trace("unsorted.csv")),
        ("unknown PV", trace("stranger.csv")),
        ("bad value", trace("text.csv")),
        ("bad header", trace("header.csv")),
        ("empty", trace("empty.csv")),
        ("no length", trace("once.csv")),
        ("length too short", change("pattern = \"trace\", file = \"good.csv\", length = \"1s\"")),
        ("with a rate", change("pattern = \"trace\", file = \"good.csv\", rate_hz = 3")),
    ];
    insta::assert_snapshot!(told(&cases, &files));
}
