use super::*;

fn store() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("data")).unwrap();
    (folder, store)
}

fn model(id: &str) -> StoredModel {
    StoredModel { id: id.into(), origin: "upload".into(), job: None, created: now(), bytes: 7 }
}

fn job(id: &str) -> NewJob<'_> {
    NewJob { id, recipe: "r", corpus: "c", recipe_toml: "name = 1", promote: false }
}

#[test]
fn what_is_kept_is_there_when_it_is_opened_again() {
    let (folder, store) = store();
    store.add_model(&model("a")).unwrap();
    store.add_model(&model("a")).unwrap();
    store.set_active("a").unwrap();
    store.set_active("b").unwrap();
    store.add_job(&job("j")).unwrap();
    drop(store);
    let store = Store::open(&folder.path().join("data")).unwrap();
    assert_eq!(store.models().unwrap().len(), 1);
    assert_eq!(store.active().unwrap().as_deref(), Some("b"));
    assert_eq!(store.job("j").unwrap().unwrap().recipe_toml, "name = 1");
    store.remove_model("a").unwrap();
    assert!(store.models().unwrap().is_empty());
}

#[test]
fn one_server_a_folder() {
    let (folder, store) = store();
    let again = Store::open(&folder.path().join("data"));
    assert!(matches!(again, Err(ServerError::InUse { .. })));
    drop(store);
    Store::open(&folder.path().join("data")).unwrap();
}

#[test]
fn a_store_of_a_later_version_is_left_alone() {
    let (folder, store) = store();
    store.lock().pragma_update(None, "user_version", SCHEMA + 1).unwrap();
    drop(store);
    let again = Store::open(&folder.path().join("data"));
    assert!(matches!(again, Err(ServerError::Newer { found: 3, known: 2, .. })));
}

#[test]
fn a_store_of_the_first_version_is_brought_to_this_one() {
    let folder = tempfile::tempdir().unwrap();
    let first = Connection::open(folder.path().join("stimmung.sqlite")).unwrap();
    first.execute_batch(include_str!("schema.sql")).unwrap();
    first.pragma_update(None, "user_version", 1).unwrap();
    let text = "INSERT INTO jobs (id, state, recipe, corpus, recipe_toml, promote, created)
                VALUES ('old', 'running', 'r', 'c', '', 0, '')";
    first.execute(text, []).unwrap();
    drop(first);
    // The second time, nothing is left to do.
    for attempts in 1..=2 {
        let store = Store::open(folder.path()).unwrap();
        let job = store.next_job().unwrap().unwrap();
        assert_eq!((job.id.as_str(), job.attempts), ("old", attempts));
    }
}

#[test]
fn attempts_are_counted_until_a_job_gets_on() {
    let (_folder, store) = store();
    store.add_job(&job("a")).unwrap();
    let take = || store.next_job().unwrap().unwrap();
    let told = |kind, fold, step| Told { kind, fold, step, data: String::new() };
    let number = take().number;
    assert_eq!(take().attempts, 2);
    store.add_events(number, &[told("epoch", 1, 1)]).unwrap();
    assert_eq!(take().attempts, 1);
    store.add_events(number, &[told("epoch", 1, 1), told("fold", 1, 0)]).unwrap();
    assert_eq!(take().attempts, 1);
    // From its checkpoint, a job tells of its epochs and folds once more, and has got no further.
    store.add_events(number, &[told("epoch", 1, 1), told("fold", 1, 0)]).unwrap();
    assert_eq!(take().attempts, 2);
    store.forget_attempts(number).unwrap();
    assert_eq!(take().attempts, 1);
    assert_eq!(store.job("a").unwrap().unwrap().attempts, 1);
}

#[test]
fn jobs_take_their_turns_and_interrupted_ones_go_first() {
    let (_folder, store) = store();
    for id in ["a", "b", "c"] {
        store.add_job(&job(id)).unwrap();
    }
    let number = |id: &str| store.job(id).unwrap().unwrap().number;
    assert_eq!(store.queue(number("b")).unwrap(), (3, 2));
    assert_eq!(store.next_job().unwrap().unwrap().id, "a");
    // As after a restart: what ran is next.
    let again = store.next_job().unwrap().unwrap();
    assert_eq!((again.id.as_str(), again.state), ("a", JobState::Running));
    assert!(store.cancel_queued("b").unwrap());
    assert!(!store.cancel_queued("a").unwrap());
    assert!(store.end_job("a", JobState::Finished, Some("{}"), None).unwrap());
    assert!(!store.end_job("a", JobState::Failed, None, None).unwrap(), "what is over stays as it ended");
    assert_eq!(store.next_job().unwrap().unwrap().id, "c");
    let states: Vec<_> = store.jobs().unwrap().into_iter().map(|job| (job.id, job.state)).collect();
    let expected = [("c", JobState::Running), ("b", JobState::Cancelled), ("a", JobState::Finished)];
    assert_eq!(states, expected.map(|(id, state)| (id.to_owned(), state)));
}

#[test]
fn events_are_numbered_and_told_once() {
    let (_folder, store) = store();
    store.add_job(&job("a")).unwrap();
    store.add_job(&job("b")).unwrap();
    let [a, b] = ["a", "b"].map(|id| store.job(id).unwrap().unwrap().number);
    let epoch = |fold, data: &str| Told { kind: "epoch", fold, step: 1, data: data.to_owned() };
    store.add_events(a, &[epoch(1, "1"), epoch(2, "2")]).unwrap();
    store.add_events(b, &[epoch(1, "3")]).unwrap();
    let fold = Told { kind: "fold", fold: 1, step: 0, data: "4".to_owned() };
    store.add_events(a, &[epoch(1, "again"), fold]).unwrap();
    let told: Vec<_> = store.events(a, 1).unwrap().into_iter().map(|it| (it.number, it.kind, it.data)).collect();
    assert_eq!(told, [(2, "epoch".into(), "2".into()), (3, "fold".into(), "4".into())]);
}

#[test]
fn times_are_in_utc_to_the_second() {
    let text = now();
    assert!(text.len() == 20 && text.ends_with('Z') && text.as_bytes()[10] == b'T', "{text}");
}
