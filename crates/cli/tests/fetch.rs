//! `stimmung corpus fetch` as a person or a script runs it, against a local server in place of the internet.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "../../corpus/tests/common/archive.rs"]
mod archive;
mod common;
#[path = "../../corpus/tests/common/server.rs"]
mod server;

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use common::{objects, stimmung};
use serde_json::Value;
use server::{Reply, Server};

/// All 400 recordings of the URDU dataset by their names, as the archive of its repository has them.
fn urdu() -> Vec<u8> {
    let mut names = vec!["URDU-Dataset-master/README.md".to_owned()];
    for (folder, code) in [("Angry", 'A'), ("Happy", 'H'), ("Neutral", 'N'), ("Sad", 'S')] {
        names.extend((1..=100).map(|n| format!("URDU-Dataset-master/{folder}/SM{}_F{n}_{code}{n:03}.wav", n % 20 + 1)));
    }
    archive::zip_of(&names.iter().map(String::as_str).collect::<Vec<_>>())
}

/// Fetches URDU below `folder` from a mirror, with further arguments.
fn fetch(folder: &Path, server: &Server, more: &[&str]) -> common::Done {
    let arguments = ["corpus", "fetch", "urdu", "--mirror", &server.url, "--timeout", "1", "--json"];
    stimmung(folder, &[&arguments[..], more].concat())
}

#[test]
fn fetched_corpora_are_found_by_name() {
    let (folder, server) = (tempfile::tempdir().unwrap(), Server::of(urdu()));
    let fetched = fetch(folder.path(), &server, &["--accept-licence"]).ok().object();
    assert_eq!((&fetched["corpus"], &fetched["recordings"]), (&"urdu".into(), &400.into()));
    assert_eq!((&fetched["was_there"], fetched["source"]["sha256"].as_str().unwrap().len()), (&false.into(), 64));
    let path = fetched["path"].as_str().unwrap();
    assert!(Path::new(path).starts_with(folder.path().join("cache")), "{path}");
    assert_eq!(
        server.seen()[0].path,
        "/github.com/siddiquelatif/URDU-Dataset/archive/refs/heads/master.zip",
        "the mirror is asked for the whole address"
    );
    // Its files are names only, but it is found, and what is wrong with them is another command's business.
    let manifest = stimmung(folder.path(), &["corpus", "manifest", "urdu"]).ok();
    assert_eq!(manifest.stdout.lines().count(), 401);

    let again = fetch(folder.path(), &server, &[]).ok().object();
    assert_eq!((&again["was_there"], server.seen().len()), (&true.into(), 1), "without asking for consent again");
    let text = stimmung(folder.path(), &["corpus", "fetch", "URDU-Dataset"]).ok();
    assert!(text.stdout.contains("Already there") && text.stdout.contains("400 recordings"), "{text:?}");
    fetch(folder.path(), &server, &["--accept-license", "--force"]).ok();
    assert_eq!(server.seen().len(), 2);
    // Where people keep corpora themselves, they are not fetched once more, unless a folder is named.
    std::fs::create_dir(folder.path().join("data")).unwrap();
    std::fs::rename(path, folder.path().join("data/urdu")).unwrap();
    assert_eq!(fetch(folder.path(), &server, &[]).ok().object()["path"], "data/urdu");
    fetch(folder.path(), &server, &["--to", "other"]).fails(2, &["--accept-licence"]);
}

#[test]
fn terms_come_first() {
    let (folder, server) = (tempfile::tempdir().unwrap(), Server::of(urdu()));
    let refused = fetch(folder.path(), &server, &[]);
    assert!(refused.error().contains("Latif et al. 2018"), "{refused:?}");
    refused.fails(2, &["--accept-licence"]);
    assert!(server.seen().is_empty());
}

#[test]
fn a_dry_run_only_tells() {
    let folder = tempfile::tempdir().unwrap();
    let told = stimmung(folder.path(), &["corpus", "fetch", "ravdess", "--dry-run", "--to", "here"]).ok();
    for word in ["zenodo.org", "208468073 bytes", "bc696df654c87fed845eb13823edef8a", "CC BY-NC-SA", "1440", "ravdess"]
    {
        assert!(told.stdout.contains(word), "`{word}` is missing: {told:?}");
    }
    let told = stimmung(folder.path(), &["corpus", "fetch", "emodb", "--dry-run", "--json"]).ok().object();
    assert_eq!((&told["name"], &told["already_there"]), (&"emodb".into(), &false.into()));
    assert!(told["to"].as_str().unwrap().starts_with(folder.path().join("cache").to_str().unwrap()));
    assert_eq!(told["from"], "http://emodb.bilderbar.info/download/download.zip");
    let told = stimmung(folder.path(), &["corpus", "fetch", "tess", "--dry-run"]).ok();
    assert!(told.stdout.contains("by hand") && told.stdout.contains("tspace"), "{told:?}");
    assert!(common::names(folder.path()).is_empty(), "nothing was made");
}

#[test]
fn without_a_name_it_lists_and_with_a_wrong_one_it_helps() {
    let folder = tempfile::tempdir().unwrap();
    let listed = objects(&stimmung(folder.path(), &["corpus", "fetch", "--json"]).ok());
    let names: Vec<&str> = listed.iter().map(|source| source["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["emodb", "ravdess", "cremad", "nemo", "urdu", "tess", "aesdd", "savee"]);
    assert!(
        listed
            .iter()
            .all(|source| source["terms"].is_string() && source["url"].is_string() != source["steps"].is_string())
    );
    let text = stimmung(folder.path(), &["corpus", "fetch"]).ok();
    assert!(text.stdout.contains("about 40 MB") && text.stdout.contains("register"), "{text:?}");
    stimmung(folder.path(), &["corpus", "fetch", "emodbb"]).fails(2, &["did you mean `emodb`?"]);
    stimmung(folder.path(), &["corpus", "fetch", "emodb", "--mirror", "ftp://x"]).fails(2, &["https://"]);
    stimmung(folder.path(), &["corpus", "fetch", "emodb", "--timeout", "0"]).fails(2, &["3600"]);
    stimmung(folder.path(), &["corpus", "describe", "emodb"]).fails(1, &["stimmung corpus fetch emodb"]);
}

#[test]
fn what_must_be_got_by_hand_is_brought() {
    let folder = tempfile::tempdir().unwrap();
    stimmung(folder.path(), &["corpus", "fetch", "savee"]).fails(1, &["kahlan.eps.surrey.ac.uk", "register", "--from"]);
    // 15 of each emotion and 30 neutral ones, of four speakers.
    let mut names = Vec::new();
    for speaker in ["DC", "JE", "JK", "KL"] {
        for (emotion, count) in [("a", 15), ("d", 15), ("f", 15), ("h", 15), ("n", 30), ("sa", 15), ("su", 15)] {
            names.extend((1..=count).map(|n| format!("AudioData/{speaker}/{emotion}{n:02}.wav")));
        }
    }
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    std::fs::write(folder.path().join("brought.zip"), archive::zip_of(&names)).unwrap();
    std::fs::write(folder.path().join("part.zip"), archive::zip_of(&names[..470])).unwrap();
    let bring = |file| stimmung(folder.path(), &["corpus", "fetch", "savee", "--to", "data", "--from", file]);
    bring("part.zip").fails(1, &["470 recordings", "480", "part.zip"]);
    bring("none.zip").fails(1, &["none.zip"]);
    let done = bring("brought.zip").ok();
    assert!(done.stdout.contains("480 recordings") && done.stdout.contains("--corpus savee"), "{done:?}");
    assert_eq!(stimmung(folder.path(), &["corpus", "manifest", "savee"]).ok().stdout.lines().count(), 481);
}

#[test]
fn a_killed_fetch_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(|request| {
        let reply = Reply::honest(request, &urdu(), "\"1\"");
        if request.number == 0 { reply.stall(20_000) } else { reply }
    });
    let part = folder.path().join("data/.downloads/urdu.zip.part");
    let arguments = ["corpus", "fetch", "urdu", "--to", "data", "--accept-licence", "--mirror", &server.url];
    let mut child = Command::new(assert_cmd::cargo::cargo_bin!("stimmung"))
        .args(arguments)
        .current_dir(folder.path())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    wait_until(|| std::fs::metadata(&part).is_ok_and(|part| part.len() == 20_000));
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(!folder.path().join("data/urdu").exists());
    stimmung(folder.path(), &arguments).ok();
    assert_eq!(server.seen()[1].start(), Some(20_000));
}

#[cfg(unix)]
#[test]
fn ctrl_c_stops_at_once_and_keeps_the_part() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(|request| Reply::honest(request, &urdu(), "\"1\"").stall(20_000));
    let part = folder.path().join("data/.downloads/urdu.zip.part");
    let child = Command::new(assert_cmd::cargo::cargo_bin!("stimmung"))
        .args(["corpus", "fetch", "urdu", "--to", "data", "--accept-licence", "--json", "--mirror", &server.url])
        .current_dir(folder.path())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    wait_until(|| std::fs::metadata(&part).is_ok_and(|part| part.len() == 20_000));
    let pressed = Instant::now();
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    assert!(pressed.elapsed() < Duration::from_secs(5), "though the server says nothing");
    let error: Value = serde_json::from_slice(&output.stderr).unwrap();
    assert!(error["error"].as_str().unwrap().contains("goes on from there"), "{error}");
    assert_eq!(std::fs::metadata(&part).unwrap().len(), 20_000);
}

#[test]
fn failures_say_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(|_| Reply::status(404));
    let failed = fetch(folder.path(), &server, &["--accept-licence"]);
    assert!(failed.error().contains("github.com/siddiquelatif"), "{failed:?}");
    failed.fails(1, &["404", "--from"]);
    let server = Server::of(archive::zip_of(&["../evil.wav"]));
    fetch(folder.path(), &server, &["--accept-licence", "--to", "data"])
        .fails(1, &["leads out of its folder", ".refused"]);
    assert!(!folder.path().join("evil.wav").exists() && !folder.path().join("data/evil.wav").exists());
}

/// Waits for something that another process does.
#[track_caller]
fn wait_until(done: impl Fn() -> bool) {
    let begun = Instant::now();
    while !done() {
        assert!(begun.elapsed() < Duration::from_secs(20), "it never came");
        std::thread::sleep(Duration::from_millis(20));
    }
}
