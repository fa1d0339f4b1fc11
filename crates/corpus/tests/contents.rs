//! What is fetched or brought: archives that want out, parts of corpora, files that are elsewhere.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::path::{Path, PathBuf};

use common::archive::{Entry, zip, zip_of};
use common::server::{Reply, Server};
use common::{FILES, archive, emodb, params, sha256, source, tree};
use stimmung_corpus::fetch::{FetchParams, RECORD_FILE, Silent, already_there, fetch};
use stimmung_corpus::{CorpusError, Source, find};

#[test]
fn hostile_archives_are_refused_whole() {
    let entry = |name: &str| Entry::new(name, b"x");
    let good = || FILES.map(entry).to_vec();
    let with = |bad: Entry| zip(&[good(), vec![bad]].concat());
    let long = format!("wav/{}.wav", "a".repeat(300));
    let archives: Vec<(&str, Vec<u8>)> = vec![
        ("out", with(entry("../evil.wav"))),
        ("out", with(entry("wav/../../evil.wav"))),
        ("absolute", with(entry("/tmp/evil.wav"))),
        ("colon", with(entry("C:/evil.wav"))),
        ("colon", with(entry("wav/a.wav:stream"))),
        ("backslash", with(entry("..\\evil.wav"))),
        ("backslash", with(entry("\\\\host\\share\\evil.wav"))),
        ("control", with(entry("wav/a\0.wav"))),
        ("control", with(entry("wav/a\n.wav"))),
        ("empty part", with(entry("wav//a.wav"))),
        ("empty part", with(entry("./a.wav"))),
        ("empty part", with(entry(""))),
        ("too long", with(entry(&long))),
        ("too long", with(entry(&"d/".repeat(40)))),
        ("same file", with(entry("WAV/03A01WA.wav"))),
        ("same file", with(entry("Wav/new.wav"))),
        ("same file", with(entry("wav"))),
        ("same file", with(entry("erkennung.txt/a.wav"))),
        ("link", with(Entry { mode: 0o120_777, ..Entry::new("wav/link", b"/etc/passwd") })),
        ("encrypted", with(Entry { flags: 0x801, ..entry("wav/secret.wav") })),
        ("", with(Entry { method: 99, ..entry("wav/odd.wav") })),
        ("", with(Entry { size: 1, ..Entry::new("wav/more.wav", b"more than it says") })),
        ("", with(Entry { size: 100, ..Entry::new("wav/less.wav", b"less than it says") })),
        ("times", with(Entry { size: 1 << 30, ..entry("wav/bomb.wav") })),
        ("no zip", b"PK\x03\x04 and nothing else".to_vec()),
        ("no zip", archive()[..100_000].to_vec()),
        ("no zip", b"<html>Please log in</html>".to_vec()),
        ("no files", zip(&[])),
    ];
    for (number, (word, bytes)) in archives.into_iter().enumerate() {
        let outer = tempfile::tempdir().unwrap();
        let to = outer.path().join("in/corpora");
        let server = Server::of(bytes.clone());
        let error = fetch(&emodb(""), &params(&to, &server), &Silent).unwrap_err();
        let CorpusError::Archive { path, what } = &error else { panic!("{number}: {error}") };
        assert!(what.contains(word), "{number}: `{word}` is missing: {what}");
        let left = tree(outer.path());
        assert_eq!(left, ["in/corpora/.downloads/emodb.lock", "in/corpora/.downloads/emodb.zip.refused"], "{number}");
        assert_eq!(std::fs::read(path).unwrap(), bytes);
    }
}

#[test]
fn limits_hold() {
    let (to, server) = (tempfile::tempdir().unwrap(), Server::of(archive()));
    let mut params = params(to.path(), &server);
    params.limits.files = 3;
    let message = fetch(&emodb(""), &params, &Silent).unwrap_err().to_string();
    assert!(message.contains("4 entries, more than the 3"), "{message}");
    (params.limits.files, params.limits.bytes) = (4, 160_000);
    let message = fetch(&emodb(""), &params, &Silent).unwrap_err().to_string();
    assert!(message.contains("more than the 160000"), "{message}");
    params.limits.bytes = 170_000;
    fetch(&emodb(""), &params, &Silent).unwrap();
    // So many that even reading what they are called would be too much.
    let names: Vec<String> = (0..20_000).map(|n| format!("wav/a rather long name {n}.wav")).collect();
    let many = Server::of(zip_of(&names.iter().map(String::as_str).collect::<Vec<_>>()));
    (params.mirror, params.force) = (Some(many.url.clone()), true);
    let message = fetch(&emodb(""), &params, &Silent).unwrap_err().to_string();
    assert!(message.contains("more is said of its entries"), "{message}");
}

#[test]
fn litter_is_left_out_and_odd_names_are_read() {
    let (to, mut latin) = (tempfile::tempdir().unwrap(), Entry::new("", b"x"));
    (latin.name, latin.flags) = (b"wav/erkl\x84rung.txt".to_vec(), 0);
    let names = ["wav/03a01Wa.wav", "wav/08a01Na.wav", "wav/09a01Ta.wav"];
    let litter = ["__MACOSX/wav/._03a01Wa.wav", "wav/.DS_Store", "wav/", "wav/._x"];
    let mut entries: Vec<Entry> = names.iter().chain(&litter).map(|name| Entry::new(name, b"x")).collect();
    entries.push(latin);
    let server = Server::of(zip(&entries));
    let fetched = fetch(&emodb(""), &params(to.path(), &server), &Silent).unwrap();
    // `wav` holds everything else, so it is left away.
    assert_eq!(tree(&fetched.path), [RECORD_FILE, "03a01Wa.wav", "08a01Na.wav", "09a01Ta.wav", "erklärung.txt"]);
}

#[test]
fn part_of_a_corpus_is_not_a_corpus() {
    for (names, word) in [(&FILES[1..], "2 recordings"), (&["readme.txt"][..], "0 recordings")] {
        let (to, server) = (tempfile::tempdir().unwrap(), Server::of(zip_of(names)));
        let error = fetch(&emodb(""), &params(to.path(), &server), &Silent).unwrap_err();
        assert!(matches!(error, CorpusError::Incomplete { expected: 3, .. }), "{error}");
        assert!(error.to_string().contains(word), "{error}");
        assert!(!to.path().join("emodb").exists());
    }
    let (to, server) = (tempfile::tempdir().unwrap(), Server::of(zip_of(&[&FILES[..], &["wav/10a01Na.wav"]].concat())));
    let fetched = fetch(&emodb(""), &params(to.path(), &server), &Silent).unwrap();
    assert!(fetched.recordings == 4 && fetched.notes[0].contains("4 recordings"), "{fetched:?}");
}

/// An archive of a repository whose recordings are elsewhere, and those recordings by path.
fn repository() -> (Vec<u8>, Vec<(String, Vec<u8>)>) {
    let recordings: Vec<(String, Vec<u8>)> = ["1001_DFA_ANG_XX", "1001_DFA_SAD_XX", "1002_DFA_HAP_HI"]
        .iter()
        .map(|name| (format!("AudioWAV/{name}.wav"), name.repeat(300).into_bytes()))
        .collect();
    let pointer = |bytes: &[u8]| {
        let (sum, size) = (sha256(bytes), bytes.len());
        format!("version https://git-lfs.github.com/spec/v1\noid sha256:{sum}\nsize {size}\n")
    };
    let mut entries = vec![
        Entry::new("CREMA-D-master/", b""),
        Entry::new("CREMA-D-master/VideoDemographics.csv", b"ActorID,Age,Sex\n1001,51,Male\n1002,21,Female\n"),
        Entry::new("CREMA-D-master/AudioMP3/1001_DFA_ANG_XX.mp3", pointer(b"as MP3").as_bytes()),
        Entry::new("CREMA-D-master/processed/results.csv", b"not wanted"),
    ];
    for (path, bytes) in &recordings {
        entries.push(Entry::new(&format!("CREMA-D-master/{path}"), pointer(bytes).as_bytes()));
    }
    (zip(&entries), recordings)
}

fn cremad() -> Source {
    source(
        "cremad",
        "url = \"https://a.example/CREMA-D/archive.zip\"\nlfs = \"https://b.example/media/master\"\nrecordings = 3\n\
         only = ['AudioWAV/[^/]+\\.wav', '[^/]+\\.csv']",
    )
}

/// Answers for the repository; the path of a recording and how often it was asked for decide about exceptions.
fn lfs_server(exception: impl Fn(&str, usize) -> Option<Reply> + Send + Sync + 'static) -> Server {
    let (archive, recordings) = repository();
    Server::start(move |request| {
        let path = request.path.strip_prefix("/b.example/media/master/");
        match recordings.iter().find(|(file, _)| Some(&**file) == path) {
            Some((file, bytes)) => {
                exception(file, request.number).unwrap_or_else(|| Reply::honest(request, bytes, "\"1\""))
            }
            None if path.is_none() => Reply::honest(request, &archive, "\"1\""),
            None => Reply::status(404),
        }
    })
}

#[test]
fn recordings_behind_pointers() {
    let to = tempfile::tempdir().unwrap();
    // The second recording is cut, and the third cannot be had at first.
    let server = lfs_server(|file, number| match file {
        "AudioWAV/1001_DFA_SAD_XX.wav" if number == 0 => Some(Reply::whole(&repository().1[1].1, "\"1\"").cut(1000)),
        "AudioWAV/1002_DFA_HAP_HI.wav" if number == 0 => Some(Reply::status(404)),
        _ => None,
    });
    let params = params(to.path(), &server);
    let message = fetch(&cremad(), &params, &Silent).unwrap_err().to_string();
    assert!(message.contains("1002_DFA_HAP_HI.wav") && message.contains("404"), "{message}");
    assert!(!to.path().join("cremad").exists());
    let before = server.seen().len();
    let fetched = fetch(&cremad(), &params, &Silent).unwrap();
    assert_eq!(server.seen().len(), before + 1, "only what is missing is asked for");
    let (_, recordings) = repository();
    for (path, bytes) in &recordings {
        assert_eq!(&std::fs::read(fetched.path.join(path)).unwrap(), bytes);
    }
    let mut expected: Vec<String> = recordings.into_iter().map(|(path, _)| path).collect();
    expected.extend([RECORD_FILE.into(), "VideoDemographics.csv".into()]);
    expected.sort();
    assert_eq!(tree(&fetched.path), expected);
    assert_eq!(tree(&to.path().join(".downloads")), ["cremad.json", "cremad.lock"]);
    let manifest = stimmung_corpus::Manifest::open(&fetched.path, None).unwrap();
    assert_eq!(manifest.recordings[2].age.as_deref(), Some("21"));
}

#[test]
fn a_pointer_says_what_its_file_must_be() {
    let to = tempfile::tempdir().unwrap();
    let server = lfs_server(|file, _| {
        let size = repository().1[2].1.len();
        (file == "AudioWAV/1002_DFA_HAP_HI.wav").then(|| Reply::whole(&vec![b'x'; size], "\"1\""))
    });
    let error = fetch(&cremad(), &params(to.path(), &server), &Silent).unwrap_err();
    assert!(matches!(error, CorpusError::Checksum { kind: "SHA-256", .. }), "{error}");
    assert!(!to.path().join("cremad").exists());
}

/// Parameters for something that somebody brings.
fn brought(to: &Path, from: impl Into<PathBuf>) -> FetchParams {
    FetchParams { from: Some(from.into()), ..FetchParams::into_folder(to) }
}

#[test]
fn what_people_bring_is_checked_and_put_into_place() {
    let aesdd = || source("aesdd", "steps = \"go\"\nrecordings = 2");
    let names = ["anger/a01 (1).wav", "sadness/s05 (3).wav"];
    let (to, desk) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let archive = desk.path().join("Acted Emotional.zip");
    std::fs::write(&archive, zip_of(&names)).unwrap();
    let fetched = fetch(&aesdd(), &brought(to.path(), &archive), &Silent).unwrap();
    assert_eq!((fetched.recordings, fetched.record.unwrap().from), (2, archive.display().to_string()));
    assert!(archive.is_file(), "it stays where it was");

    let (to, folder) = (tempfile::tempdir().unwrap(), desk.path().join("aesdd"));
    for name in names.iter().chain(&["notes.txt", ".hidden", "__MACOSX/x"]) {
        std::fs::create_dir_all(folder.join(name).parent().unwrap()).unwrap();
        std::fs::write(folder.join(name), "x").unwrap();
    }
    let fetched = fetch(&aesdd(), &brought(to.path(), &folder), &Silent).unwrap();
    assert_eq!(tree(&fetched.path), [RECORD_FILE, names[0], "notes.txt", names[1]]);

    std::fs::remove_file(folder.join(names[1])).unwrap();
    let to = tempfile::tempdir().unwrap();
    let error = fetch(&aesdd(), &brought(to.path(), &folder), &Silent).unwrap_err();
    assert!(matches!(error, CorpusError::Incomplete { found: 1, expected: 2, .. }), "{error}");
    std::fs::write(desk.path().join("corpus.tar.gz"), b"\x1f\x8b").unwrap();
    let error = fetch(&aesdd(), &brought(to.path(), desk.path().join("corpus.tar.gz")), &Silent).unwrap_err();
    assert!(matches!(error, CorpusError::Archive { .. }), "{error}");
    let error = fetch(&aesdd(), &brought(to.path(), desk.path().join("none")), &Silent).unwrap_err();
    assert!(matches!(error, CorpusError::NotFound { .. }), "{error}");
    let mut params = brought(to.path(), &folder);
    params.limits.files = 1;
    let error = fetch(&source("aesdd", "steps = \"go\"\nrecordings = 1"), &params, &Silent).unwrap_err();
    assert!(matches!(error, CorpusError::Limit { .. }), "{error}");
    assert_eq!(already_there(&aesdd(), to.path()).unwrap(), None);
}

#[test]
fn people_are_told_if_they_bring_something_else() {
    let (to, desk) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let path = desk.path().join("emodb.zip");
    std::fs::write(&path, archive()).unwrap();
    let other = emodb(&format!("md5 = \"{}\"", "0".repeat(32)));
    let fetched = fetch(&other, &brought(to.path(), &path), &Silent).unwrap();
    assert!(fetched.notes[0].contains("not the archive that the owner publishes"), "{fetched:?}");
    // Pointers are not recordings.
    std::fs::write(&path, repository().0).unwrap();
    let message = fetch(&cremad(), &brought(to.path(), &path), &Silent).unwrap_err().to_string();
    assert!(message.contains("git lfs pull"), "{message}");
}

#[test]
fn the_real_corpora_are_what_the_sources_say() {
    let Some(data) = std::env::var_os("STIMMUNG_CORPORA").map(PathBuf::from) else { return };
    for (name, notes) in [("emodb", 0), ("aesdd", 0), ("tess", 1)] {
        let source = Source::by_name(name).unwrap();
        let Some(there) = already_there(source, &data).unwrap() else { continue };
        assert_eq!(there.notes.len(), notes, "{there:?}");
    }
    let (to, Ok(emodb)) = (tempfile::tempdir().unwrap(), find("emodb", std::slice::from_ref(&data))) else { return };
    let fetched = fetch(Source::by_name("emodb").unwrap(), &brought(to.path(), &emodb), &Silent).unwrap();
    assert_eq!(fetched.recordings, 535);
    let Ok(tess) = find("tess", &[data]) else { return };
    let error = fetch(Source::by_name("tess").unwrap(), &brought(to.path(), &tess), &Silent).unwrap_err();
    assert!(matches!(error, CorpusError::Incomplete { found: 560, expected: 2800, .. }), "{error}");
}
