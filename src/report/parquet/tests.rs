//! Facts go through Parquet unchanged, and damage is told.

use proptest::prelude::*;

use super::*;
use crate::pv::PvId;
use crate::scenario::model::{Change, Fetch};
use crate::summary::example;

fn names() -> Names {
    let clients = ["monitor", "a, \"b\"\nc"].map(|name| example::client(name, Fetch::Monitor, None, 4));
    Names::new(&example::scenario(vec![(4, example::group(Change::Still))], clients.to_vec()))
}

fn written<F: Stored>(rows: &[(F::Key, F)]) -> Vec<u8> {
    let names = names();
    let mut writer = Writer::<F, _>::new(Vec::new(), &names).unwrap();
    rows.iter().for_each(|(key, fact)| writer.add(*key, &[*fact]).unwrap());
    writer.finish().unwrap()
}

fn read<F: Stored>(bytes: Vec<u8>) -> Result<Vec<(F::Key, F)>, String> {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(&bytes).unwrap();
    let reader = Reader::open::<F>(file)?;
    let mut rows = Vec::new();
    for group in 0..reader.groups() {
        let block = reader.group::<F>(group, &names())?;
        rows.extend(block.groups().flat_map(|(run, facts)| facts.iter().map(move |fact| (run.key, *fact))));
        if let Some(wrong) = block.wrong {
            return Err(wrong.to_string());
        }
    }
    Ok(rows)
}

fn observations() -> impl Strategy<Value = Vec<((usize, u32), Observation)>> {
    let key = (0..2usize, any::<u32>());
    let one = (key, 0..4u32, any::<u64>(), prop::option::of(any::<u64>()), any::<u64>(), any::<(bool, u32)>());
    let row = |(key, pv, seq, asked, received, (first, copy)): (_, u32, u64, Option<u64>, u64, (bool, u32))| {
        let (pv, seq, asked, received) = (PvId(pv), Seq(seq), asked.map(Tick), Tick(received));
        (key, Observation { pv, seq, asked, received, first, copy })
    };
    prop::collection::vec(one.prop_map(row), 0..250)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn observations_come_back(rows in observations()) {
        prop_assert_eq!(read::<Observation>(written(&rows)), Ok(rows));
    }

    #[test]
    fn no_damage_is_worse_than_an_error(rows in observations(), at in 0.0..1.0f64, noise in prop::collection::vec(any::<u8>(), 1..9)) {
        let mut bytes = written(&rows);
        let place = (bytes.len() as f64 * at) as usize;
        let end = (place + noise.len()).min(bytes.len());
        bytes.splice(place..end, noise);
        let _ = read::<Observation>(bytes);
    }
}

#[test]
fn changes_and_requests_come_back() {
    let changes: Vec<(u32, Emission)> = (0..250)
        .map(|i| {
            (
                i / 90,
                Emission {
                    pv: PvId(i % 4),
                    seq: Seq(u64::MAX - u64::from(i)),
                    due: Tick(7),
                    posted: Tick(u64::from(i)),
                },
            )
        })
        .collect();
    assert_eq!(read::<Emission>(written(&changes)), Ok(changes));
    let asked = [((1, 3), Request { pv: PvId(2), received: Tick(1), replied: Tick(2), seq: Seq(3) })];
    assert_eq!(read::<Request>(written(&asked)), Ok(asked.to_vec()));
}

#[test]
fn what_is_no_table_of_facts_is_told() {
    let error = read::<Emission>(b"no Parquet".to_vec()).unwrap_err();
    assert!(error.starts_with("it is cut off, damaged or no Parquet ("), "{error}");
    let error = read::<Emission>(written::<Request>(&[])).unwrap_err();
    let wanted = "it is no such table of facts: column 1 is `client` of BYTE_ARRAY, should be `required int32 repeat (INTEGER(32,false))`";
    assert_eq!(error, wanted);
    let stranger = Emission { pv: PvId(9), seq: Seq(1), due: Tick(1), posted: Tick(1) };
    let error = read::<Emission>(written(&[(0, stranger)])).unwrap_err();
    assert_eq!(error, "line 1, column `pv`: it is not a PV of the scenario");
}
