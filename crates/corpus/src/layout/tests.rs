use proptest::prelude::*;

use super::*;
use crate::recording::Sex;

/// What a name should tell: speaker, emotion, text, take, sex, age, further columns.
type Told<'a> =
    (&'a str, &'a str, Option<&'a str>, Option<&'a str>, Option<Sex>, Option<&'a str>, &'a [(&'a str, &'a str)]);

const F: Option<Sex> = Some(Sex::Female);
const M: Option<Sex> = Some(Sex::Male);

fn assert_told(layout: &str, file: &str, told: Told<'_>) {
    let layout = Layout::by_name(layout).unwrap();
    let recording = layout.read(file).unwrap_or_else(|reason| panic!("{file}: {reason}"));
    let (speaker, emotion, text, take, sex, age, extra) = told;
    assert_eq!(recording.file, Path::new(file));
    assert_eq!(recording.speaker.as_deref().unwrap_or_default(), speaker, "{file}");
    assert_eq!(recording.emotion.as_deref(), Some(emotion), "{file}");
    assert_eq!(recording.text.as_deref(), text, "{file}");
    assert_eq!(recording.take.as_deref(), take, "{file}");
    assert_eq!(recording.sex, sex, "{file}");
    assert_eq!(recording.age.as_deref(), age, "{file}");
    let extra: BTreeMap<String, String> = extra.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    assert_eq!(recording.extra, extra, "{file}");
}

#[test]
fn names_of_the_known_corpora() {
    let grid: &[(&str, &str, Told<'_>)] = &[
        ("emodb", "wav/03a01Wa.wav", ("03", "anger", Some("a01"), Some("a"), M, Some("31"), &[])),
        ("emodb", "16b10Lb.wav", ("16", "boredom", Some("b10"), Some("b"), F, Some("31"), &[])),
        ("emodb", "x/y/14a05Ed.flac", ("14", "disgust", Some("a05"), Some("d"), F, Some("35"), &[])),
        ("emodb", "08a01Ab.wav", ("08", "fear", Some("a01"), Some("b"), F, Some("34"), &[])),
        ("emodb", "15b03Fa.wav", ("15", "happiness", Some("b03"), Some("a"), M, Some("25"), &[])),
        ("emodb", "10a07Ta.wav", ("10", "sadness", Some("a07"), Some("a"), M, Some("32"), &[])),
        ("emodb", "09b09Nc.wav", ("09", "neutral", Some("b09"), Some("c"), F, Some("21"), &[])),
        ("aesdd", "anger/a20 (5).wav", ("5", "anger", Some("20"), None, None, None, &[])),
        ("aesdd", "anger/a06 (5)b.flac", ("5", "anger", Some("06"), Some("b"), None, None, &[])),
        ("aesdd", "sadness/s01 (5)a.flac", ("5", "sadness", Some("01"), Some("a"), None, None, &[])),
        ("aesdd", "fear/f10 (01).flac", ("1", "fear", Some("10"), Some("0"), None, None, &[])),
        ("aesdd", "d03 (01).wav", ("1", "disgust", Some("03"), Some("0"), None, None, &[])),
        ("aesdd", "happiness/h01 (6).wav", ("6", "happiness", Some("01"), None, None, None, &[])),
        ("tess", "OAF_fear/OAF_back_fear.wav", ("OAF", "fear", Some("back"), None, F, Some("64"), &[])),
        ("tess", "OAF_neutral/OA_bite_neutral.wav", ("OAF", "neutral", Some("bite"), None, F, Some("64"), &[])),
        ("tess", "YAF_pleasant_surprised/YAF_dog_ps.wav", ("YAF", "surprise", Some("dog"), None, F, Some("26"), &[])),
        ("tess", "yaf_dog_Pleasant_Surprise.wav", ("YAF", "surprise", Some("dog"), None, F, Some("26"), &[])),
        ("tess", "YAF_sad/YAF_youth_sad.wav", ("YAF", "sadness", Some("youth"), None, F, Some("26"), &[])),
        (
            "ravdess",
            "Actor_12/03-01-06-01-02-01-12.wav",
            (
                "12",
                "fear",
                Some("02"),
                Some("01"),
                F,
                None,
                &[("modality", "audio"), ("channel", "speech"), ("intensity", "normal")],
            ),
        ),
        (
            "ravdess",
            "03-02-08-02-01-02-07.wav",
            (
                "07",
                "surprise",
                Some("01"),
                Some("02"),
                M,
                None,
                &[("modality", "audio"), ("channel", "song"), ("intensity", "strong")],
            ),
        ),
        ("savee", "DC_a01.wav", ("DC", "anger", Some("a01"), None, M, None, &[])),
        ("savee", "AudioData/DC/a01.wav", ("DC", "anger", Some("a01"), None, M, None, &[])),
        ("savee", "ALL/KL_sa15.wav", ("KL", "sadness", Some("sa15"), None, M, None, &[])),
        ("savee", "JK/su03.wav", ("JK", "surprise", Some("su03"), None, M, None, &[])),
        ("savee", "JE/n30.wav", ("JE", "neutral", Some("n30"), None, M, None, &[])),
        (
            "cremad",
            "AudioWAV/1001_DFA_ANG_XX.wav",
            ("1001", "anger", Some("DFA"), None, None, None, &[("intensity", "unspecified")]),
        ),
        (
            "cremad",
            "1040_ITH_SAD_X.wav",
            ("1040", "sadness", Some("ITH"), None, None, None, &[("intensity", "unspecified")]),
        ),
        (
            "cremad",
            "1091_IEO_HAP_HI.mp3",
            ("1091", "happiness", Some("IEO"), None, None, None, &[("intensity", "high")]),
        ),
        ("emovo", "f1/rab-f1-b1.wav", ("f1", "anger", Some("b1"), None, F, None, &[])),
        ("emovo", "m3/gio-m3-n5.wav", ("m3", "happiness", Some("n5"), None, M, None, &[])),
        ("urdu", "Angry/SF1_F1_A01.wav", ("SF1", "anger", None, None, F, None, &[])),
        ("urdu", "Sad/SM24_F30_S0100.wav", ("SM24", "sadness", None, None, M, None, &[])),
        ("nemo", "samples/WR0_surprised_64.wav", ("WR0", "surprise", Some("64"), None, None, None, &[])),
        ("turevdb", "Sound Source/Sad/1157_hl_cilek.wav", ("1157", "sadness", Some("cilek"), None, None, None, &[])),
        ("synth", "S03_anger_t02_1.wav", ("S03", "anger", Some("t02"), Some("1"), None, None, &[])),
        ("split-folders", "Train/Happy/x.wav", ("", "happiness", None, None, None, None, &[("split", "train")])),
        ("split-folders", "test/sad/anna/x.wav", ("anna", "sadness", None, None, None, None, &[("split", "test")])),
        ("speaker-folders", "anna/Happy/x.wav", ("anna", "happiness", None, None, None, None, &[])),
        ("folders", "angry/anna/x.wav", ("anna", "anger", None, None, None, None, &[])),
        ("folders", "Pleasant Surprise/anna/x.wav", ("anna", "surprise", None, None, None, None, &[])),
        ("folders", "Frustration/anna/x.wav", ("anna", "Frustration", None, None, None, None, &[])),
    ];
    for (layout, file, told) in grid {
        assert_told(layout, file, *told);
    }
    let plain = Layout::by_name("folders").unwrap().read("fear/x.y.wav").unwrap();
    assert_eq!((plain.speaker, plain.emotion.as_deref()), (None, Some("fear")));
    assert_eq!(Layout::by_name("emodb").unwrap().read("03a01Wa.wav").unwrap().language.as_deref(), Some("de"));
}

#[test]
fn names_that_do_not_fit() {
    let grid = [
        ("emodb", "03a01Xa.wav", "emotion code `X`"),
        ("emodb", "3a01Wa.wav", "does not fit"),
        ("emodb", "03c01Wa.wav", "does not fit"),
        ("emodb", "03a01Wa (copy).wav", "does not fit"),
        ("emodb", "x03a01Wa.wav", "does not fit"),
        ("aesdd", "anger/a01 (0).wav", "does not fit"),
        ("aesdd", "anger/a01.wav", "does not fit"),
        ("aesdd", "anger/n01 (1).wav", "emotion code `n`"),
        ("tess", "XAF_back_fear.wav", "does not fit"),
        ("tess", "OAF_back_bored.wav", "emotion code `bored`"),
        ("tess", "OAF_back.wav", "does not fit"),
        ("ravdess", "03-01-09-01-02-01-12.wav", "emotion code `09`"),
        ("ravdess", "03-01-06-01-02-01-25.wav", "does not fit"),
        ("ravdess", "03-01-06-01-02-12.wav", "does not fit"),
        ("ravdess", "03-03-06-01-02-01-12.wav", "channel code `03`"),
        ("savee", "XX_a01.wav", "does not fit"),
        ("savee", "DC_x01.wav", "emotion code `x`"),
        ("savee", "DC_a1.wav", "does not fit"),
        ("cremad", "1001_DFA_ANG.wav", "does not fit"),
        ("cremad", "1001_DFA_SUR_XX.wav", "emotion code `SUR`"),
        ("cremad", "1001_DFA_ANG_ZZ.wav", "intensity code `ZZ`"),
        ("emovo", "f1/xyz-f1-b1.wav", "emotion code `xyz`"),
        ("emovo", "f1/rab-g1-b1.wav", "does not fit"),
        ("urdu", "SX1_F1_A01.wav", "does not fit"),
        ("urdu", "SM1_F1_B01.wav", "emotion code `B`"),
        ("nemo", "WR0_joy_1.wav", "emotion code `joy`"),
        ("turevdb", "1157_xx_cilek.wav", "emotion code `xx`"),
        ("synth", "S3_anger_t02_1.wav", "does not fit"),
        ("folders", "x.wav", "does not fit"),
        ("folders", "a/b/c/x.wav", "does not fit"),
        ("split-folders", "trains/happy/x.wav", "does not fit"),
        ("speaker-folders", "anna/studio/x.wav", "`studio` is no emotion"),
    ];
    for (layout, file, part) in grid {
        let reason = Layout::by_name(layout).unwrap().read(file).unwrap_err();
        assert!(reason.contains(part), "{layout}, {file}: {reason}");
        assert!(reason.contains(layout), "{reason}");
    }
}

#[test]
fn every_corpus_is_told_apart_by_its_example() {
    for layout in layouts().iter().filter(|layout| !layout.is_generic()) {
        let fits: Vec<&str> = layouts()
            .iter()
            .filter(|other| !other.is_generic() && other.read(layout.example()).is_ok())
            .map(Layout::name)
            .collect();
        assert_eq!(fits, [layout.name()]);
        assert!(!layout.title().is_empty() && layout.terms().is_some());
    }
}

#[test]
fn the_nine_emotions_stand_for_themselves() {
    let words = &EMOTIONS;
    for emotion in ["anger", "boredom", "calm", "disgust", "fear", "happiness", "neutral", "sadness", "surprise"] {
        assert_eq!(words.get(emotion).map(String::as_str), Some(emotion));
        assert!(layouts().iter().any(|layout| {
            layout.spec.codes.get("emotion").is_some_and(|codes| codes.values().any(|value| value == emotion))
        }));
    }
    for emotion in
        words.values().chain(layouts().iter().filter_map(|l| l.spec.codes.get("emotion")).flat_map(|c| c.values()))
    {
        assert_eq!(words.get(emotion), Some(emotion), "only the nine are values");
    }
}

#[test]
fn layouts_by_their_names() {
    for name in ["emodb", "Emo-DB", "BERLIN", "emo db"] {
        assert_eq!(Layout::by_name(name).unwrap().name(), "emodb");
    }
    assert_eq!(Layout::by_name("CREMA-D").unwrap().name(), "cremad");
    let message = Layout::by_name("ravdes").unwrap_err().to_string();
    assert!(message.contains("did you mean `ravdess`?") && message.contains("emodb, aesdd"), "{message}");
    let message = Layout::by_name("zzz").unwrap_err().to_string();
    assert!(!message.contains("did you mean"), "{message}");
}

#[test]
fn layout_files_that_say_something_impossible() {
    let head = "[[layout]]\nname = 'x'\nexample = 'a1.wav'\n";
    let good = format!("{head}patterns = ['(?<emotion>a)(?<speaker>1)']\n");
    assert_eq!(Layout::from_toml_str(&good, "x.toml").unwrap()[0].title(), "x");
    let grid = [
        (String::new(), "no section [[layout]]"),
        ("[emotions]\nfurious = 'anger'\n".into(), "no section [[layout]]"),
        ("not toml".into(), "TOML"),
        (format!("{head}pattern = ['a1']\n"), "unknown field `pattern`"),
        (format!("{good}codes.emotions = {{ a = 'anger' }}\n"), "`emotions`, but no pattern"),
        (format!("{good}keep_unknown = ['text']\n"), "`text`, but no pattern"),
        (format!("{good}{good}"), "twice"),
        (format!("{head}patterns = []\n"), "`patterns` is empty"),
        (format!("{head}patterns = ['(?<emotion>']\n"), "pattern `(?<emotion>`"),
        (format!("{head}patterns = ['(?<file>a)1']\n"), "may not be called `file`"),
        (format!("{head}patterns = ['b(?<emotion>1)']\n"), "example does not fit"),
        (format!("{head}patterns = ['(?<sex>a)1']\n"), "expected female"),
        (format!("{good}defaults = {{ start = '0' }}\n"), "`start`"),
        (format!("{good}speakers.2 = {{ sex = 'x' }}\n"), "speaker 2"),
        (format!("{good}speakers.2 = {{ height = '2 m' }}\n"), "unknown field `height`"),
        (good.replace("name = 'x'", "name = ' '"), "is empty"),
    ];
    for (text, part) in grid {
        let message = Layout::from_toml_str(&text, "x.toml").unwrap_err().to_string();
        assert!(message.contains("x.toml") && message.contains(part), "{text}\n→ {message}");
    }
}

#[test]
fn layout_files_have_a_limit() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), " ".repeat(MAX_BYTES as usize + 1)).unwrap();
    assert!(Layout::from_toml_path(file.path()).unwrap_err().to_string().contains("larger than 4 MiB"));
    std::fs::write(file.path(), b"\xff").unwrap();
    assert!(matches!(Layout::from_toml_path(file.path()), Err(CorpusError::Io { .. })));
}

#[test]
fn own_words_for_emotions_add_to_the_known_ones() {
    let text = r#"
        [emotions]
        "wütend" = 'anger'
        [[layout]]
        name = 'x'
        example = 'wütend.wav'
        patterns = ['(?<emotion>\w+)']
        common_names = true
    "#;
    let layout = &Layout::from_toml_str(text, "x.toml").unwrap()[0];
    for (file, emotion) in [("WÜTEND.wav", "anger"), ("joy.wav", "happiness")] {
        assert_eq!(layout.read(file).unwrap().emotion.as_deref(), Some(emotion));
    }
    assert!(layout.read("amused.wav").is_err());
}

#[test]
fn extensions_end_at_the_last_dot_of_the_name() {
    for (file, stem) in
        [("a.wav", "a"), ("a.b/c", "a.b/c"), ("a/.wav", "a/.wav"), ("a/b.c.wav", "a/b.c"), ("", ""), ("a/", "a/")]
    {
        assert_eq!(without_extension(file), stem);
    }
}

proptest! {
    /// Names come from the file system, that is from anyone.
    #[test]
    fn hostile_names_never_panic(file in "\\PC{0,40}|([a-z0-9_ ()/.\n-]{0,12}){0,5}|(../){0,9}.*") {
        for layout in layouts() {
            if let Ok(recording) = layout.read(&file) {
                prop_assert!(recording.emotion.is_some());
            }
        }
    }

    /// A name that a layout explains is explained in the same way in any folder.
    #[test]
    fn folders_above_do_not_matter(folders in prop::collection::vec("[a-zA-Z0-9 ._-]{1,8}", 0..4)) {
        for layout in layouts().iter().filter(|layout| !layout.is_generic()) {
            let name = layout.example();
            let path = folders.iter().map(String::as_str).chain([name]).collect::<Vec<_>>().join("/");
            let (here, there) = (layout.read(name).unwrap(), layout.read(&path).unwrap());
            prop_assert_eq!((here.speaker, here.emotion, here.text), (there.speaker, there.emotion, there.text));
        }
    }

    /// User files come from anyone, too.
    #[test]
    fn hostile_layout_files_never_panic(text in "\\PC{0,60}", pattern in "\\PC{0,20}") {
        let _ = Layout::from_toml_str(&text, "x");
        let section = format!("[[layout]]\nname='x'\nexample='a'\npatterns=['{pattern}']\n");
        let _ = Layout::from_toml_str(&section, "x");
    }
}
