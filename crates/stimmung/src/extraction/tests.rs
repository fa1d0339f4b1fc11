use std::fs;
use std::path::Path;

use stimmung_audio::{WavEncoding, write_wav};

use super::*;
use crate::testing::{StopAfter, on_threads, tone};
use crate::{FeatureTable, Hearing, Quiet};

/// A recording's name, the seconds of a frame, and the values.
type Line = (String, Option<(f64, f64)>, Vec<f32>);

/// All rows as they come.
#[derive(Default, PartialEq, Debug, Clone)]
struct Kept {
    columns: Vec<String>,
    rows: Vec<Line>,
}

impl RowSink for Kept {
    fn begin(&mut self, columns: &[String]) -> Result<(), Error> {
        assert!(self.columns.is_empty());
        self.columns = columns.to_vec();
        Ok(())
    }

    fn row(&mut self, row: &Row<'_>) -> Result<(), Error> {
        self.rows.push((row.id.to_owned(), row.span, row.values.to_vec()));
        Ok(())
    }
}

/// A folder of tones: `1.wav` to `5.wav`, and `broken.wav`.
fn recordings() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for number in 1..=5_u8 {
        let wave = tone(100.0 + 30.0 * f64::from(number), 0.3 + 0.1 * f64::from(number), u64::from(number));
        write_wav(folder.path().join(format!("{number}.wav")), &wave, WavEncoding::Pcm16).unwrap();
    }
    fs::write(folder.path().join("broken.wav"), "RIFF").unwrap();
    folder
}

fn extraction(set: &str, level: Level, cache: Option<&Path>) -> Extraction {
    let features = FeatureSet::by_name(set).unwrap();
    Extraction { features, level, sample_rate: None, cache: cache.map(FeatureCache::new) }
}

fn manifest(folder: &Path) -> Manifest {
    Manifest::unlabelled(&[folder.to_path_buf()]).unwrap()
}

fn run(extraction: &Extraction, manifest: &Manifest) -> (Kept, Extracted) {
    let mut kept = Kept::default();
    let extracted = extraction.run(manifest, &mut kept, &Quiet).unwrap();
    (kept, extracted)
}

#[test]
fn functionals_are_those_that_models_learn_from() {
    let folder = recordings();
    let manifest = manifest(folder.path());
    for set in ["egemaps-v02", "mfcc", "issa-50-80-50", "mel"] {
        for sample_rate in [None, Some(22_050)] {
            let extraction = Extraction { sample_rate, ..extraction(set, Level::Functionals, None) };
            let (kept, extracted) = run(&extraction, &manifest);
            let hearing = Hearing { sample_rate, ..Hearing::new(extraction.features) };
            let table = FeatureTable::extract(&manifest, &hearing, &Quiet).unwrap();
            assert_eq!(kept.columns, table.columns);
            assert_eq!(kept.rows.iter().map(|row| row.0.clone()).collect::<Vec<_>>(), table.ids());
            for (row, (_, span, values)) in kept.rows.iter().enumerate() {
                assert_eq!((values.as_slice(), *span), (table.features.row(row), None), "{set}");
            }
            assert_eq!(extracted.dropped, table.dropped);
            assert_eq!((extracted.recordings, extracted.rows, extracted.cached), (5, 5, 0));
        }
    }
}

#[test]
fn descriptors_have_their_times_also_in_parts() {
    let folder = recordings();
    let mut manifest = manifest(folder.path());
    let whole = run(&extraction("egemaps-v02", Level::Descriptors, None), &manifest).0;
    assert_eq!(whole.columns[10], "F0semitoneFrom27.5Hz_sma3nz");
    let of_first: Vec<_> = whole.rows.iter().filter(|row| row.0 == "1.wav").collect();
    // 0.4 s: a frame of 60 ms every 10 ms.
    assert_eq!(of_first.len(), 35);
    assert_eq!((of_first[0].1, of_first[34].1), (Some((0.0, 0.02)), Some((0.34, 0.36))));

    manifest.recordings.truncate(1);
    manifest.recordings[0].start = Some(0.1);
    manifest.recordings[0].end = Some(0.3);
    let part = run(&extraction("egemaps-v02", Level::Descriptors, None), &manifest).0;
    assert_eq!((part.rows.len(), part.rows[0].0.as_str()), (15, "1.wav#0.1-0.3"));
    assert_eq!((part.rows[0].1, part.rows[14].1), (Some((0.1, 0.12)), Some((0.24, 0.26))));
    // Away from its ends a part is described as in the whole: the loudness of the fifth frame.
    assert_eq!(part.rows[5].2[0], of_first[15].2[0]);

    manifest.recordings[0].end = Some(0.5);
    let error = extraction("mfcc", Level::Descriptors, None).run(&manifest, &mut Kept::default(), &Quiet);
    let error = error.unwrap_err().to_string();
    assert!(error.contains("from 0.1 s to 0.5 s lies outside"), "{error}");
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let folder = recordings();
    let manifest = manifest(folder.path());
    let extraction = extraction("egemaps-v02", Level::Descriptors, None);
    let one = on_threads(1, || run(&extraction, &manifest).0);
    assert_eq!(on_threads(3, || run(&extraction, &manifest).0), one);
}

#[test]
fn what_was_computed_is_kept_and_damage_is_not_believed() {
    let (folder, cache) = (recordings(), tempfile::tempdir().unwrap());
    let manifest = manifest(folder.path());
    let extraction = extraction("egemaps-v02", Level::Descriptors, Some(cache.path()));
    let (first, extracted) = run(&extraction, &manifest);
    assert_eq!((extracted.cached, extracted.not_kept), (0, None));
    let (second, extracted) = run(&extraction, &manifest);
    assert_eq!((extracted.cached, extracted.dropped.len()), (5, 1));
    assert_eq!(second, first);

    // One is cut short, one is changed, one lies under the name of another.
    let mut files = Vec::new();
    for part in fs::read_dir(cache.path()).unwrap() {
        files.extend(fs::read_dir(part.unwrap().path()).unwrap().map(|file| file.unwrap().path()));
    }
    assert_eq!(files.len(), 5);
    let mut bytes = fs::read(&files[0]).unwrap();
    bytes.pop();
    fs::write(&files[0], &bytes).unwrap();
    let mut bytes = fs::read(&files[1]).unwrap();
    bytes[500] ^= 1;
    fs::write(&files[1], &bytes).unwrap();
    let (third, extracted) = run(&extraction, &manifest);
    assert_eq!(extracted.cached, 3);
    assert_eq!(third, first);
    assert_eq!(run(&extraction, &manifest).1.cached, 5);

    // Renamed recordings are the same recordings, changed ones are others.
    fs::rename(folder.path().join("1.wav"), folder.path().join("6.wav")).unwrap();
    fs::copy(folder.path().join("3.wav"), folder.path().join("2.wav")).unwrap();
    let (_, extracted) = run(&extraction, &self::manifest(folder.path()));
    assert_eq!((extracted.cached, extracted.recordings), (5, 5));
    let wave = tone(333.0, 0.5, 99);
    write_wav(folder.path().join("2.wav"), &wave, WavEncoding::Pcm16).unwrap();
    assert_eq!(run(&extraction, &self::manifest(folder.path())).1.cached, 4);
}

#[test]
fn everything_that_rows_depend_on_tells_them_apart() {
    let (folder, cache) = (recordings(), tempfile::tempdir().unwrap());
    let manifest = manifest(folder.path());
    let cached = |set: &str, level, sample_rate| {
        let features = toml::from_str(set).unwrap();
        let cache = Some(FeatureCache::new(cache.path()));
        run(&Extraction { features, level, sample_rate, cache }, &manifest).1.cached
    };
    for level in [Level::Functionals, Level::Descriptors] {
        for set in ["set = 'mfcc'\nn = 12", "set = 'mfcc'\nn = 13", "set = 'mfcc'\nn = 12\nsd = true"] {
            assert_eq!(cached(set, level, None), 0, "{set} {level}");
            assert_eq!(cached(set, level, Some(8000)), 0, "{set} {level}");
            assert_eq!(cached(set, level, None), 5, "{set} {level}");
        }
    }
    // Parts of a file.
    let mut manifest = manifest.clone();
    let extraction = extraction("mfcc", Level::Functionals, Some(cache.path()));
    for (start, cached) in [(None, 0), (Some(0.05), 0), (Some(0.05), 1), (None, 1)] {
        manifest.recordings.truncate(1);
        manifest.recordings[0].start = start;
        assert_eq!(run(&extraction, &manifest).1.cached, cached, "{start:?}");
    }
}

#[test]
fn an_interrupted_extraction_goes_on() {
    let (folder, cache) = (recordings(), tempfile::tempdir().unwrap());
    let manifest = manifest(folder.path());
    let extraction = extraction("mfcc", Level::Functionals, Some(cache.path()));
    let stopped =
        on_threads(1, || extraction.run(&manifest, &mut Kept::default(), &StopAfter::new(3)).map(|done| done.rows));
    assert!(matches!(stopped, Err(Error::Cancelled)));
    let (_, extracted) = run(&extraction, &manifest);
    assert!((2..5).contains(&extracted.cached), "{extracted:?}");
    assert_eq!(extracted.recordings, 5);
}

#[test]
fn a_cache_that_cannot_be_written_costs_only_time() {
    let folder = recordings();
    let manifest = manifest(folder.path());
    let file = folder.path().join("not-a-folder");
    fs::write(&file, "").unwrap();
    let extraction = extraction("mfcc", Level::Functionals, Some(&file));
    let (kept, extracted) = run(&extraction, &manifest);
    assert_eq!(kept.rows.len(), 5);
    assert!(extracted.not_kept.unwrap().contains("not-a-folder"));
}

#[test]
fn clearing_removes_what_is_ours_alone() {
    let (folder, cache) = (recordings(), tempfile::tempdir().unwrap());
    run(&extraction("mfcc", Level::Functionals, Some(cache.path())), &manifest(folder.path()));
    fs::write(cache.path().join("mine.features"), "mine").unwrap();
    fs::create_dir_all(cache.path().join("ab")).unwrap();
    fs::write(cache.path().join("ab").join("mine.features"), "mine").unwrap();
    let cleared = FeatureCache::new(cache.path()).clear().unwrap();
    assert_eq!(cleared.recordings, 5);
    assert!(cleared.bytes > 5 * 160);
    assert!(cache.path().join("mine.features").exists() && cache.path().join("ab").join("mine.features").exists());
    assert_eq!(fs::read_dir(cache.path()).unwrap().count(), 2);
    assert_eq!(FeatureCache::new(cache.path().join("none")).clear().unwrap(), Cleared::default());
}

#[test]
fn recordings_of_another_width_are_left_out() {
    let folder = recordings();
    write_wav(folder.path().join("3.wav"), &tone(200.0, 0.5, 3).resample(8000).unwrap(), WavEncoding::Pcm16).unwrap();
    let (kept, extracted) = run(&extraction("mel", Level::Functionals, None), &manifest(folder.path()));
    assert_eq!((kept.rows.len(), extracted.dropped.len()), (4, 2));
    let reason = &extracted.dropped[0].reason;
    assert!(reason.contains("8000 Hz") && reason.contains("--sample-rate 16000"), "{reason}");
    // Descriptors have no such trouble.
    assert_eq!(run(&extraction("mel", Level::Descriptors, None), &manifest(folder.path())).1.recordings, 5);
}

#[test]
fn what_cannot_be_used_is_told() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("broken.wav"), "RIFF").unwrap();
    let manifest = manifest(folder.path());
    let result = extraction("mfcc", Level::Functionals, None).run(&manifest, &mut Kept::default(), &Quiet);
    assert!(matches!(result, Err(Error::NothingUsable { count: 1, .. })));
    let result = extraction("issa-50-80-50", Level::Descriptors, None).run(&manifest, &mut Kept::default(), &Quiet);
    assert!(result.unwrap_err().to_string().contains("mfcc, mel, egemaps-v02"));
    let write = |name: &str, wave: &stimmung_audio::Waveform| {
        write_wav(folder.path().join(name), wave, WavEncoding::Pcm16).unwrap();
    };
    write("good.wav", &tone(200.0, 0.5, 1));
    write("short.wav", &tone(200.0, 0.05, 1));
    write("silent.wav", &stimmung_audio::Waveform::new(vec![0.25; 8000], 16_000).unwrap());
    write("empty.wav", &stimmung_audio::Waveform::new(Vec::new(), 16_000).unwrap());
    let manifest = self::manifest(folder.path());
    for set in ["egemaps-v02", "mfcc"] {
        let table = FeatureTable::extract(&manifest, &Hearing::new(FeatureSet::by_name(set).unwrap()), &Quiet).unwrap();
        let dropped = run(&extraction(set, Level::Functionals, None), &manifest).1.dropped;
        assert_eq!((dropped.len(), &dropped), (4, &table.dropped));
    }
}
