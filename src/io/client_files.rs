//! The client programs that come with pollcost, put where an interpreter finds them: `builtin:NAME` in a client's command stands for one.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// How a word of a command names one.
const PREFIX: &str = "builtin:";

macro_rules! programs {
    ($($name:literal),+ $(,)?) => {
        [$(($name, include_str!(concat!("../../fixtures/clients/", $name)))),+]
    };
}

/// The files by name. All are written together, since they import the first.
const PROGRAMS: [(&str, &str); 14] = programs![
    "measured.py",
    "aioca_caget.py",
    "aioca_camonitor.py",
    "caproto_asyncio_get.py",
    "caproto_asyncio_subscribe.py",
    "caproto_get.py",
    "caproto_subscribe.py",
    "libca_client.c",
    "pyepics_cached.py",
    "pyepics_caget_many.py",
    "pyepics_callback.py",
    "pyepics_get.py",
    "pyepics_processes.py",
    "pyepics_threads.py",
];

/// A folder with the programs, as long as it is held.
#[derive(Debug)]
pub(super) struct ClientFiles {
    folder: PathBuf,
}

impl ClientFiles {
    /// The words of a command with every `builtin:NAME` replaced by a path, and the folder of the files; `None` where there is nothing to replace.
    ///
    /// # Errors
    /// When there is no program of that name, or the files cannot be written.
    pub(super) fn resolve(words: &[String]) -> io::Result<Option<(Vec<String>, ClientFiles)>> {
        if words.iter().all(|word| !word.starts_with(PREFIX)) {
            return Ok(None);
        }
        let files = ClientFiles::write()?;
        let path = |word: &String| match word.strip_prefix(PREFIX) {
            None => Ok(word.clone()),
            Some(name) if PROGRAMS.iter().any(|(known, _)| *known == name) => {
                Ok(files.folder.join(name).to_string_lossy().into_owned())
            }
            Some(name) => {
                let known: Vec<&str> = PROGRAMS.iter().map(|(name, _)| *name).collect();
                Err(io::Error::other(format!("there is no built-in client {name:?}, only {}", known.join(", "))))
            }
        };
        let words = words.iter().map(path).collect::<io::Result<Vec<String>>>()?;
        Ok(Some((words, files)))
    }

    fn write() -> io::Result<ClientFiles> {
        let base = std::env::temp_dir();
        let pid = std::process::id();
        let free = (0..10_000u32).map(|n| base.join(format!("pollcost-{pid}-{n}")));
        for folder in free {
            match fs::create_dir(&folder) {
                Ok(()) => {
                    let files = ClientFiles { folder };
                    PROGRAMS.iter().try_for_each(|(name, text)| fs::write(files.folder.join(name), text))?;
                    return Ok(files);
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Err(io::Error::other(format!("{}: no free name for a folder", Path::new(&base).display())))
    }
}

impl Drop for ClientFiles {
    fn drop(&mut self) {
        // A folder of temporary files that cannot be removed is no reason to fail.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn a_built_in_is_there_as_long_as_it_is_held() {
        let (command, files) =
            ClientFiles::resolve(&words(&["python3", "builtin:pyepics_get.py", "x"])).unwrap().unwrap();
        assert_eq!((command[0].as_str(), command[2].as_str()), ("python3", "x"));
        assert!(Path::new(&command[1]).is_file() && files.folder.join("measured.py").is_file());
        drop(files);
        assert!(!Path::new(&command[1]).exists());
        assert!(ClientFiles::resolve(&words(&["python3", "mine.py"])).unwrap().is_none());
        let error = ClientFiles::resolve(&words(&["builtin:pyepics_put.py"])).unwrap_err().to_string();
        assert!(error.contains("\"pyepics_put.py\", only measured.py, "), "{error}");
    }
}
