//! Sweeps: what is wrong with the table, and what is wrong in a cell.

use pollcost::scenario::{Source, read_sweep};

use super::{CLIENT, PV};

#[test]
fn of_sweeps() {
    let file = |table: &str| {
        format!(
            "window = \"1s\"\n{PV}{CLIENT}[[client]]\nname = \"poll\"\nfetch = \"batch\"\nperiod = \"1ms\"\n{table}\n"
        )
    };
    let many = |n: usize| (1..=n).map(|i| i.to_string()).collect::<Vec<_>>().join(", ");
    let cases = [
        ("no table", "sweep = 3\n".to_owned() + &file("")),
        ("empty", file("[sweep]")),
        ("a single value", file("[sweep]\nclient.period = \"1ms\"")),
        ("no values", file("[sweep]\nclient.period = []")),
        ("a value twice", file("[sweep]\nclient.period = [\"1ms\", \"1000us\"]")),
        ("a wrong value", file("[sweep]\nclient.period = [\"1ms\", \"10\"]")),
        ("a value of a wrong type", file("[sweep]\npv.change.rate_hz = [1, \"fast\"]")),
        ("a value out of range", file("[sweep]\npv.pvs = [5, 50]").replace("change = {", "pvs = 9\nchange = {")),
        ("a key that no block has", file("[sweep]\nclient.jitter = [0.1]")),
        ("a key that is written wrong", file("[sweep]\npv.change.rate = [1, 2]")),
        ("a block that there is not", file("[sweep]\nclient.pool.period = [\"1ms\"]")),
        ("a kind of block that there is not", file("[sweep]\nclinet.period = [\"1ms\"]")),
        ("a block and no key", file("[sweep]\nclient = [1]")),
        ("a key of the file that is not there", file("[sweep]\nwidnow = [\"1s\"]")),
        ("a key of the file that is not written", file("[sweep]\ndrain = [\"1s\"]")),
        ("a name", file("[sweep]\nclient.name = [\"a\"]")),
        ("the same key twice", file("[sweep]\nclient.period = [\"1ms\"]\nclient.poll.period = [\"2ms\"]")),
        ("too many cells", {
            let table = format!("[sweep]\nwindow = [{}]\npv.change.rate_hz = [{}]", many_times(50), many(41));
            file(&table)
        }),
        ("values that do not go together", {
            let backoff =
                "[[client]]\nname = \"b\"\nfetch = \"batch\"\npacing = \"backoff\"\nfirst = \"1ms\"\nlast = \"9ms\"";
            file(&format!("{backoff}\n[sweep]\nclient.first = [\"1ms\", \"5ms\"]\nclient.last = [\"9ms\", \"4ms\"]"))
        }),
    ];
    let told = cases.iter().map(|(title, text)| {
        let source = Source { file: "dir/mine.toml", name: "mine", text };
        match read_sweep(source, &|_: &str| Err(String::new())) {
            Ok(_) => format!("=== {title}\nACCEPTED"),
            Err(e) => format!("=== {title}\nerror: {e}"),
        }
    });
    insta::assert_snapshot!(told.collect::<Vec<_>>().join("\n\n"));
}

fn many_times(n: usize) -> String {
    (1..=n).map(|i| format!("\"{i}s\"")).collect::<Vec<_>>().join(", ")
}
