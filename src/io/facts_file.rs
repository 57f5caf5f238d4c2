//! Facts of one simulated group on disk, until all groups before it have been written to the tables: groups are simulated side by
//! side, and tables have an order.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use super::control::{
    emission_record, observation_record, record_emission, record_observation, record_request, request_record,
};
use super::recording::Record;
use crate::simulate::Watcher;
use crate::time::Tick;
use crate::trace::{Emission, Observation, Request};

/// Records that are handed over at once.
const CHUNK: usize = 4096;

/// The records of one kind of fact.
#[derive(Debug)]
struct Records {
    path: PathBuf,
    /// `None` once everything is written: there may be many of these.
    out: Option<BufWriter<File>>,
}

impl Records {
    fn create(folder: &Path, name: &str) -> io::Result<Records> {
        let path = folder.join(name);
        Ok(Records { out: Some(BufWriter::new(File::create(&path)?)), path })
    }

    fn push(&mut self, record: Record) -> io::Result<()> {
        let Some(out) = &mut self.out else { return Ok(()) };
        record.iter().try_for_each(|word| out.write_all(&word.to_le_bytes()))
    }

    fn close(&mut self) -> io::Result<()> {
        self.out.take().map_or(Ok(()), |mut out| out.flush())
    }

    /// Hands all of them over in chunks, and takes the file away.
    fn read<E: From<io::Error>>(self, mut each: impl FnMut(&[Record]) -> Result<(), E>) -> Result<(), E> {
        let mut input = BufReader::new(File::open(&self.path)?);
        let mut chunk = Vec::with_capacity(CHUNK);
        let mut bytes = [0; size_of::<Record>()];
        loop {
            let more = match input.read_exact(&mut bytes) {
                Ok(()) => true,
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => false,
                Err(error) => return Err(error.into()),
            };
            if more {
                let word = |i: usize| bytes[8 * i..8 * i + 8].iter().rev().fold(0, |sum, b| sum << 8 | u64::from(*b));
                chunk.push([word(0), word(1), word(2), word(3)]);
            }
            if chunk.len() == CHUNK || !more {
                each(&chunk)?;
                chunk.clear();
            }
            if !more {
                break;
            }
        }
        Ok(std::fs::remove_file(&self.path)?)
    }
}

/// The facts of one group.
#[derive(Debug)]
pub(super) struct FactsFile {
    emissions: Records,
    observations: Vec<Records>,
    requests: Option<Records>,
    failed: Option<io::Error>,
}

impl FactsFile {
    /// Empty ones in `folder`, for the `number`th group, which has so many clients.
    pub(super) fn create(folder: &Path, number: usize, clients: usize, full: bool) -> io::Result<FactsFile> {
        let name = |kind: &str| format!(".{number}-{kind}.part");
        let observations = (0..clients).map(|place| Records::create(folder, &name(&format!("observations-{place}"))));
        Ok(FactsFile {
            emissions: Records::create(folder, &name("emissions"))?,
            observations: observations.collect::<io::Result<_>>()?,
            requests: full.then(|| Records::create(folder, &name("requests"))).transpose()?,
            failed: None,
        })
    }

    /// Nothing more comes. What could not be written is told now.
    pub(super) fn close(&mut self) -> io::Result<()> {
        let mut all = self.observations.iter_mut().chain(&mut self.requests).chain([&mut self.emissions]);
        let closed = all.try_for_each(Records::close);
        self.failed.take().map_or(closed, Err)
    }

    fn note(&mut self, written: io::Result<()>) {
        if let Err(error) = written {
            self.failed.get_or_insert(error);
        }
    }

    /// Hands all facts over once they are closed: changes, then what each client observed, then the requests, with their clients' places.
    pub(super) fn read<E: From<io::Error>>(
        self,
        mut posted: impl FnMut(&[Emission]) -> Result<(), E>,
        mut observed: impl FnMut(usize, &[Observation]) -> Result<(), E>,
        mut asked: impl FnMut(&[(usize, Request)]) -> Result<(), E>,
    ) -> Result<(), E> {
        self.emissions.read(|chunk| posted(&chunk.iter().map(record_emission).collect::<Vec<_>>()))?;
        for (place, records) in self.observations.into_iter().enumerate() {
            records.read(|chunk| observed(place, &chunk.iter().map(record_observation).collect::<Vec<_>>()))?;
        }
        match self.requests {
            Some(requests) => requests.read(|chunk| asked(&chunk.iter().map(record_request).collect::<Vec<_>>())),
            None => Ok(()),
        }
    }
}

impl Watcher for FactsFile {
    fn reached(&mut self, _: Tick) -> bool {
        self.failed.is_none()
    }

    fn posted(&mut self, emissions: &[Emission]) {
        let written = emissions.iter().try_for_each(|e| self.emissions.push(emission_record(e)));
        self.note(written);
    }

    fn observed(&mut self, place: usize, observations: &[Observation]) {
        let Some(records) = self.observations.get_mut(place) else { return };
        let written = observations.iter().try_for_each(|o| records.push(observation_record(o)));
        self.note(written);
    }

    fn asked(&mut self, requests: &[(usize, Request)]) {
        let Some(records) = &mut self.requests else { return };
        let written = requests.iter().try_for_each(|(place, r)| records.push(request_record(*place, r)));
        self.note(written);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pv::{PvId, Seq};

    #[test]
    fn facts_come_back_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let mut file = FactsFile::create(folder.path(), 7, 2, true).unwrap();
        let emission = |n: u64| Emission { pv: PvId(3), seq: Seq(n), due: Tick(n * 10), posted: Tick(n * 10 + 1) };
        let emissions: Vec<Emission> = (0..10_000).map(emission).collect();
        let seen =
            |n: u64| Observation { pv: PvId(1), seq: Seq(n), asked: None, received: Tick(n), first: n == 0, copy: 0 };
        let request = Request { pv: PvId(3), received: Tick(1), replied: Tick(2), seq: Seq(4) };
        emissions.chunks(300).for_each(|chunk| file.posted(chunk));
        file.observed(0, &[seen(0), seen(1)]);
        file.observed(1, &[seen(u64::MAX)]);
        file.asked(&[(1, request)]);
        file.close().unwrap();
        let (mut posted, mut observed, mut asked) = (Vec::new(), Vec::new(), Vec::new());
        file.read::<io::Error>(
            |chunk| {
                posted.extend_from_slice(chunk);
                Ok(())
            },
            |place, chunk| {
                observed.extend(chunk.iter().map(|o| (place, *o)));
                Ok(())
            },
            |chunk| {
                asked.extend_from_slice(chunk);
                Ok(())
            },
        )
        .unwrap();
        assert!(posted == emissions);
        assert_eq!(observed, [(0, seen(0)), (0, seen(1)), (1, seen(u64::MAX))]);
        assert_eq!(asked, [(1, request)]);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is left behind");
    }
}
