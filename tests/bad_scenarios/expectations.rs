//! Expectations and claims.

use super::{CLIENT, PV, read_with, told};

#[test]
fn of_expectations() {
    let all =
        "says = \"It is quick.\"\nmetric = \"notice_p99_us\"\nclient = \"m\"\nrelation = \"<\"\nvalue = \"5ms\"\n";
    let expect = |lines: &str| format!("{PV}{CLIENT}[[expect]]\n{lines}");
    let without =
        |key: &str| expect(&all.lines().filter(|l| !l.starts_with(key)).map(|l| format!("{l}\n")).collect::<String>());
    let with = |from: &str, to: &str| expect(&all.replacen(from, to, 1));
    let cases = [
        ("nothing", expect("")),
        ("no sentence", without("says")),
        ("an empty sentence", with("It is quick.", "  ")),
        ("no client", without("client")),
        ("no relation", without("relation")),
        ("no right side", without("value")),
        ("a metric that is nearly right", with("notice_p99_us", "notice_p98_us")),
        ("a metric that is far off", with("notice_p99_us", "xyzzy")),
        ("a client that is not there", with("\"m\"", "\"n\"")),
        ("a relation that is not known", with("\"<\"", "\"=\"")),
        ("a duration without a unit", with("\"5ms\"", "5")),
        ("a fraction out of range", with("notice_p99_us", "missed_fraction").replace("\"5ms\"", "5")),
        ("both right sides", with("value", "other = \"m\"\nvalue")),
        ("another client that is not there", with("value = \"5ms\"", "other = \"poll\"")),
        ("a factor for a number", with("value", "factor = 2\nvalue")),
        ("a factor of 0", with("value = \"5ms\"", "other = \"m\"\nfactor = 0")),
        ("two kinds", with("value = \"5ms\"", "other = \"m\"\nother_metric = \"cpu_client_percent\"")),
        ("a tolerance for <", with("value", "tolerance = 0.1\nvalue")),
        ("no tolerance for ~", with("\"<\"", "\"~\"")),
        ("two tolerances", with("\"<\"", "\"~\"\ntolerance = 0.1\nwithin = \"1ms\"")),
        ("an unknown key", with("value", "metrik = 3\nvalue")),
        ("a claim that is not there", with("value", "claim = \"quick\"\nvalue")),
        (
            "a metric of two clients without the second",
            with("notice_p99_us", "cpu_us_per_us_won").replace("\"5ms\"", "5"),
        ),
        ("a second client for a metric of one", with("value", "over = \"m\"\nvalue")),
        ("a second client that is not there", with("value", "over = \"n\"\nvalue")),
        (
            "a client over itself",
            with("notice_p99_us", "cpu_us_per_us_won").replace("\"5ms\"", "5").replace("value", "over = \"m\"\nvalue"),
        ),
        (
            "a published number of the other side alone",
            with(
                "value = \"5ms\"",
                "other = \"m\"\nother_metric = \"seen_p99\"\nsource = \"x\"\npublished_other = \"1ms\"",
            ),
        ),
        ("a published number that is nobody's", with("value", "published = \"4ms\"\nvalue")),
        (
            "a published number for a number",
            with("value", "source = \"x\"\npublished = \"4ms\"\npublished_other = \"1ms\"\nvalue"),
        ),
        ("no figures", format!("{PV}{CLIENT}[[claim]]\nname = \"quick\"\nsays = \"It is.\"\nfigure = []\n")),
        (
            "a figure twice",
            format!("{PV}{CLIENT}[[claim]]\nname = \"quick\"\nsays = \"It is.\"\nfigure = [\"values\", \"values\"]\n"),
        ),
        (
            "a figure that is not known",
            format!("{PV}{CLIENT}[[claim]]\nname = \"quick\"\nsays = \"It is.\"\nfigure = [\"pie\"]\n"),
        ),
        ("a claim without words", format!("{PV}{CLIENT}[[claim]]\nname = \"quick\"\n")),
        ("a claim twice", format!("{PV}{CLIENT}{0}{0}", "[[claim]]\nname = \"quick\"\nsays = \"It is.\"\n")),
    ];
    assert!(read_with(&expect(all), &[]).is_ok());
    insta::assert_snapshot!(told(&cases, &[]));
}
