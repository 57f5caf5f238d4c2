//! What the tests need from elsewhere: a virtual environment with the clients, and the C program.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The virtual environment, ready to use.
pub(crate) struct Workshop {
    /// Its Python.
    pub(crate) python: PathBuf,
    /// The program made from `libca.c`, or why there is none.
    pub(crate) libca: Result<PathBuf, String>,
}

const REQUIREMENTS: &str = include_str!("requirements.txt");
const LIBCA: &str = include_str!("libca.c");

/// Where the scripts are.
pub(crate) fn scripts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop")
}

/// Makes the virtual environment and the program, or finds them made. A lock keeps runs that start together apart.
pub(crate) fn set_up() -> Result<Workshop, String> {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().ok_or("no target folder")?;
    let home = target.join("interop-venv");
    let lock = File::create(target.join("interop-venv.lock")).map_err(|e| format!("no lock file: {e}"))?;
    lock.lock().map_err(|e| format!("no lock: {e}"))?;
    let python = home.join("bin/python");
    // The marker is written last: a folder without it was left unfinished.
    let marker = home.join("finished");
    if !fs::read_to_string(&marker).is_ok_and(|made_of| made_of == REQUIREMENTS) {
        make(&home, &python)?;
        fs::write(&marker, REQUIREMENTS).map_err(|e| format!("{}: {e}", marker.display()))?;
    }
    let libca = compile(&home, &python);
    Ok(Workshop { python, libca })
}

fn make(home: &Path, python: &Path) -> Result<(), String> {
    println!("Setting up {} (once; it takes a minute)", home.display());
    if home.exists() {
        fs::remove_dir_all(home).map_err(|e| format!("{}: {e}", home.display()))?;
    }
    finish("python3 -m venv", Command::new("python3").arg("-m").arg("venv").arg(home))?;
    let mut install = Command::new(python);
    install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary=:all:"]);
    finish("pip install", install.arg("--requirement").arg(scripts().join("requirements.txt")))?;
    Ok(())
}

/// Compiles `libca.c` against the headers and libraries that come with the Python package `epicscorelibs`.
fn compile(home: &Path, python: &Path) -> Result<PathBuf, String> {
    let (program, source) = (home.join("libca"), home.join("libca.c"));
    if program.exists() && fs::read_to_string(&source).is_ok_and(|made_of| made_of == LIBCA) {
        return Ok(program);
    }
    let find = "import epicscorelibs, os; print(os.path.dirname(epicscorelibs.__file__))";
    let package = PathBuf::from(finish("python", Command::new(python).args(["-c", find]))?.trim());
    let libraries = package.join("lib");
    let mut compiler = Command::new("cc");
    compiler.args(["-std=gnu11", "-O1", "-g", "-Wall", "-Wextra", "-Werror"]).arg(scripts().join("libca.c"));
    compiler.arg("-I").arg(package.join("include")).arg("-o").arg(&program);
    compiler.arg("-L").arg(&libraries).args(["-lca", "-lCom", "-lm"]);
    finish("cc", compiler.arg(format!("-Wl,-rpath,{}", libraries.display())))?;
    fs::write(&source, LIBCA).map_err(|e| format!("{}: {e}", source.display()))?;
    Ok(program)
}

/// Runs a command to its end and gives its standard output.
fn finish(what: &str, command: &mut Command) -> Result<String, String> {
    let output = command.output().map_err(|e| format!("{what} cannot be run: {e}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let text = String::from_utf8_lossy(&output.stderr);
    let end: Vec<&str> = text.trim().lines().rev().take(5).collect();
    Err(format!("{what} failed ({}): {}", output.status, end.into_iter().rev().collect::<Vec<_>>().join("\n  ")))
}
