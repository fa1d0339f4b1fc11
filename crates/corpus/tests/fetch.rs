//! Fetching from a server that cuts, stalls, lies and refuses, archives that want out, and what people bring.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use common::archive::{Entry, zip, zip_of};
use common::server::{Reply, Request, Server};
use sha2::{Digest, Sha256};
use stimmung_corpus::fetch::{FetchParams, Fetched, RECORD_FILE, Silent, Watch, already_there, fetch};
use stimmung_corpus::{CorpusError, Source, find};

const FILES: [&str; 4] = ["wav/03a01Wa.wav", "wav/08a01Na.wav", "wav/09a01Ta.wav", "erkennung.txt"];

/// A corpus of three recordings, large enough to be cut.
fn archive() -> Vec<u8> {
    let noise: Vec<u8> = (0..40_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    zip(&FILES.map(|name| Entry::new(name, &[name.as_bytes(), &noise].concat())))
}

/// Emo-DB as if it had three recordings, with further lines of its section.
fn emodb(more: &str) -> Source {
    source("emodb", &format!("url = \"http://a.example/data/emodb.zip\"\nrecordings = 3\n{more}"))
}

fn source(name: &str, more: &str) -> Source {
    let text = format!("[[source]]\nname = \"{name}\"\npage = \"http://a.example/\"\n{more}\n");
    Source::from_toml_str(&text, "test").unwrap().remove(0)
}

/// Impatient parameters for a corpus in `to`, with the server in place of the whole internet.
fn params(to: &Path, server: &Server) -> FetchParams {
    FetchParams {
        mirror: Some(server.url.clone()),
        terms_accepted: true,
        stall: Duration::from_millis(300),
        backoff: Duration::from_millis(1),
        ..FetchParams::into_folder(to)
    }
}

/// Fetches the corpus of three from a server with these answers.
fn fetch_from(answer: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> (Result<Fetched, CorpusError>, Server) {
    let (to, server) = (tempfile::tempdir().unwrap(), Server::start(answer));
    let fetched = fetch(&emodb(""), &params(to.path(), &server), &Silent);
    assert_eq!(fetched.is_ok(), to.path().join("emodb").exists(), "whole or not at all");
    assert!(!to.path().join(".emodb.unpacking").exists());
    (fetched, server)
}

/// The error of a fetch with a final answer, which was asked for this often.
#[track_caller]
fn fails(answer: impl Fn(&Request) -> Reply + Send + Sync + 'static, requests: usize, words: &[&str]) {
    let (fetched, server) = fetch_from(answer);
    let message = fetched.unwrap_err().to_string();
    for word in words {
        assert!(message.contains(word), "`{word}` is missing: {message}");
    }
    assert_eq!(server.seen().len(), requests, "{message}");
}

/// All files below a folder, hidden ones included.
fn tree(folder: &Path) -> Vec<String> {
    fn descend(root: &Path, folder: &Path, files: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                descend(root, &path, files);
            } else {
                files.push(path.strip_prefix(root).unwrap().to_str().unwrap().replace('\\', "/"));
            }
        }
    }
    let mut files = Vec::new();
    descend(folder, folder, &mut files);
    files.sort();
    files
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .map(|digit| char::from_digit(digit.into(), 16).unwrap())
        .collect()
}

#[test]
fn a_corpus_is_fetched_once_and_found_then() {
    let (to, server) = (tempfile::tempdir().unwrap(), Server::of(archive()));
    let params = params(to.path(), &server);
    let source = emodb(&format!("bytes = {}\nsha256 = \"{}\"", archive().len(), sha256(&archive())));
    let fetched = fetch(&source, &params, &Silent).unwrap();
    assert_eq!((fetched.recordings, fetched.was_there, &fetched.notes), (3, false, &vec![]));
    assert_eq!(fetched.path, find("emodb", &[to.path().to_path_buf()]).unwrap());
    let mut expected: Vec<String> = FILES.iter().map(|file| (*file).to_owned()).collect();
    expected.push(RECORD_FILE.into());
    expected.sort();
    assert_eq!(tree(&fetched.path), expected);
    let record = fetched.record.unwrap();
    assert_eq!(record.from, format!("{}/a.example/data/emodb.zip", server.url));
    assert_eq!((record.bytes, record.sha256), (Some(archive().len() as u64), Some(sha256(&archive()))));
    assert_eq!(tree(&to.path().join(".downloads")), ["emodb.json", "emodb.lock"], "nothing is left over");

    let again = fetch(&source, &params, &Silent).unwrap();
    assert_eq!((again.recordings, again.was_there, server.seen().len()), (3, true, 1));
    assert_eq!(again.record.unwrap().corpus, "emodb");
}

#[test]
fn a_cut_download_goes_on_where_it_stopped() {
    let (fetched, server) = fetch_from(|request| {
        let reply = Reply::honest(request, &archive(), "\"1\"");
        if request.number < 3 { reply.cut(20_000) } else { reply }
    });
    fetched.unwrap();
    let asked: Vec<_> = server.seen().iter().map(Request::start).collect();
    assert_eq!(asked, [None, Some(20_000), Some(40_000), Some(60_000)]);
    assert_eq!(server.seen()[1].header("if-range"), Some("\"1\""));
}

#[test]
fn a_later_fetch_goes_on_as_well() {
    let to = tempfile::tempdir().unwrap();
    let server = Server::start(|request| {
        let reply = Reply::honest(request, &archive(), "\"1\"");
        if request.number == 0 { reply.cut(30_000) } else { reply }
    });
    let mut params = params(to.path(), &server);
    params.retries = 0;
    let message = fetch(&emodb(""), &params, &Silent).unwrap_err().to_string();
    assert!(message.contains("goes on from there"), "{message}");
    let part = to.path().join(".downloads/emodb.zip.part");
    assert_eq!(std::fs::metadata(&part).unwrap().len(), 30_000);
    fetch(&emodb(""), &params, &Silent).unwrap();
    assert_eq!(server.seen()[1].start(), Some(30_000));
}

#[test]
fn stalls_are_given_up() {
    let begun = Instant::now();
    let (fetched, server) = fetch_from(|request| {
        let reply = Reply::honest(request, &archive(), "\"1\"");
        if request.number == 0 { reply.stall(30_000) } else { reply }
    });
    fetched.unwrap();
    assert_eq!(server.seen()[1].start(), Some(30_000));
    assert!(begun.elapsed() < Duration::from_secs(10));
}

#[test]
fn a_file_that_changes_meanwhile_is_fetched_anew() {
    // An honest server sends the whole new file, one that ignores `If-Range` the rest of it under its new name.
    for honest in [true, false] {
        let (fetched, server) = fetch_from(move |request| match (request.number, request.start()) {
            (0, _) => Reply::whole(&vec![7; 200_000], "\"old\"").cut(50_000),
            (_, Some(start)) if !honest => Reply::rest(&archive(), start, "\"new\""),
            _ => Reply::honest(request, &archive(), "\"new\""),
        });
        fetched.unwrap();
        assert_eq!(server.seen().len(), if honest { 2 } else { 3 });
    }
}

#[test]
fn servers_that_cannot_resume() {
    // Neither a tag nor a date: nobody would notice another file, so it begins anew.
    let (fetched, server) = fetch_from(|request| {
        let reply = Reply::whole(&archive(), "").without("etag");
        if request.number == 0 { reply.cut(30_000) } else { reply }
    });
    fetched.unwrap();
    assert_eq!(server.seen()[1].start(), None, "the part was of no use");
    // A weak tag is none, a date is one.
    for (name, value, resumes) in [("etag", "W/\"1\"", false), ("last-modified", "Sun, 06 Nov 1994 08:49:37 GMT", true)]
    {
        let (fetched, server) = fetch_from(move |request| match request.start() {
            Some(start) => Reply::rest(&archive(), start, "").without("etag").header(name, value),
            None if request.number == 0 => Reply::whole(&archive(), "").without("etag").header(name, value).cut(30_000),
            None => Reply::whole(&archive(), "").without("etag").header(name, value),
        });
        fetched.unwrap();
        assert_eq!(server.seen()[1].start().is_some(), resumes, "{name}");
    }
    // The range is ignored.
    let (fetched, _) = fetch_from(|request| {
        let reply = Reply::whole(&archive(), "\"1\"");
        if request.number == 0 { reply.cut(30_000) } else { reply }
    });
    fetched.unwrap();
}

#[test]
fn partial_answers_that_do_not_fit() {
    let wrong: [fn(usize) -> Reply; 5] = [
        |start| Reply::rest(&archive(), start - 1, "\"1\""),
        |start| Reply::rest(&archive(), start, "\"1\"").without("content-range"),
        |start| Reply::rest(&archive(), start, "\"1\"").header("content-range", "bytes 99999999999999999999-1/2"),
        |start| Reply::rest(&archive(), start, "\"1\"").header("content-range", &format!("bytes {start}-9/10")),
        |_| Reply::unsatisfiable(10),
    ];
    for (number, reply) in wrong.into_iter().enumerate() {
        let (fetched, server) = fetch_from(move |request| match request.start() {
            Some(start) => reply(start),
            None if request.number == 0 => Reply::whole(&archive(), "\"1\"").cut(30_000),
            None => Reply::whole(&archive(), "\"1\""),
        });
        fetched.unwrap_or_else(|error| panic!("{number}: {error}"));
        assert_eq!(server.seen().len(), 3, "{number}: it begins anew");
    }
}

#[test]
fn nothing_to_go_on_with_may_mean_that_all_is_there() {
    let to = tempfile::tempdir().unwrap();
    // The length is a lie, which the server itself corrects.
    let server = Server::start(|request| {
        if request.start().is_some() {
            return Reply::unsatisfiable(archive().len());
        }
        let length = (archive().len() + 500).to_string();
        Reply::whole(&archive(), "\"1\"").header("content-length", &length)
    });
    fetch(&emodb(""), &params(to.path(), &server), &Silent).unwrap();
    assert_eq!(server.seen().len(), 2);
}

#[test]
fn lengths_that_are_lies() {
    let size = archive().len();
    // More promised than there is, for good.
    fails(
        move |request| match request.start() {
            Some(start) => Reply::rest(&archive(), start.min(size - 1), "\"1\"").cut(0),
            None => Reply::whole(&archive(), "\"1\"").header("content-length", &(size + 500).to_string()),
        },
        // Two that bring something or correct each other, and the patience of five more.
        6,
        &["tried 6 times"],
    );
    let to = tempfile::tempdir().unwrap();
    let sized = |bytes: usize| emodb(&format!("bytes = {bytes}"));
    // Another size than the publisher tells, in the header or only in fact.
    for (reply, words) in
        [(Reply::whole(&archive(), "\"1\""), "expected"), (Reply::whole(&archive(), "\"1\"").chunked(), "more than")]
    {
        let server = Server::start(move |_| reply.clone());
        let message = fetch(&sized(size - 1), &params(to.path(), &server), &Silent).unwrap_err().to_string();
        assert!(message.contains(words) && message.contains(&(size - 1).to_string()), "{message}");
        assert_eq!(server.seen().len(), 1);
    }
    // Fewer bytes than the publisher tells, without a length: as if it had been cut.
    let server = Server::start(|_| Reply::whole(&archive(), "\"1\"").chunked());
    let message = fetch(&sized(size + 1), &params(to.path(), &server), &Silent).unwrap_err().to_string();
    assert!(message.contains(&format!("only {size} of {} bytes", size + 1)), "{message}");
    // Larger than anything that is taken.
    fails(|_| Reply::whole(b"", "\"1\"").header("content-length", "999999999999999"), 1, &["larger than"]);
}

#[test]
fn chunks_without_a_length_are_as_good() {
    let (fetched, _) = fetch_from(|_| Reply::whole(&archive(), "\"1\"").chunked());
    fetched.unwrap();
    let (fetched, server) = fetch_from(|request| {
        let reply = Reply::whole(&archive(), "\"1\"").chunked();
        if request.number == 0 { reply.cut(30_000) } else { reply }
    });
    fetched.unwrap();
    assert_eq!(server.seen().len(), 2);
}

#[test]
fn answers_that_are_final() {
    fails(|_| Reply::status(404), 1, &["404", "http://a.example/", "--from", "--mirror"]);
    fails(|_| Reply::status(410), 1, &["410"]);
    fails(|_| Reply::status(403), 1, &["does not give"]);
    fails(|_| Reply::status(418), 1, &["418"]);
    fails(|_| Reply::status(304), 1, &["304"]);
    fails(|_| Reply::status(503).header("retry-after", "9999"), 1, &["busy", "9999 s"]);
}

#[test]
fn answers_that_may_get_better() {
    for status in [408, 429, 500, 502, 503] {
        let (fetched, server) = fetch_from(move |request| match request.number {
            0 => Reply::status(status).header("retry-after", "0"),
            1 => Reply::status(status),
            _ => Reply::honest(request, &archive(), "\"1\""),
        });
        fetched.unwrap();
        assert_eq!(server.seen().len(), 3, "{status}");
    }
    fails(|_| Reply::status(500), 6, &["500", "tried 6 times"]);
    // A date that has passed.
    let (fetched, _) = fetch_from(|request| match request.number {
        0 => Reply::status(503).header("retry-after", "Sun, 06 Nov 1994 08:49:37 GMT"),
        _ => Reply::honest(request, &archive(), "\"1\""),
    });
    fetched.unwrap();
}

#[test]
fn redirects_are_followed_and_end() {
    let (fetched, server) = fetch_from(|request| match &*request.path {
        "/elsewhere" if request.number == 0 => Reply::honest(request, &archive(), "\"1\"").cut(30_000),
        "/elsewhere" => Reply::honest(request, &archive(), "\"1\""),
        _ => Reply::redirect("/elsewhere"),
    });
    fetched.unwrap();
    let seen = server.seen();
    assert_eq!(seen.len(), 4);
    assert_eq!(seen[3].start(), Some(30_000), "the range goes along");
    fails(|request| Reply::redirect(&request.path), 6, &["redirects"]);
    fails(|_| Reply::status(302), 6, &["location"]);
}

#[test]
fn nobody_answers() {
    let (to, mut params) = (tempfile::tempdir().unwrap(), FetchParams::into_folder("none"));
    params.to = to.path().to_path_buf();
    params.terms_accepted = true;
    params.backoff = Duration::from_millis(1);
    // A port that was free a moment ago.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    params.mirror = Some(format!("http://127.0.0.1:{port}"));
    let message = fetch(&emodb(""), &params, &Silent).unwrap_err().to_string();
    assert!(message.contains("no proper answer") && message.contains("tried 6 times"), "{message}");
    params.mirror = Some("no address".into());
    assert!(matches!(fetch(&emodb(""), &params, &Silent), Err(CorpusError::Download { .. })));
}

#[test]
fn checksums_decide() {
    let (to, server) = (tempfile::tempdir().unwrap(), Server::of(archive()));
    let params = params(to.path(), &server);
    for (kind, sum) in [("md5", "0".repeat(32)), ("sha256", "0".repeat(64))] {
        let error = fetch(&emodb(&format!("{kind} = \"{sum}\"")), &params, &Silent).unwrap_err();
        let CorpusError::Checksum { actual, expected, aside, .. } = &error else { panic!("{error}") };
        assert_eq!((expected, actual.len()), (&sum, sum.len()));
        assert!(aside.is_file() && error.to_string().contains(actual), "{error}");
        assert_eq!(tree(to.path()).len(), 2, "the lock and the file aside: {:?}", tree(to.path()));
    }
    fetch(&emodb(&format!("sha256 = \"{}\"", sha256(&archive()))), &params, &Silent).unwrap();
}

#[test]
fn with_a_checksum_no_tag_is_needed() {
    let to = tempfile::tempdir().unwrap();
    let server = Server::start(|request| match request.start() {
        Some(start) => Reply::rest(&archive(), start, "").without("etag"),
        None => Reply::whole(&archive(), "").without("etag").cut(30_000),
    });
    let source = emodb(&format!("sha256 = \"{}\"", sha256(&archive())));
    fetch(&source, &params(to.path(), &server), &Silent).unwrap();
    assert_eq!(server.seen().len(), 2);
}

#[test]
fn a_file_that_differs_from_last_time_is_told_of() {
    let (to, other) = (tempfile::tempdir().unwrap(), zip_of(&FILES));
    let server = Server::start(move |request| {
        Reply::whole(if request.number == 0 { &other } else { &[] }, "\"1\"").header("x", "")
    });
    let mut params = params(to.path(), &server);
    fetch(&emodb(""), &params, &Silent).unwrap();
    let changed = Server::of(archive());
    // The same address with another file: the record is kept by address.
    let record = to.path().join(".downloads/emodb.json");
    let text = std::fs::read_to_string(&record).unwrap().replace(&server.url, &changed.url);
    std::fs::write(&record, text).unwrap();
    (params.mirror, params.force) = (Some(changed.url.clone()), true);
    let fetched = fetch(&emodb(""), &params, &Silent).unwrap();
    assert!(fetched.notes[0].contains("differs") && fetched.notes[0].contains(&sha256(&archive())), "{fetched:?}");
    assert_eq!(fetch(&emodb(""), &params, &Silent).unwrap().notes, Vec::<String>::new(), "the new one is known now");
}

#[test]
fn only_what_was_fetched_is_replaced() {
    let (to, server) = (tempfile::tempdir().unwrap(), Server::of(archive()));
    let mut params = params(to.path(), &server);
    params.force = true;
    let target = to.path().join("emodb");
    std::fs::create_dir_all(target.join("wav")).unwrap();
    std::fs::write(target.join("wav/03a01Wa.wav"), "somebody's own").unwrap();
    assert!(matches!(fetch(&emodb(""), &params, &Silent), Err(CorpusError::Occupied { .. })));
    assert!(server.seen().is_empty(), "that is known before anything is downloaded");
    params.force = false;
    let there = fetch(&emodb(""), &params, &Silent).unwrap();
    assert!(there.was_there && there.notes[0].contains("1 of the 3"), "{there:?}");
    std::fs::write(target.join(RECORD_FILE), "{}").unwrap();
    params.force = true;
    assert_eq!(fetch(&emodb(""), &params, &Silent).unwrap().recordings, 3);
    // A failure leaves what is there.
    let broken = Server::of(b"PK\x03\x04 no archive".to_vec());
    params.mirror = Some(broken.url.clone());
    assert!(matches!(fetch(&emodb(""), &params, &Silent), Err(CorpusError::Archive { .. })));
    assert_eq!(already_there(&emodb(""), to.path()).unwrap().unwrap().recordings, 3);
    // An empty folder is nothing, and other things are not recordings.
    let to = tempfile::tempdir().unwrap();
    std::fs::create_dir(to.path().join("emodb")).unwrap();
    params.mirror = Some(server.url.clone());
    (params.to, params.force) = (to.path().to_path_buf(), false);
    fetch(&emodb(""), &params, &Silent).unwrap();
    std::fs::create_dir(to.path().join("ravdess")).unwrap();
    std::fs::write(to.path().join("ravdess/notes.txt"), "").unwrap();
    let error = fetch(Source::by_name("ravdess").unwrap(), &params, &Silent).unwrap_err();
    assert!(matches!(error, CorpusError::Occupied { .. }), "{error}");
}

#[test]
fn what_a_killed_process_leaves_is_cleared_away() {
    let (to, server) = (tempfile::tempdir().unwrap(), Server::of(archive()));
    // Killed while it unpacked: the archive is whole and is not downloaded again.
    std::fs::create_dir_all(to.path().join(".downloads")).unwrap();
    std::fs::write(to.path().join(".downloads/emodb.zip"), archive()).unwrap();
    std::fs::create_dir_all(to.path().join(".emodb.unpacking/wav")).unwrap();
    std::fs::write(to.path().join(".emodb.unpacking/wav/junk.wav"), "half").unwrap();
    let params = params(to.path(), &server);
    assert!(find("emodb", &[to.path().to_path_buf()]).is_err(), "it does not look done");
    let fetched = fetch(&emodb(""), &params, &Silent).unwrap();
    assert!(server.seen().is_empty() && !fetched.path.join("wav/junk.wav").exists());
    // Killed between the two moves of a replacement, and then without a connection: the old corpus is back.
    std::fs::rename(&fetched.path, to.path().join(".emodb.replaced")).unwrap();
    let gone = Server::start(|_| Reply::status(404));
    let params = FetchParams { mirror: Some(gone.url.clone()), ..params };
    assert!(fetch(&emodb(""), &params, &Silent).is_err());
    assert_eq!(already_there(&emodb(""), to.path()).unwrap().unwrap().recordings, 3);
}

#[test]
fn one_process_at_a_time() {
    let (to, server) = (tempfile::tempdir().unwrap(), Server::of(archive()));
    std::fs::create_dir_all(to.path().join(".downloads")).unwrap();
    let lock = std::fs::File::create(to.path().join(".downloads/emodb.lock")).unwrap();
    lock.lock().unwrap();
    let params = params(to.path(), &server);
    assert!(matches!(fetch(&emodb(""), &params, &Silent), Err(CorpusError::Busy { .. })));
    drop(lock);
    fetch(&emodb(""), &params, &Silent).unwrap();
}

/// Remembers what it is told, and stops when a stage is so far.
#[derive(Default)]
struct Watching {
    told: Mutex<Vec<String>>,
    stop_at: Option<u64>,
    stop: AtomicBool,
}

impl Watch for Watching {
    fn stage(&self, stage: &str, bytes: Option<u64>) {
        self.told.lock().unwrap().push(format!("{stage} {}", bytes.map_or_else(|| "?".into(), |n| n.to_string())));
    }

    fn at(&self, bytes: u64) {
        if self.stop_at.is_some_and(|stop| bytes >= stop) {
            self.stop.store(true, Ordering::Relaxed);
        }
    }

    fn note(&self, text: &str) {
        self.told.lock().unwrap().push(text.to_owned());
    }

    fn cancelled(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

#[test]
fn those_who_watch_are_told() {
    let to = tempfile::tempdir().unwrap();
    let server = Server::start(|request| match request.number {
        0 => Reply::status(500),
        _ => Reply::honest(request, &archive(), "\"1\""),
    });
    let watching = Watching::default();
    fetch(&emodb("about_bytes = 5"), &params(to.path(), &server), &watching).unwrap();
    let told = watching.told.into_inner().unwrap();
    assert_eq!(told.len(), 3, "{told:?}");
    assert_eq!(told[0], "downloading 5");
    assert!(told[1].contains("status 500") && told[1].contains("trying again"), "{told:?}");
    assert!(told[2].starts_with("unpacking "), "{told:?}");
}

#[test]
fn stopping_is_quick_and_keeps_the_part() {
    let to = tempfile::tempdir().unwrap();
    let server = Server::start(|request| {
        let reply = Reply::honest(request, &archive(), "\"1\"");
        if request.number == 0 { reply.stall(30_000) } else { reply }
    });
    let params = FetchParams { stall: Duration::from_mins(1), ..params(to.path(), &server) };
    let watching = Watching { stop_at: Some(30_000), ..Watching::default() };
    let begun = Instant::now();
    assert!(matches!(fetch(&emodb(""), &params, &watching), Err(CorpusError::Cancelled)));
    assert!(begun.elapsed() < Duration::from_secs(5), "though the server says nothing more");
    assert!(!to.path().join("emodb").exists());
    fetch(&emodb(""), &params, &Silent).unwrap();
    assert_eq!(server.seen()[1].start(), Some(30_000));
}

#[test]
fn people_come_first() {
    let (to, server) = (tempfile::tempdir().unwrap(), Server::of(archive()));
    let params = FetchParams { terms_accepted: false, ..params(to.path(), &server) };
    let message = fetch(&emodb(""), &params, &Silent).unwrap_err().to_string();
    assert!(message.contains("CC0") && message.contains("--accept-licence"), "{message}");
    let message = fetch(Source::by_name("savee").unwrap(), &params, &Silent).unwrap_err().to_string();
    assert!(message.contains("kahlan") && message.contains("register") && message.contains("--from"), "{message}");
    assert!(tree(to.path()).is_empty() && server.seen().is_empty());
}

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
