use super::*;
use crate::Quiet;
use crate::reference::Published;
use crate::testing::corpus;

const ORIGINAL: &str = "[reference.original.protocol]\nkind = \"random\"\nfolds = 2\n";

/// A recipe's text over a corpus, with its row and whatever else.
fn text(name: &str, corpus: &Path, row: &str, rest: &str) -> String {
    format!(
        "name = \"{name}\"\n[corpus]\npath = '{}'\n[features]\nset = \"mfcc\"\nn = 8\n[model]\nkind = \"logistic\"\n\
         [reference]\nrow = \"{row}\"\npublished = [{{ figure = \"accuracy\", value = 0.9 }}, \
         {{ figure = \"precision\", value = 0.8 }}]\n{rest}",
        corpus.display()
    )
}

fn write(folder: &Path, file: &str, text: &str) {
    fs::write(folder.join(file), text).unwrap();
}

fn names(suite: &Suite) -> Vec<&str> {
    suite.entries.iter().map(|entry| entry.recipe.name.as_str()).collect()
}

fn only(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

#[test]
fn a_folder_is_opened_by_file_names_and_filtered_by_words() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    write(path, "b.toml", &text("second", path, "R2 Model A", ORIGINAL));
    write(path, "a.toml", &text("first", path, "R1 dense", ""));
    write(path, "notes.md", "no recipe");
    let suite = open_suite(path, &[], false).unwrap();
    assert_eq!(names(&suite), ["first", "second"]);
    assert!(suite.broken.is_empty());
    let variants: Vec<Vec<Variant>> =
        suite.entries.iter().map(|entry| entry.variants().map(|(variant, _)| variant).collect()).collect();
    assert_eq!(
        variants,
        [[Variant::Original, Variant::Honest]; 2],
        "a reference without differences is judged as such"
    );
    assert_eq!(names(&open_suite(path, &only(&["SECOND"]), false).unwrap()), ["second"]);
    assert_eq!(names(&open_suite(path, &only(&["r1 d", "model a"]), false).unwrap()), ["first", "second"]);
    write(path, "c.toml", &text("second-b", path, "R2 Model A, b", ""));
    assert_eq!(names(&open_suite(path, &only(&["secon"]), false).unwrap()), ["second", "second-b"]);
    assert_eq!(names(&open_suite(path, &only(&["Second"]), false).unwrap()), ["second"], "the whole name of one");
    assert_eq!(names(&open_suite(path, &only(&["r2 model a"]), false).unwrap()), ["second"], "the whole row of one");
    for several in ["r1 d, r2 model a", "second,,first,"] {
        assert_eq!(names(&open_suite(path, &only(&[several]), false).unwrap()), ["first", "second"], "{several}");
    }
    let row = "R2 Model A, b";
    assert_eq!(names(&open_suite(path, &only(&[row]), false).unwrap()), ["second-b"], "a row with a comma");
    let error = open_suite(path, &only(&["R3", "R4"]), false).unwrap_err().to_string();
    assert!(error.contains("R3 or R4"), "{error}");
}

#[test]
fn a_broken_recipe_does_not_stand_in_the_way_of_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    write(path, "a-broken.toml", &text("first", path, "R1", "").replace("mfcc", "mfccs"));
    write(path, "b.toml", &text("second", path, "R2", ""));
    write(path, "c-broken.toml", &text("third", path, "R3", "[reference.original]\nsede = 2\n"));
    write(path, "d-broken.toml", "no toml");
    let suite = open_suite(path, &[], false).unwrap();
    assert_eq!(names(&suite), ["second"]);
    let broken: Vec<String> = suite.broken.iter().map(|(path, error)| format!("{}: {error}", path.display())).collect();
    assert_eq!(broken.len(), 3);
    for (error, words) in
        broken.iter().zip([["a-broken.toml", "mfccs"], ["[reference.original]", "sede"], ["d-broken", ""]])
    {
        assert!(words.iter().all(|word| error.contains(word)), "{error}");
    }
    // Asked for one, nobody wants to hear of the others.
    assert!(open_suite(path, &only(&["second"]), false).unwrap().broken.is_empty());
    assert_eq!(open_suite(path, &only(&["R2", "D-BROKEN"]), false).unwrap().broken.len(), 1);
    let error = open_suite(path, &only(&["broken"]), false).unwrap_err().to_string();
    assert!(error.contains("mfccs"), "the first error where no recipe is left: {error}");
}

#[test]
fn folders_without_recipes_and_equal_names_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let error = open_suite(path, &[], false).unwrap_err().to_string();
    assert!(error.contains("no recipe (*.toml)") && error.contains(path.to_str().unwrap()), "{error}");
    assert!(matches!(open_suite(&path.join("nowhere"), &[], false), Err(Error::Io { .. })));
    write(path, "a.toml", &text("same", path, "R1", ""));
    write(path, "b.toml", &text("same", path, "R2", ""));
    let error = open_suite(path, &[], false).unwrap_err().to_string();
    assert!(error.contains("two recipes are called same"), "{error}");
}

#[test]
fn quick_divides_every_number_of_epochs_by_ten() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let with = |name: &str, model: &str| {
        write(path, &format!("{name}.toml"), &text(name, path, "R1", ORIGINAL).replace("kind = \"logistic\"", model));
    };
    with("dense", "kind = \"dense\"\nepochs = 57");
    with("few", "kind = \"dense\"\nepochs = 3");
    with("logistic", "kind = \"logistic\"");
    let cosine = "{ kind = \"cosine\", warmup_epochs = 20 }";
    with("network", &format!("kind = \"network\"\nlayers = []\ntraining = {{ epochs = 200, schedule = {cosine} }}"));
    let inner = "{ kind = \"dense\", epochs = 40 }";
    with("rest", &format!("kind = \"one-vs-rest\"\nmember = {inner}\narbiter = {inner}"));
    let space = "\n[select.space]\n\"model.epochs\" = [50, 200]\nmodel = [{ kind = \"dense\", epochs = 40 }]\n\
                 \"model.member.epochs\" = { low = 30, high = 31, whole = true }";
    with("some", &format!("kind = \"dense\"\nepochs = 20\n[select]\ntrials = 2{space}"));
    let epochs = |quick: bool| -> Vec<Vec<i64>> {
        let suite = open_suite(path, &[], quick).unwrap();
        suite
            .entries
            .iter()
            .map(|entry| {
                let (_, recipe) = entry.variants().next().unwrap();
                let text = recipe.to_toml().unwrap();
                let lines = text.lines().filter_map(|line| line.strip_prefix("epochs = "));
                lines.map(|epochs| epochs.parse().unwrap()).collect()
            })
            .collect()
    };
    assert_eq!(epochs(false), [vec![57], vec![3], vec![], vec![200], vec![40, 40], vec![20, 40]]);
    assert_eq!(epochs(true), [vec![5], vec![1], vec![], vec![20], vec![4, 4], vec![2, 4]]);
    // What a selection chooses among as well.
    let quick = open_suite(path, &only(&["some"]), true).unwrap().entries.remove(0);
    let space = quick.variants().next().unwrap().1.select.clone().unwrap().space;
    let space = toml::to_string(&space).unwrap();
    assert!(space.contains("[5, 20]") && space.contains("epochs = 4\n"), "{space}");
    assert!(space.contains("low = 3.0") && space.contains("high = 4.0"), "{space}");
}

#[test]
fn outcomes_are_kept_and_found_by_recipe_and_variant() {
    let voices = corpus(3, &[0.3, 0.4]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let (recipes, out, table) = (path.join("recipes"), path.join("runs"), path.join("docs").join("table.md"));
    fs::create_dir(&recipes).unwrap();
    let copies = "[augmentation]\ncopies = [[{ effect = \"gain\", db = 6 }]]\n";
    let before = "[reference.original.augmentation]\nwhen = \"before-split\"\n";
    let honest = text("tones", voices.path(), "R9 tones", &format!("{ORIGINAL}{before}")).replacen(
        "[features]",
        &format!("{copies}[features]"),
        1,
    );
    write(&recipes, "tones.toml", &honest);
    let open = || open_suite(&recipes, &[], false).unwrap();
    let suite = open();
    let entry = &suite.entries[0];
    let mut results = Results::load(&table.with_extension("json")).unwrap();
    let mut heard = None;
    let known = |results: &Results, suite: &Suite| -> Vec<bool> {
        suite.entries[0].variants().map(|(variant, recipe)| results.find(variant, recipe).is_some()).collect()
    };
    assert_eq!(known(&results, &suite), [false, false]);

    let original = judge(entry, Variant::Original, &mut heard, &[], &out, &Quiet).unwrap();
    assert!(original.terms.contains("36 recordings") && original.terms.contains("random"), "{}", original.terms);
    assert!(original.leaks.iter().any(|leak| leak.contains("a modified copy or the original")), "{:?}", original.leaks);
    results.insert(original.clone());
    results.save(&table).unwrap();
    let mut results = Results::load(&table.with_extension("json")).unwrap();
    assert_eq!(known(&results, &suite), [true, false]);
    let honest = judge(entry, Variant::Honest, &mut heard, &[], &out, &Quiet).unwrap();
    assert!(honest.terms.contains("18 recordings") && honest.leaks.is_empty(), "{honest:?}");
    assert_eq!(
        honest.figures.iter().map(|(figure, _)| *figure).collect::<Vec<_>>(),
        [Figure::Accuracy, Figure::Precision]
    );
    // Judged alone, it is the same as after the other variant.
    let alone = judge(entry, Variant::Honest, &mut None, &[], &out, &Quiet).unwrap();
    assert_eq!(Outcome { seconds: honest.seconds, ..alone }, honest);
    results.insert(honest);
    results.save(&table).unwrap();
    assert_eq!(known(&results, &suite), [true, true]);
    for run in ["tones-original", "tones-honest", "tones-honest-2"] {
        assert!(out.join(run).join("receipt.json").exists(), "{run}");
    }
    assert_eq!(fs::read_to_string(&table).unwrap(), results.to_markdown());

    // Notes and published figures may change; what figures depend on may not.
    let rewrite = |from: &str, to: &str| {
        let text = fs::read_to_string(recipes.join("tones.toml")).unwrap();
        assert!(text.contains(from));
        write(&recipes, "tones.toml", &text.replacen(from, to, 1));
        open()
    };
    let noted = rewrite("value = 0.9", "value = 0.7");
    assert_eq!(known(&results, &noted), [true, true]);
    write(&recipes, "NOTES.md", "## Beside them\n\nA remark.\n");
    results.update(&open());
    assert!(results.to_markdown().contains("| accuracy (WAR) | 0.700 |"), "{}", results.to_markdown());
    assert!(results.to_markdown().ends_with("\n\n## Beside them\n\nA remark.\n"), "{}", results.to_markdown());
    let other = rewrite("folds = 2", "folds = 3");
    assert_eq!(known(&results, &other), [false, true]);
    results.update(&other);
    assert_eq!(known(&results, &noted), [false, true], "what the recipe before came to is gone");
    assert_eq!(known(&results, &rewrite("kind = \"logistic\"", "kind = \"logistic\"\nc = 0.5")), [false, false]);
}

#[test]
fn damaged_results_are_refused_and_left_as_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("results.json");
    assert_eq!(Results::load(&path).unwrap(), Results::default());
    for damaged in ["", "{\"outcomes\":", "[1]", "{\"outcomes\":{\"a\":{\"other\":{}}}}", "\u{0}"] {
        fs::write(&path, damaged).unwrap();
        let error = Results::load(&path).unwrap_err();
        assert!(matches!(error, Error::NotOurs { .. }), "{error:?}");
        let message = error.to_string();
        assert!(message.contains("results.json") && message.contains("move it away"), "{message}");
        assert_eq!(fs::read_to_string(&path).unwrap(), damaged);
    }
    assert!(matches!(Results::load(folder.path()), Err(Error::Io { .. })));
}

fn outcome(recipe: &str, variant: Variant, accuracy: f64) -> Outcome {
    let interval = |value: f64| Interval {
        low: value - 0.1,
        high: value + 0.1,
        level: 0.95,
        method: stimmung_evaluation::Resampled::Speakers,
        resamples: 1000,
    };
    let measured = |pooled: f64| Measured {
        pooled,
        over_folds: Some(MeanSd { mean: pooled, sd: Some(0.05) }),
        interval: Some(interval(pooled)),
    };
    let published = |figure, value, sd| Published { figure, value, sd };
    Outcome {
        recipe: recipe.to_owned(),
        corpus: "emodb".to_owned(),
        description: "What it is.".to_owned(),
        adaptation: AdaptationMode::None,
        chosen: Vec::new(),
        variant,
        reference: Some(Reference {
            row: format!("R9 {recipe}"),
            published: vec![published(Figure::Accuracy, 0.9, None), published(Figure::Precision, 0.8, Some(0.02))],
            note: "A note.".to_owned(),
            original: toml::Table::new(),
        }),
        configuration: String::new(),
        terms: format!("{} terms", variant.name()),
        figures: vec![
            (Figure::Accuracy, measured(accuracy)),
            (Figure::Precision, Measured { pooled: 0.5, over_folds: None, interval: None }),
        ],
        uar: measured(accuracy - 0.05),
        leaks: if variant == Variant::Original { vec!["voices".to_owned()] } else { Vec::new() },
        warnings: vec!["few".to_owned()],
        dropped: 0,
        seconds: 10.4,
        threads: 2,
        stimmung: env!("CARGO_PKG_VERSION").to_owned(),
    }
}

#[test]
fn the_table_shows_published_original_and_honest_figures_with_their_gap() {
    let mut results = Results::default();
    results.insert(outcome("a", Variant::Original, 0.85));
    results.insert(outcome("a", Variant::Honest, 0.6));
    results.insert(outcome("b", Variant::Honest, 0.7));
    let mut bare = outcome("c", Variant::Honest, 0.5);
    bare.reference = None;
    results.insert(bare);
    let table = results.to_markdown();
    let row = |line: &str| assert!(table.lines().any(|it| it == line), "{line}\n{table}");
    let headings: Vec<&str> = table.lines().filter(|line| line.starts_with("## ")).collect();
    assert_eq!(headings, ["## R9", "## emodb, no adaptation"]);
    row("| row | recipe | figure | published | original | honest | gap | honest UAR | seconds |");
    row(
        "| R9 a | `a` | accuracy (WAR) | 0.900 | 0.850 (0.850 ± 0.050) | 0.600 [0.500, 0.700] | +0.250 | 0.550 [0.450, 0.650] | 21 |",
    );
    row("|  |  | macro precision | 0.800 ± 0.020 | 0.500 | 0.500 | +0.000 |  |  |");
    // What was not judged yet is empty.
    row("| R9 b | `b` | accuracy (WAR) | 0.900 |  | 0.700 [0.600, 0.800] |  | 0.650 [0.550, 0.750] | 10 |");
    row("| `c` | 0.450 [0.350, 0.550] | 0.500 [0.400, 0.600] | What it is. |  | 10 |");
    row("- R9 a: *original*: emodb, original terms; leak: voices; few");
    row("- all rows: *honest*: emodb, honest terms; few");
    row("- all rows: A note.");
    // A later outcome takes the place of the one before.
    results.insert(outcome("b", Variant::Honest, 0.1));
    assert!(!results.to_markdown().contains("0.700 [0.600, 0.800]"));
}

#[test]
fn alternatives_stand_best_first_and_apart_by_what_was_known_of_the_speaker() {
    let mut results = Results::default();
    for (name, accuracy, adaptation) in [
        ("good", 0.6, AdaptationMode::None),
        ("better", 0.7, AdaptationMode::None),
        ("best", 0.8, AdaptationMode::Transductive),
    ] {
        let chosen = vec!["model.c = 1.0 (7)".to_owned(), "model.c = 0.1 (3)".to_owned()];
        results.insert(Outcome { reference: None, adaptation, chosen, ..outcome(name, Variant::Honest, accuracy) });
    }
    let table = results.to_markdown();
    let order = ["# Results of alt", "## emodb, no ad", "`better`", "`good`", "## emodb, transductive ad", "`best`"];
    assert!(order.is_sorted_by_key(|text| table.find(text).unwrap()), "{table}");
    assert!(table.contains("| What it is. | model.c = 1.0 (7); model.c = 0.1 (3) | 10 |"), "{table}");
}

#[test]
fn settings_are_chosen_inside_the_training_parts() {
    let folder = corpus(3, &[0.3, 0.4]);
    let path = folder.path();
    let recipe = format!(
        "name = \"chosen\"\n[corpus]\npath = '{}'\n[features]\nset = \"mfcc\"\nn = 8\n[model]\nkind = \"logistic\"\n\
         [select]\nfolds = 2\n[select.space]\n\"model.c\" = [0.001, 1.0]\n",
        path.display()
    );
    write(path, "a.toml", &recipe);
    let suite = open_suite(path, &[], false).unwrap();
    let entry = &suite.entries[0];
    let out = path.join("runs");
    let outcome = judge(entry, Variant::Honest, &mut None, &[], &out, &Quiet).unwrap();
    assert!(outcome.terms.contains("settings chosen inside each training part, of 2"), "{}", outcome.terms);
    let folds: usize =
        outcome.chosen.iter().map(|it| it.split(['(', ')']).nth(1).unwrap().parse::<usize>().unwrap()).sum();
    assert_eq!(folds, 3, "{:?}", outcome.chosen);
    assert!(out.join("chosen-honest/trials.csv").is_file() && !out.join("chosen-honest.log").exists());
}

#[test]
fn rows_stand_in_counting_order() {
    let mut results = Results::default();
    for name in ["net-100", "net-50", "net-50-b", "net-7-mfcc20", "net-7-mfcc13"] {
        results.insert(outcome(name, Variant::Honest, 0.5));
    }
    let table = results.to_markdown();
    let place = |name: &str| table.find(&format!("`{name}`")).unwrap();
    let order = ["net-7-mfcc13", "net-7-mfcc20", "net-50", "net-50-b", "net-100"];
    assert!(order.is_sorted_by_key(|name| place(name)), "{table}");
}
