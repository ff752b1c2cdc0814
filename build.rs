//! Packs what the pages show. Each file of the folders below is deflated, and a table of them written, which
//! `src/texts/packed.rs` includes: a megabyte and a half of words takes a third of that in the program.
//! And has the program's relocations packed, where the C library can read them so.

use flate2::{Compression, write::DeflateEncoder};
use std::{
    env, fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::Command,
};

/// Below `assets/`.
const FOLDERS: [&str; 3] = ["docs", "locales", "portal"];

fn main() -> io::Result<()> {
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo says where"));
    println!("cargo::rerun-if-changed=build.rs");
    for folder in FOLDERS {
        println!("cargo::rerun-if-changed=assets/{folder}");
        pack(folder, &out)?;
    }
    if reads_packed_relocations() {
        println!("cargo::rustc-link-arg=-Wl,-z,pack-relative-relocs");
    }
    Ok(())
}

/// Whether the program will run here, and glibc is 2.36 or later, which reads relative relocations as a bitmap (DT_RELR).
/// Else they are a table of several megabytes, which each start reads and keeps in memory.
fn reads_packed_relocations() -> bool {
    // Cargo tells a build script by its environment alone.
    let var = |name| env::var_os(name).unwrap_or_default();
    if var("HOST") != var("TARGET") || var("CARGO_CFG_TARGET_ENV") != "gnu" {
        return false;
    }
    let answer = Command::new("getconf").arg("GNU_LIBC_VERSION").output().map(|o| o.stdout).unwrap_or_default();
    let text = String::from_utf8_lossy(&answer);
    let version = text.trim().strip_prefix("glibc ").and_then(|v| v.split_once('.'));
    let version = version.and_then(|(major, minor)| Some((major.parse::<u32>().ok()?, minor.parse::<u32>().ok()?)));
    version.is_some_and(|version| version >= (2, 36))
}

/// Writes `FOLDER.rs`, an array of names and bytes, and beside it the bytes of each file.
fn pack(folder: &str, out: &Path) -> io::Result<()> {
    let root = Path::new("assets").join(folder);
    let mut files = Vec::new();
    list(&root, &mut files)?;
    files.sort();
    let mut table = String::from("&[\n");
    for (number, path) in files.iter().enumerate() {
        let name = path.strip_prefix(&root).ok().and_then(Path::to_str).expect("a name of ours");
        let mut packed = DeflateEncoder::new(Vec::new(), Compression::best());
        packed.write_all(&fs::read(path)?)?;
        let file = format!("{folder}.{number}");
        fs::write(out.join(&file), packed.finish()?)?;
        table += &format!("    ({name:?}, include_bytes!(concat!(env!(\"OUT_DIR\"), \"/{file}\"))),\n");
    }
    table += "]\n";
    fs::write(out.join(format!("{folder}.rs")), table)
}

fn list(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() { list(&path, files)? } else { files.push(path) }
    }
    Ok(())
}
