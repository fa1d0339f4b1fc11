use super::*;
use crate::probe::content_hash;

fn small() -> SynthParams {
    let emotions = vec!["anger".to_owned(), "sadness".to_owned()];
    SynthParams { speakers: 2, emotions, sentences: 2, takes: 2, ..SynthParams::default() }
}

fn say(speaker: usize, emotion: &str, sentence: usize, take: usize) -> Waveform {
    let which = Utterance { speaker, emotion: emotion.into(), sentence, take };
    utterance(&SynthParams::default(), &which).unwrap()
}

fn level(waveform: &Waveform) -> f64 {
    let power: f64 = waveform.samples().iter().map(|sample| f64::from(*sample).powi(2)).sum();
    10.0 * (power / waveform.samples().len() as f64).log10()
}

/// Median pitch in hertz of the frames that are clearly voiced, by autocorrelation.
fn pitch(waveform: &Waveform) -> f64 {
    let rate = f64::from(waveform.sample_rate());
    let mut pitches: Vec<f64> = waveform
        .samples()
        .chunks_exact(800)
        .filter_map(|frame| {
            let correlation = |lag: usize| -> f64 {
                let (early, late) = (&frame[..frame.len() - lag], &frame[lag..]);
                let product: f64 = early.iter().zip(late).map(|(a, b)| f64::from(a * b)).sum();
                let energy = |part: &[f32]| part.iter().map(|a| f64::from(a * a)).sum::<f64>();
                product / (energy(early) * energy(late)).sqrt().max(1e-12)
            };
            let lags = (rate / 450.0) as usize..(rate / 70.0) as usize;
            let best = lags.clone().map(correlation).fold(0.0, f64::max);
            // The first lag that is nearly as good: an octave below correlates as well.
            let lag = lags.into_iter().find(|lag| correlation(*lag) > 0.93 * best)?;
            (best > 0.75).then_some(rate / lag as f64)
        })
        .collect();
    pitches.sort_by(f64::total_cmp);
    assert!(pitches.len() >= 5, "a voice is voiced");
    pitches[pitches.len() / 2]
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let values: Vec<f64> = values.collect();
    values.iter().sum::<f64>() / values.len() as f64
}

#[test]
fn waveforms_are_short_finite_and_within_range() {
    for style in Style::all() {
        for speaker in 1..=2 {
            let waveform = say(speaker, style.emotion, 3, 1);
            assert!((1.0..2.8).contains(&waveform.seconds()), "{}: {} s", style.emotion, waveform.seconds());
            assert!(waveform.samples().iter().all(|sample| sample.is_finite() && sample.abs() <= 1.0));
            assert!((-45.0..-8.0).contains(&level(&waveform)), "{}: {} dB", style.emotion, level(&waveform));
        }
    }
}

#[test]
fn every_sample_rate_speaks() {
    let which = Utterance { speaker: 2, emotion: "neutral".into(), sentence: 1, take: 1 };
    for sample_rate in [8000, 11_025, 22_050, 44_100, 48_000] {
        let waveform = utterance(&SynthParams { sample_rate, ..SynthParams::default() }, &which).unwrap();
        assert_eq!(waveform.sample_rate(), sample_rate);
        assert!(waveform.samples().iter().all(|sample| sample.is_finite() && sample.abs() <= 1.0));
        assert!((-40.0..-10.0).contains(&level(&waveform)), "{sample_rate}: {}", level(&waveform));
    }
}

#[test]
fn equal_parameters_give_equal_samples_and_others_do_not() {
    let base = say(1, "fear", 1, 1);
    assert_eq!(base, say(1, "fear", 1, 1));
    for other in [say(3, "fear", 1, 1), say(1, "calm", 1, 1), say(1, "fear", 2, 1), say(1, "fear", 1, 2)] {
        assert_ne!(base.samples(), other.samples());
    }
    let which = Utterance { speaker: 1, emotion: "fear".into(), sentence: 1, take: 1 };
    let seeded = |seed| utterance(&SynthParams { seed, ..SynthParams::default() }, &which).unwrap();
    assert_ne!(seeded(1).samples(), seeded(2).samples());
    let larger = SynthParams { speakers: 50, emotions: vec!["fear".into()], ..SynthParams::default() };
    assert_eq!(utterance(&larger, &which).unwrap(), base, "a voice is the same in corpora of any size");
}

/// The bytes are part of the promise: whoever reports a figure on the synthetic corpus reports it on these.
#[test]
fn samples_are_the_same_on_every_platform() {
    let waveform = say(4, "happiness", 2, 1);
    let sum = waveform
        .samples()
        .iter()
        .fold(0u64, |sum, sample| sum.wrapping_mul(0x0100_0000_01b3).wrapping_add(u64::from(sample.to_bits())));
    assert_eq!((waveform.samples().len(), sum), (29_205, 7_004_487_114_199_077_441));
}

#[test]
fn women_speak_higher_than_men() {
    let women = mean((0..4).map(|at| pitch(&say(2 * at + 1, "neutral", 1, 1))));
    let men = mean((0..4).map(|at| pitch(&say(2 * at + 2, "neutral", 1, 1))));
    assert!(women > 1.4 * men && women > 160.0 && men < 150.0, "{women} {men}");
}

#[test]
fn emotions_do_what_the_literature_says() {
    let over = |emotion: &str, measure: fn(&Waveform) -> f64| {
        mean(
            (1..=8)
                .flat_map(|speaker| (1..=2).map(move |sentence| (speaker, sentence)))
                .map(|(speaker, sentence)| measure(&say(speaker, emotion, sentence, 1))),
        )
    };
    assert!(over("anger", level) > over("neutral", level) + 2.0);
    assert!(over("sadness", level) < over("neutral", level) - 2.0);
    assert!(over("fear", pitch) > 1.15 * over("neutral", pitch));
    assert!(over("happiness", pitch) > 1.15 * over("boredom", pitch));
    assert!(over("sadness", Waveform::seconds) > 1.1 * over("anger", Waveform::seconds));
}

#[test]
fn parameters_out_of_range_say_what_is_possible() {
    type Change = fn(&mut SynthParams);
    let grid: [(&str, Change, &str); 10] = [
        ("`speakers` is 0", |params| params.speakers = 0, "1 to 999"),
        ("`speakers` is 1000", |params| params.speakers = 1000, "1 to 999"),
        ("`sentences` is 0", |params| params.sentences = 0, "1 to 999"),
        ("`takes` is 100", |params| params.takes = 100, "1 to 99"),
        ("`sample_rate` is 7999", |params| params.sample_rate = 7999, "8000 to 48000"),
        ("`sample_rate` is 48001", |params| params.sample_rate = 48_001, "8000 to 48000"),
        ("`emotions (their number)` is 0", |params| params.emotions.clear(), "1 to 9"),
        ("is `joy`", |params| params.emotions.push("joy".into()), "anger, boredom, calm"),
        ("`anger` twice", |params| params.emotions.push("anger".into()), "each emotion once"),
        ("`the number of recordings` is 5988006", |params| (params.speakers, params.sentences) = (999, 999), "100000"),
    ];
    for (actual, change, expected) in grid {
        let mut params = SynthParams::default();
        change(&mut params);
        let message = params.check().unwrap_err().to_string();
        assert!(message.contains(actual) && message.contains(expected), "{message}");
        let which = Utterance { speaker: 1, emotion: "fear".into(), sentence: 1, take: 1 };
        assert!(utterance(&params, &which).is_err());
    }
    SynthParams::default().check().unwrap();
    for (speaker, sentence, take) in [(0, 1, 1), (1000, 1, 1), (1, 0, 1), (1, 1000, 1), (1, 1, 0), (1, 1, 100)] {
        let which = Utterance { speaker, emotion: "fear".into(), sentence, take };
        assert!(matches!(utterance(&SynthParams::default(), &which), Err(CorpusError::Parameter { .. })));
    }
    let unknown = serde_json::from_str::<SynthParams>("{\"speaker\": 3}").unwrap_err().to_string();
    assert!(unknown.contains("unknown field `speaker`"), "{unknown}");
    assert_eq!(serde_json::from_str::<SynthParams>("{}").unwrap(), SynthParams::default());
}

#[test]
fn a_corpus_is_complete_and_the_same_for_any_number_of_threads() {
    let folder = tempfile::tempdir().unwrap();
    let make = |name: &str, threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let mut told = Vec::new();
        let dir = folder.path().join(name);
        let manifest = pool.install(|| synthesize(&dir, &small(), &mut |done| told.push(done))).unwrap();
        assert_eq!(told, [16]);
        (dir, manifest)
    };
    let (one, manifest) = make("new/one", 1);
    std::fs::create_dir(folder.path().join("two")).unwrap();
    let (two, _) = make("two", 3);
    assert_eq!(manifest.name, "synthetic");
    assert_eq!(manifest, Manifest::open(&one, None).unwrap());
    for recording in &manifest.recordings {
        let hash = |dir: &Path| content_hash(&dir.join(&recording.file)).unwrap();
        assert_eq!(hash(&one), hash(&two), "{}", recording.file.display());
    }
    assert!(std::fs::read_to_string(one.join("README.txt")).unwrap().contains("synthetic. No human"));
    let mut files: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    files.sort();
    assert_eq!(files, ["new", "two"], "nothing else is left");

    // The names alone tell the same, but for the sex.
    let by_name = Manifest::open(&one, Some("synth")).unwrap();
    for (a, b) in manifest.recordings.iter().zip(&by_name.recordings) {
        assert_eq!(
            (&a.file, &a.speaker, &a.emotion, &a.text, &a.take),
            (&b.file, &b.speaker, &b.emotion, &b.text, &b.take)
        );
    }
    let mut probed = manifest.clone();
    probed.probe(&mut |_| ());
    assert_eq!((probed.recordings.len(), probed.dropped.len()), (16, 0));
    assert!(probed.describe().copies.is_empty());
    assert_eq!(probed.describe().repetitions.len(), 8);
}

#[test]
fn a_folder_in_use_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("thesis.txt"), "x").unwrap();
    assert!(matches!(synthesize(folder.path(), &small(), &mut |_| ()), Err(CorpusError::Occupied { .. })));
    let file = folder.path().join("thesis.txt");
    assert!(matches!(synthesize(&file, &small(), &mut |_| ()), Err(CorpusError::Io { .. })));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}
