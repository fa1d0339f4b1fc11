//! `run` on a folder of recipes.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::fs;
use std::path::Path;

use common::{names, objects, stimmung, tones};

/// Writes a recipe over the tones; it is judged by two random folds in its original variant.
fn recipe(folder: &Path, name: &str, change: impl Fn(String) -> String) {
    let text = format!(
        "name = \"{name}\"\n[corpus]\npath = \"tones\"\n[features]\nset = \"mfcc\"\nn = 8\n[model]\nkind = \"logistic\"\n\
         [reference]\nrow = \"R9 {name}\"\npublished = [{{ figure = \"accuracy\", value = 0.9 }}]\n\
         [reference.original.protocol]\nkind = \"random\"\nfolds = 2\n"
    );
    fs::create_dir_all(folder.join("recipes")).unwrap();
    fs::write(folder.join("recipes").join(format!("{name}.toml")), change(text)).unwrap();
}

fn as_it_is(text: String) -> String {
    text
}

/// A folder with the tones and two recipes, `one` and `two`.
fn two_recipes() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    tones(&folder.path().join("tones"));
    recipe(folder.path(), "one", as_it_is);
    recipe(folder.path(), "two", as_it_is);
    folder
}

#[test]
fn every_recipe_is_judged_and_only_what_changed_is_judged_again() {
    let folder = two_recipes();
    let here = folder.path();
    let done = stimmung(here, &["run", "recipes"]).ok();
    assert!(done.stdout.contains("published 0.900") && done.stdout.contains("docs/recipes-results.md"), "{done:?}");
    let runs = here.join("runs").join("recipes");
    assert_eq!(names(&runs), ["one-honest", "one-original", "two-honest", "two-original"]);
    assert_eq!(names(&here.join("docs")), ["recipes-results.json", "recipes-results.md"]);
    let table = fs::read_to_string(here.join("docs/recipes-results.md")).unwrap();
    assert!(table.contains("| R9 one | `one` | accuracy (WAR) | 0.900 |") && table.contains("| R9 two |"), "{table}");
    assert!(table.contains("*original*") && table.contains("leak: "), "{table}");

    let again = stimmung(here, &["run", "recipes"]).ok();
    assert_eq!(again.stderr.matches("judged before").count(), 4, "{again:?}");
    assert_eq!(names(&runs).len(), 4);
    assert_eq!(fs::read_to_string(here.join("docs/recipes-results.md")).unwrap(), table);

    // Another number of folds changes the original of one recipe, and a note changes nothing but the table.
    recipe(here, "two", |text| {
        text.replace("folds = 2", "folds = 3").replace("[reference]", "[reference]\nnote = \"Why.\"")
    });
    let dry = stimmung(here, &["run", "recipes", "--dry-run"]).ok();
    let to_do: Vec<&str> = dry.stdout.lines().filter(|line| line.contains("to do")).collect();
    assert!(to_do.len() == 1 && to_do[0].contains("two") && to_do[0].contains("original"), "{dry:?}");
    let changed = stimmung(here, &["run", "recipes"]).ok();
    assert_eq!(changed.stderr.matches("judged before").count(), 3, "{changed:?}");
    assert_eq!(names(&runs), ["one-honest", "one-original", "two-honest", "two-original", "two-original-2"]);
    assert!(fs::read_to_string(here.join("docs/recipes-results.md")).unwrap().contains("R9 two: Why."));
}

#[test]
fn what_fails_does_not_cost_the_others_their_results() {
    let folder = two_recipes();
    let here = folder.path();
    recipe(here, "a-broken", |text| text.replace("mfcc", "mfccs"));
    recipe(here, "b-without-corpus", |text| text.replace("path = \"tones\"", "path = \"nowhere\""));
    recipe(here, "c-unfit", |text| text.replace("folds = 2", "folds = 200"));
    let done =
        stimmung(here, &["run", "recipes"]).fails(1, &["a-broken.toml", "mfccs", "b-without-corpus.toml", "nowhere"]);
    assert!(done.stderr.contains("c-unfit.toml"), "{done:?}");
    let runs = here.join("runs").join("recipes");
    assert_eq!(names(&runs), ["c-unfit-honest", "one-honest", "one-original", "two-honest", "two-original"]);
    let table = fs::read_to_string(here.join("docs/recipes-results.md")).unwrap();
    assert!(table.contains("`one`") && table.contains("`two`") && !table.contains("a-broken"), "{table}");

    // Mended, only those are judged.
    for name in ["a-broken", "b-without-corpus", "c-unfit"] {
        recipe(here, name, as_it_is);
    }
    let mended = stimmung(here, &["run", "recipes"]).ok();
    assert_eq!(mended.stderr.matches("judged before").count(), 5, "{mended:?}");
    // Asked for others, a broken recipe is nobody's business.
    recipe(here, "a-broken", |_| "no toml".into());
    stimmung(here, &["run", "recipes", "--only", "one,two", "--dry-run"]).ok();
    stimmung(here, &["run", "recipes", "--dry-run"]).fails(1, &["a-broken.toml"]);
}

#[test]
fn some_recipes_quickly_and_as_json() {
    let folder = two_recipes();
    let here = folder.path();
    recipe(here, "two", |text| text.replace("kind = \"logistic\"", "kind = \"dense\"\nhidden = [4]\nepochs = 20"));
    let dry = objects(&stimmung(here, &["run", "recipes", "--dry-run", "--json"]).ok());
    assert_eq!(dry.len(), 4);
    assert_eq!((dry[0]["recipe"].as_str(), dry[0]["variant"].as_str()), (Some("one"), Some("original")));
    assert!(dry.iter().all(|object| object["done"] == false));
    assert_eq!(names(here), ["recipes", "tones"], "a dry run touches nothing");

    let arguments = ["run", "recipes", "--only", "r9 TWO", "--quick", "--json"];
    let done = stimmung(here, &arguments).ok();
    assert!(done.stderr.is_empty(), "{done:?}");
    let first = objects(&done);
    assert_eq!(first.len(), 2);
    assert_eq!((first[0]["variant"].as_str(), first[1]["variant"].as_str()), (Some("original"), Some("honest")));
    for outcome in &first {
        assert_eq!((outcome["recipe"].as_str(), outcome["corpus"].as_str()), (Some("two"), Some("tones")));
        assert!((0.0..=1.0).contains(&outcome["uar"]["pooled"].as_f64().unwrap()), "{outcome}");
        assert_eq!(outcome["figures"][0][0], "accuracy");
    }
    assert!(first[0]["leaks"][0].as_str().unwrap().contains("speaker"), "{}", first[0]);
    assert!(!here.join("docs").exists(), "quick runs are not for the documents");
    assert_eq!(names(&here.join("runs")), ["recipes-quick", "recipes-quick-results.json", "recipes-quick-results.md"]);
    let history = fs::read_to_string(here.join("runs/recipes-quick/two-honest/history.csv")).unwrap();
    assert_eq!(history.lines().count(), 1 + 3 * 2, "two epochs, a tenth of twenty, in three folds");
    // What is known is told again.
    assert_eq!(objects(&stimmung(here, &arguments).ok()), first);
    assert_eq!(names(&here.join("runs/recipes-quick")), ["two-honest", "two-original"]);

    let done = stimmung(here, &["run", "recipes", "--only", "one", "--results", "out/table.md", "--json"]).ok();
    assert_eq!(objects(&done).len(), 2);
    assert_eq!(names(&here.join("out")), ["table.json", "table.md"]);
}

#[test]
fn damaged_results_are_an_error_and_stay() {
    let folder = two_recipes();
    let here = folder.path();
    fs::create_dir(here.join("docs")).unwrap();
    let results = here.join("docs/recipes-results.json");
    fs::write(&results, "{\"outcomes\": {\"one\"").unwrap();
    for arguments in [&["run", "recipes"][..], &["run", "recipes", "--dry-run"]] {
        stimmung(here, arguments).fails(1, &["docs/recipes-results.json", "not a file of results", "--results"]);
    }
    assert_eq!(fs::read_to_string(&results).unwrap(), "{\"outcomes\": {\"one\"");
    assert!(!here.join("runs").exists());
}

#[test]
fn flags_and_folders_that_do_not_fit() {
    let folder = two_recipes();
    let here = folder.path();
    stimmung(here, &["run", "recipes", "--kind", "lda"]).fails(2, &["run its file alone"]);
    stimmung(here, &["run", "recipes", "--results", "table.json"]).fails(2, &["--results", "Markdown"]);
    stimmung(here, &["run", "recipes", "--only", "three"]).fails(2, &["three"]);
    stimmung(here, &["run", "recipes/one.toml", "--quick"]).fails(2, &["folder of recipes"]);
    fs::create_dir(here.join("empty")).unwrap();
    stimmung(here, &["run", "empty"]).fails(2, &["empty", "no recipe"]);
    assert_eq!(names(here), ["empty", "recipes", "tones"]);
}
