//! The command: runs seeds, replays one, or switches a deliberate fault on.

#![forbid(unsafe_code)]

use std::{
    process::ExitCode,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use waxseal_simulation::{FAULTS, Fault, Report, run};

const HELP: &str = "waxseal-simulation [options] [seeds]

  [seeds]              how many seeds to run (200)
  --seconds S          as many seeds as fit into S seconds
  --from SEED          the first seed (0)
  --seed SEED          replays one seed and prints its trace
  --fault NAME         switches a deliberate fault on; succeeds where a seed finds it
  --fault list         lists the faults
  --fault all          switches each fault on in its turn; succeeds where each is found
";

#[derive(Default)]
struct Options {
    seeds: Option<u64>,
    seconds: Option<u64>,
    from: u64,
    seed: Option<u64>,
    fault: Option<Fault>,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.iter().any(|argument| argument == "list") {
        for (_, name, what, check) in FAULTS {
            println!("{name:24} {what} (found as: {check})");
        }
        return ExitCode::SUCCESS;
    }
    let all = arguments.iter().position(|argument| argument == "all");
    if let Some(all) = all {
        let seeds = arguments.get(all + 1).and_then(|seeds| seeds.parse().ok()).unwrap_or(200);
        return each_fault(seeds);
    }
    let Some(options) = read(&arguments) else {
        eprint!("{HELP}");
        return ExitCode::FAILURE;
    };
    match options.seed {
        Some(seed) => replay(seed, options.fault),
        None => many(&options),
    }
}

fn read(arguments: &[String]) -> Option<Options> {
    let mut options = Options::default();
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        let mut number = || arguments.next().and_then(|value| value.parse().ok());
        match argument.as_str() {
            "--seconds" => options.seconds = Some(number()?),
            "--from" => options.from = number()?,
            "--seed" => options.seed = Some(number()?),
            "--fault" => options.fault = Some(Fault::named(arguments.next()?)?),
            seeds => options.seeds = Some(seeds.parse().ok()?),
        }
    }
    Some(options)
}

fn replay(seed: u64, fault: Option<Fault>) -> ExitCode {
    let report = run(seed, fault, true);
    println!("seed {seed}: {} steps, trace {:016x}", report.steps, report.hash);
    match report.violation {
        None => ExitCode::SUCCESS,
        Some(violation) => {
            println!("violation: {}: {}", violation.check, violation.what);
            ExitCode::FAILURE
        }
    }
}

fn many(options: &Options) -> ExitCode {
    let start = Instant::now();
    let reports = reports(options);
    close(&reports, options, start.elapsed())
}

/// Switches each fault on, and shows a line of each.
fn each_fault(seeds: u64) -> ExitCode {
    let mut missed = 0;
    for (fault, name, what, _) in FAULTS {
        let options = Options { seeds: Some(seeds), fault: Some(*fault), ..Options::default() };
        let reports = reports(&options);
        let violations: Vec<_> = reports.iter().filter_map(|report| report.violation.as_ref()).collect();
        let mut checks: Vec<_> = violations.iter().map(|violation| violation.check).collect();
        checks.sort_unstable();
        checks.dedup();
        missed += usize::from(violations.is_empty());
        println!("{name:24} in {:3} of {seeds} seeds, as {}: {what}", violations.len(), checks.join(", "));
    }
    println!("{} deliberate faults, {seeds} seeds each, {missed} not found", FAULTS.len());
    if missed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Runs the seeds on all cores; without a deliberate fault, up to the first violation.
fn reports(options: &Options) -> Vec<Report> {
    let start = Instant::now();
    let seeds = options.seeds.unwrap_or(if options.seconds.is_some() { u64::MAX } else { 200 });
    let (next, stop) = (AtomicU64::new(0), AtomicBool::new(false));
    let reports = Mutex::new(Vec::new());
    let workers = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let late = options.seconds.is_some_and(|s| start.elapsed() > Duration::from_secs(s));
                    if index >= seeds || late {
                        return;
                    }
                    let report = run(options.from + index, options.fault, false);
                    stop.fetch_or(report.violation.is_some() && options.fault.is_none(), Ordering::Relaxed);
                    reports.lock().unwrap_or_else(PoisonError::into_inner).push(report);
                }
            });
        }
    });
    let mut reports = reports.into_inner().unwrap_or_else(PoisonError::into_inner);
    reports.sort_by_key(|report| report.seed);
    reports
}

/// The closing line, and how to replay a violation.
fn close(reports: &[Report], options: &Options, took: Duration) -> ExitCode {
    let sum = |of: fn(&Report) -> u64| reports.iter().map(of).sum::<u64>();
    let broken: Vec<_> = reports.iter().filter_map(|report| Some((report.seed, report.violation.as_ref()?))).collect();
    let fault = options.fault.map(|fault| format!(" --fault {}", fault.name())).unwrap_or_default();
    if let Some((seed, violation)) = broken.first() {
        println!("seed {seed}: {}: {}", violation.check, violation.what);
        println!("replay it with: cargo xtask simulate --seed {seed}{fault}");
    }
    println!(
        "{} seeds, {} steps, {} requests, {} faults injected, {} violations, {} s{}",
        reports.len(),
        sum(|report| report.steps),
        sum(|report| report.requests),
        sum(|report| report.faults),
        broken.len(),
        took.as_secs(),
        match options.fault {
            None => String::new(),
            Some(fault) => format!("; {} found in {} of {} seeds", fault.name(), broken.len(), reports.len()),
        }
    );
    let good = broken.is_empty() == options.fault.is_none();
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
