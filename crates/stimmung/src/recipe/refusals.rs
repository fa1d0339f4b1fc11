//! What a recipe is refused for, and that the place is named.

use super::*;

const SMALL: &str =
    "name = \"small\"\n[corpus]\nname = \"emodb\"\n[features]\nset = \"mfcc\"\n[model]\nkind = \"logistic\"\n";

#[track_caller]
fn refused(section: &str, words: &[&str]) {
    let error = Recipe::parse(&format!("{SMALL}{section}"), "r.toml").unwrap_err();
    assert!(matches!(error, Error::Recipe { .. }), "{error:?}");
    let message = error.to_string();
    for word in words {
        assert!(message.contains(word), "`{word}` is missing for {section}: {message}");
    }
}

fn read(section: &str) -> Recipe {
    Recipe::parse(&format!("{SMALL}{section}"), "r.toml").unwrap()
}

#[test]
fn effects_that_are_none_and_strengths_out_of_range() {
    let copies =
        |second: &str| format!("[augmentation]\ncopies = [\n  [{{ effect = \"gain\", db = 3 }}],\n  [{second}],\n]\n");
    read(&copies("{ effect = \"noise\", factor = [0.01, 0.1] }"));
    for (second, words) in [
        ("{ effect = \"strech\", rate = 1.2 }", ["strech", "did you mean `stretch`"]),
        ("{ effect = \"noise\", factro = 1 }", ["factro", "did you mean `factor`"]),
        ("{ effect = \"stretch\", rate = 0 }", ["[augmentation] copy 2", "`rate` is 0"]),
        ("{ effect = \"noise\", factor = nan }", ["[augmentation] copy 2", "`factor` is NaN"]),
        ("{ effect = \"noise\", factor = \"loud\" }", ["augmentation", "a number, [low, high]"]),
        ("", ["[augmentation] copy 2", "no effect"]),
        (
            "{ effect = \"stretch\", rate = 0.2 }, { effect = \"speed\", rate = [0.4, 1] }",
            ["[augmentation] copy 2", "12.5"],
        ),
    ] {
        refused(&copies(second), &words);
    }
    refused("[augmentation]\ncopys = []", &["copys", "did you mean `copies`"]);
    refused(
        "[augmentation]\nwhen = \"before\"\ncopies = [[{ effect = \"gain\", db = 3 }]]",
        &["before", "before-split"],
    );
    let one = "[{ effect = \"gain\", db = 3 }],";
    refused(&format!("[augmentation]\ncopies = [{}]", one.repeat(101)), &["[augmentation] copies", "101", "100"]);
}

#[test]
fn no_copies_are_a_choice_but_not_before_the_split() {
    assert_eq!(read("[augmentation]\ncopies = []"), read(""));
    refused("[augmentation]\nwhen = \"before-split\"\ncopies = []", &["[augmentation] when", "`copies`"]);
    refused("[augmentation]\nwhen = \"before-split\"", &["[augmentation] when", "`copies`"]);
}

#[test]
fn segments_of_no_length_and_a_watch_that_is_none() {
    assert_eq!(read("[segments]").segments.unwrap().seconds, 3.0);
    refused("[segments]\nseconds = 0", &["[segments]", "`seconds` is 0"]);
    refused("[segments]\nsecond = 3", &["segments", "did you mean `seconds`"]);
    let text = SMALL.replacen("[corpus]", "watch = 1\n[corpus]", 1);
    let message = Recipe::parse(&text, "r.toml").unwrap_err().to_string();
    assert!(message.contains("watch") && message.contains("boolean"), "{message}");
    for (more, word) in [
        ("[model]\nkind = \"dense\"\n[adaptation]\nmode = \"enrolled\"", "introduce"),
        ("[model]\nkind = \"one-vs-rest\"", "ensemble"),
    ] {
        let text =
            format!("name = \"r\"\nwatch = true\n[corpus]\nname = \"emodb\"\n[features]\nset = \"mfcc\"\n{more}");
        let message = Recipe::parse(&text, "r.toml").unwrap_err().to_string();
        assert!(message.contains("watch = true") && message.contains(word), "{message}");
    }
}

#[test]
fn kinds_and_architectures_are_guessed_by_their_words() {
    for (kind, nearest) in [
        ("forest", Some("random-forest")),
        ("boosting", Some("gradient-boosting")),
        ("logistik", Some("logistic")),
        ("svn", Some("svm")),
        ("issa", Some("issa-model-a")),
        ("perceptron", None),
    ] {
        let message = Recipe::parse(&SMALL.replace("logistic", kind), "r.toml").unwrap_err().to_string();
        assert!(message.contains(&format!("`{kind}`")) && message.contains("model"), "{message}");
        let guess = nearest.map(|nearest| format!("did you mean `{nearest}`?"));
        match guess {
            Some(guess) => assert!(message.ends_with(&guess), "{message}"),
            None => assert!(!message.contains("did you mean"), "{message}"),
        }
    }
    let network = "network\"\narchitecture = \"mel-cnn";
    let message = Recipe::parse(&SMALL.replace("logistic", network), "r.toml").unwrap_err().to_string();
    assert!(message.contains("[model]") && message.contains("did you mean `mel-cnn-"), "{message}");
}

#[test]
fn the_published_experiment_must_be_a_recipe_too() {
    let reference = "[reference]\nrow = \"R9 x\"\npublished = [{ figure = \"accuracy\", value = 0.9 }]\n";
    let original = |keys: &str| format!("{reference}[reference.original.protocol]\n{keys}\n");
    let recipe = read(&original("kind = \"random\"\nholdout = 0.2"));
    let published = recipe.original().unwrap().unwrap();
    assert!(published.protocol.describe().contains("random") && published.reference.is_none());
    assert_eq!(published.name, recipe.name);
    assert!(recipe.protocol.describe().contains("speakers"));
    assert!(read("").original().unwrap().is_none());

    let place = "[reference.original]";
    refused(&original("kind = \"random\"\nholdut = 0.2"), &[place, "holdut", "did you mean `holdout`"]);
    refused(&original("kind = \"random\"\nholdout = 2.0"), &[place, "[protocol]", "holdout"]);
    refused(&format!("{reference}[reference.original]\nsede = 2\n"), &[place, "sede", "did you mean `seed`"]);
    refused(&format!("{reference}[reference.original]\nseed = \"x\"\n"), &[place, "seed"]);
    refused(&format!("{reference}[reference.original]\nname = \"x\"\n"), &[place, "name"]);
    refused(&format!("{reference}[reference.original.reference]\nrow = \"x\"\n"), &[place, "reference"]);
    // Changed on the command line, the recipe need no longer fit what was published.
    let keys = format!("{SMALL}{reference}[reference.original.model]\nc = 2.0\n");
    Recipe::parse(&keys, "r.toml").unwrap();
    Recipe::with_overrides(&keys, "r.toml", &[Override::section("model", "kind", "lda")]).unwrap();
}

#[test]
fn published_figures_are_shares_of_named_rows() {
    let published = |figure: &str| format!("[reference]\nrow = \"R9 x\"\npublished = [{figure}]\n");
    read(&published("{ figure = \"best-epoch-accuracy\", value = 0.9, sd = 0.1 }"));
    refused("[reference]\nrow = \" \"", &["[reference] row"]);
    refused("[reference]\nrows = \"R9\"", &["rows", "did you mean `row`"]);
    refused(&published("{ figure = \"accuracy\", value = 91 }"), &["[reference] published", "91"]);
    refused(&published("{ figure = \"accuracy\", value = nan }"), &["[reference] published", "NaN"]);
    refused(&published("{ figure = \"accuracy\", value = 0.9, sd = -1.0 }"), &["[reference] published"]);
    refused(&published("{ figure = \"acuracy\", value = 0.9 }"), &["acuracy", "did you mean `accuracy`"]);
    refused(&published("{ figure = \"accuracy\" }"), &["value"]);
}

#[test]
fn spaces_of_settings() {
    let select = |text: &str| format!("[select]\n{text}\n");
    let space = |text: &str| format!("[select.space]\n{text}\n");
    read(&space("\"model.c\" = [0.1, 1.0]"));
    read(&format!("{}{}", select("trials = 3"), space("\"model.c\" = { low = 0.1, high = 10, log = true }")));
    for (text, words) in [
        (select("folds = 3"), &["select", "space"][..]),
        (space(""), &["[select.space]", "no key"]),
        (space("\"model.c\" = []"), &["[select.space] model.c", "empty"]),
        (space("\"model.c\" = 0.1"), &["model.c", "a list of values, or a range"]),
        (space("\"model.c\" = { low = 1, hihg = 2 }"), &["model.c", "a list of values, or a range"]),
        (space("\"model.c\" = { low = 1, high = 2 }"), &["[select.space] model.c", "`trials`"]),
        (select("folds = 1\n[select.space]\n\"model.c\" = [1.0]"), &["[select] folds = 1"]),
        (select("trials = 0\n[select.space]\n\"model.c\" = [1.0]"), &["[select] trials"]),
        (select("metric = \"accuracy\"\n[select.space]\n\"model.c\" = [1.0]"), &["accuracy", "war"]),
        (select("fold = 3\n[select.space]\n\"model.c\" = [1.0]"), &["fold", "did you mean `folds`"]),
        (
            select("trials = 3\n[select.space]\n\"model.c\" = { low = 2, high = 1 }"),
            &["[select.space] model.c", "2 to 1"],
        ),
        (
            select("trials = 3\n[select.space]\n\"model.c\" = { low = nan, high = 1 }"),
            &["[select.space] model.c", "NaN"],
        ),
        (
            select("trials = 3\n[select.space]\n\"model.c\" = { low = 0, high = 1, log = true }"),
            &["[select.space] model.c", "logarithm"],
        ),
    ] {
        refused(&text, words);
    }
    for key in ["seed", "name", "protocol.kind", "corpus.name", "select.folds", "reference.row"] {
        refused(&space(&format!("\"{key}\" = [1]")), &["[select.space]", key, "cannot be chosen"]);
    }
    let keys: Vec<String> = (0..6).map(|key| format!("\"features.k{key}\" = {:?}\n", [0; 10])).collect();
    refused(&space(&keys.concat()), &["[select.space]", "100000", "`trials`"]);
}
