//! Fetching from a server that cuts, stalls, lies and refuses.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use common::archive::zip_of;
use common::server::{Reply, Request, Server};
use common::{FILES, archive, emodb, params, sha256, tree};
use stimmung_corpus::fetch::{FetchParams, Fetched, RECORD_FILE, Silent, Watch, already_there, fetch};
use stimmung_corpus::{CorpusError, Source, find};

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
