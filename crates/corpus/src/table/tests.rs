use proptest::prelude::*;

use super::*;
use crate::recording::{Dropped, Sex};

fn csv(text: impl AsRef<[u8]>) -> Result<Manifest, CorpusError> {
    read(text.as_ref(), PathBuf::from("data"), "test", Path::new("test.csv"))
}

fn message(text: impl AsRef<[u8]>) -> String {
    csv(text).unwrap_err().to_string()
}

#[test]
fn delimiters_marks_quotes_and_blanks() {
    let expected = csv("file,emotion,speaker\na.wav,anger,1\nb c.wav,fear,2\n").unwrap();
    for text in [
        "file;emotion;speaker\na.wav;anger;1\nb c.wav;fear;2\n",
        "file\temotion\tspeaker\na.wav\tanger\t1\nb c.wav\tfear\t2\n",
        "\u{feff}file,emotion,speaker\r\na.wav,anger,1\r\nb c.wav,fear,2\r\n",
        "\"file\",\"emotion\",\"speaker\"\n\"a.wav\",\"anger\",\"1\"\n\"b c.wav\",fear,2",
        " File , EMOTION,Speaker \n./a.wav, anger ,1\nb c.wav,fear, 2\n",
        "emotion,file,speaker\nfear,b c.wav,2\nanger,a.wav,1\n",
        ",file,emotion,speaker\n0,a.wav,anger,1\n1,b c.wav,fear,2\n",
    ] {
        assert_eq!(csv(text).unwrap(), expected, "{text}");
    }
    assert_eq!(expected.recordings[1].speaker.as_deref(), Some("2"));
}

#[test]
fn known_columns_have_their_types_and_others_pass_through() {
    let text = "file,emotion,sex,age,start,end,seconds,text,take,language,Intensity\n\
                a.wav,anger,F,20-29,0.5,1.5,1,t1,2,de,\"high, or so\"\n\
                b.wav,,,,,,,,,,\n";
    let manifest = csv(text).unwrap();
    let [a, b] = &manifest.recordings[..] else { panic!("two rows") };
    assert_eq!((a.sex, a.age.as_deref()), (Some(Sex::Female), Some("20-29")));
    assert_eq!((a.start, a.end, a.seconds), (Some(0.5), Some(1.5), Some(1.0)));
    assert_eq!((a.text.as_deref(), a.take.as_deref(), a.language.as_deref()), (Some("t1"), Some("2"), Some("de")));
    assert_eq!(a.extra["Intensity"], "high, or so");
    assert_eq!(*b, Recording::new("b.wav"));
}

#[test]
fn parts_of_one_file_are_recordings_of_their_own() {
    let text = "file,emotion,start,end\na.wav,fear,10,11\na.wav,anger,,9\na.wav,joy,9,10\n";
    let emotions: Vec<_> =
        csv(text).unwrap().recordings.into_iter().map(|recording| recording.emotion.unwrap()).collect();
    assert_eq!(emotions, ["anger", "joy", "fear"]);
}

#[test]
fn missing_columns_are_named_with_those_present() {
    let text = message("path,emotion,speaker\na.wav,anger,1\n");
    assert!(text.contains("no column `file`") && text.contains("path, emotion, speaker"), "{text}");
    let text = message("file;label\na.wav;anger\n");
    assert!(text.contains("no column `emotion`") && text.contains("file, label"), "{text}");
    assert!(message("RIFF\0\0garbage").contains("no column `file`"));
    assert!(message("x".repeat(100_000)).len() < 500, "a first line of any length is cut");
}

#[test]
fn wrong_rows_are_named_by_their_line() {
    let head = "file,emotion,start,end,sex\n";
    for (rows, line, part) in [
        ("a.wav,anger,,,\nb.wav,fear\n", 3, "2 cells; expected 5"),
        ("a.wav,anger,,,\n,fear,,,\n", 3, "`file` is empty"),
        ("a.wav,anger,x,,\n", 2, "`start` is `x`; expected seconds"),
        ("a.wav,anger,-1,,\n", 2, "zero or more"),
        ("a.wav,anger,NaN,,\n", 2, "`NaN`"),
        ("a.wav,anger,inf,,\n", 2, "`inf`"),
        ("a.wav,anger,\"1,5\",,\n", 2, "point for the decimals"),
        ("a.wav,anger,2,1,\n", 2, "`end` is 1 s; expected more than `start`, 2 s"),
        ("a.wav,anger,,0,\n", 2, "`end` is 0 s"),
        ("a.wav,anger,,,x\n", 2, "sex is `x`"),
        ("a.wav,anger,,,\nb.wav,anger,,,\na.wav,fear,,,\n", 4, "the same recording as in line 2: a.wav"),
        ("a.wav,anger,,,\n./a.wav,fear,,,\n", 3, "line 2"),
        ("a.wav,anger,1,2,\na.wav,fear,1.0,2.0,\n", 3, "line 2"),
    ] {
        let text = message(format!("{head}{rows}"));
        assert!(text.contains(&format!("test.csv, line {line}:")) && text.contains(part), "{rows}→ {text}");
    }
}

#[test]
fn tables_that_are_none() {
    assert!(message("").contains("empty"));
    assert!(message("\u{feff}\n\n").contains("empty"));
    assert!(message("file,emotion\n").contains("no rows"));
    assert!(message("file,emotion,File\na,b,c\n").contains("two columns are called `file`"));
    assert!(message("file,emotion,x,X\na,b,c,d\n").contains("two columns"));
    let latin = message(b"file,emotion\na.wav,anger\nb.wav,\xe4rger\n");
    assert!(latin.contains("line 3") && latin.contains("UTF-8"), "{latin}");
    assert!(message(b"\xff\xfef\0i\0l\0e\0").contains("line 1"));
}

#[test]
fn the_name_comes_from_the_table_the_file_or_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        read_path(&path).unwrap().name
    };
    let plain = "file,emotion\na.wav,anger\n";
    assert_eq!(write("calls.csv", plain), "calls");
    assert_eq!(write("studio/manifest.csv", plain), "studio");
    assert_eq!(write("x.csv", "file,emotion,corpus\na.wav,anger,mine\nb.wav,fear,mine\n"), "mine");
    assert_eq!(write("y.csv", "file,emotion,corpus\na.wav,anger,mine\nb.wav,fear,yours\n"), "y");
    assert_eq!(write("z.csv", "file,emotion,corpus\na.wav,anger,mine\nb.wav,fear,\n"), "z");
    assert!(matches!(read_path(&folder.path().join("none.csv")), Err(CorpusError::NotFound { .. })));
    assert!(matches!(read_path(folder.path()), Err(CorpusError::Io { .. })));
}

#[test]
fn a_written_manifest_finds_the_same_files_from_elsewhere() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("corpora/mine");
    std::fs::create_dir_all(&root).unwrap();
    let absolute = folder.path().join("far.wav");
    let mut recordings = vec![Recording::new("sub/a.wav"), Recording::new(absolute.clone())];
    recordings.sort_by_cached_key(Recording::key);
    let manifest = Manifest { name: "mine".into(), root: root.clone(), recordings, dropped: Vec::new() };
    for place in [root.join("manifest.csv"), folder.path().join("above.csv"), root.join("sub/inside.csv")] {
        std::fs::create_dir_all(place.parent().unwrap()).unwrap();
        manifest.write_csv(&place).unwrap();
        let again = Manifest::read_csv(&place).unwrap();
        let paths: Vec<_> = again.recordings.iter().map(|recording| again.path(recording)).collect();
        assert!(paths.contains(&absolute), "{paths:?}");
        let near = paths.iter().find(|path| **path != absolute).unwrap();
        assert_eq!(near.parent().unwrap().canonicalize().ok(), root.join("sub").canonicalize().ok());
    }
    let above = std::fs::read_to_string(folder.path().join("above.csv")).unwrap();
    assert!(above.contains("\ncorpora/mine/sub/a.wav,"), "{above}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(folder.path().join("above.csv")).unwrap().permissions().mode();
        assert_eq!(mode & 0o400, 0o400);
    }
    let left: Vec<_> = std::fs::read_dir(&root).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 2, "no temporary file stays: {left:?}");
}

#[test]
fn further_columns_must_have_names_of_their_own() {
    for name in ["", " x", "File", "emotion"] {
        let recording = Recording { extra: [(name.to_owned(), "1".to_owned())].into(), ..Recording::new("a.wav") };
        let manifest = Manifest { recordings: vec![recording], ..Manifest::default() };
        assert!(matches!(manifest.to_csv_writer(Vec::new()), Err(CorpusError::Table { .. })), "{name:?}");
    }
    assert!(Manifest::default().write_csv(Path::new("/no/such/folder/x.csv")).is_err());
}

#[test]
fn tables_of_corpora_by_key() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.tsv");
    let fields = BTreeMap::from([("sex".to_owned(), "gender".to_owned()), ("age".to_owned(), "Age".to_owned())]);
    std::fs::write(&path, "ID\tGender\tAGE\n  a\tf\t20\nb\tm\t30\na\tf\t21\n").unwrap();
    let rows = read_columns(&path, "id", &fields).unwrap();
    assert_eq!(rows["a"], BTreeMap::from([("sex".to_owned(), "f".to_owned())]), "rows disagree about the age");
    assert_eq!(rows["b"]["age"], "30");
    std::fs::write(&path, "ID\tAGE\na\t1\n").unwrap();
    assert!(read_columns(&path, "id", &fields).unwrap_err().contains("no column `gender`"));
    assert!(read_columns(&folder.path().join("none"), "id", &fields).is_err());
}

fn cell() -> impl Strategy<Value = Option<String>> {
    // Whatever fits into a cell: delimiters, quotes, lines. Blanks around it do not count.
    prop::option::of("\\PC{1,12}|[a-z,;\t\"'\n]{1,8}".prop_map(|text| text.trim().to_owned()))
        .prop_map(|text| text.filter(|text| !text.is_empty()))
}

fn time() -> impl Strategy<Value = f64> {
    prop_oneof![0.0..1e6f64, Just(0.0), (0u32..100).prop_map(f64::from)]
}

fn recording_with(at: usize) -> impl Strategy<Value = Recording> {
    let words = (cell(), cell(), cell(), cell(), cell(), cell());
    let times = (prop::option::of(time()), prop::option::of(0.001..1e3f64), prop::option::of(time()));
    let extra = prop::collection::btree_map("x_[a-z]{1,3}", cell(), 0..3);
    let sex = prop::option::of(prop_oneof![Just(Sex::Female), Just(Sex::Male)]);
    (words, times, extra, sex, "[^/\0]{0,10}").prop_map(move |(words, (start, length, seconds), extra, sex, name)| {
        Recording {
            file: format!("d/{at}{name}.wav").into(),
            speaker: words.0,
            emotion: words.1,
            text: words.2,
            take: words.3,
            age: words.4,
            language: words.5,
            sex,
            start,
            end: length.map(|length| start.unwrap_or(0.0) + length),
            seconds,
            media: None,
            extra: extra.into_iter().filter_map(|(name, value)| Some((name, value?))).collect(),
        }
    })
}

fn recordings() -> impl Strategy<Value = Vec<Recording>> {
    (1usize..6).prop_flat_map(|count| (0..count).map(recording_with).collect::<Vec<_>>())
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(mut recordings in recordings()) {
        recordings.sort_by_cached_key(Recording::key);
        let dropped = vec![Dropped { file: "x".into(), reason: "y".into() }];
        let manifest = Manifest { name: "test".into(), root: "data".into(), recordings, dropped };
        let mut bytes = Vec::new();
        manifest.to_csv_writer(&mut bytes).unwrap();
        let again = csv(&bytes).unwrap();
        prop_assert_eq!(&again.recordings, &manifest.recordings);
        let mut twice = Vec::new();
        again.to_csv_writer(&mut twice).unwrap();
        prop_assert_eq!(twice, bytes);
    }

    #[test]
    fn hostile_tables_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), text in "(file|emotion|[,;\t\n\"]|\\PC){0,40}") {
        let _ = csv(&bytes);
        if let Ok(manifest) = csv(&text) {
            prop_assert!(!manifest.recordings.is_empty());
        }
    }
}
