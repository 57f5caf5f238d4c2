//! Clients, and the probes between them.

use super::{CLIENT, PV, told};

fn client(lines: &str) -> String {
    format!("{PV}[[client]]\n{lines}\n")
}

#[test]
fn of_clients() {
    let poll = |rest: &str| client(&format!("name = \"p\"\nfetch = \"batch\"\n{rest}"));
    let cases = [
        ("no name", client("fetch = \"monitor\"")),
        ("name with a comma", client("name = \"a,b\"\nfetch = \"monitor\"")),
        ("no fetch", client("name = \"p\"")),
        ("fetch unknown", client("name = \"p\"\nfetch = \"bach\"\nperiod = \"1ms\"")),
        ("twice", format!("{PV}{CLIENT}{CLIENT}")),
        ("monitor with a pacing", client("name = \"m\"\nfetch = \"monitor\"\npacing = \"spin\"")),
        ("monitor with a period", client("name = \"m\"\nfetch = \"monitor\"\nperiod = \"1ms\"")),
        ("pacing unknown", poll("pacing = \"fixed\"\nperiod = \"1ms\"")),
        ("no period", poll("")),
        ("period negative", poll("period = \"-1ms\"")),
        ("period without a unit", poll("period = 10")),
        ("fixed rate 0", poll("pacing = \"fixed-rate\"\nperiod = 0")),
        ("jittered 0", poll("pacing = \"jittered\"\nperiod = \"0ms\"")),
        ("jitter too large", poll("pacing = \"jittered\"\nperiod = \"1ms\"\njitter = 1.5")),
        ("jitter not a number", poll("pacing = \"jittered\"\nperiod = \"1ms\"\njitter = nan")),
        ("back-off from 0", poll("pacing = \"backoff\"\nfirst = 0")),
        ("back-off downwards", poll("pacing = \"backoff\"\nfirst = \"1s\"\nlast = \"10ms\"")),
        ("spin with a period", poll("pacing = \"spin\"\nperiod = \"1ms\"")),
        ("fixed delay with a sleep", poll("period = \"1ms\"\nsleep = \"1ms\"")),
        ("no copies", poll("period = \"1ms\"\ncopies = 0")),
        ("copies of another program", client("name = \"x\"\nfetch = \"monitor\"\ncommand = [\"true\"]\ncopies = 2")),
        ("slow poller", poll("period = \"1ms\"\nservice_time = \"1ms\"")),
        (
            "hybrid on PVs that never change",
            "[[pv]]\nname = \"A\"\n[[client]]\nname = \"h\"\nfetch = \"batch\"\npacing = \"hybrid\"\n".to_owned(),
        ),
        ("dbr unknown", poll("period = \"1ms\"\ndbr = \"sts\"")),
        ("PV unknown", poll("period = \"1ms\"\npvs = \"B0\"")),
        ("PV of a range unknown", poll("period = \"1ms\"\npvs = [\"A0\", \"A{8..12}\"]")),
        ("PV text that matches nothing", poll("period = \"1ms\"\npvs = [\"A*\", \"B*\"]")),
        ("PV list empty", poll("period = \"1ms\"\npvs = []")),
        ("PV list of numbers", poll("period = \"1ms\"\npvs = [1]")),
        ("PV pattern bad", poll("period = \"1ms\"\npvs = \"A{9..0}\"")),
        ("an unknown library", client("name = \"x\"\nclient = \"pyepics-calback\"")),
        (
            "a library and a command",
            client("name = \"x\"\nclient = \"pyepics-get\"\ncommand = [\"a\"]\nperiod = \"1ms\""),
        ),
        ("a library's fetch", client("name = \"x\"\nclient = \"pyepics-get\"\nfetch = \"batch\"\nperiod = \"1ms\"")),
        ("a library's pacing", client("name = \"x\"\nclient = \"libca-get\"\npacing = \"hybrid\"\nsleep = \"1ms\"")),
        ("a version of Python that is a number", client("name = \"x\"\nclient = \"pyepics-callback\"\npython = 3.12")),
        ("a hog in C", client("name = \"x\"\nclient = \"libca-monitor\"\nhog = 1")),
        ("a hog in a native client", client("name = \"x\"\nfetch = \"monitor\"\nhog = 1")),
        ("too many hogs", client("name = \"x\"\nclient = \"pyepics-callback\"\nhog = 100")),
        ("no switch interval", client("name = \"x\"\nclient = \"pyepics-callback\"\nswitch_interval = 0")),
        ("groups of one thread", client("name = \"x\"\nclient = \"pyepics-callback\"\ngroups = 2")),
        (
            "yielding without a callback",
            client("name = \"x\"\nclient = \"pyepics-get\"\nperiod = \"1ms\"\nyield_after_callback = true"),
        ),
        ("command a text", client("name = \"x\"\nfetch = \"monitor\"\ncommand = \"python3 my.py\"")),
        ("command empty", client("name = \"x\"\nfetch = \"monitor\"\ncommand = []")),
        ("command with a dbr", client("name = \"x\"\nfetch = \"monitor\"\ncommand = [\"true\"]\ndbr = \"plain\"")),
        ("unknown key", poll("period = \"1ms\"\nperoid = \"1ms\"")),
    ];
    insta::assert_snapshot!(told(&cases, &[]));
}

#[test]
fn of_probes() {
    let probe = |lines: &str| format!("{PV}{CLIENT}[[probe]]\n{lines}\n");
    let expect = "[[expect]]\nsays = \"None are lost.\"\nrelation = \"<=\"\nvalue = 0\n";
    let cases = [
        ("nothing", probe("")),
        ("a program that is nearly right", probe("name = \"p\"\nprogram = \"lost_update\"")),
        ("the name of a client", probe("name = \"m\"\nprogram = \"parallel\"")),
        ("an empty interpreter", probe("name = \"p\"\nprogram = \"parallel\"\npython = \"\"")),
        ("a version that is a number", probe("name = \"p\"\nprogram = \"parallel\"\npython = 3.10")),
        ("no time at all", probe("name = \"p\"\nprogram = \"parallel\"\ntimeout = 0")),
        ("an unknown key", probe("name = \"p\"\nprogram = \"parallel\"\npythn = \"3.9\"")),
        (
            "a metric of another program",
            probe("name = \"p\"\nprogram = \"parallel\"") + expect + "probe = \"p\"\nmetric = \"lost_plain_fraction\"",
        ),
        (
            "a probe for a client",
            probe("name = \"p\"\nprogram = \"parallel\"") + expect + "probe = \"p\"\nmetric = \"missed_fraction\"",
        ),
        (
            "both",
            probe("name = \"p\"\nprogram = \"parallel\"")
                + expect
                + "probe = \"p\"\nclient = \"m\"\nmetric = \"missed_fraction\"",
        ),
    ];
    insta::assert_snapshot!(told(&cases, &[]));
}
