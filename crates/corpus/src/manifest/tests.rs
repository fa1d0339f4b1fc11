use super::*;
use crate::recording::Sex;
use crate::testing::{folder, real};

fn open(folder: &tempfile::TempDir) -> Result<Manifest, CorpusError> {
    Manifest::open(folder.path(), None)
}

fn error(result: Result<Manifest, CorpusError>) -> String {
    result.unwrap_err().to_string()
}

#[test]
fn layouts_are_detected() {
    for (files, name) in [
        (&["wav/03a01Wa.wav", "wav/08a01Fd.wav"][..], "emodb"),
        (&["anger/a01 (1).wav", "fear/f01 (02).wav"], "aesdd"),
        (&["OAF_neutral/OA_bite_neutral.wav", "YAF_sad/YAF_dog_sad.wav"], "tess"),
        (&["Actor_12/03-01-06-01-02-01-12.wav"], "ravdess"),
        (&["DC/a01.wav", "KL/su02.wav"], "savee"),
        (&["DC_a01.wav"], "savee"),
        (&["AudioWAV/1001_DFA_ANG_XX.wav"], "cremad"),
        (&["f1/rab-f1-b1.wav"], "emovo"),
        (&["Angry/SM1_F1_A01.wav", "Sad/SF1_F1_S01.wav"], "urdu"),
        (&["Sound Source/Angry/1157_kz_beste.wav"], "turevdb"),
        (&["S01_anger_t01_1.wav"], "synth"),
    ] {
        let manifest = open(&folder(files)).unwrap();
        assert_eq!(manifest.name, name);
        assert_eq!((manifest.recordings.len(), manifest.dropped.len()), (files.len(), 0));
    }
}

#[test]
fn folders_are_classes_and_speakers_either_way() {
    let classes = folder(&["angry/1.wav", "angry/2.wav", "curious/1.wav"]);
    let manifest = open(&classes).unwrap();
    assert_eq!(manifest.name, classes.path().file_name().unwrap().to_str().unwrap());
    assert_eq!(manifest.emotions(), BTreeMap::from([("anger".to_owned(), 2), ("curious".to_owned(), 1)]));
    assert!(manifest.speakers().is_empty());

    let manifest = open(&folder(&["angry/anna/1.wav", "sad/ben/1.wav"])).unwrap();
    assert_eq!(manifest.speakers().into_keys().collect::<Vec<_>>(), ["anna", "ben"]);
    let manifest = open(&folder(&["anna/angry/1.wav", "ben/sad/1.wav"])).unwrap();
    assert_eq!(manifest.speakers().into_keys().collect::<Vec<_>>(), ["anna", "ben"]);
    assert_eq!(manifest.emotions().into_keys().collect::<Vec<_>>(), ["anger", "sadness"]);
}

#[test]
fn a_split_into_folders_is_no_speaker() {
    let manifest = open(&folder(&["train/angry/1.wav", "train/sad/1.wav", "test/angry/1.wav"])).unwrap();
    assert!(manifest.speakers().is_empty());
    let splits: Vec<_> = manifest.recordings.iter().map(|recording| recording.extra["split"].as_str()).collect();
    assert_eq!(splits, ["test", "train", "train"]);
}

#[test]
fn single_files_that_do_not_fit_are_left_out() {
    let names: Vec<String> = ["03", "08", "09", "10", "11"]
        .iter()
        .flat_map(|speaker| ["W", "N"].map(|emotion| format!("wav/{speaker}a01{emotion}a.wav")))
        .collect();
    let mut files: Vec<&str> = names.iter().map(String::as_str).collect();
    files.push("wav/readme aloud.wav");
    let manifest = open(&folder(&files)).unwrap();
    assert_eq!((manifest.name.as_str(), manifest.recordings.len()), ("emodb", 10));
    assert_eq!(manifest.dropped[0].file, Path::new("wav/readme aloud.wav"));
    assert!(manifest.dropped[0].reason.contains("03a01Wa.wav"), "{:?}", manifest.dropped);
    let files: Vec<_> = manifest.recordings.iter().map(|recording| recording.file.clone()).collect();
    assert!(files.is_sorted());
}

#[test]
fn what_no_layout_explains() {
    let message = error(open(&folder(&["one.wav", "two.wav"])));
    assert!(message.contains("2 audio files") && message.contains("`one.wav`"), "{message}");
    assert!(message.contains("folder per class") && message.contains("CSV manifest"), "{message}");
    let message = error(open(&folder(&["03a01Wa.wav", "one.wav", "two.wav"])));
    assert!(message.contains("`emodb` explains 1 of them") && message.contains("`one.wav`"), "{message}");
    assert!(error(open(&folder(&["wav/one.wav", "wav/two.wav"]))).contains("`wav/one.wav`"), "one class is none");
    let message = error(open(&folder(&["left/one.wav", "right/two.wav"])));
    assert!(message.contains("`left/one.wav`") && message.contains("`folders` if the names"), "{message}");
    let corpora = ["anger/wav/03a01Wa.wav", "fear/wav/08a01Fd.wav", "b/a01 (1).wav", "b/f01 (2).wav"];
    let message = error(open(&folder(&corpora)));
    assert!(message.contains("`emodb` explains 2 of them, `aesdd` explains 2 of them: if several"), "{message}");
}

#[test]
fn layouts_can_be_named() {
    let one = folder(&["angry/1.wav"]);
    assert_eq!(Manifest::open(one.path(), Some("folders")).unwrap().emotions()["anger"], 1);
    let message = error(Manifest::open(one.path(), Some("Emo-DB")));
    assert!(message.contains("`emodb` explains none of its 1 audio files") && message.contains("03a01Wa"), "{message}");
    assert!(error(Manifest::open(one.path(), Some("emodbb"))).contains("did you mean `emodb`"));

    let own = one.path().join("own.toml");
    assert!(matches!(Manifest::open(one.path(), own.to_str()), Err(CorpusError::Io { .. })));
    let section = |name: &str, example: &str, pattern: &str| {
        format!("[[layout]]\nname = '{name}'\nexample = '{example}'\npatterns = ['{pattern}']\n")
    };
    let text = section("a", "x", "(?<speaker>x)") + &section("b", "a/1", r"(?<emotion>\w+)/(?<speaker>\d)");
    std::fs::write(&own, text).unwrap();
    let manifest = Manifest::open(one.path(), own.to_str()).unwrap();
    assert_eq!((manifest.name.as_str(), manifest.emotions()["angry"], manifest.speakers()["1"]), ("b", 1, 1));
    std::fs::write(&own, "[[layout]]\nnom = 'x'\n").unwrap();
    assert!(error(Manifest::open(one.path(), own.to_str())).contains("own.toml"));
}

#[test]
fn a_manifest_in_the_folder_counts_unless_a_layout_is_named() {
    let folder = folder(&["03a01Wa.wav", "x.wav"]);
    let table = folder.path().join("manifest.csv");
    std::fs::write(&table, "file,emotion\nx.wav,relief\n").unwrap();
    for path in [folder.path(), &table] {
        let manifest = Manifest::open(path, None).unwrap();
        assert_eq!(manifest.emotions().into_keys().collect::<Vec<_>>(), ["relief"]);
        assert!(manifest.path(&manifest.recordings[0]).is_file());
    }
    let manifest = Manifest::open(folder.path(), Some("emodb")).unwrap();
    assert_eq!((manifest.recordings.len(), manifest.dropped.len()), (1, 1));
    assert!(matches!(Manifest::open(&table, Some("emodb")), Err(CorpusError::LayoutForTable { .. })));
}

#[test]
fn wrong_paths_say_what_to_do() {
    let empty = tempfile::tempdir().unwrap();
    assert!(error(open(&empty)).contains("no recordings in this folder (0 other files)"));
    std::fs::write(empty.path().join("readme.txt"), "x").unwrap();
    let message = error(open(&empty));
    assert!(message.contains("(1 other files)") && message.contains("unpack"), "{message}");
    for layout in [None, Some("emodb")] {
        assert!(matches!(Manifest::open(empty.path(), layout), Err(CorpusError::NoAudio { .. })));
        let message = error(Manifest::open(Path::new("/no/such/place"), layout));
        assert!(message.contains("/no/such/place: no such file or folder"), "{message}");
    }
    let audio = folder(&["a.wav"]);
    assert!(error(Manifest::open(&audio.path().join("a.wav"), None)).contains("not a corpus"));
}

#[test]
fn tables_of_the_corpus_fill_what_names_leave_open() {
    let files = ["AudioWAV/1001_DFA_ANG_XX.wav", "AudioWAV/1002_DFA_ANG_XX.wav", "AudioWAV/1003_DFA_SAD_LO.wav"];
    let folder = folder(&files);
    let table = folder.path().join("VideoDemographics.csv");
    std::fs::write(&table, "\"ActorID\",\"Age\",\"Sex\"\n1001,51,\"Male\"\n1002,21,\"Female\"\n").unwrap();
    for path in [folder.path().to_path_buf(), folder.path().join("AudioWAV")] {
        let manifest = Manifest::open(&path, None).unwrap();
        let told: Vec<_> = manifest.recordings.iter().map(|r| (r.sex, r.age.as_deref())).collect();
        assert_eq!(told, [(Some(Sex::Male), Some("51")), (Some(Sex::Female), Some("21")), (None, None)]);
        assert!(manifest.dropped.is_empty());
    }
    for (text, part) in [("ActorID,Age\n1001,51\n", "no column `Sex`"), ("ActorID,Age,Sex\n1001,51,x\n", "sex is `x`")]
    {
        std::fs::write(&table, text).unwrap();
        let manifest = Manifest::open(folder.path(), None).unwrap();
        assert_eq!(manifest.recordings.len(), 3, "a broken table costs no recording");
        assert!(manifest.dropped[0].reason.contains(part), "{:?}", manifest.dropped);
    }
}

#[test]
fn only_known_emotions_can_be_kept() {
    let mut manifest = open(&folder(&["angry/1.wav", "angry/2.wav", "sad/1.wav", "odd/1.wav"])).unwrap();
    let message = manifest.retain_emotions(&["anger".into(), "joy".into()]).unwrap_err().to_string();
    assert!(message.contains("no recordings of joy; its emotions are anger, odd, sadness"), "{message}");
    assert_eq!(manifest.recordings.len(), 4);
    assert_eq!(manifest.retain_emotions(&["anger".into(), "sadness".into()]).unwrap(), 1);
    assert_eq!(manifest.emotions().into_keys().collect::<Vec<_>>(), ["anger", "sadness"]);
    assert_eq!(manifest.retain_emotions(&[]).unwrap(), 3);
}

#[test]
fn speakers_and_emotions_can_be_required() {
    let text = "file,speaker,emotion\na.wav,x,anger\nb.wav,,anger\nc.wav,,\n";
    let manifest = Manifest::from_csv_reader(text.as_bytes(), ".".into(), "mine").unwrap();
    let message = manifest.require_speakers().unwrap_err().to_string();
    assert!(message.contains("mine: 2 of 3 recordings have no speaker (the first is b.wav)"), "{message}");
    assert!(manifest.require_emotions().unwrap_err().to_string().contains("1 of 3 recordings have no emotion"));
    let text = "file,speaker,emotion\nb.wav,y,fear\na.wav,x,anger\n";
    let manifest = Manifest::from_csv_reader(text.as_bytes(), ".".into(), "mine").unwrap();
    assert_eq!(manifest.require_speakers().unwrap(), ["x", "y"]);
    assert_eq!(manifest.require_emotions().unwrap(), ["anger", "fear"]);
}

#[test]
fn copies_are_found_by_their_bytes() {
    let folder = folder(&["Actor_07/03-01-03-01-02-01-07.wav", "Actor_07/03-01-03-02-02-01-07.wav"]);
    let mut manifest = open(&folder).unwrap();
    manifest.probe(&mut |_| ());
    let names = ["Actor_07/03-01-03-01-02-01-07.wav", "Actor_07/03-01-03-02-02-01-07.wav"];
    assert_eq!(manifest.describe().copies, [names]);
}

#[test]
fn emodb_as_published() {
    let Some(path) = real("emodb") else { return };
    let mut manifest = Manifest::open(&path, None).unwrap();
    manifest.probe(&mut |_| ());
    let description = manifest.describe();
    assert_eq!((description.name.as_str(), description.recordings, description.dropped.len()), ("emodb", 535, 0));
    assert_eq!((description.speakers.len(), description.texts.len()), (10, 10));
    let counts = [127, 81, 46, 69, 71, 79, 62];
    let names = ["anger", "boredom", "disgust", "fear", "happiness", "neutral", "sadness"];
    assert_eq!(description.emotions, names.iter().map(|name| (*name).to_owned()).zip(counts).collect());
    assert_eq!(description.speakers.iter().filter(|speaker| speaker.sex == Some(Sex::Female)).count(), 5);
    assert_eq!(description.sample_rates, BTreeMap::from([(16_000, 535)]));
}

#[test]
fn aesdd_as_published() {
    let Some(path) = real("aesdd") else { return };
    let mut manifest = Manifest::open(&path, None).unwrap();
    assert_eq!((manifest.name.as_str(), manifest.recordings.len(), manifest.dropped.len()), ("aesdd", 604, 0));
    manifest.probe(&mut |_| ());
    let description = manifest.describe();
    assert_eq!(description.recordings, 602);
    let dropped: Vec<_> = description.dropped.iter().map(|dropped| dropped.file.to_str().unwrap()).collect();
    assert_eq!(dropped, ["anger/a20 (5).wav", "sadness/s05 (3).wav"]);
    assert_eq!((description.speakers.len(), description.emotions.len(), description.texts.len()), (6, 5, 20));
    // Fourteen files bear the mark of a take; of eight utterances there really are several.
    assert_eq!((description.takes.values().sum::<usize>(), description.repetitions.len()), (14, 8));
}

#[test]
fn tess_as_published() {
    let Some(path) = real("tess") else { return };
    let mut manifest = Manifest::open(&path, None).unwrap();
    manifest.probe(&mut |_| ());
    let description = manifest.describe();
    assert_eq!((description.name.as_str(), description.recordings, description.dropped.len()), ("tess", 560, 0));
    assert!(description.table.values().flat_map(BTreeMap::values).all(|count| *count == 40));
    assert_eq!(description.emotions.len(), 7);
    assert_eq!(description.sample_rates, BTreeMap::from([(24_414, 559), (96_000, 1)]));
    let misspelt = manifest.recordings.iter().find(|r| r.file.ends_with("OA_bite_neutral.wav")).unwrap();
    assert_eq!(misspelt.speaker.as_deref(), Some("OAF"));
}
