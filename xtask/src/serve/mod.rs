//! The server under load: throughput, latencies and memory, also beside a training; live streams; and a Flask server in the same run.

mod running;
mod streams;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use clap::Args;
use serde_json::json;

use crate::bench::median;
use crate::peers::{call, output, python, root, target};
use running::{Load, Running, load};
use streams::RATE;

/// Seconds of the recording that is posted.
const SECONDS: f64 = 3.0;

/// Predictions that are timed one after the other.
const ALONE: usize = 300;

#[derive(Args)]
pub struct BenchServe {
    /// The program; by default the release build, which is brought up to date
    binary: Option<PathBuf>,

    /// Predictions under load
    #[arg(long, default_value_t = 10_000, value_name = "N")]
    requests: usize,

    /// Connections at the same time
    #[arg(long, default_value_t = 16, value_name = "N")]
    connections: usize,

    /// Seconds of load beside a training, and on the Flask server
    #[arg(long, default_value_t = 20.0, value_name = "SECONDS")]
    seconds: f64,

    /// Live streams at the same time
    #[arg(long, default_value_t = 50, value_name = "N")]
    streams: usize,

    /// Leave the Flask server out
    #[arg(long)]
    no_peer: bool,
}

/// What is measured against what is wanted.
#[derive(Default)]
struct Findings {
    missed: usize,
}

impl Findings {
    /// Prints a figure, and whether it is as it should be.
    fn judge(&mut self, what: &str, measured: &str, wanted: &str, met: bool) {
        let verdict = if met { "met" } else { "MISSED" };
        self.missed += usize::from(!met);
        println!("  {what:46} {measured:>20}   {wanted:18} {verdict}");
    }
}

/// Prints a figure that stands for itself.
fn state(what: &str, measured: &str) {
    println!("  {what:46} {measured:>20}");
}

pub fn run(arguments: &BenchServe, given: Option<&Path>) -> anyhow::Result<()> {
    output(Command::new("sh").args(["-c", "command -v wrk"]))
        .context("wrk makes the load, and is not here; it is in most distributions (apt-get install wrk)")?;
    let binary = if let Some(binary) = &arguments.binary {
        binary.canonicalize().with_context(|| binary.display().to_string())?
    } else {
        call(Command::new("cargo").current_dir(root()).args(["build", "--release", "--quiet"]))?;
        target().join("release").join("stimmung")
    };
    let folder = tempfile::tempdir()?;
    let folder = folder.path();
    let voices = folder.join("corpora").join("synth");
    output(Command::new(&binary).args(["corpus", "synth", "--speakers", "4", "--takes", "1"]).arg(&voices))?;
    let talk = speech(&voices)?;
    let recording = folder.join("recording.wav");
    std::fs::write(&recording, wav(&talk[..(SECONDS * f64::from(RATE)) as usize * 2]))?;

    // What the peer has, too: means and deviations of 80 MFCC under a logistic regression.
    let model = folder.join("mfcc.stimmung");
    let mut train = Command::new(&binary);
    train.arg("train").arg(root().join("recipes").join("emodb-mfcc.toml")).arg("--corpus").arg(&voices);
    output(train.arg("--out").arg(&model))?;
    let server = Running::start(serve(&binary, folder).arg("--model").arg(&model), &folder.join("log"))?;
    let mut findings = Findings::default();
    let ours = predictions(&server, arguments, &recording, &mut findings)?;
    beside_training(&server, arguments, &recording, &mut findings)?;
    live(&server, arguments, &talk, &mut findings)?;
    drop(server);
    if !arguments.no_peer {
        let python = python(given, "serve")?;
        peer(&python, arguments, &voices, &recording, &ours)?;
    }
    match findings.missed {
        0 => Ok(()),
        count => bail!("{count} of the targets are missed"),
    }
}

/// Our server, on data of its own, with every limit as it comes.
fn serve(binary: &Path, folder: &Path) -> Command {
    let mut command = Command::new(binary);
    command.args(["serve", "--json", "--listen", "127.0.0.1:0", "--data"]).arg(folder.join("data"));
    command.arg("--corpora").arg(folder.join("corpora"));
    command
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Predictions one at a time, then many at once.
fn predictions(
    server: &Running,
    arguments: &BenchServe,
    recording: &Path,
    findings: &mut Findings,
) -> anyhow::Result<Load> {
    let url = server.url("/v1/predict");
    let bytes = std::fs::read(recording)?;
    let (mut work, mut round) = (Vec::new(), Vec::new());
    for number in 0..ALONE + 50 {
        let started = Instant::now();
        let answer = server.post("/v1/predict", "audio/wav", &bytes)?;
        // The first ones warm up.
        if number >= 50 {
            round.push(started.elapsed().as_secs_f64() * 1e3);
            work.push(answer["timing"]["total_ms"].as_f64().context("an answer without a time")?);
        }
    }
    let (work, round) = (median(work), median(round));
    let cores = cores();
    let most = cores as f64 / work * 1e3;
    println!("\npredictions for a recording of {SECONDS} s, {cores} cores");
    state("work of one, on one thread (median)", &format!("{work:.3} ms"));
    state("one connection, from request to answer", &format!("{round:.3} ms"));
    state(&format!("what the cores can compute: {cores} ÷ the work"), &format!("{most:.0} a second"));

    let watch = server.watch();
    let first = load(&url, recording, arguments.connections, 3.0)?;
    let enough = arguments.requests as f64 * 1.1 / first.per_second();
    let spent = server.processor_seconds();
    let main = load(&url, recording, arguments.connections, enough)?;
    let spent = server.processor_seconds().zip(spent).map(|(after, before)| after - before);
    let (memory, answers) = watch.end()?;
    let share = main.per_second() / most;
    let connections = arguments.connections;
    findings.judge(
        &format!("{connections} connections, answers a second"),
        &format!("{:.0} ({:.0} %)", main.per_second(), share * 100.0),
        "75 % at least",
        share >= 0.75,
    );
    if let Some(spent) = spent {
        // What is beyond the work itself is HTTP; unlike the throughput, it does not depend on what else the machine does.
        let each = spent / main.requests as f64 * 1e3;
        state("processor time of the server for an answer", &format!("{each:.3} ms"));
    }
    state("median latency", &format!("{:.1} ms", main.p50));
    findings.judge("99 % of answers within", &format!("{:.1} ms", main.p99), "250 ms", main.p99 < 250.0);
    state("the slowest answer", &format!("{:.1} ms", main.worst));
    let broken = first.broken + first.refused + main.broken + main.refused;
    findings.judge(
        "statuses from 500; refused or broken for the client",
        &format!("{}; {broken} of {}", answers.failed, answers.total),
        "none",
        answers.failed == 0 && broken == 0 && answers.total >= arguments.requests,
    );
    let at = |count: usize| memory.iter().find(|(answers, _)| *answers >= count).map(|(_, bytes)| *bytes);
    let (early, late) = (at(arguments.requests / 10), at(arguments.requests));
    match early.zip(late) {
        Some((early, late)) => {
            let mebi = |bytes: u64| bytes as f64 / f64::from(1 << 20);
            findings.judge(
                &format!("memory at answer {} and {}", arguments.requests / 10, arguments.requests),
                &format!("{:.1}, {:.1} MiB", mebi(early), mebi(late)),
                "20 MB more at most",
                late.saturating_sub(early) <= 20_000_000,
            );
        }
        None => state("memory", "not known here"),
    }
    Ok(main)
}

/// Predictions while a network is trained.
fn beside_training(
    server: &Running,
    arguments: &BenchServe,
    recording: &Path,
    findings: &mut Findings,
) -> anyhow::Result<()> {
    let order = json!({ "recipe": "r2-model-a", "corpus": "synth", "set": { "model.epochs": 1_000_000 } });
    let job = server.post("/v1/train", "application/json", order.to_string().as_bytes())?;
    let path = format!("/v1/jobs/{}", job["id"].as_str().context("a job without an id")?);
    let running = || Ok::<_, anyhow::Error>(server.get(&path)?["state"] == "running");
    let started = Instant::now();
    while !running()? {
        if started.elapsed() > Duration::from_secs(20) {
            bail!("the training does not begin");
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    let load = load(&server.url("/v1/predict"), recording, arguments.connections, arguments.seconds)?;
    let job = server.get(&path)?;
    if job["state"] != "running" {
        bail!("the training was over before the load was: {job}");
    }
    server.delete(&path)?;
    println!("\nthe same beside a training ({})", job["recipe"].as_str().unwrap_or_default());
    state("answers a second", &format!("{:.0}", load.per_second()));
    state("median latency", &format!("{:.1} ms", load.p50));
    findings.judge("99 % of answers within", &format!("{:.1} ms", load.p99), "500 ms", load.p99 < 500.0);
    let broken = load.broken + load.refused;
    findings.judge("refused or broken", &format!("{broken} of {}", load.requests), "none", broken == 0);
    while running()? {
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

/// Live streams.
fn live(server: &Running, arguments: &BenchServe, talk: &[u8], findings: &mut Findings) -> anyhow::Result<()> {
    let spent = server.processor_seconds();
    let started = Instant::now();
    let heard = streams::speak(&server.address, arguments.streams, talk)?;
    let took = started.elapsed().as_secs_f64();
    let mut lags = heard.lags;
    lags.sort_by(f64::total_cmp);
    let at = |share: f64| lags.get((lags.len() as f64 * share) as usize).or(lags.last()).copied().unwrap_or(f64::NAN);
    let seconds = talk.len() as f64 / f64::from(2 * RATE);
    println!("\n{} live streams of {seconds:.0} s in step, an answer every {} s", arguments.streams, heard.hop);
    if let Some((before, after)) = spent.zip(server.processor_seconds()) {
        state("of the cores, the server used", &format!("{:.2} of {}", (after - before) / took, cores()));
    }
    state("lag of an answer: median", &format!("{:.1} ms", at(0.5) * 1e3));
    state("lag of an answer: 99 % within", &format!("{:.1} ms", at(0.99) * 1e3));
    let late = lags.iter().filter(|lag| **lag > heard.hop).count();
    findings.judge("lag of an answer: the worst", &format!("{:.1} ms", at(1.0) * 1e3), "the next hop", late == 0);
    findings.judge(
        "answers late, missing",
        &format!("{late}, {} of {}", heard.missing, lags.len() + heard.missing),
        "none",
        late == 0 && heard.missing == 0,
    );
    Ok(())
}

/// The Flask server under the same load.
fn peer(python: &Path, arguments: &BenchServe, voices: &Path, recording: &Path, ours: &Load) -> anyhow::Result<()> {
    let mut command = Command::new(python);
    command.arg(root().join("scripts").join("bench_flask.py")).arg(voices).arg(cores().to_string());
    let folder = tempfile::tempdir()?;
    let flask = Running::start(&mut command, &folder.path().join("log"))?;
    let url = flask.url("/predict");
    load(&url, recording, arguments.connections, 3.0)?;
    let load = load(&url, recording, arguments.connections, arguments.seconds)?;
    println!("\n{}, {} processes", flask.name, cores());
    let ratio = ours.per_second() / load.per_second();
    state("answers a second", &format!("{:.0} (ours {ratio:.1} ×)", load.per_second()));
    state("median latency", &format!("{:.1} ms", load.p50));
    state("99 % of answers within", &format!("{:.1} ms", load.p99));
    state("refused or broken", &format!("{} of {}", load.refused + load.broken, load.requests));
    Ok(())
}

/// The samples of some voices one after the other, 16-bit, mono.
fn speech(voices: &Path) -> anyhow::Result<Vec<u8>> {
    let mut files: Vec<_> = std::fs::read_dir(voices)?.collect::<Result<_, _>>()?;
    files.sort_by_key(std::fs::DirEntry::file_name);
    let mut samples = Vec::new();
    // Some 20 s.
    for file in files.iter().map(std::fs::DirEntry::path).filter(|path| path.extension().is_some_and(|it| it == "wav"))
    {
        if samples.len() >= 20 * 2 * RATE as usize {
            break;
        }
        let bytes = std::fs::read(&file)?;
        // As the program writes them: a head of 44 bytes that ends with the number of bytes to come.
        let head = bytes.get(..44).filter(|head| &head[36..40] == b"data").context("not a voice as it is written")?;
        if head[24..28] != RATE.to_le_bytes() || head[34..36] != 16_u16.to_le_bytes() {
            bail!("{} is not of {RATE} Hz and 16 bits", file.display());
        }
        samples.extend_from_slice(&bytes[44..]);
    }
    if samples.len() < SECONDS as usize * 2 * RATE as usize {
        bail!("{} has too little speech", voices.display());
    }
    Ok(samples)
}

/// A WAV file of these samples.
fn wav(samples: &[u8]) -> Vec<u8> {
    let size = samples.len() as u32;
    let mut bytes = b"RIFF".to_vec();
    bytes.extend((36 + size).to_le_bytes());
    bytes.extend(b"WAVEfmt ");
    bytes.extend(16_u32.to_le_bytes());
    for half in [1_u16, 1] {
        bytes.extend(half.to_le_bytes());
    }
    bytes.extend(RATE.to_le_bytes());
    bytes.extend((2 * RATE).to_le_bytes());
    for half in [2_u16, 16] {
        bytes.extend(half.to_le_bytes());
    }
    bytes.extend(b"data");
    bytes.extend(size.to_le_bytes());
    bytes.extend(samples);
    bytes
}
