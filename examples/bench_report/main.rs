//! A bench of this build beside the same bench of another one, in turns, so that whatever the machine does meanwhile falls
//! on both: `cargo run --release --example bench_report -- send_bench --beside PATH [--runs N] [-- ARGUMENTS]`.
//!
//! PATH is the other build's program of the bench; this build's lies beside this program (build it first, with
//! `cargo build --release --examples`). For each figure that both print: the medians, the median of the ratios this/other
//! of the runs that followed each other, and the smallest and the largest of them.

mod figures;

use figures::{Figure, figures};
use std::{
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

const USAGE: &str = "usage: bench_report BENCH --beside PATH [--runs N] [-- ARGUMENTS OF THE BENCH]";

/// Runs of each build, unless said otherwise.
const RUNS: usize = 5;

struct Asked {
    ours: PathBuf,
    theirs: PathBuf,
    runs: usize,
    arguments: Vec<String>,
}

fn main() -> ExitCode {
    match asked().and_then(|asked| report(&asked)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("bench_report: {e}");
            ExitCode::FAILURE
        }
    }
}

fn asked() -> Result<Asked, String> {
    let mut args = std::env::args().skip(1);
    let bench = args.next().filter(|name| !name.starts_with('-')).ok_or(USAGE)?;
    let me = std::env::current_exe().map_err(|e| e.to_string())?;
    let (mut theirs, mut runs) = (None, RUNS);
    let mut arguments = Vec::new();
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--beside" => theirs = Some(PathBuf::from(args.next().ok_or(USAGE)?)),
            "--runs" => runs = args.next().and_then(|n| n.parse().ok()).filter(|n| *n > 0).ok_or(USAGE)?,
            "--" => arguments.extend(args.by_ref()),
            _ => return Err(USAGE.into()),
        }
    }
    Ok(Asked { ours: me.with_file_name(bench), theirs: theirs.ok_or(USAGE)?, runs, arguments })
}

fn report(asked: &Asked) -> Result<(), String> {
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for run in 1..=asked.runs {
        eprintln!("run {run} of {}", asked.runs);
        ours.push(figures(&run_once(&asked.ours, &asked.arguments)?));
        theirs.push(figures(&run_once(&asked.theirs, &asked.arguments)?));
    }
    println!("{:<44} {:>10} {:>10} {:>7}   smallest to largest", "medians", "this", "other", "ratio");
    for name in ours[0].iter().map(|figure| &figure.name) {
        let values = |of: &[Vec<Figure>]| -> Vec<Option<f64>> { of.iter().map(|run| named(run, name)).collect() };
        print(name, &values(&ours), &values(&theirs));
    }
    Ok(())
}

fn named(run: &[Figure], name: &str) -> Option<f64> {
    run.iter().find(|figure| figure.name == name).map(|figure| figure.value)
}

fn print(name: &str, ours: &[Option<f64>], theirs: &[Option<f64>]) {
    let pairs: Vec<(f64, f64)> = ours.iter().zip(theirs).filter_map(|(a, b)| (*a).zip(*b)).collect();
    let median_of = |pick: fn(&(f64, f64)) -> f64| median(pairs.iter().map(pick).collect());
    let ratios: Vec<f64> = pairs.iter().filter(|(_, b)| *b != 0.0).map(|(a, b)| a / b).collect();
    let (Some(this), Some(other), Some(ratio)) = (median_of(|p| p.0), median_of(|p| p.1), median(ratios.clone()))
    else {
        return;
    };
    let smallest = ratios.iter().copied().fold(f64::INFINITY, f64::min);
    let largest = ratios.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    println!("{name:<44} {this:>10.3} {other:>10.3} {ratio:>7.2}   {smallest:.2} to {largest:.2}");
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_unstable_by(f64::total_cmp);
    let (low, high) = (values.get(values.len().saturating_sub(1) / 2)?, values.get(values.len() / 2)?);
    Some(f64::midpoint(*low, *high))
}

/// What the bench printed.
fn run_once(program: &Path, arguments: &[String]) -> Result<String, String> {
    let at = |e: &dyn std::fmt::Display| format!("{}: {e}", program.display());
    let ran = Command::new(program).args(arguments).output().map_err(|e| at(&e))?;
    if !ran.status.success() {
        return Err(at(&String::from_utf8_lossy(&ran.stderr)));
    }
    Ok(String::from_utf8_lossy(&ran.stdout).into_owned())
}
